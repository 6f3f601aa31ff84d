/* Devices that fail: a kernel whose results have a flipped bit, memory that runs out, a context that is lost. What comes of it is
 * an error or a proof that the verifier refuses, never a proof that is wrong; and the next proof is as good as the first.
 *
 * The device is the kernels as plain C, behind a table that spoils what they do. */
#include <stdio.h>
#include "../cpu/support.h"
#include "../plonk/rig.h"
#include "gpu/serial/device_serial.h"

/* Large enough that sums, products and inverses go in chunks of chunks. */
#define LOG_N 11

typedef struct faulty_device {
  hf_gpu_device base; /* first; a copy of the real one's but for the table */
  hf_gpu_device *real;
  hf_gpu_device_ops ops;
  int64_t live;                   /* allocations that were not freed */
  struct {
    hf_gpu_memory *memory;
    size_t bytes;
  } held[1024];
  size_t bytes, peak;             /* of them, and the most there were */
  uint64_t launches[HF_KERNEL_COUNT];
  int flip_kernel;                /* -1: none */
  uint64_t flip_launch;           /* which of its launches, from 0; UINT64_MAX: every one */
  uint64_t flips;
  bool out_of_memory, lost;
  uint64_t calls, lose_at; /* from this call on (from 1) everything fails; 0: never */
} faulty_device;

static faulty_device faulty;

static hf_status gone(void) {
  if (++faulty.calls == faulty.lose_at) faulty.lost = true;
  return faulty.lost ? hf_fail(HF_E_DEVICE, "the context is lost") : HF_OK;
}

static void faulty_close(hf_gpu_device *d) { (void)d; faulty.real->ops->close(faulty.real); }
static hf_status faulty_alloc(hf_gpu_device *d, size_t bytes, hf_gpu_memory **out) {
  (void)d;
  *out = NULL;
  if (gone() != HF_OK) return HF_E_DEVICE;
  if (faulty.out_of_memory) return hf_fail(HF_E_MEMORY, "no memory for %zu bytes", bytes);
  if (faulty.bytes + bytes > faulty.base.memory) return hf_fail(HF_E_MEMORY, "no memory for %zu bytes", bytes);
  hf_status status = faulty.real->ops->alloc(faulty.real, bytes, out);
  if (status != HF_OK) return status;
  size_t place = 0;
  while (faulty.held[place].memory) place++;
  cr_assert_lt(place, sizeof faulty.held / sizeof *faulty.held - 1);
  faulty.held[place].memory = *out;
  faulty.held[place].bytes = bytes;
  faulty.bytes += bytes;
  if (faulty.bytes > faulty.peak) faulty.peak = faulty.bytes;
  faulty.live++;
  return HF_OK;
}
static void faulty_free(hf_gpu_device *d, hf_gpu_memory *m) {
  (void)d;
  size_t place = 0;
  while (faulty.held[place].memory != m) place++;
  faulty.held[place].memory = NULL;
  faulty.bytes -= faulty.held[place].bytes;
  faulty.live--;
  faulty.real->ops->free(faulty.real, m);
}
static hf_status faulty_write(hf_gpu_device *d, hf_gpu_memory *to, size_t o, const void *from, size_t n) {
  (void)d;
  return gone() != HF_OK ? HF_E_DEVICE : faulty.real->ops->write(faulty.real, to, o, from, n);
}
static hf_status faulty_read(hf_gpu_device *d, const hf_gpu_memory *from, size_t o, void *to, size_t n) {
  (void)d;
  return gone() != HF_OK ? HF_E_DEVICE : faulty.real->ops->read(faulty.real, from, o, to, n);
}
static hf_status faulty_copy(hf_gpu_device *d, hf_gpu_memory *to, size_t o, const hf_gpu_memory *from, size_t p, size_t n) {
  (void)d;
  return gone() != HF_OK ? HF_E_DEVICE : faulty.real->ops->copy(faulty.real, to, o, from, p, n);
}
static hf_status faulty_zero(hf_gpu_device *d, hf_gpu_memory *m, size_t o, size_t n) {
  (void)d;
  return gone() != HF_OK ? HF_E_DEVICE : faulty.real->ops->zero(faulty.real, m, o, n);
}
static hf_status faulty_finish(hf_gpu_device *d) { (void)d; return gone(); }

/* The lowest bit of the first element of what a kernel writes, which is its first argument. A count or a number of a term
 * with another lowest bit still lies in its array. */
static hf_status faulty_launch(hf_gpu_device *d, hf_gpu_kernel kernel, uint32_t groups, const hf_gpu_argument *a, unsigned count) {
  (void)d;
  if (gone() != HF_OK) return HF_E_DEVICE;
  hf_status status = faulty.real->ops->launch(faulty.real, kernel, groups, a, count);
  uint64_t launch = faulty.launches[kernel]++;
  if (status == HF_OK && (int)kernel == faulty.flip_kernel && (faulty.flip_launch == UINT64_MAX || faulty.flip_launch == launch)) {
    uint8_t byte;
    size_t at = kernel == HF_KERNEL_powers ? sizeof(hf_fr) : 0; /* x^0 is known, and never read */
    OK(faulty.real->ops->read(faulty.real, a[0].memory, at, &byte, 1));
    byte ^= 1;
    OK(faulty.real->ops->write(faulty.real, a[0].memory, at, &byte, 1));
    faulty.flips++;
  }
  return status;
}

static hf_backend *faulty_backend(void) {
  hf_backend *k;
  memset(&faulty, 0, sizeof faulty);
  faulty.flip_kernel = -1;
  OK(hf_serial_device_open(&faulty.real));
  faulty.base = *faulty.real;
  faulty.ops = (hf_gpu_device_ops){faulty_close, faulty_alloc, faulty_free, faulty_write, faulty_read,
                                   faulty_copy,  faulty_zero,  faulty_launch, faulty_finish};
  faulty.base.ops = &faulty.ops;
  OK(hf_gpu_backend_create(&faulty.base, &k));
  return k;
}

#define NAME(name, group) #name,
static const char *const names[] = {HF_GPU_KERNELS(NAME)};
#undef NAME

/* A kernel that is wrong each time is found before anything is proven. */
Test(gpu_faults, the_selftest_finds_every_kernel) {
  hf_backend *k = faulty_backend();
  OK(hf_backend_selftest(k));
  for (int kernel = 0; kernel < HF_KERNEL_COUNT; kernel++) {
    if (kernel == HF_KERNEL_multiply_chain) continue; /* what measures has no answer */
    faulty.flip_kernel = kernel;
    faulty.flip_launch = UINT64_MAX;
    faulty.flips = 0;
    hf_backend_destroy(&k); /* tables of powers are made anew */
    int keep = kernel;
    k = faulty_backend();
    faulty.flip_kernel = keep;
    faulty.flip_launch = UINT64_MAX;
    hf_status status = hf_backend_selftest(k);
    cr_assert_gt(faulty.flips, 0, "the self-test does not run %s", names[kernel]);
    cr_assert_eq(status, HF_E_DEVICE, "%s: %s", names[kernel], hf_error_message());
  }
  hf_backend_destroy(&k);
  cr_assert_eq(faulty.live, 0);
}

typedef struct bench {
  rig r;
  hf_backend *cpu; /* the rig's own, which made the key */
  hf_prover *own;
} bench;

static bench bench_make(void) {
  bench b = {.r = rig_of(tiny_circuit(LOG_N, 12), 2, HF_TRANSCRIPT_POSEIDON2)};
  b.cpu = b.r.backend;
  b.own = b.r.prover;
  b.r.backend = faulty_backend();
  OK(hf_prover_create(b.r.backend, b.r.srs, b.r.key, &b.r.prover));
  return b;
}

static void bench_free(bench *b) {
  hf_prover_destroy(&b->r.prover);
  hf_backend_destroy(&b->r.backend);
  cr_assert_eq(faulty.live, 0, "%lld allocations are left", (long long)faulty.live);
  b->r.backend = b->cpu;
  b->r.prover = b->own;
  rig_free(&b->r);
}

static hf_status prove(bench *b, hf_proof *proof) {
  rig_random source = {.seed = 5};
  memset(faulty.launches, 0, sizeof faulty.launches);
  return hf_prove_with(b->r.prover, b->r.circuit, NULL, rig_random_source, &source, proof, NULL);
}

/* One bit of one launch, the first and the last of every kernel that a proof runs; two more in the long tier. */
Test(gpu_faults, no_bad_proof_leaves) {
  bench b = bench_make();
  static hf_proof good, proof;
  OK(prove(&b, &good)); /* the first makes the tables of powers, which are the self-test's to try */
  OK(prove(&b, &good));
  cr_assert(rig_verify(&b.r.key->vk, &good));
  uint64_t launches[HF_KERNEL_COUNT];
  memcpy(launches, faulty.launches, sizeof launches);
  unsigned kernels = 0, noticed = 0;
  for (int kernel = 0; kernel < HF_KERNEL_COUNT; kernel++) {
    if (launches[kernel] == 0) continue;
    unsigned before = noticed;
    uint64_t at[] = {0, launches[kernel] / 3, launches[kernel] * 2 / 3, launches[kernel] - 1};
    for (int i = 0; i < 4; i++) {
      if ((i > 0 && at[i] == at[i - 1]) || (!getenv("HF_SOAK") && (i == 1 || i == 2))) continue;
      faulty.flip_kernel = kernel;
      faulty.flip_launch = at[i];
      faulty.flips = 0;
      hf_status status = prove(&b, &proof);
      cr_assert_eq(faulty.flips, 1, "%s, launch %llu", names[kernel], (unsigned long long)at[i]);
      faulty.flip_kernel = -1;
      /* a wrong sum that does not close, or a commitment that cannot be: an error; else the verifier's word decides, and what
       * it accepts is a proof of the same satisfied circuit */
      if (status != HF_OK || rig_refuses(&b.r.key->vk, &proof)) noticed++;
      else cr_assert(memcmp(&proof, &good, sizeof good) == 0 || rig_verify(&b.r.key->vk, &proof));
    }
    cr_assert_gt(noticed, before, "no flip of %s was noticed", names[kernel]);
    if (kernels++ % 6) continue;
    OK(prove(&b, &proof)); /* and in the next proof nothing is left of them */
    cr_assert_eq(memcmp(&proof, &good, sizeof good), 0, "after %s", names[kernel]);
  }
  cr_assert_geq(kernels, 20, "a proof runs %u kernels", kernels);
  bench_free(&b);
}

/* Memory that runs out at any moment of a proof: refused by name, nothing leaks, and the next proof comes about. */
Test(gpu_faults, memory_runs_out) {
  bench b = bench_make();
  static hf_proof good, proof;
  OK(prove(&b, &good));
  hf_prover_destroy(&b.r.prover);
  hf_backend_destroy(&b.r.backend); /* with it what was spared for the next proof */
  b.r.backend = faulty_backend();
  faulty.out_of_memory = true;
  FAILS(hf_prover_create(b.r.backend, b.r.srs, b.r.key, &b.r.prover), HF_E_MEMORY);
  cr_assert_eq(faulty.live, 0);
  faulty.out_of_memory = false;
  OK(hf_prover_create(b.r.backend, b.r.srs, b.r.key, &b.r.prover));
  faulty.out_of_memory = true;
  FAILS(prove(&b, &proof), HF_E_MEMORY);
  cr_assert_not_null(strstr(hf_error_message(), "bytes"));
  faulty.out_of_memory = false;
  OK(prove(&b, &proof));
  cr_assert_eq(memcmp(&proof, &good, sizeof good), 0);
  bench_free(&b);
}

/* A device with the memory that a proof is said to need makes it; one with less refuses the key, with the figures. */
Test(gpu_faults, memory_is_planned) {
  for (unsigned log_n = 11; log_n <= 13; log_n += 2) {
    rig r = rig_of(tiny_circuit(log_n, 12), 3, HF_TRANSCRIPT_POSEIDON2);
    hf_backend *k = faulty_backend();
    hf_prover *prover = NULL;
    static hf_proof proof;
    faulty.base.memory = 1 << 20; /* no room for fixed columns on the cosets */
    size_t said = hf_prove_bytes(k, log_n, 3);
    faulty.base.memory = said + said / 15 + 1; /* a sixteenth is left alone */
    OK(hf_prover_create(k, r.srs, r.key, &prover));
    OK(hf_prove(prover, r.circuit, NULL, &proof, NULL));
    cr_assert_gt(faulty.peak, said / 2, "%zu bytes were taken, %zu said to be needed", faulty.peak, said);
    hf_prover_destroy(&prover);
    faulty.base.memory = said;
    FAILS(hf_prover_create(k, r.srs, r.key, &prover), HF_E_MEMORY);
    cr_assert_not_null(strstr(hf_error_message(), "rows needs about"), "%s", hf_error_message());
    hf_backend_destroy(&k);
    cr_assert_eq(faulty.live, 0);
    rig_free(&r);
  }
}

/* The device is lost at one of many moments: every call ends with a fault, and all can be given back. */
Test(gpu_faults, lost_context) {
  bench b = bench_make();
  static hf_proof good, proof;
  faulty.calls = 0;
  OK(prove(&b, &good));
  uint64_t calls = faulty.calls;
  cr_assert_gt(calls, 100);
  for (uint64_t at = 1; at <= calls; at += calls / 5) {
    faulty.calls = 0;
    faulty.lose_at = at;
    /* lost while the last memory is given back, the proof is there already */
    if (prove(&b, &proof) == HF_OK) cr_assert_eq(memcmp(&proof, &good, sizeof good), 0);
    FAILS(prove(&b, &proof), HF_E_DEVICE);
    hf_prover_destroy(&b.r.prover);
    hf_backend_destroy(&b.r.backend);
    cr_assert_eq(faulty.live, 0, "%lld allocations are left", (long long)faulty.live);
    b.r.backend = faulty_backend();
    OK(hf_prover_create(b.r.backend, b.r.srs, b.r.key, &b.r.prover));
    OK(prove(&b, &proof));
    cr_assert_eq(memcmp(&proof, &good, sizeof good), 0);
  }
  bench_free(&b);
}
