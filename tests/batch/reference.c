#include "reference.h"
#include <stdlib.h>
#include <string.h>
#include "arith/poseidon2.h"
#include "host/keccak.h"

static hf_fr power_of_two(unsigned n) {
  hf_fr limbs = {{0, 0, 0, 0}};
  limbs.l[n / 64] = (uint64_t)1 << (n % 64);
  return hf_fr_from_limbs(limbs);
}

static hf_fr shift(hf_fr x, unsigned n) { return hf_fr_mul(x, power_of_two(n)); }

hf_fr ref_fr_u128(uint64_t low, uint64_t high) {
  hf_fr limbs = {{low, high, 0, 0}};
  return hf_fr_from_limbs(limbs);
}

static void *get(size_t count, size_t size) {
  void *p = calloc(count, size);
  if (p == NULL) abort();
  return p;
}

static hf_fr leaf_hash(ref_leaf leaf) {
  return hf_poseidon2_compress4(leaf.x, leaf.y, leaf.word, hf_fr_from_u64(HF_DOMAIN_ACCOUNT));
}

void ref_state_init(ref_state *state, uint32_t depth) {
  memset(state, 0, sizeof *state);
  state->depth = depth;
  state->levels = depth / 2;
  state->leaves = get((size_t)1 << depth, sizeof(ref_leaf));
  hf_fr node = leaf_hash(state->leaves[0]);
  for (uint32_t k = 0; k <= state->levels; k++) {
    size_t count = (size_t)1 << (depth - 2 * k);
    state->nodes[k] = get(count, sizeof(hf_fr));
    for (size_t i = 0; i < count; i++) state->nodes[k][i] = node;
    node = hf_poseidon2_compress4(node, node, node, node);
  }
}

void ref_state_free(ref_state *state) {
  free(state->leaves);
  for (uint32_t k = 0; k <= state->levels; k++) free(state->nodes[k]);
  memset(state, 0, sizeof *state);
}

hf_fr ref_root(const ref_state *state) { return state->nodes[state->levels][0]; }

void ref_leaf_set(ref_state *state, uint32_t index, ref_leaf leaf) {
  state->leaves[index] = leaf;
  state->nodes[0][index] = leaf_hash(leaf);
  for (uint32_t k = 1; k <= state->levels; k++) {
    index >>= 2;
    const hf_fr *c = &state->nodes[k - 1][4 * index];
    state->nodes[k][index] = hf_poseidon2_compress4(c[0], c[1], c[2], c[3]);
  }
}

ref_leaf ref_leaf_make(hf_bjj key, uint64_t balance, uint32_t nonce) {
  ref_leaf leaf = {key.x, key.y, ref_fr_u128(balance, nonce)};
  return leaf;
}

uint64_t ref_balance(const ref_state *state, uint32_t index) {
  return hf_fr_to_limbs(state->leaves[index].word).l[0];
}

void ref_open(const ref_state *state, uint32_t index, hf_batch_update *out) {
  memset(out, 0, sizeof *out);
  const ref_leaf *leaf = &state->leaves[index];
  out->index = index;
  hf_fr_to_bytes(leaf->x, out->old.x);
  hf_fr_to_bytes(leaf->y, out->old.y);
  hf_fr word = hf_fr_to_limbs(leaf->word);
  out->old.balance = word.l[0];
  out->old.nonce = (uint32_t)word.l[1];
  for (uint32_t k = 0; k < state->levels; k++) {
    uint32_t first = (index >> 2 * k) & ~(uint32_t)3, digit = (index >> 2 * k) & 3;
    for (uint32_t c = 0, s = 0; c < 4; c++)
      if (c != digit) hf_fr_to_bytes(state->nodes[k][first + c], out->siblings[k][s++]);
  }
}

hf_eddsa_key ref_key(uint8_t seed) {
  uint8_t bytes[32];
  hf_eddsa_key key;
  memset(bytes, seed, sizeof bytes);
  if (hf_eddsa_key_from_seed(bytes, &key) != HF_OK) abort();
  return key;
}

void ref_message(const ref_batch *batch, const ref_op *op, uint32_t nonce, hf_fr message[4]) {
  message[0] = ref_fr_u128(batch->chain_low, batch->chain_high);
  message[0] = hf_fr_add(message[0], shift(hf_fr_from_u64(op->type), 128));
  message[0] = hf_fr_add(message[0], shift(hf_fr_from_u64(nonce), 136));
  message[1] = hf_fr_add(ref_fr_u128(op->amount, op->fee), shift(hf_fr_from_u64(op->from), 128));
  message[2] = op->to1;
  message[3] = op->to2;
}

static hf_fr word_get(const uint8_t bytes[32]) {
  hf_fr x;
  if (!hf_fr_from_bytes(bytes, &x)) abort();
  return x;
}

void ref_data_words(const hf_batch_slot *slot, uint32_t mode, hf_fr words[HF_DATA_WORDS]) {
  bool recipient = slot->type >= HF_SLOT_WITHDRAW;
  hf_fr to[2], w0 = hf_fr_from_u64(slot->type);
  for (int i = 0; i < 3; i++) words[i] = hf_fr_zero();
  if (mode == HF_MODE_VALIDIUM && !recipient) return;
  w0 = hf_fr_add(w0, shift(hf_fr_from_u64(slot->from.index), 8));
  w0 = hf_fr_add(w0, shift(hf_fr_from_u64(slot->to.index), 32));
  w0 = hf_fr_add(w0, shift(hf_fr_from_u64(slot->amount), 56));
  w0 = hf_fr_add(w0, shift(hf_fr_from_u64(slot->fee), 120));
  to[0] = word_get(slot->to1);
  to[1] = word_get(slot->to2);
  for (int i = 0; recipient && i < 2; i++) {
    hf_fr limbs = hf_fr_to_limbs(to[i]);
    w0 = hf_fr_add(w0, shift(hf_fr_from_u64(limbs.l[3] >> 56), 184 + 6 * (unsigned)i));
    limbs.l[3] &= ((uint64_t)1 << 56) - 1;
    words[1 + i] = hf_fr_from_limbs(limbs);
  }
  words[0] = w0;
}

void ref_bind_data(hf_batch_input *input, const hf_fr *words) {
  size_t count = (size_t)HF_DATA_WORDS * input->params.slots;
  uint64_t mode = 0;
  hf_fr *all = get(count, sizeof *all);
  (void)hf_word_get_u64(input->record.word[HF_RECORD_MODE], &mode);
  for (size_t i = 0; i < input->params.slots; i++) {
    if (words != NULL) {
      memcpy(&all[3 * i], &words[3 * i], 3 * sizeof *all);
    } else {
      ref_data_words(&input->slots[i], (uint32_t)mode, &all[3 * i]);
    }
  }
  hf_fr commitment = hf_sponge(HF_DOMAIN_DATA, all, count);
  uint8_t *text = get(sizeof HF_DATA_TAG - 1 + 32 * (count + 1), 1), digest[32];
  uint8_t *at = text + sizeof HF_DATA_TAG - 1;
  memcpy(text, HF_DATA_TAG, sizeof HF_DATA_TAG - 1);
  hf_fr_to_bytes_be(commitment, at);
  for (size_t i = 0; i < count; i++) hf_fr_to_bytes_be(all[i], at + 32 * (i + 1));
  hf_keccak256(text, sizeof HF_DATA_TAG - 1 + 32 * (count + 1), digest);
  /* modulo r: the digest bit by bit */
  hf_fr x = hf_fr_zero(), y = hf_fr_zero();
  for (int i = 0; i < 256; i++)
    x = hf_fr_add(hf_fr_dbl(x), hf_fr_from_u64((digest[i / 8] >> (7 - i % 8)) & 1));
  for (size_t i = count; i-- > 0;) y = hf_fr_add(hf_fr_mul(y, x), all[i]);
  hf_fr_to_bytes(commitment, input->record.word[HF_RECORD_DATA]);
  hf_fr_to_bytes(x, input->record.word[HF_RECORD_DATA_X]);
  hf_fr_to_bytes(y, input->record.word[HF_RECORD_DATA_Y]);
  free(text);
  free(all);
}

static void put(hf_batch_input *input, hf_record_word word, hf_fr value) {
  hf_fr_to_bytes(value, input->record.word[word]);
}

static void apply(ref_state *state, const ref_batch *batch, const ref_op *op, hf_batch_slot *slot) {
  hf_fr amount = hf_fr_from_u64(op->amount), fee = hf_fr_from_u64(op->fee);
  bool is_signed = op->type == HF_SLOT_TRANSFER || op->type == HF_SLOT_WITHDRAW;
  bool credits = op->type == HF_SLOT_TRANSFER || op->type == HF_SLOT_DEPOSIT;
  slot->type = (uint8_t)op->type;
  slot->amount = op->amount;
  slot->fee = op->fee;
  hf_fr_to_bytes(op->to1, slot->to1);
  hf_fr_to_bytes(op->to2, slot->to2);
  ref_open(state, op->from, &slot->from);
  ref_leaf leaf = state->leaves[op->from];
  if (is_signed) {
    hf_fr message[4];
    hf_eddsa_signature signature;
    ref_message(batch, op, (uint32_t)hf_fr_to_limbs(leaf.word).l[1], message);
    hf_eddsa_sign(op->signer, op->other_message ? op->message : message, &signature);
    hf_fr_to_bytes(signature.r.x, slot->r_x);
    hf_fr_to_bytes(signature.r.y, slot->r_y);
    memcpy(slot->s, signature.s, 32);
    leaf.word = hf_fr_sub(hf_fr_add(leaf.word, power_of_two(64)), amount);
  }
  leaf.word = hf_fr_sub(leaf.word, fee);
  ref_leaf_set(state, op->from, leaf);
  ref_open(state, op->to, &slot->to);
  leaf = state->leaves[op->to];
  if (credits) {
    if (op->type == HF_SLOT_DEPOSIT && hf_fr_is_zero(leaf.x)) {
      leaf.x = op->to1;
      leaf.y = op->to2;
    }
    leaf.word = hf_fr_add(leaf.word, amount);
    ref_leaf_set(state, op->to, leaf);
  }
}

void ref_batch_make(ref_state *state, const ref_batch *batch, const ref_op *ops, uint32_t count,
                    hf_batch_input *out) {
  static const ref_op noop = {.type = HF_SLOT_NOOP};
  hf_fr fees = hf_fr_zero(), totals[3] = {hf_fr_zero(), hf_fr_zero(), hf_fr_zero()};
  uint64_t counts[HF_SLOT_TYPES] = {0};
  if (hf_batch_input_init(&batch->params, out) != HF_OK) abort();
  put(out, HF_RECORD_OLD_ROOT, ref_root(state));
  for (uint32_t i = 0; i < batch->params.slots; i++) {
    const ref_op *op = i < count ? &ops[i] : &noop;
    hf_fr amount = hf_fr_from_u64(op->amount);
    apply(state, batch, op, &out->slots[i]);
    fees = hf_fr_add(fees, hf_fr_from_u64(op->fee));
    counts[op->type]++;
    if (op->type == HF_SLOT_DEPOSIT || op->type == HF_SLOT_DEPOSIT_REFUSED)
      totals[0] = hf_fr_add(totals[0], amount);
    if (op->type == HF_SLOT_WITHDRAW) totals[1] = hf_fr_add(totals[1], amount);
    if (op->type == HF_SLOT_DEPOSIT_REFUSED) totals[2] = hf_fr_add(totals[2], amount);
  }
  ref_open(state, batch->operator_index, &out->fees);
  ref_leaf leaf = state->leaves[batch->operator_index];
  leaf.word = hf_fr_add(hf_fr_add(leaf.word, fees), batch->stolen);
  ref_leaf_set(state, batch->operator_index, leaf);

  hf_fr outbox[3] = {ref_fr_u128(batch->chain_low, batch->chain_high), hf_fr_from_u64(batch->number),
                     hf_fr_zero()};
  put(out, HF_RECORD_CHAIN_ID, outbox[0]);
  put(out, HF_RECORD_BATCH_NUMBER, outbox[1]);
  put(out, HF_RECORD_MODE, hf_fr_from_u64(batch->mode));
  put(out, HF_RECORD_NEW_ROOT, ref_root(state));
  put(out, HF_RECORD_OUTBOX_ROOT, hf_sponge(HF_DOMAIN_OUTBOX, outbox, 3));
  put(out, HF_RECORD_DEPOSIT_START, hf_fr_from_u64(batch->deposit_start));
  put(out, HF_RECORD_DEPOSIT_COUNT,
      hf_fr_from_u64(counts[HF_SLOT_DEPOSIT] + counts[HF_SLOT_DEPOSIT_REFUSED]));
  put(out, HF_RECORD_TRANSFERS, hf_fr_from_u64(counts[HF_SLOT_TRANSFER]));
  put(out, HF_RECORD_WITHDRAWALS, hf_fr_from_u64(counts[HF_SLOT_WITHDRAW]));
  put(out, HF_RECORD_TOTAL_IN, totals[0]);
  put(out, HF_RECORD_TOTAL_OUT, totals[1]);
  put(out, HF_RECORD_TOTAL_REFUSED, totals[2]);
  put(out, HF_RECORD_OPERATOR, hf_fr_from_u64(batch->operator_index));
  ref_bind_data(out, NULL);
}

hf_fr ref_statement(const hf_batch_input *input) {
  hf_fr words[HF_RECORD_WORDS];
  for (int i = 1; i < HF_RECORD_WORDS; i++) words[i] = word_get(input->record.word[i]);
  return hf_sponge(HF_DOMAIN_BATCH_STATEMENT, &words[1], HF_RECORD_WORDS - 1);
}

void ref_world_init(ref_world *world, uint32_t depth, uint32_t slots, uint8_t salt) {
  memset(world, 0, sizeof *world);
  ref_state_init(&world->state, depth);
  world->batch.params.depth = depth;
  world->batch.params.slots = slots;
  world->batch.chain_low = 0x1122334455667788 + salt;
  world->batch.chain_high = 0x99aabbccddeeff00;
  world->batch.number = 7;
  world->batch.deposit_start = 40;
  world->batch.operator_index = 6;
  for (uint32_t i = 0; i < 6; i++) {
    world->keys[i] = ref_key((uint8_t)(16 * salt + i + 1));
    ref_leaf_set(&world->state, i + 1,
                 ref_leaf_make(world->keys[i].public_key, 1000000 + 1000 * i + salt, 3 * i));
  }
}

void ref_world_free(ref_world *world) { ref_state_free(&world->state); }

ref_op ref_transfer(const ref_world *world, uint32_t from, uint32_t to, uint64_t amount, uint64_t fee) {
  const ref_leaf *leaf = &world->state.leaves[to];
  ref_op op = {.type = HF_SLOT_TRANSFER,
               .from = from,
               .to = to,
               .amount = amount,
               .fee = fee,
               .to1 = leaf->x,
               .to2 = leaf->y,
               .signer = &world->keys[from - 1]};
  return op;
}

ref_op ref_withdraw(const ref_world *world, uint32_t from, uint64_t address, uint64_t amount, uint64_t fee) {
  ref_op op = {.type = HF_SLOT_WITHDRAW,
               .from = from,
               .amount = amount,
               .fee = fee,
               .to2 = hf_fr_zero(),
               .to1 = hf_fr_add(hf_fr_from_u64(address), power_of_two(159)),
               .signer = &world->keys[from - 1]};
  return op;
}

ref_op ref_deposit(uint32_t to, hf_bjj key, uint64_t amount) {
  ref_op op = {.type = HF_SLOT_DEPOSIT, .to = to, .amount = amount, .to1 = key.x, .to2 = key.y};
  return op;
}

ref_op ref_refused(hf_fr to1, hf_fr to2, uint64_t amount) {
  ref_op op = {.type = HF_SLOT_DEPOSIT_REFUSED, .amount = amount, .to1 = to1, .to2 = to2};
  return op;
}
