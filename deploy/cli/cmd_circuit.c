/* hyperfold circuit: what can be proven, what it costs, its key, and whether an input satisfies it. */
#include "circuit/check.h"
#include "circuit_common.h"
#include "commands.h"
#include "parameters.h"
#include "proof_common.h"

#include <hyperfold/rollup.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "circuits/batch.h"

static hf_status list(hf_cli *cli) {
  json_t *circuits = json_array();
  for (size_t i = 0; i < hf_catalog_count(); i++) {
    const hf_catalog_entry *e = hf_catalog_at(i);
    if (cli->json)
      json_array_append_new(circuits, json_pack("{s:s, s:s}", "name", e->name, "summary", e->summary));
    else
      printf("%-16s %s\n", e->name, e->summary);
  }
  if (cli->json) return hf_cli_print_json(cli, json_pack("{s:o}", "circuits", circuits));
  json_decref(circuits);
  return HF_OK;
}

/* Rows by gadget path, in the order of first appearance. */
typedef struct tally {
  char path[128];
  uint32_t rows;
} tally;

static size_t count_rows(const hf_circuit *circuit, tally **out) {
  tally *list = NULL;
  size_t count = 0, capacity = 0, last = 0;
  for (uint32_t row = 0; row < circuit->used_rows; row++) {
    char path[128];
    const char *name;
    hf_circuit_where(circuit, row, path, &name);
    if (path[0] == 0) snprintf(path, sizeof path, "-");
    if (count == 0 || strcmp(list[last].path, path) != 0) {
      for (last = 0; last < count && strcmp(list[last].path, path) != 0; last++) continue;
    }
    if (last == count) {
      if (count == capacity) {
        tally *more = realloc(list, (capacity = capacity * 2 + 16) * sizeof *list);
        if (more == NULL) break;
        list = more;
      }
      list[count].rows = 0;
      memcpy(list[count++].path, path, sizeof path);
    }
    list[last].rows++;
  }
  *out = list;
  return count;
}

/* What only the batch circuit can say: rows of a slot, by purpose. Every operation fits every slot. */
static hf_status batch_rows(hf_cli *cli, const hf_circuit *circuit, json_t *document) {
  hf_status status;
  hf_job_header header = {0};
  hf_rollup_params params = {.depth = HF_ROLLUP_DEPTH, .slots = HF_CATALOG_BATCH_SLOTS};
  hf_batch_rows rows;
  uint64_t value;
  (void)circuit;
  HF_TRY(hf_cli_parameters(hf_cli_text(cli, "parameters"), &header));
  if (hf_job_get_parameter(&header, "depth", &value)) params.depth = (uint32_t)value;
  if (hf_job_get_parameter(&header, "slots", &value)) params.slots = (uint32_t)value;
  HF_TRY(hf_batch_circuit_rows(&params, &rows));
  if (!cli->json) {
    printf("slot         %u rows, every operation: paths %u, leaves %u, signature %u + challenge %u, data "
           "%u, rules %u\n",
           rows.slot, rows.paths, rows.leaves, rows.signature, rows.challenge, rows.data, rows.rules);
    printf("receive      about %u rows a slot, with messages between chains (estimate)\n",
           rows.slot + HF_BATCH_RECEIVE_EXTRA_ROWS);
    printf("batch        base point table %u, fees %u, record %u\n", rows.table, rows.fees, rows.record);
    goto out;
  }
  json_t *parts = json_pack("{s:i, s:i, s:i, s:i, s:i, s:i}", "paths", (int)rows.paths, "leaves",
                            (int)rows.leaves, "challenge", (int)rows.challenge, "signature",
                            (int)rows.signature, "data", (int)rows.data, "rules", (int)rows.rules);
  json_t *operations = json_object();
  static const char *const names[] = {"transfer", "withdraw", "deposit", "noop"};
  for (unsigned i = 0; i < 4; i++)
    json_object_set_new(operations, names[i],
                        json_pack("{s:i, s:O}", "rows", (int)rows.slot, "by_gadget", parts));
  json_object_set_new(
      operations, "receive",
      json_pack("{s:i, s:b}", "rows", (int)(rows.slot + HF_BATCH_RECEIVE_EXTRA_ROWS), "estimate", 1));
  json_object_set_new(document, "operations", operations);
  json_object_set_new(document, "batch",
                      json_pack("{s:i, s:i, s:i, s:i, s:i}", "depth", (int)params.depth, "slots",
                                (int)params.slots, "table", (int)rows.table, "fees", (int)rows.fees, "record",
                                (int)rows.record));
  json_decref(parts);
out:
  return status;
}

static hf_status info(hf_cli *cli) {
  hf_status status;
  hf_cli_circuit c = {0};
  tally *tallies = NULL;
  json_t *document = NULL, *gadgets = json_object();
  const char *name = cli->arguments[0];
  HF_TRY(hf_cli_circuit_open(cli, name, NULL, &c));
  const hf_circuit *circuit = c.circuit;
  hf_digest structure = hf_circuit_structure_digest(circuit);
  char hex[HF_DIGEST_HEX];
  hf_digest_hex(&structure, hex);
  size_t count = count_rows(circuit, &tallies);
  if (!cli->json) {
    printf("%s: %u rows used of 2^%u, %u public inputs, range table 2^%u\nstructure %s\n", name,
           circuit->used_rows, circuit->log_n, circuit->public_count, circuit->table_width, hex);
  }
  document = json_pack("{s:s, s:i, s:o, s:i, s:i, s:b, s:s}", "circuit", name, "log_n", (int)circuit->log_n,
                       "rows", hf_cli_json_u64(circuit->used_rows), "public_inputs",
                       (int)circuit->public_count, "table_width", (int)circuit->table_width, "foldable",
                       (int)circuit->foldable, "structure", hex);
  if (strcmp(name, HF_BATCH_CIRCUIT) == 0) HF_TRY(batch_rows(cli, circuit, document));
  for (size_t i = 0; i < count; i++) {
    if (cli->json)
      json_object_set_new(gadgets, tallies[i].path, hf_cli_json_u64(tallies[i].rows));
    else
      printf("  %-60s %8u\n", tallies[i].path, tallies[i].rows);
  }
  json_object_set(document, "rows_by_gadget", gadgets);
  if (cli->json) {
    status = hf_cli_print_json(cli, document);
    document = NULL;
  }
out:
  free(tallies);
  json_decref(gadgets);
  json_decref(document);
  hf_cli_circuit_close(&c);
  return status;
}

static hf_status key(hf_cli *cli) {
  hf_status status;
  hf_cli_circuit c = {0};
  const hf_proving_key *k;
  const char *out = hf_cli_text(cli, "vk-out");
  HF_TRY(hf_cli_circuit_open(cli, cli->arguments[0], NULL, &c));
  HF_TRY(hf_cli_circuit_key(cli, &c, &k));
  if (out != NULL) HF_TRY(hf_verifying_key_save(out, &k->vk));
  if (cli->json) {
    HF_TRY(hf_cli_print_json(cli, hf_cli_vk_json(&k->vk)));
  } else {
    char hex[HF_DIGEST_HEX];
    hf_digest digest = hf_vk_digest_bytes(&k->vk);
    hf_digest_hex(&digest, hex);
    printf("%s\n", hex);
  }
out:
  hf_cli_circuit_close(&c);
  return status;
}

static hf_status check(hf_cli *cli) {
  hf_status status;
  hf_cli_circuit c = {0};
  HF_TRY(hf_cli_circuit_open(cli, cli->arguments[0], cli->arguments[1], &c));
  const hf_circuit *circuit = c.circuit;
  status = hf_circuit_check(circuit);
  if (status != HF_OK && status != HF_E_UNSATISFIED) goto out;
  if (cli->json) {
    json_t *inputs = json_array();
    for (uint32_t i = 0; i < circuit->public_count; i++)
      json_array_append_new(inputs, hf_cli_json_fr(circuit->public_inputs[i]));
    hf_status printed =
        hf_cli_print_json(cli, json_pack("{s:b, s:o, s:o}", "satisfied", (int)(status == HF_OK), "reason",
                                         status == HF_OK ? json_null() : hf_cli_json_text(hf_error_message()),
                                         "public_inputs", inputs));
    if (printed != HF_OK) status = printed;
  } else if (status == HF_OK) {
    printf("satisfied\n");
  }
out:
  hf_cli_circuit_close(&c);
  return status;
}

static const hf_option info_options[] = {HF_OPTION_DATA, HF_OPTIONS_DEVICE, HF_OPTION_PARAMETERS, HF_OPTION_END};
static const hf_option key_options[] = {
    HF_OPTION_DATA,
    HF_OPTIONS_DEVICE,
    HF_OPTION_PARAMETERS,
    {"vk-out", HF_OPTION_TEXT, "FILE", NULL, "write the verifying key"},
    HF_OPTION_END,
};

const hf_command hf_circuit_commands[] = {
    {.name = "list", .summary = "the circuits that can be proven", .run = list},
    {.name = "info",
     .summary = "rows by gadget and operation",
     .arguments = "NAME",
     .min_arguments = 1,
     .max_arguments = 1,
     .options = info_options,
     .run = info},
    {.name = "key",
     .summary = "derive a circuit's keys and print the digest of the verifying key",
     .arguments = "NAME",
     .min_arguments = 1,
     .max_arguments = 1,
     .options = key_options,
     .run = key,
     .details =
         "Keys follow from circuit and SRS; they are kept in DATA/keys and found there the next time."},
    {.name = "check",
     .summary = "does an input satisfy the circuit? No proof is made",
     .arguments = "NAME INPUT",
     .min_arguments = 2,
     .max_arguments = 2,
     .options = info_options,
     .run = check,
     .details = "Exit status 4 when it does not; the message names the constraint, the gadget, the row and "
                "the values."},
    {.name = NULL},
};
