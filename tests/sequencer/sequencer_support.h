/* What the sequencer's tests share: folders, generated load, and a checker of batch
 * inputs written from rollup.h's text without the sequencer's code. */
#ifndef SEQUENCER_SUPPORT_H
#define SEQUENCER_SUPPORT_H

#include "record.h"
#include "sequencer.h"
#include "tree.h"

/* A fresh folder under TMPDIR; the caller frees the name. Removed by folder_remove with all that is in it. */
char *folder_make(void);
void folder_remove(char *folder);
/* folder/name, to be freed. */
char *folder_file(const char *folder, const char *name);

/* A generated load in memory. */
typedef struct load {
  hf_generator_options options;
  hf_generator_tally tally;
  hf_writer deposits, transactions; /* lines with line ends */
  hf_refusal *expected;             /* by line */
  size_t count, capacity;
} load;

hf_status load_make(const hf_generator_options *options, load *out);
void load_free(load *l);
hf_eddsa_key load_key(const load *l, uint32_t index);

/* Answers compared with a load's expectations. */
typedef struct expectation {
  const load *load;
  size_t answered, wrong;
} expectation;
hf_status expect_answer(void *context, const hf_answer *answer);

/* Checks one batch input against every rule of rollup.h: each path, each balance, each signature, the record
 * with its roots, counts, totals and data commitment. Returns NULL, or what is wrong (static). `old_root` is
 * where the last batch ended; NULL: the empty tree. */
const char *check_batch_input(const hf_batch_input *input, const uint8_t old_root[32]);

/* The root of a tree of 2^depth leaves given as all its accounts in order, the rest empty; computed level by
 * level. */
hf_fr naive_root(uint32_t depth, const hf_account *accounts, uint32_t count);

#endif
