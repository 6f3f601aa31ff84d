/* Reads the cases that tests/oracle prints: one a line, words separated by blanks. */
#ifndef HF_TESTS_HOST_VECTORS_H
#define HF_TESTS_HOST_VECTORS_H
#include <hyperfold/status.h>
#include <stddef.h>
#include <stdint.h>
#include "host/babyjub.h"
#include "host/g1.h"
#include "host/g2.h"

#define VECTOR_WORDS 64

typedef struct vector_case {
  char *name; /* the first word */
  char *word[VECTOR_WORDS];
  int words;
  int at; /* the next word to take */
  int line;
} vector_case;

/* Calls `each` for every case of `file` (a name in tests/oracle/vectors) whose name
 * starts with `prefix`, with `context`; returns how many there were. Fails the test
 * if the file cannot be read. */
int vectors_each(const char *file, const char *prefix, void (*each)(vector_case *, void *), void *context);

/* The next word of the case; a number must be canonical. */
const char *take_word(vector_case *c);
uint64_t take_count(vector_case *c);
hf_fr take_fr(vector_case *c);
hf_fq take_fq(vector_case *c);
hf_bjj take_jub(vector_case *c);
hf_g1 take_g1(vector_case *c);
hf_g2 take_g2(vector_case *c);
/* A 256-bit integer as limbs. */
void take_limbs(vector_case *c, uint64_t out[4]);
/* Hex of any length, "-" for none; *length is at most `capacity`. */
void take_bytes(vector_case *c, uint8_t *out, size_t capacity, size_t *length);
/* OK, RANGE, CURVE, ... */
hf_status take_status(vector_case *c);

#endif
