/* EdDSA over BabyJubJub (host/eddsa.h) in circuits: S B = R + h A over the whole curve.
 *
 * A circuit makes one hf_base_table, sized for the number of signatures, and checks each
 * signature against it. A slot without a signature selects A := B, whose secret is 1,
 * and signs with hf_signature_by_base, so that the equation need not be switched off.
 */
#ifndef HF_CIRCUIT_SIGNATURE_H
#define HF_CIRCUIT_SIGNATURE_H
#include "circuit/edwards.h"

#define HF_BASE_MAX_WINDOWS 84

/* Multiples of B = hf_bjj_base() in windows of `bits`. */
typedef struct hf_base_table {
  unsigned bits, windows;
  hf_rom rom[HF_BASE_MAX_WINDOWS];
} hf_base_table;

/* The window that minimises rows for this many signatures. */
unsigned hf_base_window(size_t signatures);
/* bits in 3..8; about windows * 2^(bits+1) rows. */
void hf_base_table_create(hf_builder *b, unsigned bits, hf_base_table *out);

/* Checks S B = R + h A, that A is on the curve and not of small order and that S < l; that R is on the curve
 * follows. h is the challenge as a field element; the integer in [0, r) is what multiplies A. (It is complete
 * unless the top 128 bits of h equal those of r: 2^-126 for a hash.) The caller computes
 *   h = hf_hash_words(b, HF_DOMAIN_SIGNATURE, {R.x, R.y, A.x, A.y, m0..m3}, 8). */
void hf_signature_check(hf_builder *b, const hf_base_table *base, hf_point a, hf_point r, hf_var s, hf_var h);

/* A signature that everybody can make: for the public key B (secret 1), nonce 1. R is B itself, whatever the
 * message; S = 1 + h mod l. */
hf_fr hf_signature_by_base(hf_fr challenge);

#endif
