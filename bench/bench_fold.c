/* Nodes over two children and a seal, proven and verified. */
#include <stdlib.h>
#include <string.h>
#include "bench_proof.h"
#include "circuits/batch.h"
#include "circuits/fold.h"
#include "verify.h"

typedef struct bench {
  hf_bench_run run;
  hf_srs *srs;
  hf_fold_setup setup;
  hf_proving_key *leaf, *node, *seal;
  hf_batch_record record[3];
  hf_fold_child child[3], pair, all;
  hf_node_input node_input;
  hf_seal_input seal_input;
} bench;

enum kind { LEAF, NODE, SEAL };

static hf_status build(const bench *b, enum kind kind, const void *input, hf_circuit_plan *plan, hf_pool *pool,
                       hf_circuit **out) {
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
  options.plan = plan;
  options.pool = pool;
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

typedef struct subject {
  const bench *b;
  enum kind kind;
  const void *input;
} subject;

static hf_status expand(void *context, hf_circuit_plan *plan, hf_pool *pool, hf_circuit **out) {
  const subject *s = context;
  return build(s->b, s->kind, s->input, plan, pool, out);
}

static hf_status measure_one(bench *b, enum kind kind, const void *input, const char *name, hf_proving_key **key,
                             hf_bench_pairs *figures, hf_proof *out) {
  subject s = {b, kind, input};
  bool seal = kind == SEAL;
  hf_bench_proof proof = {.run = &b->run,
                          .srs = b->srs,
                          .key_options = {seal ? HF_SEAL_KAPPA : HF_PRODUCTION_KAPPA,
                                          seal ? HF_TRANSCRIPT_KECCAK : HF_TRANSCRIPT_POSEIDON2},
                          .key = key,
                          .expand = expand,
                          .context = &s};
  return hf_bench_proof_measure(&proof, name, figures, out);
}

/* A leaf of one slot: small, and to a node like any other. */
static hf_status leaf_prove(bench *b, const void *input, hf_proof *out) {
  hf_status status;
  hf_circuit *circuit = NULL;
  hf_prover *prover = NULL;
  hf_key_options options = {HF_PRODUCTION_KAPPA, HF_TRANSCRIPT_POSEIDON2};
  HF_TRY(build(b, LEAF, input, NULL, NULL, &circuit));
  if (!b->leaf) HF_TRY(hf_proving_key_derive(b->run.backend, b->srs, circuit, &options, &b->leaf));
  HF_TRY(hf_prover_create(b->run.backend, b->srs, b->leaf, &prover));
  HF_TRY(hf_prove(prover, circuit, NULL, out, NULL));
out:
  hf_prover_destroy(&prover);
  hf_circuit_destroy(&circuit);
  return status;
}

static hf_status leaf(bench *b, int i) {
  hf_status status;
  hf_rollup_params params = {.depth = 4, .slots = 1};
  hf_batch_input input;
  HF_TRY(hf_batch_input_empty(&params, &input));
  HF_TRY(leaf_prove(b, &input, &b->child[i].proof));
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
  hf_bench_say(&b->run, "node: key");
  HF_TRY(build(b, NODE, NULL, NULL, NULL, &circuit));
  double start = hf_bench_now_ms();
  HF_TRY(hf_proving_key_derive(b->run.backend, b->srs, circuit, &options, &b->node));
  *ms = hf_bench_now_ms() - start;
out:
  hf_circuit_destroy(&circuit);
  return status;
}

static hf_status measure(bench *b, hf_bench_pairs *figures) {
  hf_status status;
  double key_ms = 0;
  hf_bench_say(&b->run, "three leaves");
  for (int i = 0; i < 3; i++) HF_TRY(leaf(b, i));
  HF_TRY(node_key(b, &key_ms));
  b->node_input.node_vk = b->node->vk.digest;
  memcpy(b->node_input.child, b->child, sizeof b->node_input.child);
  HF_TRY(hf_bench_pairs_add(figures, "node_key_ms", key_ms));
  HF_TRY(measure_one(b, NODE, &b->node_input, "node(leaf,leaf)", &b->node, figures, &b->pair.proof));
  b->pair.vk = b->node->vk;
  b->node_input.child[0] = b->pair;
  b->node_input.child[1] = b->child[2];
  b->node_input.lift = 1;
  HF_TRY(measure_one(b, NODE, &b->node_input, "node(node,leaf)", &b->node, figures, &b->all.proof));
  b->all.vk = b->node->vk;
  b->seal_input.node_vk = b->node->vk.digest;
  b->seal_input.child = b->all;
  b->seal_input.level = 2;
  b->seal_input.records = 3;
  memcpy(b->seal_input.record, b->record, sizeof b->record);
  HF_TRY(measure_one(b, SEAL, &b->seal_input, "seal", &b->seal, figures, NULL));
out:
  return status;
}

hf_status hf_bench_fold(const hf_bench_options *o, hf_bench_report *report) {
  hf_status status;
  hf_bench_pairs figures = {0};
  if (o->log_max) return hf_fail(HF_E_ARGUMENT, "nodes and seals have one size each");
  bench *b = calloc(1, sizeof *b);
  if (!b) return hf_fail(HF_E_MEMORY, "no memory for the benchmark");
  HF_TRY(hf_bench_run_begin(&b->run, o, 3, report));
  hf_bench_say(&b->run, "set-up");
  HF_TRY(hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET, hf_srs_points_needed(17, HF_SEAL_KAPPA), b->run.threads, &b->srs));
  b->setup.tau_g2 = b->srs->tau_g2;
  b->setup.development = b->srs->development;
  memcpy(b->setup.powers, b->srs->points, sizeof b->setup.powers);
  HF_TRY(measure(b, &figures));
out:
  free(figures.items);
  hf_proving_key_destroy(&b->leaf);
  hf_proving_key_destroy(&b->node);
  hf_proving_key_destroy(&b->seal);
  hf_srs_destroy(&b->srs);
  hf_bench_run_end(&b->run);
  free(b);
  return status;
}
