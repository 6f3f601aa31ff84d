/* What the verifier in a circuit is made of, against the native one: the transcript and the constraints at
 * zeta. */
#include "circuit_support.h"
#include "arith/relation_fr.h"
#include "circuit/builder_internal.h"
#include "circuit/plonk_relation.h"
#include "circuit/transcript.h"
#include "host/domains.h"
#include "host/transcript.h"

#define WIDTH HF_NONNATIVE_WIDTH

/* ---- transcript ---- */

/* A script: absorb `words` words under a tag, or (tag 0) squeeze, or (tag 0, words 2) squeeze short. */
typedef struct step {
  uint32_t tag, words;
} step;

typedef struct script {
  const step *steps;
  unsigned count;
  hf_fr out[64];
  unsigned outputs;
  uint32_t rows;
} script;

static void transcript_circuit(hf_builder *b, const void *input) {
  script *s = (script *)(uintptr_t)input;
  hf_transcript_gadget t;
  uint64_t seed = 0;
  s->outputs = 0;
  hf_transcript_gadget_init(b, &t, HF_DOMAIN_TRANSCRIPT);
  for (unsigned i = 0; i < s->count; i++) {
    hf_var words[32];
    if (s->steps[i].tag) {
      for (uint32_t j = 0; j < s->steps[i].words; j++) words[j] = hf_hint(b, fr_random(seed++), "word");
      hf_transcript_gadget_absorb(b, &t, s->steps[i].tag, words, s->steps[i].words);
    } else if (s->steps[i].words == 2) {
      hf_short pair[2];
      hf_transcript_gadget_squeeze_short(b, &t, pair);
      for (int j = 0; j < 2; j++) s->out[s->outputs++] = hf_value(b, pair[j].value);
    } else {
      s->out[s->outputs++] = hf_value(b, hf_transcript_gadget_squeeze(b, &t));
    }
  }
  s->rows = hf_builder_rows(b);
}

static unsigned replay(const script *s, hf_fr *out) {
  hf_transcript t;
  uint64_t seed = 0;
  unsigned n = 0;
  hf_transcript_init(&t, HF_TRANSCRIPT_POSEIDON2, HF_DOMAIN_TRANSCRIPT);
  for (unsigned i = 0; i < s->count; i++) {
    hf_fr words[32];
    if (s->steps[i].tag) {
      for (uint32_t j = 0; j < s->steps[i].words; j++) words[j] = fr_random(seed++);
      hf_transcript_absorb_fr(&t, s->steps[i].tag, words, s->steps[i].words);
    } else if (s->steps[i].words == 2) {
      hf_transcript_squeeze_short(&t, out + n);
      n += 2;
    } else {
      hf_transcript_squeeze(&t, out + n++);
    }
  }
  return n;
}

Test(verifier_gadgets, transcripts_agree) {
  static const step plain[] = {{1, 1}, {0, 1}, {2, 10}, {0, 1}, {0, 1}, {3, 8}, {0, 2}, {0, 2}, {0, 1}};
  static const step edges[] = {{0, 1}, {5, 0}, {0, 1}, {5, 2}, {0, 2},  {6, 3},
                               {7, 0}, {7, 5}, {0, 1}, {0, 2}, {8, 32}, {0, 1}};
  const step *scripts[] = {plain, edges};
  unsigned lengths[] = {sizeof plain / sizeof *plain, sizeof edges / sizeof *edges};
  for (unsigned i = 0; i < 2; i++) {
    script s = {.steps = scripts[i], .count = lengths[i]};
    hf_fr expected[64];
    hf_circuit *c = build(WIDTH, transcript_circuit, &s, NULL);
    cr_assert_eq(hf_circuit_check(c), HF_OK, "%s", hf_error_message());
    cr_assert_eq(replay(&s, expected), s.outputs);
    for (unsigned k = 0; k < s.outputs; k++)
      cr_assert(hf_fr_eq(expected[k], s.out[k]), "script %u, challenge %u", i, k);
    hf_circuit_destroy(&c);
  }
  /* one permutation for a short script: header and two words, 20 rows; and the split of a squeeze */
  static const step three[] = {{1, 2}, {0, 1}}, pair[] = {{1, 2}, {0, 2}};
  script s = {.steps = three, .count = 2}, t = {.steps = pair, .count = 2};
  hf_circuit *c = build(WIDTH, transcript_circuit, &s, NULL), *d = build(WIDTH, transcript_circuit, &t, NULL);
  fprintf(stderr, "rows: %u for the preamble and one squeeze, %u more for two short challenges\n", s.rows,
          t.rows - s.rows);
  cr_assert_leq(t.rows - s.rows, 30);
  hf_circuit_destroy(&c);
  hf_circuit_destroy(&d);
}

/* Splits that are not the canonical one. */
typedef struct split_liar {
  hf_fr value[16];
  const char *name[16];
  unsigned nth[16], count, seen[16];
} split_liar;

static void split_lie(void *context, uint32_t hint, const char *name, hf_fr *value) {
  split_liar *l = context;
  (void)hint;
  for (unsigned i = 0; i < l->count; i++)
    if (!strcmp(name, l->name[i]) && l->seen[i]++ == l->nth[i]) *value = hf_fr_add(*value, l->value[i]);
}

static void split_refused(const split_liar *lies, const char *expected) {
  static const step steps[] = {{1, 2}, {0, 2}};
  script s = {.steps = steps, .count = 2};
  split_liar l = *lies;
  hf_circuit *c = build_with(WIDTH, transcript_circuit, &s, split_lie, &l);
  assert_fails_at(c, expected);
  hf_circuit_destroy(&c);
}

Test(verifier_gadgets, a_squeeze_has_one_split) {
  /* low + 2^252 high = c: one less above, 2^252 more below; the two halves likewise; c + r */
  hf_fr one = fr(1), minus = hf_fr_neg(one), two_126 = hf_fr_pow_u64(fr(2), 126),
        two_252 = hf_fr_pow_u64(fr(2), 252);
  split_liar parts = {.name = {"split low", "split high"}, .value = {two_252, minus}, .count = 2};
  split_refused(&parts, "canonical split: low");
  parts =
      (split_liar){.name = {"split low", "split high"}, .nth = {1, 1}, .value = {two_126, minus}, .count = 2};
  split_refused(&parts, "split: low");
  parts = (split_liar){
      .name = {"split low", "split high"}, .nth = {1, 1}, .value = {hf_fr_neg(two_126), one}, .count = 2};
  split_refused(&parts, "split: low");
  /* c + r = low' + 2^252 high': r = r_low + 2^252 3, both sums below the bounds of their parts in this script
   */
  hf_fr r_low = hf_fr_neg(hf_fr_mul(fr(3), two_252));
  parts = (split_liar){.name = {"split low", "split high"}, .value = {r_low, fr(3)}, .count = 2};
  split_refused(&parts, "canonical split");
  parts = (split_liar){
      .name = {"split low", "split high"}, .value = {hf_fr_sub(r_low, two_252), fr(4)}, .count = 2};
  split_refused(&parts, "canonical split");
}

/* ---- constraints at zeta ---- */

typedef struct relation_input {
  uint64_t number;
  bool sparse; /* selectors and constants zero */
  hf_fr out, expected;
  uint32_t rows;
} relation_input;

typedef struct relation_pair {
  hf_builder *b;
  uint64_t seed;
  bool sparse;
} relation_pair;

static hf_var draw(relation_pair *p, hf_fr *native, bool fixed) {
  *native = p->sparse && fixed ? hf_fr_zero() : fr_random(p->seed++);
  return hf_hint(p->b, *native, "evaluation");
}

static void relation_circuit(hf_builder *b, const void *input) {
  relation_input *in = (relation_input *)(uintptr_t)input;
  relation_pair p = {b, 1000 * in->number, in->sparse};
  hf_relation_values v;
  hf_relation_scalars s;
  hf_rel_row row;
  hf_rel_challenges ch;
  for (int i = 0; i < HF_WIRES; i++) {
    v.w[i] = draw(&p, &row.w[i], false);
    v.wn[i] = draw(&p, &row.wn[i], false);
  }
  for (int i = 0; i < HF_FIXED_COUNT; i++) v.f[i] = draw(&p, &row.f[i], true);
  v.m = draw(&p, &row.m, false);
  v.z = draw(&p, &row.z, false), v.zn = draw(&p, &row.zn, false);
  v.range = draw(&p, &row.range, false), v.rangen = draw(&p, &row.rangen, false);
  v.rom = draw(&p, &row.rom, false), v.romn = draw(&p, &row.romn, false);
  v.rho = draw(&p, &row.rho, false), v.rhon = draw(&p, &row.rhon, false);
  v.x = draw(&p, &row.x, false), v.l1 = draw(&p, &row.l1, false), v.pi = draw(&p, &row.pi, false);
  s.beta = draw(&p, &ch.beta, false), s.gamma = draw(&p, &ch.gamma, false),
  s.lambda = draw(&p, &ch.lambda, false);
  s.eta = draw(&p, &ch.eta, false), s.chi = draw(&p, &ch.chi, false), s.alpha = draw(&p, &ch.alpha, false);
  uint32_t start = hf_builder_rows(b);
  hf_var out = hf_relation_gadget(b, &v, &s);
  hf_builder_flush(b);
  in->rows = hf_builder_rows(b) - start;
  in->out = hf_value(b, out);
  hf_rel_derive(&ch);
  in->expected = hf_rel_combine(&row, &ch);
  hf_public_input(b, out);
}

Test(verifier_gadgets, constraints_at_zeta_agree) {
  hf_digest digest;
  for (uint64_t i = 0; i < 40; i++) {
    relation_input in = {.number = i, .sparse = i % 5 == 4};
    hf_circuit *c = build(4, relation_circuit, &in, NULL);
    cr_assert_eq(hf_circuit_check(c), HF_OK, "%s", hf_error_message());
    cr_assert(hf_fr_eq(in.out, in.expected), "row %llu", (unsigned long long)i);
    hf_digest d = hf_circuit_structure_digest(c);
    if (i == 0) {
      digest = d;
      fprintf(stderr, "rows: constraints at zeta %u\n", in.rows);
      cr_assert_leq(in.rows, 800);
    }
    cr_assert(hf_digest_eq(&d, &digest));
    hf_circuit_destroy(&c);
  }
}
