/* A sequencer that lies: each lie is consistent in everything but the rule it breaks, and the circuit names
 * that rule. */
#include <criterion/criterion.h>
#include <string.h>
#include "host/scalar.h"
#include "lies.h"
#include "reference.h"

#define DEPTH 4
#define SLOTS 2

static hf_fr power(unsigned n) { return hf_fr_pow_u64(hf_fr_from_u64(2), n); }

/* True if the name contains one of the rules "a|b|c". */
static bool named(const char *name, const char *rules, bool first_only) {
  char one[128];
  for (const char *at = rules; at != NULL; at = strchr(at, '|') == NULL ? NULL : strchr(at, '|') + 1) {
    size_t length = strcspn(at, "|");
    memcpy(one, at, length);
    one[length] = 0;
    if (strstr(name, one) != NULL) return true;
    if (first_only) return false;
  }
  return false;
}

/* Unsatisfied: the first of the rules fails, and nothing but the rules. */
static void refuse_hints(const char *what, const hf_batch_input *input, const lie_hint *lies, uint32_t count,
                         const char *rules) {
  run_result run;
  bool found = false;
  run_batch(input, lies, count, &run);
  cr_assert_eq(run.status, HF_OK, "%s: %s", what, run.message);
  cr_assert_eq(run.lies_told, count, "%s: no such hint", what);
  cr_assert_eq(run.checked, HF_E_UNSATISFIED, "%s was accepted", what);
  for (uint32_t i = 0; i < run.failures; i++) {
    found |= named(run.names[i], rules, true);
    cr_assert(named(run.names[i], rules, false), "%s: only \"%s\" should fail, so does \"%s\": %s", what,
              rules, run.names[i], run.message);
  }
  cr_assert(found, "%s: \"%s\" should fail: %s", what, rules, run.message);
}

static void refuse(const char *what, const hf_batch_input *input, const char *rule) {
  refuse_hints(what, input, NULL, 0, rule);
}

/* Makes a batch of the operations in a fresh state of `world`, and refuses it. */
static void refuse_ops(const char *what, ref_world *world, const ref_op *ops, uint32_t count,
                       const char *rule) {
  hf_batch_input input;
  ref_batch_make(&world->state, &world->batch, ops, count, &input);
  refuse(what, &input, rule);
  hf_batch_input_free(&input);
  ref_world_free(world);
}

static hf_fr word(const uint8_t bytes[32]) {
  hf_fr x;
  cr_assert(hf_fr_from_bytes(bytes, &x));
  return x;
}

static void word_add(uint8_t bytes[32], hf_fr delta) { hf_fr_to_bytes(hf_fr_add(word(bytes), delta), bytes); }

/* l as an element of Fr */
static hf_fr order(void) {
  uint64_t top[4] = {~(uint64_t)0, ~(uint64_t)0, ~(uint64_t)0, ~(uint64_t)0};
  hf_scalar rest = hf_scalar_from_limbs(top); /* 2^256 - 1 = 42 l + rest */
  hf_fr all = hf_fr_sub(power(256), hf_fr_one()), r;
  memcpy(r.l, rest.l, sizeof r.l);
  return hf_fr_mul(hf_fr_sub(all, hf_fr_from_limbs(r)), hf_fr_inv(hf_fr_from_u64(42)));
}

/* Changes the amount until the S of its honest signature is below 2^248. */
static void choose_small_s(const ref_world *world, ref_op *op) {
  for (;; op->amount++) {
    hf_fr message[4];
    hf_eddsa_signature signature;
    uint32_t nonce = (uint32_t)hf_fr_to_limbs(world->state.leaves[op->from].word).l[1];
    ref_message(&world->batch, op, nonce, message);
    hf_eddsa_sign(op->signer, message, &signature);
    if (signature.s[31] == 0) return;
  }
}

Test(attacks, signatures) {
  ref_world w;
  hf_batch_input input;
  ref_world_init(&w, DEPTH, SLOTS, 1);
  ref_op ops[] = {ref_transfer(&w, 1, 2, 500, 3), ref_withdraw(&w, 3, 77, 40, 2)};
  choose_small_s(&w, &ops[1]); /* so that S + l still has digits */
  ref_batch_make(&w.state, &w.batch, ops, 2, &input);
  uint8_t s[32], x[32], y[32];
  memcpy(s, input.slots[1].s, 32);
  word_add(input.slots[1].s, hf_fr_one());
  refuse("a forged S", &input, "R = S B - h A");
  memcpy(input.slots[1].s, s, 32);
  word_add(input.slots[1].s, order());
  refuse("S + l", &input, "S is below the group order");
  memcpy(input.slots[1].s, s, 32);
  memcpy(x, input.slots[1].r_x, 32);
  memcpy(y, input.slots[1].r_y, 32);
  memcpy(input.slots[1].r_x, input.slots[0].r_x, 32);
  memcpy(input.slots[1].r_y, input.slots[0].r_y, 32);
  refuse("another signature's R", &input, "R = S B - h A");
  memcpy(input.slots[1].s, input.slots[0].s, 32);
  refuse("another transaction's signature", &input, "R = S B - h A");
  memcpy(input.slots[1].s, s, 32);
  memcpy(input.slots[1].r_x, x, 32);
  word_add(input.slots[1].r_x, hf_fr_one());
  refuse("R off the curve", &input, "");
  hf_batch_input_free(&input);
  ref_world_free(&w);

  /* The stranger signs in the owner's place. */
  ref_world_init(&w, DEPTH, SLOTS, 2);
  hf_eddsa_key stranger = ref_key(200);
  ref_op stolen = ref_transfer(&w, 1, 2, 500, 3);
  stolen.signer = &stranger;
  refuse_ops("a stranger's signature", &w, &stolen, 1, "R = S B - h A");
}

Test(attacks, small_order_keys) {
  /* With a key T of small order, S B = R + h T has solutions for every message: take R = k B - g T and hope
   * that h = g modulo 8. */
  ref_world w;
  ref_world_init(&w, DEPTH, SLOTS, 3);
  hf_bjj small = hf_bjj_identity();
  for (uint64_t i = 2; hf_fr_is_zero(small.x); i++) {
    /* l P for a point P that is not in the subgroup */
    uint8_t bytes[32] = {0};
    hf_bjj p;
    bytes[0] = (uint8_t)i;
    if (hf_bjj_decompress(bytes, &p) != HF_OK) continue;
    hf_fr l = hf_fr_to_limbs(order());
    small = hf_bjj_mul(p, l.l);
  }
  cr_assert(hf_bjj_is_small_order(small));
  ref_leaf_set(&w.state, 1, ref_leaf_make(small, 5000, 0));
  ref_op op = ref_transfer(&w, 1, 2, 4000, 1);
  hf_batch_input input;
  ref_state_free(&w.state);
  ref_world_init(&w, DEPTH, SLOTS, 3);
  ref_leaf_set(&w.state, 1, ref_leaf_make(small, 5000, 0));
  ref_batch_make(&w.state, &w.batch, &op, 1, &input);
  hf_fr message[4];
  ref_message(&w.batch, &op, 0, message);
  bool found = false;
  for (uint64_t k = 1; k < 200 && !found; k++) {
    uint64_t kk[4] = {k, 0, 0, 0}, g[4] = {8 - k % 8, 0, 0, 0};
    hf_bjj r = hf_bjj_add(hf_bjj_mul(hf_bjj_base(), kk), hf_bjj_mul(small, g));
    hf_fr h = hf_fr_to_limbs(hf_eddsa_challenge(r, small, message));
    if (!hf_bjj_eq(hf_bjj_add(r, hf_bjj_mul(small, h.l)), hf_bjj_mul(hf_bjj_base(), kk))) continue;
    found = true;
    hf_fr_to_bytes(r.x, input.slots[0].r_x);
    hf_fr_to_bytes(r.y, input.slots[0].r_y);
    hf_fr_to_bytes(hf_fr_from_u64(k), input.slots[0].s);
  }
  cr_assert(found);
  refuse("a key of small order", &input, "small order");
  hf_batch_input_free(&input);
  ref_world_free(&w);
}

Test(attacks, balances_and_nonces) {
  ref_world w;
  ref_world_init(&w, DEPTH, SLOTS, 4);
  ref_op op = ref_transfer(&w, 1, 2, ref_balance(&w.state, 1), 1);
  refuse_ops("overdraft by the fee", &w, &op, 1, "from balance after");
  ref_world_init(&w, DEPTH, SLOTS, 4);
  op = ref_transfer(&w, 1, 2, UINT64_MAX, UINT64_MAX);
  refuse_ops("overdraft by more than a balance holds", &w, &op, 1,
             "from balance after|to balance after|operator balance after");
  ref_world_init(&w, DEPTH, SLOTS, 4);
  op = ref_withdraw(&w, 1, 5, ref_balance(&w.state, 1) + 1, 0);
  refuse_ops("withdrawal of more than there is", &w, &op, 1, "from balance after");

  ref_world_init(&w, DEPTH, SLOTS, 4);
  ref_leaf_set(&w.state, 2, ref_leaf_make(w.keys[1].public_key, UINT64_MAX - 10, 0));
  op = ref_transfer(&w, 1, 2, 11, 0);
  refuse_ops("receiver's balance overflows", &w, &op, 1, "to balance after");
  ref_world_init(&w, DEPTH, SLOTS, 4);
  op = ref_deposit(2, w.keys[1].public_key, UINT64_MAX);
  refuse_ops("deposit overflows", &w, &op, 1, "to balance after");
  ref_world_init(&w, DEPTH, SLOTS, 4);
  ref_leaf_set(&w.state, 6, ref_leaf_make(w.keys[5].public_key, UINT64_MAX - 10, 0));
  op = ref_transfer(&w, 1, 2, 5, 11);
  refuse_ops("operator's balance overflows", &w, &op, 1, "operator balance after");

  /* The same overflows, with the balance of the leaf read as 2^64 less and its nonce as one more. */
  hf_batch_input input;
  ref_world_init(&w, DEPTH, SLOTS, 4);
  ref_leaf_set(&w.state, 2, ref_leaf_make(w.keys[1].public_key, UINT64_MAX - 10, 0));
  op = ref_transfer(&w, 1, 2, 11, 0);
  ref_batch_make(&w.state, &w.batch, &op, 1, &input);
  lie_hint split[] = {{"to balance", 0, hf_fr_neg(hf_fr_from_u64(11))}, {"to nonce", 0, hf_fr_one()}};
  refuse_hints("a negative balance", &input, split, 2, "to balance");
  hf_batch_input_free(&input);
  ref_world_free(&w);
  ref_world_init(&w, DEPTH, SLOTS, 4);
  ref_leaf_set(&w.state, 1, ref_leaf_make(w.keys[0].public_key, 100, 1));
  op = ref_transfer(&w, 1, 2, UINT64_MAX, 0);
  op.other_message = true;
  ref_message(&w.batch, &op, 0, op.message);
  ref_batch_make(&w.state, &w.batch, &op, 1, &input);
  lie_hint more[] = {{"from balance", 0, hf_fr_add(power(64), hf_fr_from_u64(100))},
                     {"nonce after", 0, hf_fr_one()}};
  refuse_hints("a nonce read as 2^64 of balance", &input, more, 2, "from balance|to balance after");
  hf_batch_input_free(&input);
  ref_world_free(&w);

  for (int delta = -1; delta <= 1; delta += 2) {
    ref_world_init(&w, DEPTH, SLOTS, 4);
    op = ref_transfer(&w, 3, 2, 11, 1);
    op.other_message = true;
    ref_message(&w.batch, &op, (uint32_t)(6 + delta), op.message);
    refuse_ops("wrong nonce", &w, &op, 1, "R = S B - h A");
  }
  ref_world_init(&w, DEPTH, SLOTS, 4);
  ref_leaf_set(&w.state, 1, ref_leaf_make(w.keys[0].public_key, 1000, UINT32_MAX));
  op = ref_transfer(&w, 1, 2, 11, 1);
  refuse_ops("nonce 2^32", &w, &op, 1, "nonce after");
}

Test(attacks, replay_and_rewriting) {
  ref_world w;
  ref_world_init(&w, DEPTH, SLOTS, 5);
  ref_op op = ref_transfer(&w, 1, 2, 500, 3);
  op.other_message = true;
  ref_batch elsewhere = w.batch;
  elsewhere.chain_low ^= 1;
  ref_message(&elsewhere, &op, 0, op.message);
  refuse_ops("replay of another chain's transfer", &w, &op, 1, "R = S B - h A");

  ref_world_init(&w, DEPTH, SLOTS, 5);
  ref_op twice[2] = {ref_transfer(&w, 1, 2, 500, 3), ref_transfer(&w, 1, 2, 500, 3)};
  twice[1].other_message = true;
  ref_message(&w.batch, &twice[0], 0, twice[1].message);
  refuse_ops("the same transfer twice", &w, twice, 2, "R = S B - h A");

  /* What the sequencer writes is not what was signed: type, amount, fee, recipient, account. */
  for (int field = 0; field < 7; field++) {
    ref_world_init(&w, DEPTH, SLOTS, 5);
    op = field == 5 ? ref_withdraw(&w, 1, 9, 500, 3) : ref_transfer(&w, 1, 2, 500, 3);
    ref_op real = op;
    if (field == 0) real.type = HF_SLOT_WITHDRAW;
    if (field == 1) real.amount--;
    if (field == 2) real.fee--;
    if (field == 3) real.to1 = w.keys[2].public_key.x;
    if (field == 4) real.to2 = hf_fr_neg(real.to2);
    if (field == 5) real.to1 = hf_fr_from_u64(10);
    if (field == 6) real.from = 0;
    op.other_message = true;
    ref_message(&w.batch, &real, 0, op.message);
    refuse_ops("a rewritten transaction", &w, &op, 1, "R = S B - h A");
  }
}

/* Deposits may open a second leaf for a key; a signature of that key is good for one of the leaves. */
Test(attacks, one_key_in_two_leaves) {
  ref_world w;
  hf_batch_input input;
  run_result run;
  hf_eddsa_key user = ref_key(200);
  for (int attack = 0; attack < 3; attack++) {
    ref_world_init(&w, DEPTH, SLOTS, 9);
    ref_op opens[2] = {ref_deposit(7, user.public_key, 100), ref_deposit(0, user.public_key, 100)};
    ref_batch_make(&w.state, &w.batch, opens, 2, &input);
    run_batch(&input, NULL, 0, &run);
    cr_assert(run.status == HF_OK && run.checked == HF_OK, "two leaves with one key: %s", run.message);
    hf_batch_input_free(&input);

    w.batch.number++;
    ref_op pay[2] = {ref_transfer(&w, 1, 1, 100, 0), ref_transfer(&w, 1, 1, 100, 0)};
    pay[0].signer = pay[1].signer = &user;
    pay[0].from = 7;
    pay[1].from = 0;
    if (attack == 0) { /* the owner signed for both */
      ref_batch_make(&w.state, &w.batch, pay, 2, &input);
      run_batch(&input, NULL, 0, &run);
      cr_assert(run.status == HF_OK && run.checked == HF_OK, "a signature each: %s", run.message);
      hf_batch_input_free(&input);
      ref_world_free(&w);
      continue;
    }
    /* the one signature in both slots, or in the other leaf's alone */
    pay[1].other_message = true;
    ref_message(&w.batch, &pay[0], 0, pay[1].message);
    ref_op *first = attack == 1 ? pay : pay + 1;
    ref_batch_make(&w.state, &w.batch, first, attack == 1 ? 2 : 1, &input);
    if (attack == 1)
      cr_assert(memcmp(input.slots[0].s, input.slots[1].s, 32) == 0 &&
                memcmp(input.slots[0].r_x, input.slots[1].r_x, 32) == 0);
    refuse("one signature for two leaves", &input, "R = S B - h A");
    hf_batch_input_free(&input);
    ref_world_free(&w);
  }
}

Test(attacks, paths_and_places) {
  ref_world w;
  hf_batch_input input;
  ref_world_init(&w, DEPTH, SLOTS, 6);
  ref_op ops[] = {ref_transfer(&w, 1, 2, 500, 3), ref_deposit(7, ref_key(77).public_key, 40)};
  ref_batch_make(&w.state, &w.batch, ops, 2, &input);
  for (int side = 0; side < 3; side++)
    for (int level = 0; level < DEPTH / 2; level++) {
      hf_batch_update *update = side == 0   ? &input.slots[0].from
                                : side == 1 ? &input.slots[1].to
                                            : &input.fees;
      uint8_t *sibling = update->siblings[level][(side + level) % 3];
      word_add(sibling, hf_fr_one());
      refuse("a wrong path", &input, "old leaf is in the tree");
      word_add(sibling, hf_fr_neg(hf_fr_one()));
    }
  input.slots[0].from.old.balance++;
  refuse("a balance that is not in the leaf", &input, "old leaf is in the tree");
  input.slots[0].from.old.balance--;
  input.slots[0].to.index ^= 1;
  refuse("another index than the path's", &input, "old leaf is in the tree");
  input.slots[0].to.index ^= 1;
  /* 4 is no digit */
  lie_hint four[] = {{"Merkle digit", 0, hf_fr_from_u64(4)}};
  refuse_hints("digit 4", &input, four, 1, "child selection|Merkle|in the tree|new_root");
  lie_hint carried[] = {{"Merkle digit", 0, hf_fr_from_u64(5)}, {"Merkle digit", 1, hf_fr_neg(hf_fr_one())}};
  refuse_hints("digits 5 and -1", &input, carried, 2,
               "child selection|Merkle|in the tree|accounts only|new_root");
  hf_batch_input_free(&input);
  ref_world_free(&w);

  ref_world_init(&w, DEPTH, SLOTS, 6);
  ref_op op = ref_transfer(&w, 1, 1, 500, 3);
  refuse_ops("a transfer to itself", &w, &op, 1, "not to itself");
  ref_world_init(&w, DEPTH, SLOTS, 6);
  op = ref_transfer(&w, 1, 7, 500, 3);
  refuse_ops("a transfer to an empty leaf", &w, &op, 1, "credited account exists");
  ref_world_init(&w, DEPTH, SLOTS, 6);
  op = ref_transfer(&w, 1, 7, 500, 3);
  op.to1 = w.keys[1].public_key.x;
  op.to2 = w.keys[1].public_key.y;
  refuse_ops("a transfer that opens an account", &w, &op, 1, "credited key x|credited key y");
  ref_world_init(&w, DEPTH, SLOTS, 6);
  op = ref_transfer(&w, 1, 2, 500, 3);
  op.to = 3;
  refuse_ops("a transfer to another account", &w, &op, 1, "credited key x|credited key y");
  ref_world_init(&w, DEPTH, SLOTS, 6);
  hf_bjj mirrored = w.keys[1].public_key;
  mirrored.y = hf_fr_neg(mirrored.y);
  op = ref_deposit(2, mirrored, 5);
  refuse_ops("a deposit to a key with the same x", &w, &op, 1, "credited key y");
  ref_world_init(&w, DEPTH, SLOTS, 6);
  op = ref_deposit(3, w.keys[1].public_key, 5);
  refuse_ops("a deposit over another account", &w, &op, 1, "credited key x|credited key y");
  ref_world_init(&w, DEPTH, SLOTS, 6);
  ref_batch_make(&w.state, &w.batch, &op, 1, &input);
  lie_hint opens[] = {{"deposit applied", 0, hf_fr_zero()}, {"deposit opens", 0, hf_fr_one()}};
  refuse_hints("a deposit that opens a taken leaf", &input, opens, 2,
               "credited key x|credited key y|opened leaf|new_root|in the tree");
  hf_batch_input_free(&input);
  ref_world_free(&w);
  ref_world_init(&w, DEPTH, SLOTS, 6);
  ref_leaf ghost = {hf_fr_zero(), hf_fr_zero(), hf_fr_from_u64(900)};
  ref_leaf_set(&w.state, 7, ghost); /* money without a key: no operation makes this */
  op = ref_deposit(7, w.keys[1].public_key, 5);
  refuse_ops("a deposit that takes what lies there", &w, &op, 1, "opened leaf is empty");
  ref_world_init(&w, DEPTH, SLOTS, 6);
  op = ref_deposit(7, hf_bjj_identity(), 5);
  refuse_ops("a deposit to the identity", &w, &op, 1, "credited account exists");
  /* bitmaps are not accounts */
  ref_world_init(&w, DEPTH, SLOTS, 6);
  op = ref_deposit(8, w.keys[1].public_key, 5);
  refuse_ops("a deposit to the upper half", &w, &op, 1, "accounts only");
  ref_world_init(&w, DEPTH, SLOTS, 6);
  w.batch.operator_index = 9;
  ref_leaf_set(&w.state, 9, ref_leaf_make(w.keys[5].public_key, 1, 0));
  op = ref_transfer(&w, 1, 2, 500, 3);
  refuse_ops("an operator in the upper half", &w, &op, 1, "accounts only");
  ref_world_init(&w, DEPTH, SLOTS, 6);
  w.batch.operator_index = 7;
  op = ref_transfer(&w, 1, 2, 500, 3);
  refuse_ops("fees to an empty leaf", &w, &op, 1, "fees go to an account");
}

Test(attacks, kinds_of_slots) {
  ref_world w;
  hf_batch_input input;
  ref_world_init(&w, DEPTH, SLOTS, 7);
  ref_op op = ref_deposit(2, w.keys[1].public_key, 500);
  ref_batch_make(&w.state, &w.batch, &op, 1, &input);
  lie_hint both[] = {{"noop", 0, hf_fr_one()}};
  refuse_hints("a deposit that is a no-op as well", &input, both, 1,
               "one kind|unused fee and amount|data|total_in");
  lie_hint none[] = {{"deposit applied", 0, hf_fr_zero()}};
  refuse_hints(
      "no kind at all", &input, none, 1,
      "one kind|unused indices are zero|data|new_root|deposit|total|to key|to balance|credited|in the tree");
  lie_hint half[] = {{"deposit applied", 0, hf_fr_from_u64(2)}, {"noop", 0, hf_fr_neg(hf_fr_one())}};
  refuse_hints("two deposits and a negative no-op", &input, half, 2,
               "noop|unused|data|new_root|deposit|total|credited|to balance|in the tree");
  hf_batch_input_free(&input);
  ref_world_free(&w);

  ref_world_init(&w, DEPTH, SLOTS, 7);
  op = (ref_op){.type = HF_SLOT_NOOP, .amount = 1};
  refuse_ops("a no-op with an amount", &w, &op, 1,
             "unused fee and amount are zero|in the tree|total_in|new_root");
  ref_world_init(&w, DEPTH, SLOTS, 7);
  op = ref_deposit(2, w.keys[1].public_key, 500);
  op.fee = 1; /* taken from whoever is at leaf 0 */
  ref_leaf_set(&w.state, 0, ref_leaf_make(w.keys[0].public_key, 1000, 0));
  refuse_ops("a deposit with a fee", &w, &op, 1, "unused fee and amount are zero");
  ref_world_init(&w, DEPTH, SLOTS, 7);
  op = ref_deposit(2, w.keys[1].public_key, 500);
  op.from = 3;
  refuse_ops("a deposit that names a sender", &w, &op, 1, "unused indices are zero");
  ref_world_init(&w, DEPTH, SLOTS, 7);
  op = ref_withdraw(&w, 1, 4, 500, 1);
  op.to = 2;
  refuse_ops("a withdrawal that names a receiver", &w, &op, 1, "unused indices are zero");
  ref_world_init(&w, DEPTH, SLOTS, 7);
  op = ref_withdraw(&w, 1, 4, 500, 1);
  op.to2 = hf_fr_one();
  refuse_ops("a withdrawal with a second word", &w, &op, 1, "withdrawal has no to2");
  ref_world_init(&w, DEPTH, SLOTS, 7);
  op = ref_withdraw(&w, 1, 4, 500, 1);
  op.to1 = power(160);
  refuse_ops("a withdrawal to 161 bits", &w, &op, 1, "withdrawal to an address");

  /* values that no byte string of the input can hold */
  const struct {
    const char *hint, *rules; /* the rule first, then what else the value changes */
    unsigned bits;
  } large[] = {{"amount", "amount|to balance after|new_root|in the tree|data|total_in", 64},
               {"from balance", "from balance|new_root|in the tree", 64},
               {"to balance", "to balance|new_root|in the tree", 64},
               {"to nonce", "to nonce|new_root|in the tree", 32},
               {"operator balance", "operator balance|new_root|in the tree", 64},
               {"operator nonce", "operator nonce|new_root|in the tree", 32}};
  for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
    ref_world_init(&w, DEPTH, SLOTS, 7);
    op = ref_deposit(2, w.keys[1].public_key, 500);
    ref_batch_make(&w.state, &w.batch, &op, 1, &input);
    lie_hint lie = {large[i].hint, 0, power(large[i].bits)};
    refuse_hints(large[i].hint, &input, &lie, 1, large[i].rules);
    hf_batch_input_free(&input);
    ref_world_free(&w);
  }
}

/* The signed word m0 has the type above the chain id: an id of more than 128 bits would reach into it. */
Test(attacks, chain_id_of_129_bits) {
  ref_world w;
  hf_batch_input input;
  for (int bits = 127; bits <= 129; bits++) {
    ref_world_init(&w, DEPTH, SLOTS, 8);
    ref_op op = ref_deposit(2, w.keys[1].public_key, 5);
    ref_batch_make(&w.state, &w.batch, &op, 1, &input);
    hf_fr outbox[3] = {power((unsigned)bits), hf_fr_from_u64(w.batch.number), hf_fr_zero()};
    hf_fr_to_bytes(outbox[0], input.record.word[HF_RECORD_CHAIN_ID]);
    hf_fr_to_bytes(hf_sponge(HF_DOMAIN_OUTBOX, outbox, 3), input.record.word[HF_RECORD_OUTBOX_ROOT]);
    if (bits < 128) {
      run_result run;
      run_batch(&input, NULL, 0, &run);
      cr_assert(run.status == HF_OK && run.checked == HF_OK, "%s", run.message);
    } else {
      refuse("a chain id beyond 128 bits", &input, "chain_id");
    }
    hf_batch_input_free(&input);
    ref_world_free(&w);
  }
}

Test(attacks, fees_and_record) {
  ref_world w;
  hf_batch_input input;
  run_result run;
  ref_world_init(&w, DEPTH, SLOTS, 8);
  ref_op ops[] = {ref_transfer(&w, 1, 2, 500, 3), ref_withdraw(&w, 2, 9, 40, 2)};
  w.batch.stolen = hf_fr_one();
  refuse_ops("a fee of one more", &w, ops, 2, "new_root");
  ref_world_init(&w, DEPTH, SLOTS, 8);
  w.batch.stolen = hf_fr_neg(hf_fr_from_u64(5));
  refuse_ops("fees that nobody gets", &w, ops, 2, "new_root");

  /* A no-op after which a leaf has changed. */
  ref_world_init(&w, DEPTH, SLOTS, 8);
  ref_batch_make(&w.state, &w.batch, NULL, 0, &input);
  ref_leaf_set(&w.state, 3, ref_leaf_make(w.keys[2].public_key, 1, 0));
  hf_fr_to_bytes(ref_root(&w.state), input.record.word[HF_RECORD_NEW_ROOT]);
  refuse("a no-op that changes a leaf", &input, "new_root");
  hf_batch_input_free(&input);
  ref_world_free(&w);

  /* Each word of the record: what follows from the slots is refused, and every word enters the statement. */
  ref_world_init(&w, DEPTH, SLOTS, 8);
  ref_batch_make(&w.state, &w.batch, ops, 2, &input);
  hf_fr statement = ref_statement(&input);
  for (int i = HF_RECORD_CHAIN_ID; i < HF_RECORD_WORDS; i++) {
    word_add(input.record.word[i], hf_fr_one());
    run_batch(&input, NULL, 0, &run);
    cr_assert_eq(run.status, HF_OK);
    cr_assert(!hf_fr_eq(ref_statement(&input), statement));
    cr_assert(!hf_fr_eq(run.statement, statement) || run.checked == HF_E_UNSATISFIED);
    if (i == HF_RECORD_DEPOSIT_START) {
      /* only the contract knows its queue: another start is another statement */
      cr_assert_eq(run.checked, HF_OK, "%s", run.message);
      cr_assert(hf_fr_eq(run.statement, ref_statement(&input)));
    } else {
      cr_assert_eq(run.checked, HF_E_UNSATISFIED, "record word %d was accepted", i);
    }
    word_add(input.record.word[i], hf_fr_neg(hf_fr_one()));
  }
  /* fees to another account than the record says */
  uint8_t operator_word[32];
  memcpy(operator_word, input.record.word[HF_RECORD_OPERATOR], 32);
  hf_fr_to_bytes(hf_fr_from_u64(5), input.record.word[HF_RECORD_OPERATOR]);
  refuse("another operator", &input, "operator");
  memcpy(input.record.word[HF_RECORD_OPERATOR], operator_word, 32);
  /* other data, bound consistently */
  for (int i = 0; i < 6; i++) {
    hf_fr words[6];
    for (int k = 0; k < 2; k++) ref_data_words(&input.slots[k], 0, &words[3 * k]);
    words[i] = hf_fr_add(words[i], hf_fr_one());
    ref_bind_data(&input, words);
    refuse("changed public data", &input, "data");
  }
  /* the words of the other mode */
  input.record.word[HF_RECORD_MODE][0] ^= 1;
  ref_bind_data(&input, NULL);
  input.record.word[HF_RECORD_MODE][0] ^= 1;
  refuse("a rollup that hides its transfers", &input, "data");
  ref_bind_data(&input, NULL);
  input.record.word[HF_RECORD_MODE][0] ^= 1;
  refuse("rollup data under validium", &input, "data");
  input.record.word[HF_RECORD_MODE][0] = 2;
  refuse("mode 2", &input, "mode is 0 or 1|data");
  hf_batch_input_free(&input);
  ref_world_free(&w);
}

Test(attacks, other_encodings) {
  /* A deposit's key posted as x + r: the words decode to the same element but not to the same bytes. */
  ref_world w;
  hf_batch_input input;
  ref_world_init(&w, DEPTH, SLOTS, 9);
  hf_bjj key = {hf_fr_from_u64(12345), hf_fr_from_u64(54321)}; /* low enough that x + r has 254 bits */
  ref_op op = ref_refused(key.x, key.y, 500);
  ref_batch_make(&w.state, &w.batch, &op, 1, &input);
  /* 12345 + r = low + 2^248 high */
  hf_fr top = hf_fr_to_limbs(hf_fr_neg(hf_fr_one())), low = top;
  low.l[3] &= ((uint64_t)1 << 56) - 1;
  hf_fr shifted = hf_fr_add(hf_fr_from_limbs(low), hf_fr_from_u64(12346));
  hf_fr words[3 * SLOTS] = {hf_fr_zero()};
  ref_data_words(&input.slots[0], 0, words);
  words[1] = shifted;
  words[0] = hf_fr_add(words[0], hf_fr_mul(power(184), hf_fr_from_u64(top.l[3] >> 56)));
  ref_bind_data(&input, words);
  lie_hint split[] = {{"split low", 0, shifted}, {"split high", 0, hf_fr_from_u64(top.l[3] >> 56)}};
  refuse_hints("x + r in the data", &input, split, 2, "canonical split: r - 1 - v");
  lie_hint borrowed[] = {split[0], split[1], {"split borrow", 0, hf_fr_from_u64(2)}};
  refuse_hints("x + r with a borrow of 2", &input, borrowed, 3,
               "canonical split: borrow|canonical split: r - 1 - v");
  ref_data_words(&input.slots[0], 0, words);
  words[1] = hf_fr_sub(words[1], power(248));
  words[0] = hf_fr_add(words[0], power(184));
  ref_bind_data(&input, words);
  lie_hint wide[] = {{"split low", 0, words[1]}, {"split high", 0, hf_fr_one()}};
  refuse_hints("a negative low part", &input, wide, 2, "canonical split: low|canonical split: r - 1 - v");
  hf_batch_input_free(&input);
  ref_world_free(&w);
}
