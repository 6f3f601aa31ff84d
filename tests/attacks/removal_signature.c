/* The signature gadget alone: its equation is R = F(S, h, A), so a lie anywhere inside is followed by R. */
#include <stdlib.h>
#include <string.h>
#include "host/babyjub.h"
#include "limbs.h"
#include "removal.h"

/* The law of the gate, on the curve or not. */
static void add(const hf_fr p[2], const hf_fr q[2], hf_fr out[2]) {
  hf_fr xx = hf_fr_mul(p[0], q[0]), yy = hf_fr_mul(p[1], q[1]), one = hf_fr_one();
  hf_fr xy = hf_fr_add(hf_fr_mul(p[0], q[1]), hf_fr_mul(p[1], q[0]));
  hf_fr t = hf_fr_mul(hf_fr_from_u64(HF_BJJ_D), hf_fr_mul(xx, yy));
  yy = hf_fr_sub(yy, hf_fr_mul(hf_fr_from_u64(HF_BJJ_A), xx));
  out[0] = hf_fr_mul(xy, hf_fr_inv(hf_fr_add(one, t)));
  out[1] = hf_fr_mul(yy, hf_fr_inv(hf_fr_sub(one, t)));
}

/* The doubling of the gate: it uses the curve's equation, so off the curve it is another map. */
static void twice(const hf_fr p[2], hf_fr out[2]) {
  hf_fr yy = hf_fr_sqr(p[1]), axx = hf_fr_mul(hf_fr_from_u64(HF_BJJ_A), hf_fr_sqr(p[0])),
        sum = hf_fr_add(yy, axx);
  out[0] = hf_fr_mul(hf_fr_dbl(hf_fr_mul(p[0], p[1])), hf_fr_inv(sum));
  out[1] = hf_fr_mul(hf_fr_sub(yy, axx), hf_fr_inv(hf_fr_sub(hf_fr_from_u64(2), sum)));
}

static bool doubles(const instance *in, uint32_t r) {
  return hf_fr_eq(in->circuit->fixed[HF_S_ARITHMETIC][r], hf_fr_from_u64(3));
}

static bool chained(const instance *in, uint32_t r) {
  return r < in->rows && (find_row(in, "S B - h A", "S B - h A", r) == r || doubles(in, r));
}

/* The sums of the chain from `row` on, from what stands on it; table points keep their (lied) values. */
static void sums_from(const instance *in, uint32_t row, lies *told) {
  for (uint32_t r = row; chained(in, r); r++) {
    hf_fr p[2], q[2], sum[2];
    for (unsigned i = 0; i < 2; i++) {
      p[i] = lied_value(in, told, var_at(in, r, i));
      q[i] = lied_value(in, told, var_at(in, r, 2 + i));
    }
    if (doubles(in, r)) {
      twice(p, q);
      twice(q, sum);
      for (unsigned i = 0; i < 2; i++) lie_add(told, var_at(in, r, 2 + i), q[i]);
    } else {
      add(p, q, sum);
    }
    for (unsigned i = 0; i < 2; i++) lie_add(told, var_at(in, r + 1, i), sum[i]);
  }
}

/* Runs once to learn which table points the lies lead to, and makes the chain's sums out of them. */
static void settle(const removal *m, lies *told) {
  const instance *in = &m->signature;
  attempt a;
  signature_run(&m->signature_inputs, told, false, &a);
  uint32_t first = find_row(in, "S B - h A", "S B - h A", 0);
  for (uint32_t r = first; a.status == HF_OK && chained(in, r); r++)
    for (unsigned w = 2; w < 4 && !doubles(in, r); w++)
      lie_add(told, var_at(in, r, w), a.value[var_at(in, r, w)]);
  attempt_free(&a);
  sums_from(in, first, told);
}

static void judge(removal *m, const lies *told, bool follow, const char *how) {
  attempt a;
  signature_run(&m->signature_inputs, told, follow, &a);
  removal_judge(m, &a, how);
  attempt_free(&a);
}

static uint32_t last_row(const instance *in, const char *gadget, const char *name) {
  uint32_t last = UINT32_MAX;
  for (uint32_t r = find_row(in, gadget, name, 0); r != UINT32_MAX; r = find_row(in, gadget, name, r + 1))
    last = r;
  return last;
}

/* Lies on one coordinate of what a row gives, and on one coordinate of what it takes. `chain`: more sums
 * follow. */
static void edwards_row(removal *m, uint32_t row, bool chain) {
  const instance *in = &m->signature;
  for (unsigned i = 0; i < 2; i++) {
    lies told = {0};
    lie_add(&told, var_at(in, row + 1, i), hf_fr_add(in->value[var_at(in, row + 1, i)], hf_fr_one()));
    if (chain)
      sums_from(in, row + 1, &told);
    else
      settle(m, &told);
    judge(m, &told, true, "a wrong sum of points");
    if (chain) continue;
    /* In a batch, too, the row after the last multiple takes it. */
    const char *gadget =
        strstr(in->circuit->notes->row_name[row], "key") != NULL ? "key table" : "base point table";
    constraint_class *k =
        removal_class(m, m->in[0].circuit, last_row(&m->in[0], gadget, in->circuit->notes->row_name[row]) + 1,
                      HF_PART_COPY, i);
    attempt a;
    signature_run(&m->signature_inputs, &told, true, &a);
    if (a.status == HF_OK)
      removal_cut_for(k, a.circuit, row + 1, i, in->value[var_at(in, row + 1, i)],
                      "another sum than the row's");
    attempt_free(&a);
  }
  for (unsigned w = 0; w < 4; w++) {
    lies told = {0};
    attempt a;
    hf_fr p[2], q[2], sum[2];
    for (unsigned i = 0; i < 2; i++) {
      p[i] = in->value[var_at(in, row, i)];
      q[i] = in->value[var_at(in, row, 2 + i)];
    }
    hf_fr *cell = w < 2 ? &p[w] : &q[w - 2];
    *cell = hf_fr_add(*cell, hf_fr_one());
    add(p, q, sum);
    for (unsigned i = 0; i < 2; i++) lie_add(&told, var_at(in, row + 1, i), sum[i]);
    if (chain) {
      sums_from(in, row + 1, &told);
    } else {
      /* the multiples after this one, in the same table */
      for (uint32_t r = row + 1; find_row(in, NULL, in->circuit->notes->row_name[row], r) == r; r++) {
        for (unsigned i = 0; i < 2; i++) {
          p[i] = lied_value(in, &told, var_at(in, r, i));
          q[i] = lied_value(in, &told, var_at(in, r, 2 + i));
        }
        hf_fr next[2];
        add(p, q, next);
        for (unsigned i = 0; i < 2; i++) lie_add(&told, var_at(in, r + 1, i), next[i]);
      }
      settle(m, &told);
    }
    hf_fr altered = hf_fr_add(in->circuit->wires[w][row], hf_fr_one());
    signature_run(&m->signature_inputs, &told, true, &a);
    m->runs++;
    if (a.status == HF_OK) removal_cut(m, a.circuit, row, w, altered, "another point is added");
    attempt_free(&a);
  }
}

static void doubling_row(removal *m, uint32_t row) {
  const instance *in = &m->signature;
  for (unsigned k = 0; k < 4; k++) {
    lies told = {0};
    uint32_t v = k < 2 ? var_at(in, row, 2 + k) : var_at(in, row + 1, k - 2);
    lie_add(&told, v, hf_fr_add(in->value[v], hf_fr_one()));
    if (k < 2) {
      hf_fr q[2] = {lied_value(in, &told, var_at(in, row, 2)), lied_value(in, &told, var_at(in, row, 3))},
            sum[2];
      twice(q, sum);
      for (unsigned i = 0; i < 2; i++) lie_add(&told, var_at(in, row + 1, i), sum[i]);
    }
    sums_from(in, row + 1, &told);
    judge(m, &told, true, "a wrong double of a point");
  }
}

static uint32_t write_row(const instance *in, uint32_t read) {
  const hf_circuit *c = in->circuit;
  for (uint32_t r = 0; r < in->rows; r++)
    if (hf_fr_eq(c->fixed[HF_ROM][r], hf_fr_neg(hf_fr_one())) &&
        hf_fr_eq(c->fixed[HF_QC][r], c->fixed[HF_QC][read]) &&
        hf_fr_eq(c->fixed[HF_Q5][r], c->wires[4][read]))
      return r;
  abort();
}

/* A read of what was not written: refused by the read; accepted if the written row were not there; if the
 * address, or the written point, were not a copy. */
static void table_reads(removal *m, uint32_t read) {
  const instance *in = &m->signature;
  uint32_t write = write_row(in, read), x = var_at(in, read, 2), y = var_at(in, read, 3);
  attempt a;
  hf_failure failure;
  size_t count;
  for (unsigned w = 0; w < 2; w++) {
    lies told = {0};
    uint32_t v = w == 0 ? x : y;
    /* every read of this address says the same */
    for (uint32_t r = 0; r < in->rows; r++)
      if (hf_fr_eq(in->circuit->fixed[HF_ROM][r], hf_fr_one()) &&
          find_row(in, "S B - h A", "S B - h A", r) == r && write_row(in, r) == write)
        lie_add(&told, var_at(in, r, 2 + w), hf_fr_add(in->value[v], hf_fr_one()));
    settle(m, &told);
    judge(m, &told, true, "a point that is not in the table");
    signature_run(&m->signature_inputs, &told, true, &a);
    if (a.status == HF_OK) {
      constraint_class *k = removal_class(m, a.circuit, write, HF_PART_ROM, 0);
      hf_constraint gone = {write, HF_PART_ROM, 0};
      if (hf_circuit_disable(a.circuit, gone) != HF_OK ||
          hf_circuit_failures(a.circuit, &failure, 1, &count) != HF_OK)
        abort();
      if (k != NULL && count == 0) {
        k->covered = true;
        k->how = "a point that nobody wrote";
      }
      hf_circuit_enable_all(a.circuit);
      removal_cut(m, a.circuit, write, 2 + w, hf_fr_add(in->value[v], hf_fr_one()),
                  "another point is written");
    }
    attempt_free(&a);
  }
  /* another entry of the table under the digit's name */
  for (uint32_t r = 0; r < in->rows; r++) {
    const hf_circuit *c = in->circuit;
    if (!hf_fr_eq(c->fixed[HF_ROM][r], hf_fr_neg(hf_fr_one())) ||
        !hf_fr_eq(c->fixed[HF_QC][r], c->fixed[HF_QC][read]) || r == write)
      continue;
    lies told = {0};
    lie_add(&told, x, c->wires[2][r]);
    lie_add(&told, y, c->wires[3][r]);
    settle(m, &told);
    signature_run(&m->signature_inputs, &told, true, &a);
    m->runs++;
    if (a.status == HF_OK) removal_cut(m, a.circuit, read, 4, c->fixed[HF_Q5][r], "another address");
    attempt_free(&a);
    break;
  }
}

/* All digits keep their honest values while what they are the digits of changes. */
static void keep_digits(const instance *in, const char *name, lies *told) {
  for (uint32_t i = 0; i < in->hint_count; i++)
    if (strcmp(in->hints[i].name, name) == 0) lie_add(told, in->hints[i].var, in->value[in->hints[i].var]);
}

/* Every partial sum from `row` on is off; the final row is mended by `end`, if it is an assertion. */
static void off_from(removal *m, uint32_t row, uint32_t end, const char *digits) {
  const instance *in = &m->signature;
  const hf_circuit *c = in->circuit;
  lies told = {0};
  keep_digits(in, digits, &told);
  uint32_t r = row;
  bool first = true;
  for (; !hf_fr_is_zero(c->fixed[HF_QN][r]); r++, first = false) {
    uint32_t partial = var_at(in, r + 1, 4);
    lie_add(&told, partial, first ? hf_fr_add(in->value[partial], hf_fr_one()) : solve_row(in, &told, r, 5));
    if (hf_fr_is_zero(c->fixed[HF_S_ARITHMETIC][r + 1])) break;
  }
  if (end != HF_NO_VAR) {
    for (unsigned w = 0; w < HF_WIRES; w++)
      if (var_at(in, r, w) == end)
        lie_add(&told, end, first ? hf_fr_add(in->value[end], hf_fr_one()) : solve_row(in, &told, r, w));
  }
  judge(m, &told, true, "a sum that is not its digits'");
}

static void digit_sums(removal *m) {
  const instance *in = &m->signature;
  for (uint32_t r = 0; r < in->rows; r++) {
    char path[128];
    const char *name;
    hf_circuit_where(in->circuit, r, path, &name);
    if (strcmp(path, "signature") != 0 || hf_fr_is_zero(in->circuit->fixed[HF_S_ARITHMETIC][r])) continue;
    if (strcmp(name, "S = sum of its digits") == 0) off_from(m, r, m->signature_inputs.var_s, "S digit");
    if (strcmp(name, "challenge = sum of its digits") == 0)
      off_from(m, r, m->signature_inputs.var_h, "challenge digit");
    if (strcmp(name, "linear") == 0) {
      /* the high half: h follows in the rows after */
      lies told = {0};
      keep_digits(in, "challenge digit", &told);
      uint32_t q = r;
      hf_fr delta = hf_fr_one();
      for (bool first = true; strcmp(in->circuit->notes->row_name[q], "linear") == 0; q++, first = false) {
        bool chained = !hf_fr_is_zero(in->circuit->fixed[HF_QN][q]);
        unsigned w = 5;
        uint32_t out = var_at(in, q + 1, 4);
        if (!chained)
          for (w = 0; w < HF_WIRES && !hf_fr_eq(in->circuit->fixed[HF_Q1 + w][q], hf_fr_neg(hf_fr_one()));
               w++) {
          }
        if (!chained && w == HF_WIRES) break;
        if (!chained) out = var_at(in, q, w);
        lie_add(&told, out, first ? hf_fr_add(in->value[out], delta) : solve_row(in, &told, q, w));
        if (!chained) break;
      }
      hf_fr shift = hf_fr_pow_u64(hf_fr_from_u64(2), 128);
      lie_add(&told, m->signature_inputs.var_h, hf_fr_add(m->signature_inputs.h, hf_fr_mul(shift, delta)));
      judge(m, &told, true, "a sum that is not its digits'");
    }
  }
}

static unsigned nibble(hf_fr limbs, unsigned i) { return (unsigned)(limbs.l[i / 16] >> (4 * (i % 16))) & 15; }

/* The integer v + r of 255 bits at most, as limbs. */
static hf_fr plus_modulus(hf_fr v) { return limbs_plus(hf_fr_to_limbs(v), limbs_of_r()); }

/* The chunk that makes a chain of range rows add up to a value outside: the last of the last row. */
static void mend_top_chunk(const instance *in, uint32_t start, lies *told) {
  uint32_t last = start;
  while (!hf_fr_is_zero(in->circuit->fixed[HF_QN][last])) last++;
  /* whatever the chunks below say, the rests follow from them, and the top chunk takes what remains */
  for (uint32_t r = start; r < last; r++) lie_add(told, var_at(in, r + 1, 4), solve_row(in, told, r, 5));
  unsigned top = 3;
  while (hf_fr_is_zero(in->circuit->fixed[HF_Q1 + top][last])) top--;
  lie_add(told, var_at(in, last, top), solve_row(in, told, last, top));
}

static void scalars_out_of_range(removal *m) {
  const instance *in = &m->signature;
  signature_case *c = &m->signature_inputs;
  /* the digits of h + r: h below 2^254 leaves h + r below 2^255 */
  lies told = {0};
  hf_fr limbs = plus_modulus(c->h);
  for (uint32_t i = 0; i < 64; i++)
    lie_add(&told, hint_var(in, "challenge digit", i), hf_fr_from_u64(nibble(limbs, i)));
  hf_fr high = {{limbs.l[2], limbs.l[3], 0, 0}};
  high = hf_fr_from_limbs(high);
  uint32_t start = find_row(in, "signature", "challenge is below r", 0);
  lie_add(&told, var_at(in, start, 4), high);
  /* the chunks that the gadget computes from a wrapped value stay; zero is as good */
  for (uint32_t r = start; r < start + 4; r++)
    for (unsigned w = 0; w < 4; w++) lie_add(&told, var_at(in, r, w), hf_fr_zero());
  mend_top_chunk(in, start, &told);
  judge(m, &told, true, "the bits of h + r");

  /* S + l < 2^251: the case's S is small */
  lies over = {0};
  hf_fr order = {{0x677297dc392126f1u, 0xab3eedb83920ee0au, 0x370a08b6d0302b0bu, 0x060c89ce5c263405u}};
  hf_fr sum = hf_fr_add(c->s, hf_fr_from_limbs(order));
  lie_add(&over, c->var_s, sum);
  start = find_row(in, "signature", "S is below the group order", 0);
  for (uint32_t r = start; r < start + 8; r++)
    for (unsigned w = 0; w < 4; w++) lie_add(&over, var_at(in, r, w), hf_fr_zero());
  mend_top_chunk(in, start, &over);
  judge(m, &over, true, "S + l");

  /* chunks of these rows that borrow from the next */
  for (int which = 0; which < 2; which++) {
    start = find_row(in, "signature", which ? "S is below the group order" : "challenge is below r", 0);
    uint32_t last = start;
    while (!hf_fr_is_zero(in->circuit->fixed[HF_QN][last])) last++;
    for (int end = 0; end < 2; end++)
      for (unsigned w = 0; w < 4; w++) {
        uint32_t row = end ? last : start;
        lies chunk = {0};
        hf_fr step = hf_fr_neg(hf_fr_from_u64((uint64_t)1 << in->circuit->table_width));
        lie_add(&chunk, var_at(in, row, w), hf_fr_add(in->value[var_at(in, row, w)], step));
        if (w < 3 && hf_fr_is_zero(in->circuit->fixed[HF_Q1 + w + 1][row])) continue;
        if (w < 3) {
          lie_add(&chunk, var_at(in, row, w + 1), solve_row(in, &chunk, row, w + 1));
        } else if (row != last) {
          lie_add(&chunk, var_at(in, row + 1, 4), solve_row(in, &chunk, row, 5));
          lie_add(&chunk, var_at(in, row + 1, 0), solve_row(in, &chunk, row + 1, 0));
        } else {
          continue;
        }
        judge(m, &chunk, true, "a chunk that borrows");
      }
  }
}

/* Keys that are no keys. */
static void bad_keys(removal *m) {
  const instance *in = &m->signature;
  signature_case *c = &m->signature_inputs;
  attempt a;
  lies told = {0};
  /* off the curve */
  lie_add(&told, c->var_a[1], hf_fr_add(c->a[1], hf_fr_one()));
  settle(m, &told);
  judge(m, &told, true, "a key off the curve");
  signature_run(c, &told, true, &a);
  uint32_t row = find_row(in, "signature", "key is on the curve", 0);
  if (a.status == HF_OK) {
    /* where the row's result is not tied to the identity */
    hf_fr p[2] = {a.circuit->wires[0][row], a.circuit->wires[1][row]};
    hf_fr q[2] = {a.circuit->wires[2][row], a.circuit->wires[3][row]}, sum[2];
    add(p, q, sum);
    uint32_t twin = find_row(&m->in[0], "signature", "key is on the curve", 0) + 1;
    removal_cut_for(removal_class(m, m->in[0].circuit, twin, HF_PART_COPY, 1), a.circuit, row + 1, 1, sum[1],
                    "a key off the curve");
  }
  attempt_free(&a);
  /* the opposite key is used: -A is what the row says it is, of another A */
  lies opposite = {0};
  lie_add(&opposite, var_at(in, row, 2), c->a[0]);
  settle(m, &opposite);
  signature_run(c, &opposite, true, &a);
  if (a.status == HF_OK) {
    removal_cut(m, a.circuit, row, 0, hf_fr_neg(c->a[0]), "the opposite key");
    removal_cut(m, a.circuit, row, 2, hf_fr_neg(c->a[0]), "the opposite key");
  }
  attempt_free(&a);
  /* small order: l P is in the torsion; take one with x != 0 */
  hf_bjj small = hf_bjj_identity();
  hf_fr order = {{0x677297dc392126f1u, 0xab3eedb83920ee0au, 0x370a08b6d0302b0bu, 0x060c89ce5c263405u}};
  for (uint8_t i = 2; hf_fr_is_zero(small.x); i++) {
    uint8_t bytes[32] = {i};
    hf_bjj p;
    if (hf_bjj_decompress(bytes, &p) == HF_OK) small = hf_bjj_mul(p, order.l);
  }
  lies torsion = {0};
  lie_add(&torsion, c->var_a[0], small.x);
  lie_add(&torsion, c->var_a[1], small.y);
  judge(m, &torsion, true, "a key of small order");
}

static uint32_t first_of_run(const instance *in, uint32_t row) {
  while (row > 0 && strcmp(in->circuit->notes->row_name[row - 1], in->circuit->notes->row_name[row]) == 0)
    row--;
  return row;
}

/* Sums that stand in a row of their own: the equation knows them, the copies another point. */
static void spare_sums(removal *m) {
  const instance *in = &m->signature;
  for (uint32_t r = 1; r < in->rows; r++) {
    if (hf_fr_is_zero(in->circuit->fixed[HF_S_EDWARDS][r - 1])) continue;
    for (unsigned w = 0; w < 2; w++) {
      constraint_class *k = removal_class(m, in->circuit, r, HF_PART_COPY, w);
      uint32_t v = var_at(in, r, w);
      if (k == NULL || k->covered || v == HF_NO_VAR) continue;
      lies told = {0};
      attempt a;
      lie_add(&told, v, hf_fr_add(in->value[v], hf_fr_one()));
      settle(m, &told);
      signature_run(&m->signature_inputs, &told, true, &a);
      m->runs++;
      if (a.status == HF_OK) removal_cut(m, a.circuit, r, w, in->value[v], "another sum than the row's");
      attempt_free(&a);
    }
  }
}

void removal_signature(removal *m) {
  const instance *in = &m->signature;
  edwards_row(m, last_row(in, "base point table", "multiples of the base point"), false);
  edwards_row(m, last_row(in, "key table", "multiples of the key"), false);
  uint32_t last = last_row(in, "S B - h A", "S B - h A"), doubling = last;
  while (!doubles(in, doubling)) doubling--;
  edwards_row(m, last, true);
  edwards_row(m, find_row(in, "S B - h A", "S B - h A", 0), true);
  doubling_row(m, doubling);
  edwards_row(m, first_of_run(in, last_row(in, "base point table", "multiples of the base point")), false);
  edwards_row(m, first_of_run(in, last_row(in, "key table", "multiples of the key")), false);
  spare_sums(m);
  table_reads(m, doubling + 1); /* of the key's table */
  table_reads(m, last);         /* of the base point's */
  digit_sums(m);
  scalars_out_of_range(m);
  bad_keys(m);
}
