/* The circuits that this build can prove, by name. */
#ifndef HF_CATALOG_H
#define HF_CATALOG_H

#include <hyperfold/job.h>
#include "circuit/circuit.h"

#define HF_CATALOG_BATCH_SLOTS 64 /* of the batch circuit where a job does not say */

typedef struct hf_catalog_entry {
  const char *name;
  const char *summary;
  size_t input_limit; /* bytes of an input at most */
  hf_status (*build)(const hf_parameter *parameters, size_t count, const uint8_t *input, size_t length,
                     hf_circuit **out);
} hf_catalog_entry;

size_t hf_catalog_count(void);
const hf_catalog_entry *hf_catalog_at(size_t i);
hf_status hf_catalog_find(const char *name, const hf_catalog_entry **out); /* HF_E_NOT_FOUND */
/* The finished circuit with the witness of `input`; input NULL: the structure alone, for keys. */
hf_status hf_catalog_build(const hf_catalog_entry *entry, const hf_parameter *parameters, size_t count,
                           const uint8_t *input, size_t length, hf_circuit **out);

#endif
