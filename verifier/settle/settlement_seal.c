/* A sealed proof as calldata. */
#include <stdlib.h>
#include <string.h>
#include "evm.h"
#include "settlement.h"

/* Gas, measured on real transactions by tests/evm and rounded up generously: what is not used is not paid. */
#define GAS_VERIFIER 600000
#define GAS_RECORD   60000
#define GAS_ROW      1500  /* a slot: its bytes and the fingerprint's three steps */
#define GAS_CREDIT   60000 /* a withdrawal or a refused deposit: a balance that may be new, an event */
#define GAS_DEPOSIT  5000
#define GAS_MOST     (1u << 24) /* of one transaction: EIP-7825 */

/* ---- owners of deposits ---- */

/* Deposits of one chain that the seal consumes: indices start .. start + count. */
typedef struct span {
  hf_u256 chain;
  uint64_t start, count;
  hf_evm_address *owner; /* by index - start */
  uint64_t found;
  hf_eth_hash hash;
} span;

typedef struct owners {
  span of[HF_SEAL_RECORDS_MAX];
  size_t count;
} owners;

static void big_endian(const uint8_t word[32], hf_u256 *out) {
  for (int i = 0; i < 32; i++) out->b[i] = word[31 - i];
}

static span *span_of(owners *o, const hf_u256 *chain) {
  for (size_t i = 0; i < o->count; i++)
    if (hf_u256_compare(&o->of[i].chain, chain) == 0) return &o->of[i];
  return NULL;
}

/* The batches of a chain stand in order, each taking deposits where the one before it stopped. */
static hf_status add_record(owners *o, const hf_batch_record *record, uint32_t i) {
  hf_status status;
  hf_u256 chain;
  uint64_t start, count;
  big_endian(record->word[HF_RECORD_CHAIN_ID], &chain);
  HF_TRY(hf_word_get_u64(record->word[HF_RECORD_DEPOSIT_START], &start));
  HF_TRY(hf_word_get_u64(record->word[HF_RECORD_DEPOSIT_COUNT], &count));
  if (count > HF_ROLLUP_SLOTS_MAX) HF_TRY(hf_fail(HF_E_RANGE, "record %u: more deposits than slots", i));
  span *s = span_of(o, &chain);
  if (s == NULL) {
    s = &o->of[o->count++];
    *s = (span){.chain = chain, .start = start};
  }
  if (start != s->start + s->count)
    HF_TRY(hf_fail(HF_E_MISMATCH, "record %u: its deposits start at %llu, not where the batch before stopped",
                   i, (unsigned long long)start));
  s->count += count;
out:
  return status;
}

static hf_status take_owner(void *context, const hf_l1_deposit *d) {
  span *s = context;
  if (d->index < s->start || d->index >= s->start + s->count) return HF_OK;
  memcpy(s->owner[d->index - s->start].byte, d->owner.b, 20);
  if (d->index == s->start + s->found) {
    s->found++;
    hf_deposit_roll(&s->hash, d);
  }
  return HF_OK;
}

static hf_status find_owners(const hf_settlement *contract, span *s, uint64_t from_block, uint64_t head) {
  hf_status status;
  hf_eth_hash wanted;
  s->owner = calloc(s->count, sizeof *s->owner);
  if (s->owner == NULL)
    return hf_fail(HF_E_MEMORY, "no memory for %llu owners", (unsigned long long)s->count);
  HF_TRY(hf_settlement_deposit_hash(contract, &s->chain, s->start, &s->hash));
  HF_TRY(hf_settlement_deposits(contract, &s->chain, from_block, head, take_owner, s));
  if (s->found != s->count)
    HF_TRY(hf_fail(HF_E_NOT_FOUND, "L1 knows no deposit %llu of this chain since block %llu",
                   (unsigned long long)(s->start + s->found), (unsigned long long)from_block));
  HF_TRY(hf_settlement_deposit_hash(contract, &s->chain, s->start + s->count, &wanted));
  if (!hf_eth_hash_eq(&wanted, &s->hash))
    HF_TRY(hf_fail(HF_E_MISMATCH, "the node's deposits %llu to %llu are not what the contract hashed",
                   (unsigned long long)s->start, (unsigned long long)(s->start + s->count - 1)));
out:
  return status;
}

/* ---- calldata ---- */

static hf_status encode_data(const hf_sealed *sealed, owners *o, hf_writer data[], hf_evm_data entries[]) {
  hf_status status = HF_OK;
  for (uint32_t i = 0; i < sealed->records; i++) {
    const hf_sealed_batch *b = &sealed->batch[i];
    hf_u256 chain;
    uint64_t start, count;
    big_endian(b->record.word[HF_RECORD_CHAIN_ID], &chain);
    HF_TRY(hf_word_get_u64(b->record.word[HF_RECORD_DEPOSIT_START], &start));
    HF_TRY(hf_word_get_u64(b->record.word[HF_RECORD_DEPOSIT_COUNT], &count));
    const span *s = span_of(o, &chain);
    const hf_evm_address *owner = s->owner != NULL ? s->owner + (start - s->start) : NULL;
    status = hf_evm_data_encode((const uint8_t(*)[32])b->data, b->slots, owner, count, &data[i]);
    if (status != HF_OK) HF_TRY(hf_fail_context(status, "record %u", i));
    entries[i] = (hf_evm_data){data[i].data, data[i].length};
  }
out:
  return status;
}

hf_status hf_settlement_settle_call(const hf_settlement *contract, const hf_sealed *sealed,
                                    uint64_t verifier_id, uint64_t from_block, hf_writer *w) {
  hf_status status;
  uint64_t head;
  hf_writer data[HF_SEAL_RECORDS_MAX] = {{0}};
  hf_evm_data entries[HF_SEAL_RECORDS_MAX];
  owners *o = calloc(1, sizeof *o);
  hf_batch_record *records = calloc(HF_SEAL_RECORDS_MAX, sizeof *records);
  if (o == NULL || records == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a seal"));
  for (uint32_t i = 0; i < sealed->records; i++) {
    records[i] = sealed->batch[i].record;
    HF_TRY(add_record(o, &records[i], i));
  }
  HF_TRY(hf_eth_block_number(contract->rpc, &head));
  for (size_t i = 0; i < o->count; i++)
    if (o->of[i].count > 0) HF_TRY(find_owners(contract, &o->of[i], from_block, head));
  HF_TRY(encode_data(sealed, o, data, entries));
  HF_TRY(hf_evm_settle_calldata(verifier_id, records, entries, sealed->records, &sealed->proof, w));
out:
  for (size_t i = 0; i < HF_SEAL_RECORDS_MAX; i++) hf_writer_free(&data[i]);
  for (size_t i = 0; o != NULL && i < o->count; i++) free(o->of[i].owner);
  free(o);
  free(records);
  return status;
}

uint64_t hf_settlement_settle_gas(const hf_sealed *sealed, hf_bytes calldata) {
  uint64_t gas = hf_eth_intrinsic_gas(&(hf_eth_tx){.data = calldata}) + GAS_VERIFIER;
  for (uint32_t i = 0; i < sealed->records; i++) {
    const hf_sealed_batch *b = &sealed->batch[i];
    gas += GAS_RECORD + (uint64_t)b->slots * GAS_ROW;
    for (uint32_t k = 0; k < b->slots; k++) {
      const uint8_t type = b->data[HF_DATA_WORDS * k][0];
      if (type == HF_SLOT_WITHDRAW || type == HF_SLOT_DEPOSIT_REFUSED) gas += GAS_CREDIT;
      if (type == HF_SLOT_DEPOSIT || type == HF_SLOT_DEPOSIT_REFUSED) gas += GAS_DEPOSIT;
    }
  }
  return gas < GAS_MOST ? gas : GAS_MOST;
}
