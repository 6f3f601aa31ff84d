/* The hashes of a batch record and its public data, computed natively
 * (hyperfold/rollup.h says what they are; the batch circuit computes the same). */
#ifndef HF_SEQUENCER_RECORD_H
#define HF_SEQUENCER_RECORD_H

#include <hyperfold/rollup.h>
#include "arith/fr.h"

/* D, x_d and y_d over `count` words of 32 little-endian bytes. HF_E_RANGE for a word that is not
 * canonical, HF_E_MEMORY. */
hf_status hf_data_commit(const uint8_t (*words)[32], size_t count, uint8_t d[32], uint8_t x[32],
                         uint8_t y[32]);

/* The root of the empty outbox of a batch. */
void hf_outbox_empty_root(const uint8_t chain_id[32], const uint8_t batch_number[32], uint8_t root[32]);

#endif
