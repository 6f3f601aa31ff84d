/* The test's hold on the CUDA runtime that is none (fake_cudart.c): symbols of the plug-in that has it. */
#ifndef HF_TESTS_FAKE_CUDART_H
#define HF_TESTS_FAKE_CUDART_H
#include <stddef.h>

typedef struct fake_cudart {
  int devices;        /* that there are */
  size_t memory;      /* bytes that all allocations together may have */
  unsigned long fail; /* number of the call from which on everything fails, 0: none */
  unsigned long calls; /* so far */
  size_t left;        /* allocations, streams and events that were not given back */
} fake_cudart;

#define FAKE_CUDART_SYMBOL "hf_fake_cudart"
extern fake_cudart hf_fake_cudart;

#endif
