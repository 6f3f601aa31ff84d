/* Structured reference string: powers of a secret tau in G1, [tau^i]_1, and [tau]_2.
 *
 * File: container "SRS ", version 1. Payload: flags u32 (bit 0: development), 4 zero bytes, count u64, name
 * (48 bytes, NUL padded), [tau]_2 (128 bytes), zeros up to 256 bytes, then `count` points of 64 bytes:
 * x and y as four little-endian 64-bit limbs each, in Montgomery form (R = 2^256), so that a mapped file is used
 * as it is.
 */
#ifndef HF_SRS_H
#define HF_SRS_H

#include <hyperfold/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "arith/ec.h"
#include "backend.h"
#include "development.h"
#include "host/g2.h"

#define HF_SRS_KIND    "SRS "
#define HF_SRS_VERSION 1
#define HF_SRS_NAME    48

typedef struct hf_srs {
  const hf_g1 *points;   /* count points; owned by the object */
  size_t count;
  hf_g2 tau_g2;
  bool development;      /* the secret is public: fine for tests, worthless as a proof */
  char name[HF_SRS_NAME];
  struct hf_container *file; /* NULL when the points are in memory */
  void *memory;
  size_t memory_size;
} hf_srs;

/* An insecure SRS whose secret is hf_development_tau of a public text; marked `development`. The same text and count
 * give the same bytes on every machine. threads 0 = all. */
hf_status hf_srs_generate(const char *text, size_t count, unsigned threads, hf_srs **out);

/* The first `count` powers of a snarkjs powers-of-tau file (.ptau, BN254). Checked: the field, every point on the
 * curve and finite, the first point the generator, [tau]_2 in the group and no trivial power, and that the points
 * are consecutive powers of the tau of [tau]_2 (a pairing over a random combination). Powers of the development tau are
 * marked as what they are. HF_E_RANGE if the file holds
 * fewer powers. count 0 = all. */
hf_status hf_srs_import_ptau(const char *path, size_t count, hf_backend *backend, hf_srs **out);

/* The same from memory. */
hf_status hf_srs_import_ptau_bytes(const void *data, size_t length, size_t count, hf_backend *backend, hf_srs **out);

/* Loading checks the form and [tau]_2, not the points: keys that others shall trust are derived from a setup that
 * hf_srs_check accepts, since points that are no powers can make the key of one circuit look like another's. */
hf_status hf_srs_save(const char *path, const hf_srs *srs);
hf_status hf_srs_load(const char *path, hf_srs **out);
void hf_srs_destroy(hf_srs **srs);

/* The checks of the import, for any SRS; *ok false first, the message says what failed. The backend does the two
 * multi-scalar multiplications. */
hf_status hf_srs_check(const hf_srs *srs, hf_backend *backend, bool *ok);

#endif
