#include "fold_instances.h"
#include <string.h>
#include "circuit/plonk_relation.h"

static hf_fr fr(uint64_t x) { return hf_fr_from_u64(x); }

static hf_g1 point_of(uint64_t k) { return hf_g1_from_xyzz(hf_g1_mul(hf_g1_generator(), fr(k))); }

/* Limbs in range and nothing else: not even a point of the curve where a lie says so. */
static hf_curve_point free_point(hf_builder *b, uint64_t k) {
  hf_g1 p = point_of(k);
  return (hf_curve_point){hf_limbs_hint_tight(b, p.x, "free x"), hf_limbs_hint(b, p.y, "free y")};
}

/* A variable that stands in a cell by itself, as what another gadget made would. */
static hf_var input(hf_builder *b, hf_fr value, const char *name) {
  hf_var v = hf_hint(b, value, name);
  hf_term t = {hf_fr_zero(), v};
  hf_assert_linear(b, "an input", &t, 1, hf_fr_zero());
  return v;
}

/* Coordinates of one limb, off the curve; the formulas do not mind. */
static hf_curve_point tiny_point(hf_builder *b, uint64_t x, uint64_t y) {
  return (hf_curve_point){hf_limbs_hint_tight(b, hf_fq_from_u64(x), "free x"),
                          hf_limbs_hint(b, hf_fq_from_u64(y), "free y")};
}

hf_status instance_tiny_point(hf_builder *b, const void *context) {
  (void)context;
  hf_var words[4];
  hf_curve_point_words(b, hf_curve_point_hint(b, hf_g1_generator(), "point"), words); /* (1, 2) */
  return hf_builder_status(b);
}

hf_status instance_tiny_sum(hf_builder *b, const void *context) {
  (void)context;
  /* slope 3, x = 6 */
  (void)hf_curve_add(b, tiny_point(b, 1, 1), tiny_point(b, 2, 4), false);
  return hf_builder_status(b);
}

hf_status instance_tiny_product(hf_builder *b, const void *context) {
  (void)context;
  hf_limbs x = hf_limbs_hint(b, hf_fq_from_u64(6), "free x"),
           y = hf_limbs_hint(b, hf_fq_from_u64(7), "free y");
  (void)hf_nonnative_mul(b, x, y);
  return hf_builder_status(b);
}

hf_status instance_tiny_table(hf_builder *b, const void *context) {
  (void)context;
  hf_signed_sums sums;
  hf_curve_point p = tiny_point(b, 1, 4);
  hf_signed_sums_create(b, &p, 1, &sums);
  return hf_builder_status(b);
}

/* Is the lower half of x below that of q, by far? */
static bool is_low(hf_fq x) { return hf_fq_to_limbs(x).l[1] < 0x9000000000000000u; }

hf_status instance_point(hf_builder *b, const void *context) {
  (void)context;
  hf_var words[4];
  uint64_t k = 99;
  while (!is_low(point_of(k).x) || !is_low(point_of(k).y)) k++;
  hf_curve_point p = hf_curve_point_hint(b, point_of(k), "point");
  hf_curve_point_words(b, p, words);
  for (int i = 0; i < 4; i++) (void)hf_mul(b, words[i], words[i]);
  return hf_builder_status(b);
}

hf_status instance_hinted(hf_builder *b, const void *context) {
  (void)context;
  hf_curve_point p = hf_curve_point_hint(b, point_of(3), "point");
  (void)hf_curve_add(b, p, hf_curve_point_hint(b, point_of(8), "point"), false);
  return hf_builder_status(b);
}

hf_status instance_curve(hf_builder *b, const void *context) {
  (void)context;
  hf_curve_point p = free_point(b, 3), q = free_point(b, 8);
  hf_curve_point sum = hf_curve_add(b, p, q, false), difference = hf_curve_add(b, p, q, true);
  hf_curve_point twice = hf_curve_double(b, sum);
  (void)hf_curve_add(b, twice, hf_curve_endomorphism(b, difference), false);
  return hf_builder_status(b);
}

hf_status instance_chain(hf_builder *b, const void *context) {
  (void)context;
  hf_curve_point p[2] = {free_point(b, 70), free_point(b, 900)}, start = free_point(b, 5),
                 q = free_point(b, 31);
  hf_signed_sums sums;
  hf_chain chain;
  static const uint64_t addresses[6] = {3, 1, 2, 0, 3, 1};
  hf_var a[6];
  for (int i = 0; i < 6; i++) a[i] = input(b, fr(addresses[i]), "address");
  hf_signed_sums_create(b, p, 2, &sums);
  hf_chain_begin(b, &chain, start, hf_signed_sums_read(b, &sums, a[0]));
  hf_chain_double_add(b, &chain, &sums, a[1]);
  hf_chain_double_add(b, &chain, &sums, a[2]);
  hf_chain_add_read(b, &chain, &sums, a[3]);
  hf_chain_add(b, &chain, q);
  (void)hf_chain_end(b, &chain);
  hf_chain_double_add(b, &chain, &sums, a[4]);
  (void)hf_chain_end(b, &chain);
  return hf_builder_status(b);
}

hf_status instance_sum(hf_builder *b, const void *context) {
  (void)context;
  hf_msm_term terms[6];
  static const uint64_t halves[6] = {3, 1, 6, 5, 2, 4};
  for (unsigned i = 0; i < 6; i++)
    terms[i] = (hf_msm_term){free_point(b, 1000 + 17 * i), input(b, fr(halves[i]), "half"), 3};
  (void)hf_curve_double(b, hf_msm(b, "sum", terms, 6));
  return hf_builder_status(b);
}

hf_status instance_full(hf_builder *b, const void *context) {
  (void)context;
  hf_msm_term terms[2];
  hf_msm_full(b, free_point(b, 12), input(b, hf_fr_inv(fr(97)), "scalar"), terms);
  (void)hf_msm(b, "sum", terms, 2);
  return hf_builder_status(b);
}

hf_status instance_transcript(hf_builder *b, const void *context) {
  (void)context;
  hf_transcript_gadget t;
  hf_short pair[2];
  hf_var w[5];
  for (uint64_t i = 0; i < 5; i++) w[i] = input(b, fr(1000 + i), "word");
  hf_transcript_gadget_init(b, &t, 8);
  hf_transcript_gadget_absorb(b, &t, 1, w, 1);
  (void)hf_transcript_gadget_squeeze(b, &t);
  hf_transcript_gadget_absorb(b, &t, 2, w + 1, 4);
  hf_transcript_gadget_squeeze_short(b, &t, pair);
  for (int i = 0; i < 2; i++) (void)hf_mul(b, pair[i].half, pair[i].value);
  return hf_builder_status(b);
}

hf_status instance_relation(hf_builder *b, const void *context) {
  (void)context;
  hf_relation_values v;
  hf_relation_scalars s;
  hf_var *all[] = {v.w, v.wn, v.f};
  unsigned counts[] = {HF_WIRES, HF_WIRES, HF_FIXED_COUNT};
  uint64_t seed = 100;
  for (int i = 0; i < 3; i++)
    for (unsigned k = 0; k < counts[i]; k++) all[i][k] = input(b, hf_fr_inv(fr(seed++)), "evaluation");
  hf_var *rest[] = {&v.m, &v.z,  &v.zn, &v.range, &v.rangen, &v.rom,    &v.romn, &v.rho, &v.rhon,
                    &v.x, &v.l1, &v.pi, &s.beta,  &s.gamma,  &s.lambda, &s.eta,  &s.chi, &s.alpha};
  for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
    *rest[i] = input(b, hf_fr_inv(fr(seed++)), "evaluation");
  hf_var out = hf_relation_gadget(b, &v, &s);
  (void)hf_mul(b, out, out);
  return hf_builder_status(b);
}

/* Slot 1 of powers 1, 2, 3.. */
void instance_stand_in(hf_g1 *left, hf_g1 *right) {
  *left = point_of(5);
  *right = point_of(4);
}

static hf_status entry(hf_builder *b, bool node) {
  hf_fold_setup setup = {.development = true};
  hf_verified_child child;
  hf_pair_gadget pair;
  hf_fr acc[8];
  hf_var is_node;
  memset(&child, 0, sizeof child);
  for (uint64_t i = 0; i < 5; i++) setup.powers[i] = point_of(i + 1);
  for (int i = 0; i < 2; i++) hf_g1_to_words(point_of(50 + (uint64_t)i), acc + 4 * i);
  hf_var node_vk = input(b, fr(4711), "node_vk");
  child.digest = input(b, fr(node ? 4711 : 17), "digest");
  for (int i = 0; i < HF_INSTANCE_COUNT; i++)
    child.instance[i] = input(b,
                              i == 0   ? fr(9)
                              : !node  ? fr(0)
                              : i == 1 ? fr(4711)
                                       : acc[i - 2],
                              "instance word");
  hf_var statement = hf_child_entry(b, &child, node_vk, &is_node);
  hf_child_accumulator(b, &setup, 1, &child, is_node, &pair);
  hf_var lifted = hf_lift_gadget(b, statement, 2, 3);
  (void)hf_mul(b, lifted, lifted);
  return hf_builder_status(b);
}

hf_status instance_leaf(hf_builder *b, const void *context) {
  (void)context;
  return entry(b, false);
}

hf_status instance_node(hf_builder *b, const void *context) {
  (void)context;
  return entry(b, true);
}
