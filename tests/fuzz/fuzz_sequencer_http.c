/* HTTP requests above the sockets: method, path, chain and body, cut at NUL bytes. Every request has a reply
 * that is JSON. The chain lives in a folder of its own for as long as the process runs. */
#include "http.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static hf_sequencer *sequencer(void) {
  static hf_sequencer *s;
  static char folder[] = "/tmp/hf-fuzz-http-XXXXXX", path[64];
  if (s) return s;
  if (!mkdtemp(folder)) abort();
  (void)snprintf(path, sizeof path, "%s/chain.db", folder);
  hf_chain_options chain = {.path = path, .chain_id = {7, 0}, .params = {4, 4}, .pool_limit = 8};
  hf_sequencer_options options = {.chains = &chain, .chain_count = 1};
  if (hf_sequencer_open(&options, &s) != HF_OK) abort();
  return s;
}

/* The next piece as a string: fresh memory, so that a read past its end is seen. */
static char *piece(const uint8_t **data, size_t *size) {
  size_t n = strnlen((const char *)*data, *size);
  char *text = malloc(n + 1);
  if (!text) abort();
  if (n) memcpy(text, *data, n);
  text[n] = 0;
  n += n < *size;
  *data += n;
  *size -= n;
  return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  char *method = piece(&data, &size), *path = piece(&data, &size), *chain = piece(&data, &size);
  hf_http_request request = {method, path, *chain ? chain : NULL, (const char *)data, size};
  hf_web_reply reply;
  hf_http_handle(sequencer(), &request, &reply);
  json_t *json = json_loadb(reply.body.data ? (const char *)reply.body.data : "", reply.body.length, 0, NULL);
  if (!json || reply.code < 200 || reply.code > 503) abort();
  json_decref(json);
  hf_writer_free(&reply.body);
  free(method);
  free(path);
  free(chain);
  return 0;
}
