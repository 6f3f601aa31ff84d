#include "engine.h"
#include <stdlib.h>
#include <string.h>
#include "arith/poseidon2.h"
#include "circuit/signature.h"
#include "host/scalar.h"

/* ---- the builder's variables, seen from outside ---- */

/* The test is linked with --wrap=hf_var_new: gadgets make their computed variables through it. Hints pass the
 * hook. */
hf_var __real_hf_var_new(hf_builder *b, hf_fr value);
hf_var __wrap_hf_var_new(hf_builder *b, hf_fr value);

static struct {
  const lies *told;
  hf_builder *builder; /* set once it exists; its preamble is out of reach */
  hint_note *hints;
  uint32_t hint_count, hint_capacity;
  bool constant_made;
  hf_var constant_var;
} run;

static void apply_lie(uint32_t var, hf_fr *value) {
  if (run.told == NULL) return;
  for (uint32_t i = 0; i < run.told->count; i++)
    if (run.told->list[i].var == var) *value = run.told->list[i].value;
}

hf_var __wrap_hf_var_new(hf_builder *b, hf_fr value) {
  if (b == run.builder) apply_lie((uint32_t)b->vars, &value);
  return __real_hf_var_new(b, value);
}

static void hook(void *context, uint32_t hint, const char *name, hf_fr *value) {
  (void)context;
  (void)hint;
  if (run.builder == NULL) return;
  uint32_t var = (uint32_t)run.builder->vars;
  apply_lie(var, value);
  if (run.hints != NULL && run.hint_count < run.hint_capacity)
    run.hints[run.hint_count++] = (hint_note){var, name};
}

/* Constants come from here too: --wrap=hf_constant and --wrap=hf_constant_u64. A lied constant keeps its row,
 * which says the honest value; its variable holds the lie. */
hf_var __real_hf_constant(hf_builder *b, hf_fr k);
hf_var __wrap_hf_constant(hf_builder *b, hf_fr k);
hf_var __wrap_hf_constant_u64(hf_builder *b, uint64_t k);

hf_var __wrap_hf_constant(hf_builder *b, hf_fr k) {
  if (b != run.builder || run.told == NULL || !run.told->constant || !hf_fr_eq(k, run.told->honest))
    return __real_hf_constant(b, k);
  if (!run.constant_made) {
    run.constant_var = __real_hf_constant(b, k);
    b->value[run.constant_var.id] = run.told->lied;
    run.constant_made = true;
  }
  return run.constant_var;
}

hf_var __wrap_hf_constant_u64(hf_builder *b, uint64_t k) { return __wrap_hf_constant(b, hf_fr_from_u64(k)); }

/* ---- small things ---- */

void lie_add(lies *told, uint32_t var, hf_fr value) {
  for (uint32_t i = 0; i < told->count; i++)
    if (told->list[i].var == var) {
      told->list[i].value = value;
      return;
    }
  if (told->count == MAX_LIES) abort();
  told->list[told->count++] = (lie){var, value};
}

uint32_t var_at(const instance *in, uint32_t row, unsigned wire) {
  return row < in->rows ? in->cell[row][wire] : HF_NO_VAR;
}

static void *get(size_t count, size_t size) {
  void *p = calloc(count + 1, size);
  if (p == NULL) abort();
  return p;
}

/* ---- runs ---- */

typedef hf_status (*build_function)(hf_builder *b, const void *context);

static hf_status build_batch(hf_builder *b, const void *context) {
  const hf_batch_input *input = context;
  return hf_batch_circuit(b, &input->params, input);
}

static void run_circuit(const instance *in, const hf_builder_options *given, build_function build,
                        const void *context, const lies *told, attempt *out, instance *notes) {
  hf_builder_options options = *given;
  hf_builder *b = NULL;
  memset(out, 0, sizeof *out);
  memset(&run, 0, sizeof run);
  run.told = told;
  if (notes != NULL) {
    run.hint_capacity = 1 << 16;
    run.hints = get(run.hint_capacity, sizeof *run.hints);
  }
  options.hint_hook = hook;
  out->status = hf_builder_create(&options, &b);
  run.builder = b;
  if (out->status == HF_OK) out->status = build(b, context);
  if (out->status == HF_OK) out->status = hf_builder_finish(b, &out->circuit);
  if (out->status == HF_OK) {
    out->vars = (uint32_t)b->vars;
    out->value = get(b->vars, sizeof *out->value);
    memcpy(out->value, b->value, b->vars * sizeof *out->value);
    out->status = hf_circuit_failures(out->circuit, out->failures, MAX_FAILURES, &out->failure_count);
    out->statement_kept = in != NULL && out->circuit->public_count > 0 &&
                          hf_fr_eq(out->circuit->public_inputs[0], in->statement);
  }
  if (out->status == HF_OK && notes != NULL) {
    uint32_t publics = out->circuit->public_count;
    notes->rows = out->circuit->used_rows;
    notes->vars = out->vars;
    notes->cell = get(notes->rows, sizeof *notes->cell);
    notes->first_row = get(out->vars, sizeof *notes->first_row);
    memset(notes->first_row, 0xff, out->vars * sizeof *notes->first_row);
    for (uint32_t r = 0; r < notes->rows; r++)
      for (unsigned w = 0; w < HF_WIRES; w++) {
        uint32_t v = r < publics ? (w == 0 ? b->publics[r] : HF_NO_VAR) : b->rows[r - publics].w[w];
        notes->cell[r][w] = v;
        if (v != HF_NO_VAR && notes->first_row[v] == UINT32_MAX) notes->first_row[v] = r;
      }
    notes->hints = run.hints;
    notes->hint_count = run.hint_count;
  }
  hf_builder_destroy(&b);
  memset(&run, 0, sizeof run);
}

void attempt_run(const instance *in, const hf_batch_input *input, const lies *told, attempt *out) {
  hf_builder_options options;
  if (hf_batch_options(&in->input.params, &options) != HF_OK) abort();
  run_circuit(in, &options, build_batch, input == NULL ? &in->input : input, told, out, NULL);
}

static hf_status build_signature(hf_builder *b, const void *context) {
  const signature_case *c = context;
  hf_base_table base;
  hf_base_table_create(b, hf_base_window(1), &base);
  hf_point a = hf_point_hint(b, c->a[0], c->a[1], "A"), r = hf_point_hint(b, c->r[0], c->r[1], "R");
  hf_var s = hf_hint(b, c->s, "S"), h = hf_hint(b, c->h, "h");
  /* rows that hold R, A and h: in a batch the challenge's hash does */
  hf_assert_linear(b, "R is used", (hf_term[]){{hf_fr_zero(), r.x}, {hf_fr_zero(), r.y}}, 2, hf_fr_zero());
  hf_assert_linear(b, "A is used", (hf_term[]){{hf_fr_zero(), a.x}, {hf_fr_zero(), a.y}}, 2, hf_fr_zero());
  hf_assert_linear(b, "h is used", (hf_term[]){{hf_fr_zero(), h}}, 1, hf_fr_zero());
  hf_signature_check(b, &base, a, r, s, h);
  return hf_builder_status(b);
}

static const hf_builder_options signature_options = {.table_width = 8};

void signature_init(signature_case *c, instance *in) {
  memset(in, 0, sizeof *in);
  in->name = "signature";
  for (int pass = 0; pass < 2; pass++) {
    attempt a;
    instance_free(in);
    run_circuit(NULL, &signature_options, build_signature, c, NULL, &a, in);
    if (a.status != HF_OK) abort();
    for (uint32_t i = 0, points = 0; i < in->hint_count; i++) {
      const char *name = in->hints[i].name;
      if (strcmp(name, "A") == 0) c->var_a[points++ & 1] = in->hints[i].var;
      if (strcmp(name, "R") == 0) c->var_r[points++ & 1] = in->hints[i].var;
      if (strcmp(name, "S") == 0) c->var_s = in->hints[i].var;
      if (strcmp(name, "h") == 0) c->var_h = in->hints[i].var;
    }
    const hf_circuit_notes *notes = a.circuit->notes;
    for (size_t i = 0; i < notes->merge_count; i++)
      for (int k = 0; k < 2; k++)
        if (notes->merges[i].y == c->var_r[k]) c->r[k] = a.value[notes->merges[i].x];
    in->circuit = a.circuit;
    in->value = a.value;
  }
}

void signature_run(const signature_case *c, const lies *told, bool follow, attempt *out) {
  run_circuit(NULL, &signature_options, build_signature, c, told, out, NULL);
  if (!follow || out->status != HF_OK) return;
  lies *all = get(1, sizeof *all);
  *all = *told;
  const hf_circuit_notes *notes = out->circuit->notes;
  for (size_t i = 0; i < notes->merge_count; i++)
    for (int k = 0; k < 2; k++)
      if (notes->merges[i].y == c->var_r[k]) lie_add(all, c->var_r[k], out->value[notes->merges[i].x]);
  attempt_free(out);
  run_circuit(NULL, &signature_options, build_signature, c, all, out, NULL);
  free(all);
}

void attempt_free(attempt *a) {
  hf_circuit_destroy(&a->circuit);
  free(a->value);
  memset(a, 0, sizeof *a);
}

/* ---- the clever sequencer ---- */

/* The (x, y, word) of the six leaf hashes, in the order of the circuit: old and new of from, to, fees. */
static uint32_t leaf_rows(const hf_circuit *c, uint32_t rows[6]) {
  uint32_t found = 0;
  for (uint32_t r = 0; r < c->used_rows && found < 6; r++) {
    char path[128];
    const char *name;
    if (hf_fr_is_zero(c->fixed[HF_S_MERKLE][r])) continue;
    hf_circuit_where(c, r, path, &name);
    if (strcmp(path, "slot/from") == 0 || strcmp(path, "slot/to") == 0 || strcmp(path, "fees") == 0)
      rows[found++] = r;
  }
  return found;
}

/* The hash that starts on `row`: its feed-forward stands 19 rows on and puts it on e of the next row. */
static hf_fr hash_at(const hf_circuit *c, uint32_t row) { return c->wires[4][row + 20]; }

static void set_hash(ref_state *state, uint32_t index, hf_fr hash) {
  state->nodes[0][index] = hash;
  for (uint32_t k = 1; k <= state->levels; k++) {
    index >>= 2;
    const hf_fr *n = &state->nodes[k - 1][4 * index];
    state->nodes[k][index] = hf_poseidon2_compress4(n[0], n[1], n[2], n[3]);
  }
}

static void copy_path(hf_batch_update *to, const ref_state *state, uint32_t index) {
  hf_batch_update update;
  ref_open(state, index, &update);
  memcpy(to->siblings, update.siblings, sizeof to->siblings);
}

/* S with S B = k B + h a B */
static hf_fr sign_again(const instance *in, hf_fr h) {
  hf_fr hl = hf_fr_to_limbs(h), al = hf_fr_to_limbs(in->signer), kl = hf_fr_to_limbs(in->nonce);
  hf_scalar s = hf_scalar_mul(hf_scalar_from_limbs(hl.l), hf_scalar_from_limbs(al.l));
  s = hf_scalar_add(s, hf_scalar_from_limbs(kl.l));
  hf_fr out = {{s.l[0], s.l[1], s.l[2], s.l[3]}};
  return hf_fr_from_limbs(out);
}

/* Adapts paths and root of `input` to the leaves of the attempt. The tree is that of the world, with the lied
 * leaves. */
static void follow_state(const instance *in, const attempt *a, hf_batch_input *input) {
  uint32_t rows[6];
  if (leaf_rows(a->circuit, rows) != 6) return;
  ref_state state;
  ref_state_init(&state, in->input.params.depth);
  for (uint32_t i = 0; i < 16; i++) ref_leaf_set(&state, i, in->world.state.leaves[i]);
  hf_batch_update *updates[3] = {&input->slots[0].from, &input->slots[0].to, &input->fees};
  for (int u = 2; u >= 0; u--) set_hash(&state, updates[u]->index, hash_at(a->circuit, rows[2 * u]));
  hf_fr_to_bytes(ref_root(&state), input->record.word[HF_RECORD_OLD_ROOT]);
  for (int u = 0; u < 3; u++) {
    copy_path(updates[u], &state, updates[u]->index);
    set_hash(&state, updates[u]->index, hash_at(a->circuit, rows[2 * u + 1]));
  }
  ref_state_free(&state);
}

/* Claims that a merge ties to something else take its value. */
static bool follow_claims(const instance *in, const attempt *a, hf_batch_input *input, lies *told) {
  const hf_circuit_notes *notes = a->circuit->notes;
  bool changed = false;
  for (size_t i = 0; i < notes->merge_count; i++)
    for (int w = HF_RECORD_CHAIN_ID; w < HF_RECORD_WORDS; w++) {
      uint32_t x = notes->merges[i].x, y = notes->merges[i].y;
      if (y != in->claim[w] || hf_fr_eq(a->value[x], a->value[y])) continue;
      changed = true;
      if (w == HF_RECORD_OLD_ROOT) continue; /* the root itself is what follows */
      hf_fr_to_bytes(a->value[x], input->record.word[w]);
      lie_add(told, y, a->value[x]);
    }
  (void)input;
  return changed;
}

/* Only what is tied by copies can be followed. */
static bool may_follow(const attempt *a) {
  for (size_t i = 0; i < a->failure_count; i++)
    if (a->failures[i].constraint.part == HF_PART_COPY) return true;
  return false;
}

/* The root that the first path gives is the old root: for lies that no tree explains. */
static void follow_root(const instance *in, const attempt *a, lies *told) {
  const hf_circuit_notes *notes = a->circuit->notes;
  for (size_t i = 0; i < notes->merge_count; i++)
    if (notes->merges[i].y == in->old_root) {
      hf_fr before = a->value[notes->merges[i].x];
      lie_add(told, in->old_root, before);
      lie_add(told, in->claim[HF_RECORD_OLD_ROOT], before);
      return;
    }
}

void attempt_follow(const instance *in, const lies *told, attempt *out) {
  lies *all = get(1, sizeof *all);
  hf_batch_input input = in->input;
  input.slots = get(in->input.params.slots, sizeof *input.slots);
  memcpy(input.slots, in->input.slots, in->input.params.slots * sizeof *input.slots);
  *all = *told;
  attempt_run(in, &input, all, out);
  for (int pass = 0; pass < 4 && out->status == HF_OK && may_follow(out); pass++) {
    follow_state(in, out, &input);
    if (hf_slot_type_is_signed(in->op.type))
      hf_fr_to_bytes(sign_again(in, out->value[in->challenge]), input.slots[0].s);
    follow_claims(in, out, &input, all);
    if (pass == 2) follow_root(in, out, all);
    attempt_free(out);
    attempt_run(in, &input, all, out);
  }
  free(input.slots);
  free(all);
}

/* ---- instances ---- */

static void remember_places(instance *in) {
  uint32_t seen[HF_RECORD_WORDS] = {0};
  for (uint32_t i = 0; i < in->hint_count; i++)
    for (int w = HF_RECORD_CHAIN_ID; w < HF_RECORD_WORDS; w++)
      if (strcmp(in->hints[i].name, hf_record_words[w].name) == 0) {
        if (w == HF_RECORD_OLD_ROOT && seen[w] == 0) in->old_root = in->hints[i].var;
        in->claim[w] = in->hints[i].var; /* the last one */
        seen[w]++;
      }
  /* h is wire a of the row after the challenge's last permutation */
  for (uint32_t r = 0; r + 1 < in->rows; r++) {
    char path[128];
    const char *name;
    hf_circuit_where(in->circuit, r, path, &name);
    if (strcmp(path, "slot/rules/challenge/sponge") == 0 && !hf_fr_is_zero(in->circuit->fixed[HF_S_FULL][r]))
      in->challenge = var_at(in, r + 1, 0);
  }
}

void instance_make(instance *in, const char *name, const ref_world *world, const ref_op *op, bool honest) {
  if (world != NULL) {
    memset(in, 0, sizeof *in);
    ref_state_init(&in->world.state, world->batch.params.depth);
    for (uint32_t i = 0; i < (uint32_t)1 << world->batch.params.depth; i++)
      ref_leaf_set(&in->world.state, i, world->state.leaves[i]);
    in->world.batch = world->batch;
    memcpy(in->world.keys, world->keys, sizeof in->world.keys);
    in->op = *op;
  }
  in->name = name;
  ref_state work;
  ref_state_init(&work, in->world.batch.params.depth);
  for (uint32_t i = 0; i < (uint32_t)1 << in->world.batch.params.depth; i++)
    ref_leaf_set(&work, i, in->world.state.leaves[i]);
  /* Signatures by a nonce that is known here. */
  in->signer = in->nonce = hf_fr_one();
  ref_batch_make(&work, &in->world.batch, &in->op, 1, &in->input);
  ref_state_free(&work);
  if (in->op.signer != NULL) {
    hf_fr a = {{in->op.signer->scalar.l[0], in->op.signer->scalar.l[1], in->op.signer->scalar.l[2],
                in->op.signer->scalar.l[3]}};
    in->signer = hf_fr_from_limbs(a);
    in->nonce = hf_fr_from_u64(1000003);
    uint64_t k[4] = {1000003, 0, 0, 0};
    hf_bjj r = hf_bjj_mul(hf_bjj_base(), k);
    hf_fr message[4];
    ref_message(&in->world.batch, &in->op, (uint32_t)in->input.slots[0].from.old.nonce, message);
    hf_fr h = hf_eddsa_challenge(r, in->op.signer->public_key, message);
    hf_fr_to_bytes(r.x, in->input.slots[0].r_x);
    hf_fr_to_bytes(r.y, in->input.slots[0].r_y);
    hf_fr_to_bytes(sign_again(in, h), in->input.slots[0].s);
  }
  attempt first;
  hf_builder_options options;
  if (hf_batch_options(&in->input.params, &options) != HF_OK) abort();
  run_circuit(NULL, &options, build_batch, &in->input, NULL, &first, in);
  if (first.status != HF_OK || (honest && first.failure_count != 0)) abort();
  in->circuit = first.circuit;
  in->value = first.value;
  in->statement = first.circuit->public_inputs[0];
  remember_places(in);
}

void instance_init(instance *in, int which, uint8_t salt) {
  static const char *const names[INSTANCES] = {
      "transfer", "withdraw", "deposit", "deposit into an empty leaf", "deposit refused", "no-op"};
  memset(in, 0, sizeof *in);
  in->name = names[which];
  ref_world_init(&in->world, 4, 1, salt);
  hf_eddsa_key newcomer = ref_key(250);
  switch (which) {
  case INSTANCE_TRANSFER:
    in->op = ref_transfer(&in->world, 1, 2, 300000 + salt, 1234);
    break;
  case INSTANCE_WITHDRAW:
    in->op = ref_withdraw(&in->world, 3, 0x123456789abcdef, 222222 + salt, 99);
    break;
  case INSTANCE_DEPOSIT:
    in->op = ref_deposit(4, in->world.keys[3].public_key, 777777 + salt);
    break;
  case INSTANCE_OPEN:
    in->op = ref_deposit(7, newcomer.public_key, 777777 + salt);
    break;
  case INSTANCE_REFUSED:
    in->op = ref_refused(hf_fr_from_u64(5), hf_fr_neg(hf_fr_from_u64(3)), 555 + salt);
    break;
  default:
    break;
  }
  instance_make(in, names[which], NULL, &in->op, true);
}

void instance_free(instance *in) {
  ref_world_free(&in->world);
  hf_batch_input_free(&in->input);
  hf_circuit_destroy(&in->circuit);
  free(in->cell);
  free(in->first_row);
  free(in->value);
  free(in->hints);
  memset(in, 0, sizeof *in);
}
