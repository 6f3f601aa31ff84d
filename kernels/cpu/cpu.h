/* Inside the CPU backend: what its files share.
 *
 * The files that do field arithmetic (the hot ones) are compiled once per variant:
 * HF_CPU_VARIANT names it and HF_CPU_NAME(f) gives its functions their own names.
 * HF_CPU_HOT is the one list of the operations that hot files define; their types
 * come from the table in backend.h. Behind them stand the variant's inner loops, of
 * which there are two kinds: one element at a time, and eight, in ifma/.
 */
#ifndef HF_CPU_H
#define HF_CPU_H
#include <hyperfold/threads.h>
#include "handles.h"

#define HF_CPU_HOT(X)                                                                                        \
  X(ntt)                                                                                                     \
  X(coset_ntt) X(coset_intt) X(msm) X(commit) X(batch_inverse) X(axpy) X(axpy_strided) X(scale) X(hadamard)  \
      X(evaluate) X(divide) X(grand_product) X(prefix_sum) X(poseidon2_compress4) X(sum_terms) X(quotient) \
      X(multiplication_ns)

#define HF_CPU_PASTE3(a, b, c) a##b##_##c
#define HF_CPU_PASTE(a, b, c)  HF_CPU_PASTE3(a, b, c)
#define HF_CPU_NAME(f)         HF_CPU_PASTE(hf_cpu_, HF_CPU_VARIANT, f)

#if defined(HF_CPU_VARIANT)
#define HF_CPU_DECLARE(op) __typeof__(*((const hf_backend_ops *)0)->op) HF_CPU_NAME(op);
HF_CPU_HOT(HF_CPU_DECLARE)
#undef HF_CPU_DECLARE
#endif

#define HF_CPU_ALIGNMENT 64

/* What an operation needs while it runs, kept from one to the next: memory that is given back and taken again is cleared
 * each time. */
#define HF_SCRATCH_BLOCKS 32

typedef struct hf_scratch {
  struct {
    void *memory;
    size_t bytes, used;
  } block[HF_SCRATCH_BLOCKS];
  unsigned count;
} hf_scratch;

/* Large vectors that were given back, cleared: the next ones of the same size. The system takes longer to clear and map pages
 * than most operations take on them. */
#define HF_SPARE_BLOCKS 96
#define HF_SPARE_BYTES  ((size_t)512 << 20)

typedef struct hf_spare {
  struct {
    void *memory;
    size_t bytes;
  } block[HF_SPARE_BLOCKS]; /* the oldest first */
  unsigned count;
  size_t bytes;
} hf_spare;

typedef struct hf_cpu {
  hf_backend base; /* first: an hf_backend * is an hf_cpu * */
  hf_pool *pool;
  hf_scratch scratch;
  hf_spare spare;
  /* twiddles[b] = w^bitreverse(b), w of order 2^twiddle_log: the first 2^s entries serve stage s of every
   * size */
  hf_fr *twiddles;
  size_t msm_sort_bytes; /* sorted references to points that an MSM keeps at a time: windows at once */
  /* the table has 2^(twiddle_log - 1) entries and serves transforms up to 2^twiddle_log */
  unsigned twiddle_log;
  struct ntt8_roots *roots8; /* the ifma variant's own */
} hf_cpu;

static inline hf_cpu *hf_cpu_of(hf_backend *backend) { return (hf_cpu *)(void *)backend; }

/* Aligned memory that may hold secrets: cleared when freed. `bytes` given back is what was asked for. From HF_CPU_LARGE on
 * it is zeroed, and lies in huge pages where the system grants them. */
#define HF_CPU_LARGE ((size_t)4 << 20)
void *hf_cpu_alloc(size_t bytes); /* NULL: out of memory */
void hf_cpu_free(void *memory, size_t bytes);

/* The same for the elements of a vector, zeroed; and back. */
void *hf_cpu_spare_take(hf_cpu *cpu, size_t bytes); /* NULL: out of memory */
void hf_cpu_spare_give(hf_cpu *cpu, void *memory, size_t bytes);
void hf_cpu_spare_free(hf_cpu *cpu);

/* begin: all scratch is free again. One operation at a time, from the thread that runs it. */
void hf_cpu_scratch_begin(hf_cpu *cpu);
void *hf_cpu_scratch(hf_cpu *cpu, size_t bytes); /* aligned, not zeroed; good until the next begin; NULL: out of memory */
void hf_cpu_scratch_free(hf_cpu *cpu);

/* HF_E_ARGUMENT naming the operation unless [offset, offset + count) lies in the vector. */
hf_status hf_cpu_range(const char *operation, const hf_vec *vec, size_t offset, size_t count);

/* The operations that no variant changes. */
void hf_cpu_destroy(hf_backend *backend);
hf_status hf_cpu_vec_create(hf_backend *backend, size_t length, hf_vec **out);
void hf_cpu_vec_destroy(hf_backend *backend, hf_vec *vec);
hf_status hf_cpu_vec_upload(hf_backend *backend, hf_vec *to, size_t offset, const hf_fr *from, size_t count);
hf_status hf_cpu_vec_download(hf_backend *backend, const hf_vec *from, size_t offset, hf_fr *to,
                              size_t count);
hf_status hf_cpu_vec_copy(hf_backend *backend, hf_vec *to, size_t to_offset, const hf_vec *from,
                          size_t from_offset, size_t count);
hf_status hf_cpu_vec_zero(hf_backend *backend, hf_vec *vec, size_t offset, size_t count);
hf_status hf_cpu_points_create(hf_backend *backend, const hf_g1 *points, size_t count, hf_points **out);
void hf_cpu_points_destroy(hf_backend *backend, hf_points *points);

/* One table per variant (ops.c); the list of variants is in backend_cpu.c. */
extern const hf_backend_ops hf_cpu_portable_ops;
#if defined(__x86_64__)
extern const hf_backend_ops hf_cpu_mulx_ops; /* BMI2 and ADX */
extern const hf_backend_ops hf_cpu_ifma_ops; /* AVX-512 with IFMA as well */
void hf_cpu_ifma_release(hf_cpu *cpu);       /* its tables */
#endif

/* Seconds of a clock that only goes forward. */
double hf_cpu_now(void);

/* For registry.c. */
hf_status hf_cpu_create(const hf_backend_options *options, hf_backend **out);
hf_status hf_cpu_devices(const hf_backend_options *options, hf_backend_device *out, size_t limit, size_t *count);

#endif
