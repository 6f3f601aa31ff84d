/* Gates: variables, arithmetic, names. What a circuit's author uses most; the gadgets
 * (range.h hash.h rom.h edwards.h signature.h nonnative.h points.h) are written with it.
 *
 * Every function computes the value of what it returns at once, from the values of
 * what it is given. None fails because of values; see circuit.h about errors. An
 * hf_var belongs to the builder that made it.
 *
 * Names (`name`) must be string literals or otherwise outlive builder and circuit.
 * They appear in messages about a constraint that does not hold.
 *
 * Rows: the comment of each function gives its cost. One row holds one equation
 *   q1 a + .. + q5 e + qab ab + qcd cd + qn e' + qc = 0,
 * so what fits one hf_quadratic costs one row however it is spelled: prefer one
 * hf_quadratic or hf_linear to a chain of hf_add and hf_mul.
 */
#ifndef HF_CIRCUIT_BUILDER_H
#define HF_CIRCUIT_BUILDER_H
#include "circuit/circuit.h"

typedef struct hf_term {
  hf_fr k;
  hf_var v;
} hf_term; /* k v */

typedef struct hf_product {
  hf_fr k;
  hf_var x, y;
} hf_product; /* k x y */

static inline hf_term hf_term_of(hf_fr k, hf_var v) { return (hf_term){k, v}; }
static inline hf_product hf_product_of(hf_fr k, hf_var x, hf_var y) { return (hf_product){k, x, y}; }

/* ---- values ---- */

hf_fr hf_value(const hf_builder *b, hf_var v);
/* The same as an integer below 2^64; 0 for larger values. */
uint64_t hf_value_u64(const hf_builder *b, hf_var v);
/* A free variable: the prover's choice, bound only by the constraints it enters. No row. */
hf_var hf_hint(hf_builder *b, hf_fr value, const char *name);
/* A variable that is forced to k. One row for each distinct value in a circuit. */
hf_var hf_constant(hf_builder *b, hf_fr k);
hf_var hf_constant_u64(hf_builder *b, uint64_t k);
hf_var hf_zero(hf_builder *b);
hf_var hf_one(hf_builder *b);

/* ---- public inputs: one row each ---- */

void hf_public_input(hf_builder *b, hf_var v);
/* The instance of a foldable circuit that is no node: statement, then nine zeros. Once. */
void hf_public_statement(hf_builder *b, hf_var statement);
/* The instance of a node: statement, node_vk, accumulator. Once. */
#define HF_INSTANCE_WORDS 10
void hf_public_instance(hf_builder *b, const hf_var words[HF_INSTANCE_WORDS]);
/* The instance of a seal (option seal): statement, records, x, y, accumulator. Once. */
#define HF_SEAL_WORDS 12
void hf_public_seal(hf_builder *b, const hf_var words[HF_SEAL_WORDS]);

/* ---- scopes: "slot/signature/table" in messages and row statistics ---- */

void hf_scope_begin(hf_builder *b, const char *name);
void hf_scope_end(hf_builder *b);
/* ---- parts: what may be computed side by side ---- */

/* Makes part number `part`; `link` is what the part before returned (the first: what hf_builder_parts was given). */
typedef hf_var (*hf_part_body)(hf_builder *b, void *context, size_t part, hf_var link);
/* Parts 0 .. count - 1, laid one after the other; returns what the last one does. With a plan they run on all threads of
 * the pool at once, each with a builder of its own. So a part writes nothing that another one reads, takes the values
 * of variables that were made before hf_builder_parts or in itself alone (not that of `link`), and has no parts. */
hf_var hf_builder_parts(hf_builder *b, size_t count, hf_var first, hf_part_body body, void *context);

/* Remembers an error (the first stays) and returns it; for authors of gadgets. */
hf_status hf_builder_fail(hf_builder *b, hf_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
hf_status hf_builder_status(const hf_builder *b);
unsigned hf_builder_table_width(const hf_builder *b);
/* Rows laid so far (without public inputs and preamble); with a plan 0. */
uint32_t hf_builder_rows(const hf_builder *b);

/* ---- arithmetic: one row each unless said otherwise ---- */

hf_var hf_add(hf_builder *b, hf_var x, hf_var y);
hf_var hf_sub(hf_builder *b, hf_var x, hf_var y);
hf_var hf_mul(hf_builder *b, hf_var x, hf_var y);
hf_var hf_mul_add(hf_builder *b, hf_var x, hf_var y, hf_var z); /* x y + z */
hf_var hf_affine(hf_builder *b, hf_fr k, hf_var x, hf_fr c);    /* k x + c */
hf_var hf_select(hf_builder *b, hf_var s, hf_var x, hf_var y);  /* s x + (1 - s) y; s boolean */
hf_var hf_not(hf_builder *b, hf_var s);                         /* 1 - s */
hf_var hf_and(hf_builder *b, hf_var s, hf_var t);
hf_var hf_or(hf_builder *b, hf_var s, hf_var t);
/* 1 if x = 0, else 0. Two rows. */
hf_var hf_is_zero(hf_builder *b, hf_var x);
hf_var hf_is_equal(hf_builder *b, hf_var x, hf_var y); /* two rows */
/* sum k_i v_i + constant. One row up to four terms, about one more for each further four. */
hf_var hf_linear(hf_builder *b, const hf_term *terms, size_t count, hf_fr constant);
/* sum of at most two products, any number of terms, and a constant. One row where the
 * products' factors, the other variables and the result fit five wires (the result may
 * also go to e'); a term whose variable is a factor takes no wire. */
hf_var hf_quadratic(hf_builder *b, const hf_product *products, size_t product_count, const hf_term *terms,
                    size_t term_count, hf_fr constant);

/* ---- assertions ---- */

/* By copy: no row. */
void hf_assert_equal(hf_builder *b, const char *name, hf_var x, hf_var y);
void hf_assert_constant(hf_builder *b, const char *name, hf_var x, hf_fr k); /* as hf_constant */
/* One row. */
void hf_assert_bool(hf_builder *b, const char *name, hf_var x);
void hf_assert_nonzero(hf_builder *b, const char *name, hf_var x);
void hf_assert_equal_if(hf_builder *b, const char *name, hf_var s, hf_var x, hf_var y); /* s (x - y) = 0 */
void hf_assert_zero_if(hf_builder *b, const char *name, hf_var s, hf_var x);            /* s x = 0 */
/* The sum is zero; rows as hf_quadratic, with no wire for a result. */
void hf_assert_quadratic(hf_builder *b, const char *name, const hf_product *products, size_t product_count,
                         const hf_term *terms, size_t term_count, hf_fr constant);
void hf_assert_linear(hf_builder *b, const char *name, const hf_term *terms, size_t count, hf_fr constant);

#endif
