/* The batch circuit: slots, then fees, data and record. See batch.h and README.md. */
#include "batch.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "arith/poseidon2.h"
#include "batch_parts.h"
#include "circuit/hash.h"
#include "circuit/range.h"
#include "host/poseidon.h"

hf_fr batch_power(unsigned n) {
  hf_fr limbs = {{0, 0, 0, 0}};
  limbs.l[n / 64] = (uint64_t)1 << (n % 64);
  return hf_fr_from_limbs(limbs);
}

hf_fr batch_word(hf_builder *b, const uint8_t bytes[32]) {
  hf_fr x = hf_fr_zero();
  if (!hf_fr_from_bytes(bytes, &x))
    hf_builder_fail(b, HF_E_RANGE, "batch input: a word is not a canonical field element");
  return x;
}

hf_var batch_hint(hf_builder *b, const uint8_t bytes[32], const char *name) {
  return hf_hint(b, batch_word(b, bytes), name);
}

uint32_t batch_count(const hf_builder *b, uint32_t since, uint32_t *counter) {
  uint32_t now = hf_builder_rows(b);
  *counter += now - since;
  return now;
}

hf_var batch_index(hf_builder *b, uint32_t index, unsigned levels, const char *name, hf_var *digits) {
  hf_var v = hf_hint(b, hf_fr_from_u64(index), name);
  hf_merkle_digits(b, v, levels, digits);
  return v;
}

static hf_var leaf_hash(hf_builder *b, const batch_leaf *leaf) {
  hf_var in[4] = {leaf->x, leaf->y, leaf->word, hf_constant_u64(b, HF_DOMAIN_ACCOUNT)};
  return hf_hash4(b, in);
}

hf_var batch_update(batch_context *cx, hf_var root, const hf_batch_update *input, const hf_var *digits,
                    const batch_leaf *old_leaf, const batch_leaf *new_leaf, uint32_t *path_rows,
                    uint32_t *leaf_rows) {
  hf_builder *b = cx->b;
  uint32_t rows = hf_builder_rows(b);
  hf_fr siblings[3 * HF_ROLLUP_LEVELS_MAX];
  for (unsigned i = 0; i < 3 * cx->levels; i++) siblings[i] = batch_word(b, input->siblings[i / 3][i % 3]);
  hf_var old_hash = leaf_hash(b, old_leaf), new_hash = leaf_hash(b, new_leaf), before, after;
  rows = batch_count(b, rows, leaf_rows);
  hf_merkle_update(b, old_hash, new_hash, digits, siblings, cx->levels, &before, &after);
  hf_assert_equal(b, "old leaf is in the tree", before, root);
  batch_count(b, rows, path_rows);
  return after;
}

/* The sum of one field of all slots. */
static hf_var sum_slots(hf_builder *b, const batch_slot_result *slots, uint32_t count, size_t offset) {
  hf_term terms[256]; /* what one hf_linear takes, with room for what came before */
  size_t fill = 0;
  for (uint32_t i = 0; i < count; i++) {
    hf_var v;
    if (fill == sizeof terms / sizeof *terms) {
      terms[0] = hf_term_of(hf_fr_one(), hf_linear(b, terms, fill, hf_fr_zero()));
      fill = 1;
    }
    memcpy(&v, (const char *)&slots[i] + offset, sizeof v);
    terms[fill++] = hf_term_of(hf_fr_one(), v);
  }
  return hf_linear(b, terms, fill, hf_fr_zero());
}

static hf_var add3(hf_builder *b, hf_var x, hf_var y, hf_var z) {
  hf_term terms[] = {{hf_fr_one(), x}, {hf_fr_one(), y}, {hf_fr_one(), z}};
  return hf_linear(b, terms, 3, hf_fr_zero());
}

/* The operator's account gets the fees: `fees` is below slots 2^64. Returns the root. */
static hf_var credit_fees(batch_context *cx, hf_var root, hf_var fees, const hf_batch_update *input,
                          hf_var *index) {
  hf_builder *b = cx->b;
  uint32_t rows = hf_builder_rows(b);
  hf_var digits[HF_ROLLUP_LEVELS_MAX];
  hf_scope_begin(b, "fees");
  *index = batch_index(b, input->index, cx->levels, "operator index", digits);
  hf_assert_bool(b, "accounts only", digits[cx->levels - 1]);
  hf_var balance = hf_hint(b, hf_fr_from_u64(input->old.balance), "operator balance");
  hf_var nonce = hf_hint(b, hf_fr_from_u64(input->old.nonce), "operator nonce");
  hf_range(b, "operator balance", balance, 64);
  hf_range(b, "operator nonce", nonce, 32);
  hf_var balance_new = hf_add(b, balance, fees);
  hf_range(b, "operator balance after", balance_new, 64);
  hf_term word[] = {{hf_fr_one(), balance}, {batch_power(64), nonce}};
  hf_term word_new[] = {{hf_fr_one(), balance_new}, {batch_power(64), nonce}};
  batch_leaf old_leaf = {batch_hint(b, input->old.x, "operator key x"),
                         batch_hint(b, input->old.y, "operator key y"), hf_linear(b, word, 2, hf_fr_zero())};
  batch_leaf new_leaf = {old_leaf.x, old_leaf.y, hf_linear(b, word_new, 2, hf_fr_zero())};
  /* Nobody's fees go to an empty leaf: fees (1 - x / x) = 0. */
  hf_var inverse = hf_hint(b, hf_fr_inv(hf_value(b, old_leaf.x)), "inverse of operator key x");
  hf_product lost = {hf_fr_neg(hf_fr_one()), fees, hf_mul(b, old_leaf.x, inverse)};
  hf_term all = {hf_fr_one(), fees};
  hf_assert_quadratic(b, "fees go to an account", &lost, 1, &all, 1, hf_fr_zero());
  batch_count(b, rows, &cx->rows->fees);
  root = batch_update(cx, root, input, digits, &old_leaf, &new_leaf, &cx->rows->fees, &cx->rows->fees);
  hf_scope_end(b);
  return root;
}

/* D and y = sum word_k x^k. Two rows of the fingerprint a slot:
 * y := y x^3 + (w2 x^2 + w1 x + w0), from the last slot to the first. */
static void bind_data(batch_context *cx, const batch_slot_result *slots, uint32_t count, hf_var *words,
                      hf_var x, hf_var *commitment, hf_var *fingerprint) {
  hf_builder *b = cx->b;
  uint32_t rows = hf_builder_rows(b);
  hf_scope_begin(b, "data");
  for (uint32_t i = 0; i < count; i++)
    memcpy(&words[HF_DATA_WORDS * i], slots[i].words, sizeof slots[i].words);
  *commitment = hf_hash_words(b, HF_DOMAIN_DATA, words, (size_t)HF_DATA_WORDS * count);
  hf_var x2 = hf_mul(b, x, x), x3 = {0}, y = {0};
  for (uint32_t i = count; i-- > 0;) {
    const hf_var *w = &words[HF_DATA_WORDS * i];
    hf_product products[] = {{hf_fr_one(), w[2], x2}, {hf_fr_one(), w[1], x}};
    hf_term first = {hf_fr_one(), w[0]};
    hf_var part = hf_quadratic(b, products, 2, &first, 1, hf_fr_zero());
    if (i + 1 == count) {
      y = part;
      if (count > 1) x3 = hf_mul(b, x2, x);
    } else {
      y = hf_mul_add(b, y, x3, part);
    }
  }
  *fingerprint = y;
  hf_scope_end(b);
  batch_count(b, rows, &cx->rows->data);
}

/* The record, word by word. The statement hashes the words that the input claims; those that follow from the
 * slots are tied to them by copy. */
static void record_words(batch_context *cx, const hf_batch_input *in, hf_var words[HF_RECORD_WORDS]) {
  hf_builder *b = cx->b;
  hf_var claimed[HF_RECORD_WORDS],
      outbox[3] = {words[HF_RECORD_CHAIN_ID], words[HF_RECORD_BATCH_NUMBER], hf_zero(b)};
  words[HF_RECORD_OUTBOX_ROOT] = hf_hash_words(b, HF_DOMAIN_OUTBOX, outbox, 3);
  for (int i = 0; i < 4 * HF_IMPORTS; i++) words[HF_RECORD_IMPORTS + i] = hf_zero(b);
  for (int i = HF_RECORD_CHAIN_ID; i < HF_RECORD_WORDS; i++) {
    const char *name = hf_record_words[i].name;
    claimed[i] = batch_hint(b, in->record.word[i], name);
    hf_assert_equal(b, name, words[i], claimed[i]);
  }
  hf_scope_begin(b, "statement");
  hf_public_statement(b, hf_hash_words(b, HF_DOMAIN_BATCH_STATEMENT, &claimed[1], HF_RECORD_WORDS - 1));
  hf_scope_end(b);
}

/* The slots are parts: each has a context of its own, and only the root goes from one to the next. */
typedef struct slots_run {
  const batch_context *shared;
  const hf_batch_input *input;
  batch_slot_result *slots;
} slots_run;

static hf_var slot_part(hf_builder *b, void *context, size_t i, hf_var root) {
  const slots_run *run = context;
  batch_context cx = *run->shared;
  cx.b = b;
  cx.rows = &run->slots[i].rows;
  batch_slot(&cx, root, &run->input->slots[i], &run->slots[i]);
  return run->slots[i].root;
}

static void add_slot_rows(hf_batch_rows *sum, const hf_batch_rows *slot) {
  sum->paths += slot->paths;
  sum->leaves += slot->leaves;
  sum->challenge += slot->challenge;
  sum->signature += slot->signature;
  sum->data += slot->data;
  sum->rules += slot->rules;
}

static hf_status lay_out(hf_builder *b, const hf_batch_input *in, hf_batch_rows *rows) {
  uint32_t count = in->params.slots, at = hf_builder_rows(b);
  batch_slot_result *slots = calloc(count, sizeof *slots);
  hf_var *data = calloc((size_t)HF_DATA_WORDS * count, sizeof *data), words[HF_RECORD_WORDS];
  hf_status status = HF_OK;
  if (slots == NULL || data == NULL) {
    status = hf_fail(HF_E_MEMORY, "batch circuit: no memory for %u slots", (unsigned)count);
    goto out;
  }
  batch_context cx = {.b = b, .levels = hf_rollup_levels(&in->params), .rows = rows};
  hf_base_table_create(b, hf_base_window(count), &cx.base);
  at = batch_count(b, at, &rows->table);

  static const hf_record_word given[] = {HF_RECORD_CHAIN_ID, HF_RECORD_BATCH_NUMBER,  HF_RECORD_MODE,
                                         HF_RECORD_OLD_ROOT, HF_RECORD_DEPOSIT_START, HF_RECORD_DATA_X};
  for (size_t i = 0; i < sizeof given / sizeof *given; i++)
    words[given[i]] = batch_hint(b, in->record.word[given[i]], hf_record_words[given[i]].name);
  cx.chain_id = words[HF_RECORD_CHAIN_ID];
  cx.mode = words[HF_RECORD_MODE];
  hf_assert_bool(b, "mode is 0 or 1", cx.mode);

  slots_run run = {&cx, in, slots};
  hf_var root = hf_builder_parts(b, count, words[HF_RECORD_OLD_ROOT], slot_part, &run);
  for (uint32_t i = 0; i < count; i++) add_slot_rows(rows, &slots[i].rows);

#define SUM(field) sum_slots(b, slots, count, offsetof(batch_slot_result, field))
  hf_var fees = SUM(fee);
  words[HF_RECORD_NEW_ROOT] = credit_fees(&cx, root, fees, &in->fees, &words[HF_RECORD_OPERATOR]);
  bind_data(&cx, slots, count, data, words[HF_RECORD_DATA_X], &words[HF_RECORD_DATA],
            &words[HF_RECORD_DATA_Y]);

  at = hf_builder_rows(b);
  hf_scope_begin(b, "record");
  /* so that the parts of the signed word m0 do not overlap, whoever reads the record */
  hf_range(b, hf_record_words[HF_RECORD_CHAIN_ID].name, cx.chain_id, 128);
  hf_var refused = SUM(deposit_refused);
  words[HF_RECORD_DEPOSIT_COUNT] = add3(b, SUM(deposit_applied), SUM(deposit_opened), refused);
  words[HF_RECORD_TRANSFERS] = SUM(transfer);
  words[HF_RECORD_WITHDRAWALS] = SUM(withdraw);
  words[HF_RECORD_TOTAL_IN] = hf_sub(b, SUM(amount), SUM(spent));
  words[HF_RECORD_TOTAL_OUT] = SUM(withdrawn);
  words[HF_RECORD_TOTAL_REFUSED] = SUM(refused);
#undef SUM
  record_words(&cx, in, words);
  hf_scope_end(b);
  batch_count(b, at, &rows->record);
  status = hf_builder_status(b);
out:
  free(slots);
  free(data);
  return status;
}

static hf_status batch_run(hf_builder *b, const hf_rollup_params *params, const hf_batch_input *input,
                           hf_batch_rows *rows) {
  hf_batch_input empty = {0};
  hf_status status;
  HF_TRY(hf_rollup_params_check(params));
  if (input == NULL) {
    HF_TRY(hf_batch_input_empty(params, &empty));
    input = &empty;
  }
  if (input->params.depth != params->depth || input->params.slots != params->slots) {
    status = hf_fail(HF_E_MISMATCH,
                     "batch circuit: made for depth %u and %u slots, the input has depth %u and %u slots",
                     (unsigned)params->depth, (unsigned)params->slots, (unsigned)input->params.depth,
                     (unsigned)input->params.slots);
    goto out;
  }
  memset(rows, 0, sizeof *rows);
  HF_TRY(lay_out(b, input, rows));
out:
  hf_batch_input_free(&empty);
  return status;
}

hf_status hf_batch_circuit(hf_builder *b, const hf_rollup_params *params, const hf_batch_input *input) {
  hf_batch_rows rows;
  return batch_run(b, params, input, &rows);
}

hf_status hf_batch_options(const hf_rollup_params *params, hf_builder_options *out) {
  hf_status status;
  memset(out, 0, sizeof *out);
  HF_TRY(hf_rollup_params_check(params));
  /* Width 16 makes 64 bits one row and needs 2^16 rows; with fewer, width 8 makes them two. The estimate is
   * of the rows at width 8 (README.md has the counts) and only has to be on the right side of 2^15. */
  uint64_t rows = (uint64_t)params->slots * (84 * hf_rollup_levels(params) + 594) + 2232 + HF_BLIND_ROWS + 1;
  out->table_width = rows > 1 << 15 ? 16 : 8;
  out->foldable = true;
out:
  return status;
}

hf_status hf_batch_circuit_rows(const hf_rollup_params *params, hf_batch_rows *out) {
  hf_builder_options options;
  hf_builder *b = NULL;
  hf_circuit *circuit = NULL;
  hf_status status;
  memset(out, 0, sizeof *out);
  HF_TRY(hf_batch_options(params, &options));
  HF_TRY(hf_builder_create(&options, &b));
  HF_TRY(batch_run(b, params, NULL, out));
  HF_TRY(hf_builder_finish(b, &circuit));
  uint32_t *shares[] = {&out->paths, &out->leaves, &out->challenge, &out->signature, &out->data, &out->rules};
  for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
    *shares[i] = (*shares[i] + params->slots - 1) / params->slots;
    out->slot += *shares[i];
  }
  out->used = circuit->used_rows;
  out->log_n = circuit->log_n;
  out->table_width = circuit->table_width;
out:
  hf_circuit_destroy(&circuit);
  hf_builder_destroy(&b);
  return status;
}

hf_status hf_batch_input_empty(const hf_rollup_params *params, hf_batch_input *out) {
  hf_status status = hf_batch_input_init(params, out);
  if (status != HF_OK) return status;
  hf_fr zero = hf_fr_zero();
  hf_fr node = hf_poseidon2_compress4(zero, zero, zero, hf_fr_from_u64(HF_DOMAIN_ACCOUNT));
  for (uint32_t level = 0; level < hf_rollup_levels(params); level++) {
    for (int k = 0; k < 3; k++) hf_fr_to_bytes(node, out->fees.siblings[level][k]);
    node = hf_poseidon2_compress4(node, node, node, node);
  }
  for (uint32_t i = 0; i < params->slots; i++) out->slots[i].from = out->slots[i].to = out->fees;
  hf_fr_to_bytes(node, out->record.word[HF_RECORD_OLD_ROOT]);
  hf_fr_to_bytes(node, out->record.word[HF_RECORD_NEW_ROOT]);
  hf_fr outbox[3] = {zero, zero, zero};
  hf_fr_to_bytes(hf_sponge(HF_DOMAIN_OUTBOX, outbox, 3), out->record.word[HF_RECORD_OUTBOX_ROOT]);
  hf_sponge_stream data;
  hf_sponge_init(&data, HF_DOMAIN_DATA, (uint64_t)HF_DATA_WORDS * params->slots);
  for (uint32_t i = 0; i < params->slots; i++) hf_sponge_absorb(&data, outbox, HF_DATA_WORDS);
  status = hf_sponge_final(&data, &zero);
  hf_fr_to_bytes(zero, out->record.word[HF_RECORD_DATA]);
  if (status != HF_OK) hf_batch_input_free(out);
  return status;
}
