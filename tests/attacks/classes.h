/* Constraints by class: those that one line of a gadget made. */
#ifndef HF_TESTS_ATTACKS_CLASSES_H
#define HF_TESTS_ATTACKS_CLASSES_H
#include "engine.h"

typedef struct constraint_class {
  uint64_t key;
  char label[160]; /* gadget, name, part, index */
  uint8_t part, index;
  uint32_t rows[4]; /* some rows of it: the first, the last, and two between */
  uint32_t count;   /* rows of it */
  bool covered;
  const char *how; /* the kind of trial that covered it */
} constraint_class;

typedef struct class_list {
  constraint_class *list;
  uint32_t count, capacity;
} class_list;

void classes_make(const instance *in, class_list *out);
void classes_free(class_list *c);
/* What the constraints of a class share, whatever circuit they stand in. */
uint64_t class_key(const hf_circuit *circuit, hf_constraint constraint, char label[160]);
/* The class of a key, NULL if none. */
constraint_class *class_find(const class_list *c, uint64_t key);

#endif
