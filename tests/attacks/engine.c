#include "engine.h"
#include <stdlib.h>
#include <string.h>
#include "host/scalar.h"

/* ---- the builder's variables, seen from outside ---- */

/* The test is linked with --wrap=hf_var_new: gadgets make their computed variables through it. Hints pass the hook. */
hf_var __real_hf_var_new(hf_builder *b, hf_fr value);
hf_var __wrap_hf_var_new(hf_builder *b, hf_fr value);

static struct {
  const lies *told;
  hf_builder *builder; /* set once it exists; its preamble is out of reach */
  hint_note *hints;
  uint32_t hint_count, hint_capacity;
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
  if (run.hints != NULL && run.hint_count < run.hint_capacity) run.hints[run.hint_count++] = (hint_note){var, name};
}

/* ---- small things ---- */

uint64_t rng_u64(rng *r) {
  /* splitmix64 */
  uint64_t z = (r->state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

hf_fr rng_fr(rng *r) {
  hf_fr x = {{rng_u64(r), rng_u64(r), rng_u64(r), rng_u64(r) >> 3}};
  return hf_fr_from_limbs(x);
}

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

static void run_circuit(const instance *in, const hf_batch_input *input, const lies *told, attempt *out,
                        instance *notes) {
  hf_builder_options options;
  hf_builder *b = NULL;
  memset(out, 0, sizeof *out);
  memset(&run, 0, sizeof run);
  run.told = told;
  if (notes != NULL) {
    run.hint_capacity = 1 << 16;
    run.hints = get(run.hint_capacity, sizeof *run.hints);
  }
  out->status = hf_batch_options(&input->params, &options);
  options.hint_hook = hook;
  if (out->status == HF_OK) out->status = hf_builder_create(&options, &b);
  run.builder = b;
  if (out->status == HF_OK) out->status = hf_batch_circuit(b, &input->params, input);
  if (out->status == HF_OK) out->status = hf_builder_finish(b, &out->circuit);
  if (out->status == HF_OK) {
    out->vars = (uint32_t)b->vars;
    out->value = get(b->vars, sizeof *out->value);
    memcpy(out->value, b->value, b->vars * sizeof *out->value);
    out->status = hf_circuit_failures(out->circuit, out->failures, MAX_FAILURES, &out->failure_count);
    out->statement_kept = in != NULL && hf_fr_eq(out->circuit->public_inputs[0], in->statement);
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
  run_circuit(in, input == NULL ? &in->input : input, told, out, NULL);
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
    if (strcmp(path, "slot/from") == 0 || strcmp(path, "slot/to") == 0 || strcmp(path, "fees") == 0) rows[found++] = r;
  }
  return found;
}

static ref_leaf leaf_at(const hf_circuit *c, uint32_t row) {
  ref_leaf leaf = {c->wires[0][row], c->wires[1][row], c->wires[2][row]};
  return leaf;
}

static void copy_path(hf_batch_update *to, const ref_state *state, uint32_t index) {
  hf_batch_update update;
  ref_open(state, index, &update);
  memcpy(to->siblings, update.siblings, sizeof to->siblings);
}

static hf_fr fr_of(const uint8_t bytes[32]) {
  hf_fr x = hf_fr_zero();
  (void)hf_fr_from_bytes(bytes, &x);
  return x;
}

/* S with S B = k B + h a B */
static hf_fr sign_again(const instance *in, hf_fr h) {
  hf_fr hl = hf_fr_to_limbs(h), al = hf_fr_to_limbs(in->signer), kl = hf_fr_to_limbs(in->nonce);
  hf_scalar s = hf_scalar_mul(hf_scalar_from_limbs(hl.l), hf_scalar_from_limbs(al.l));
  s = hf_scalar_add(s, hf_scalar_from_limbs(kl.l));
  hf_fr out = {{s.l[0], s.l[1], s.l[2], s.l[3]}};
  return hf_fr_from_limbs(out);
}

/* Adapts paths and root of `input` to the leaves of the attempt. The tree is that of the world, with the lied leaves. */
static void follow_state(const instance *in, const attempt *a, hf_batch_input *input) {
  uint32_t rows[6];
  if (leaf_rows(a->circuit, rows) != 6) return;
  ref_state state;
  ref_state_init(&state, in->input.params.depth);
  for (uint32_t i = 0; i < 7; i++) ref_leaf_set(&state, i, in->world.state.leaves[i]);
  hf_batch_update *updates[3] = {&input->slots[0].from, &input->slots[0].to, &input->fees};
  for (int u = 0; u < 3; u++) {
    ref_leaf_set(&state, updates[u]->index, leaf_at(a->circuit, rows[2 * u]));
    if (u == 0) hf_fr_to_bytes(ref_root(&state), input->record.word[HF_RECORD_OLD_ROOT]);
    copy_path(updates[u], &state, updates[u]->index);
    ref_leaf_set(&state, updates[u]->index, leaf_at(a->circuit, rows[2 * u + 1]));
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

void attempt_follow(const instance *in, const lies *told, attempt *out) {
  lies *all = get(1, sizeof *all);
  hf_batch_input input = in->input;
  input.slots = get(in->input.params.slots, sizeof *input.slots);
  memcpy(input.slots, in->input.slots, in->input.params.slots * sizeof *input.slots);
  *all = *told;
  attempt_run(in, &input, all, out);
  for (int pass = 0; pass < 3 && out->status == HF_OK && may_follow(out); pass++) {
    follow_state(in, out, &input);
    if (hf_slot_type_is_signed(in->op.type))
      hf_fr_to_bytes(sign_again(in, out->value[in->challenge]), input.slots[0].s);
    follow_claims(in, out, &input, all);
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

void instance_init(instance *in, int which, uint8_t salt) {
  static const char *const names[INSTANCES] = {"transfer", "withdraw", "deposit", "deposit into an empty leaf",
                                               "deposit refused", "no-op"};
  memset(in, 0, sizeof *in);
  in->name = names[which];
  ref_world_init(&in->world, 4, 1, salt);
  ref_world work;
  ref_world_init(&work, 4, 1, salt);
  hf_eddsa_key newcomer = ref_key(250);
  switch (which) {
  case INSTANCE_TRANSFER: in->op = ref_transfer(&in->world, 1, 2, 300000 + salt, 1234); break;
  case INSTANCE_WITHDRAW: in->op = ref_withdraw(&in->world, 3, 0x123456789abcdef, 222222 + salt, 99); break;
  case INSTANCE_DEPOSIT: in->op = ref_deposit(4, in->world.keys[3].public_key, 777777 + salt); break;
  case INSTANCE_OPEN: in->op = ref_deposit(7, newcomer.public_key, 777777 + salt); break;
  case INSTANCE_REFUSED: in->op = ref_refused(hf_fr_from_u64(5), hf_fr_neg(hf_fr_from_u64(3)), 555 + salt); break;
  default: break;
  }
  /* Signatures by a nonce that is known here. */
  in->signer = in->nonce = hf_fr_one();
  ref_batch_make(&work.state, &in->world.batch, &in->op, which == INSTANCE_NOOP ? 0 : 1, &in->input);
  if (in->op.signer != NULL) {
    hf_fr a = {{in->op.signer->scalar.l[0], in->op.signer->scalar.l[1], in->op.signer->scalar.l[2],
                in->op.signer->scalar.l[3]}};
    in->signer = hf_fr_from_limbs(a);
    in->nonce = hf_fr_from_u64(1000003 + salt);
    uint64_t k[4] = {1000003u + salt, 0, 0, 0};
    hf_bjj r = hf_bjj_mul(hf_bjj_base(), k);
    hf_fr message[4];
    ref_message(&in->world.batch, &in->op, (uint32_t)in->input.slots[0].from.old.nonce, message);
    hf_fr h = hf_eddsa_challenge(r, in->op.signer->public_key, message);
    hf_fr_to_bytes(r.x, in->input.slots[0].r_x);
    hf_fr_to_bytes(r.y, in->input.slots[0].r_y);
    hf_fr_to_bytes(sign_again(in, h), in->input.slots[0].s);
  }
  ref_world_free(&work);
  attempt honest;
  run_circuit(NULL, &in->input, NULL, &honest, in);
  if (honest.status != HF_OK || honest.failure_count != 0) abort();
  in->circuit = honest.circuit;
  in->value = honest.value;
  in->statement = honest.circuit->public_inputs[0];
  (void)fr_of;
  remember_places(in);
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
