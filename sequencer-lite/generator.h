/* Load: deposits and signed transactions as real use makes them, from a seed.
 *
 * Many accounts, few of which do most of the sending and others most of the receiving (Zipf); amounts over
 * many orders of magnitude; some withdrawals; some transactions that must be refused, each with exactly one
 * defect, so that the reason is known beforehand. The same options give the same lines on every machine
 * (integers only). The lines must be submitted in order, the deposits first, to one fresh
 * chain; then every verdict is the expected one. Account 0, the first deposit, is the operator's: it never
 * sends. */
#ifndef HYPERFOLD_GENERATOR_H
#define HYPERFOLD_GENERATOR_H

#include "transaction.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hf_generator_options {
  uint64_t seed;
  hf_chain_id chain_id;
  uint32_t accounts;           /* 3 to 1,000,000; default 100 */
  uint32_t transactions;       /* lines, refused ones included */
  uint32_t invalid_per_mille;  /* of the lines: 0 .. 1000 */
  uint32_t withdraw_per_mille; /* of the valid ones */
  uint32_t bad_deposits;       /* deposits that cannot be applied, among the others */
  uint32_t skew;               /* the account of rank k is chosen with weight 1 / k^skew; 0, 1 or 2 */
} hf_generator_options;

typedef struct hf_generator_tally {
  uint64_t deposits, refused_deposits; /* the first counts both */
  uint64_t transactions;
  uint64_t withdrawals;           /* accepted ones */
  uint64_t expected[HF_REFUSALS]; /* transactions by verdict; [HF_REFUSAL_NONE] are accepted */
} hf_generator_tally;

/* Lines are without line ends. What a sink returns other than HF_OK ends the run with that status. */
typedef struct hf_generator_sink {
  hf_status (*deposit)(void *context, const char *line);
  hf_status (*transaction)(void *context, const char *line, hf_refusal expected);
  void *context;
} hf_generator_sink;

/* HF_E_RANGE for options outside their limits, HF_E_MEMORY. `tally` may be NULL. */
hf_status hf_generator_run(const hf_generator_options *options, const hf_generator_sink *sink,
                           hf_generator_tally *tally);

/* The same into two files, written atomically. HF_E_IO, HF_E_FULL, HF_E_NOT_FOUND. */
hf_status hf_generator_write(const hf_generator_options *options, const char *deposits_path,
                             const char *transactions_path, hf_generator_tally *tally);

/* The seed of account `index`'s key. */
void hf_generator_key_seed(uint64_t seed, hf_chain_id chain_id, uint32_t index, uint8_t out[32]);

#ifdef __cplusplus
}
#endif
#endif
