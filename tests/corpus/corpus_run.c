#include "corpus_run.h"
#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "recorded.h"

/* Verdicts of one verifier. */
typedef struct tally {
  unsigned accepted, refused, none, wrong;
} tally;

typedef struct run {
  const corpus_subject *subject;
  corpus_output *out; /* NULL: nothing is written */
  tally native, oracle, evm;
  unsigned count, classes[CORPUS_CLASS_COUNT];
  struct expected {
    char name[128];
    corpus_class c;
  } * expected;
} run;

static void count_verdict(tally *t, corpus_class said, corpus_class expected, const char *verifier,
                          const char *name, const char *why) {
  if (said == CORPUS_ACCEPTED)
    t->accepted++;
  else
    t->refused++;
  if (said == expected) return;
  t->wrong++;
  cr_expect(false, "%s: %s says \"%s\" (%s) for \"%s\"", name, verifier, corpus_class_text(said), why,
            corpus_class_text(expected));
}

static void try_natively(void *context, const char *name, corpus_item *item) {
  run *r = context;
  char why[256];
  count_verdict(&r->native, corpus_native(item, why), item->expected, "the native verifier", name, why);
  r->classes[item->expected]++;
  if (item->evm.error == NULL)
    r->evm.none++;
  else if (strcmp(item->evm.error, "ok") == 0)
    r->evm.accepted++;
  else
    r->evm.refused++;
  if (r->out != NULL) cr_assert_eq(corpus_output_case(r->out, name, item), HF_OK, "%s", hf_error_message());
  r->expected = realloc(r->expected, (r->count + 1) * sizeof *r->expected);
  cr_assert(r->expected);
  snprintf(r->expected[r->count].name, sizeof r->expected[0].name, "%s", name);
  r->expected[r->count++].c = item->expected;
}

static bool have_oracle(void) {
  return access(HF_SOURCE_DIR "/tests/oracle/node_modules/@noble/curves/package.json", R_OK) == 0 &&
         system("command -v node >/dev/null 2>&1") == 0;
}

static void try_oracle(run *r, const char *folder) {
  char command[512], line[512];
  snprintf(command, sizeof command, "node '%s/tests/oracle/corpus.mjs' '%s'", HF_SOURCE_DIR, folder);
  FILE *verdicts = popen(command, "r");
  cr_assert(verdicts);
  for (unsigned i = 0; i < r->count; i++) {
    cr_assert(fgets(line, sizeof line, verdicts), "case %u (%s): no verdict", i, r->expected[i].name);
    count_verdict(&r->oracle, corpus_class_of(line), r->expected[i].c, "the oracle", r->expected[i].name,
                  line);
  }
  cr_assert_eq(pclose(verdicts), 0);
}

static int drop(const char *path, const struct stat *info, int type, struct FTW *where) {
  (void)info, (void)type, (void)where;
  return remove(path);
}

static void print_tally(const char *verifier, const tally *t) {
  fprintf(stderr, "  %-8s %5u accepted, %5u refused, %5u not asked, %u disagreements\n", verifier,
          t->accepted, t->refused, t->none, t->wrong);
}

void corpus_try_subject(const corpus_subject *subject, bool oracle) {
  char folder[] = "/tmp/hf-corpus-XXXXXX";
  oracle = oracle && have_oracle();
  run r = {.subject = subject};
  cr_assert(mkdtemp(folder));
  if (oracle) cr_assert_eq(corpus_output_open(folder, &r.out), HF_OK, "%s", hf_error_message());
  corpus_run(subject, try_natively, &r);
  cr_assert_eq(corpus_output_close(&r.out), HF_OK);
  if (oracle)
    try_oracle(&r, folder);
  else
    r.oracle.none = r.count;
  fprintf(stderr, "corpus, %s %s: %u cases\n", subject->name, corpus_kind_text[subject->kind], r.count);
  print_tally("native", &r.native);
  print_tally("oracle", &r.oracle);
  print_tally("evm", &r.evm); /* as expected: tests/evm asks the contract */
  cr_expect_geq(r.native.accepted, 4);
  cr_expect_eq(r.classes[CORPUS_OTHER], 0);
  free(r.expected);
  nftw(folder, drop, 8, FTW_DEPTH | FTW_PHYS);
}

void corpus_oracle_accepts(const char *folder, const uint32_t *sizes, unsigned count) {
  char work[] = "/tmp/hf-corpus-XXXXXX", command[1024], line[512];
  if (!have_oracle()) return;
  cr_assert(mkdtemp(work));
  snprintf(command, sizeof command, "%s/list", work);
  FILE *list = fopen(command, "w");
  cr_assert(list);
  for (unsigned i = 0; i < count; i++) {
    hf_verifying_key vk;
    hf_sealed *sealed = calloc(1, sizeof *sealed);
    cr_assert(sealed);
    cr_assert_eq(recorded_load(folder, sizes[i], &vk, sealed), HF_OK, "%s", hf_error_message());
    snprintf(line, sizeof line, "%s/%u.sealed", work, sizes[i]);
    cr_assert_eq(hf_sealed_save(line, sealed), HF_OK, "%s", hf_error_message());
    fprintf(list, "%s/seal.vkey %s\n", folder, line);
    hf_sealed_free(sealed);
    free(sealed);
  }
  fclose(list);
  snprintf(command, sizeof command, "node '%s/tests/oracle/proof.mjs' < '%s/list'", HF_SOURCE_DIR, work);
  FILE *verdicts = popen(command, "r");
  cr_assert(verdicts);
  for (unsigned i = 0; i < count; i++) {
    cr_assert(fgets(line, sizeof line, verdicts), "no verdict");
    cr_expect_str_eq(line, "ok\n", "a seal of %u", sizes[i]);
  }
  cr_assert_eq(pclose(verdicts), 0);
  nftw(work, drop, 8, FTW_DEPTH | FTW_PHYS);
}
