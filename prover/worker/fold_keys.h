/* The two keys of folding: they follow from the SRS alone. */
#ifndef HF_FOLD_KEYS_H
#define HF_FOLD_KEYS_H

#include "catalog.h"
#include "key_cache.h"

/* The verifying keys of node and seal, from the cache or derived; `seal` may be NULL. `srs` is that of the
 * cache. HF_E_RANGE: it has too few points. */
hf_status hf_fold_keys(hf_key_cache *keys, const hf_srs *srs, hf_verifying_key *node, hf_verifying_key *seal);

#endif
