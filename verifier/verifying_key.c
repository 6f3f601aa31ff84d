#include "verifying_key.h"

#include <hyperfold/container.h>
#include <string.h>
#include "development.h"
#include "host/domains.h"
#include "host/poseidon.h"
#include "proof.h"

static unsigned append_fq(hf_fr *words, hf_fq x) {
  hf_g1 p = {x, hf_fq_zero()};
  hf_fr w[4];
  hf_g1_to_words(p, w);
  words[0] = w[0];
  words[1] = w[1];
  return 2;
}

static hf_fr vk_digest(const hf_verifying_key *vk) {
  hf_fr words[7 + 8 + 4 * HF_FIXED_COUNT];
  unsigned n = 0, packs = hf_packs(HF_FIXED_COUNT, vk->kappa);
  words[n++] = hf_fr_from_u64(HF_VKEY_VERSION);
  words[n++] = hf_fr_from_u64((uint64_t)vk->transcript);
  words[n++] = hf_fr_from_u64(vk->kappa);
  words[n++] = hf_fr_from_u64(vk->foldable + 2 * vk->seal);
  words[n++] = hf_fr_from_u64(vk->development);
  words[n++] = hf_fr_from_u64(vk->public_count);
  n += append_fq(words + n, vk->tau_g2.x.c0);
  n += append_fq(words + n, vk->tau_g2.x.c1);
  n += append_fq(words + n, vk->tau_g2.y.c0);
  n += append_fq(words + n, vk->tau_g2.y.c1);
  words[n++] = hf_fr_from_u64(vk->log_n);
  for (unsigned i = 0; i < packs; i++) {
    hf_g1_to_words(vk->fixed[i], words + n);
    n += 4;
  }
  return hf_sponge(HF_DOMAIN_VK, words, n);
}

hf_status hf_verifying_key_finish(hf_verifying_key *vk) {
  if (vk->kappa < 1 || vk->kappa > HF_KAPPA_MAX) return hf_fail(HF_E_RANGE, "key: kappa %u is not in 1..8", vk->kappa);
  if (vk->log_n < HF_MIN_LOG_N || vk->log_n > HF_MAX_LOG_N)
    return hf_fail(HF_E_RANGE, "key: 2^%u rows are not supported", vk->log_n);
  if (vk->transcript != HF_TRANSCRIPT_POSEIDON2 && vk->transcript != HF_TRANSCRIPT_KECCAK)
    return hf_fail(HF_E_RANGE, "key: unknown transcript %d", (int)vk->transcript);
  if (vk->public_count > HF_MAX_PUBLIC || vk->public_count + 2 * HF_BLIND_ROWS > (1u << vk->log_n))
    return hf_fail(HF_E_RANGE, "key: %u public inputs do not fit", vk->public_count);
  if (vk->foldable && vk->public_count != HF_INSTANCE_COUNT)
    return hf_fail(HF_E_RANGE, "key: a foldable circuit has %d public inputs, not %u", HF_INSTANCE_COUNT,
                   vk->public_count);
  if (vk->seal && (vk->foldable || vk->public_count != HF_SEAL_COUNT))
    return hf_fail(HF_E_RANGE, "key: a seal has %d public inputs, not %u, and is not foldable", HF_SEAL_COUNT,
                   vk->public_count);
  if (hf_g2_is_infinity(vk->tau_g2)) return hf_fail(HF_E_INFINITY, "key: [tau]_2 is infinity");
  if (!hf_g2_on_curve(vk->tau_g2)) return hf_fail(HF_E_CURVE, "key: [tau]_2 is not on the curve");
  if (!hf_g2_in_subgroup(vk->tau_g2)) return hf_fail(HF_E_SUBGROUP, "key: [tau]_2 is not in the group");
  if (hf_g2_eq(vk->tau_g2, hf_g2_generator()) || hf_g2_eq(vk->tau_g2, hf_g2_neg(hf_g2_generator())))
    return hf_fail(HF_E_REFUSED, "key: tau is 1 or -1");
  if (!vk->development && hf_development_setup(vk->tau_g2))
    return hf_fail(HF_E_REFUSED, "key: made from the development setup, but not marked so");
  unsigned packs = hf_packs(HF_FIXED_COUNT, vk->kappa);
  for (unsigned i = 0; i < packs; i++) {
    if (hf_g1_is_infinity(vk->fixed[i])) return hf_fail(HF_E_INFINITY, "key: fixed commitment %u is infinity", i);
    if (!hf_g1_on_curve(vk->fixed[i])) return hf_fail(HF_E_CURVE, "key: fixed commitment %u is off the curve", i);
    for (unsigned j = 0; j < i; j++)
      if (hf_fq_eq(vk->fixed[i].x, vk->fixed[j].x))
        return hf_fail(HF_E_REFUSED, "key: fixed commitments %u and %u are equal or opposite", j, i);
  }
  for (unsigned i = packs; i < HF_FIXED_COUNT; i++) vk->fixed[i] = hf_g1_infinity();
  vk->digest = vk_digest(vk);
  return HF_OK;
}

static void write_fq(hf_writer *w, hf_fq x) {
  uint8_t bytes[32];
  hf_fq_to_bytes(x, bytes);
  hf_write_bytes(w, bytes, sizeof bytes);
}

void hf_write_fr(hf_writer *w, hf_fr value) {
  uint8_t bytes[32];
  hf_fr_to_bytes(value, bytes);
  hf_write_bytes(w, bytes, sizeof bytes);
}

void hf_write_g1(hf_writer *w, hf_g1 point) {
  write_fq(w, point.x);
  write_fq(w, point.y);
}

hf_status hf_read_fr(hf_reader *r, const char *field, hf_fr *out) {
  const uint8_t *view;
  hf_status status = hf_read_view(r, field, 32, &view);
  if (status != HF_OK) return status;
  if (!hf_fr_from_bytes(view, out)) return hf_fail(HF_E_RANGE, "%s at offset %zu is not below r", field, r->offset - 32);
  return HF_OK;
}

hf_status hf_read_g1(hf_reader *r, const char *field, hf_g1 *out) {
  const uint8_t *view;
  hf_g1 p;
  hf_status status = hf_read_view(r, field, 64, &view);
  if (status != HF_OK) return status;
  if (!hf_fq_from_bytes(view, &p.x) || !hf_fq_from_bytes(view + 32, &p.y))
    return hf_fail(HF_E_RANGE, "%s at offset %zu: a coordinate is not below q", field, r->offset - 64);
  if (hf_g1_is_infinity(p)) return hf_fail(HF_E_INFINITY, "%s at offset %zu is infinity", field, r->offset - 64);
  if (!hf_g1_on_curve(p)) return hf_fail(HF_E_CURVE, "%s at offset %zu is not on the curve", field, r->offset - 64);
  *out = p;
  return HF_OK;
}

void hf_verifying_key_write(const hf_verifying_key *vk, hf_writer *w) {
  uint8_t g2[HF_G2_BYTES];
  hf_write_u8(w, (uint8_t)vk->log_n);
  hf_write_u8(w, (uint8_t)vk->kappa);
  hf_write_u8(w, (uint8_t)vk->transcript);
  hf_write_u8(w, (uint8_t)(vk->foldable | vk->development << 1 | vk->seal << 2));
  hf_write_u32(w, vk->public_count);
  hf_g2_to_bytes(vk->tau_g2, g2);
  hf_write_bytes(w, g2, sizeof g2);
  for (unsigned i = 0; i < hf_packs(HF_FIXED_COUNT, vk->kappa); i++) hf_write_g1(w, vk->fixed[i]);
}

hf_status hf_verifying_key_read(hf_reader *r, hf_verifying_key *vk) {
  hf_status status = HF_OK;
  uint8_t log_n, kappa, transcript, flags, g2[HF_G2_BYTES];
  memset(vk, 0, sizeof *vk);
  HF_TRY(hf_read_u8(r, "key: log n", &log_n));
  HF_TRY(hf_read_u8(r, "key: kappa", &kappa));
  HF_TRY(hf_read_u8(r, "key: transcript", &transcript));
  HF_TRY(hf_read_u8(r, "key: flags", &flags));
  HF_TRY(hf_read_u32(r, "key: public count", &vk->public_count));
  if (kappa < 1 || kappa > HF_KAPPA_MAX) return hf_fail(HF_E_RANGE, "key: kappa %u is not in 1..8", kappa);
  if (transcript > HF_TRANSCRIPT_KECCAK) return hf_fail(HF_E_RANGE, "key: unknown transcript %u", transcript);
  if (flags > 7) return hf_fail(HF_E_RANGE, "key: unknown flags %u", flags);
  vk->log_n = log_n;
  vk->kappa = kappa;
  vk->transcript = (hf_transcript_kind)transcript;
  vk->foldable = flags & 1;
  vk->development = flags >> 1 & 1;
  vk->seal = flags >> 2;
  HF_TRY(hf_read_bytes(r, "key: [tau]_2", g2, sizeof g2));
  HF_TRY(hf_g2_from_bytes(g2, false, &vk->tau_g2));
  for (unsigned i = 0; i < hf_packs(HF_FIXED_COUNT, kappa); i++) HF_TRY(hf_read_g1(r, "key: fixed commitment", &vk->fixed[i]));
  HF_TRY(hf_verifying_key_finish(vk));
out:
  return status;
}

/* The payload in memory, for a key that hf_verifying_key_finish has seen. */
static hf_status make_payload(const hf_verifying_key *vk, hf_writer *w) {
  if (vk->kappa < 1 || vk->kappa > HF_KAPPA_MAX) return hf_fail(HF_E_ARGUMENT, "not a finished key: kappa %u", vk->kappa);
  hf_verifying_key_write(vk, w);
  return hf_writer_status(w);
}

hf_status hf_verifying_key_encode(const hf_verifying_key *vk, hf_writer *w) {
  hf_writer payload = {0};
  hf_status status = make_payload(vk, &payload);
  hf_bytes part = {payload.data, payload.length};
  if (status == HF_OK) status = hf_container_encode(w, HF_VKEY_KIND, HF_VKEY_VERSION, &part, 1);
  hf_writer_free(&payload);
  return status;
}

static hf_status read_payload(const uint8_t *data, size_t length, hf_verifying_key *vk) {
  hf_reader r = hf_reader_over(data, length);
  hf_status status = hf_verifying_key_read(&r, vk);
  return status == HF_OK ? hf_read_end(&r, "key") : status;
}

hf_status hf_verifying_key_decode(const char *what, const void *data, size_t length, hf_verifying_key *vk) {
  const uint8_t *payload;
  size_t payload_length;
  uint32_t version;
  hf_status status =
      hf_container_decode(what, data, length, HF_VKEY_KIND, HF_VKEY_VERSION, &payload, &payload_length, &version);
  if (status == HF_OK && (status = read_payload(payload, payload_length, vk)) != HF_OK) hf_fail_context(status, "%s", what);
  return status;
}

hf_status hf_verifying_key_save(const char *path, const hf_verifying_key *vk) {
  hf_writer payload = {0};
  hf_status status = make_payload(vk, &payload);
  hf_bytes part = {payload.data, payload.length};
  if (status == HF_OK) status = hf_container_write(path, HF_VKEY_KIND, HF_VKEY_VERSION, &part, 1);
  hf_writer_free(&payload);
  return status;
}

hf_status hf_verifying_key_load(const char *path, hf_verifying_key *vk) {
  hf_container *container = NULL;
  hf_status status = hf_container_map(path, HF_VKEY_KIND, HF_VKEY_VERSION, &container);
  if (status != HF_OK) return status;
  hf_bytes payload = hf_container_payload(container);
  status = read_payload(payload.data, payload.length, vk);
  if (status != HF_OK) hf_fail_context(status, "%s", path);
  hf_container_unmap(&container);
  return status;
}
