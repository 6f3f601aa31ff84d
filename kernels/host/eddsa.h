/* EdDSA over BabyJubJub with a Poseidon2 challenge, for messages of four field words.
 *
 *   public key  A = s B                     B = hf_bjj_base(), s modulo l
 *   signature   (R, S):  S B = R + h A      R a point, S an integer below l
 *   challenge   h = hf_sponge(HF_DOMAIN_SIGNATURE, {R.x, R.y, A.x, A.y, m0, m1, m2, m3})
 *               as the integer in [0, r), not reduced modulo l
 *
 * There is ONE equation, without a cofactor, here and in circuits, so that no two
 * verifiers disagree about a signature. A and R need not lie in the subgroup of
 * order l; the equation is over the whole curve. A key of small order is refused
 * (it would accept one signature for many messages). S below l leaves no second S.
 *
 * Nonces are deterministic: BLAKE2b-512 of a secret prefix and the message,
 * reduced modulo l. Signing the same message twice gives the same bytes.
 *
 * Key derivation from a 32-byte seed, BLAKE2b (RFC 7693) with the `personal` field:
 *   s      = BLAKE2b-512(seed, personal "hf-eddsa-scalar") mod l, little-endian
 *   prefix = BLAKE2b-256(seed, personal "hf-eddsa-prefix")
 *   nonce  = BLAKE2b-512(prefix || m0 .. m3 as 32 little-endian bytes each,
 *                        personal "hf-eddsa-nonce") mod l
 * (personal is 16 bytes, padded with zeros).
 *
 * Constant time: what handles s, the prefix and the nonce. Key derivation and
 * signing use hf_bjj_mul_secret (fixed windows of 4 bits, every table entry read and
 * masked, complete additions) and host/scalar.h. The argument rests on the compiler
 * keeping masked C and the field's add, sub and mul (arith/fp.h) free of branches;
 * caches and timing are considered, power and faults are not. Hash inputs, nonces and
 * wide values are wiped; intermediate points on the stack are not. Verification takes public data only and is
 * variable time.
 */
#ifndef HF_HOST_EDDSA_H
#define HF_HOST_EDDSA_H
#include <hyperfold/status.h>
#include <stdbool.h>
#include <stdint.h>
#include "host/babyjub.h"
#include "host/scalar.h"

typedef struct hf_eddsa_key {
  hf_scalar scalar;   /* s: secret */
  uint8_t prefix[32]; /* secret */
  hf_bjj public_key;  /* A */
} hf_eddsa_key;

typedef struct hf_eddsa_signature {
  hf_bjj r;
  uint8_t s[32]; /* little-endian; below l in a valid signature */
} hf_eddsa_signature;

#define HF_EDDSA_SIGNATURE_BYTES 64

/* HF_E_REFUSED if the seed gives s = 0 (probability 2^-250). Wipe the key after use. */
hf_status hf_eddsa_key_from_seed(const uint8_t seed[32], hf_eddsa_key *out);
void hf_eddsa_key_wipe(hf_eddsa_key *key);

void hf_eddsa_sign(const hf_eddsa_key *key, const hf_fr message[4], hf_eddsa_signature *out);

/* h above. */
hf_fr hf_eddsa_challenge(hf_bjj r, hf_bjj public_key, const hf_fr message[4]);

/* *ok is set false first and true only for HF_OK and a fulfilled equation. A wrong
 * signature is HF_OK with *ok false. Malformed input has its own status:
 * HF_E_CURVE (A or R not on the curve), HF_E_REFUSED (A of small order),
 * HF_E_RANGE (S not below l). */
hf_status hf_eddsa_verify(hf_bjj public_key, const hf_fr message[4], const hf_eddsa_signature *signature,
                          bool *ok);

/* R compressed (host/babyjub.h), then S: 64 bytes. Reading refuses as hf_bjj_decompress
 * does, and S not below l with HF_E_RANGE. */
void hf_eddsa_signature_to_bytes(const hf_eddsa_signature *signature, uint8_t out[64]);
hf_status hf_eddsa_signature_from_bytes(const uint8_t in[64], hf_eddsa_signature *out);

#endif
