/* Small circuits of single gadgets, their inputs free. */
#ifndef HF_TESTS_ATTACKS_FOLD_INSTANCES_H
#define HF_TESTS_ATTACKS_FOLD_INSTANCES_H
#include "circuits/child.h"

hf_status instance_tiny_point(hf_builder *b, const void *context); /* numbers of one limb */
hf_status instance_tiny_sum(hf_builder *b, const void *context);
hf_status instance_tiny_product(hf_builder *b, const void *context);
hf_status instance_tiny_table(hf_builder *b, const void *context);
hf_status instance_point(hf_builder *b, const void *context);  /* a point on the curve, its words */
hf_status instance_hinted(hf_builder *b, const void *context); /* two points on the curve, and their sum */
hf_status instance_curve(hf_builder *b, const void *context);  /* additions, a doubling, the endomorphism */
hf_status instance_chain(hf_builder *b,
                         const void *context); /* signed sums of two points and a chain over them */
hf_status instance_sum(hf_builder *b, const void *context);  /* six points, three bits */
hf_status instance_full(hf_builder *b, const void *context); /* a full scalar */
hf_status instance_transcript(hf_builder *b, const void *context);
hf_status instance_relation(hf_builder *b, const void *context);
hf_status instance_leaf(hf_builder *b, const void *context); /* entry, accumulator, lift */
hf_status instance_node(hf_builder *b, const void *context);
/* What stands in for a leaf's accumulator there. */
void instance_stand_in(hf_g1 *left, hf_g1 *right);

#endif
