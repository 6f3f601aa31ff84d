#include "child.h"
#include <string.h>
#include "circuit/hash.h"
#include "circuit/plonk_relation.h"
#include "circuit/range.h"
#include "host/domains.h"

/* A key of ten public inputs and the blinding rows has at least 2^5 rows (hf_verifying_key_finish). */
enum { KAPPA = HF_PRODUCTION_KAPPA, MIN_LOG_N = HF_MIN_LOG_N + 1, LOG_N_COUNT = HF_MAX_LOG_N - MIN_LOG_N + 1 };

/* A point with its words. */
typedef struct known_point {
  hf_curve_point p;
  hf_var words[4];
} known_point;

static known_point point(hf_builder *b, hf_g1 value, const char *name) {
  known_point k;
  k.p = hf_curve_point_hint(b, value, name);
  hf_curve_point_words(b, k.p, k.words);
  return k;
}

/* Everything that a proof and its key consist of, as variables. */
typedef struct child_vars {
  hf_var log_n, instance[HF_INSTANCE_COUNT], at_zeta[HF_EVALS_ZETA], at_next[HF_EVALS_NEXT];
  known_point fixed[HF_FIXED_COUNT], commitments[HF_WITNESS_COUNT + HF_SUMS_COUNT + HF_QUOTIENT_COUNT], w, w_prime;
} child_vars;

typedef struct child_challenges {
  hf_relation_scalars rel;
  hf_var zeta, y, token;
  hf_short v[HF_MAX_PACKS + 1];
} child_challenges;

static hf_fr one(void) { return hf_fr_one(); }
static hf_fr minus(void) { return hf_fr_neg(hf_fr_one()); }

static void take(hf_builder *b, const hf_fold_child *child, child_vars *v) {
  hf_pack_layout packs = hf_pack_layout_of(KAPPA);
  const hf_proof *p = &child->proof;
  hf_scope_begin(b, "points");
  for (unsigned i = 0; i < packs.fixed; i++) v->fixed[i] = point(b, child->vk.fixed[i], "fixed commitment");
  for (unsigned i = 0; i < packs.proof; i++) v->commitments[i] = point(b, p->commitments[i], "commitment");
  v->w = point(b, p->w, "W");
  v->w_prime = point(b, p->w_prime, "W'");
  hf_scope_end(b);
  v->log_n = hf_hint(b, hf_fr_from_u64(child->vk.log_n), "log n");
  for (int i = 0; i < HF_INSTANCE_COUNT; i++) v->instance[i] = hf_hint(b, p->public_inputs[i], "instance word");
  for (int i = 0; i < HF_EVALS_ZETA; i++) v->at_zeta[i] = hf_hint(b, p->at_zeta[i], "evaluation at zeta");
  for (int i = 0; i < HF_EVALS_NEXT; i++) v->at_next[i] = hf_hint(b, p->at_next[i], "evaluation at zeta omega");
}

/* The digest of the key (verifying_key.h): what all foldable keys of a set-up share is constant. */
static hf_var key_digest(hf_builder *b, const hf_fold_setup *setup, const child_vars *v) {
  hf_pack_layout packs = hf_pack_layout_of(KAPPA);
  hf_var words[15 + 4 * HF_FIXED_COUNT];
  hf_fq tau[4] = {setup->tau_g2.x.c0, setup->tau_g2.x.c1, setup->tau_g2.y.c0, setup->tau_g2.y.c1};
  uint64_t head[6] = {HF_VKEY_VERSION, HF_TRANSCRIPT_POSEIDON2, KAPPA, 1, setup->development, HF_INSTANCE_COUNT};
  unsigned n = 0;
  hf_scope_begin(b, "key digest");
  for (int i = 0; i < 6; i++) words[n++] = hf_constant_u64(b, head[i]);
  for (int i = 0; i < 4; i++) {
    hf_fr w[4];
    hf_g1_to_words((hf_g1){tau[i], hf_fq_zero()}, w);
    words[n++] = hf_constant(b, w[0]);
    words[n++] = hf_constant(b, w[1]);
  }
  words[n++] = v->log_n;
  for (unsigned i = 0; i < packs.fixed; i++, n += 4) memcpy(words + n, v->fixed[i].words, 4 * sizeof words[0]);
  hf_var digest = hf_hash_words(b, HF_DOMAIN_VK, words, n);
  hf_scope_end(b);
  return digest;
}

static void absorb_points(hf_builder *b, hf_transcript_gadget *t, uint32_t tag, const known_point *points, unsigned n) {
  hf_var words[4 * HF_MAX_PACKS];
  for (unsigned i = 0; i < n; i++) memcpy(words + 4 * i, points[i].words, 4 * sizeof words[0]);
  hf_transcript_gadget_absorb(b, t, tag, words, 4 * (size_t)n);
}

/* As hf_challenges_derive, and W' behind it. */
static void derive(hf_builder *b, const child_vars *v, hf_var digest, child_challenges *ch) {
  hf_pack_layout packs = hf_pack_layout_of(KAPPA);
  const known_point *commitment = v->commitments;
  hf_transcript_gadget t;
  hf_scope_begin(b, "transcript");
  hf_transcript_gadget_init(b, &t, HF_DOMAIN_TRANSCRIPT);
  hf_transcript_gadget_absorb(b, &t, HF_TAG_VK, &digest, 1);
  hf_transcript_gadget_absorb(b, &t, HF_TAG_PUBLIC, v->instance, HF_INSTANCE_COUNT);
  absorb_points(b, &t, HF_TAG_WITNESS, commitment, packs.witness);
  commitment += packs.witness;
  hf_var *first[] = {&ch->rel.beta, &ch->rel.gamma, &ch->rel.lambda, &ch->rel.eta, &ch->rel.chi};
  for (int i = 0; i < 5; i++) *first[i] = hf_transcript_gadget_squeeze(b, &t);
  absorb_points(b, &t, HF_TAG_SUMS, commitment, packs.sums);
  commitment += packs.sums;
  ch->rel.alpha = hf_transcript_gadget_squeeze(b, &t);
  absorb_points(b, &t, HF_TAG_QUOTIENT, commitment, packs.quotient);
  ch->zeta = hf_transcript_gadget_squeeze(b, &t);
  hf_transcript_gadget_absorb(b, &t, HF_TAG_EVALS_ZETA, v->at_zeta, HF_EVALS_ZETA);
  hf_transcript_gadget_absorb(b, &t, HF_TAG_EVALS_NEXT, v->at_next, HF_EVALS_NEXT);
  for (unsigned i = 0; i < packs.all; i += 2) hf_transcript_gadget_squeeze_short(b, &t, ch->v + i);
  absorb_points(b, &t, HF_TAG_W, &v->w, 1);
  ch->y = hf_transcript_gadget_squeeze(b, &t);
  absorb_points(b, &t, HF_TAG_W_PRIME, &v->w_prime, 1);
  ch->token = hf_transcript_gadget_squeeze(b, &t);
  hf_scope_end(b);
}

/* What follows from log n: one flag for each size. */
typedef struct domain_vars {
  hf_var omega, inverse_n, zeta_n; /* root of unity, 1/n, zeta^n */
} domain_vars;

static void choose_domain(hf_builder *b, hf_var log_n, hf_var zeta, domain_vars *out) {
  hf_term sum[LOG_N_COUNT], number[LOG_N_COUNT + 1], omega[LOG_N_COUNT], inverse[LOG_N_COUNT];
  uint64_t value = hf_value_u64(b, log_n);
  hf_var power = zeta, parts[LOG_N_COUNT / 2];
  hf_product held = {hf_fr_zero(), zeta, zeta};
  unsigned part_count = 0;
  hf_scope_begin(b, "domain");
  for (unsigned k = 0; k < MIN_LOG_N; k++) power = hf_mul(b, power, power);
  for (unsigned i = 0; i < LOG_N_COUNT; i++) {
    unsigned k = MIN_LOG_N + i;
    hf_var flag = hf_hint(b, hf_fr_from_u64(value == k), "size flag");
    hf_assert_bool(b, "size flag is boolean", flag);
    sum[i] = (hf_term){one(), flag};
    number[i] = (hf_term){hf_fr_from_u64(k), flag};
    omega[i] = (hf_term){hf_fr_root_of_unity((int)k), flag};
    inverse[i] = (hf_term){hf_fr_inv(hf_fr_from_u64(1ull << k)), flag};
    if (i > 0) power = hf_mul(b, power, power);
    hf_product p[2] = {held, {one(), flag, power}};
    if (i % 2) parts[part_count++] = hf_quadratic(b, p, 2, NULL, 0, hf_fr_zero());
    held = p[1];
  }
  _Static_assert(LOG_N_COUNT % 2 == 0, "flags go in pairs");
  hf_assert_linear(b, "one size", sum, LOG_N_COUNT, minus());
  number[LOG_N_COUNT] = (hf_term){minus(), log_n};
  hf_assert_linear(b, "size = log n", number, LOG_N_COUNT + 1, hf_fr_zero());
  out->omega = hf_linear(b, omega, LOG_N_COUNT, hf_fr_zero());
  out->inverse_n = hf_linear(b, inverse, LOG_N_COUNT, hf_fr_zero());
  hf_term terms[LOG_N_COUNT];
  for (unsigned i = 0; i < part_count; i++) terms[i] = (hf_term){one(), parts[i]};
  out->zeta_n = hf_linear(b, terms, part_count, hf_fr_zero());
  hf_scope_end(b);
}

/* 1 / (x - y), which must exist: one row. */
static hf_var inverse_of_difference(hf_builder *b, hf_var x, hf_var y, const char *name) {
  hf_fr d = hf_fr_sub(hf_value(b, x), hf_value(b, y));
  hf_var i = hf_hint(b, hf_fr_is_zero(d) ? d : hf_fr_inv(d), name);
  hf_product p[2] = {{one(), i, x}, {minus(), i, y}};
  hf_assert_quadratic(b, name, p, 2, NULL, 0, minus());
  return i;
}

/* The constraints at zeta: combine(row) = Z_H(zeta) t(zeta). */
static void identity(hf_builder *b, const child_vars *v, const child_challenges *ch, const domain_vars *d) {
  hf_relation_values row;
  hf_scope_begin(b, "identity");
  for (int i = 0; i < HF_WIRES; i++) {
    row.w[i] = v->at_zeta[HF_EVAL_WITNESS + i];
    row.wn[i] = v->at_next[i];
  }
  row.m = v->at_zeta[HF_EVAL_WITNESS + HF_POLY_M];
  const hf_var *sums = v->at_zeta + HF_EVAL_SUMS, *next = v->at_next + HF_WITNESS_COUNT;
  row.z = sums[HF_POLY_Z], row.zn = next[HF_POLY_Z];
  row.range = sums[HF_POLY_RANGE], row.rangen = next[HF_POLY_RANGE];
  row.rom = sums[HF_POLY_ROM], row.romn = next[HF_POLY_ROM];
  row.rho = sums[HF_POLY_RHO], row.rhon = next[HF_POLY_RHO];
  for (int i = 0; i < HF_FIXED_COUNT; i++) row.f[i] = v->at_zeta[HF_EVAL_FIXED + i];
  row.x = ch->zeta;
  /* L_i(zeta) = omega^i (zeta^n - 1) / (n (zeta - omega^i)) */
  hf_var zh = hf_affine(b, one(), d->zeta_n, minus()), scale = hf_mul(b, zh, d->inverse_n), w = hf_one(b);
  hf_assert_nonzero(b, "zeta is no row", zh);
  hf_term pi[HF_INSTANCE_COUNT];
  for (int i = 0; i < HF_INSTANCE_COUNT; i++) {
    hf_var inverse = inverse_of_difference(b, ch->zeta, w, "zeta is no row of a public input");
    hf_var li = hf_mul(b, scale, i == 0 ? inverse : hf_mul(b, w, inverse));
    if (i == 0) row.l1 = li;
    pi[i] = (hf_term){minus(), hf_mul(b, li, v->instance[i])};
    w = i == 0 ? d->omega : hf_mul(b, w, d->omega);
  }
  row.pi = hf_linear(b, pi, HF_INSTANCE_COUNT, hf_fr_zero());
  hf_var t = v->at_zeta[HF_EVAL_QUOTIENT + HF_QUOTIENT_COUNT - 1];
  for (int k = HF_QUOTIENT_COUNT - 2; k >= 0; k--) t = hf_mul_add(b, t, d->zeta_n, v->at_zeta[HF_EVAL_QUOTIENT + k]);
  hf_var left = hf_relation_gadget(b, &row, &ch->rel);
  hf_product right = {minus(), zh, t};
  hf_term term = {one(), left};
  hf_assert_quadratic(b, "the constraints hold at zeta", &right, 1, &term, 1, hf_fr_zero());
  hf_scope_end(b);
}

static hf_var remainder_of(hf_builder *b, const hf_var *evals, unsigned count, hf_var y) {
  hf_var s = evals[count - 1];
  for (unsigned j = count - 1; j-- > 0;) s = hf_mul_add(b, s, y, evals[j]);
  return s;
}

/* L + [constant] = sum_both v C + z1 sum_zeta v C - z0 z1 W + y W', as verify.c has it. */
static void opening(hf_builder *b, const child_vars *v, const child_challenges *ch, const domain_vars *d,
                    hf_verified_child *out) {
  hf_pack_layout packs = hf_pack_layout_of(KAPPA);
  hf_msm_term zeta_terms[HF_CHILD_ZETA_TERMS], terms[HF_CHILD_TERMS];
  hf_var yk = ch->y, constants[HF_MAX_PACKS];
  unsigned zeta_count = 0, count = 0;
  hf_scope_begin(b, "opening");
  for (unsigned i = 1; i < KAPPA; i++) yk = hf_mul(b, yk, ch->y);
  hf_var next = hf_mul(b, ch->zeta, d->omega), z0 = hf_sub(b, yk, ch->zeta), z1 = hf_sub(b, yk, next);
  hf_var slope = hf_mul(b, z0, inverse_of_difference(b, next, ch->zeta, "zeta omega differs from zeta"));
  for (unsigned i = 0; i < packs.all; i++) {
    unsigned first, polynomials = hf_pack_polynomials(KAPPA, i, &first);
    hf_curve_point c = i < packs.proof ? v->commitments[i].p : v->fixed[i - packs.proof].p;
    hf_msm_term term = {c, ch->v[i].half, HF_SHORT_BITS};
    hf_var r = remainder_of(b, v->at_zeta + first, polynomials, ch->y);
    if (i < packs.witness + packs.sums) {
      hf_var rn = remainder_of(b, v->at_next + first, polynomials, ch->y);
      hf_product p[2] = {{one(), slope, rn}, {minus(), slope, r}};
      hf_term t = {one(), r};
      r = hf_quadratic(b, p, 2, &t, 1, hf_fr_zero());
      terms[count++] = term;
    } else {
      r = hf_mul(b, r, z1);
      zeta_terms[zeta_count++] = term;
    }
    constants[i] = hf_mul(b, ch->v[i].value, r);
  }
  hf_term sum[HF_MAX_PACKS];
  for (unsigned i = 0; i < packs.all; i++) sum[i] = (hf_term){one(), constants[i]};
  out->constant = hf_linear(b, sum, packs.all, hf_fr_zero());
  hf_curve_point at_zeta = hf_msm(b, "sum at zeta", zeta_terms, zeta_count);
  hf_product z01 = {minus(), z0, z1};
  hf_var minus_z01 = hf_quadratic(b, &z01, 1, NULL, 0, hf_fr_zero());
  hf_msm_full(b, at_zeta, z1, terms + count);
  hf_msm_full(b, v->w.p, minus_z01, terms + count + 2);
  hf_msm_full(b, v->w_prime.p, ch->y, terms + count + 4);
  out->left = hf_msm(b, "sum", terms, count + 6);
  out->right = v->w_prime.p;
  hf_scope_end(b);
}

void hf_child_verify(hf_builder *b, const hf_fold_setup *setup, const hf_fold_child *child, hf_verified_child *out) {
  child_vars v;
  child_challenges ch;
  domain_vars d;
  memset(out, 0, sizeof *out);
  if (hf_builder_status(b) != HF_OK) return;
  hf_scope_begin(b, "child");
  take(b, child, &v);
  out->digest = key_digest(b, setup, &v);
  memcpy(out->instance, v.instance, sizeof out->instance);
  derive(b, &v, out->digest, &ch);
  out->token = ch.token;
  choose_domain(b, v.log_n, ch.zeta, &d);
  identity(b, &v, &ch, &d);
  opening(b, &v, &ch, &d, out);
  hf_scope_end(b);
}

hf_var hf_child_entry(hf_builder *b, const hf_verified_child *child, hf_var node_vk, hf_var *is_node) {
  hf_scope_begin(b, "entry");
  *is_node = hf_is_equal(b, child->digest, node_vk);
  hf_product p = {one(), *is_node, node_vk};
  hf_term t = {minus(), child->instance[HF_INSTANCE_NODE_VK]};
  hf_assert_quadratic(b, "a child's node_vk is the node's, or zero for a leaf", &p, 1, &t, 1, hf_fr_zero());
  hf_var words[2] = {child->digest, child->instance[HF_INSTANCE_STATEMENT]};
  hf_var leaf = hf_hash_words(b, HF_DOMAIN_LEAF, words, 2);
  hf_var entry = hf_select(b, *is_node, child->instance[HF_INSTANCE_STATEMENT], leaf);
  hf_scope_end(b);
  return entry;
}

void hf_child_accumulator(hf_builder *b, const hf_fold_setup *setup, unsigned slot, const hf_verified_child *child,
                          hf_var is_node, hf_pair_gadget *out) {
  hf_g1 stand_in[2] = {setup->powers[2 * slot + 2], setup->powers[2 * slot + 1]};
  const hf_var *own = child->instance + HF_INSTANCE_ACCUMULATOR;
  hf_curve_point *points[2] = {&out->left, &out->right};
  bool node = hf_fr_eq(hf_value(b, is_node), one());
  hf_scope_begin(b, "accumulator");
  for (int i = 0; i < 2; i++) {
    hf_fr words[4], limbs[4];
    hf_g1_to_words(stand_in[i], words);
    for (int j = 0; j < 4; j++) limbs[j] = hf_fr_to_limbs(hf_value(b, own[4 * i + j]));
    hf_fq x = {{limbs[0].l[0], limbs[0].l[1], limbs[1].l[0], limbs[1].l[1]}};
    hf_fq y = {{limbs[2].l[0], limbs[2].l[1], limbs[3].l[0], limbs[3].l[1]}};
    hf_g1 value = node ? (hf_g1){hf_fq_from_limbs(x), hf_fq_from_limbs(y)} : stand_in[i];
    known_point p = point(b, value, "accumulator");
    *points[i] = p.p;
    for (int j = 0; j < 4; j++) {
      hf_var w = own[4 * i + j];
      /* a leaf's word is zero; p's word is the child's, plus the stand-in's where there is none */
      hf_product zero[2] = {{minus(), is_node, w}, {hf_fr_zero(), is_node, w}};
      hf_term t = {one(), w};
      hf_assert_quadratic(b, "a leaf has no accumulator", zero, 1, &t, 1, hf_fr_zero());
      hf_term sum[3] = {{one(), w}, {hf_fr_neg(words[j]), is_node}, {minus(), p.words[j]}};
      hf_assert_linear(b, "the accumulator is the child's or the stand-in", sum, 3, words[j]);
    }
  }
  hf_scope_end(b);
}

hf_var hf_lift_gadget(hf_builder *b, hf_var x, uint32_t levels, unsigned count) {
  hf_scope_begin(b, "lift");
  hf_var more = hf_one(b);
  for (unsigned i = 0; i < count; i++) {
    /* flags 1 .. 1 0 .. 0: the bit may not rise again */
    hf_var flag = hf_hint(b, hf_fr_from_u64(i < levels), "lift flag");
    hf_assert_bool(b, "lift flag is boolean", flag);
    hf_product p = {one(), flag, more};
    hf_term t = {minus(), flag};
    hf_assert_quadratic(b, "lift flags do not rise", &p, 1, &t, 1, hf_fr_zero());
    hf_var words[2] = {x, hf_zero(b)};
    x = hf_select(b, flag, hf_hash_words(b, HF_DOMAIN_NODE, words, 2), x);
    more = flag;
  }
  hf_scope_end(b);
  return x;
}

void hf_fold_words(hf_builder *b, hf_curve_point left, hf_curve_point right, hf_var words[HF_ACCUMULATOR_WORDS]) {
  hf_curve_point_words(b, left, words);
  hf_curve_point_words(b, right, words + 4);
}

void hf_fold_child_blank(hf_fold_child *out) {
  memset(out, 0, sizeof *out);
  out->vk.log_n = MIN_LOG_N;
  out->vk.kappa = out->proof.kappa = KAPPA;
  out->proof.public_count = HF_INSTANCE_COUNT;
}
