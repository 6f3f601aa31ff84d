/* Is every variable determined, and is every constraint needed?
 *
 * Around a satisfying witness the constraints are linear equations in small changes of
 * the cells. With a gadget's inputs fixed and lookups holding their values in place,
 *   - a change that satisfies all equations would be a variable that the prover may
 *     choose freely: the dimension of the solutions must be 0;
 *   - an equation that follows from the others (lookups aside) could be left out: the
 *     number of such must be what the case's comment explains, so that removing any
 *     other constraint or copy leaves a variable loose.
 * Derivatives are exact: relation.h instantiated over dual numbers.
 */
#include "circuit_support.h"
#include "arith/relation_fr.h"
#include "circuit/hash.h"
#include "circuit/msm.h"
#include "circuit/plonk_relation.h"
#include "circuit/range.h"
#include "circuit/signature.h"
#include "circuit/transcript.h"
#include "circuits/child.h"
#include "host/babyjub.h"
#include "host/eddsa.h"

typedef struct dual {
  hf_fr v, d;
} dual;

static dual dual_of(hf_fr v) { return (dual){v, {{0, 0, 0, 0}}}; }
static dual dual_add(dual x, dual y) { return (dual){hf_fr_add(x.v, y.v), hf_fr_add(x.d, y.d)}; }
static dual dual_sub(dual x, dual y) { return (dual){hf_fr_sub(x.v, y.v), hf_fr_sub(x.d, y.d)}; }
static dual dual_mul(dual x, dual y) {
  return (dual){hf_fr_mul(x.v, y.v), hf_fr_add(hf_fr_mul(x.v, y.d), hf_fr_mul(x.d, y.v))};
}

#define HF_R_T     dual
#define HF_R(name) dual_rel_##name
#define HF_R_CX
#define HF_R_PASS
#define HF_R_ADD(x, y)   dual_add(x, y)
#define HF_R_SUB(x, y)   dual_sub(x, y)
#define HF_R_MUL(x, y)   dual_mul(x, y)
#define HF_R_CONST(i)    dual_of(hf_relation_constants[i])
#define HF_R_DIAGONAL(i) dual_of(hf_poseidon2_diagonal[i])
#define HF_R_UNROLL(i)   dual_of(hf_poseidon2_unroll[i])
#include "arith/relation.h"

/* ---- sparse elimination; a row's leading column is its largest ---- */

typedef struct entry {
  uint32_t column;
  hf_fr value;
} entry;

typedef struct equations {
  entry **pivot; /* by column */
  uint32_t *length;
  size_t columns, rank;
  bool *used; /* columns that occur */
} equations;

/* Adds an equation, entries in any order; true if it is independent of those before. */
static bool equation_add(equations *s, const entry *in, size_t count) {
  size_t capacity = s->columns + 1;
  entry *row = malloc(capacity * sizeof *row), *other = malloc(capacity * sizeof *other);
  size_t n = 0;
  for (size_t i = 0; i < count; i++) {
    s->used[in[i].column] = true;
    size_t at = 0;
    while (at < n && row[at].column != in[i].column) at++;
    if (at == n) row[n++] = (entry){in[i].column, hf_fr_zero()};
    row[at].value = hf_fr_add(row[at].value, in[i].value);
  }
  for (size_t i = 1; i < n; i++) /* descending columns */
    for (size_t j = i; j && row[j - 1].column < row[j].column; j--) {
      entry t = row[j];
      row[j] = row[j - 1];
      row[j - 1] = t;
    }
  for (;;) {
    size_t first = 0;
    while (first < n && hf_fr_is_zero(row[first].value)) first++;
    if (first == n) {
      free(row);
      free(other);
      return false;
    }
    uint32_t column = row[first].column;
    entry *p = s->pivot[column];
    if (!p) {
      hf_fr inverse = hf_fr_inv(row[first].value);
      for (size_t i = first; i < n; i++)
        row[i - first] = (entry){row[i].column, hf_fr_mul(row[i].value, inverse)};
      s->pivot[column] = realloc(row, (n - first) * sizeof *row);
      s->length[column] = (uint32_t)(n - first);
      s->rank++;
      free(other);
      return true;
    }
    hf_fr k = row[first].value;
    size_t out = 0, i = first, j = 0, m = s->length[column];
    while (i < n || j < m) {
      if (j == m || (i < n && row[i].column > p[j].column)) {
        other[out++] = row[i++];
      } else if (i == n || row[i].column < p[j].column) {
        other[out++] = (entry){p[j].column, hf_fr_neg(hf_fr_mul(k, p[j].value))};
        j++;
      } else {
        hf_fr v = hf_fr_sub(row[i].value, hf_fr_mul(k, p[j].value));
        if (!hf_fr_is_zero(v)) other[out++] = (entry){row[i].column, v};
        i++;
        j++;
      }
    }
    entry *t = row;
    row = other;
    other = t;
    n = out;
  }
}

/* ---- the equations of a circuit ---- */

static uint32_t cell(uint32_t row, unsigned wire) { return HF_WIRES * row + wire; }

static dual_rel_row dual_row(const hf_circuit *c, uint32_t r, unsigned which) {
  dual_rel_row row;
  memset(&row, 0, sizeof row);
  for (unsigned i = 0; i < HF_WIRES; i++) {
    row.w[i] = dual_of(c->wires[i][r]);
    row.wn[i] = dual_of(c->wires[i][r + 1]);
  }
  if (which < HF_WIRES)
    row.w[which].d = hf_fr_one();
  else if (which < 2 * HF_WIRES)
    row.wn[which - HF_WIRES].d = hf_fr_one();
  for (int i = 0; i < HF_FIXED_COUNT; i++) row.f[i] = dual_of(c->fixed[i][r]);
  return row;
}

static void evaluate(const dual_rel_row *row, unsigned part, dual out[6]) {
  switch (part) {
  case HF_PART_PUBLIC:
  case HF_PART_ARITHMETIC:
    out[0] = dual_rel_gate_arithmetic(row);
    break;
  case HF_PART_DOUBLE:
    dual_rel_gate_double(row, out);
    break;
  case HF_PART_UPDATE:
    dual_rel_gate_update(row, out);
    break;
  case HF_PART_MERKLE:
    dual_rel_gate_merkle(row, out);
    break;
  case HF_PART_FULL:
    dual_rel_gate_full(row, out);
    break;
  case HF_PART_PARTIAL:
    dual_rel_gate_partial(row, out);
    break;
  case HF_PART_MIDDLE:
    dual_rel_gate_middle(row, out);
    break;
  default:
    dual_rel_gate_edwards(row, out);
  }
}

static bool on(const hf_circuit *c, int column, uint32_t row) {
  return !hf_fr_is_zero(c->fixed[column][row]);
}

static bool gate_equation(const hf_circuit *c, equations *s, hf_constraint k) {
  entry e[2 * HF_WIRES];
  size_t n = 0;
  for (unsigned i = 0; i < 2 * HF_WIRES; i++) {
    dual out[6];
    dual_rel_row row = dual_row(c, k.row, i);
    evaluate(&row, k.part, out);
    if (!hf_fr_is_zero(out[k.index].d))
      e[n++] = (entry){cell(k.row + i / HF_WIRES, i % HF_WIRES), out[k.index].d};
  }
  return equation_add(s, e, n);
}

/* Four equations: the coefficients of Y = 1 .. Y^3, by values at four points. */
static unsigned identity_equations(const hf_circuit *c, equations *s, uint32_t start) {
  unsigned independent = 0;
  for (uint64_t chi = 2; chi < 6; chi++) {
    dual_rel_challenges ch = {.chi = dual_of(fr(chi))};
    dual_rel_derive(&ch);
    entry e[256];
    size_t n = 0;
    uint32_t r = start;
    do {
      for (unsigned i = 0; i < 2 * HF_WIRES; i++) {
        dual_rel_row row = dual_row(c, r, i);
        dual t = dual_rel_nonnative_term(&row, &ch);
        if (!hf_fr_is_zero(t.d)) e[n++] = (entry){cell(r + i / HF_WIRES, i % HF_WIRES), t.d};
      }
      r++;
    } while (on(c, HF_S_NONNATIVE, r) && !on(c, HF_Q4, r));
    independent += equation_add(s, e, n);
  }
  return independent;
}

static uint32_t write_row_of(const hf_circuit *c, uint32_t read) {
  for (uint32_t r = 0; r < c->used_rows; r++)
    if (hf_fr_eq(c->fixed[HF_ROM][r], hf_fr_neg(hf_fr_one())) &&
        hf_fr_eq(c->fixed[HF_QC][r], c->fixed[HF_QC][read]) &&
        hf_fr_eq(c->fixed[HF_Q5][r], c->wires[4][read]))
      return r;
  cr_assert_fail("row %u reads nothing", read);
  return 0;
}

typedef struct analysis {
  size_t loose;     /* dimension of the solutions */
  size_t redundant; /* equations (gates, copies, ROM values) that follow from others */
  char last[256];   /* the last of them */
} analysis;

static void note(analysis *a, const hf_circuit *c, const hf_constraint *k, bool independent) {
  if (independent) return;
  a->redundant++;
  char path[128];
  const char *name;
  hf_circuit_where(c, k->row, path, &name);
  snprintf(a->last, sizeof a->last, "%s %u of \"%s\", row %u", hf_part_name(k->part), k->index, name, k->row);
}

static analysis analyse(const hf_circuit *c) {
  analysis a = {0, 0, "none"};
  equations s = {.columns = HF_WIRES * ((size_t)c->used_rows + 1)};
  s.pivot = calloc(s.columns, sizeof *s.pivot);
  s.length = calloc(s.columns, sizeof *s.length);
  s.used = calloc(s.columns, sizeof *s.used);
  size_t count = hf_circuit_constraints(c, NULL, 0);
  hf_constraint *all = calloc(count, sizeof *all);
  hf_circuit_constraints(c, all, count);
  hf_fr one = hf_fr_one(), minus = hf_fr_neg(one);
  hf_fr *labels = calloc(count, sizeof *labels); /* of the cells with copies, as sigma has them */
  for (size_t i = 0; i < count; i++) {
    labels[i] = hf_fr_pow_u64(hf_fr_root_of_unity((int)c->log_n), all[i].row);
    if (all[i].index)
      labels[i] = hf_fr_mul(labels[i], hf_relation_constants[HF_RC_K1 + (all[i].index - 1) % 4]);
  }
  for (size_t i = 0; i < count; i++) {
    hf_constraint k = all[i];
    if (k.part == HF_PART_RANGE) continue;
    if (k.part == HF_PART_ROM) {
      if (!hf_fr_eq(c->fixed[HF_ROM][k.row], one)) continue;
      uint32_t from = write_row_of(c, k.row);
      for (unsigned w = on(c, HF_S_EDWARDS, k.row) ? 2 : 0; w < 4; w++) {
        entry e[2] = {{cell(k.row, w), one}, {cell(from, w), minus}};
        note(&a, c, &k, equation_add(&s, e, 2));
      }
    } else if (k.part == HF_PART_COPY) {
      /* a cycle of m cells is m - 1 equations: the link that leads back to an earlier cell closes it */
      hf_fr x = c->fixed[HF_SIGMA1 + k.index][k.row];
      size_t j = i;
      while (j < count && (all[j].part != HF_PART_COPY || !hf_fr_eq(labels[j], x))) j++;
      if (j == count) continue;
      entry e[2] = {{cell(k.row, k.index), one}, {cell(all[j].row, all[j].index), minus}};
      note(&a, c, &k, equation_add(&s, e, 2));
    } else if (k.part == HF_PART_NONNATIVE) {
      unsigned independent = identity_equations(c, &s, k.row);
      for (unsigned j = independent; j < 4; j++) note(&a, c, &k, false);
    } else {
      note(&a, c, &k, gate_equation(c, &s, k));
    }
  }
  /* what lookups hold in place: chunks, addresses, multiplicities */
  for (size_t i = 0; i < count; i++) {
    uint32_t row = all[i].row;
    if (all[i].part == HF_PART_RANGE) equation_add(&s, &(entry){cell(row, all[i].index), one}, 1);
    if (all[i].part == HF_PART_ROM) equation_add(&s, &(entry){cell(row, 4), one}, 1);
  }
  size_t variables = 0;
  for (size_t i = 0; i < s.columns; i++) {
    variables += s.used[i];
    free(s.pivot[i]);
  }
  a.loose = variables - s.rank;
  free(s.pivot);
  free(s.length);
  free(s.used);
  free(all);
  free(labels);
  return a;
}

/* ---- gadgets, their inputs public ---- */

static hf_var in(hf_builder *b, hf_fr value) {
  hf_var v = hf_hint(b, value, "input");
  hf_public_input(b, v);
  return v;
}

static void nothing(hf_builder *b, const void *input) {
  (void)b;
  (void)input;
}

static void arithmetic(hf_builder *b, const void *input) {
  (void)input;
  hf_var x = in(b, fr(7)), y = in(b, fr(9)), s = in(b, fr(1));
  hf_term terms[11];
  for (uint64_t i = 0; i < 11; i++) terms[i] = hf_term_of(fr(i + 1), in(b, fr(i)));
  hf_mul_add(b, hf_select(b, s, x, y), hf_linear(b, terms, 11, fr(3)), hf_sub(b, x, y));
  hf_is_equal(b, x, y);
  hf_is_zero(b, x);
  hf_assert_nonzero(b, "x", x);
  hf_or(b, s, hf_not(b, s));
}

static void hashes(hf_builder *b, const void *input) {
  (void)input;
  hf_var w[5];
  for (uint64_t i = 0; i < 5; i++) w[i] = in(b, fr_random(i));
  hf_hash4(b, w);
  hf_hash_words(b, 3, w, 5);
}

static void update(hf_builder *b, const void *input) {
  (void)input;
  hf_fr siblings[6];
  for (uint64_t i = 0; i < 6; i++) siblings[i] = fr_random(50 + i);
  hf_var digits[2], old_root, new_root;
  hf_merkle_digits(b, in(b, fr(6)), 2, digits);
  hf_merkle_update(b, in(b, fr(5)), in(b, fr(8)), digits, siblings, 2, &old_root, &new_root);
}

static void ranges(hf_builder *b, const void *input) {
  (void)input;
  hf_var low, high;
  hf_split_canonical(b, in(b, fr_random(1)), 40, &low, &high);
  hf_is_less(b, in(b, fr(1000)), in(b, fr(1001)), 12);
  hf_range(b, "short", in(b, fr(3)), 3);
  hf_range(b, "long", in(b, fr(3000000)), 29);
}

static void curve(hf_builder *b, const void *input) {
  (void)input;
  hf_bjj base = hf_bjj_base();
  hf_point p = {in(b, base.x), in(b, base.y)};
  hf_point_assert_on_curve(b, "p", p);
  hf_rom table = hf_rom_create(b);
  hf_point_write(b, table, 5, p);
  hf_point_add_read(b, hf_point_add(b, p, p), table, in(b, fr(5)));
}

static void signature(hf_builder *b, const void *input) {
  (void)input;
  hf_base_table base;
  hf_bjj g = hf_bjj_base();
  hf_base_table_create(b, 3, &base);
  hf_fr message[4] = {fr(1), fr(2), fr(3), fr(4)}, h = hf_eddsa_challenge(g, g, message);
  hf_point a = {in(b, g.x), in(b, g.y)}, r = hf_point_hint(b, g.x, g.y, "R");
  hf_signature_check(b, &base, a, r, hf_hint(b, hf_signature_by_base(h), "S"), hf_hint(b, h, "h"));
}

static void product(hf_builder *b, const void *input) {
  (void)input;
  hf_fq x = hf_fq_from_u64(12345), y = hf_fq_neg(hf_fq_from_u64(6789));
  hf_limbs u = hf_limbs_hint(b, x, "x"), v = hf_limbs_hint_tight(b, y, "y");
  hf_limbs z = hf_nonnative_mul(b, u, v);
  hf_limbs_assert_different(b, "u differs from v", hf_limbs_native(b, z), v);
}

/* ---- the verifier in a circuit ---- */

static hf_g1 point_of(uint64_t k) { return hf_g1_from_xyzz(hf_g1_mul(hf_g1_generator(), fr(k))); }

/* A point whose limbs are public. */
static hf_curve_point public_point(hf_builder *b, uint64_t k) {
  hf_g1 p = point_of(k);
  hf_curve_point out = {hf_limbs_hint_tight(b, p.x, "x"), hf_limbs_hint(b, p.y, "y")};
  for (int i = 0; i < 4; i++) {
    hf_public_input(b, out.x.l[i]);
    hf_public_input(b, out.y.l[i]);
  }
  return out;
}

static void words(hf_builder *b, const void *input) {
  (void)input;
  hf_var out[4];
  hf_curve_point_words(b, public_point(b, 77), out);
}

static void point(hf_builder *b, const void *input) {
  (void)input;
  hf_curve_point p = hf_curve_point_hint(b, point_of(5), "point");
  for (int i = 0; i < 4; i++) {
    hf_public_input(b, p.x.l[i]);
    hf_public_input(b, p.y.l[i]);
  }
}

static void additions(hf_builder *b, const void *input) {
  (void)input;
  hf_curve_point p = public_point(b, 3), q = public_point(b, 8);
  hf_curve_add(b, p, q, false);
  hf_curve_add(b, p, q, true);
  hf_curve_double(b, p);
  hf_curve_endomorphism(b, q);
}

static void chains(hf_builder *b, const void *input) {
  (void)input;
  hf_curve_point p[2] = {public_point(b, 3), public_point(b, 8)};
  hf_signed_sums sums;
  hf_chain chain;
  hf_signed_sums_create(b, p, 2, &sums);
  hf_chain_begin(b, &chain, public_point(b, 100), hf_signed_sums_read(b, &sums, in(b, fr(3))));
  hf_chain_double_add(b, &chain, &sums, in(b, fr(1)));
  hf_chain_add_read(b, &chain, &sums, in(b, fr(2)));
  hf_chain_double_add(b, &chain, &sums, in(b, fr(0)));
  hf_chain_double_add(b, &chain, &sums, in(b, fr(0)));
  hf_chain_add(b, &chain, p[0]);
  hf_chain_end(b, &chain);
}

static void multiples(hf_builder *b, const void *input) {
  (void)input;
  hf_msm_term terms[6];
  for (unsigned i = 0; i < 6; i++)
    terms[i] = (hf_msm_term){public_point(b, 1000 + 17 * i), in(b, fr(1 + (i * i & 1))), i % 2 ? 2 : 1};
  hf_msm(b, "sum", terms, 6);
}

static void transcript(hf_builder *b, const void *input) {
  (void)input;
  hf_transcript_gadget t;
  hf_short pair[2];
  hf_var w[4];
  for (uint64_t i = 0; i < 4; i++) w[i] = in(b, fr_random(i));
  hf_transcript_gadget_init(b, &t, 8);
  hf_transcript_gadget_absorb(b, &t, 1, w, 1);
  hf_transcript_gadget_squeeze(b, &t);
  hf_transcript_gadget_absorb(b, &t, 2, w, 4);
  hf_transcript_gadget_squeeze_short(b, &t, pair);
}

static void relation(hf_builder *b, const void *input) {
  (void)input;
  hf_relation_values v;
  hf_relation_scalars s;
  hf_var *all[] = {v.w, v.wn, v.f};
  unsigned counts[] = {HF_WIRES, HF_WIRES, HF_FIXED_COUNT};
  uint64_t seed = 0;
  for (int i = 0; i < 3; i++)
    for (unsigned k = 0; k < counts[i]; k++) all[i][k] = in(b, fr_random(seed++));
  hf_var *rest[] = {&v.m, &v.z,  &v.zn, &v.range, &v.rangen, &v.rom,    &v.romn, &v.rho, &v.rhon,
                    &v.x, &v.l1, &v.pi, &s.beta,  &s.gamma,  &s.lambda, &s.eta,  &s.chi, &s.alpha};
  for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) *rest[i] = in(b, fr_random(seed++));
  hf_relation_gadget(b, &v, &s);
}

static void entry_of(hf_builder *b, bool node) {
  hf_fold_setup setup = {.development = true};
  hf_verified_child child;
  hf_pair_gadget pair;
  hf_fr acc[8];
  hf_var is_node;
  memset(&child, 0, sizeof child);
  for (uint64_t i = 0; i < 5; i++) setup.powers[i] = point_of(i + 1);
  for (int i = 0; i < 2; i++) hf_g1_to_words(point_of(50 + (uint64_t)i), acc + 4 * i);
  hf_var node_vk = in(b, fr(4711));
  child.digest = in(b, fr(node ? 4711 : 17));
  for (int i = 0; i < HF_INSTANCE_COUNT; i++)
    child.instance[i] = in(b, i == 0 ? fr(9) : !node ? fr(0) : i == 1 ? fr(4711) : acc[i - 2]);
  hf_var statement = hf_child_entry(b, &child, node_vk, &is_node);
  hf_child_accumulator(b, &setup, 1, &child, is_node, &pair);
  hf_lift_gadget(b, statement, 2, 3);
}

static void leaf_entry(hf_builder *b, const void *input) {
  (void)input;
  entry_of(b, false);
}

static void node_entry(hf_builder *b, const void *input) {
  (void)input;
  entry_of(b, true);
}

static void underdetermined(hf_builder *b, const void *input) {
  (void)input;
  hf_var x = in(b, fr(5)), q = hf_hint(b, fr(2), "q"), rest = hf_hint(b, fr(1), "rest");
  hf_term t[3] = {{fr(2), q}, {fr(1), rest}, {hf_fr_neg(fr(1)), x}};
  hf_assert_linear(b, "x = 2 q + rest", t, 3, fr(0));
  hf_assert_linear(b, "the same", t, 3, fr(0));
}

static const struct {
  const char *name;
  circuit_function f;
  unsigned width;
  size_t loose, redundant; /* beyond the preamble's */
  size_t free;             /* cells whose variable can change alone */
} cases[] = {
    {"arithmetic", arithmetic, 4, 0, 0, 0},
    /* three permutations: that e is a child, and that its number, the constant 0, is one of 0..3 */
    {"hashes", hashes, 4, 0, 6, 0},
    /* the six siblings are the prover's; near the witness: the digits are each one of 0..3 without their sum
     * (1), and at both levels the new path's number and choice follow from the old path's and the update (3)
     */
    {"update", update, 4, 6, 7, 0},
    {"ranges", ranges, 4, 0, 0, 0},
    /* that an input is on the curve is a check (1); x y' = y x in it also says that -p has p's y (1) */
    {"curve", curve, 4, 0, 2, 0},
    {"signature", signature, 4, 0, 2, 0},
    {"product", product, 17, 0, 0, 0},
    {"words", words, 17, 0, 0, 0},
    {"point", point, 17, 0, 0, 0},
    {"additions", additions, 17, 0, 0, 0},
    {"chains", chains, 17, 0, 0, 0},
    /* bits come from a table: that they sum to the scalars, which are public here, are checks (5); the sum
     * for the fifth scalar is one of addresses */
    {"multiples", multiples, 17, 0, 5, 0},
    /* three permutations, as above */
    {"transcript", transcript, 17, 0, 6, 0},
    {"relation", relation, 4, 0, 0, 0},
    /* four permutations (8); flags of the lift are pinned by being 0 or 1, so that they do not rise follows
     * near the witness (3); what is public here is checked: node_vk, the words of the accumulator, equality
     * of the digests */
    {"entry of a leaf", leaf_entry, 17, 0, 8 + 3 + 9, 0},
    /* the inverse of zero is the prover's */
    {"entry of a node", node_entry, 17, 1, 8 + 3 + 10, 2},
};

Test(circuit, variables_are_determined_and_constraints_needed, .timeout = 120) {
  hf_circuit *c = build(4, nothing, NULL, NULL);
  analysis empty = analyse(c);
  hf_circuit_destroy(&c);
  cr_assert_eq(empty.loose, 0);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    c = build(cases[i].width, cases[i].f, NULL, NULL);
    cr_assert_eq(hf_circuit_check(c), HF_OK, "%s: %s", cases[i].name, hf_error_message());
    analysis a = analyse(c);
    cr_assert_eq(a.loose, cases[i].loose, "%s: %zu variables are loose", cases[i].name, a.loose);
    cr_assert_eq(a.redundant - empty.redundant, cases[i].redundant,
                 "%s: %zu equations are redundant, the last: %s", cases[i].name,
                 a.redundant - empty.redundant, a.last);
    hf_circuit_destroy(&c);
  }
  /* the analysis sees a variable that nothing determines, and an equation that is there twice */
  c = build(4, underdetermined, NULL, NULL);
  analysis a = analyse(c);
  cr_assert_eq(a.loose, 1);
  cr_assert_eq(a.redundant - empty.redundant, 1);
  hf_circuit_destroy(&c);
}

/* Every variable in turn becomes another value, with all its copies: something must notice. */
Test(circuit, no_single_variable_can_change, .timeout = 120) {
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    hf_circuit *c = build(cases[i].width, cases[i].f, NULL, NULL);
    size_t cells = HF_WIRES * (size_t)c->used_rows, accepted = 0, tried = 0;
    uint32_t *rows = calloc(cells, sizeof *rows);
    for (size_t k = 0; k < cells; k++) {
      uint32_t r = (uint32_t)(k / HF_WIRES);
      unsigned w = k % HF_WIRES;
      /* multiplicities follow the reads; cells of padding-like spacers have no gate */
      bool write = hf_fr_eq(c->fixed[HF_ROM][r], hf_fr_neg(hf_fr_one()));
      if (write && w == 4) continue;
      hf_fr old = c->wires[w][r];
      size_t touched = hf_circuit_set_class(c, r, w, hf_fr_add(old, fr(1)), rows, cells);
      bool ok;
      cr_assert_eq(hf_circuit_check_rows(c, rows, touched, &ok), HF_OK);
      tried++;
      if (ok) {
        /* is it a cell that nothing reads? then no constraint of its row or the row before depends on it */
        bool read = touched > 1;
        for (int step = 0; step < 2 && !read; step++) {
          if (r < (uint32_t)step) continue;
          dual_rel_row row = dual_row(c, r - (uint32_t)step, w + (step ? HF_WIRES : 0));
          const int selectors[] = {HF_S_ARITHMETIC, HF_S_MERKLE, HF_S_FULL,
                                   HF_S_PARTIAL,    HF_S_MIDDLE, HF_S_EDWARDS};
          const unsigned parts[] = {HF_PART_ARITHMETIC, HF_PART_MERKLE, HF_PART_FULL,
                                    HF_PART_PARTIAL,    HF_PART_MIDDLE, HF_PART_EDWARDS};
          for (int g = 0; g < 6; g++) {
            dual out[6];
            memset(out, 0, sizeof out);
            if (!on(c, selectors[g], r - (uint32_t)step)) continue;
            evaluate(&row, parts[g], out);
            for (int j = 0; j < 6; j++) read |= !hf_fr_is_zero(out[j].d);
          }
        }
        accepted += read;
      }
      hf_circuit_set_class(c, r, w, old, NULL, 0);
    }
    cr_assert_eq(accepted, cases[i].free, "%s: %zu of %zu variables can change alone", cases[i].name, accepted, tried);
    cr_assert_gt(tried, 50);
    cr_assert_eq(hf_circuit_check(c), HF_OK, "%s", hf_error_message());
    free(rows);
    hf_circuit_destroy(&c);
  }
}
