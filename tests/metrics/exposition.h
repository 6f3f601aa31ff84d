/* The text format 0.0.4 read strictly, by another hand than the one that writes it: what tests compare metrics with. */
#ifndef HF_EXPOSITION_H
#define HF_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>

#define EXPOSITION_LABELS 6
#define EXPOSITION_TEXT   640

typedef struct exposition_sample {
  char name[128];
  unsigned labels;
  struct {
    char name[64], value[EXPOSITION_TEXT];
  } label[EXPOSITION_LABELS];
  double value;
} exposition_sample;

typedef struct exposition {
  exposition_sample *samples;
  size_t count;
  char error[160]; /* "" or the first thing that is against the format */
} exposition;

/* Lines, HELP before TYPE before samples, each family in one piece, escapes, numbers, no series twice, counters that are not
 * negative, and histograms whose buckets ascend and end in the count. *out is to be freed whatever is found; false: out->error. */
bool exposition_read(const char *text, exposition *out);
void exposition_free(exposition *e);

/* The sample with this name and exactly these labels (name, value, ... NULL); NULL: none. */
const exposition_sample *exposition_find(const exposition *e, const char *name, ...) __attribute__((sentinel));
/* The sum over all samples of this name that have the label (NULL: all). */
double exposition_sum(const exposition *e, const char *name, const char *label, const char *value);

#endif
