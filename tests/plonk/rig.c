#include "rig.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "host/keccak.h"

rig rig_of(hf_circuit *circuit, unsigned kappa, hf_transcript_kind transcript) {
  rig r = {.circuit = circuit};
  hf_key_options options = {kappa, transcript};
  size_t points = hf_srs_points_needed(circuit->log_n, kappa);
  cr_assert_eq(hf_backend_create("cpu", &(hf_backend_options){.threads = 1}, &r.backend), HF_OK, "%s",
               hf_error_message());
  cr_assert_eq(hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET, points, 1, &r.srs), HF_OK, "%s",
               hf_error_message());
  cr_assert_eq(hf_proving_key_derive(r.backend, r.srs, circuit, &options, &r.key), HF_OK, "%s",
               hf_error_message());
  cr_assert_eq(hf_prover_create(r.backend, r.srs, r.key, &r.prover), HF_OK, "%s", hf_error_message());
  return r;
}

rig rig_make(unsigned kappa, hf_transcript_kind transcript) {
  return rig_of(tiny_circuit(RIG_LOG_N, 12), kappa, transcript);
}

void rig_free(rig *r) {
  hf_prover_destroy(&r->prover);
  hf_proving_key_destroy(&r->key);
  tiny_destroy(r->circuit);
  r->circuit = NULL;
  hf_srs_destroy(&r->srs);
  hf_backend_destroy(&r->backend);
}

void rig_prove(rig *r, hf_proof *proof) {
  cr_assert_eq(hf_prove(r->prover, r->circuit, NULL, proof, NULL), HF_OK, "%s", hf_error_message());
}

bool rig_verify(const hf_verifying_key *vk, const hf_proof *proof) {
  bool ok = true;
  cr_assert_eq(hf_verify(vk, proof, &ok), HF_OK, "%s", hf_error_message());
  return ok;
}

bool rig_refuses(const hf_verifying_key *vk, const hf_proof *proof) {
  bool ok = true;
  hf_status status = hf_verify(vk, proof, &ok);
  cr_assert(status == HF_OK || !ok, "a status other than ok leaves no verdict");
  return !ok;
}

hf_status rig_random_source(void *context, void *out, size_t length) {
  rig_random *r = context;
  uint64_t input[2] = {r->seed, ++r->calls}, words[4];
  uint8_t hash[32];
  if (r->calls == r->fail_at) {
    memset(out, 0xa5, length); /* what a failed source leaves behind must not be used */
    return hf_fail(r->failure, "no randomness");
  }
  cr_assert_eq(length, sizeof hash);
  hf_keccak256(input, sizeof input, hash);
  if (r->calls == r->change_at) hash[0] ^= 1;
  memcpy(out, hash, sizeof hash);
  memcpy(words, hash, sizeof words);
  words[3] &= 0x3fffffffffffffffull;
  r->accepted += (uint64_t)hf_fr_is_reduced((hf_fr){{words[0], words[1], words[2], words[3]}});
  return HF_OK;
}

/* --- the prover that does not care --------------------------------------------------- */

static struct {
  hf_backend_ops ops;
  const hf_backend_ops *honest;
  rig_tamper tamper;
  void *context;
  int sum;
} cheat;

static hf_status tampered(hf_backend *backend, int sum, hf_vec *column, size_t n) {
  if (!cheat.tamper) return HF_OK;
  hf_fr *values = malloc(n * sizeof *values);
  hf_status status = cheat.honest->vec_download(backend, column, 0, values, n);
  if (status == HF_OK) {
    cheat.tamper(cheat.context, sum, values, n);
    status = cheat.honest->vec_upload(backend, column, 0, values, n);
  }
  free(values);
  return status;
}

static hf_status cheat_prefix_sum(hf_backend *backend, hf_vec *out, const hf_vec *term, size_t count,
                                  hf_fr *total) {
  hf_status status = cheat.honest->prefix_sum(backend, out, term, count, total);
  *total = hf_fr_zero();
  if (status != HF_OK) return status;
  return tampered(backend, HF_POLY_RANGE + cheat.sum++ % 3, out, count);
}

static hf_status cheat_grand_product(hf_backend *backend, hf_vec *z, const hf_vec *const *wires,
                                     const hf_vec *const *sigmas, size_t wire_count, unsigned log_n,
                                     hf_fr beta, hf_fr gamma, bool *closes) {
  hf_status status =
      cheat.honest->grand_product(backend, z, wires, sigmas, wire_count, log_n, beta, gamma, closes);
  *closes = true;
  return status == HF_OK ? tampered(backend, HF_POLY_Z, z, (size_t)1 << log_n) : status;
}

void rig_cheat(rig *r, rig_tamper tamper, void *context) {
  if (r->backend->ops != &cheat.ops) {
    cheat.honest = r->backend->ops;
    cheat.ops = *cheat.honest;
    cheat.ops.prefix_sum = cheat_prefix_sum;
    cheat.ops.grand_product = cheat_grand_product;
    r->backend->ops = &cheat.ops;
  }
  cheat.sum = 0;
  cheat.tamper = tamper;
  cheat.context = context;
}

/* --- development tau ------------------------------------------------------------------- */

hf_fr rig_tau(void) {
  uint8_t hash[32];
  hf_fr tau;
  hf_keccak256(HF_SRS_DEVELOPMENT_SECRET, strlen(HF_SRS_DEVELOPMENT_SECRET), hash);
  hash[0] &= 0x1f;
  cr_assert(hf_fr_from_bytes_be(hash, &tau));
  return tau;
}

/* L = F + y W' and R = W' with F free of W': W' = F / (tau - y). */
void rig_forge_opening(const hf_verifying_key *vk, hf_proof *proof) {
  bool ok;
  hf_g1 left, right;
  hf_challenges ch;
  hf_challenges_derive(vk, proof, &ch);
  cr_assert_eq(hf_verify_deferred(vk, proof, &ok, &left, &right), HF_OK);
  if (!ok) return; /* the identity refuses already */
  hf_g1_xyzz f = hf_g1_xyzz_add(hf_g1_to_xyzz(left), hf_g1_xyzz_neg(hf_g1_mul(right, ch.y)));
  proof->w_prime = hf_g1_from_xyzz(hf_g1_mul(hf_g1_from_xyzz(f), hf_fr_inv(hf_fr_sub(rig_tau(), ch.y))));
}
