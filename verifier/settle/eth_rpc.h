/* JSON-RPC 2.0 over HTTP, to a node that is not trusted: what it answers is bounded in size and number of
 * values, and must be an answer to what was asked.
 *
 * A client belongs to one thread at a time. */
#ifndef HF_ETH_RPC_H
#define HF_ETH_RPC_H

#include <hyperfold/status.h>
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hf_rpc hf_rpc;

typedef struct hf_rpc_options {
  const char
      *url; /* http:// or https://; may hold a password or a token: no message shows more than its host */
  uint32_t timeout_ms;   /* of one call; default 30,000 */
  size_t response_limit; /* bytes; default 16 MiB */
} hf_rpc_options;        /* a zero means the default */

/* HF_E_ARGUMENT for another kind of URL, HF_E_MEMORY. Nothing is sent yet. */
hf_status hf_rpc_open(const hf_rpc_options *options, hf_rpc **out);
void hf_rpc_close(hf_rpc **rpc); /* NULL is allowed */
/* Scheme, host and port: for messages. */
const char *hf_rpc_host(const hf_rpc *rpc);

/* An error that the node answered. */
typedef struct hf_rpc_error {
  int64_t code;
  char message[256]; /* printable ASCII, cut */
  uint8_t *data;     /* of a revert, owned (hf_rpc_error_free); NULL: none came */
  size_t data_length;
} hf_rpc_error;
void hf_rpc_error_free(hf_rpc_error *error); /* a zeroed one is fine */

/* Calls `method`; `params` is an array whose reference is taken (NULL: no memory, HF_E_MEMORY). *result is a
 * new reference. HF_E_REFUSED: the node answered with an error, which is in `error` (may be NULL);
 * HF_E_FORMAT: an answer that is none; HF_E_RANGE: one that is too large; HF_E_TIMEOUT; HF_E_BUSY: told to
 * come later; HF_E_IO. */
hf_status hf_rpc_call(hf_rpc *rpc, const char *method, json_t *params, json_t **result, hf_rpc_error *error);

/* A string without a NUL in it; NULL for anything else. Answers may hold NULs (some nodes put a revert's raw
 * bytes into their message), which would hide what stands behind them. */
const char *hf_rpc_text(const json_t *value);

/* The parser behind it: one answer to the call numbered `id`. Statuses as above. */
#define HF_RPC_VALUES_MAX                                                                                    \
  400000 /* JSON values of an answer: what bounds the memory that it takes, about 80 MiB */
hf_status hf_rpc_parse(const char *text, size_t length, uint64_t id, json_t **result, hf_rpc_error *error);

#endif
