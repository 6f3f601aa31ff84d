/* The EVM side of the verifier: the Solidity verifier of a seal key, and what its contracts take and say as
 * bytes. IHyperfold.sol is the contracts' surface; this header is its C side. Links the verifier, nothing
 * that proves. */
#ifndef HF_EVM_H
#define HF_EVM_H

#include <hyperfold/bytes.h>
#include <hyperfold/rollup.h>
#include <hyperfold/status.h>
#include "proof.h"
#include "statement.h"
#include "verifying_key.h"

#define HF_EVM_KAPPA       8
#define HF_EVM_PROOF_WORDS 59
#define HF_EVM_INPUT_WORDS HF_SEAL_COUNT
#define HF_EVM_UNIT_GWEI   1 /* amount 1 in a record is this many gwei on L1 */

/* Appends a Solidity file: a contract HyperfoldVerifier that verifies proofs of this key. HF_E_ARGUMENT for a
 * key that is not a finished seal key (kappa 8, Keccak transcript, twelve public inputs). */
hf_status hf_evm_verifier_source(const hf_verifying_key *vk, hf_writer *w);

/* Append big-endian words: the twelve public inputs; the 59 of the proof. HF_E_ARGUMENT: not the proof of a
 * seal. */
hf_status hf_evm_input_words(const hf_proof *proof, hf_writer *w);
hf_status hf_evm_proof_words(const hf_proof *proof, hf_writer *w);
/* Calldata of IHyperfoldVerifier.verify. */
hf_status hf_evm_verify_calldata(const hf_proof *proof, hf_writer *w);

/* Who made a deposit on L1, as the event Deposited says. */
typedef struct hf_evm_address {
  uint8_t byte[20];
} hf_evm_address;

/* Appends the rows of one record in `data` of settle: the posted words of a batch, 3 a slot, little-endian as
 * hf_data_encode gives them, zeros for what is not posted. owners: of the deposits in these words, applied or
 * refused, in their order. HF_E_FORMAT for words that are no slot's, HF_E_RANGE when owner_count is not the
 * number of deposits. */
hf_status hf_evm_data_encode(const uint8_t (*words)[32], size_t slots, const hf_evm_address *owners,
                             size_t owner_count, hf_writer *w);

/* The rows of one record, made by hf_evm_data_encode. */
typedef struct hf_evm_data {
  const uint8_t *data;
  size_t length;
} hf_evm_data;

/* Calldata of IHyperfoldSettlement.settle: m records and their rows, and the proof of their seal.
 * HF_E_RANGE for m outside 1 .. 64, a word that is not canonical, an import; HF_E_ARGUMENT: not the proof of
 * a seal. */
hf_status hf_evm_settle_calldata(uint64_t verifier_id, const hf_batch_record *records,
                                 const hf_evm_data *data, uint32_t m, const hf_proof *proof, hf_writer *w);

/* The low 128 bits of keccak256(abi.encode(l1 chain id, contract, index)) as a little-endian word. */
void hf_evm_chain_id(uint64_t l1_chain_id, const hf_evm_address *contract, uint64_t index, uint8_t word[32]);

/* What the data of a revert says: "WrongBatchNumber(0, 4, 4)" for an error of IHyperfold.sol, Error(string)
 * and Panic(uint256) as text. false (and text = "0x" and the first bytes) for anything else. */
bool hf_evm_revert_text(const void *data, size_t length, char *text, size_t size);

/* Selectors: the first four bytes of keccak256 of a signature such as "claim(address)", and the topic of an
 * event. */
uint32_t hf_evm_selector(const char *signature);
void hf_evm_topic(const char *signature, uint8_t topic[32]);

#endif
