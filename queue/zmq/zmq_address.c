/* Where a broker is, as text. */
#include "zmq/zmq_queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hf_status take_option(const char *text, size_t length, hf_zmq_address *out) {
  if (length > 11 && memcmp(text, "server-key=", 11) == 0)
    return hf_queue_part("server-key", text + 11, length - 11, out->server_key, sizeof out->server_key);
  if (length > 9 && memcmp(text, "key-file=", 9) == 0)
    return hf_queue_part("key-file", text + 9, length - 9, out->key_file, sizeof out->key_file);
  return hf_fail(HF_E_ARGUMENT, "queue: '%.*s' is no option of a broker; there are server-key= and key-file=",
                 (int)(length > 80 ? 80 : length), text);
}

static hf_status check_port(const char *host) {
  const char *colon = strrchr(host, ':'), *bracket = strrchr(host, ']');
  const char *digits = colon && (!bracket || bracket < colon) ? colon + 1 : "";
  unsigned long port = strtoul(digits, NULL, 10);
  if (colon == host || digits[0] == '\0' || strspn(digits, "0123456789") != strlen(digits) || port == 0 ||
      port > 65535)
    return hf_fail(HF_E_ARGUMENT, "queue: '%.80s' is no HOST:PORT of a broker", host);
  return HF_OK;
}

hf_status hf_zmq_address_parse(const char *location, hf_zmq_address *out) {
  hf_status status = HF_OK;
  memset(out, 0, sizeof *out);
  bool local = strncmp(location, "ipc:", 4) == 0;
  const char *text = location + (local ? 4 : 6), *query = strchr(text, '?');
  size_t length = query ? (size_t)(query - text) : strlen(text);
  char where[HF_ZMQ_TEXT - 8];
  HF_TRY(hf_queue_part(local ? "path of the socket" : "broker's HOST:PORT", text, length, where,
              local ? 108 : sizeof where));
  if (!local) HF_TRY(check_port(where));
  snprintf(out->endpoint, sizeof out->endpoint, "%s%s", local ? "ipc://" : "tcp://", where);
  snprintf(out->shown, sizeof out->shown, "%s%s", local ? "ipc:" : "zmq://", where);
  while (query) {
    const char *option = query + 1, *next = strchr(option, '&');
    HF_TRY(take_option(option, next ? (size_t)(next - option) : strlen(option), out));
    query = next;
  }
  if (!out->server_key[0] || !out->key_file[0])
    status = hf_fail(
        HF_E_ARGUMENT,
        "queue: a broker's location needs ?server-key=FILE&key-file=FILE: the broker's public key (its"
        " server.public, or the key in hex), and a key pair of one's own (hyperfold keys make)");
out:
  return status;
}
