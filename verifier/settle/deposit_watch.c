#include "deposit_watch.h"

#include <hyperfold/file.h>
#include <stdlib.h>
#include <string.h>

#define STEP       10000 /* blocks of one look: what is held in memory at once */
#define FILE_LIMIT 4096
#define VERSION    1

/* Everything before `block` has been seen: `count` deposits, with this rolling hash. */
typedef struct position {
  uint64_t block, count;
  hf_eth_hash hash;
} position;

struct hf_deposit_watch {
  hf_deposit_watch_options options;
  char *file;
  position at;
};

typedef struct intake {
  uint64_t wanted; /* first index to be given */
  position at;
  hf_l1_deposit *deposit;
  size_t count, capacity;
} intake;

/* ---- the file ---- */

static json_t *position_json(const hf_deposit_watch *w) {
  char contract[HF_ETH_ADDRESS_TEXT], chain[HF_U256_TEXT], hash[HF_ETH_HASH_TEXT];
  hf_eth_address_text(&w->options.contract.address, contract);
  hf_u256_text(&w->options.chain, chain);
  hf_eth_hash_text(&w->at.hash, hash);
  return json_pack("{s:i, s:s, s:s, s:I, s:I, s:s}", "version", VERSION, "contract", contract, "chain", chain,
                   "block", (json_int_t)w->at.block, "deposits", (json_int_t)w->at.count, "hash", hash);
}

static hf_status save(const hf_deposit_watch *w) {
  if (w->file == NULL) return HF_OK;
  json_t *document = position_json(w);
  char *text = document != NULL ? json_dumps(document, JSON_INDENT(1)) : NULL;
  hf_status status = HF_OK;
  if (text == NULL) {
    status = hf_fail(HF_E_MEMORY, "no memory for %s", w->file);
  } else {
    hf_bytes part = {text, strlen(text)};
    status = hf_file_write(w->file, 0600, &part, 1);
  }
  free(text);
  json_decref(document);
  return status;
}

static hf_status load(hf_deposit_watch *w) {
  uint8_t *text = NULL;
  size_t length;
  hf_eth_address contract;
  hf_u256 chain;
  json_int_t block, count;
  int version;
  const char *contract_text, *chain_text, *hash_text;
  hf_status status = hf_file_read(w->file, FILE_LIMIT, &text, &length);
  if (status == HF_E_NOT_FOUND) return HF_OK;
  if (status != HF_OK) return status;
  json_t *from = json_loadb((const char *)text, length, JSON_REJECT_DUPLICATES, NULL);
  if (json_unpack(from, "{s:i, s:s, s:s, s:I, s:I, s:s}", "version", &version, "contract", &contract_text,
                  "chain", &chain_text, "block", &block, "deposits", &count, "hash", &hash_text) != 0 ||
      version != VERSION || block < 0 || count < 0 ||
      hf_eth_address_parse(contract_text, &contract) != HF_OK || hf_u256_parse(chain_text, &chain) != HF_OK ||
      hf_eth_hash_parse(hash_text, &w->at.hash) != HF_OK)
    HF_TRY(hf_fail(HF_E_FORMAT, "%s: damaged; remove it, and deposits are read from the start", w->file));
  if (!hf_eth_address_eq(&contract, &w->options.contract.address) ||
      hf_u256_compare(&chain, &w->options.chain) != 0)
    HF_TRY(hf_fail(HF_E_MISMATCH, "%s: of another contract or chain", w->file));
  w->at.block = (uint64_t)block;
  w->at.count = (uint64_t)count;
out:
  json_decref(from);
  free(text);
  return status;
}

/* ---- opening ---- */

static void rewind_to_start(hf_deposit_watch *w) { w->at = (position){.block = w->options.from_block}; }

hf_status hf_deposit_watch_open(const hf_deposit_watch_options *options, hf_deposit_watch **out) {
  hf_status status;
  hf_settled_chain chain;
  *out = NULL;
  hf_deposit_watch *w = calloc(1, sizeof *w);
  if (w == NULL) return hf_fail(HF_E_MEMORY, "no memory for a watch");
  w->options = *options;
  if (w->options.confirmations == 0) w->options.confirmations = 12;
  if (options->file != NULL && (w->file = strdup(options->file)) == NULL)
    HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a watch"));
  HF_TRY(hf_settlement_check(&options->contract));
  HF_TRY(hf_settlement_chain(&options->contract, &options->chain, &chain));
  if (hf_eth_address_is_zero(&chain.operator))
    HF_TRY(hf_fail(HF_E_NOT_FOUND, "the contract knows no such chain"));
  rewind_to_start(w);
  if (w->file != NULL) HF_TRY(load(w));
  *out = w;
  w = NULL;
out:
  hf_deposit_watch_close(&w);
  return status;
}

void hf_deposit_watch_close(hf_deposit_watch **watch) {
  if (*watch == NULL) return;
  free((*watch)->file);
  free(*watch);
  *watch = NULL;
}

/* ---- looking ---- */

static hf_status take(void *context, const hf_l1_deposit *d) {
  intake *in = context;
  if (d->index != in->at.count)
    return hf_fail(HF_E_MISMATCH, "the node tells deposit %llu where %llu is next",
                   (unsigned long long)d->index, (unsigned long long)in->at.count);
  hf_deposit_roll(&in->at.hash, d);
  in->at.count++;
  if (d->index < in->wanted) return HF_OK;
  if (in->count == in->capacity) {
    size_t capacity = in->capacity ? 2 * in->capacity : 64;
    hf_l1_deposit *grown = realloc(in->deposit, capacity * sizeof *grown);
    if (grown == NULL) return hf_fail(HF_E_MEMORY, "no memory for deposits");
    in->deposit = grown;
    in->capacity = capacity;
  }
  in->deposit[in->count++] = *d;
  return HF_OK;
}

static hf_status agrees(hf_deposit_watch *w, const position *at) {
  hf_eth_hash said;
  hf_status status = hf_settlement_deposit_hash(&w->options.contract, &w->options.chain, at->count, &said);
  if (status != HF_OK || hf_eth_hash_eq(&said, &at->hash)) return status;
  return hf_fail(
      HF_E_MISMATCH,
      "the contract's first %llu deposits are others than those seen: the node is behind or wrong, or L1 was "
      "reorganised deeper than %llu blocks",
      (unsigned long long)at->count, (unsigned long long)w->options.confirmations);
}

/* Blocks up to `last`: reads, compares, gives, remembers. */
static hf_status advance(hf_deposit_watch *w, uint64_t last, uint64_t next, hf_deposit_batch_sink sink,
                         void *context, uint64_t *given) {
  hf_status status;
  intake in = {.wanted = next, .at = w->at};
  HF_TRY(hf_settlement_deposits(&w->options.contract, &w->options.chain, w->at.block, last, take, &in));
  if (in.at.count != w->at.count) HF_TRY(agrees(w, &in.at));
  if (in.count > 0) HF_TRY(sink(context, in.deposit, in.count));
  *given += in.count;
  const bool news = in.at.count != w->at.count;
  in.at.block = last + 1;
  w->at = in.at;
  if (news) HF_TRY(save(w)); /* empty blocks are not worth a write: they are read again after a restart */
out:
  free(in.deposit);
  return status;
}

hf_status hf_deposit_watch_poll(hf_deposit_watch *watch, uint64_t next, hf_deposit_batch_sink sink,
                                void *context, uint64_t *given) {
  hf_status status;
  uint64_t head;
  *given = 0;
  if (next < watch->at.count) rewind_to_start(watch); /* the receiver has lost some, or never got them */
  HF_TRY(hf_eth_block_number(watch->options.contract.rpc, &head));
  HF_TRY(agrees(watch, &watch->at));
  while (head + 1 >= watch->options.confirmations &&
         watch->at.block <= head + 1 - watch->options.confirmations) {
    const uint64_t to = head + 1 - watch->options.confirmations;
    const uint64_t last = to - watch->at.block >= STEP ? watch->at.block + STEP - 1 : to;
    HF_TRY(advance(watch, last, next + *given, sink, context, given));
  }
  if (watch->at.count < next)
    HF_TRY(hf_fail(HF_E_MISMATCH, "the chain has taken %llu deposits, L1 has confirmed %llu",
                   (unsigned long long)next, (unsigned long long)watch->at.count));
out:
  return status;
}
