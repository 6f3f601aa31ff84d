#include "bench_fold.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "bench_internal.h"
#include "circuits/batch.h"
#include "circuits/fold.h"
#include "verify.h"

typedef struct bench {
  const hf_bench_fold_options *options;
  hf_bench_fold_report *report;
  hf_backend *backend;
  hf_srs *srs;
  hf_fold_setup setup;
  hf_proving_key *leaf, *node, *seal;
  hf_batch_record record[3];
  hf_fold_child child[3], pair, all;
  hf_node_input node_input;
  hf_seal_input seal_input;
} bench;

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static void say(const bench *b, const char *what) {
  if (b->options->progress) b->options->progress(b->options->context, what);
}

/* The kernel's high-water mark can be set back; where it cannot, it covers what came before. */
static void peak_reset(void) {
  int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  if (write(fd, "5", 1) != 1) { /* an older mark is an upper bound */
  }
  close(fd);
}

static uint64_t peak_read(void) {
  char line[128];
  unsigned long long kib = 0;
  FILE *file = fopen("/proc/self/status", "re");
  if (!file) return 0;
  while (fgets(line, sizeof line, file))
    if (sscanf(line, "VmHWM: %llu", &kib) == 1) break;
  fclose(file);
  return (uint64_t)kib * 1024;
}

/* Scopes of the first two levels that have rows worth telling. */
static void gadgets(const hf_circuit *circuit, hf_bench_fold_result *r) {
  size_t count;
  const hf_scope_rows *s = hf_circuit_scopes(circuit, &count);
  for (size_t i = 1; i < count && r->gadget_count < HF_BENCH_FOLD_GADGETS; i++) {
    if (s[i].depth > 2 || s[i].total < 50) continue;
    snprintf(r->gadgets[r->gadget_count].name, sizeof r->gadgets[0].name, "%s%s%s",
             s[i].depth == 2 ? s[s[i].parent].name : "", s[i].depth == 2 ? "/" : "", s[i].name);
    r->gadgets[r->gadget_count++].rows = s[i].total;
  }
}

static int by_value(const void *x, const void *y) {
  double a = *(const double *)x, b = *(const double *)y;
  return (a > b) - (a < b);
}

enum kind { LEAF, NODE, SEAL };

static hf_status build(const bench *b, enum kind kind, const void *input, hf_circuit **out) {
  hf_status status;
  hf_builder_options options;
  hf_builder *builder = NULL;
  hf_rollup_params params = {.depth = 4, .slots = 1};
  *out = NULL;
  if (kind == LEAF)
    HF_TRY(hf_batch_options(&params, &options));
  else if (kind == NODE)
    hf_node_options(&options);
  else
    hf_seal_options(&options);
  HF_TRY(hf_builder_create(&options, &builder));
  if (kind == LEAF)
    HF_TRY(hf_batch_circuit(builder, &params, input));
  else if (kind == NODE)
    (void)hf_node_circuit(builder, &b->setup, input); /* the builder keeps its error */
  else
    HF_TRY(hf_seal_circuit(builder, &b->setup, b->node->vk.digest, input));
  HF_TRY(hf_builder_finish(builder, out));
out:
  hf_builder_destroy(&builder);
  return status;
}

/* Proves `repeats` times; the last proof stays in *out. */
static hf_status run(bench *b, enum kind kind, const void *input, const char *name, hf_proving_key **key, size_t repeats,
                     hf_proof *out) {
  hf_status status;
  hf_circuit *circuit = NULL;
  hf_prover *prover = NULL;
  hf_writer bytes = {0};
  hf_bench_fold_result unused = {0}, *r = kind == LEAF ? &unused : &b->report->results[b->report->count];
  hf_prove_report reports[16];
  double sorted[16], start;
  if (repeats > 16) return hf_fail(HF_E_ARGUMENT, "at most 16 repeats");
  say(b, name);
  if (kind != LEAF) b->report->count++;
  r->name = name;
  r->samples_ms = calloc(repeats, sizeof *r->samples_ms);
  if (!r->samples_ms) return hf_fail(HF_E_MEMORY, "no memory for samples");
  peak_reset();
  start = now_ms();
  HF_TRY(build(b, kind, input, &circuit));
  r->witness_ms = now_ms() - start;
  HF_TRY(hf_circuit_check(circuit));
  if (!*key) {
    hf_key_options options = {kind == SEAL ? HF_SEAL_KAPPA : HF_PRODUCTION_KAPPA,
                              kind == SEAL ? HF_TRANSCRIPT_KECCAK : HF_TRANSCRIPT_POSEIDON2};
    start = now_ms();
    HF_TRY(hf_proving_key_derive(b->backend, b->srs, circuit, &options, key));
    r->key_ms = now_ms() - start;
  }
  start = now_ms();
  HF_TRY(hf_prover_create(b->backend, b->srs, *key, &prover));
  r->load_ms = now_ms() - start;
  for (size_t i = 0; i < repeats; i++) {
    bool ok;
    HF_TRY(hf_prove(prover, circuit, NULL, out, &reports[i]));
    start = now_ms();
    HF_TRY(hf_verify(&(*key)->vk, out, &ok));
    r->verify_ms = now_ms() - start;
    if (!ok) HF_TRY(hf_fail(HF_E_DEVICE, "%s: a proof of the benchmark does not verify: no result", name));
    sorted[i] = r->samples_ms[i] = 1e3 * reports[i].seconds;
  }
  r->samples = repeats;
  qsort(sorted, repeats, sizeof *sorted, by_value);
  r->median_ms = sorted[repeats / 2];
  for (size_t i = 0; i < repeats; i++)
    if (r->samples_ms[i] == r->median_ms) r->median = reports[i];
  HF_TRY(hf_proof_encode(out, &bytes));
  r->proof_bytes = bytes.length;
  r->log_n = circuit->log_n;
  r->kappa = (*key)->vk.kappa;
  r->used_rows = circuit->used_rows;
  r->peak_bytes = peak_read();
  gadgets(circuit, r);
out:
  free(unused.samples_ms);
  hf_writer_free(&bytes);
  hf_prover_destroy(&prover);
  hf_circuit_destroy(&circuit);
  return status;
}

static hf_status leaf(bench *b, int i) {
  hf_status status;
  hf_rollup_params params = {.depth = 4, .slots = 1};
  hf_batch_input input;
  HF_TRY(hf_batch_input_empty(&params, &input));
  HF_TRY(run(b, LEAF, &input, "leaf", &b->leaf, 1, &b->child[i].proof));
  b->child[i].vk = b->leaf->vk;
  b->record[i] = input.record;
  hf_fr_to_bytes(b->leaf->vk.digest, b->record[i].word[HF_RECORD_VK_DIGEST]);
out:
  hf_batch_input_free(&input);
  return status;
}

/* The node's digest is part of its input: the key comes first. */
static hf_status node_key(bench *b, double *ms) {
  hf_status status;
  hf_circuit *circuit = NULL;
  hf_key_options options = {HF_PRODUCTION_KAPPA, HF_TRANSCRIPT_POSEIDON2};
  say(b, "node key");
  HF_TRY(build(b, NODE, NULL, &circuit));
  double start = now_ms();
  HF_TRY(hf_proving_key_derive(b->backend, b->srs, circuit, &options, &b->node));
  *ms = now_ms() - start;
out:
  hf_circuit_destroy(&circuit);
  return status;
}

static hf_status measure(bench *b, size_t repeats) {
  hf_status status;
  double key_ms = 0;
  for (int i = 0; i < 3; i++) HF_TRY(leaf(b, i));
  HF_TRY(node_key(b, &key_ms));
  b->node_input.node_vk = b->node->vk.digest;
  memcpy(b->node_input.child, b->child, sizeof b->node_input.child);
  HF_TRY(run(b, NODE, &b->node_input, "node(leaf,leaf)", &b->node, repeats, &b->pair.proof));
  b->report->results[0].key_ms = key_ms;
  b->pair.vk = b->node->vk;
  b->node_input.child[0] = b->pair;
  b->node_input.child[1] = b->child[2];
  b->node_input.lift = 1;
  HF_TRY(run(b, NODE, &b->node_input, "node(node,leaf)", &b->node, repeats, &b->all.proof));
  b->all.vk = b->node->vk;
  b->seal_input.node_vk = b->node->vk.digest;
  b->seal_input.child = b->all;
  b->seal_input.level = 2;
  b->seal_input.records = 3;
  memcpy(b->seal_input.record, b->record, sizeof b->record);
  HF_TRY(run(b, SEAL, &b->seal_input, "seal", &b->seal, repeats, &b->pair.proof));
out:
  return status;
}

hf_status hf_bench_fold(const hf_bench_fold_options *o, hf_bench_fold_report *report) {
  hf_status status;
  bench *b = calloc(1, sizeof *b);
  size_t repeats = o->repeats ? o->repeats : 3;
  memset(report, 0, sizeof *report);
  if (!b) return hf_fail(HF_E_MEMORY, "no memory for the benchmark");
  b->options = o;
  b->report = report;
  report->threads = o->threads ? o->threads : hf_bench_processors();
  hf_bench_environment(&report->environment);
  report->environment.repeats = repeats;
  hf_backend_options options = {.threads = report->threads, .variant = o->variant};
  HF_TRY(hf_backend_create(o->backend ? o->backend : "cpu", &options, &b->backend));
  snprintf(report->device, sizeof report->device, "%.20s%s%.10s", b->backend->ops->name, o->variant ? "/" : "",
           o->variant ? o->variant : "");
  say(b, "setup");
  HF_TRY(hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET, hf_srs_points_needed(17, HF_SEAL_KAPPA), report->threads, &b->srs));
  b->setup.tau_g2 = b->srs->tau_g2;
  b->setup.development = b->srs->development;
  memcpy(b->setup.powers, b->srs->points, sizeof b->setup.powers);
  HF_TRY(measure(b, repeats));
out:
  hf_proving_key_destroy(&b->leaf);
  hf_proving_key_destroy(&b->node);
  hf_proving_key_destroy(&b->seal);
  hf_srs_destroy(&b->srs);
  hf_backend_destroy(&b->backend);
  free(b);
  if (status != HF_OK) hf_bench_fold_report_free(report);
  return status;
}

void hf_bench_fold_report_free(hf_bench_fold_report *report) {
  for (size_t i = 0; i < report->count; i++) free(report->results[i].samples_ms);
  hf_bench_report_free(&report->environment);
  memset(report, 0, sizeof *report);
}

json_t *hf_bench_fold_json(const hf_bench_fold_report *report) {
  json_t *root = hf_bench_report_json(&report->environment);
  for (size_t k = 0; root && k < report->count; k++) {
    const hf_bench_fold_result *r = &report->results[k];
    json_t *samples = json_array(), *phases = json_object(), *rows = json_object();
    for (size_t i = 0; i < r->samples; i++) json_array_append_new(samples, json_real(r->samples_ms[i]));
    for (unsigned i = 0; i < r->median.phase_count; i++)
      json_object_set_new(phases, r->median.phases[i].name, json_real(1e3 * r->median.phases[i].seconds));
    for (size_t i = 0; i < r->gadget_count; i++)
      json_object_set_new(rows, r->gadgets[i].name, json_integer(r->gadgets[i].rows));
    double limit = 1e3 * (r->median.msm_seconds + r->median.ntt_seconds);
    json_t *result = json_pack(
        "{s:s, s:I, s:I, s:s, s:f, s:o, s:f, s:f, s:b, s:o, s:o, s:I, s:I, s:f, s:f, s:f, s:f, s:I, s:I}", "name", r->name,
        "size", (json_int_t)1 << r->log_n, "threads", (json_int_t)report->threads, "device", report->device, "median_ms",
        r->median_ms, "samples_ms", samples, "limit_ms", limit, "ratio", limit > 0 ? r->median_ms / limit : 0.0, "verified",
        1, "phases_ms", phases, "rows", rows, "used_rows", (json_int_t)r->used_rows, "kappa", (json_int_t)r->kappa,
        "witness_ms", r->witness_ms, "key_ms", r->key_ms, "load_ms", r->load_ms, "verify_ms", r->verify_ms, "proof_bytes",
        (json_int_t)r->proof_bytes, "peak_bytes", (json_int_t)r->peak_bytes);
    if (!result || json_array_append_new(json_object_get(root, "results"), result) != 0) {
      json_decref(root);
      root = NULL;
    }
  }
  return root;
}
