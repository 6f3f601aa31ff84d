/* Lies that need a thought each, for the instances of fold_instances.h. */
#ifndef HF_TESTS_ATTACKS_FOLD_LIES_H
#define HF_TESTS_ATTACKS_FOLD_LIES_H
#include "fold_removal.h"

void lies_about_tiny_point(remover *m);
void lies_about_tiny_sum(remover *m);
void lies_about_point(remover *m);
void lies_about_tight(remover *m, const char *x_name, uint32_t x_nth, const char *y_name, uint32_t y_nth,
                      uint32_t copy);
void lies_about_chain(remover *m);
void lies_about_curve(remover *m);
void lies_about_digits(remover *m);
void lies_about_splits(remover *m);
/* `left` and `right`: what stands in for a leaf's accumulator. */
void lies_about_leaf(remover *m, hf_g1 left, hf_g1 right, hf_fr node_vk);
void lies_about_node(remover *m);

#endif
