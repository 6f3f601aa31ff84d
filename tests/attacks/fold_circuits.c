#include "fold_circuits.h"
#include <stdlib.h>
#include <string.h>
#include "arith/ec.h"
#include "arith/relation_fr.h"

static hf_fr fr(uint64_t x) { return hf_fr_from_u64(x); }

static hf_g1 point_of(uint64_t k) { return hf_g1_from_xyzz(hf_g1_mul(hf_g1_generator(), fr(k))); }

static hf_fold_setup small_setup(void) {
  hf_fold_setup setup = {.development = true};
  for (uint64_t i = 0; i < sizeof setup.powers / sizeof *setup.powers; i++) setup.powers[i] = point_of(i + 1);
  return setup;
}

/* ---- a child ---- */

static hf_status build_child(hf_builder *b, const void *context) {
  const subject *s = context;
  hf_verified_child out;
  hf_child_verify(b, &s->setup, &s->node->child[0], &out);
  (void)hf_mul(b, out.constant, out.constant);
  return hf_builder_status(b);
}

/* Where the constraints at zeta do not hold any more, the first chunk of the quotient is told to make up for
 * it. */
static bool mend_quotient(remover *m, const attempt *a, shape_lies *told) {
  static const char name[] = "the constraints hold at zeta";
  for (size_t i = 0; i < a->failure_count; i++) {
    if (strcmp(a->failures[i].name, name) != 0) continue;
    uint32_t row = a->failures[i].constraint.row,
             t0 = remover_hint(m, "evaluation at zeta", HF_EVAL_QUOTIENT);
    hf_rel_row r = remover_values(m, row);
    hf_fr rest = hf_rel_gate_arithmetic(&r), zh = m->a.value[m->vanishing];
    if (hf_fr_is_zero(zh)) return false;
    shape_lie_set(told, t0, hf_fr_add(m->a.value[t0], hf_fr_mul(rest, hf_fr_inv(zh))));
    return true;
  }
  return false;
}

/* No size at all: partial sums of the flags are one more from any row on. */
static void lies_about_no_size(remover *m, uint32_t flag, uint32_t log_n) {
  const hf_circuit *c = m->s.circuit;
  for (uint32_t row = remover_row(m, "domain", "one size", 0); !hf_fr_is_zero(c->fixed[HF_QN][row]); row++) {
    shape_lies told = {0};
    shape_lie_set(&told, flag, hf_fr_zero());
    shape_lie_set(&told, log_n, hf_fr_zero());
    for (uint32_t r = row; !hf_fr_is_zero(c->fixed[HF_QN][r]); r++)
      shape_lie_add(&told, shape_var_at(&m->s, r + 1, 4), hf_fr_one());
    remover_try(m, &told, "no size");
  }
}

/* Sizes by two flags, one of which is no bit; by none. */
static void lies_about_size(remover *m) {
  uint32_t flag[HF_MAX_LOG_N], log_n = remover_hint(m, "log n", 0), count = 0, set = 0;
  for (uint32_t i = 0; i < m->s.hint_count; i++)
    if (strcmp(m->s.hints[i].name, "size flag") == 0) flag[count++] = m->s.hints[i].var;
  while (hf_fr_is_zero(m->s.value[flag[set]])) set++;
  hf_fr one = hf_fr_one();
  uint32_t other = set + 1, size = HF_MIN_LOG_N + 1;
  shape_lies told = {0};
  shape_lie_set(&told, flag[set], fr(2));
  shape_lie_set(&told, flag[other], hf_fr_neg(one));
  shape_lie_set(&told, log_n, hf_fr_sub(fr(2 * (size + set)), fr(size + other)));
  remover_try(m, &told, "a size of two flags");
  shape_lie_set(&told, flag[set], one);
  shape_lie_set(&told, flag[other], one);
  shape_lie_set(&told, log_n, fr(2 * size + set + other));
  remover_try(m, &told, "two sizes");
  shape_lie_set(&told, flag[set], hf_fr_zero());
  shape_lie_set(&told, log_n, fr(size + other));
  remover_try(m, &told, "another size");
  told.count = 0;
  shape_lie_set(&told, flag[set], hf_fr_zero());
  shape_lie_set(&told, flag[other], one);
  remover_try(m, &told, "another size than the key's");
  /* its power of zeta is another; both places of a pair */
  for (other = set > 2 ? set - 2 : 0; other < set + 3; other++) {
    told.count = 0;
    shape_lie_set(&told, flag[set], hf_fr_zero());
    shape_lie_set(&told, flag[other], one);
    shape_lie_set(&told, log_n, fr(size + other));
    for (uint32_t i = m->s.cell_from[flag[other]]; i < m->s.cell_from[flag[other] + 1]; i++) {
      uint32_t row = m->s.cells[i] / HF_WIRES, youngest = flag[other];
      if (strcmp(m->s.circuit->notes->row_name[row], "quadratic") != 0) continue;
      for (unsigned w = 0; w <= HF_WIRES; w++) {
        uint32_t v = w < HF_WIRES ? shape_var_at(&m->s, row, w) : shape_var_at(&m->s, row + 1, 4);
        if (w == HF_WIRES && hf_fr_is_zero(m->s.circuit->fixed[HF_QN][row])) continue;
        if (v != HF_NO_VAR && v > youngest) youngest = v;
      }
      shape_lie_add(&told, youngest, one);
      remover_try(m, &told, "another power of zeta");
    }
  }
  lies_about_no_size(m, flag[set], log_n);
}

/* zeta is one of the rows, and all evaluations are zero: so are all constraints. */
static void lies_about_zeta(remover *m) {
  shape_lies told = {0};
  hf_fr omega = hf_fr_root_of_unity((int)hf_fr_to_limbs(m->s.value[remover_hint(m, "log n", 0)]).l[0]);
  for (uint32_t i = 0; i < HF_EVALS_ZETA; i++)
    shape_lie_set(&told, remover_hint(m, "evaluation at zeta", i), hf_fr_zero());
  for (uint32_t i = 0; i < HF_EVALS_NEXT; i++)
    shape_lie_set(&told, remover_hint(m, "evaluation at zeta omega", i), hf_fr_zero());
  enum { ZETA = 6 }; /* beta gamma lambda eta chi alpha zeta */
  shape_lie_set(&told, remover_hint(m, "challenge", ZETA), hf_fr_pow_u64(omega, HF_INSTANCE_COUNT + 3));
  remover_try(m, &told, "zeta on a row");
}

void circuit_child(remover *m, const subject *leaves) {
  stubs = (remover_stubs){.sums = true, .challenges = true};
  remover_take(m, "child", NULL, build_child, leaves);
  m->follow = mend_quotient;
  remover_keep(m, "challenge");
  remover_keep(m, "half challenge");
  remover_keep(m, "size flag");
  uint32_t row = remover_row(m, "identity", "zeta is no row", 0);
  m->vanishing = shape_var_at(&m->s, row, 0);
  lies_about_size(m);
  lies_about_zeta(m);
  remover_systematic(m);
  remover_drop(m);
  stubs = (remover_stubs){0};
}

/* ---- a node ---- */

static hf_status build_node(hf_builder *b, const void *context) {
  const hf_node_input *input = context;
  hf_fold_setup setup = small_setup();
  return hf_node_circuit(b, &setup, input);
}

void circuit_node(remover *m) {
  hf_node_input *input = calloc(1, sizeof *input);
  if (input == NULL) abort();
  hf_builder_options options;
  hf_node_options(&options);
  input->node_vk = fr(4711);
  input->lift = 1;
  for (int i = 0; i < HF_NODE_CHILDREN; i++) {
    hf_fold_child_blank(&input->child[i]);
    input->child[i].vk.digest = i == 0 ? input->node_vk : fr(17);
    input->child[i].proof.public_inputs[HF_INSTANCE_STATEMENT] = fr(900 + (uint64_t)i);
  }
  hf_fr *words = input->child[0].proof.public_inputs;
  words[HF_INSTANCE_NODE_VK] = input->node_vk;
  for (int i = 0; i < 2; i++)
    hf_g1_to_words(point_of(50 + (uint64_t)i), words + HF_INSTANCE_ACCUMULATOR + 4 * i);
  stubs = (remover_stubs){.sums = true, .challenges = true, .child = true};
  remover_take(m, "node circuit", &options, build_node, input);
  remover_keep(m, "challenge");
  remover_keep(m, "half challenge");
  remover_systematic(m);
  remover_drop(m);
  stubs = (remover_stubs){0};
  free(input);
}

/* ---- a seal ---- */

static hf_status build_seal(hf_builder *b, const void *context) {
  const hf_seal_input *input = context;
  hf_fold_setup setup = small_setup();
  return hf_seal_circuit(b, &setup, input->node_vk, input);
}

/* The child states what the records give. */
static bool mend_statement(remover *m, const attempt *a, shape_lies *told) {
  (void)a;
  uint32_t statement = remover_hint(m, "instance word", HF_INSTANCE_STATEMENT);
  hf_fr root = m->s.circuit->wires[0][HF_SEAL_STATEMENT];
  if (hf_fr_eq(root, m->a.value[statement])) return false;
  shape_lie_set(told, statement, root);
  return true;
}

static void lies_about_records(remover *m) {
  shape_lies told = {0};
  shape_lie_set(&told, remover_hint(m, "record present", 2), fr(2));
  shape_lie_set(&told, remover_hint(m, "m", 0), fr(4));
  remover_try(m, &told, "a record that counts twice");
  told.count = 0;
  shape_lie_set(&told, remover_hint(m, "record present", 4), hf_fr_one());
  shape_lie_set(&told, remover_hint(m, "m", 0), fr(4));
  remover_try(m, &told, "a record behind a gap");
  told.count = 0;
  for (uint32_t i = 0; i < 3; i++) shape_lie_set(&told, remover_hint(m, "record present", i), hf_fr_zero());
  shape_lie_set(&told, remover_hint(m, "m", 0), hf_fr_zero());
  remover_try(m, &told, "no records");
  m->follow = NULL;
  told.count = 0;
  shape_lie_set(&told, remover_hint(m, "instance word", HF_INSTANCE_STATEMENT), fr(77));
  remover_try(m, &told, "a child that states other records");
  m->follow = mend_statement;
}

void circuit_seal(remover *m) {
  hf_seal_input *input = calloc(1, sizeof *input);
  if (input == NULL) abort();
  hf_builder_options options;
  hf_seal_options(&options);
  input->node_vk = fr(4711);
  input->records = 3;
  input->level = HF_SEAL_RECORDS_LOG;
  for (uint32_t i = 0; i < input->records; i++)
    for (int j = 0; j < HF_RECORD_WORDS; j++)
      hf_fr_to_bytes(hf_fr_inv(fr(1000 + 100 * (uint64_t)i + (uint64_t)j)), input->record[i].word[j]);
  hf_fold_child_blank(&input->child);
  hf_fr *words = input->child.proof.public_inputs;
  input->child.vk.digest = words[HF_INSTANCE_NODE_VK] = input->node_vk;
  if (hf_records_root(input->record, input->records, &words[HF_INSTANCE_STATEMENT]) != HF_OK) abort();
  for (int i = 0; i < 2; i++)
    hf_g1_to_words(point_of(50 + (uint64_t)i), words + HF_INSTANCE_ACCUMULATOR + 4 * i);
  stubs = (remover_stubs){.sums = true, .challenges = true, .child = true};
  remover_take(m, "seal circuit", &options, build_seal, input);
  m->follow = mend_statement;
  remover_keep(m, "challenge");
  remover_keep(m, "half challenge");
  lies_about_records(m);
  remover_systematic(m);
  remover_drop(m);
  stubs = (remover_stubs){0};
  free(input);
}
