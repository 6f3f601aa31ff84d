/* Inside the SRS code: memory and a plain parallel loop. */
#ifndef HF_SRS_INTERNAL_H
#define HF_SRS_INTERNAL_H
#include <hyperfold/bytes.h>
#include "srs.h"

#define HF_SRS_MAX_THREADS 64

hf_status hf_srs_allocate(size_t count, hf_srs **out); /* points writable through ->memory */
hf_status hf_srs_read_header(hf_reader *r, hf_srs *srs);
unsigned hf_srs_threads(unsigned threads);

typedef void (*hf_srs_body)(void *context, size_t begin, size_t end, unsigned thread);

typedef struct hf_srs_part {
  hf_srs_body body;
  void *context;
  size_t begin, end;
  unsigned thread;
} hf_srs_part;

void hf_srs_parallel(unsigned threads, size_t count, hf_srs_body body, void *context);
void *hf_srs_part_run(void *part);

#endif
