/* The quotient on a coset and the terms of the running sums, from the one header of constraints. The inner loops are the
 * variant's (relation_cpu.h). */
#include "relation_cpu.h"

static const relation_loops *const loops = &HF_CPU_NAME(relation_loops);

/* NULL: out of memory */
static const void *tables_make(hf_cpu *cpu, const struct hf_relation_inputs *in) {
  hf_cpu_scratch_begin(cpu);
  void *tables = hf_cpu_scratch(cpu, loops->table_bytes);
  if (tables && loops->prepare) loops->prepare(&in->challenges, tables);
  return tables;
}

hf_status HF_CPU_NAME(quotient)(hf_backend *backend, const struct hf_relation_inputs *in, hf_fr shift, hf_vec *out) {
  hf_cpu *cpu = hf_cpu_of(backend);
  size_t n = (size_t)1 << in->log_n;
  hf_status status = hf_cpu_range("quotient", out, 0, n);
  if (status != HF_OK) return status;
  hf_fr zh = hf_fr_sub(hf_fr_pow_u64(shift, n), hf_fr_one());
  if (hf_fr_is_zero(zh)) return hf_fail(HF_E_ARGUMENT, "quotient: the coset is H itself");
  relation_quotient task = {.in = in,
                            .tables = tables_make(cpu, in),
                            .out = out->data,
                            .mask = n - 1,
                            .shift = shift,
                            .omega = hf_fr_root_of_unity((int)in->log_n),
                            .l1_scale = hf_fr_mul(zh, hf_fr_inv(hf_fr_from_u64(n))),
                            .zh_inverse = hf_fr_inv(zh)};
  if (!task.tables) return hf_fail(HF_E_MEMORY, "quotient: no memory for its tables");
  hf_pool_run(cpu->pool, n, loops->grain, loops->quotient, &task);
  return HF_OK;
}

hf_status HF_CPU_NAME(sum_terms)(hf_backend *backend, const struct hf_relation_inputs *in, hf_vec *range, hf_vec *rom,
                                 hf_vec *nonnative) {
  hf_cpu *cpu = hf_cpu_of(backend);
  size_t n = (size_t)1 << in->log_n;
  hf_status status;
  HF_TRY(hf_cpu_range("sum_terms (range)", range, 0, n));
  HF_TRY(hf_cpu_range("sum_terms (ROM)", rom, 0, n));
  HF_TRY(hf_cpu_range("sum_terms (nonnative)", nonnative, 0, n));
  relation_sums task = {in, tables_make(cpu, in), range->data, rom->data, nonnative->data, n - 1};
  if (!task.tables) HF_TRY(hf_fail(HF_E_MEMORY, "sum_terms: no memory for its tables"));
  hf_pool_run(cpu->pool, n, loops->grain, loops->sums, &task);
out:
  return status;
}
