/* The interface between the prover and the devices that do its arithmetic.
 *
 * A backend is a folder (cpu/; others may follow), a table of operations and one
 * line in registry.c. Polynomials and columns live on the device as vectors;
 * only challenges, evaluations and commitments cross the bus. Plain CPU code is
 * the law: every other backend is tried against it.
 *
 * All operations return a status; an operation that a backend lacks is NULL in its
 * table and HF_BACKEND_DO turns that into HF_E_UNSUPPORTED naming it - there
 * is no silent fallback. Calls on one backend object come from one thread at a
 * time; a backend may use many threads inside.
 */
#ifndef HF_BACKEND_H
#define HF_BACKEND_H

#include <hyperfold/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "arith/ec.h"
#include "arith/fr.h"

typedef struct hf_backend hf_backend;
typedef struct hf_vec hf_vec;       /* `length` elements of Fr on the device */
typedef struct hf_points hf_points; /* affine G1 points on the device, immutable */

typedef struct hf_backend_options {
  unsigned threads;     /* CPU threads; 0 = as many as the machine has */
  /* CPU code path by name ("portable", "mulx", "ifma"); NULL = the environment's HYPERFOLD_CPU, else the best that the
   * machine runs */
  const char *variant;
  const char *device;   /* a device's number or a part of its name, of the CPU a variant; NULL: the first, GPUs before CPUs */
  const char *plugins;  /* folder of libhyperfold_cuda.so; NULL: beside the executable, and ../lib/hyperfold from there */
} hf_backend_options;

/* A device that a backend can open. */
typedef struct hf_backend_device {
  char name[128];   /* the device's own */
  char driver[64];  /* what drives it, with its version */
  uint64_t memory;  /* bytes */
  unsigned units;   /* multiprocessors, compute units, processors */
} hf_backend_device;

typedef enum hf_ntt_kind {
  HF_NTT_FORWARD, /* coefficients -> values on H, natural order both sides */
  HF_NTT_INVERSE, /* values on H -> coefficients, natural order both sides */
} hf_ntt_kind;

/* A packed polynomial f(X) = sum_j X^j p_j(X^kappa) as its parts; NULL = the zero polynomial. */
#define HF_MAX_KAPPA 8

struct hf_relation_inputs; /* arith/relation_inputs.h: columns and challenges of the quotient */

typedef struct hf_backend_ops {
  const char *name;
  const char *variant; /* code path within the backend; "" if it has but one */
  void (*destroy)(hf_backend *backend);

  /* --- memory ------------------------------------------------------------- */
  hf_status (*vec_create)(hf_backend *backend, size_t length, hf_vec **out); /* zeroed */
  void (*vec_destroy)(hf_backend *backend, hf_vec *vec);                     /* wiped */
  hf_status (*vec_upload)(hf_backend *backend, hf_vec *to, size_t offset, const hf_fr *from, size_t count);
  hf_status (*vec_download)(hf_backend *backend, const hf_vec *from, size_t offset, hf_fr *to, size_t count);
  /* to[to_offset + i] = from[from_offset + i] */
  hf_status (*vec_copy)(hf_backend *backend, hf_vec *to, size_t to_offset, const hf_vec *from,
                        size_t from_offset, size_t count);
  hf_status (*vec_zero)(hf_backend *backend, hf_vec *vec, size_t offset, size_t count);
  /* Points may be a mapped file; they must outlive the handle. */
  hf_status (*points_create)(hf_backend *backend, const hf_g1 *points, size_t count, hf_points **out);
  void (*points_destroy)(hf_backend *backend, hf_points *points);

  /* --- transforms --------------------------------------------------------- */
  /* In place over the first 2^log_n elements of each of `count` vectors. */
  hf_status (*ntt)(hf_backend *backend, hf_vec *const *vecs, size_t count, unsigned log_n, hf_ntt_kind kind);
  /* out[k] = values of the polynomial coefficients[k] (length may exceed 2^log_n; X^n wraps to shift^n)
   * on shift * H, natural order, for k < count; an out has 2^log_n elements and is another vector. */
  hf_status (*coset_ntt)(hf_backend *backend, hf_vec *const *out, const hf_vec *const *coefficients, size_t count,
                         size_t length, unsigned log_n, hf_fr shift);
  /* In place: values on shift * H -> the coefficients of the polynomial of degree < n. */
  hf_status (*coset_intt)(hf_backend *backend, hf_vec *vec, unsigned log_n, hf_fr shift);

  /* --- commitments -------------------------------------------------------- */
  /* sum_i scalars[i] * points[i], i < count; scalars in Montgomery form. */
  hf_status (*msm)(hf_backend *backend, const hf_points *points, const hf_vec *scalars, size_t count, hf_g1 *out);
  /* Commitment to the packed polynomial: sum_{i<length, j<kappa} parts[j][i] * points[kappa*i + j].
   * A NULL part or one shorter than `length` counts as zero there. */
  hf_status (*commit)(hf_backend *backend, const hf_points *points, const hf_vec *const *parts, unsigned kappa,
                      size_t length, hf_g1 *out);

  /* --- vectors ------------------------------------------------------------ */
  hf_status (*batch_inverse)(hf_backend *backend, hf_vec *vec, size_t count); /* 0 -> 0 */
  /* acc[i] += factor * x[i], i < count */
  hf_status (*axpy)(hf_backend *backend, hf_vec *acc, hf_fr factor, const hf_vec *x, size_t count);
  /* acc[stride*i + offset] += factor * x[i], i < count (packing) */
  hf_status (*axpy_strided)(hf_backend *backend, hf_vec *acc, size_t stride, size_t offset, hf_fr factor,
                            const hf_vec *x, size_t count);
  hf_status (*scale)(hf_backend *backend, hf_vec *x, hf_fr factor, size_t count);
  /* acc[i] *= x[i] */
  hf_status (*hadamard)(hf_backend *backend, hf_vec *acc, const hf_vec *x, size_t count);
  /* out[k] = polys[k](point), each of `length` coefficients */
  hf_status (*evaluate)(hf_backend *backend, const hf_vec *const *polys, size_t count, size_t length, hf_fr point,
                        hf_fr *out);
  /* In place division of a polynomial of `length` coefficients by X^stride - root: the quotient is left in
   * vec[0 .. length-stride), the remainder (stride elements) in `remainder`; the top `stride` places become 0. */
  hf_status (*divide)(hf_backend *backend, hf_vec *vec, size_t length, size_t stride, hf_fr root, hf_fr *remainder);

  /* --- the proof system's own ----------------------------------------------- */
  /* z[0] = 1, z[i+1] = z[i] * prod_w (wire_w[i] + beta*k_w*omega^i + gamma) / (wire_w[i] + beta*sigma_w[i] + gamma)
   * for i < n; wires and sigmas are values on H; *closes = (z[n] == 1). */
  hf_status (*grand_product)(hf_backend *backend, hf_vec *z, const hf_vec *const *wires, const hf_vec *const *sigmas,
                             size_t wire_count, unsigned log_n, hf_fr beta, hf_fr gamma, bool *closes);
  /* out[i+1] = out[i] + term[i], out[0] = 0, *total = the sum of all n terms; in and out may be the same. */
  hf_status (*prefix_sum)(hf_backend *backend, hf_vec *out, const hf_vec *term, size_t count, hf_fr *total);
  /* term[i] of the range sum, the ROM sum and the non-native sum, from columns on H (relation.h says what they are). */
  hf_status (*sum_terms)(hf_backend *backend, const struct hf_relation_inputs *in, hf_vec *range, hf_vec *rom,
                         hf_vec *nonnative);
  /* out[i] = relation(row i of the coset) / Z_H on the coset; all columns are values on shift * H. */
  hf_status (*quotient)(hf_backend *backend, const struct hf_relation_inputs *in, hf_fr shift, hf_vec *out);
  /* out[i] = compress4(in[4i..4i+3]), i < count; two vectors */
  hf_status (*poseidon2_compress4)(hf_backend *backend, hf_vec *out, const hf_vec *in, size_t count);

  /* Bytes of memory that provers may fill. NULL: the host's, which others share. */
  uint64_t (*memory)(const hf_backend *backend);

  /* Waits for what earlier calls began. NULL: they end before they return. What gives a value to the host always waits. */
  hf_status (*finish)(hf_backend *backend);

  /* --- measuring ------------------------------------------------------------ */
  /* The cost of one multiplication in Fr on this code path: many independent ones in registers, on one thread (of a GPU:
   * on the whole device), the least of several samples. Milliseconds of work. */
  hf_status (*multiplication_ns)(hf_backend *backend, double *ns);
} hf_backend_ops;

struct hf_backend {
  const hf_backend_ops *ops;
};

/* HF_BACKEND_DO(backend, operation, arguments after the backend...): for operations that give a status. */
#define HF_BACKEND_DO(backend, operation, ...)                                                               \
  ((backend)->ops->operation                                                                                 \
       ? (backend)->ops->operation((backend), __VA_ARGS__)                                                   \
       : hf_fail(HF_E_UNSUPPORTED, "backend \"%s\" has no operation " #operation, (backend)->ops->name))

size_t hf_vec_length(const hf_vec *vec);

/* The backends there are, 0 .. until NULL. */
const char *hf_backend_name(size_t i);
/* The devices of a backend: the first `limit` of *count. HF_E_NOT_FOUND, HF_E_UNSUPPORTED with the reason if it has none. */
hf_status hf_backend_devices(const char *name, const hf_backend_options *options, hf_backend_device *out, size_t limit,
                             size_t *count);
/* Opens a backend by name ("cpu", "cuda"), or one device of it ("cuda:1", "opencl:Intel": instead of options->device);
 * HF_E_NOT_FOUND lists the names there are. */
hf_status hf_backend_create(const char *name, const hf_backend_options *options, hf_backend **out);
void hf_backend_destroy(hf_backend **backend);
static inline hf_status hf_backend_finish(hf_backend *backend) {
  return backend->ops->finish ? backend->ops->finish(backend) : HF_OK;
}
/* 0: the host's memory. */
static inline uint64_t hf_backend_memory(const hf_backend *backend) {
  return backend->ops->memory ? backend->ops->memory(backend) : 0;
}
static inline const char *hf_backend_variant(const hf_backend *backend) { return backend->ops->variant; }
/* Known answers for every operation that the backend has. */
hf_status hf_backend_selftest(hf_backend *backend);

#endif
