/* The corpus on a subject, before the native verifier and the oracle. Criterion tests call these. */
#ifndef HF_TEST_CORPUS_RUN_H
#define HF_TEST_CORPUS_RUN_H
#include "corpus.h"

/* All cases: every verdict is the one expected. Prints the counts. The oracle is asked where node and its
 * packages are there and `oracle` is true. */
void corpus_try_subject(const corpus_subject *subject, bool oracle);
/* The oracle accepts the recorded seals of these sizes; nothing where it is absent. */
void corpus_oracle_accepts(const char *folder, const uint32_t *sizes, unsigned count);

#endif
