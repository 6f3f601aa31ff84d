/* Looking at a finished circuit: which constraint fails, and what if a value or a constraint were different.
 * For the commands that explain a circuit and for tests that attack one.
 */
#ifndef HF_CIRCUIT_CHECK_H
#define HF_CIRCUIT_CHECK_H
#include "circuit/builder.h"

/* Kinds of constraint. `index` says which of a kind on one row. */
typedef enum hf_part {
  HF_PART_PUBLIC,     /* the row's wire a is the public input */
  HF_PART_ARITHMETIC, /* the equation of the row */
  HF_PART_UPDATE,     /* 0..4, as gate_update's outputs */
  HF_PART_DOUBLE,     /* 0..3, as gate_double's outputs */
  HF_PART_MERKLE,     /* index 0..5, as gate_merkle's outputs */
  HF_PART_FULL,       /* 0..3 */
  HF_PART_PARTIAL,    /* 0..4 */
  HF_PART_MIDDLE,     /* 0..4 */
  HF_PART_EDWARDS,    /* 0..1 */
  HF_PART_NONNATIVE,  /* the identity that starts on this row */
  HF_PART_RANGE,      /* the lookup of wire `index` */
  HF_PART_ROM,        /* the row's read or write */
  HF_PART_COPY,       /* wire `index` equals the next cell of its copy cycle */
  HF_PART_COUNT
} hf_part;

typedef struct hf_constraint {
  uint32_t row;
  uint8_t part, index;
} hf_constraint;

typedef struct hf_failure {
  hf_constraint constraint;
  const char *name;   /* of the constraint; lives as long as the circuit */
  char message[1000]; /* name, gadget path, row, values */
} hf_failure;

const char *hf_part_name(hf_part part);

/* All constraints of the circuit in row order, up to `capacity` written; returns how many there are. */
size_t hf_circuit_constraints(const hf_circuit *circuit, hf_constraint *out, size_t capacity);
/* Those that fail, up to `capacity`; *count = how many were written. HF_OK with *count = 0: satisfied. */
hf_status hf_circuit_failures(const hf_circuit *circuit, hf_failure *out, size_t capacity, size_t *count);
/* The constraints that the given rows touch: theirs, those of the rows before them, and the identities,
 * tables and copies they belong to. *ok is set false first. */
hf_status hf_circuit_check_rows(const hf_circuit *circuit, const uint32_t *rows, size_t count, bool *ok);

/* A constraint that is not looked at by the functions above. hf_circuit_enable_all undoes all. A disabled
 * HF_PART_COPY of a cell takes the cell out of its class for hf_circuit_set_class as well. */
hf_status hf_circuit_disable(hf_circuit *circuit, hf_constraint constraint);
void hf_circuit_enable_all(hf_circuit *circuit);

/* Writes `value` to the cell and all its copies; public inputs follow. rows (may be NULL) receives up to
 * `capacity` touched rows; returns how many cells there are. Multiplicities are brought up to date by
 * hf_circuit_recount. */
size_t hf_circuit_set_class(hf_circuit *circuit, uint32_t row, unsigned wire, hf_fr value, uint32_t *rows,
                            size_t capacity);
/* Recomputes the multiplicities of range table and ROM as a prover would. */
void hf_circuit_recount(hf_circuit *circuit);
/* "a/b/c" of the row's scope, and the name of its gate. */
void hf_circuit_where(const hf_circuit *circuit, uint32_t row, char path[128], const char **name);

#endif
