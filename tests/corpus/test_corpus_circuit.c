/* The corpus of attacks before the verifier inside node and seal: every case that a circuit can be given, and
 * cases that only circuits know: points that meet, and hints that lie. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "circuit.h"

typedef struct run {
  const corpus_subject *node; /* whose key is that of nodes */
  hf_fr node_vk;
  unsigned accepted, refused, none, wrong;
} run;

static void judge(run *r, const char *name, corpus_set said, corpus_class expected, const char *why) {
  char text[256] = "";
  if (said == CORPUS_BIT(CORPUS_ACCEPTED))
    r->accepted++;
  else
    r->refused++;
  bool right =
      expected == CORPUS_ACCEPTED ? said == CORPUS_BIT(CORPUS_ACCEPTED) : (said & CORPUS_BIT(expected)) != 0;
  if (right) return;
  r->wrong++;
  for (int c = 0; c < CORPUS_CLASS_COUNT; c++)
    if (said & CORPUS_BIT(c)) {
      size_t n = strlen(text);
      snprintf(text + n, sizeof text - n, " %s", corpus_class_text((corpus_class)c));
    }
  cr_expect(false, "%s: the circuit says%s (%s) for \"%s\"", name, text, why, corpus_class_text(expected));
}

static void try_case(void *context, const char *name, corpus_item *item) {
  run *r = context;
  char why[256] = "";
  corpus_circuit_verdict v = corpus_expect_circuit(item);
  if (v.reason != NULL) {
    r->none++;
    return;
  }
  corpus_set said = item->kind == CORPUS_SEAL ? corpus_ask_seal(item, r->node, NULL, 0, NULL, why)
                                              : corpus_ask_child(item, r->node_vk, NULL, why);
  judge(r, name, said, v.expected, why);
  if (item->kind == CORPUS_SEAL) return;
  /* whoever queues a fold asks natively: what it lets through the circuit must be able to prove, and nothing
   * else */
  corpus_class foldable = corpus_ask_foldable(item, r->node_vk, why);
  cr_expect_eq(foldable == CORPUS_ACCEPTED, said == CORPUS_BIT(CORPUS_ACCEPTED),
               "%s: foldable says \"%s\" (%s)", name, corpus_class_text(foldable), why);
}

/* Cases that only circuits know. */
static void try_special(run *r, const corpus_subject *subject, const corpus_circuit_case *c, unsigned i) {
  char name[128], why[256] = "";
  corpus_item *item = corpus_item_for(subject);
  corpus_liar liar = {.tell = c->tell, .item = item, .number = i}, *told = c->tell != NULL ? &liar : NULL;
  snprintf(name, sizeof name, "%s/%s#%u", c->group, c->name, i);
  if (c->recipe != NULL) c->recipe(item, i);
  if (c->recipe != NULL) {
    corpus_class native = corpus_native(item, why);
    cr_expect_eq(native, c->native, "%s: natively \"%s\" (%s)", name, corpus_class_text(native), why);
    corpus_class foldable = corpus_ask_foldable(item, r->node_vk, why);
    cr_expect_eq(foldable, c->foldable, "%s: foldable says \"%s\" (%s)", name, corpus_class_text(foldable),
                 why);
  }
  corpus_set said = item->kind == CORPUS_SEAL ? corpus_ask_seal(item, r->node, NULL, 0, told, why)
                                              : corpus_ask_child(item, r->node_vk, told, why);
  judge(r, name, said, c->otherwise != NULL ? c->otherwise(i, c->circuit) : c->circuit, why);
  corpus_item_release(item);
}

static void try_all_special(run *r, const corpus_subject *subject) {
  static const corpus_circuit_case *const parts[] = {corpus_cases_circuit, corpus_cases_hints,
                                                     corpus_cases_seal_hints};
  for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++)
    for (const corpus_circuit_case *c = parts[k]; c->name != NULL; c++)
      for (unsigned i = 0; i < c->count && c->on & CORPUS_ON(subject->kind); i++)
        try_special(r, subject, c, i);
}

static void try_fold(void *context, const char *name, corpus_set said, corpus_class expected,
                     const char *why) {
  judge(context, name, said, expected, why);
}

/* Of the many changed words every second, of nodes every fourth: native verifier and oracle see them all. */
static void try_some(void *context, const char *name, corpus_item *item) {
  const char *number = strchr(name, '#');
  int step = item->kind == CORPUS_NODE ? 4 : 2;
  if (strncmp(name, "words/", 6) == 0 && number != NULL && atoi(number + 1) % step != 0) return;
  try_case(context, name, item);
}

static void try_kind(corpus_kind kind) {
  corpus_subject *subject = calloc(2, sizeof *subject), *node = subject + 1;
  cr_assert(subject);
  cr_assert_eq(corpus_subject_make(kind, subject), HF_OK, "%s", hf_error_message());
  cr_assert_eq(corpus_subject_make(CORPUS_NODE, node), HF_OK, "%s", hf_error_message());
  run r = {.node = node, .node_vk = node->vk.digest};
  corpus_run(subject, try_some, &r);
  try_all_special(&r, subject);
  if (kind == CORPUS_LEAF) corpus_try_nodes(subject, node, try_fold, &r);
  if (kind == CORPUS_SEAL) corpus_try_seals(subject, node, try_fold, &r);
  fprintf(stderr, "corpus, %s in the circuit: %u accepted, %u refused, %u not asked, %u disagreements\n",
          corpus_kind_text[kind], r.accepted, r.refused, r.none, r.wrong);
  cr_expect_geq(r.accepted, 3);
  corpus_subject_free(subject);
  corpus_subject_free(node);
  free(subject);
}

Test(corpus_circuit, leaf) { try_kind(CORPUS_LEAF); }
Test(corpus_circuit, node) { try_kind(CORPUS_NODE); }
Test(corpus_circuit, seal) { try_kind(CORPUS_SEAL); }
