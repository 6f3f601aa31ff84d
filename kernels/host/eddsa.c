#include "host/eddsa.h"
#include <sodium.h>
#include <string.h>
#include "host/poseidon.h"

/* BLAKE2b with a `personal` field of 16 bytes. sodium fails only for lengths out of
 * range, which these constants are not. */
static void blake(const char personal[17], const uint8_t *in, size_t length, uint8_t *out,
                  size_t out_length) {
  (void)crypto_generichash_blake2b_salt_personal(out, out_length, in, length, NULL, 0, NULL,
                                                 (const unsigned char *)personal);
}

static const char personal_scalar[17] = "hf-eddsa-scalar";
static const char personal_prefix[17] = "hf-eddsa-prefix";
static const char personal_nonce[17] = "hf-eddsa-nonce\0";

hf_status hf_eddsa_key_from_seed(const uint8_t seed[32], hf_eddsa_key *out) {
  uint8_t wide[64];
  blake(personal_scalar, seed, 32, wide, sizeof wide);
  blake(personal_prefix, seed, 32, out->prefix, sizeof out->prefix);
  out->scalar = hf_scalar_from_wide(wide);
  sodium_memzero(wide, sizeof wide);
  out->public_key = hf_bjj_mul_secret(hf_bjj_base(), out->scalar.l);
  if (hf_scalar_is_zero(out->scalar)) {
    hf_eddsa_key_wipe(out);
    return hf_fail(HF_E_REFUSED, "signature key: this seed gives the zero scalar; use another");
  }
  return HF_OK;
}

void hf_eddsa_key_wipe(hf_eddsa_key *key) { sodium_memzero(key, sizeof *key); }

hf_fr hf_eddsa_challenge(hf_bjj r, hf_bjj public_key, const hf_fr message[4]) {
  hf_fr words[8] = {r.x, r.y, public_key.x, public_key.y, message[0], message[1], message[2], message[3]};
  return hf_sponge(HF_DOMAIN_SIGNATURE, words, 8);
}

void hf_eddsa_sign(const hf_eddsa_key *key, const hf_fr message[4], hf_eddsa_signature *out) {
  uint8_t bytes[32 + 4 * 32], wide[64];
  memcpy(bytes, key->prefix, 32);
  for (int i = 0; i < 4; i++) hf_fr_to_bytes(message[i], bytes + 32 + 32 * i);
  blake(personal_nonce, bytes, sizeof bytes, wide, sizeof wide);
  hf_scalar nonce = hf_scalar_from_wide(wide);
  out->r = hf_bjj_mul_secret(hf_bjj_base(), nonce.l);
  /* R is public from here on; h may be handled in variable time, h s + nonce not. */
  hf_fr h = hf_fr_to_limbs(hf_eddsa_challenge(out->r, key->public_key, message));
  hf_scalar s = hf_scalar_add(nonce, hf_scalar_mul(hf_scalar_from_limbs(h.l), key->scalar));
  hf_scalar_to_bytes(s, out->s);
  sodium_memzero(bytes, sizeof bytes);
  sodium_memzero(wide, sizeof wide);
  sodium_memzero(&nonce, sizeof nonce);
}

hf_status hf_eddsa_verify(hf_bjj public_key, const hf_fr message[4], const hf_eddsa_signature *signature,
                          bool *ok) {
  hf_scalar s;
  *ok = false;
  if (!hf_bjj_on_curve(public_key)) return hf_fail(HF_E_CURVE, "signature: the key is not on the curve");
  if (hf_bjj_is_small_order(public_key)) return hf_fail(HF_E_REFUSED, "signature: the key has small order");
  if (!hf_bjj_on_curve(signature->r)) return hf_fail(HF_E_CURVE, "signature: R is not on the curve");
  if (!hf_scalar_from_bytes(signature->s, &s))
    return hf_fail(HF_E_RANGE, "signature: S is not below the order of the base point");
  hf_fr h = hf_fr_to_limbs(hf_eddsa_challenge(signature->r, public_key, message));
  /* S B + h (-A) = R. */
  *ok = hf_bjj_eq(hf_bjj_mul2(hf_bjj_base(), s.l, hf_bjj_neg(public_key), h.l), signature->r);
  return HF_OK;
}

void hf_eddsa_signature_to_bytes(const hf_eddsa_signature *signature, uint8_t out[64]) {
  hf_bjj_compress(signature->r, out);
  memcpy(out + 32, signature->s, 32);
}

hf_status hf_eddsa_signature_from_bytes(const uint8_t in[64], hf_eddsa_signature *out) {
  hf_scalar s;
  memset(out->s, 0, sizeof out->s);
  hf_status status = hf_bjj_decompress(in, &out->r);
  if (status != HF_OK) return status;
  if (!hf_scalar_from_bytes(in + 32, &s)) {
    out->r = hf_bjj_identity();
    return hf_fail(HF_E_RANGE, "signature: S is not below the order of the base point");
  }
  memcpy(out->s, in + 32, 32);
  return HF_OK;
}
