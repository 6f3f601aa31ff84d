#include "proof.h"

#include <hyperfold/container.h>
#include <string.h>

void hf_proof_write(const hf_proof *proof, hf_writer *w) {
  hf_pack_layout packs = hf_pack_layout_of(proof->kappa);
  hf_write_u32(w, proof->kappa);
  hf_write_fr(w, proof->vk_digest);
  hf_write_u32(w, proof->public_count);
  for (uint32_t i = 0; i < proof->public_count; i++) hf_write_fr(w, proof->public_inputs[i]);
  for (unsigned i = 0; i < packs.proof; i++) hf_write_g1(w, proof->commitments[i]);
  for (unsigned i = 0; i < HF_EVALS_ZETA; i++) hf_write_fr(w, proof->at_zeta[i]);
  for (unsigned i = 0; i < HF_EVALS_NEXT; i++) hf_write_fr(w, proof->at_next[i]);
  hf_write_g1(w, proof->w);
  hf_write_g1(w, proof->w_prime);
}

hf_status hf_proof_read(hf_reader *r, hf_proof *proof) {
  hf_status status = HF_OK;
  uint32_t kappa;
  memset(proof, 0, sizeof *proof);
  HF_TRY(hf_read_u32(r, "proof: kappa", &kappa));
  if (kappa < 1 || kappa > HF_KAPPA_MAX) return hf_fail(HF_E_RANGE, "proof: kappa %u is not in 1..8", kappa);
  proof->kappa = kappa;
  HF_TRY(hf_read_fr(r, "proof: key digest", &proof->vk_digest));
  HF_TRY(hf_read_u32(r, "proof: public count", &proof->public_count));
  if (proof->public_count > HF_MAX_PUBLIC)
    return hf_fail(HF_E_RANGE, "proof: %u public inputs, at most %d", proof->public_count, HF_MAX_PUBLIC);
  for (uint32_t i = 0; i < proof->public_count; i++)
    HF_TRY(hf_read_fr(r, "proof: public input", &proof->public_inputs[i]));
  hf_pack_layout packs = hf_pack_layout_of(kappa);
  for (unsigned i = 0; i < packs.proof; i++) HF_TRY(hf_read_g1(r, "proof: commitment", &proof->commitments[i]));
  for (unsigned i = 0; i < HF_EVALS_ZETA; i++) HF_TRY(hf_read_fr(r, "proof: evaluation at zeta", &proof->at_zeta[i]));
  for (unsigned i = 0; i < HF_EVALS_NEXT; i++)
    HF_TRY(hf_read_fr(r, "proof: evaluation at zeta*omega", &proof->at_next[i]));
  HF_TRY(hf_read_g1(r, "proof: W", &proof->w));
  HF_TRY(hf_read_g1(r, "proof: W'", &proof->w_prime));
out:
  return status;
}

static hf_status read_payload(const char *what, const uint8_t *data, size_t length, hf_proof *proof) {
  hf_reader r = hf_reader_over(data, length);
  hf_status status = hf_proof_read(&r, proof);
  if (status == HF_OK) status = hf_read_end(&r, "proof");
  return status == HF_OK ? status : hf_fail_context(status, "%s", what);
}

hf_status hf_proof_decode(const char *what, const void *data, size_t length, hf_proof *proof) {
  const uint8_t *payload;
  size_t payload_length;
  uint32_t version;
  hf_status status =
      hf_container_decode(what, data, length, HF_PROOF_KIND, HF_PROOF_VERSION, &payload, &payload_length, &version);
  return status == HF_OK ? read_payload(what, payload, payload_length, proof) : status;
}

hf_status hf_proof_load(const char *path, hf_proof *proof) {
  hf_container *container = NULL;
  hf_status status = hf_container_map(path, HF_PROOF_KIND, HF_PROOF_VERSION, &container);
  if (status != HF_OK) return status;
  hf_bytes payload = hf_container_payload(container);
  status = read_payload(path, payload.data, payload.length, proof);
  hf_container_unmap(&container);
  return status;
}

/* The payload in memory, for a proof that can have one: a proof that failed to be made is all zeros. */
static hf_status make_payload(const hf_proof *proof, hf_writer *w) {
  if (proof->kappa < 1 || proof->kappa > HF_KAPPA_MAX || proof->public_count > HF_MAX_PUBLIC)
    return hf_fail(HF_E_ARGUMENT, "not a proof: kappa %u, %u public inputs", proof->kappa, proof->public_count);
  hf_proof_write(proof, w);
  return hf_writer_status(w);
}

hf_status hf_proof_encode(const hf_proof *proof, hf_writer *w) {
  hf_writer payload = {0};
  hf_status status = make_payload(proof, &payload);
  hf_bytes part = {payload.data, payload.length};
  if (status == HF_OK) status = hf_container_encode(w, HF_PROOF_KIND, HF_PROOF_VERSION, &part, 1);
  hf_writer_free(&payload);
  return status;
}

hf_status hf_proof_save(const char *path, const hf_proof *proof) {
  hf_writer payload = {0};
  hf_status status = make_payload(proof, &payload);
  hf_bytes part = {payload.data, payload.length};
  if (status == HF_OK) status = hf_container_write(path, HF_PROOF_KIND, HF_PROOF_VERSION, &part, 1);
  hf_writer_free(&payload);
  return status;
}
