/* A slot's rules, each by a batch that breaks it alone. */
#include <stdlib.h>
#include <string.h>
#include "host/scalar.h"
#include "removal.h"

static hf_fr small(int64_t x) {
  return x < 0 ? hf_fr_neg(hf_fr_from_u64((uint64_t)-x)) : hf_fr_from_u64((uint64_t)x);
}

static void special(removal *m, ref_world *w, const ref_op *op, const lie *list, uint32_t count,
                    const char *how) {
  instance in;
  lies told = {0};
  instance_make(&in, how, w, op, false);
  for (uint32_t i = 0; i < count; i++) lie_add(&told, list[i].var, list[i].value);
  removal_try(m, &in, &told, how);
  instance_free(&in);
}

/* Worlds of one slot. */
static ref_world world(uint8_t salt) {
  ref_world w;
  ref_world_init(&w, 4, 1, salt);
  return w;
}

void removal_flags(removal *m) {
  const instance *t = &m->in[INSTANCE_OPEN]; /* for the names of variables: all instances have the same */
  uint32_t noop = hint_var(t, "noop", 0), transfer = hint_var(t, "transfer", 0),
           withdraw = hint_var(t, "withdraw", 0);
  uint32_t applied = hint_var(t, "deposit applied", 0), opened = hint_var(t, "deposit opens", 0);
  uint32_t refused = hint_var(t, "deposit refused", 0), distance = hint_var(t, "inverse of from - to", 0);
  hf_fr x = small(-5), y = hf_fr_zero(), one = hf_fr_one();
  hf_bjj base = hf_bjj_base();
  ref_leaf of_base = ref_leaf_make(base, 0, 1);
  ref_op op = {.type = HF_SLOT_DEPOSIT, .to = 7, .to1 = x, .to2 = y};

  ref_world w = world(1);
  lie two[] = {{refused, one}};
  special(m, &w, &op, two, 1, "two kinds at once");
  lie minus_noop[] = {{noop, small(-1)}, {refused, one}};
  special(m, &w, &op, minus_noop, 2, "a negative no-op");
  lie minus_refused[] = {{refused, small(-1)}, {noop, one}};
  special(m, &w, &op, minus_refused, 2, "a negative refusal");
  ref_leaf_set(&w.state, 0, of_base);
  lie minus_withdraw[] = {{withdraw, small(-1)}, {refused, one}};
  special(m, &w, &op, minus_withdraw, 2, "a negative withdrawal");
  ref_world_free(&w);

  w = world(1);
  ref_leaf mirrored = {hf_fr_neg(x), hf_fr_neg(y), hf_fr_zero()};
  ref_leaf_set(&w.state, 7, mirrored);
  lie minus_applied[] = {{applied, small(-1)}, {opened, small(2)}};
  special(m, &w, &op, minus_applied, 2, "a negative deposit takes over an account");
  ref_leaf_set(&w.state, 0, of_base);
  lie minus_transfer[] = {
      {transfer, small(-1)}, {opened, small(2)}, {applied, hf_fr_zero()}, {distance, hf_fr_inv(small(7))}};
  special(m, &w, &op, minus_transfer, 4, "a negative transfer takes over an account");
  ref_world_free(&w);

  w = world(1);
  ref_leaf twice = {hf_fr_dbl(x), hf_fr_dbl(y), hf_fr_zero()};
  ref_leaf_set(&w.state, 7, twice);
  lie minus_opened[] = {{opened, small(-1)}, {applied, small(2)}};
  special(m, &w, &op, minus_opened, 2, "a negative opening");
  ref_world_free(&w);
}

/* Signs for the base point: S with S B = k B + h s B, s and k of the slot. */
static hf_fr sign(hf_fr k, hf_fr h, hf_fr s) {
  hf_fr hl = hf_fr_to_limbs(h), sl = hf_fr_to_limbs(s), kl = hf_fr_to_limbs(k);
  hf_scalar out = hf_scalar_mul(hf_scalar_from_limbs(hl.l), hf_scalar_from_limbs(sl.l));
  out = hf_scalar_add(out, hf_scalar_from_limbs(kl.l));
  hf_fr limbs = {{out.l[0], out.l[1], out.l[2], out.l[3]}};
  return hf_fr_from_limbs(limbs);
}

/* Runs with the lies, then again with S fitted to the challenge that they give. */
static void with_signature(removal *m, const instance *in, lies *told, hf_fr k, hf_fr secret,
                           const char *how) {
  attempt a;
  attempt_run(in, NULL, told, &a);
  if (a.status == HF_OK)
    lie_add(told, hint_var(in, "signature S", 0), sign(k, a.value[in->challenge], secret));
  attempt_free(&a);
  removal_try(m, in, told, how);
}

static hf_scalar minus_one(void) {
  static const uint64_t limbs[4] = {0x677297dc392126f0u, 0xab3eedb83920ee0au, 0x370a08b6d0302b0bu,
                                    0x060c89ce5c263405u};
  return hf_scalar_from_limbs(limbs);
}

static hf_fr scalar_fr(hf_scalar s) {
  hf_fr limbs = {{s.l[0], s.l[1], s.l[2], s.l[3]}};
  return hf_fr_from_limbs(limbs);
}

static void keys_selected(removal *m) {
  /* A slot's key is replaced by -A = (-x, y), whose secret is known, or by (x, -y) = -A + T with T of order
   * 2, which needs an even challenge. */
  const int which[] = {INSTANCE_OPEN, INSTANCE_TRANSFER};
  for (int kind = 0; kind < 2; kind++)
    for (uint8_t salt = 1; salt < 9; salt++) {
      instance in;
      instance_init(&in, which[kind], salt);
      hf_fr sl = hf_fr_to_limbs(in.signer);
      hf_fr minus = scalar_fr(hf_scalar_mul(minus_one(), hf_scalar_from_limbs(sl.l)));
      for (uint32_t r = find_row(&in, "rules", "select", 0); r != UINT32_MAX;
           r = find_row(&in, "rules", "select", r + 1))
        for (unsigned w = 0; w < 5; w++) {
          uint32_t v = var_at(&in, r, w);
          lies told = {0};
          if (v == HF_NO_VAR || in.first_row[v] > r || !hf_fr_eq(in.circuit->fixed[HF_Q1 + w][r], small(-1)))
            continue;
          lie_add(&told, v, hf_fr_neg(in.value[v]));
          with_signature(m, &in, &told, in.nonce, minus, "another key for the slot");
        }
      instance_free(&in);
    }
  /* and a signed slot that pays with the base point's signature */
  for (uint8_t salt = 1; salt < 12; salt++) {
    ref_world w = world(salt);
    ref_leaf_set(&w.state, 0, ref_leaf_make(w.keys[0].public_key, 5000, 3));
    ref_op op = ref_transfer(&w, 1, 2, 100, 0);
    op.from = 0;
    instance in;
    instance_make(&in, "transfer", &w, &op, true);
    lies told = {0};
    uint32_t row = find_row(&in, "rules", "add", 0);
    for (; row != UINT32_MAX; row = find_row(&in, "rules", "add", row + 1)) {
      for (unsigned k = 0; k < 5; k++) {
        uint32_t v = var_at(&in, row, k);
        if (v == HF_NO_VAR || in.first_row[v] > row ||
            !hf_fr_eq(in.circuit->fixed[HF_Q1 + k][row], small(-1)))
          continue;
        told.count = 0;
        lie_add(&told, v, hf_fr_zero());
        lie_add(&told, hint_var(&in, "deposit refused", 0), hf_fr_one()); /* keeps the kinds' sum */
        with_signature(m, &in, &told, in.nonce, hf_fr_one(), "a transfer that counts as unsigned");
      }
    }
    instance_free(&in);
    ref_world_free(&w);
    if (salt == 1) break;
  }
}

static void borrow(removal *m) {
  /* x + r posted, with a borrow that is no bit */
  ref_world w = world(1);
  ref_op op = ref_refused(small(5), small(9), 500);
  instance in;
  instance_make(&in, "refused", &w, &op, true);
  hf_fr top = hf_fr_to_limbs(small(-1)), low = top;
  low.l[3] &= ((uint64_t)1 << 56) - 1;
  uint64_t high = top.l[3] >> 56;
  for (uint32_t i = 0; i < 2; i++) {
    lies told = {0};
    hf_fr value = i == 0 ? small(5) : small(9);
    /* value + r = (r - 1 low part + value + 1) + 2^248 (r - 1 high part); r - 1 - value has the high part of
     * r - 1 */
    lie_add(&told, hint_var(&in, "split low", i),
            hf_fr_add(hf_fr_from_limbs(low), hf_fr_add(value, hf_fr_one())));
    lie_add(&told, hint_var(&in, "split high", i), hf_fr_from_u64(high));
    lie_add(&told, hint_var(&in, "split borrow", i), small(-(int64_t)high));
    removal_try(m, &in, &told, "x + r with a borrow that is no bit");
  }
  instance_free(&in);
  ref_world_free(&w);
}

/* An index that is not what its digits say: the digits keep their honest values. */
static void indices(removal *m) {
  const char *const names[] = {"from index", "to index", "operator index"};
  const int which[] = {INSTANCE_WITHDRAW, INSTANCE_OPEN, INSTANCE_OPEN};
  for (int i = 0; i < 3; i++) {
    const instance *in = &m->in[which[i]];
    lies told = {0};
    for (uint32_t d = 0; d < 2; d++) {
      uint32_t v = hint_var(in, "Merkle digit", 2 * (uint32_t)i + d);
      lie_add(&told, v, in->value[v]);
    }
    uint32_t v = hint_var(in, names[i], 0);
    lie_add(&told, v, hf_fr_add(in->value[v], hf_fr_one()));
    removal_try(m, in, &told, "an index that is not its path's");
  }
}

/* Leaf 0 has money: what unused updates would take is there. */
static void rich_leaf_zero(removal *m) {
  ref_world w = world(1);
  ref_leaf_set(&w.state, 0, ref_leaf_make(w.keys[1].public_key, 70000, 0));
  ref_op ops[3] = {ref_withdraw(&w, 1, 77, 500, 2), ref_refused(small(5), small(6), 500),
                   ref_deposit(0, w.keys[3].public_key, 500)};
  for (int i = 0; i < 2; i++) {
    instance in;
    instance_make(&in, "leaf 0 has money", &w, &ops[i], true);
    removal_generic(m, &in);
    instance_free(&in);
  }
  /* a deposit over another's account at leaf 0, that counts as no credit */
  instance in;
  instance_make(&in, "deposit over leaf 0", &w, &ops[2], false);
  for (uint32_t r = find_row(&in, "rules", "linear", 0); r != UINT32_MAX;
       r = find_row(&in, "rules", "linear", r + 1)) {
    uint32_t v = var_at(&in, r, 0);
    if (v != hint_var(&in, "transfer", 0)) continue; /* credits = transfer + applied + opened */
    for (unsigned k = 1; k < 5; k++) {
      v = var_at(&in, r, k);
      if (v == HF_NO_VAR || !hf_fr_eq(in.circuit->fixed[HF_Q1 + k][r], small(-1))) continue;
      lies told = {0};
      lie_add(&told, v, hf_fr_zero());
      removal_try(m, &in, &told, "a deposit that credits nobody");
    }
  }
  instance_free(&in);
  ref_world_free(&w);
}

/* The key after the update is the depositor's, whatever the rule for it says. */
static void new_keys(removal *m) {
  for (int i = 0; i < 4; i++) {
    ref_world w = world(1);
    hf_bjj key = w.keys[1].public_key, to = key;
    bool over =
        i < 2; /* an account of another key, which shares a coordinate; or a leaf that is not quite empty */
    if (over && i == 0) to.x = hf_fr_neg(key.x);
    if (over && i == 1) to.y = hf_fr_neg(key.y);
    ref_op op = ref_deposit(over ? 2 : 7, to, 5);
    ref_leaf odd = {hf_fr_zero(), hf_fr_zero(), hf_fr_zero()};
    if (i == 2) odd.x = small(5);
    if (i == 3) odd.y = small(5);
    if (!over) ref_leaf_set(&w.state, 7, odd);
    instance in;
    instance_make(&in, "new keys", &w, &op, false);
    lies told = {0};
    if (i == 2) {
      lie_add(&told, hint_var(&in, "deposit applied", 0), hf_fr_zero());
      lie_add(&told, hint_var(&in, "deposit opens", 0), hf_fr_one());
    }
    for (uint32_t r = find_row(&in, "rules", "mul_add", 0); r != UINT32_MAX;
         r = find_row(&in, "rules", "mul_add", r + 1)) {
      /* new = opened to + old */
      uint32_t part = hint_var(&in, i % 2 == 0 ? "to1" : "to2", 0);
      if (var_at(&in, r, 1) != part && var_at(&in, r, 0) != part) continue;
      for (unsigned k = 0; k < 5; k++)
        if (var_at(&in, r, k) != HF_NO_VAR && hf_fr_eq(in.circuit->fixed[HF_Q1 + k][r], small(-1)))
          lie_add(&told, var_at(&in, r, k), i % 2 == 0 ? to.x : to.y);
    }
    removal_try(m, &in, &told, "a key that is taken over");
    instance_free(&in);
    ref_world_free(&w);
  }
}

/* The sum of the signature's points is -R, or -R + T: only one coordinate is not R's. */
static void sums_are_r(removal *m) {
  const instance *in = &m->in[INSTANCE_OPEN];
  const hf_circuit_notes *notes = in->circuit->notes;
  hf_bjj base = hf_bjj_base();
  for (int i = 0; i < 2; i++) {
    lies told = {0};
    attempt a;
    if (i == 1) { /* R = B + T */
      lie_add(&told, hint_var(in, "signature R", 0), hf_fr_neg(base.x));
      lie_add(&told, hint_var(in, "signature R", 1), hf_fr_neg(base.y));
    }
    attempt_run(in, NULL, &told, &a);
    lie_add(&told, hint_var(in, "signature S", 0),
            sign(scalar_fr(minus_one()), a.value[in->challenge], hf_fr_one()));
    attempt_free(&a);
    attempt_follow(in, &told, &a);
    m->runs++;
    for (size_t k = 0; a.status == HF_OK && k < notes->merge_count; k++) {
      if (strcmp(notes->merges[k].name, "R = S B - h A") != 0) continue;
      uint32_t row = notes->cell_of[notes->merges[k].x] / HF_WIRES,
               wire = notes->cell_of[notes->merges[k].x] % HF_WIRES;
      removal_cut(m, a.circuit, row, wire, a.circuit->wires[wire][row], "a sum that is not R");
    }
    attempt_free(&a);
  }
}

void removal_rules(removal *m) {
  ref_op op;
  ref_world w = world(1);
  ref_leaf_set(&w.state, 8, ref_leaf_make(w.keys[0].public_key, 5000, 0));
  op = ref_transfer(&w, 1, 2, 50, 1);
  op.from = 8;
  special(m, &w, &op, NULL, 0, "a transfer from the upper half");
  ref_world_free(&w);
  w = world(1);
  hf_bjj key = w.keys[1].public_key;
  op = ref_deposit(8, key, 5);
  special(m, &w, &op, NULL, 0, "a deposit to the upper half");
  op = ref_deposit(2, key, 500);
  op.from = 3;
  special(m, &w, &op, NULL, 0, "a deposit that names a sender");
  op = ref_withdraw(&w, 1, 4, 500, 1);
  op.to = 2;
  special(m, &w, &op, NULL, 0, "a withdrawal that names a receiver");
  op = (ref_op){.type = HF_SLOT_NOOP, .amount = 1};
  special(m, &w, &op, NULL, 0, "a no-op with an amount");
  op = ref_transfer(&w, 1, 1, 500, 3);
  special(m, &w, &op, NULL, 0, "a transfer to itself");
  ref_leaf ghost = {hf_fr_zero(), hf_fr_zero(), hf_fr_from_u64(900)};
  ref_leaf_set(&w.state, 7, ghost);
  op = ref_deposit(7, key, 5);
  special(m, &w, &op, NULL, 0, "a deposit that takes what lies there");
  ref_leaf_set(&w.state, 0, ref_leaf_make(key, 900, 0));
  op = ref_deposit(2, key, 500);
  op.fee = 1;
  special(m, &w, &op, NULL, 0, "a deposit with a fee");
  ref_leaf_set(&w.state, 9, ref_leaf_make(key, 900, 0));
  w.batch.operator_index = 9;
  op = ref_deposit(2, key, 500);
  special(m, &w, &op, NULL, 0, "an operator in the upper half");
  ref_world_free(&w);

  /* mode 2, without transfers */
  const instance *in = &m->in[INSTANCE_OPEN];
  lies told = {0};
  lie_add(&told, hint_var(in, "mode", 0), small(2));
  lie_add(&told, in->claim[HF_RECORD_MODE], small(2));
  removal_try(m, in, &told, "mode 2");
  keys_selected(m);
  borrow(m);
  indices(m);
  rich_leaf_zero(m);
  new_keys(m);
  sums_are_r(m);
}

void removal_constants(removal *m) {
  for (uint32_t i = 0; i < m->classes.count; i++) {
    constraint_class *k = &m->classes.list[i];
    const hf_circuit *c = m->in[0].circuit;
    if (k->part != HF_PART_ARITHMETIC || strcmp(c->notes->row_name[k->rows[0]], "constant") != 0) continue;
    /* q1 v + qc = 0 on some wire */
    hf_fr value = hf_fr_neg(c->fixed[HF_QC][k->rows[0]]);
    hf_bjj base = hf_bjj_base();
    bool x = hf_fr_eq(value, base.x), y = hf_fr_eq(value, base.y);
    for (uint8_t salt = 1; salt < (x || y ? 10 : 2); salt++) {
      instance in;
      instance_init(&in, INSTANCE_OPEN, salt);
      lies told = {.constant = true, .honest = value};
      told.lied = x || y ? hf_fr_neg(value) : hf_fr_add(value, hf_fr_one());
      if (x || y) {
        /* the key of unsigned slots is then -B, or -B + T; R stays B */
        with_signature(m, &in, &told, scalar_fr(minus_one()), hf_fr_one(), "another base point");
      } else {
        removal_try(m, &in, &told, "another constant");
      }
      instance_free(&in);
      if (k->covered) break;
    }
  }
}

void removal_public(removal *m) {
  hf_circuit *c = m->in[INSTANCE_OPEN].circuit;
  for (uint32_t i = 0; i < c->public_count; i++) {
    attempt a = {.circuit = c, .status = HF_OK};
    hf_fr old = c->public_inputs[i];
    c->public_inputs[i] = hf_fr_add(old, hf_fr_one());
    a.status = hf_circuit_failures(c, a.failures, MAX_FAILURES, &a.failure_count);
    removal_judge(m, &a, "another public input");
    c->public_inputs[i] = old;
  }
}
