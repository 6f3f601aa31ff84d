#include "eth_node.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_TIP 1000000000u /* 1 gwei */

/* ---- values of answers ---- */

static hf_status read_quantity(const json_t *value, const char *name, uint64_t *out) {
  const char *text = hf_rpc_text(value);
  hf_u256 wide;
  if (text == NULL || strncmp(text, "0x", 2) != 0 || hf_u256_parse(text, &wide) != HF_OK ||
      hf_u256_to_u64(&wide, out) != HF_OK)
    return hf_fail(HF_E_FORMAT, "the node's %s is no quantity of 64 bits", name);
  return HF_OK;
}

static hf_status read_hash(const json_t *value, const char *name, hf_eth_hash *out) {
  const char *text = hf_rpc_text(value);
  if (text == NULL || hf_eth_hash_parse(text, out) != HF_OK)
    return hf_fail(HF_E_FORMAT, "the node's %s is no hash", name);
  return HF_OK;
}

/* Fresh memory for the caller; NULL with length 0 for "0x". */
static hf_status read_data(const json_t *value, const char *name, uint8_t **data, size_t *length) {
  const char *text = hf_rpc_text(value);
  size_t digits = text != NULL ? strlen(text) : 0;
  *data = NULL;
  *length = 0;
  if (digits < 2 || digits % 2 != 0 || strncmp(text, "0x", 2) != 0)
    return hf_fail(HF_E_FORMAT, "the node's %s is no data", name);
  if (digits == 2) return HF_OK;
  *length = digits / 2 - 1;
  *data = malloc(*length);
  if (*data == NULL) return hf_fail(HF_E_MEMORY, "no memory for the node's %s", name);
  if (hf_unhex(text, *data, *length) == HF_OK) return HF_OK;
  free(*data);
  *data = NULL;
  *length = 0;
  return hf_fail(HF_E_FORMAT, "the node's %s is no data", name);
}

static json_t *block_tag(uint64_t number) {
  char text[HF_QUANTITY_TEXT];
  if (number == HF_ETH_LATEST) return json_string("latest");
  if (number == HF_ETH_PENDING) return json_string("pending");
  hf_quantity_text(number, text);
  return json_string(text);
}

static json_t *address_json(const hf_eth_address *address) {
  char text[HF_ETH_ADDRESS_TEXT];
  hf_eth_address_text(address, text);
  return json_string(text);
}

static json_t *data_json(hf_bytes data) {
  char *text = malloc(2 * data.length + 3);
  if (text == NULL) return NULL;
  memcpy(text, "0x", 3);
  if (data.length != 0) hf_hex(data.data, data.length, text + 2);
  json_t *out = json_string(text);
  free(text);
  return out;
}

/* ---- single values ---- */

static hf_status ask_quantity(hf_rpc *rpc, const char *method, json_t *params, uint64_t *out) {
  json_t *result = NULL;
  hf_status status = hf_rpc_call(rpc, method, params, &result, NULL);
  if (status == HF_OK) status = read_quantity(result, method, out);
  json_decref(result);
  return status;
}

hf_status hf_eth_chain_id(hf_rpc *rpc, uint64_t *out) {
  return ask_quantity(rpc, "eth_chainId", json_array(), out);
}
hf_status hf_eth_block_number(hf_rpc *rpc, uint64_t *out) {
  return ask_quantity(rpc, "eth_blockNumber", json_array(), out);
}

hf_status hf_eth_nonce(hf_rpc *rpc, const hf_eth_address *account, uint64_t block, uint64_t *out) {
  return ask_quantity(rpc, "eth_getTransactionCount",
                      json_pack("[o, o]", address_json(account), block_tag(block)), out);
}

hf_status hf_eth_tip(hf_rpc *rpc, uint64_t *wei) {
  hf_status status = ask_quantity(rpc, "eth_maxPriorityFeePerGas", json_array(), wei);
  if (status != HF_E_REFUSED) return status;
  *wei = DEFAULT_TIP; /* a node that does not know the method */
  return HF_OK;
}

hf_status hf_eth_balance(hf_rpc *rpc, const hf_eth_address *account, hf_u256 *out) {
  json_t *result = NULL;
  hf_status status =
      hf_rpc_call(rpc, "eth_getBalance", json_pack("[o, s]", address_json(account), "latest"), &result, NULL);
  const char *text = hf_rpc_text(result);
  if (status == HF_OK && (text == NULL || hf_u256_parse(text, out) != HF_OK))
    status = hf_fail(HF_E_FORMAT, "the node's balance is no quantity");
  json_decref(result);
  return status;
}

hf_status hf_eth_has_code(hf_rpc *rpc, const hf_eth_address *account, bool *out) {
  json_t *result = NULL;
  uint8_t *code = NULL;
  size_t length = 0;
  hf_status status =
      hf_rpc_call(rpc, "eth_getCode", json_pack("[o, s]", address_json(account), "latest"), &result, NULL);
  if (status == HF_OK) status = read_data(result, "code", &code, &length);
  *out = status == HF_OK && length > 0;
  free(code);
  json_decref(result);
  return status;
}

/* ---- blocks and receipts ---- */

hf_status hf_eth_block_at(hf_rpc *rpc, uint64_t number, hf_eth_block *out) {
  json_t *result = NULL;
  hf_status status;
  memset(out, 0, sizeof *out);
  HF_TRY(hf_rpc_call(rpc, "eth_getBlockByNumber", json_pack("[o, b]", block_tag(number), 0), &result, NULL));
  if (json_is_null(result))
    HF_TRY(hf_fail(HF_E_NOT_FOUND, "the node has no block %llu", (unsigned long long)number));
  HF_TRY(read_quantity(json_object_get(result, "number"), "block number", &out->number));
  HF_TRY(read_hash(json_object_get(result, "hash"), "block hash", &out->hash));
  HF_TRY(read_quantity(json_object_get(result, "gasLimit"), "block's gas limit", &out->gas_limit));
  HF_TRY(read_quantity(json_object_get(result, "timestamp"), "block's time", &out->time));
  if (json_object_get(result, "baseFeePerGas") == NULL)
    HF_TRY(hf_fail(HF_E_UNSUPPORTED, "a block without a base fee: a chain without EIP-1559"));
  HF_TRY(read_quantity(json_object_get(result, "baseFeePerGas"), "base fee", &out->base_fee));
  if (number != HF_ETH_LATEST && out->number != number)
    HF_TRY(hf_fail(HF_E_FORMAT, "the node gave another block"));
out:
  json_decref(result);
  return status;
}

hf_status hf_eth_receipt_of(hf_rpc *rpc, const hf_eth_hash *transaction, bool *found, hf_eth_receipt *out) {
  json_t *result = NULL;
  char text[HF_ETH_HASH_TEXT];
  uint64_t success;
  hf_status status;
  *found = false;
  memset(out, 0, sizeof *out);
  hf_eth_hash_text(transaction, text);
  HF_TRY(hf_rpc_call(rpc, "eth_getTransactionReceipt", json_pack("[s]", text), &result, NULL));
  if (json_is_null(result) || json_is_null(json_object_get(result, "blockNumber"))) goto out; /* not mined */
  HF_TRY(read_hash(json_object_get(result, "transactionHash"), "receipt's transaction", &out->transaction));
  HF_TRY(read_hash(json_object_get(result, "blockHash"), "receipt's block", &out->block_hash));
  HF_TRY(read_quantity(json_object_get(result, "blockNumber"), "receipt's block number", &out->block));
  HF_TRY(read_quantity(json_object_get(result, "status"), "receipt's status", &success));
  HF_TRY(read_quantity(json_object_get(result, "gasUsed"), "gas used", &out->gas_used));
  HF_TRY(read_quantity(json_object_get(result, "effectiveGasPrice"), "gas price", &out->gas_price));
  const char *contract = hf_rpc_text(json_object_get(result, "contractAddress"));
  if (contract != NULL) HF_TRY(hf_eth_address_parse(contract, &out->contract));
  if (!hf_eth_hash_eq(&out->transaction, transaction))
    HF_TRY(hf_fail(HF_E_FORMAT, "the node gave another receipt"));
  out->success = success == 1;
  *found = true;
out:
  json_decref(result);
  return status;
}

hf_status hf_eth_input_of(hf_rpc *rpc, const hf_eth_hash *transaction, hf_eth_address *to, uint8_t **data,
                          size_t *length) {
  json_t *result = NULL;
  char text[HF_ETH_HASH_TEXT];
  hf_eth_hash is;
  hf_status status;
  *data = NULL;
  memset(to, 0, sizeof *to);
  hf_eth_hash_text(transaction, text);
  HF_TRY(hf_rpc_call(rpc, "eth_getTransactionByHash", json_pack("[s]", text), &result, NULL));
  if (!json_is_object(result)) HF_TRY(hf_fail(HF_E_NOT_FOUND, "the node has no transaction %s", text));
  HF_TRY(read_hash(json_object_get(result, "hash"), "transaction's hash", &is));
  if (!hf_eth_hash_eq(&is, transaction)) HF_TRY(hf_fail(HF_E_FORMAT, "the node gave another transaction"));
  const char *called = hf_rpc_text(json_object_get(result, "to"));
  if (called != NULL) HF_TRY(hf_eth_address_parse(called, to));
  HF_TRY(read_data(json_object_get(result, "input"), "transaction's input", data, length));
out:
  json_decref(result);
  return status;
}

/* The first block after which the account has used the nonce; `high` is such a block. Steps back double,
 * since what is asked for is rarely old. */
static hf_status first_block_after(hf_rpc *rpc, const hf_eth_address *account, uint64_t nonce, uint64_t high,
                                   uint64_t *out) {
  hf_status status = HF_OK;
  uint64_t used, low = high, step = 1;
  for (bool before = false; !before && low > 0; step *= 2) {
    low = low > step ? low - step : 0;
    HF_TRY(hf_eth_nonce(rpc, account, low, &used));
    before = used <= nonce;
    if (!before) high = low;
  }
  while (high - low > 1) { /* after `low` it was not used, after `high` it was */
    const uint64_t middle = low + (high - low) / 2;
    HF_TRY(hf_eth_nonce(rpc, account, middle, &used));
    if (used > nonce)
      high = middle;
    else
      low = middle;
  }
  *out = high;
out:
  return status;
}

hf_status hf_eth_find_nonce(hf_rpc *rpc, const hf_eth_address *account, uint64_t nonce, uint64_t high,
                            hf_eth_hash *hash, uint64_t *block) {
  json_t *result = NULL, *value;
  hf_status status;
  uint64_t used;
  size_t i;
  HF_TRY(hf_eth_nonce(rpc, account, high, &used));
  if (used <= nonce) HF_TRY(hf_fail(HF_E_NOT_FOUND, "nonce %llu is not used yet", (unsigned long long)nonce));
  HF_TRY(first_block_after(rpc, account, nonce, high, block));
  HF_TRY(hf_rpc_call(rpc, "eth_getBlockByNumber", json_pack("[o, b]", block_tag(*block), 1), &result, NULL));
  json_array_foreach(json_object_get(result, "transactions"), i, value) {
    const char *text = hf_rpc_text(json_object_get(value, "from"));
    hf_eth_address from;
    if (text == NULL || hf_eth_address_parse(text, &from) != HF_OK || !hf_eth_address_eq(&from, account))
      continue;
    HF_TRY(read_quantity(json_object_get(value, "nonce"), "transaction's nonce", &used));
    if (used != nonce) continue;
    status = read_hash(json_object_get(value, "hash"), "transaction's hash", hash);
    goto out;
  }
  status = hf_fail(HF_E_FORMAT,
                   "the node counts nonce %llu as used by block %llu and shows no transaction with it",
                   (unsigned long long)nonce, (unsigned long long)*block);
out:
  json_decref(result);
  return status;
}

/* ---- calls and sending ---- */

/* Nodes agree on code 3 with the revert's data, or -32000 with a message; what carries data, or says so, is a
 * revert. */
static bool is_revert(const hf_rpc_error *error) {
  return error->code == 3 || error->data != NULL || strstr(error->message, "revert") != NULL;
}

static json_t *call_json(const hf_eth_call *call) {
  char value[HF_QUANTITY_TEXT], gas[HF_QUANTITY_TEXT];
  hf_u256_quantity(&call->value, value);
  json_t *out = json_pack("{s:o, s:s}", "data", data_json(call->data), "value", value);
  if (out == NULL) return NULL;
  if (!call->creates) json_object_set_new(out, "to", address_json(&call->to));
  if (!hf_eth_address_is_zero(&call->from)) json_object_set_new(out, "from", address_json(&call->from));
  if (call->gas != 0) {
    hf_quantity_text(call->gas, gas);
    json_object_set_new(out, "gas", json_string(gas));
  }
  return out;
}

hf_status hf_eth_call_at(hf_rpc *rpc, const hf_eth_call *call, uint64_t block, bool *reverted,
                         hf_writer *returned) {
  json_t *result = NULL;
  hf_rpc_error error = {0};
  uint8_t *data = NULL;
  size_t length = 0;
  *reverted = false;
  hf_status status =
      hf_rpc_call(rpc, "eth_call", json_pack("[o, o]", call_json(call), block_tag(block)), &result, &error);
  if (status == HF_E_REFUSED && is_revert(&error)) {
    *reverted = true;
    hf_write_bytes(returned, error.data, error.data_length);
    status = hf_writer_status(returned);
    goto out;
  }
  HF_TRY(status);
  HF_TRY(read_data(result, "returned data", &data, &length));
  hf_write_bytes(returned, data, length);
  HF_TRY(hf_writer_status(returned));
out:
  free(data);
  hf_rpc_error_free(&error);
  json_decref(result);
  return status;
}

static bool says_known(const char *message) {
  static const char *const words[] = {"already known", "already imported", "known transaction",
                                      "AlreadyKnown", "already exists"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strstr(message, words[i]) != NULL) return true;
  return false;
}

hf_status hf_eth_send(hf_rpc *rpc, hf_bytes transaction) {
  json_t *result = NULL;
  hf_rpc_error error = {0};
  hf_status status =
      hf_rpc_call(rpc, "eth_sendRawTransaction", json_pack("[o]", data_json(transaction)), &result, &error);
  if (status == HF_E_REFUSED && says_known(error.message)) status = HF_OK;
  hf_rpc_error_free(&error);
  json_decref(result);
  return status;
}

/* ---- logs ---- */

typedef struct log_query {
  const hf_eth_address *address;
  const hf_u256 *const *topic;
  uint64_t from, to;
  hf_eth_log_sink sink;
  void *context;
} log_query;

static json_t *topics_json(const hf_u256 *const *topic) {
  json_t *list = json_array();
  size_t count = HF_ETH_TOPICS;
  while (count > 0 && topic[count - 1] == NULL) count--;
  for (size_t i = 0; i < count; i++) {
    char text[HF_ETH_HASH_TEXT];
    hf_eth_hash word;
    if (topic[i] == NULL) {
      json_array_append_new(list, json_null());
      continue;
    }
    memcpy(word.b, topic[i]->b, 32);
    hf_eth_hash_text(&word, text);
    json_array_append_new(list, json_string(text));
  }
  return list;
}

static hf_status read_log(const json_t *value, const log_query *q, hf_eth_log *log, uint8_t **data) {
  hf_status status;
  const json_t *topics = json_object_get(value, "topics"), *removed = json_object_get(value, "removed");
  const char *address = hf_rpc_text(json_object_get(value, "address"));
  hf_eth_address from;
  *data = NULL;
  memset(log, 0, sizeof *log);
  HF_TRY(read_quantity(json_object_get(value, "blockNumber"), "log's block", &log->block));
  HF_TRY(read_quantity(json_object_get(value, "logIndex"), "log's index", &log->index));
  HF_TRY(read_hash(json_object_get(value, "transactionHash"), "log's transaction", &log->transaction));
  if (address == NULL || hf_eth_address_parse(address, &from) != HF_OK ||
      !hf_eth_address_eq(&from, q->address) || log->block < q->from || log->block > q->to ||
      json_is_true(removed))
    HF_TRY(hf_fail(HF_E_FORMAT, "the node gave a log that was not asked for"));
  log->topic_count = json_array_size(topics);
  if (log->topic_count > HF_ETH_TOPICS) HF_TRY(hf_fail(HF_E_FORMAT, "a log of too many topics"));
  for (size_t i = 0; i < HF_ETH_TOPICS; i++) {
    hf_eth_hash word;
    if (i < log->topic_count) {
      HF_TRY(read_hash(json_array_get(topics, i), "log's topic", &word));
      memcpy(log->topic[i].b, word.b, 32);
    }
    if (q->topic[i] != NULL && (i >= log->topic_count || hf_u256_compare(&log->topic[i], q->topic[i]) != 0))
      HF_TRY(hf_fail(HF_E_FORMAT, "the node gave a log that was not asked for"));
  }
  HF_TRY(read_data(json_object_get(value, "data"), "log's data", data, &log->data_length));
  log->data = *data;
out:
  return status;
}

static hf_status take_logs(const json_t *list, const log_query *q) {
  hf_status status = HF_OK;
  uint64_t block = 0, index = 0;
  size_t i;
  json_t *value;
  if (!json_is_array(list)) return hf_fail(HF_E_FORMAT, "the node's logs are no list");
  json_array_foreach(list, i, value) {
    hf_eth_log log;
    uint8_t *data;
    status = read_log(value, q, &log, &data);
    if (status == HF_OK && i > 0 && (log.block < block || (log.block == block && log.index <= index)))
      status = hf_fail(HF_E_FORMAT, "the node's logs are out of order");
    if (status == HF_OK) status = q->sink(q->context, &log);
    free(data);
    if (status != HF_OK) return status;
    block = log.block;
    index = log.index;
  }
  return HF_OK;
}

/* Providers limit the blocks or the logs of a call, each with words of its own: a refused range is asked in
 * halves. */
static hf_status logs_between(hf_rpc *rpc, log_query *q, uint64_t from, uint64_t to) {
  char first[HF_QUANTITY_TEXT], last[HF_QUANTITY_TEXT];
  json_t *result = NULL;
  hf_quantity_text(from, first);
  hf_quantity_text(to, last);
  hf_status status =
      hf_rpc_call(rpc, "eth_getLogs",
                  json_pack("[{s:o, s:o, s:s, s:s}]", "address", address_json(q->address), "topics",
                            topics_json(q->topic), "fromBlock", first, "toBlock", last),
                  &result, NULL);
  if ((status == HF_E_REFUSED || status == HF_E_RANGE) && from < to) {
    const uint64_t middle = from + (to - from) / 2;
    status = logs_between(rpc, q, from, middle);
    return status == HF_OK ? logs_between(rpc, q, middle + 1, to) : status;
  }
  if (status == HF_OK) {
    q->from = from;
    q->to = to;
    status = take_logs(result, q);
  }
  json_decref(result);
  return status;
}

hf_status hf_eth_logs(hf_rpc *rpc, const hf_eth_address *address, const hf_u256 *const topic[HF_ETH_TOPICS],
                      uint64_t from, uint64_t to, hf_eth_log_sink sink, void *context) {
  enum { STEP = 10000 }; /* blocks that most providers allow in one call */
  log_query q = {.address = address, .topic = topic, .sink = sink, .context = context};
  while (from <= to) {
    const uint64_t last = to - from >= STEP ? from + STEP - 1 : to;
    hf_status status = logs_between(rpc, &q, from, last);
    if (status != HF_OK) return status;
    if (last == UINT64_MAX) break;
    from = last + 1;
  }
  return HF_OK;
}
