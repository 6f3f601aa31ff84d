#include <hyperfold/rollup.h>

#include <hyperfold/container.h>

#include <stdlib.h>
#include <string.h>

/* r, the order of BN254's G1, little-endian: the same constant as kernels/arith/fr.h. */
static const uint64_t field_order[4] = {0x43e1f593f0000001ull, 0x2833e84879b97091ull, 0xb85045b68181585dull,
                                        0x30644e72e131a029ull};

#define IMPORT(n)                                                                                            \
  {"import" #n "_chain", HF_WORD_U128}, {"import" #n "_batch", HF_WORD_U64},                                 \
      {"import" #n "_root", HF_WORD_FIELD}, {                                                                \
    "import" #n "_class", HF_WORD_U8                                                                         \
  }

const hf_record_word_info hf_record_words[HF_RECORD_WORDS] = {
    {"vk_digest", HF_WORD_FIELD},
    {"chain_id", HF_WORD_U128},
    {"batch_number", HF_WORD_U64},
    {"mode", HF_WORD_U8},
    {"old_root", HF_WORD_FIELD},
    {"new_root", HF_WORD_FIELD},
    {"outbox_root", HF_WORD_FIELD},
    IMPORT(0),
    IMPORT(1),
    IMPORT(2),
    IMPORT(3),
    {"deposit_start", HF_WORD_U64},
    {"deposit_count", HF_WORD_U32},
    {"data", HF_WORD_FIELD},
    {"data_x", HF_WORD_FIELD},
    {"data_y", HF_WORD_FIELD},
    {"transfers", HF_WORD_U32},
    {"withdrawals", HF_WORD_U32},
    {"total_in", HF_WORD_U128},
    {"total_out", HF_WORD_U128},
    {"total_refused", HF_WORD_U128},
    {"operator", HF_WORD_INDEX},
};

hf_status hf_rollup_params_check(const hf_rollup_params *params) {
  if (params->depth < HF_ROLLUP_DEPTH_MIN || params->depth > HF_ROLLUP_DEPTH_MAX || params->depth % 2)
    return hf_fail(HF_E_RANGE, "tree depth %u: it must be even, %d to %d", params->depth, HF_ROLLUP_DEPTH_MIN,
                   HF_ROLLUP_DEPTH_MAX);
  if (params->slots < 1 || params->slots > HF_ROLLUP_SLOTS_MAX)
    return hf_fail(HF_E_RANGE, "%u slots a batch: there must be 1 to %d", params->slots, HF_ROLLUP_SLOTS_MAX);
  return HF_OK;
}

const char *hf_slot_type_text(uint32_t type) {
  static const char *const text[HF_SLOT_TYPES] = {"noop", "transfer", "withdraw", "deposit",
                                                  "deposit-refused"};
  return type < HF_SLOT_TYPES ? text[type] : NULL;
}

/* ---- words ---- */

static uint64_t load_u64(const uint8_t *in) {
  uint64_t v = 0;
  for (int i = 7; i >= 0; i--) v = v << 8 | in[i];
  return v;
}

static void store(uint8_t *out, uint64_t value, int length) {
  for (int i = 0; i < length; i++) out[i] = (uint8_t)(value >> (8 * i));
}

static bool is_zero(const uint8_t *bytes, size_t length) {
  uint8_t any = 0;
  for (size_t i = 0; i < length; i++) any |= bytes[i];
  return any == 0;
}

void hf_word_set_u64(uint8_t word[32], uint64_t value) { hf_word_set_u128(word, value, 0); }

void hf_word_set_u128(uint8_t word[32], uint64_t low, uint64_t high) {
  memset(word, 0, 32);
  store(word, low, 8);
  store(word + 8, high, 8);
}

hf_status hf_word_get_u64(const uint8_t word[32], uint64_t *value) {
  *value = 0;
  if (!is_zero(word + 8, 24)) return hf_fail(HF_E_RANGE, "a word does not fit 64 bits");
  *value = load_u64(word);
  return HF_OK;
}

hf_status hf_word_get_u128(const uint8_t word[32], uint64_t *low, uint64_t *high) {
  *low = *high = 0;
  if (!is_zero(word + 16, 16)) return hf_fail(HF_E_RANGE, "a word does not fit 128 bits");
  *low = load_u64(word);
  *high = load_u64(word + 8);
  return HF_OK;
}

bool hf_word_is_canonical(const uint8_t word[32]) {
  for (int i = 3; i >= 0; i--) {
    uint64_t limb = load_u64(word + 8 * i);
    if (limb != field_order[i]) return limb < field_order[i];
  }
  return false;
}

hf_status hf_record_check(const hf_batch_record *record, uint32_t depth) {
  for (int i = 0; i < HF_RECORD_WORDS; i++) {
    const uint8_t *word = record->word[i];
    bool ok = false;
    switch (hf_record_words[i].type) {
    case HF_WORD_U8:
      ok = is_zero(word + 1, 31);
      break;
    case HF_WORD_U32:
      ok = is_zero(word + 4, 28);
      break;
    case HF_WORD_U64:
      ok = is_zero(word + 8, 24);
      break;
    case HF_WORD_U128:
      ok = is_zero(word + 16, 16);
      break;
    case HF_WORD_FIELD:
      ok = hf_word_is_canonical(word);
      break;
    case HF_WORD_INDEX:
      ok = is_zero(word + 8, 24) && load_u64(word) < hf_rollup_accounts(depth);
      break;
    }
    if (ok && i == HF_RECORD_MODE) ok = word[0] <= HF_MODE_VALIDIUM;
    if (!ok)
      return hf_fail(HF_E_RANGE, "batch record: word %d (%s) is out of range", i, hf_record_words[i].name);
  }
  return HF_OK;
}

/* ---- public data ---- */

void hf_data_encode(const hf_data_slot *slot, uint8_t words[HF_DATA_WORDS][32]) {
  memset(words, 0, HF_DATA_WORDS * 32);
  uint8_t *w = words[0];
  w[0] = slot->type;
  store(w + 1, slot->from, 3);
  store(w + 4, slot->to, 3);
  store(w + 7, slot->amount, 8);
  store(w + 15, slot->fee, 8);
  if (slot->type == HF_SLOT_TRANSFER || slot->type == HF_SLOT_NOOP) return;
  store(w + 23, (uint64_t)(slot->to1[31] & 63) | (uint64_t)(slot->to2[31] & 63) << 6, 2);
  memcpy(words[1], slot->to1, 31);
  memcpy(words[2], slot->to2, 31);
}

hf_status hf_data_decode(const uint8_t words[HF_DATA_WORDS][32], hf_data_slot *out) {
  const uint8_t *w = words[0];
  hf_data_slot slot = {.type = w[0],
                       .from = (uint32_t)(load_u64(w) >> 8 & 0xffffff),
                       .to = (uint32_t)(load_u64(w) >> 32 & 0xffffff),
                       .amount = load_u64(w + 7),
                       .fee = load_u64(w + 15)};
  memset(out, 0, sizeof *out);
  memcpy(slot.to1, words[1], 31);
  memcpy(slot.to2, words[2], 31);
  slot.to1[31] = w[23] & 63;
  slot.to2[31] = (uint8_t)(w[23] >> 6 | (w[24] & 15) << 2);
  if (slot.type >= HF_SLOT_TYPES)
    return hf_fail(HF_E_FORMAT, "public data: operation %u is unknown", slot.type);
  /* Whatever this slot does not encode to is not its encoding. */
  uint8_t again[HF_DATA_WORDS][32];
  hf_data_encode(&slot, again);
  if (memcmp(again, words, sizeof again) != 0)
    return hf_fail(HF_E_FORMAT, "public data: stray bits in the words of a %s", hf_slot_type_text(slot.type));
  if (!hf_word_is_canonical(slot.to1) || !hf_word_is_canonical(slot.to2))
    return hf_fail(HF_E_FORMAT, "public data: a receiver is not a field element");
  if (slot.type == HF_SLOT_NOOP && !is_zero(w, 32))
    return hf_fail(HF_E_FORMAT, "public data: a no-op with an effect");
  *out = slot;
  return HF_OK;
}

/* ---- the batch input ---- */

hf_status hf_batch_input_init(const hf_rollup_params *params, hf_batch_input *out) {
  memset(out, 0, sizeof *out);
  hf_status status = hf_rollup_params_check(params);
  if (status != HF_OK) return status;
  out->slots = calloc(params->slots, sizeof *out->slots);
  if (!out->slots) return hf_fail(HF_E_MEMORY, "batch input: no memory for %u slots", params->slots);
  out->params = *params;
  for (uint32_t i = 0; i < params->slots; i++) out->slots[i].r_y[0] = 1;
  return HF_OK;
}

void hf_batch_input_free(hf_batch_input *input) {
  if (input->slots) explicit_bzero(input->slots, input->params.slots * sizeof *input->slots);
  free(input->slots);
  explicit_bzero(input, sizeof *input);
}

static size_t update_size(uint32_t levels) { return 4 + 64 + 8 + 4 + (size_t)levels * 96; }

static size_t payload_size(const hf_rollup_params *params) {
  size_t update = update_size(hf_rollup_levels(params));
  return 8 + (size_t)(HF_RECORD_WORDS - 1) * 32 + params->slots * (1 + 2 * update + 16 + 5 * 32) + update;
}

size_t hf_batch_input_size(const hf_rollup_params *params) {
  return HF_CONTAINER_HEADER + payload_size(params);
}

static hf_status check_element(const uint8_t *word, const char *name, uint32_t slot) {
  if (hf_word_is_canonical(word)) return HF_OK;
  return hf_fail(HF_E_RANGE, "batch input: %s of slot %u is not a canonical field element", name, slot);
}

static hf_status check_update(const hf_batch_update *u, const hf_rollup_params *params, const char *name,
                              uint32_t slot) {
  if (u->index >= hf_rollup_accounts(params->depth))
    return hf_fail(HF_E_RANGE, "batch input: %s index %u of slot %u is not an account's", name, u->index,
                   slot);
  hf_status status = HF_OK;
  HF_TRY(check_element(u->old.x, name, slot));
  HF_TRY(check_element(u->old.y, name, slot));
  for (uint32_t level = 0; level < hf_rollup_levels(params); level++)
    for (int k = 0; k < 3; k++) HF_TRY(check_element(u->siblings[level][k], name, slot));
  size_t used = (size_t)hf_rollup_levels(params) * sizeof u->siblings[0];
  if (!is_zero((const uint8_t *)u->siblings + used, sizeof u->siblings - used))
    return hf_fail(HF_E_RANGE, "batch input: %s path of slot %u has siblings above the root", name, slot);
out:
  return status;
}

static hf_status check_input(const hf_batch_input *input) {
  static const uint8_t one[32] = {1};
  hf_status status = hf_rollup_params_check(&input->params);
  if (status != HF_OK) return status;
  HF_TRY(hf_record_check(&input->record, input->params.depth));
  for (uint32_t i = 0; i < input->params.slots; i++) {
    const hf_batch_slot *slot = &input->slots[i];
    if (slot->type >= HF_SLOT_TYPES)
      return hf_fail(HF_E_RANGE, "batch input: slot %u has the unknown operation %u", i, slot->type);
    HF_TRY(check_update(&slot->from, &input->params, "from", i));
    HF_TRY(check_update(&slot->to, &input->params, "to", i));
    HF_TRY(check_element(slot->to1, "to1", i));
    HF_TRY(check_element(slot->to2, "to2", i));
    HF_TRY(check_element(slot->r_x, "R.x", i));
    HF_TRY(check_element(slot->r_y, "R.y", i));
    HF_TRY(check_element(slot->s, "S", i));
    if (!hf_slot_type_is_signed(slot->type) &&
        (!is_zero(slot->r_x, 32) || memcmp(slot->r_y, one, 32) != 0 || !is_zero(slot->s, 32)))
      return hf_fail(HF_E_FORMAT, "batch input: slot %u (%s) carries a signature", i,
                     hf_slot_type_text(slot->type));
  }
  HF_TRY(check_update(&input->fees, &input->params, "fees", input->params.slots));
out:
  return status;
}

static void write_update(hf_writer *w, const hf_batch_update *u, uint32_t levels) {
  hf_write_u32(w, u->index);
  hf_write_bytes(w, u->old.x, 32);
  hf_write_bytes(w, u->old.y, 32);
  hf_write_u64(w, u->old.balance);
  hf_write_u32(w, u->old.nonce);
  hf_write_bytes(w, u->siblings, (size_t)levels * sizeof u->siblings[0]);
}

hf_status hf_batch_input_encode(const hf_batch_input *input, hf_writer *w) {
  hf_status status = check_input(input);
  if (status != HF_OK) return status;
  uint32_t levels = hf_rollup_levels(&input->params);
  hf_writer payload = {0};
  hf_write_u32(&payload, input->params.depth);
  hf_write_u32(&payload, input->params.slots);
  hf_write_bytes(&payload, input->record.word[1], (HF_RECORD_WORDS - 1) * 32);
  for (uint32_t i = 0; i < input->params.slots; i++) {
    const hf_batch_slot *slot = &input->slots[i];
    hf_write_u8(&payload, slot->type);
    write_update(&payload, &slot->from, levels);
    write_update(&payload, &slot->to, levels);
    hf_write_u64(&payload, slot->amount);
    hf_write_u64(&payload, slot->fee);
    hf_write_bytes(&payload, slot->to1, 32);
    hf_write_bytes(&payload, slot->to2, 32);
    hf_write_bytes(&payload, slot->r_x, 32);
    hf_write_bytes(&payload, slot->r_y, 32);
    hf_write_bytes(&payload, slot->s, 32);
  }
  write_update(&payload, &input->fees, levels);
  HF_TRY(hf_writer_status(&payload));
  hf_bytes part = {payload.data, payload.length};
  HF_TRY(hf_container_encode(w, HF_BATCH_INPUT_KIND, HF_BATCH_INPUT_VERSION, &part, 1));
out:
  hf_writer_free(&payload);
  return status;
}

static hf_status read_update(hf_reader *r, uint32_t levels, hf_batch_update *u) {
  hf_status status = HF_OK;
  HF_TRY(hf_read_u32(r, "index", &u->index));
  HF_TRY(hf_read_bytes(r, "key x", u->old.x, 32));
  HF_TRY(hf_read_bytes(r, "key y", u->old.y, 32));
  HF_TRY(hf_read_u64(r, "balance", &u->old.balance));
  HF_TRY(hf_read_u32(r, "nonce", &u->old.nonce));
  HF_TRY(hf_read_bytes(r, "siblings", u->siblings, (size_t)levels * sizeof u->siblings[0]));
out:
  return status;
}

static hf_status read_slot(hf_reader *r, uint32_t levels, hf_batch_slot *slot) {
  hf_status status = HF_OK;
  HF_TRY(hf_read_u8(r, "operation", &slot->type));
  HF_TRY(read_update(r, levels, &slot->from));
  HF_TRY(read_update(r, levels, &slot->to));
  HF_TRY(hf_read_u64(r, "amount", &slot->amount));
  HF_TRY(hf_read_u64(r, "fee", &slot->fee));
  HF_TRY(hf_read_bytes(r, "to1", slot->to1, 32));
  HF_TRY(hf_read_bytes(r, "to2", slot->to2, 32));
  HF_TRY(hf_read_bytes(r, "R.x", slot->r_x, 32));
  HF_TRY(hf_read_bytes(r, "R.y", slot->r_y, 32));
  HF_TRY(hf_read_bytes(r, "S", slot->s, 32));
out:
  return status;
}

hf_status hf_batch_input_decode(const char *what, const void *data, size_t length, hf_batch_input *out) {
  memset(out, 0, sizeof *out);
  const uint8_t *payload = NULL;
  size_t payload_length = 0;
  uint32_t version = 0;
  hf_rollup_params params = {0};
  hf_status status = hf_container_decode(what, data, length, HF_BATCH_INPUT_KIND, HF_BATCH_INPUT_VERSION, &payload, &payload_length, &version);
  if (status != HF_OK) return status; /* names it already */
  hf_reader r = hf_reader_over(payload, payload_length);
  HF_TRY(hf_read_u32(&r, "depth", &params.depth));
  HF_TRY(hf_read_u32(&r, "slots", &params.slots));
  HF_TRY(hf_rollup_params_check(&params));
  if (payload_length != payload_size(&params))
    HF_TRY(hf_fail(HF_E_FORMAT, "%zu bytes of payload; depth %u and %u slots make %zu", payload_length,
                   params.depth, params.slots, payload_size(&params)));
  HF_TRY(hf_batch_input_init(&params, out));
  HF_TRY(hf_read_bytes(&r, "record", out->record.word[1], (HF_RECORD_WORDS - 1) * 32));
  for (uint32_t i = 0; i < params.slots; i++)
    HF_TRY(read_slot(&r, hf_rollup_levels(&params), &out->slots[i]));
  HF_TRY(read_update(&r, hf_rollup_levels(&params), &out->fees));
  HF_TRY(hf_read_end(&r, "batch input"));
  HF_TRY(check_input(out));
out:
  if (status != HF_OK) {
    hf_batch_input_free(out);
    return hf_fail_context(status, "%s", what);
  }
  return HF_OK;
}
