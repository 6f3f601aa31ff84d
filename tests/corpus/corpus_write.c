/* corpus_write FOLDER [RECORDED M]: writes the cases on small proofs (or on the seal of M batches in
 * RECORDED) into a folder, for verifiers that are not linked here. The form is in README.md. */
#include <stdio.h>
#include <stdlib.h>
#include "corpus.h"

static hf_status failed;

static void write_case(void *context, const char *name, corpus_item *item) {
  if (failed == HF_OK) failed = corpus_output_case(context, name, item);
}

static hf_status write_subject(corpus_output *out, corpus_subject *subject) {
  corpus_run(subject, write_case, out);
  corpus_subject_free(subject);
  return failed;
}

int main(int argc, char **argv) {
  static corpus_subject subject;
  hf_status status;
  corpus_output *out = NULL;
  if (argc != 2 && argc != 4) {
    fprintf(stderr, "usage: corpus_write FOLDER [RECORDED M]\n");
    return 2;
  }
  HF_TRY(corpus_output_open(argv[1], &out));
  if (argc == 4) {
    HF_TRY(corpus_subject_load(argv[2], (uint32_t)strtoul(argv[3], NULL, 10), &subject));
    HF_TRY(write_subject(out, &subject));
  }
  for (int kind = 0; argc == 2 && kind < CORPUS_KINDS; kind++) {
    HF_TRY(corpus_subject_make((corpus_kind)kind, &subject));
    HF_TRY(write_subject(out, &subject));
  }
  HF_TRY(corpus_output_close(&out));
out:
  (void)corpus_output_close(&out);
  if (status != HF_OK) fprintf(stderr, "corpus_write: %s\n", hf_error_message());
  return hf_exit_code(status);
}
