#include "eth_rpc.h"

#include <curl/curl.h>
#include <hyperfold/bytes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REVERT_DATA_MAX 65536 /* bytes kept of a revert's data */

struct hf_rpc {
  CURL *curl;
  struct curl_slist *headers;
  char *url;
  char host[160];
  size_t limit;
  uint64_t id;
  char problem[CURL_ERROR_SIZE];
};

/* ---- answers ---- */

void hf_rpc_error_free(hf_rpc_error *error) {
  free(error->data);
  memset(error, 0, sizeof *error);
}

/* jansson takes up to about 150 bytes for two bytes of text ("[]"); so values are counted before it sees
 * them. */
static bool values_within(const char *text, size_t length, size_t limit) {
  size_t count = 0;
  bool quoted = false;
  for (size_t i = 0; i < length; i++) {
    char c = text[i];
    if (quoted) {
      if (c == '\\')
        i++;
      else if (c == '"')
        quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',' || c == '[' || c == '{') {
      if (++count > limit) return false;
    }
  }
  return true;
}

static void copy_message(const char *from, size_t length, char *to, size_t size) {
  size_t n = 0;
  for (; n < length && n + 1 < size; n++) to[n] = from[n] >= ' ' && from[n] <= '~' ? from[n] : '?';
  to[n] = 0;
}

const char *hf_rpc_text(const json_t *value) {
  const char *text = json_string_value(value);
  return text != NULL && strlen(text) == json_string_length(value) ? text : NULL;
}

/* Nodes put a revert's data into error.data as text, or one object deeper. */
static void take_revert_data(const json_t *data, hf_rpc_error *error) {
  if (json_is_object(data)) data = json_object_get(data, "data");
  const char *text = hf_rpc_text(data);
  size_t length = text != NULL ? strlen(text) : 0;
  if (length < 2 || length % 2 != 0 || strncmp(text, "0x", 2) != 0 || length / 2 - 1 > REVERT_DATA_MAX)
    return;
  uint8_t *bytes = malloc(length / 2);
  if (bytes == NULL) return;
  if (length > 2 && hf_unhex(text, bytes, length / 2 - 1) != HF_OK) {
    free(bytes);
    return;
  }
  error->data = bytes;
  error->data_length = length / 2 - 1;
}

static hf_status refused(const json_t *problem, hf_rpc_error *error) {
  hf_rpc_error told = {0};
  const json_t *code = json_object_get(problem, "code");
  const json_t *message = json_object_get(problem, "message");
  if (!json_is_object(problem) || !json_is_integer(code) || !json_is_string(message))
    return hf_fail(HF_E_FORMAT, "an error of the node without code and message");
  told.code = json_integer_value(code);
  copy_message(json_string_value(message), json_string_length(message), told.message, sizeof told.message);
  hf_status status = hf_fail(HF_E_REFUSED, "the node says: %s (%lld)", told.message, (long long)told.code);
  if (error != NULL) {
    take_revert_data(json_object_get(problem, "data"), &told);
    *error = told;
  }
  return status;
}

hf_status hf_rpc_parse(const char *text, size_t length, uint64_t id, json_t **result, hf_rpc_error *error) {
  hf_status status = HF_OK;
  json_error_t where;
  *result = NULL;
  if (error != NULL) memset(error, 0, sizeof *error);
  if (!values_within(text, length, HF_RPC_VALUES_MAX))
    return hf_fail(HF_E_RANGE, "an answer of more than %d values", HF_RPC_VALUES_MAX);
  json_t *answer = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &where);
  if (answer == NULL) return hf_fail(HF_E_FORMAT, "an answer that is no JSON: %.120s", where.text);
  const json_t *got = json_object_get(answer, "id"), *problem = json_object_get(answer, "error");
  json_t *value = json_object_get(answer, "result");
  const char *version = hf_rpc_text(json_object_get(answer, "jsonrpc"));
  if (version == NULL || strcmp(version, "2.0") != 0)
    HF_TRY(hf_fail(HF_E_FORMAT, "an answer that is no JSON-RPC 2.0"));
  /* A request that the node could not read is answered under the id null. */
  const bool mine = json_is_integer(got) && (uint64_t)json_integer_value(got) == id;
  if (!mine && !(json_is_null(got) && json_is_object(problem)))
    HF_TRY(hf_fail(HF_E_FORMAT, "an answer to another call (its id is not ours)"));
  if (problem != NULL && !json_is_null(problem)) HF_TRY(refused(problem, error));
  if (value == NULL) HF_TRY(hf_fail(HF_E_FORMAT, "an answer with neither result nor error"));
  *result = json_incref(value);
out:
  json_decref(answer);
  return status;
}

/* ---- HTTP ---- */

static hf_status take_host(hf_rpc *rpc, const char *url) {
  CURLU *parts = curl_url();
  char *scheme = NULL, *host = NULL, *port = NULL;
  hf_status status = HF_OK;
  if (parts == NULL) return hf_fail(HF_E_MEMORY, "no memory for a URL");
  if (curl_url_set(parts, CURLUPART_URL, url, 0) != CURLUE_OK ||
      curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
      curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
      curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
      (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
    status = hf_fail(HF_E_ARGUMENT, "a node's address is http://HOST:PORT or https://...");
  if (status == HF_OK) {
    char whole[sizeof rpc->host];
    snprintf(whole, sizeof whole, "%.8s://%.100s:%.8s", scheme, host, port);
    copy_message(whole, strlen(whole), rpc->host, sizeof rpc->host);
    /* A node on this machine is not reached through a proxy of the environment. */
    if (strcmp(host, "127.0.0.1") == 0 || strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
      curl_easy_setopt(rpc->curl, CURLOPT_PROXY, "");
  }
  curl_free(scheme);
  curl_free(host);
  curl_free(port);
  curl_url_cleanup(parts);
  return status;
}

hf_status hf_rpc_open(const hf_rpc_options *options, hf_rpc **out) {
  hf_status status = HF_OK;
  *out = NULL;
  hf_rpc *rpc = calloc(1, sizeof *rpc);
  if (rpc == NULL) return hf_fail(HF_E_MEMORY, "no memory for a client");
  rpc->limit = options->response_limit ? options->response_limit : (size_t)16 << 20;
  rpc->url = strdup(options->url);
  rpc->curl = curl_easy_init();
  rpc->headers = curl_slist_append(NULL, "Content-Type: application/json");
  if (rpc->url == NULL || rpc->curl == NULL || rpc->headers == NULL)
    HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a client"));
  HF_TRY(take_host(rpc, options->url));
  long timeout = options->timeout_ms ? (long)options->timeout_ms : 30000;
  curl_easy_setopt(rpc->curl, CURLOPT_URL, rpc->url);
  curl_easy_setopt(rpc->curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(rpc->curl, CURLOPT_FOLLOWLOCATION, 0L); /* a node does not send us elsewhere */
  curl_easy_setopt(rpc->curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(rpc->curl, CURLOPT_TIMEOUT_MS, timeout);
  curl_easy_setopt(rpc->curl, CURLOPT_CONNECTTIMEOUT_MS, timeout < 10000 ? timeout : 10000L);
  curl_easy_setopt(rpc->curl, CURLOPT_HTTPHEADER, rpc->headers);
  curl_easy_setopt(rpc->curl, CURLOPT_ERRORBUFFER, rpc->problem);
  curl_easy_setopt(rpc->curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)rpc->limit);
  *out = rpc;
  rpc = NULL;
out:
  hf_rpc_close(&rpc);
  return status;
}

void hf_rpc_close(hf_rpc **rpc) {
  if (*rpc == NULL) return;
  curl_slist_free_all((*rpc)->headers);
  if ((*rpc)->curl != NULL) curl_easy_cleanup((*rpc)->curl);
  free((*rpc)->url);
  free(*rpc);
  *rpc = NULL;
}

const char *hf_rpc_host(const hf_rpc *rpc) { return rpc->host; }

typedef struct intake {
  hf_writer body;
  size_t limit;
  bool over;
} intake;

static size_t take_body(char *data, size_t size, size_t count, void *context) {
  intake *in = context;
  const size_t length = size * count;
  if (length > in->limit - in->body.length) {
    in->over = true;
    return 0; /* ends the transfer */
  }
  hf_write_bytes(&in->body, data, length);
  return in->body.failed ? 0 : length;
}

static hf_status transfer(hf_rpc *rpc, const char *request, intake *in, long *code) {
  curl_easy_setopt(rpc->curl, CURLOPT_POSTFIELDS, request);
  curl_easy_setopt(rpc->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(request));
  curl_easy_setopt(rpc->curl, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(rpc->curl, CURLOPT_WRITEDATA, in);
  rpc->problem[0] = 0;
  CURLcode result = curl_easy_perform(rpc->curl);
  if (in->over || result == CURLE_FILESIZE_EXCEEDED)
    return hf_fail(HF_E_RANGE, "an answer of more than %zu bytes", in->limit);
  if (in->body.failed) return hf_fail(HF_E_MEMORY, "no memory for an answer");
  if (result == CURLE_OPERATION_TIMEDOUT) return hf_fail(HF_E_TIMEOUT, "no answer in time");
  if (result != CURLE_OK) return hf_fail(HF_E_IO, "%s", curl_easy_strerror(result));
  curl_easy_getinfo(rpc->curl, CURLINFO_RESPONSE_CODE, code);
  return HF_OK;
}

hf_status hf_rpc_call(hf_rpc *rpc, const char *method, json_t *params, json_t **result, hf_rpc_error *error) {
  hf_status status;
  intake in = {.limit = rpc->limit};
  long code = 0;
  *result = NULL;
  if (error != NULL) memset(error, 0, sizeof *error);
  json_t *call = json_pack("{s:s, s:I, s:s, s:o}", "jsonrpc", "2.0", "id", (json_int_t)++rpc->id, "method",
                           method, "params", params);
  char *request = call != NULL ? json_dumps(call, JSON_COMPACT) : NULL;
  json_decref(call);
  if (request == NULL) return hf_fail(HF_E_MEMORY, "no memory for a call of %s", method);
  HF_TRY(transfer(rpc, request, &in, &code));
  status = hf_rpc_parse((const char *)in.body.data, in.body.length, rpc->id, result, error);
  if (status == HF_OK || status == HF_E_REFUSED)
    goto out; /* some nodes answer errors with a code other than 200 */
  if (code == 429 || code == 503)
    status = hf_fail(HF_E_BUSY, "HTTP status %ld: come later", code);
  else if (code != 200)
    status = hf_fail(HF_E_IO, "HTTP status %ld", code);
out:
  if (status != HF_OK) (void)hf_fail_context(status, "%s at %s", method, rpc->host);
  free(request);
  hf_writer_free(&in.body);
  return status;
}
