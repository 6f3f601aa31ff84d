/* Parts of an Edwards addition, for gadgets that chain many with one inversion. */
#ifndef HF_CIRCUIT_EDWARDS_INTERNAL_H
#define HF_CIRCUIT_EDWARDS_INTERNAL_H
#include "circuit/builder_internal.h"
#include "circuit/edwards.h"

/* sums[i] = start + addends[0] + .. + addends[i] by value; an addend with x.id = HF_NO_VAR doubles. */
bool hf_edwards_chain(hf_builder *b, hf_fr start[2], const hf_point *addends, size_t count, hf_fr (*sums)[2]);
/* The row p + q = sum; table.id = 0: no read. */
hf_point hf_edwards_row(hf_builder *b, hf_point p, hf_point q, const hf_fr sum[2], hf_rom table,
                        hf_var address, const char *name);
/* The row 4 p, both doublings by value. */
hf_point hf_edwards_double_row(hf_builder *b, hf_point p, const hf_fr twice[2], const hf_fr four[2],
                               const char *name);
/* A hint for what the table holds at an address; (0, 1) where nothing was written. */
hf_point hf_edwards_table_point(hf_builder *b, hf_rom table, hf_var address);
/* -p, and p is on the curve. */
hf_point hf_edwards_negate_checked(hf_builder *b, const char *name, hf_point p);

#endif
