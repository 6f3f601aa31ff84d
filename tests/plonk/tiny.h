/* A small circuit laid out by hand, without the builder: the proof system's own test subject. */
#ifndef HF_TEST_TINY_H
#define HF_TEST_TINY_H
#include "circuit/circuit.h"
#include "layout.h"

/* Rows of the plain circuit (two public inputs). With `foldable` every row from TINY_SQUARE on lies 8 lower, with
 * `seal` 10. */
enum tiny_row {
  TINY_PUBLIC = 0,  /* x; y, or the ten instance words (word 0 is x), or the twelve of a seal (word 1, m, is x) */
  TINY_SQUARE = 2,  /* a b - c = 0 with a = b = x */
  TINY_CUBE = 3,    /* c d + a + 5 - e' = 0 */
  TINY_RANGE = 4,   /* a..d in the table; e = y */
  TINY_MERKLE = 5,  /* a permutation of (x, x^2, x^3, y) ... */
  TINY_FULL = 6,    /* 3 rows */
  TINY_PARTIAL = 9, /* 11 rows */
  TINY_MIDDLE = 20,
  TINY_FULL_LATE = 21, /* 3 rows */
  TINY_STATE = 24,     /* ... and its result */
  TINY_POINT = 25,     /* ROM write of a curve point: (7; 3; P, 0, 0), read once */
  TINY_EDWARDS = 26,   /* (a,b) + P, P read from there */
  TINY_EDWARDS_SUM = 27,
  TINY_IDENTITY = 28, /* u v - 3 v = 0 of three rows: u; v; carries */
  TINY_WRITE = 31,    /* ROM write (9; 0; 13, 14, 11, 12), read twice */
  TINY_READ = 32,     /* 2 rows */
  TINY_PRODUCT = 34,  /* u v = (k) q + rest of five rows: u; v; k; rest; carries */
  TINY_SQUARED = 39,  /* v v = w of two rows, at once after the identity before */
  TINY_UPDATE = 41,   /* four children; the next row's: number 2 has grown by 5, as e has */
  TINY_DOUBLE = 43,   /* P, 2 P; the next row's: 4 P */
  TINY_END = 45,
  TINY_LOOSE = 46 /* coefficients where no selector is on */
};

#define TINY_TABLE_WIDTH 3

/* Lets constraint number `constraint` of the row `row` (of the Poseidon2 rows or of TINY_DOUBLE) be wrong and
 * goes on honestly from there. Numbers as in relation.h: merkle 0..3 the round, 4 the child, 5 its number;
 * full 0..3; partial 0..4; middle 0 the partial s-box, 1..4 the round; double 0, 1 the first and 2, 3 the
 * second. */
typedef struct tiny_lie {
  int row, constraint;
} tiny_lie;

typedef struct tiny_options {
  unsigned log_n;
  uint64_t x;
  bool foldable, seal;
  hf_fr instance[HF_SEAL_COUNT]; /* the other words of a foldable circuit or a seal: any */
  const tiny_lie *lie; /* NULL: honest */
} tiny_options;

/* 2^log_n rows, log_n >= 6. The options change the witness, not the structure (but for log_n, foldable and seal).
 */
hf_circuit *tiny_make(const tiny_options *options);
/* The honest plain circuit: public inputs x and y = x^3 + x + 5. */
hf_circuit *tiny_circuit(unsigned log_n, uint64_t x);
/* Where the plain circuit's row stands. */
size_t tiny_row_of(const hf_circuit *circuit, int row);
void tiny_destroy(hf_circuit *circuit);

/* How many constraints of gates the witness violates (copies, lookups and sums apart). *row and *constraint:
 * the last one, numbered as above or as in relation.h; arithmetic is 0, public inputs included. */
unsigned tiny_violations(const hf_circuit *circuit, size_t *row, int *constraint);

#endif
