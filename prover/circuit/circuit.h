/* The circuit builder: how anybody writes a circuit that hyperfold can prove.
 *
 * A circuit is a C function that runs against a builder. It creates variables, calls
 * gates and gadgets, and names its public inputs. The builder lays out the rows and
 * computes every value on the way, so one run gives both the structure (fixed columns
 * and copy permutation, which make the key) and the witness (wire columns, which make
 * a proof). The structure must not depend on values: run the function on any input to
 * make the key, and on the real one to prove. hf_circuit_structure_digest tells
 * whether two runs agree.
 *
 *   hf_builder *b;  hf_builder_create(&options, &b);
 *   hf_var x = hf_hint(b, value, "x");            // a free witness
 *   hf_var y = hf_mul(b, x, x);
 *   hf_public_input(b, y);
 *   HF_TRY(hf_builder_finish(b, &circuit));       // checks, pads, permutation
 *
 * Errors inside gates (no memory, too many rows, a misuse) are remembered by the
 * builder; hf_builder_finish returns the first. Gates never fail because of values: a
 * witness that does not satisfy is found by hf_circuit_check, which says which
 * constraint failed, in which gadget, on which row, with the values.
 */
#ifndef HF_CIRCUIT_H
#define HF_CIRCUIT_H

#include <hyperfold/digest.h>
#include <hyperfold/status.h>
#include <hyperfold/threads.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "arith/columns.h"
#include "arith/fr.h"

typedef struct hf_builder hf_builder;
typedef struct hf_circuit_plan hf_circuit_plan; /* what of a finished circuit does not depend on values */

/* A variable: a value and the class of all cells that are copies of it. */
typedef struct hf_var {
  uint32_t id;
} hf_var;

typedef struct hf_builder_options {
  unsigned table_width; /* log2 of the range table, 1..17; needs n >= 2^width */
  unsigned min_log_n;   /* pad to at least 2^min_log_n rows; 0 = as needed */
  unsigned max_log_n;   /* more rows than 2^max_log_n are an error; 0 = 22 */
  bool foldable; /* public inputs are the ten words that a node circuit verifies: statement, node_vk and
                    eight accumulator words; the circuit calls hf_public_statement once */
  bool seal;     /* public inputs are the twelve words of a seal (verifier/layout.h) */
  /* Called for every hint, in order, with its number and name; may change the value. For tests that play a
   * dishonest prover; NULL otherwise. */
  void (*hint_hook)(void *context, uint32_t hint, const char *name, hf_fr *value);
  void *hint_context;
  /* Of a circuit that the same calls made with the same options: nothing is laid out again, the builder computes values
   * alone, and the circuit has this plan's structure. NULL: the circuit is laid out. Not together with a hook. */
  hf_circuit_plan *plan;
  hf_pool *pool; /* shares the work of hf_builder_parts and hf_builder_finish; NULL: the caller's thread alone */
} hf_builder_options;

/* The finished circuit with its witness. Columns are values on H, n = 2^log_n rows, in Montgomery form. One that follows
 * a plan has no fixed columns (NULL) until hf_circuit_complete: a proof needs none of them. */
typedef struct hf_circuit {
  unsigned log_n;
  unsigned table_width;
  bool foldable, seal;          /* as in the options */
  uint32_t public_count;        /* public input i stands in wire a of row i */
  uint32_t used_rows;           /* rows before padding */
  hf_fr *fixed[HF_FIXED_COUNT]; /* sigma columns hold k_w * omega^i */
  hf_fr *wires[HF_WIRES];       /* the last HF_BLIND_ROWS rows are zero here; the prover randomizes them */
  hf_fr *multiplicity;          /* of the range table */
  hf_fr *public_inputs;
  hf_circuit_plan *plan;          /* shared by all circuits that follow it */
  struct hf_circuit_notes *notes; /* the plan's: row -> gadget and constraint names, for messages and statistics */
  struct hf_constraint *disabled; /* see check.h */
  size_t disabled_count, disabled_capacity;
} hf_circuit;

/* PUBLIC ROW LAYOUT: public input i is wire a of row i (rows 0..public_count-1), with q1 = 1 and the
 * arithmetic selector on; PI(X) = -sum_i public_i L_i(X). The preamble that uses each gate once follows. */

hf_status hf_builder_create(const hf_builder_options *options, hf_builder **out);
void hf_builder_destroy(hf_builder **builder);
hf_status hf_builder_finish(hf_builder *builder, hf_circuit **out);
void hf_circuit_destroy(hf_circuit **circuit); /* wipes the witness */

/* Fills in the fixed columns where they are missing. */
hf_status hf_circuit_complete(hf_circuit *circuit, hf_pool *pool);

/* BLAKE2b over log_n, table width, public count and all fixed columns. Costs more than the circuit, and nothing once
 * its plan is shared. Without columns and plan's digest there is none: see hf_circuit_plan_share. */
hf_digest hf_circuit_structure_digest(const hf_circuit *circuit);

/* The plan of a circuit, for builders of more of its kind; released when the last owner (circuits are owners) lets go. It
 * may serve several threads once this returned for the first time, which takes the digest.
 * A circuit whose calls depend on values does not fit its plan: hf_builder_finish says so where the number of variables
 * differs, hf_circuit_check finds the constraint where only the wiring does. */
hf_circuit_plan *hf_circuit_plan_share(const hf_circuit *circuit);
void hf_circuit_plan_release(hf_circuit_plan **plan);

/* HF_OK if every constraint, copy, lookup and ROM rule holds; otherwise HF_E_UNSATISFIED with a message that
 * names the constraint, the gadget path, the row and the values. */
hf_status hf_circuit_check(const hf_circuit *circuit);

/* Rows by scope: one node for each scope path, parents before children, in the order of first use. */
typedef struct hf_scope_rows {
  const char *name; /* last part of the path; "" for the root */
  uint32_t parent;  /* index of the parent; the root is its own */
  uint32_t depth;   /* 0 for the root */
  uint32_t own;     /* rows laid directly in this scope */
  uint32_t total;   /* with all scopes below */
  uint32_t entered; /* how often the scope was entered */
} hf_scope_rows;

/* The tree, owned by the circuit; *count nodes. Public inputs and preamble are scopes of their own. */
const hf_scope_rows *hf_circuit_scopes(const hf_circuit *circuit, size_t *count);

#endif
