/* The batch circuit: one batch of a payment chain, as proto/include/hyperfold/rollup.h defines it.
 *
 * It proves that a record is true: from the old root, the operations in the slots (with the
 * signatures that they need) and the credit of the fees lead to the new root, and the record's counts,
 * totals, data commitment and outbox are theirs. Its only public input that varies is the statement,
 *   sponge(HF_DOMAIN_BATCH_STATEMENT, record words 1 .. 33).
 * Of the words' types it proves those that its own meaning rests on (chain id below 2^128, mode 0 or 1,
 * operator an account); whoever reads the record checks all of them (hf_record_check).
 */
#ifndef HF_CIRCUITS_BATCH_H
#define HF_CIRCUITS_BATCH_H
#include <hyperfold/rollup.h>
#include "circuit/builder.h"

/* The options that belong to these parameters: foldable, and the table width. They are part of the key:
 * a key and a proof are made with the same ones. */
hf_status hf_batch_options(const hf_rollup_params *params, hf_builder_options *out);

/* Lays the circuit out and computes its witness. `input` NULL stands for an empty tree and a batch of
 * no-ops: for keys. An input whose parameters are not `params` is HF_E_MISMATCH. An input that no true record
 * belongs to is found by hf_circuit_check. */
hf_status hf_batch_circuit(hf_builder *b, const hf_rollup_params *params, const hf_batch_input *input);

/* An empty tree and a batch of no-ops on chain 0; release with hf_batch_input_free. */
hf_status hf_batch_input_empty(const hf_rollup_params *params, hf_batch_input *out);

/* Rows by purpose. Slots are uniform: every operation fits any slot, so one slot's rows are the rows of
 * each operation. Shared rows (range rows that several values fill) count where they were opened. */
typedef struct hf_batch_rows {
  /* one slot */
  uint32_t paths;     /* four Merkle paths: two updates */
  uint32_t leaves;    /* four leaf hashes */
  uint32_t challenge; /* hash of the signature */
  uint32_t signature; /* the equation */
  uint32_t data;      /* public data: words, commitment, fingerprint */
  uint32_t rules;     /* everything else: kinds, balances, nonces, keys, ranges */
  uint32_t slot;      /* the sum: rows of a slot */
  /* the batch */
  uint32_t table;  /* multiples of the base point */
  uint32_t fees;   /* update of the operator's account */
  uint32_t record; /* counts, totals, outbox, statement */
  uint32_t used;   /* all rows, public inputs and preamble included */
  uint32_t log_n;
  uint32_t table_width;
} hf_batch_rows;

hf_status hf_batch_circuit_rows(const hf_rollup_params *params, hf_batch_rows *out);

/* What a slot will cost in addition when it can also receive a message from another chain
 * (README.md): an estimate in rows. */
#define HF_BATCH_RECEIVE_EXTRA_ROWS 190

#endif
