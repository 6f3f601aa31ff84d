#include "evm.h"

#include <string.h>
#include "host/keccak.h"

#define SETTLE_SIGNATURE "settle(uint256,uint256[],bytes,uint256[12],uint256[59])"
#define VERIFY_SIGNATURE "verify(uint256[12],uint256[59])"

static void write_be32(hf_writer *w, uint32_t value) {
  uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
  hf_write_bytes(w, bytes, sizeof bytes);
}

static void write_number(hf_writer *w, uint64_t value) {
  uint8_t bytes[32] = {0};
  for (int i = 0; i < 8; i++) bytes[31 - i] = (uint8_t)(value >> 8 * i);
  hf_write_bytes(w, bytes, sizeof bytes);
}

static void write_reversed(hf_writer *w, const uint8_t *bytes, size_t length) {
  for (size_t i = length; i-- > 0;) hf_write_u8(w, bytes[i]);
}

static void write_fr_be(hf_writer *w, hf_fr value) {
  uint8_t bytes[32];
  hf_fr_to_bytes_be(value, bytes);
  hf_write_bytes(w, bytes, sizeof bytes);
}

static void write_g1_be(hf_writer *w, hf_g1 point) {
  uint8_t bytes[64];
  hf_fq_to_bytes_be(point.x, bytes);
  hf_fq_to_bytes_be(point.y, bytes + 32);
  hf_write_bytes(w, bytes, sizeof bytes);
}

static hf_status proof_ok(const hf_proof *proof) {
  if (proof->kappa == HF_EVM_KAPPA && proof->public_count == HF_SEAL_COUNT) return HF_OK;
  return hf_fail(HF_E_ARGUMENT, "not the proof of a seal: kappa %u and %u public inputs instead of %d and %d",
                 proof->kappa, proof->public_count, HF_EVM_KAPPA, HF_SEAL_COUNT);
}

hf_status hf_evm_input_words(const hf_proof *proof, hf_writer *w) {
  hf_status status;
  HF_TRY(proof_ok(proof));
  for (int i = 0; i < HF_SEAL_COUNT; i++) write_fr_be(w, proof->public_inputs[i]);
  status = hf_writer_status(w);
out:
  return status;
}

hf_status hf_evm_proof_words(const hf_proof *proof, hf_writer *w) {
  hf_status status;
  HF_TRY(proof_ok(proof));
  for (unsigned i = 0; i < hf_pack_layout_of(HF_EVM_KAPPA).proof; i++) write_g1_be(w, proof->commitments[i]);
  for (int i = 0; i < HF_EVALS_ZETA; i++) write_fr_be(w, proof->at_zeta[i]);
  for (int i = 0; i < HF_EVALS_NEXT; i++) write_fr_be(w, proof->at_next[i]);
  write_g1_be(w, proof->w);
  write_g1_be(w, proof->w_prime);
  status = hf_writer_status(w);
out:
  return status;
}

hf_status hf_evm_verify_calldata(const hf_proof *proof, hf_writer *w) {
  hf_status status;
  write_be32(w, hf_evm_selector(VERIFY_SIGNATURE));
  HF_TRY(hf_evm_input_words(proof, w));
  HF_TRY(hf_evm_proof_words(proof, w));
out:
  return status;
}

/* A row: type, then fee, amount, to, from as word 0 holds them above the type, then what the type adds. */
static void write_row(hf_writer *w, const uint8_t words[HF_DATA_WORDS][32], const hf_data_slot *slot,
                      const hf_evm_address *owner) {
  hf_write_u8(w, slot->type);
  write_reversed(w, words[0] + 1, 22);
  if (slot->type == HF_SLOT_WITHDRAW) write_reversed(w, slot->to1, sizeof owner->byte);
  if (owner) {
    write_reversed(w, slot->to1, 32);
    write_reversed(w, slot->to2, 32);
    hf_write_bytes(w, owner->byte, sizeof owner->byte);
  }
}

static bool is_zero(const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++)
    if (bytes[i] != 0) return false;
  return true;
}

hf_status hf_evm_data_encode(const uint8_t (*words)[32], size_t slots, const hf_evm_address *owners,
                             size_t owner_count, hf_writer *w) {
  hf_status status;
  size_t used = 0;
  for (size_t i = 0; i < slots; i++) {
    const uint8_t(*row)[32] = words + HF_DATA_WORDS * i;
    hf_data_slot slot;
    const hf_evm_address *owner = NULL;
    HF_TRY(hf_data_decode(row, &slot));
    if (slot.type == HF_SLOT_NOOP) {
      if (!is_zero(row[0], 3 * 32))
        return hf_fail(HF_E_FORMAT, "slot %zu: a no-op whose words are not zero", i);
      hf_write_u8(w, 0);
      continue;
    }
    if (slot.type == HF_SLOT_WITHDRAW && (!is_zero(slot.to1 + 20, 12) || !is_zero(slot.to2, 32)))
      return hf_fail(HF_E_FORMAT, "slot %zu: a withdrawal to more than 160 bits", i);
    if (slot.type == HF_SLOT_DEPOSIT || slot.type == HF_SLOT_DEPOSIT_REFUSED) {
      if (used == owner_count)
        return hf_fail(HF_E_RANGE, "%zu owners for more deposits than that", owner_count);
      owner = &owners[used++];
    }
    write_row(w, row, &slot, owner);
  }
  if (used != owner_count) return hf_fail(HF_E_RANGE, "%zu owners for %zu deposits", owner_count, used);
  status = hf_writer_status(w);
out:
  return status;
}

/* All words but the imports, which the contract takes for zero. */
#define IMPORT_WORDS (4 * HF_IMPORTS)
#define SENT_WORDS   (HF_RECORD_WORDS - IMPORT_WORDS)
static hf_status write_record(hf_writer *w, const hf_batch_record *record, uint32_t number) {
  for (int i = 0; i < HF_RECORD_WORDS; i++) {
    const uint8_t *word = record->word[i];
    bool import = i >= HF_RECORD_IMPORTS && i < HF_RECORD_IMPORTS + IMPORT_WORDS;
    if (import && !is_zero(word, 32))
      return hf_fail(HF_E_RANGE, "record %u: word %d (%s) is an import; the contract takes none", number, i,
                     hf_record_words[i].name);
    if (!hf_word_is_canonical(word))
      return hf_fail(HF_E_RANGE, "record %u: word %d (%s) is not below r", number, i,
                     hf_record_words[i].name);
    if (!import) write_reversed(w, word, 32);
  }
  return HF_OK;
}

hf_status hf_evm_settle_calldata(uint64_t verifier_id, const hf_batch_record *records,
                                 const hf_evm_data *data, uint32_t m, const hf_proof *proof, hf_writer *w) {
  static const uint8_t zeros[32] = {0};
  hf_status status;
  if (m < 1 || m > HF_SEAL_RECORDS_MAX)
    return hf_fail(HF_E_RANGE, "%u records: a seal has 1 to %d", m, HF_SEAL_RECORDS_MAX);
  const uint64_t head = 32 * (3 + HF_EVM_INPUT_WORDS + HF_EVM_PROOF_WORDS);
  const uint64_t words = 32 * (1 + (uint64_t)m * SENT_WORDS);
  write_be32(w, hf_evm_selector(SETTLE_SIGNATURE));
  write_number(w, verifier_id);
  write_number(w, head);
  write_number(w, head + words);
  HF_TRY(hf_evm_input_words(proof, w));
  HF_TRY(hf_evm_proof_words(proof, w));
  write_number(w, (uint64_t)m * SENT_WORDS);
  for (uint32_t i = 0; i < m; i++) HF_TRY(write_record(w, &records[i], i));
  size_t length = 0;
  for (uint32_t i = 0; i < m; i++) length += data[i].length;
  write_number(w, length);
  for (uint32_t i = 0; i < m; i++) hf_write_bytes(w, data[i].data, data[i].length);
  hf_write_bytes(w, zeros, (32 - length % 32) % 32);
  status = hf_writer_status(w);
out:
  return status;
}

void hf_evm_chain_id(uint64_t l1_chain_id, const hf_evm_address *contract, uint64_t index, uint8_t word[32]) {
  uint8_t in[96] = {0}, hash[32];
  for (int i = 0; i < 8; i++) {
    in[31 - i] = (uint8_t)(l1_chain_id >> 8 * i);
    in[95 - i] = (uint8_t)(index >> 8 * i);
  }
  memcpy(in + 44, contract->byte, sizeof contract->byte);
  hf_keccak256(in, sizeof in, hash);
  memset(word, 0, 32);
  for (int i = 0; i < 16; i++) word[i] = hash[31 - i];
}

uint32_t hf_evm_selector(const char *signature) {
  uint8_t topic[32];
  hf_evm_topic(signature, topic);
  return (uint32_t)topic[0] << 24 | (uint32_t)topic[1] << 16 | (uint32_t)topic[2] << 8 | topic[3];
}

void hf_evm_topic(const char *signature, uint8_t topic[32]) {
  hf_keccak256(signature, strlen(signature), topic);
}
