/* Forged children against the node and seal circuits. The secret of the development setup opens anything: these
 * children need no circuit and no prover, hold random evaluations and any key, instance or points, and still pass every
 * check that is left to their verifier. So each lie stands alone: what refuses it is what has to. Where nothing is
 * wrong, instance and accumulator must be those that the native verifier and the transcript give, for every size of
 * key. */
#include <criterion/criterion.h>
#include <hyperfold/digest.h>
#include <stdlib.h>
#include <string.h>
#include "arith/relation_fr.h"
#include "circuit/check.h"
#include "circuit/msm.h"
#include "circuits/fold.h"
#include "development.h"
#include "host/glv.h"
#include "host/poseidon.h"
#include "ok.h"
#include "verify.h"

enum { KAPPA = HF_PRODUCTION_KAPPA, ACC = HF_INSTANCE_ACCUMULATOR, FIXED = 8, COMMITMENTS = 6, MOST = 64 };
static const uint64_t q_limbs[4] = {0x3c208c16d87cfd47ull, 0x97816a916871ca8dull, 0xb85045b68181585dull,
                                    0x30644e72e131a029ull};
static const uint64_t r_limbs[4] = {0x43e1f593f0000001ull, 0x2833e84879b97091ull, 0xb85045b68181585dull,
                                    0x30644e72e131a029ull};

/* ---- values ---- */

static hf_fr any(uint64_t seed) {
  hf_digest d = hf_digest_bytes(&seed, sizeof seed);
  hf_fr out;
  d.b[31] &= 0x1f;
  cr_assert(hf_fr_from_bytes(d.b, &out));
  return out;
}

static hf_fr integer(uint64_t l0, uint64_t l1) { return hf_fr_from_limbs((hf_fr){{l0, l1, 0, 0}}); }
static hf_g1 times(hf_g1 p, hf_fr k) { return hf_g1_from_xyzz(hf_g1_mul(p, k)); }
static hf_g1 anywhere(uint64_t seed) { return times(hf_g1_generator(), any(seed)); }
static hf_g1 plus(hf_g1 p, hf_g1 q) { return hf_g1_from_xyzz(hf_g1_xyzz_add_affine(hf_g1_to_xyzz(p), q)); }

/* x := x + y on four limbs. */
static void limbs_add(uint64_t x[4], const uint64_t y[4]) {
  unsigned __int128 carry = 0;
  for (int i = 0; i < 4; i++) {
    carry += (unsigned __int128)x[i] + y[i];
    x[i] = (uint64_t)carry;
    carry >>= 64;
  }
}

static hf_fr tau(void) { return hf_development_tau(HF_SRS_DEVELOPMENT_SECRET); }

static hf_fold_setup world(void) {
  hf_fold_setup s = {.tau_g2 = hf_g2_mul(hf_g2_generator(), tau()), .development = true};
  hf_fr power = hf_fr_one();
  for (int i = 0; i < 1 + 2 * HF_NODE_CHILDREN; i++, power = hf_fr_mul(power, tau()))
    s.powers[i] = times(hf_g1_generator(), power);
  return s;
}

/* ---- forged children ---- */

/* As hf_verifying_key_finish derives it, for keys that it refuses. */
static void key_digest(hf_verifying_key *vk) {
  hf_fq t[4] = {vk->tau_g2.x.c0, vk->tau_g2.x.c1, vk->tau_g2.y.c0, vk->tau_g2.y.c1};
  hf_fr w[15 + 4 * FIXED], words[4];
  uint64_t head[6] = {HF_VKEY_VERSION, vk->transcript,  vk->kappa, vk->foldable + 2u * vk->seal,
                      vk->development, vk->public_count};
  unsigned n = 0;
  for (int i = 0; i < 6; i++) w[n++] = hf_fr_from_u64(head[i]);
  for (int i = 0; i < 4; i++) {
    hf_g1_to_words((hf_g1){t[i], hf_fq_zero()}, words);
    w[n++] = words[0];
    w[n++] = words[1];
  }
  w[n++] = hf_fr_from_u64(vk->log_n);
  for (int i = 0; i < FIXED; i++, n += 4) hf_g1_to_words(vk->fixed[i], w + n);
  vk->digest = hf_sponge(HF_DOMAIN_VK, w, n);
}

/* (identity's left side) / Z_H at zeta. */
static hf_fr quotient_at_zeta(const hf_verifying_key *vk, const hf_proof *p, const hf_challenges *ch, hf_fr zn) {
  const hf_fr *at = p->at_zeta, *next = p->at_next, *s = at + HF_EVAL_SUMS, *sn = next + HF_WITNESS_COUNT;
  hf_rel_row row = {.m = at[HF_POLY_M],
                    .z = s[0],
                    .zn = sn[0],
                    .range = s[1],
                    .rangen = sn[1],
                    .rom = s[2],
                    .romn = sn[2],
                    .rho = s[3],
                    .rhon = sn[3],
                    .x = ch->zeta,
                    .pi = hf_fr_zero()};
  hf_rel_challenges c = {.beta = ch->beta, .gamma = ch->gamma, .lambda = ch->lambda};
  c.eta = ch->eta, c.chi = ch->chi, c.alpha = ch->alpha;
  hf_rel_derive(&c);
  hf_fr zh = hf_fr_sub(zn, hf_fr_one()), w = hf_fr_one(), n = hf_fr_from_u64(1ull << vk->log_n);
  for (int i = 0; i < HF_WIRES; i++) row.w[i] = at[i], row.wn[i] = next[i];
  for (int i = 0; i < HF_FIXED_COUNT; i++) row.f[i] = at[HF_EVAL_FIXED + i];
  for (int i = 0; i < HF_INSTANCE_COUNT; i++, w = hf_fr_mul(w, hf_fr_root_of_unity((int)vk->log_n))) {
    hf_fr l = hf_fr_mul(hf_fr_mul(w, zh), hf_fr_inv(hf_fr_mul(n, hf_fr_sub(ch->zeta, w))));
    if (i == 0) row.l1 = l;
    row.pi = hf_fr_sub(row.pi, hf_fr_mul(l, p->public_inputs[i]));
  }
  return hf_fr_mul(hf_rel_combine(&row, &c), hf_fr_inv(zh));
}

/* L - y W' of the opening, instance unseen. */
static hf_g1 opening_without_w_prime(const hf_verifying_key *vk, const hf_proof *p, const hf_challenges *ch) {
  hf_pack_layout packs = hf_pack_layout_of(KAPPA);
  hf_fr next = hf_fr_mul(ch->zeta, hf_fr_root_of_unity((int)vk->log_n)), yk = hf_fr_pow_u64(ch->y, KAPPA);
  hf_fr z0 = hf_fr_sub(yk, ch->zeta), z1 = hf_fr_sub(yk, next), constant = hf_fr_zero();
  hf_fr slope = hf_fr_mul(z0, hf_fr_inv(hf_fr_sub(next, ch->zeta)));
  hf_g1_xyzz sum = hf_g1_mul(p->w, hf_fr_neg(hf_fr_mul(z0, z1)));
  for (unsigned i = 0; i < packs.all; i++) {
    unsigned first, count = hf_pack_polynomials(KAPPA, i, &first);
    hf_g1 c = i < packs.proof ? p->commitments[i] : vk->fixed[i - packs.proof];
    hf_fr r = hf_pack_remainder(p->at_zeta + first, count, ch->y), v = ch->v[i];
    if (i < packs.witness + packs.sums) {
      hf_fr rn = hf_pack_remainder(p->at_next + first, count, ch->y);
      r = hf_fr_add(r, hf_fr_mul(slope, hf_fr_sub(rn, r)));
    } else {
      v = hf_fr_mul(v, z1);
    }
    sum = hf_g1_xyzz_add(sum, hf_g1_mul(c, v));
    constant = hf_fr_add(constant, hf_fr_mul(v, r));
  }
  return hf_g1_from_xyzz(hf_g1_xyzz_add(sum, hf_g1_mul(hf_g1_generator(), hf_fr_neg(constant))));
}

/* Makes good what a change broke: the first chunk of the quotient, then W'. The key's digest is taken as it stands. */
static void forge(hf_fold_child *c) {
  hf_proof *p = &c->proof;
  hf_challenges ch;
  p->vk_digest = c->vk.digest;
  hf_challenges_derive(&c->vk, p, &ch);
  hf_fr zn = hf_fr_pow_u64(ch.zeta, 1ull << c->vk.log_n), rest = hf_fr_zero(), *t = p->at_zeta + HF_EVAL_QUOTIENT;
  for (int k = HF_QUOTIENT_COUNT - 1; k > 0; k--) rest = hf_fr_mul(hf_fr_add(rest, t[k]), zn);
  t[0] = hf_fr_sub(quotient_at_zeta(&c->vk, p, &ch, zn), rest);
  hf_challenges_derive(&c->vk, p, &ch);
  p->w_prime = times(opening_without_w_prime(&c->vk, p, &ch), hf_fr_inv(hf_fr_sub(tau(), ch.y)));
}

static void set_accumulator(hf_fold_child *c, hf_g1 left, hf_g1 right) {
  hf_g1_to_words(left, c->proof.public_inputs + ACC);
  hf_g1_to_words(right, c->proof.public_inputs + ACC + 4);
}

/* A leaf with this key and these contents; numbers stand for any points and values. */
static hf_fold_child *leaf_of(const hf_fold_setup *setup, uint64_t key, unsigned log_n, uint64_t contents) {
  hf_fold_child *c = calloc(1, sizeof *c);
  cr_assert(c);
  c->vk = (hf_verifying_key){.log_n = log_n,
                             .kappa = KAPPA,
                             .foldable = true,
                             .development = true,
                             .public_count = HF_INSTANCE_COUNT,
                             .tau_g2 = setup->tau_g2};
  for (unsigned i = 0; i < FIXED; i++) c->vk.fixed[i] = anywhere(1000 * key + i);
  key_digest(&c->vk);
  c->proof.kappa = KAPPA;
  c->proof.public_count = HF_INSTANCE_COUNT;
  c->proof.public_inputs[HF_INSTANCE_STATEMENT] = any(1000 * contents + 500);
  for (unsigned i = 0; i < COMMITMENTS; i++) c->proof.commitments[i] = anywhere(1000 * contents + 100 + i);
  for (unsigned i = 0; i < HF_EVALS_ZETA; i++) c->proof.at_zeta[i] = any(1000 * contents + 200 + i);
  for (unsigned i = 0; i < HF_EVALS_NEXT; i++) c->proof.at_next[i] = any(1000 * contents + 300 + i);
  c->proof.w = anywhere(1000 * contents + 400);
  forge(c);
  return c;
}

static hf_fold_child *node_of(const hf_fold_setup *setup, uint64_t key, uint64_t contents) {
  hf_fold_child *c = leaf_of(setup, key, 17, contents);
  hf_g1 right = anywhere(1000 * contents + 501);
  c->proof.public_inputs[HF_INSTANCE_NODE_VK] = c->vk.digest;
  set_accumulator(c, times(right, tau()), right);
  forge(c);
  return c;
}

/* ---- what a fold must be ---- */

static hf_fr token_of(const hf_fold_child *c) {
  hf_pack_layout n = hf_pack_layout_of(KAPPA);
  const hf_proof *p = &c->proof;
  hf_transcript t;
  hf_fr x, pair[2];
  hf_transcript_init(&t, HF_TRANSCRIPT_POSEIDON2, HF_DOMAIN_TRANSCRIPT);
  hf_transcript_absorb_fr(&t, HF_TAG_VK, &c->vk.digest, 1);
  hf_transcript_absorb_fr(&t, HF_TAG_PUBLIC, p->public_inputs, HF_INSTANCE_COUNT);
  hf_transcript_absorb_g1(&t, HF_TAG_WITNESS, p->commitments, n.witness);
  for (int i = 0; i < 5; i++) hf_transcript_squeeze(&t, &x);
  hf_transcript_absorb_g1(&t, HF_TAG_SUMS, p->commitments + n.witness, n.sums);
  hf_transcript_squeeze(&t, &x);
  hf_transcript_absorb_g1(&t, HF_TAG_QUOTIENT, p->commitments + n.witness + n.sums, n.quotient);
  hf_transcript_squeeze(&t, &x);
  hf_transcript_absorb_fr(&t, HF_TAG_EVALS_ZETA, p->at_zeta, HF_EVALS_ZETA);
  hf_transcript_absorb_fr(&t, HF_TAG_EVALS_NEXT, p->at_next, HF_EVALS_NEXT);
  for (unsigned i = 0; i < n.all; i += 2) hf_transcript_squeeze_short(&t, pair);
  hf_transcript_absorb_g1(&t, HF_TAG_W, &p->w, 1);
  hf_transcript_squeeze(&t, &x);
  hf_transcript_absorb_g1(&t, HF_TAG_W_PRIME, &p->w_prime, 1);
  hf_transcript_squeeze(&t, &x);
  return x;
}

/* The accumulator of `count` children with challenges from their tokens, by the native verifier. */
static void fold_of(const hf_fold_setup *setup, hf_fr node_vk, const hf_fold_child *child, unsigned count,
                    hf_fr words[8]) {
  hf_fr token[2], k[5] = {hf_fr_one()};
  hf_g1 sum[2] = {hf_g1_infinity(), hf_g1_infinity()};
  hf_transcript t;
  for (unsigned i = 0; i < count; i++) token[i] = token_of(&child[i]);
  hf_transcript_init(&t, HF_TRANSCRIPT_POSEIDON2, HF_DOMAIN_FOLD);
  hf_transcript_absorb_fr(&t, HF_TAG_VK, token, count);
  for (unsigned i = 0; i < count; i++) hf_transcript_squeeze_short(&t, k + 1 + 2 * i);
  for (unsigned i = 0; i < count; i++) {
    hf_g1 own[2], below[2] = {setup->powers[2 * i + 2], setup->powers[2 * i + 1]};
    bool ok;
    OK(hf_verify_deferred(&child[i].vk, &child[i].proof, &ok, &own[0], &own[1]));
    cr_assert(ok, "%s", hf_error_message());
    if (hf_fr_eq(child[i].vk.digest, node_vk))
      OK(hf_accumulator_read(child[i].proof.public_inputs + ACC, &below[0], &below[1]));
    for (int side = 0; side < 2; side++) {
      sum[side] = plus(sum[side], times(own[side], k[2 * i]));
      sum[side] = plus(sum[side], times(below[side], k[2 * i + 1]));
    }
  }
  hf_g1_to_words(sum[0], words);
  hf_g1_to_words(sum[1], words + 4);
}

static hf_fr entry_of(hf_fr node_vk, const hf_fold_child *c) {
  hf_fr statement = c->proof.public_inputs[HF_INSTANCE_STATEMENT];
  return hf_fr_eq(c->vk.digest, node_vk) ? statement : hf_statement_leaf(c->vk.digest, statement);
}

/* ---- circuits with liars ---- */

/* Hints number from .. from + count - 1 of this name get value[i], or so much more. */
typedef struct lie {
  const char *name;
  uint32_t from, count;
  bool add;
  hf_fr value[4];
  uint32_t seen, told;
} lie;

typedef struct lies {
  lie lie[2];
  unsigned count;
} lies;

static void tell(void *context, uint32_t hint, const char *name, hf_fr *value) {
  lies *all = context;
  (void)hint;
  for (unsigned i = 0; i < all->count; i++) {
    lie *l = &all->lie[i];
    if (strcmp(name, l->name) != 0) continue;
    uint32_t at = l->seen++ - l->from;
    if (at >= l->count) continue;
    *value = l->add ? hf_fr_add(*value, l->value[at]) : l->value[at];
    l->told++;
  }
}

static hf_circuit *finished(hf_builder *b, lies *l) {
  hf_circuit *c;
  OK(hf_builder_finish(b, &c));
  hf_builder_destroy(&b);
  for (unsigned i = 0; l && i < l->count; i++)
    cr_assert_eq(l->lie[i].told, l->lie[i].count, "no hint \"%s\" number %u", l->lie[i].name, l->lie[i].from);
  return c;
}

static hf_circuit *node_circuit(const hf_fold_setup *setup, const hf_node_input *in, lies *l) {
  hf_builder_options options;
  hf_builder *b;
  hf_node_options(&options);
  if (l) options.hint_hook = tell, options.hint_context = l;
  OK(hf_builder_create(&options, &b));
  OK(hf_node_circuit(b, setup, in));
  return finished(b, l);
}

static hf_circuit *seal_circuit(const hf_fold_setup *setup, const hf_seal_input *in, lies *l) {
  hf_builder_options options;
  hf_builder *b;
  hf_seal_options(&options);
  if (l) options.hint_hook = tell, options.hint_context = l;
  OK(hf_builder_create(&options, &b));
  OK(hf_seal_circuit(b, setup, in->node_vk, in));
  return finished(b, l);
}

/* Takes the circuit. `why` NULL: satisfied, with these public inputs; else one of what fails is named so, and with
 * `alone` everything. */
static void verdict(const char *what, hf_circuit *c, const hf_fr *words, const char *why, bool alone) {
  hf_failure *failures = calloc(MOST, sizeof *failures);
  size_t count, named = 0;
  OK(hf_circuit_failures(c, failures, MOST, &count));
  for (size_t i = 0; i < count; i++) named += why && strcmp(failures[i].name, why) == 0;
  if (why) {
    cr_expect_gt(count, 0, "%s: accepted", what);
    cr_expect(count == 0 || named > 0, "%s: expected \"%s\", got: %s", what, why, failures[0].message);
    cr_expect(!alone || named == count, "%s: not \"%s\" alone: %s", what, why, failures[0].message);
  } else {
    cr_expect_eq(count, 0, "%s: %s", what, failures[0].message);
    for (uint32_t i = 0; words && i < c->public_count; i++)
      cr_expect(hf_fr_eq(c->public_inputs[i], words[i]), "%s: public input %u", what, i);
  }
  free(failures);
  hf_circuit_destroy(&c);
}

/* ---- nodes ---- */

typedef struct stage {
  hf_fold_setup setup;
  hf_fold_child *leaf, *node; /* good ones; the node's key is that of nodes */
  hf_node_input *in;          /* node_vk, a leaf, and a place for the liar */
} stage;

static stage *stage_make(void) {
  stage *s = calloc(1, sizeof *s);
  s->setup = world();
  s->leaf = leaf_of(&s->setup, 2, 11, 2);
  s->node = node_of(&s->setup, 50, 60);
  s->in = calloc(1, sizeof *s->in);
  hf_fold_child *first = leaf_of(&s->setup, 1, 10, 1);
  s->in->child[0] = *first;
  free(first);
  s->in->child[1] = *s->node;
  s->in->node_vk = s->node->vk.digest;
  s->in->lift = 2;
  return s;
}

static void stage_free(stage *s) {
  free(s->leaf);
  free(s->node);
  free(s->in);
  free(s);
}

static void instance_of(const stage *s, hf_fr words[HF_INSTANCE_COUNT]) {
  const hf_node_input *in = s->in;
  words[HF_INSTANCE_STATEMENT] = hf_statement_parent(entry_of(in->node_vk, &in->child[0]),
                                                     hf_statement_lift(entry_of(in->node_vk, &in->child[1]), in->lift));
  words[HF_INSTANCE_NODE_VK] = in->node_vk;
  fold_of(&s->setup, in->node_vk, in->child, 2, words + ACC);
}

static void node_accepted(stage *s, const char *what, lies *l) {
  hf_fr words[HF_INSTANCE_COUNT];
  instance_of(s, words);
  verdict(what, node_circuit(&s->setup, s->in, l), words, NULL, false);
}

static void node_refused(stage *s, const char *what, const char *why, bool alone) {
  verdict(what, node_circuit(&s->setup, s->in, NULL), NULL, why, alone);
}

static bool foldable(const stage *s, const hf_fold_child *c) {
  bool ok;
  return hf_foldable_check(&s->setup, s->in->node_vk, &c->vk, &c->proof, &ok) == HF_OK && ok;
}

Test(fold_forgery, folds_as_the_native_verifier) {
  stage *s = stage_make();
  static const unsigned sizes[] = {5, 18, 26};
  node_accepted(s, "leaf and node", NULL);
  for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    hf_fold_child *c = leaf_of(&s->setup, 3 + i, sizes[i], 70 + i);
    bool ok;
    OK(hf_verify(&c->vk, &c->proof, &ok));
    cr_assert(ok, "%s", hf_error_message());
    cr_expect(foldable(s, c), "%s", hf_error_message());
    s->in->child[1] = *c;
    node_accepted(s, "leaves of any size", NULL);
    free(c);
  }
  s->in->child[0] = s->in->child[1] = *s->node;
  node_accepted(s, "the same node twice", NULL);
  stage_free(s);
}

static const char *const kind = "a child's node_vk is the node's, or zero for a leaf";
static const char *const no_accumulator = "a leaf has no accumulator";

Test(fold_forgery, leaves_and_nodes_are_not_confused) {
  stage *s = stage_make();
  hf_fold_child *c = &s->in->child[1];
  hf_fr *word = c->proof.public_inputs;
  hf_g1 right = anywhere(9), left = times(right, tau());
  *c = *s->leaf;
  word[HF_INSTANCE_NODE_VK] = s->in->node_vk;
  set_accumulator(c, left, right);
  forge(c);
  node_refused(s, "a leaf poses as a node", kind, false);
  cr_expect_not(foldable(s, c));
  *c = *s->leaf;
  word[HF_INSTANCE_NODE_VK] = c->vk.digest;
  set_accumulator(c, left, right);
  forge(c);
  node_refused(s, "a node under another key", kind, false);
  cr_expect_not(foldable(s, c), "a node under another key counts as foldable");
  *c = *s->leaf;
  set_accumulator(c, left, right);
  forge(c);
  node_refused(s, "a leaf with an accumulator", no_accumulator, false);
  cr_expect_not(foldable(s, c));
  *c = *s->node;
  memset(word + HF_INSTANCE_NODE_VK, 0, (HF_INSTANCE_COUNT - 1) * sizeof *word);
  forge(c);
  node_refused(s, "a node poses as a leaf", kind, false);
  cr_expect_not(foldable(s, c));
  *c = *s->node;
  word[HF_INSTANCE_NODE_VK] = hf_fr_zero();
  forge(c);
  node_refused(s, "a node without node_vk", kind, true);
  cr_expect_not(foldable(s, c));
  stage_free(s);
}

/* The words of x + q where that is below 2^254. */
static bool words_plus_q(hf_fr w[2]) {
  hf_fr low = hf_fr_to_limbs(w[0]), high = hf_fr_to_limbs(w[1]);
  uint64_t x[4] = {low.l[0], low.l[1], high.l[0], high.l[1]};
  limbs_add(x, q_limbs);
  w[0] = integer(x[0], x[1]);
  w[1] = integer(x[2], x[3]);
  return x[3] >> 62 == 0;
}

Test(fold_forgery, accumulators) {
  stage *s = stage_make();
  hf_fold_child *c = &s->in->child[1];
  hf_fr *word = c->proof.public_inputs;
  hf_g1 right = anywhere(9), l, r;
  bool ok = true;
  /* a false one is folded in, and what the node hands on is false */
  set_accumulator(c, right, right);
  forge(c);
  node_accepted(s, "a false accumulator", NULL);
  hf_fr words[HF_ACCUMULATOR_WORDS];
  fold_of(&s->setup, s->in->node_vk, s->in->child, 2, words);
  OK(hf_accumulator_read(words, &l, &r));
  OK(hf_accumulator_decide(l, r, s->setup.tau_g2, &ok));
  cr_expect_not(ok, "a false accumulator was lost");
  cr_expect_not(foldable(s, c));
  for (unsigned at = 0; at < 4; at += 2) { /* x + q and y + q */
    hf_fr w[4];
    uint64_t seed = 100;
    do hf_g1_to_words(right = anywhere(seed++), w);
    while (!words_plus_q(w + at));
    *c = *s->node;
    set_accumulator(c, times(right, tau()), right);
    memcpy(word + ACC + 4, w, sizeof w);
    forge(c);
    node_refused(s, "a coordinate + q", "the accumulator is the child's or the stand-in", true);
    /* and with the point's own limbs so: slot 1, right side, x or y */
    lies told = {.count = 1, .lie = {{.name = "accumulator", .from = 24 + 2 * at, .count = 4}}};
    for (int i = 0; i < 4; i++)
      told.lie[0].value[i] = hf_fr_from_u64(hf_fr_to_limbs(w[at + (unsigned)i / 2]).l[i % 2]);
    verdict("limbs of a coordinate + q", node_circuit(&s->setup, s->in, &told), NULL, "coordinate below q, high part", true);
  }
  *c = *s->node;
  word[ACC] = hf_fr_add(word[ACC], hf_fr_one());
  forge(c);
  node_refused(s, "off the curve", "point on the curve: y^2 = x^3 + 3", true);
  *c = *s->node;
  memset(word + ACC, 0, HF_ACCUMULATOR_WORDS * sizeof *word);
  forge(c);
  node_refused(s, "infinity", "point on the curve: y^2 = x^3 + 3", true);
  stage_free(s);
}

Test(fold_forgery, keys_of_another_kind) {
  stage *s = stage_make();
  hf_fold_child *c = &s->in->child[1];
  for (int i = 0; i < 5; i++) {
    *c = *s->leaf;
    if (i == 0) c->vk.tau_g2 = hf_g2_mul(hf_g2_generator(), any(5));
    if (i == 1) c->vk.development = false;
    if (i == 2) c->vk.public_count = 11;
    if (i == 3) c->vk.log_n = HF_MAX_LOG_N + 1;
    if (i < 4) key_digest(&c->vk);
    if (i == 4) c->vk.log_n++; /* under the digest of another size */
    forge(c);
    node_refused(s, "a key that nodes do not know", "the constraints hold at zeta", i != 3);
  }
  stage_free(s);
}

/* A point whose x is p.x + (q - r): other modulo q, and the same modulo r. */
static bool neighbour(hf_g1 p, hf_g1 *out) {
  const hf_fq root = {{0x4f082305b61f3f52ull, 0x65e05aa45a1c72a3ull, 0x6e14116da0605617ull, 0x0c19139cb84c680aull}};
  hf_u64 borrow = 0;
  hf_fq d;
  for (int i = 0; i < 4; i++) d.l[i] = hf_sbb(q_limbs[i], r_limbs[i], &borrow);
  out->x = hf_fq_add(p.x, hf_fq_from_limbs(d));
  out->y = hf_fq_pow(hf_fq_add(hf_fq_mul(hf_fq_sqr(out->x), out->x), hf_fq_from_u64(3)), root);
  return hf_g1_on_curve(*out);
}

/* What hf_foldable_check says of points in special position is what the circuit says. */
Test(fold_forgery, points_that_meet) {
  static const char *const different = "the points of an addition differ in x";
  stage *s = stage_make();
  hf_fold_child *c = &s->in->child[1];
  hf_g1 *p = c->proof.commitments;
  for (int i = 0; i < 9; i++) {
    bool meet = true;
    *c = *s->leaf;
    switch (i) {
    case 0: p[1] = p[0]; break;
    case 1: p[1] = hf_g1_neg(p[0]); break;
    case 2: p[2] = plus(p[0], p[1]); break;
    case 3: p[5] = p[4]; break;
    case 4: p[5] = hf_g1_neg(p[4]); break;
    case 5:
      for (uint64_t seed = 300; !neighbour(p[0], &p[1]); seed++) p[0] = anywhere(seed);
      break;
    case 6: p[4] = p[0], meet = false; break;       /* in two sums */
    case 7: c->proof.w = p[0], meet = false; break; /* in two groups */
    case 8:
      p[3] = hf_msm_offset(), meet = false; /* the running sum starts here, but adds other points as well */
      break;
    }
    forge(c);
    bool ok = foldable(s, c);
    cr_expect_eq(ok, !meet, "case %d: %s", i, hf_error_message());
    if (meet)
      node_refused(s, "points that meet", different, i != 1 && i != 4);
    else
      node_accepted(s, "points that do not meet", NULL);
  }
  stage_free(s);
}

/* ---- lies in the witness ---- */

static void node_lie(stage *s, const lie *first, const lie *second, const char *why) {
  lies l = {.count = second ? 2 : 1};
  l.lie[0] = *first;
  if (second) l.lie[1] = *second;
  if (why)
    verdict(first->name, node_circuit(&s->setup, s->in, &l), NULL, why, false);
  else
    node_accepted(s, first->name, &l);
}

Test(fold_forgery, one_encoding_of_what_is_bound) {
  stage *s = stage_make();
  lie q = {.count = 4, .add = true};
  for (int i = 0; i < 4; i++) q.value[i] = hf_fr_from_u64(q_limbs[i]);
  /* coordinates + q: points of key and proof must be the reduced ones, inner numbers need not */
  q.name = "commitment", node_lie(s, &q, NULL, "low word of a coordinate");
  q.name = "fixed commitment", node_lie(s, &q, NULL, "low word of a coordinate");
  q.name = "W'", node_lie(s, &q, NULL, "low word of a coordinate");
  q.name = "y of a sum", node_lie(s, &q, NULL, NULL);
  q.name = "negated y", node_lie(s, &q, NULL, NULL);
  /* c + r for the first squeeze that is cut: the low part is that of c + r, the high one what is above it */
  hf_challenges ch;
  hf_challenges_derive(&s->in->child[0].vk, &s->in->child[0].proof, &ch);
  hf_fr both = hf_fr_zero(), offset = integer(UINT64_MAX, UINT64_MAX >> 2), half = hf_fr_inv(hf_fr_from_u64(2));
  for (int i = 2; i-- > 0;)
    both = hf_fr_add(hf_fr_mul(both, integer(0, 1ull << 62)), hf_fr_mul(half, hf_fr_add(ch.v[i], offset)));
  hf_fr sum = hf_fr_to_limbs(both);
  limbs_add(sum.l, r_limbs);
  lie high = {.name = "split high", .count = 1, .add = true, .value = {hf_fr_from_u64(sum.l[3] >> 60)}};
  sum.l[3] &= (1ull << 60) - 1;
  lie low = {.name = "split low", .count = 1, .value = {hf_fr_from_limbs(sum)}};
  node_lie(s, &low, &high, "canonical split: r - 1 - v, high part");
  lie bit = {.name = "split borrow", .count = 1, .add = true, .value = {hf_fr_one()}};
  node_lie(s, &bit, NULL, "canonical split: borrow is boolean");
  bit.name = "coordinate borrow";
  node_lie(s, &bit, NULL, "coordinate borrow is boolean");
  stage_free(s);
}

Test(fold_forgery, digits_and_flags) {
  stage *s = stage_make();
  lies counter = {.count = 1, .lie = {{.name = "digit address"}}};
  hf_circuit *c = node_circuit(&s->setup, s->in, &counter);
  hf_circuit_destroy(&c);
  /* the last digits are of the right sides: a group of three, whose table has eight sums */
  lie l = {.name = "digit address", .from = counter.lie[0].seen - 1, .count = 1, .add = true};
  l.value[0] = hf_fr_from_u64(8), node_lie(s, &l, NULL, "ROM read");
  l.value[0] = hf_fr_from_u64(32), node_lie(s, &l, NULL, "ROM read");
  /* a scalar's digits once more, 2 less here for 1 more there */
  l.from -= 9, l.count = 2, l.value[0] = hf_fr_neg(hf_fr_from_u64(2)), l.value[1] = hf_fr_one();
  node_lie(s, &l, NULL, "digits of a scalar");
  /* halves that make up the scalar, beyond 127 bits */
  hf_fr top = integer(0, 1ull << 63), lambda = hf_glv_lambda();
  lie halves = {.name = "half of a scalar", .count = 2, .add = true};
  halves.value[0] = top, halves.value[1] = hf_fr_neg(hf_fr_mul(top, hf_fr_inv(lambda)));
  node_lie(s, &halves, NULL, "digits of a scalar");
  halves.count = 1;
  node_lie(s, &halves, NULL, "halves of a scalar");
  lie one = {.count = 1, .add = true, .value = {hf_fr_one()}};
  one.name = "size flag", node_lie(s, &one, NULL, "one size");
  one.name = "is_equal inverse", node_lie(s, &one, NULL, "is_equal: (x - y) out = 0");
  one.from = 1, node_lie(s, &one, NULL, NULL); /* digest and node_vk are equal: their inverse plays no part */
  one.name = "lift flag", one.from = 3, node_lie(s, &one, NULL, "lift flags do not rise");
  stage_free(s);
}

/* ---- seals ---- */

static void seal_lie(const hf_fold_setup *setup, const hf_seal_input *in, const lie *first, uint64_t m,
                     const char *why) {
  lies l = {.count = m ? 2 : 1};
  l.lie[0] = *first;
  l.lie[1] = (lie){.name = "m", .count = 1, .value = {hf_fr_from_u64(m)}};
  verdict(first->name, seal_circuit(setup, in, &l), NULL, why, false);
}

Test(fold_forgery, seals) {
  static const char *const root_name = "the child states the root of the records";
  hf_fold_setup setup = world();
  hf_seal_input *in = calloc(1, sizeof *in);
  hf_fold_child *node = node_of(&setup, 50, 80);
  hf_fr words[HF_SEAL_COUNT], leaf[4] = {hf_fr_zero(), hf_fr_zero(), hf_fr_zero(), hf_fr_zero()};
  in->records = 3;
  in->level = 2;
  for (unsigned i = 0; i < in->records; i++) {
    hf_fr statement;
    for (int j = 0; j < HF_RECORD_WORDS; j++) hf_fr_to_bytes(any(5000 + 100 * i + (unsigned)j), in->record[i].word[j]);
    OK(hf_record_statement(&in->record[i], &statement));
    leaf[i] = hf_statement_leaf(any(5000 + 100 * i + HF_RECORD_VK_DIGEST), statement);
  }
  node->proof.public_inputs[HF_INSTANCE_STATEMENT] =
      hf_statement_parent(hf_statement_parent(leaf[0], leaf[1]), hf_statement_parent(leaf[2], leaf[3]));
  forge(node);
  in->child = *node;
  in->node_vk = node->vk.digest;
  OK(hf_records_root(in->record, in->records, &words[HF_SEAL_STATEMENT]));
  words[HF_SEAL_RECORDS] = hf_fr_from_u64(in->records);
  OK(hf_seal_fingerprint(words[HF_SEAL_STATEMENT], in->record, in->records, &words[HF_SEAL_X], &words[HF_SEAL_Y]));
  fold_of(&setup, in->node_vk, &in->child, 1, words + HF_SEAL_ACCUMULATOR);
  verdict("three records", seal_circuit(&setup, in, NULL), words, NULL, false);

  lie present = {.name = "record present", .from = 3, .count = 1, .value = {hf_fr_one()}};
  seal_lie(&setup, in, &present, 4, root_name);
  present.from = 5, seal_lie(&setup, in, &present, 4, "records stand without gaps");
  present.from = 2, present.value[0] = hf_fr_zero(), seal_lie(&setup, in, &present, 2, root_name);
  seal_lie(&setup, in, &present, 0, "m = records present");
  present.from = 0, seal_lie(&setup, in, &present, 2, "there is a record");
  lie word = {.name = "record word", .from = 2 * HF_RECORD_WORDS, .count = 1, .add = true, .value = {hf_fr_one()}};
  seal_lie(&setup, in, &word, 0, root_name);                             /* its key */
  word.from = 3 * HF_RECORD_WORDS, seal_lie(&setup, in, &word, 0, NULL); /* of a record that is not there */
  lie flag = {.name = "lift flag", .from = 4, .count = 1, .value = {hf_fr_one()}};
  seal_lie(&setup, in, &flag, 0, root_name);
  in->node_vk = any(4); /* the seal is for other nodes: this one passes for a leaf */
  verdict("another node key", seal_circuit(&setup, in, NULL), NULL, kind, false);
  free(node);
  free(in);
}
