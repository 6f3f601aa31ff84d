#include "lies.h"
#include <stdio.h>
#include <string.h>
#include "circuit/check.h"

typedef struct hook_state {
  const lie_hint *lies;
  uint32_t count, told;
  uint32_t seen[8]; /* hints of the name of lie i so far */
} hook_state;

static void hook(void *context, uint32_t hint, const char *name, hf_fr *value) {
  hook_state *state = context;
  (void)hint;
  for (uint32_t i = 0; i < state->count; i++) {
    const lie_hint *lie = &state->lies[i];
    if (strcmp(lie->name, name) != 0 || state->seen[i]++ != lie->nth) continue;
    *value = lie->value;
    state->told++;
  }
}

void run_batch(const hf_batch_input *input, const lie_hint *lies, uint32_t lie_count, run_result *out) {
  hook_state state = {.lies = lies, .count = lie_count};
  hf_builder_options options;
  hf_builder *b = NULL;
  hf_circuit *circuit = NULL;
  memset(out, 0, sizeof *out);
  out->status = hf_batch_options(&input->params, &options);
  options.hint_hook = hook;
  options.hint_context = &state;
  if (out->status == HF_OK) out->status = hf_builder_create(&options, &b);
  if (out->status == HF_OK) out->status = hf_batch_circuit(b, &input->params, input);
  if (out->status == HF_OK) out->status = hf_builder_finish(b, &circuit);
  snprintf(out->message, sizeof out->message, "%.500s", out->status == HF_OK ? "" : hf_error_message());
  if (out->status == HF_OK) {
    hf_failure failures[8];
    size_t count = 0;
    out->status = hf_circuit_failures(circuit, failures, 8, &count);
    for (size_t i = 0; i < count; i++)
      snprintf(out->names[i], sizeof out->names[i], "%.60s", failures[i].name);
    if (count > 0) snprintf(out->message, sizeof out->message, "%.500s", failures[0].message);
    out->failures = (uint32_t)count;
    out->checked = hf_circuit_check(circuit);
    out->statement = circuit->public_inputs[0];
  }
  out->lies_told = state.told;
  hf_circuit_destroy(&circuit);
  hf_builder_destroy(&b);
}
