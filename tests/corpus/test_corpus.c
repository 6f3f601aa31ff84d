/* The corpus of attacks before our own verifier and one in JavaScript that shares no code with it. The
 * contracts take the same cases in evm.mjs, the circuits in test_corpus_circuit.c. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include "corpus_run.h"

static void try_kind(corpus_kind kind) {
  corpus_subject *subject = calloc(1, sizeof *subject);
  cr_assert(subject);
  cr_assert_eq(corpus_subject_make(kind, subject), HF_OK, "%s", hf_error_message());
  corpus_try_subject(subject, true);
  corpus_subject_free(subject);
  free(subject);
}

Test(corpus, leaf) { try_kind(CORPUS_LEAF); }
Test(corpus, node) { try_kind(CORPUS_NODE); }
Test(corpus, seal) { try_kind(CORPUS_SEAL); }
