/* Keys that no setup gave. A contract's key is part of its code, so it is never asked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "corpus.h"

static const char no_key[] = "a contract's key is its code";

enum {
  LOG_N_AT = 0,
  KAPPA_AT = 1,
  TRANSCRIPT_AT = 2,
  FLAGS_AT = 3,
  COUNT_AT = 4,
  TAU_AT = 8,
  FIXED_AT = TAU_AT + HF_G2_BYTES
};

static uint8_t *key_at(corpus_item *item, size_t offset) {
  corpus_freeze(item);
  return item->key_bytes.data + offset;
}
static unsigned packs(const corpus_subject *s) { return hf_packs(HF_FIXED_COUNT, s->vk.kappa); }

static void set_tau(corpus_item *item, hf_g2 tau) { hf_g2_to_bytes(tau, key_at(item, TAU_AT)); }
static void trivial_tau(corpus_item *item, unsigned i) {
  set_tau(item, i == 0 ? hf_g2_generator() : hf_g2_neg(hf_g2_generator()));
}
static void tau_infinity(corpus_item *item, unsigned i) {
  (void)i;
  memset(key_at(item, TAU_AT), 0, HF_G2_BYTES);
}
static void tau_off_curve(corpus_item *item, unsigned i) { key_at(item, TAU_AT + 32 * (size_t)i)[0] ^= 1; }
static void tau_plus_q(corpus_item *item, unsigned i) {
  corpus_add_modulus(key_at(item, TAU_AT + 32 * (size_t)i), true);
}
static unsigned four(const corpus_subject *s) { return (void)s, 4u; }
static unsigned two(const corpus_subject *s) { return (void)s, 2u; }

/* On the twist and outside the group: points that the oracle found. */
static void tau_outside(corpus_item *item, unsigned i) {
  FILE *vectors = fopen(HF_SOURCE_DIR "/tests/oracle/vectors/host.txt", "r");
  char line[4096], c[4][65], verdict[16];
  if (vectors == NULL) abort();
  while (fgets(line, sizeof line, vectors)) {
    uint8_t wide[32], *at = key_at(item, TAU_AT);
    if (sscanf(line, "g2_group %64s %64s %64s %64s %15s", c[0], c[1], c[2], c[3], verdict) != 5) continue;
    if (strcmp(verdict, "SUBGROUP") != 0 || i-- > 0) continue;
    for (int k = 0; k < 4; k++) {
      if (hf_unhex(c[k], wide, 32) != HF_OK) abort();
      for (int j = 0; j < 32; j++) at[32 * k + j] = wide[31 - j];
    }
    break;
  }
  fclose(vectors);
}
static unsigned three(const corpus_subject *s) { return (void)s, 3u; }

static void unmarked(corpus_item *item, unsigned i) {
  (void)i;
  *key_at(item, FLAGS_AT) &= (uint8_t)~2;
}

static void fixed_infinity(corpus_item *item, unsigned i) {
  memset(key_at(item, FIXED_AT + 64 * (size_t)i), 0, 64);
}
static void fixed_off_curve(corpus_item *item, unsigned i) {
  key_at(item, FIXED_AT + 64 * (size_t)i)[0] ^= 1;
}
static void fixed_plus_q(corpus_item *item, unsigned i) {
  corpus_add_modulus(key_at(item, FIXED_AT + 32 * (size_t)i), true);
}
static unsigned coordinates(const corpus_subject *s) { return 2 * packs(s); }
static void fixed_equal(corpus_item *item, unsigned i) {
  item->vk.fixed[i] = item->vk.fixed[(i + 1) % packs(item->subject)];
}
static void fixed_opposite(corpus_item *item, unsigned i) {
  item->vk.fixed[i] = hf_g1_neg(item->vk.fixed[(i + 1) % packs(item->subject)]);
}

static void rows(corpus_item *item, unsigned i) {
  static const uint8_t none[] = {0, 3, 27, 255};
  *key_at(item, LOG_N_AT) = none[i];
}
static void kappa(corpus_item *item, unsigned i) {
  static const uint8_t none[] = {0, 9, 64, 255};
  *key_at(item, KAPPA_AT) = none[i];
}
static void transcript(corpus_item *item, unsigned i) { *key_at(item, TRANSCRIPT_AT) = i ? 255 : 2; }
static void flags(corpus_item *item, unsigned i) {
  static const uint8_t none[] = {8, 128, 7, 6};
  *key_at(item, FLAGS_AT) = none[i];
  if (i == 3)
    *key_at(item, FLAGS_AT) =
        (uint8_t)(item->kind == CORPUS_SEAL ? 3 : 6); /* the other kind, with this count */
}
static void count(corpus_item *item, unsigned i) {
  static const uint8_t none[][4] = {{9}, {13}, {0, 4}, {0xff, 0xff, 0xff, 0xff}};
  memcpy(key_at(item, COUNT_AT), none[i], 4);
}

const corpus_case corpus_cases_keys[] = {
    {"key", "tau is 1 or -1", CORPUS_ALL, two, trivial_tau, CORPUS_KEY_TAU, no_key},
    {"key", "tau is infinity", CORPUS_ALL, NULL, tau_infinity, CORPUS_INFINITY_KEY, no_key},
    {"key", "tau off the curve", CORPUS_ALL, four, tau_off_curve, CORPUS_CURVE_KEY, no_key},
    {"key", "tau plus q", CORPUS_ALL, four, tau_plus_q, CORPUS_RANGE_KEY, no_key},
    {"key", "tau outside the group", CORPUS_ALL, three, tau_outside, CORPUS_SUBGROUP_KEY, no_key},
    {"key", "development setup, unmarked", CORPUS_ALL, NULL, unmarked, CORPUS_KEY_DEVELOPMENT, no_key},
    {"key", "infinity", CORPUS_ALL, packs, fixed_infinity, CORPUS_INFINITY_KEY, no_key},
    {"key", "off the curve", CORPUS_ALL, packs, fixed_off_curve, CORPUS_CURVE_KEY, no_key},
    {"key", "coordinate plus q", CORPUS_ALL, coordinates, fixed_plus_q, CORPUS_RANGE_KEY, no_key},
    {"key", "equal commitments", CORPUS_ALL, packs, fixed_equal, CORPUS_KEY_EQUAL, no_key},
    {"key", "opposite commitments", CORPUS_ALL, packs, fixed_opposite, CORPUS_KEY_EQUAL, no_key},
    {"key", "rows", CORPUS_ALL, four, rows, CORPUS_RANGE_KEY, no_key},
    {"key", "kappa", CORPUS_ALL, four, kappa, CORPUS_RANGE_KEY, no_key},
    {"key", "transcript", CORPUS_ALL, two, transcript, CORPUS_RANGE_KEY, no_key},
    {"key", "flags", CORPUS_ALL, four, flags, CORPUS_RANGE_KEY, no_key},
    {"key", "public inputs", CORPUS_ALL, four, count, CORPUS_RANGE_KEY, no_key},
    {0},
};
