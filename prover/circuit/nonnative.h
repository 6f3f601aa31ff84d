/* Arithmetic modulo q, the base field of BN254 (the coordinates of G1), inside a circuit over Fr.
 *
 * A number is four limbs of weight 2^64, x = l0 + 2^64 l1 + 2^128 l2 + 2^192 l3, not
 * necessarily below q. Limbs are range checked to 68 bits (one range row each at table
 * width 17, which these gadgets need); honest limbs have 64 bits and honest numbers are
 * below q. Identities modulo q are proven over the integers: see hf_nonnative_identity.
 *
 * Why limbs of 68 bits are enough: an identity holds over the integers for any limbs
 * as long as none of its coefficients wraps modulo r, and its largest is far below
 * 2^252 (the builder computes the bound of each identity and refuses one that does not
 * keep it). Carries and quotients are signed by offsets, 68 bits for [-2^67, 2^67), or 85 bits and two rows each where
 * an identity has many products, and four limbs for [-2^256, 2^260); the builder computes that every honest value
 * fits.
 */
#ifndef HF_CIRCUIT_NONNATIVE_H
#define HF_CIRCUIT_NONNATIVE_H
#include "arith/fq.h"
#include "circuit/builder.h"
#include "circuit/rom.h"

#define HF_NONNATIVE_WIDTH 17

typedef struct hf_limbs {
  hf_var l[4];
} hf_limbs;

/* A hint of a reduced number, its limbs in 68 bits: four rows. */
hf_limbs hf_limbs_hint(hf_builder *b, hf_fq value, const char *name);
/* The same with x < 2^254 + 2^243, which is below 2 q: what coordinates compared with
 * hf_limbs_assert_different need. Four rows. */
hf_limbs hf_limbs_hint_tight(hf_builder *b, hf_fq value, const char *name);
hf_limbs hf_limbs_constant(hf_builder *b, hf_fq value);
/* The number modulo q. */
hf_fq hf_limbs_value(const hf_builder *b, hf_limbs x);
/* The number modulo r. One row. */
hf_var hf_limbs_native(hf_builder *b, hf_limbs x);
/* x != y modulo q, for tight numbers; x_native = hf_limbs_native(x). Four rows. */
void hf_limbs_assert_different(hf_builder *b, const char *name, hf_var x_native, hf_limbs y);
/* The two words of a coordinate in transcripts and instances, x mod 2^128 and x >> 128 (host/transcript.h), and with
 * them that the number is below q: no other words stand for it. 15 rows. */
void hf_limbs_words(hf_builder *b, hf_limbs x, hf_var words[2]);

/* A row of an identity: linear v + square v^2 + next v v', v' being the next operand. With a table, v is read
 * from it at `address` on the same row. */
typedef struct hf_operand {
  hf_limbs v;
  int linear, square, next;
  hf_rom table; /* id 0: none */
  hf_var address;
} hf_operand;

/* The operands' terms sum to 0 modulo q. One row for each operand, two for quotient and carries, and seven
 * range rows. The last operand has next = 0; coefficients are small (their sum of magnitudes at most 16). */
void hf_nonnative_identity(hf_builder *b, const char *name, const hf_operand *operands, size_t count);

/* x y mod q, tight. 16 rows. */
hf_limbs hf_nonnative_mul(hf_builder *b, hf_limbs x, hf_limbs y);

/* Limbs in a ROM, for operands with a table. */
void hf_limbs_write(hf_builder *b, hf_rom table, uint64_t address, hf_limbs x);
/* A hint for what the table holds at an address: use it as an operand with this table and address. */
hf_limbs hf_limbs_table(hf_builder *b, hf_rom table, hf_var address);

#endif
