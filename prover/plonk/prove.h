/* The prover: witness columns in, proof out (protocol: prover/PROTOCOL.md). */
#ifndef HF_PROVE_H
#define HF_PROVE_H

#include "backend.h"
#include "circuit/circuit.h"
#include "keys.h"
#include "proof.h"
#include "srs.h"

/* One key on one device: SRS points and fixed columns are loaded once, then any number of proofs are made. */
typedef struct hf_prover hf_prover;

typedef struct hf_prove_options {
  /* Called between phases with the phase about to start and the part of the work that is done, 0..1. Returns false
   * to cancel (HF_E_CANCELLED). May be NULL. */
  bool (*progress)(void *context, const char *phase, double done);
  void *context;
  /* On a device that runs behind: waits after every multi-scalar multiplication and transform, so that their seconds in the
   * report are their own. Without it those of such a device are 0. */
  bool time_operations;
} hf_prove_options;

#define HF_PROVE_PHASES 8

typedef struct hf_prove_report {
  unsigned phase_count;
  struct {
    const char *name;
    double seconds;
  } phases[HF_PROVE_PHASES];
  double seconds;     /* all phases */
  double msm_seconds; /* of these (see time_operations), in multi-scalar multiplications */
  double ntt_seconds; /* and in transforms */
  size_t msm_points, ntt_count;
} hf_prove_report;

/* About what a prover holds on the device between proofs: fixed columns (also on the cosets, where they are kept), points. */
size_t hf_prover_bytes(const hf_backend *backend, unsigned log_n, unsigned kappa);
/* And about what a proof takes at its largest, the prover included. `backend` NULL: on one that has no more than that. */
size_t hf_prove_bytes(const hf_backend *backend, unsigned log_n, unsigned kappa);
/* The key, the SRS and the backend must outlive the prover. HF_E_MEMORY with the figures if its proofs would not fit. */
hf_status hf_prover_create(hf_backend *backend, const hf_srs *srs, const hf_proving_key *key, hf_prover **out);
void hf_prover_destroy(hf_prover **prover);

/* Proves that `circuit`'s witness satisfies the key's circuit. Two proofs of one witness differ: the blinding comes
 * from the operating system, and HF_E_RANDOM ends the attempt if it fails.
 * HF_E_MISMATCH: the circuit has another shape than the key. HF_E_UNSATISFIED: a copy, lookup or non-native sum does
 * not close (other unsatisfied gates are found by hf_verify: verify every proof before it leaves, or call
 * hf_circuit_check for the constraint's name). `report` may be NULL. */
hf_status hf_prove(hf_prover *prover, const hf_circuit *circuit, const hf_prove_options *options, hf_proof *proof,
                   hf_prove_report *report);

#endif
