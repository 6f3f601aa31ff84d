/* Ranges and bits.
 *
 * A range row looks four chunks of table_width bits up at once and recomposes them
 * with the arithmetic gate of the same row, so 64 bits cost one row at width 16.
 * Field elements have 254 bits: a range of 254 bits or more does not exist.
 */
#ifndef HF_CIRCUIT_RANGE_H
#define HF_CIRCUIT_RANGE_H
#include "circuit/builder.h"

/* v is in [0, 2^bits), exactly; 1 <= bits <= 253. ceil(bits / (4 width)) rows, one slot more where bits is
 * not a multiple of the width. Single chunks (bits <= width) share rows with others. */
void hf_range(hf_builder *b, const char *name, hf_var v, unsigned bits);
/* k v + c is in [0, 2^bits), exactly. The same rows: the affine map is free when there are more bits than
 * the width. */
void hf_range_affine(hf_builder *b, const char *name, hf_fr k, hf_var v, hf_fr c, unsigned bits);
/* k v + c is in [0, 2^bits + 2^(bits - 1)), and everything in [0, 2^bits) is accepted. Never the extra slot:
 * for where a loose bound is enough. bits <= 252. */
void hf_range_loose(hf_builder *b, const char *name, hf_fr k, hf_var v, hf_fr c, unsigned bits);
/* x <= y for x, y already known to be below 2^bits; bits <= 252. One row more than the range. */
void hf_assert_less_equal(hf_builder *b, const char *name, hf_var x, hf_var y, unsigned bits);
void hf_assert_less(hf_builder *b, const char *name, hf_var x, hf_var y, unsigned bits);
/* 1 if x < y, for x, y known to be below 2^bits; bits <= 252. */
hf_var hf_is_less(hf_builder *b, hf_var x, hf_var y, unsigned bits);
/* The integer of v in [0, r), split: v = *low + 2^low_bits *high, with low < 2^low_bits, unique for every v
 * (the split of v + r is excluded). 1 <= low_bits <= 253. */
void hf_split_canonical(hf_builder *b, hf_var v, unsigned low_bits, hf_var *low, hf_var *high);
/* The same where v is already known to be below 2^bits, bits <= 253: both parts range checked. */
void hf_split(hf_builder *b, hf_var v, unsigned bits, unsigned low_bits, hf_var *low, hf_var *high);
/* v = sum 2^i bits[i], every bit boolean; count <= 253. count rows and the sum. */
void hf_bits(hf_builder *b, const char *name, hf_var v, unsigned count, hf_var *bits);

#endif
