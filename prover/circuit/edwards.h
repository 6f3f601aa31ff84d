/* BabyJubJub (host/babyjub.h) in circuits. The one addition law holds for all pairs of points of the curve;
 * for anything else it means nothing, so a point from outside is checked first. */
#ifndef HF_CIRCUIT_EDWARDS_H
#define HF_CIRCUIT_EDWARDS_H
#include "circuit/builder.h"
#include "circuit/rom.h"

typedef struct hf_point {
  hf_var x, y;
} hf_point;

hf_point hf_point_hint(hf_builder *b, hf_fr x, hf_fr y, const char *name);
hf_point hf_point_constant(hf_builder *b, hf_fr x, hf_fr y);
hf_point hf_point_select(hf_builder *b, hf_var s, hf_point p, hf_point q); /* s ? p : q; two rows */
void hf_point_assert_equal(hf_builder *b, const char *name, hf_point p, hf_point q);
/* One row, and a second one half used. */
void hf_point_assert_on_curve(hf_builder *b, const char *name, hf_point p);
/* p + q: one row, and a second one half used unless the next call adds something to the sum. */
hf_point hf_point_add(hf_builder *b, hf_point p, hf_point q);
/* p + table[address]: the same, read included. The table's points are written by hf_point_write. */
hf_point hf_point_add_read(hf_builder *b, hf_point p, hf_rom table, hf_var address);
void hf_point_write(hf_builder *b, hf_rom table, uint64_t address, hf_point p);

#endif
