/* The prover with its source of randomness as an argument: production code passes hf_random_bytes (prove.c does);
 * only tests link another one. */
#ifndef HF_PROVE_INTERNAL_H
#define HF_PROVE_INTERNAL_H
#include "prove.h"

typedef hf_status (*hf_random_source)(void *context, void *out, size_t length);

hf_status hf_prove_with(hf_prover *prover, const hf_circuit *circuit, const hf_prove_options *options,
                        hf_random_source random, void *random_context, hf_proof *proof, hf_prove_report *report);

#endif
