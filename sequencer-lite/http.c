#include "http.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define RETRY_AFTER_S 1

/* Appends formatted text; every piece is short and what strangers sent is never in it. */
__attribute__((format(printf, 2, 3))) static void put(hf_writer *w, const char *format, ...) {
  char text[1200];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (n > 0) hf_write_bytes(w, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

static void put_hex(hf_writer *w, const char *name, const void *bytes, size_t length) {
  char hex[2 * 64 + 1];
  hf_hex(bytes, length, hex);
  put(w, "\"%s\":\"%s\"", name, hex);
}

static void put_u64(hf_writer *w, const char *name, uint64_t v) {
  put(w, "\"%s\":\"%llu\"", name, (unsigned long long)v);
}

/* `reason` is a fixed text without quotes. */
static void refuse(hf_web_reply *reply, unsigned code, const char *error, const char *reason) {
  hf_writer_free(&reply->body);
  reply->body = (hf_writer){0};
  reply->code = code;
  put(&reply->body, "{\"error\":\"%s\",\"reason\":\"%s\"}", error, reason);
}

/* What a failure inside means for the one who asked. */
static void refuse_status(hf_web_reply *reply, hf_status status, const char *what) {
  switch (status) {
  case HF_E_NOT_FOUND:
    refuse(reply, 404, "not_found", what);
    break;
  case HF_E_BUSY:
  case HF_E_FULL:
    reply->retry_after_s = RETRY_AFTER_S;
    refuse(reply, 503, "busy", "try again later");
    break;
  default:
    refuse(reply, 500, "internal", hf_status_text(status));
    break;
  }
}

/* ---- what is asked for ---- */

static hf_chain *which_chain(hf_sequencer *s, const hf_http_request *request, hf_web_reply *reply) {
  hf_chain_id id;
  if (!request->chain) {
    if (hf_sequencer_chain_count(s) == 1) return hf_sequencer_chain(s, 0);
    refuse(reply, 400, "chain_id", "there are several chains: say ?chain=ID");
    return NULL;
  }
  if (hf_chain_id_parse(request->chain, &id) != HF_OK) {
    refuse(reply, 400, "chain_id", "a chain id is a decimal number");
    return NULL;
  }
  hf_chain *chain = hf_sequencer_find(s, id);
  if (!chain) refuse(reply, 404, "chain_id", "no such chain here");
  return chain;
}

static void put_chain(hf_chain *chain, hf_writer *w) {
  hf_chain_info info;
  char id[HF_CHAIN_ID_TEXT];
  hf_chain_get_info(chain, &info);
  hf_chain_id_text(info.chain_id, id);
  put(w, "{\"chain_id\":\"%s\",\"depth\":%u,\"slots\":%u,\"mode\":\"%s\",\"operator\":%u,", id,
      info.params.depth, info.params.slots, info.mode == HF_MODE_ROLLUP ? "rollup" : "validium",
      info.operator_index);
  put_hex(w, "root", info.root, 32);
  put(w, ",");
  put_u64(w, "batches", info.batches);
  put(w, ",");
  put_u64(w, "unsubmitted", info.unsubmitted);
  put(w, ",");
  put_u64(w, "accounts", info.accounts);
  put(w, ",");
  put_u64(w, "deposits", info.deposits);
  put(w, ",");
  put_u64(w, "pending", info.pending);
  put(w, ",");
  put_u64(w, "sealed", info.sealed);
  put(w, "}");
}

static void get_chain(hf_sequencer *s, const hf_http_request *request, hf_web_reply *reply) {
  hf_chain *chain = which_chain(s, request, reply);
  if (chain) put_chain(chain, &reply->body);
}

static void get_chains(hf_sequencer *s, hf_web_reply *reply) {
  put(&reply->body, "{\"chains\":[");
  for (size_t i = 0; i < hf_sequencer_chain_count(s); i++) {
    if (i) put(&reply->body, ",");
    put_chain(hf_sequencer_chain(s, i), &reply->body);
  }
  put(&reply->body, "]}");
}

static void get_account(hf_sequencer *s, const hf_http_request *request, const char *name,
                        hf_web_reply *reply) {
  hf_bjj key;
  hf_account_info info;
  char hex[HF_KEY_HEX];
  hf_chain *chain = which_chain(s, request, reply);
  if (!chain) return;
  if (hf_key_parse(name, &key) != HF_OK) {
    refuse(reply, 400, "malformed", "a public key is 64 hex digits that name a point of the curve");
    return;
  }
  hf_status status = hf_chain_get_account(chain, key, &info);
  if (status != HF_OK) {
    refuse_status(reply, status, "no account has this key");
    return;
  }
  hf_writer *w = &reply->body;
  hf_key_text(key, hex);
  put(w, "{\"key\":\"%s\",\"index\":%u,\"sealed\":%s,", hex, info.index, info.sealed ? "true" : "false");
  put_u64(w, "balance", info.balance);
  put(w, ",\"nonce\":%u,", info.nonce);
  put_u64(w, "pending_balance", info.pending_balance);
  put(w, ",\"pending_nonce\":%u}", info.pending_nonce);
}

static void put_word(hf_writer *w, const hf_batch_record *record, int i) {
  uint64_t low = 0, high = 0;
  char text[HF_CHAIN_ID_TEXT];
  if (hf_record_words[i].type == HF_WORD_FIELD) {
    put_hex(w, hf_record_words[i].name, record->word[i], 32);
    return;
  }
  (void)hf_word_get_u128(record->word[i], &low, &high);
  hf_chain_id_text((hf_chain_id){low, high}, text);
  put(w, "\"%s\":\"%s\"", hf_record_words[i].name, text);
}

static void get_batch(hf_sequencer *s, const hf_http_request *request, const char *name,
                      hf_web_reply *reply) {
  uint64_t number = 0;
  hf_batch_info info;
  hf_chain *chain = which_chain(s, request, reply);
  if (!chain) return;
  if (hf_u64_parse(name, &number) != HF_OK || number > INT64_MAX) {
    refuse(reply, 400, "malformed", "a batch number is decimal");
    return;
  }
  hf_status status = hf_chain_get_batch(chain, number, &info);
  if (status != HF_OK) {
    refuse_status(reply, status, "no such batch yet");
    return;
  }
  hf_writer *w = &reply->body;
  put(w, "{\"number\":\"%llu\",", (unsigned long long)info.number);
  put_hex(w, "statement", info.statement, 32);
  put(w, ",");
  put_hex(w, "input_digest", info.input_digest.b, 32);
  put(w, ",\"input_bytes\":%llu,\"sealed_ms\":%llu,\"submitted\":%s,\"record\":{",
      (unsigned long long)info.input_length, (unsigned long long)info.sealed_ms,
      info.submitted ? "true" : "false");
  for (int i = 1; i < HF_RECORD_WORDS; i++) {
    if (i > 1) put(w, ",");
    put_word(w, &info.record, i);
  }
  put(w, "}}");
}

static void get_transaction(hf_sequencer *s, const hf_http_request *request, const char *name,
                            hf_web_reply *reply) {
  hf_digest hash;
  uint64_t batch = 0;
  uint32_t slot = 0;
  hf_chain *chain = which_chain(s, request, reply);
  if (!chain) return;
  if (hf_digest_parse(name, &hash) != HF_OK) {
    refuse(reply, 400, "malformed", "a transaction is named by 64 hex digits");
    return;
  }
  hf_status status = hf_chain_get_transaction(chain, &hash, &batch, &slot);
  if (status != HF_OK)
    refuse_status(reply, status, "no such transaction was accepted");
  else if (batch == 0)
    put(&reply->body, "{\"state\":\"pending\"}");
  else
    put(&reply->body, "{\"state\":\"sealed\",\"batch\":\"%llu\",\"slot\":%u}", (unsigned long long)batch,
        slot);
}

static hf_status append_answer(void *context, const hf_answer *answer) {
  hf_writer *w = context;
  char json[HF_ANSWER_JSON];
  hf_answer_json(answer, json);
  if (w->length && w->data[w->length - 1] == '}') hf_write_u8(w, ',');
  hf_write_bytes(w, json, strlen(json));
  return HF_OK; /* a lack of memory shows at the end: what is accepted must not be undone by it */
}

static void post_transactions(hf_sequencer *s, const hf_http_request *request, hf_web_reply *reply) {
  hf_tally tally;
  put(&reply->body, "{\"results\":[");
  hf_status status = hf_sequencer_submit_text(s, request->body ? request->body : "", request->length,
                                              append_answer, &reply->body, &tally);
  put(&reply->body, "]}");
  if (status != HF_OK) {
    refuse_status(reply, status, "");
  } else if (tally.lines == 0) {
    refuse(reply, 400, "malformed", "no transaction in the body: one line of JSON each");
  } else if (tally.busy) {
    reply->code = 503;
    reply->retry_after_s = RETRY_AFTER_S;
  }
}

/* ---- routes ---- */

static const char *after(const char *path, const char *prefix) {
  size_t n = strlen(prefix);
  return strncmp(path, prefix, n) == 0 ? path + n : NULL;
}

static void get(hf_sequencer *s, const hf_http_request *request, hf_web_reply *reply) {
  const char *name;
  if (strcmp(request->path, "/healthz") == 0)
    put(&reply->body, "{\"status\":\"ok\"}");
  else if (strcmp(request->path, "/v1/chain") == 0)
    get_chain(s, request, reply);
  else if (strcmp(request->path, "/v1/chains") == 0)
    get_chains(s, reply);
  else if ((name = after(request->path, "/v1/accounts/")))
    get_account(s, request, name, reply);
  else if ((name = after(request->path, "/v1/batches/")))
    get_batch(s, request, name, reply);
  else if ((name = after(request->path, "/v1/transactions/")))
    get_transaction(s, request, name, reply);
  else
    refuse(reply, 404, "not_found", "no such resource");
}

void hf_http_handle(hf_sequencer *sequencer, const hf_http_request *request, hf_web_reply *reply) {
  *reply = (hf_web_reply){.code = 200};
  const bool collection = strcmp(request->path, "/v1/transactions") == 0;
  if (collection && strcmp(request->method, "POST") == 0) {
    post_transactions(sequencer, request, reply);
  } else if (!collection && strcmp(request->method, "GET") == 0) {
    get(sequencer, request, reply);
  } else {
    reply->allow = collection ? "POST" : "GET";
    refuse(reply, 405, "method", "not with this method");
  }
  if (hf_writer_status(&reply->body) != HF_OK) {
    hf_writer_free(&reply->body);
    reply->body = (hf_writer){0};
    reply->code = 500;
  }
}
