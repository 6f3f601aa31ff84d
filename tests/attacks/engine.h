/* Plays dishonest provers against the batch circuit: any variable of the builder, hint or computed, can be
 * given another value at the moment it is made, and everything after it is computed from the lie.
 *
 * An instance is one batch; an attempt is one run with lies. The lying sequencer is clever: when a lie
 * changes leaves, challenge or record, follow() adapts paths, roots, signature and claims, so that what still
 * fails is what really stands in the way. */
#ifndef HF_TESTS_ATTACKS_ENGINE_H
#define HF_TESTS_ATTACKS_ENGINE_H
#include "circuit/builder_internal.h"
#include "circuit/check.h"
#include "circuits/batch.h"
#include "reference.h"
#include "rng.h"

#define MAX_LIES     2048
#define MAX_FAILURES 12

typedef struct lie {
  uint32_t var;
  hf_fr value;
} lie;

typedef struct lies {
  uint32_t count;
  lie list[MAX_LIES];
  bool constant; /* the constant `honest` is another value */
  hf_fr honest, lied;
} lies;

/* A hint by its place: the n-th hint of the run. */
typedef struct hint_note {
  uint32_t var;
  const char *name;
} hint_note;

typedef struct instance {
  const char *name;
  ref_world world; /* before the batch */
  ref_op op;
  hf_batch_input input; /* honest */
  hf_fr signer;         /* secret of the key that signs: the scalar a, 1 for unsigned slots */
  hf_fr nonce;          /* k with R = k B */
  /* of the honest run */
  hf_circuit *circuit;
  uint32_t rows, vars;
  uint32_t (*cell)[HF_WIRES]; /* [used rows]: variable of a cell or HF_NO_VAR */
  uint32_t *first_row;        /* [vars]: the row of a variable's first cell or UINT32_MAX */
  hf_fr *value;               /* [vars] */
  hint_note *hints;
  uint32_t hint_count;
  uint32_t claim[HF_RECORD_WORDS]; /* hint variables of the claimed words */
  uint32_t old_root;               /* hint variable */
  uint32_t challenge;              /* h */
  hf_fr statement;
} instance;

typedef struct attempt {
  hf_status status;
  hf_circuit *circuit; /* owned */
  hf_fr *value;        /* [vars] of this run */
  uint32_t vars;
  hf_failure failures[MAX_FAILURES];
  size_t failure_count;
  bool statement_kept;
} attempt;

enum {
  INSTANCE_TRANSFER,
  INSTANCE_WITHDRAW,
  INSTANCE_DEPOSIT,
  INSTANCE_OPEN,
  INSTANCE_REFUSED,
  INSTANCE_NOOP,
  INSTANCES
};

void instance_init(instance *in, int which, uint8_t salt);
void instance_free(instance *in);
/* Runs with the lies; `input` NULL = the honest one. */
void attempt_run(const instance *in, const hf_batch_input *input, const lies *told, attempt *out);
/* The same, and then up to four times again with everything adapted that the sequencer may choose. */
void attempt_follow(const instance *in, const lies *told, attempt *out);
void attempt_free(attempt *a);

/* The signature gadget alone, its inputs free: a batch hashes R into h, which leaves nothing to adapt to a
 * lie. */
typedef struct signature_case {
  hf_fr a[2], r[2], s, h;
  uint32_t var_a[2], var_r[2], var_s, var_h; /* hint variables, known after the first run */
} signature_case;
/* The honest run, in `in`: circuit, cells, hints, values. Free with instance_free. */
void signature_init(signature_case *c, instance *in);
/* Runs with the lies; R follows the sum when `follow`. */
void signature_run(const signature_case *c, const lies *told, bool follow, attempt *out);

/* An instance from any world, operation and honest input; instance_init makes the usual ones. */
void instance_make(instance *in, const char *name, const ref_world *world, const ref_op *op, bool honest);

/* The variable on a cell of the honest layout. */
uint32_t var_at(const instance *in, uint32_t row, unsigned wire);
void lie_add(lies *told, uint32_t var, hf_fr value);

#endif
