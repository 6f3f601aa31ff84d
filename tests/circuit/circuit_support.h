/* Shared by the circuit tests: builders, a hook that lies, and assertions on what fails. */
#ifndef HF_TESTS_CIRCUIT_SUPPORT_H
#define HF_TESTS_CIRCUIT_SUPPORT_H
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "circuit/builder.h"
#include "circuit/check.h"

/* q, least limb first. */
static const uint64_t q_limbs[4] = {0x3c208c16d87cfd47ull, 0x97816a916871ca8dull, 0xb85045b68181585dull,
                                    0x30644e72e131a029ull};

static inline hf_fr fr(uint64_t x) { return hf_fr_from_u64(x); }

/* A reproducible field element. */
static inline hf_fr fr_random(uint64_t seed) {
  hf_digest d = hf_digest_bytes(&seed, sizeof seed);
  hf_fr out = {{0, 0, 0, 0}};
  d.b[31] &= 0x1f;
  cr_assert(hf_fr_from_bytes(d.b, &out));
  return out;
}

/* The hook: the `index`-th hint of this name gets `value` (or value + delta). */
typedef struct liar {
  const char *name;
  uint32_t index, seen;
  bool add;
  hf_fr value;
  bool fired;
} liar;

static inline void lie(void *context, uint32_t hint, const char *name, hf_fr *value) {
  liar *l = context;
  (void)hint;
  if (!l->name || strcmp(name, l->name) || l->seen++ != l->index) return;
  *value = l->add ? hf_fr_add(*value, l->value) : l->value;
  l->fired = true;
}

typedef void (*circuit_function)(hf_builder *b, const void *input);

/* `hook` sees every hint; NULL: nobody does. */
typedef void (*hint_hook)(void *context, uint32_t hint, const char *name, hf_fr *value);

static inline hf_circuit *build_with(unsigned width, circuit_function f, const void *input, hint_hook hook,
                                     void *context) {
  hf_builder_options options = {
      .table_width = width, .max_log_n = 18, .hint_hook = hook, .hint_context = context};
  hf_builder *b;
  hf_circuit *c = NULL;
  cr_assert_eq(hf_builder_create(&options, &b), HF_OK, "%s", hf_error_message());
  f(b, input);
  cr_assert_eq(hf_builder_finish(b, &c), HF_OK, "%s", hf_error_message());
  hf_builder_destroy(&b);
  return c;
}

static inline hf_circuit *build(unsigned width, circuit_function f, const void *input, liar *l) {
  return build_with(width, f, input, l ? lie : NULL, l);
}

static inline void assert_satisfied(unsigned width, circuit_function f, const void *input) {
  hf_circuit *c = build(width, f, input, NULL);
  cr_assert_eq(hf_circuit_check(c), HF_OK, "%s", hf_error_message());
  hf_circuit_destroy(&c);
}

/* Not satisfied, and one of the constraints that fail must be named `expected`. */
static inline void assert_fails_at(const hf_circuit *c, const char *expected) {
  enum { MOST = 128 };
  hf_failure *failures = calloc(MOST, sizeof *failures);
  size_t count;
  bool named = false;
  cr_assert_eq(hf_circuit_failures(c, failures, MOST, &count), HF_OK);
  cr_assert_gt(count, 0, "accepted, expected \"%s\"", expected);
  for (size_t i = 0; i < count; i++) named |= strstr(failures[i].name, expected) != NULL;
  cr_assert(named, "expected \"%s\", got: %s", expected, failures[0].message);
  cr_assert_eq(hf_circuit_check(c), HF_E_UNSATISFIED);
  cr_assert(strstr(hf_error_message(), failures[0].name), "%s", hf_error_message());
  free(failures);
}

static inline void assert_refused(unsigned width, circuit_function f, const void *input, liar *l,
                                  const char *expected) {
  hf_circuit *c = build(width, f, input, l);
  if (l) cr_assert(l->fired, "no hint \"%s\" number %u", l->name, l->index);
  assert_fails_at(c, expected);
  hf_circuit_destroy(&c);
}

#endif
