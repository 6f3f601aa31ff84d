/* Straight-line arithmetic modulo r as Yul text. Values are nodes of a graph in which equal expressions are
 * one node; writing it gives one statement for every node that is used more than once (kept in memory, places
 * are reused) and nests the rest.
 *
 * No value is reduced before it must be: a node's bound says how many times r it may reach, 5 r < 2^256. */
#ifndef HF_EVM_YUL_H
#define HF_EVM_YUL_H

#include <hyperfold/bytes.h>
#include <hyperfold/status.h>
#include "arith/fr.h"

typedef struct hf_yul {
  uint32_t node;
} hf_yul;

typedef struct hf_yul_graph hf_yul_graph;

hf_status hf_yul_create(hf_yul_graph **out);
void hf_yul_destroy(hf_yul_graph **graph);
/* The first error since creation (HF_E_MEMORY). */
hf_status hf_yul_status(const hf_yul_graph *graph);

hf_yul hf_yul_constant(hf_yul_graph *graph, hf_fr value);
/* Words below r: at an offset of the calldata, at an address in memory. */
hf_yul hf_yul_calldata(hf_yul_graph *graph, uint32_t offset);
hf_yul hf_yul_memory(hf_yul_graph *graph, uint32_t address);
hf_yul hf_yul_add(hf_yul_graph *graph, hf_yul x, hf_yul y);
hf_yul hf_yul_sub(hf_yul_graph *graph, hf_yul x, hf_yul y);
hf_yul hf_yul_mul(hf_yul_graph *graph, hf_yul x, hf_yul y);

/* Appends the statements that compute `value` modulo r and "let NAME := ..." at last. The text expects the
 * variables r and r5 (five times r) in reach, and may write memory from `scratch` up. *end: the first address
 * that it leaves alone. */
hf_status hf_yul_write(hf_yul_graph *graph, hf_yul value, const char *name, uint32_t scratch, uint32_t *end,
                       hf_writer *w);

/* What the graph says, for tests: leaves are read through the function. */
typedef hf_fr (*hf_yul_leaf)(void *context, bool calldata, uint32_t place);
hf_status hf_yul_value(const hf_yul_graph *graph, hf_yul value, hf_yul_leaf leaf, void *context, hf_fr *out);

/* A formatted piece of text; at most 2,047 characters. */
void hf_yul_text(hf_writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A number as Yul writes it: hexadecimal without leading zeros. 67 characters. */
void hf_yul_number(hf_fr value, char out[68]);

#endif
