/* The circuits that this build can prove, by name. */
#ifndef HF_CATALOG_H
#define HF_CATALOG_H

#include <hyperfold/job.h>
#include "circuit/circuit.h"
#include "circuits/fold.h"
#include "keys.h"
#include "plan_cache.h"

#define HF_CATALOG_BATCH_SLOTS 64 /* of the batch circuit where a job does not say */

/* What circuits are built with. */
typedef struct hf_catalog_context {
  const hf_fold_setup *setup; /* what those that fold are built over; NULL: they are refused (HF_E_STATE) */
  const hf_fr *node_vk;       /* for the structure of a seal without an input: the digest of the node's key */
  hf_plan_cache *plans;       /* of circuits over this set-up; NULL: each circuit is laid out anew */
  hf_pool *pool;              /* NULL: the caller's thread alone */
} hf_catalog_context;

typedef struct hf_catalog_entry {
  const char *name;
  const char *summary;
  size_t input_limit;  /* bytes of an input at most */
  bool folds;          /* it is built over a set-up */
  unsigned min_log_n;  /* its circuits have at least 2^min_log_n rows, whatever the parameters */
  hf_key_options keys; /* of all its proofs */
  hf_status (*build)(const hf_catalog_context *context, const hf_parameter *parameters, size_t count,
                     const uint8_t *input, size_t length, hf_circuit **out);
  hf_status (*vet)(const hf_fold_setup *setup, hf_fr node_vk, const uint8_t *input,
                   size_t length); /* or NULL */
} hf_catalog_entry;

size_t hf_catalog_count(void);
const hf_catalog_entry *hf_catalog_at(size_t i);
hf_status hf_catalog_find(const char *name, const hf_catalog_entry **out); /* HF_E_NOT_FOUND */
/* The finished circuit with the witness of `input`; input NULL: the structure alone, for keys. `context` may
 * be NULL where the circuit does not fold. One whose plan was there has no fixed columns yet (hf_circuit_complete). */
hf_status hf_catalog_build(const hf_catalog_entry *entry, const hf_catalog_context *context,
                           const hf_parameter *parameters, size_t count, const uint8_t *input, size_t length,
                           hf_circuit **out);

/* For circuits that fold, whose pairings are deferred: an input may satisfy the constraints and still lead to
 * a proof that no verifier takes. HF_OK = each child is one that a node whose key has the digest `node_vk`
 * can verify, and node_vk is the input's. HF_E_MISMATCH, HF_E_REFUSED, and what the readers of inputs say.
 * HF_OK for circuits that do not fold. */
hf_status hf_catalog_vet(const hf_catalog_entry *entry, const hf_fold_setup *setup, hf_fr node_vk,
                         const uint8_t *input, size_t length);

/* Points that an SRS needs for every key of this entry's smallest circuits. */
size_t hf_catalog_points(const hf_catalog_entry *entry);

#define HF_FOLD_POWERS (1 + 2 * HF_NODE_CHILDREN) /* points of an SRS that hf_catalog_setup reads */
/* What of an SRS is part of the circuits that fold. HF_E_RANGE when it has too few points. */
hf_status hf_catalog_setup(const hf_srs *srs, hf_fold_setup *out);

#endif
