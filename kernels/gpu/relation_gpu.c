/* The grand product, the terms of the running sums, and the quotient. */
#include "relation_inputs.h"
#include "gpu.h"

#define FIXED(in)                                                                                           \
  HF_MEMORY((in)->fixed[0]->memory), HF_MEMORY((in)->fixed[1]->memory), HF_MEMORY((in)->fixed[2]->memory),  \
      HF_MEMORY((in)->fixed[3]->memory), HF_MEMORY((in)->fixed[4]->memory), HF_MEMORY((in)->fixed[5]->memory), \
      HF_MEMORY((in)->fixed[6]->memory), HF_MEMORY((in)->fixed[7]->memory), HF_MEMORY((in)->fixed[8]->memory), \
      HF_MEMORY((in)->fixed[9]->memory), HF_MEMORY((in)->fixed[10]->memory),                                \
      HF_MEMORY((in)->fixed[11]->memory), HF_MEMORY((in)->fixed[12]->memory),                               \
      HF_MEMORY((in)->fixed[13]->memory), HF_MEMORY((in)->fixed[14]->memory),                               \
      HF_MEMORY((in)->fixed[15]->memory), HF_MEMORY((in)->fixed[16]->memory),                               \
      HF_MEMORY((in)->fixed[17]->memory), HF_MEMORY((in)->fixed[18]->memory),                               \
      HF_MEMORY((in)->fixed[19]->memory), HF_MEMORY((in)->fixed[20]->memory),                               \
      HF_MEMORY((in)->fixed[21]->memory), HF_MEMORY((in)->fixed[22]->memory),                               \
      HF_MEMORY((in)->fixed[23]->memory)
#define COLUMNS(x)                                                                                          \
  HF_MEMORY((x)[0]->memory), HF_MEMORY((x)[1]->memory), HF_MEMORY((x)[2]->memory), HF_MEMORY((x)[3]->memory), \
      HF_MEMORY((x)[4]->memory)
_Static_assert(HF_FIXED_COUNT == 24 && HF_WIRES == 5, "FIXED, COLUMNS and the kernels' parameters list them all");
/* OpenCL promises 1024 bytes of parameters: here 38 columns, a number, three elements and the challenges. */
_Static_assert(38 * 8 + 8 + 3 * sizeof(hf_fr) + sizeof(hf_rel_challenges) <= 1024, "the quotient's parameters");

hf_status hf_gpu_grand_product(hf_backend *backend, hf_vec *z, const hf_vec *const *wires, const hf_vec *const *sigmas,
                               size_t wire_count, unsigned log_n, hf_fr beta, hf_fr gamma, bool *closes) {
  hf_gpu *gpu = hf_gpu_of(backend);
  hf_status status;
  hf_gpu_memory *below = NULL, *roots;
  const hf_vec *w[HF_WIRES], *s[HF_WIRES];
  size_t bytes = 0;
  hf_fr total;
  *closes = false;
  if (log_n > HF_FR_TWO_ADICITY) return hf_fail(HF_E_ARGUMENT, "grand_product: 2^%u rows", log_n);
  if (wire_count < 1 || wire_count > HF_WIRES)
    return hf_fail(HF_E_ARGUMENT, "grand_product: %zu wires; 1 to %d", wire_count, HF_WIRES);
  const size_t n = (size_t)1 << log_n;
  bytes = n * sizeof(hf_fr);
  HF_TRY(hf_vec_range("grand_product (z)", z, 0, n));
  for (size_t k = 0; k < HF_WIRES; k++) { /* parameters that no wire takes repeat the first */
    w[k] = wires[k < wire_count ? k : 0], s[k] = sigmas[k < wire_count ? k : 0];
    HF_TRY(hf_vec_range("grand_product (wire)", w[k], 0, n));
    HF_TRY(hf_vec_range("grand_product (sigma)", s[k], 0, n));
  }
  HF_TRY(hf_gpu_roots(gpu, &roots));
  HF_TRY(hf_gpu_take(gpu, bytes, &below));
  HF_TRY(HF_GPU_LAUNCH(gpu, ratio_terms, n, HF_MEMORY(z->memory), HF_MEMORY(below), COLUMNS(w), COLUMNS(s),
                       HF_MEMORY(roots), HF_U32(wire_count), HF_U32(log_n), HF_FR(beta), HF_FR(gamma)));
  HF_TRY(hf_gpu_invert(gpu, below, n));
  HF_TRY(HF_GPU_LAUNCH(gpu, hadamard, n, HF_MEMORY(z->memory), HF_MEMORY(below), HF_U32(n)));
  HF_TRY(hf_gpu_scan(gpu, z->memory, z->memory, n, true, &total));
  *closes = hf_fr_eq(total, hf_fr_one());
out:
  hf_gpu_give(gpu, below, bytes);
  return status;
}

static hf_status columns_check(const char *operation, const struct hf_relation_inputs *in, size_t n) {
  hf_status status;
  for (int k = 0; k < HF_FIXED_COUNT; k++) HF_TRY(hf_vec_range(operation, in->fixed[k], 0, n));
  for (int k = 0; k < HF_WIRES; k++) HF_TRY(hf_vec_range(operation, in->wires[k], 0, n));
  HF_TRY(hf_vec_range(operation, in->multiplicity, 0, n));
out:
  return status;
}

/* Fractions, one batch of inverses each, then products in place. */
hf_status hf_gpu_sum_terms(hf_backend *backend, const struct hf_relation_inputs *in, hf_vec *range, hf_vec *rom,
                           hf_vec *nonnative) {
  hf_gpu *gpu = hf_gpu_of(backend);
  hf_status status;
  const size_t n = (size_t)1 << in->log_n, bytes = n * sizeof(hf_fr);
  hf_gpu_memory *range_below = NULL, *rom_below = NULL;
  HF_TRY(columns_check("sum_terms", in, n));
  HF_TRY(hf_vec_range("sum_terms (range)", range, 0, n));
  HF_TRY(hf_vec_range("sum_terms (ROM)", rom, 0, n));
  HF_TRY(hf_vec_range("sum_terms (nonnative)", nonnative, 0, n));
  HF_TRY(hf_gpu_take(gpu, bytes, &range_below));
  HF_TRY(hf_gpu_take(gpu, bytes, &rom_below));
  HF_TRY(HF_GPU_LAUNCH(gpu, sum_fractions, n, HF_MEMORY(range->memory), HF_MEMORY(range_below), HF_MEMORY(rom->memory),
                       HF_MEMORY(rom_below), HF_MEMORY(nonnative->memory), FIXED(in), COLUMNS(in->wires),
                       HF_MEMORY(in->multiplicity->memory), HF_U32(in->log_n), HF_STRUCT(in->challenges)));
  HF_TRY(hf_gpu_invert(gpu, range_below, n));
  HF_TRY(HF_GPU_LAUNCH(gpu, hadamard, n, HF_MEMORY(range->memory), HF_MEMORY(range_below), HF_U32(n)));
  HF_TRY(hf_gpu_invert(gpu, rom_below, n));
  HF_TRY(HF_GPU_LAUNCH(gpu, hadamard, n, HF_MEMORY(rom->memory), HF_MEMORY(rom_below), HF_U32(n)));
out:
  hf_gpu_give(gpu, range_below, bytes);
  hf_gpu_give(gpu, rom_below, bytes);
  return status;
}

hf_status hf_gpu_quotient(hf_backend *backend, const struct hf_relation_inputs *in, hf_fr shift, hf_vec *out) {
  hf_gpu *gpu = hf_gpu_of(backend);
  hf_status status;
  const size_t n = (size_t)1 << in->log_n, bytes = n * sizeof(hf_fr);
  hf_gpu_memory *l1 = NULL, *roots;
  hf_fr zh = hf_fr_sub(hf_fr_pow_u64(shift, n), hf_fr_one());
  HF_TRY(hf_vec_range("quotient", out, 0, n));
  HF_TRY(columns_check("quotient", in, n));
  const hf_vec *rest[] = {in->z, in->range, in->rom, in->rho, in->public_inputs};
  for (int k = 0; k < 5; k++) HF_TRY(hf_vec_range("quotient (sums)", rest[k], 0, n));
  if (hf_fr_is_zero(zh)) HF_TRY(hf_fail(HF_E_ARGUMENT, "quotient: the coset is H itself"));
  hf_fr l1_scale = hf_fr_mul(zh, hf_fr_inv(hf_fr_from_u64(n)));
  HF_TRY(hf_gpu_roots(gpu, &roots));
  HF_TRY(hf_gpu_take(gpu, bytes, &l1));
  HF_TRY(HF_GPU_LAUNCH(gpu, coset_points, n, HF_MEMORY(l1), HF_MEMORY(roots), HF_FR(shift), HF_U32(in->log_n)));
  HF_TRY(hf_gpu_invert(gpu, l1, n));
  HF_TRY(HF_GPU_LAUNCH(gpu, quotient, n, HF_MEMORY(out->memory), FIXED(in), COLUMNS(in->wires),
                       HF_MEMORY(in->multiplicity->memory), COLUMNS(rest), HF_MEMORY(l1), HF_MEMORY(roots),
                       HF_U32(in->log_n), HF_FR(shift), HF_FR(l1_scale), HF_FR(hf_fr_inv(zh)),
                       HF_STRUCT(in->challenges)));
out:
  hf_gpu_give(gpu, l1, bytes);
  return status;
}
