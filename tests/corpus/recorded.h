/* Seals that were proven for real and are kept: a key, and for each number of records a proof ("PROF") and a
 * text of the records.
 *
 *   records M slots S          then for each record:
 *   record I                   all words are those of the record before (zero before the first) but for
 *   W VALUE                    word W, hexadecimal, big-endian, without leading zeros; and of the posted
 * words data K VALUE               number K, which are zero otherwise
 */
#ifndef HF_TEST_RECORDED_H
#define HF_TEST_RECORDED_H
#include "sealed.h"

#define RECORDED_FOLDER HF_SOURCE_DIR "/tests/corpus/recorded"

/* FOLDER/seal.vkey, FOLDER/seal-M.proof, FOLDER/seal-M.records. HF_E_FORMAT for a text that is none. */
hf_status recorded_load(const char *folder, uint32_t m, hf_verifying_key *vk, hf_sealed *out);
hf_status recorded_save(const char *folder, const hf_verifying_key *vk, const hf_sealed *sealed);

#endif
