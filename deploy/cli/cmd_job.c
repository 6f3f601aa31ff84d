/* hyperfold job: what a client does with the queue. */
#include "catalog.h"
#include "commands.h"
#include "device_common.h"
#include "input.h"
#include "parameters.h"
#include "pool_common.h"
#include "proof_common.h"
#include "queue_common.h"
#include "take.h"

#include <hyperfold/file.h>
#include <hyperfold/rollup.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "circuits/fold.h"

#define INPUT_LIMIT ((size_t)1 << 30)

static const char *kind_of(const char *circuit) {
  if (strcmp(circuit, HF_BATCH_CIRCUIT) == 0) return "prove-batch";
  if (strcmp(circuit, HF_NODE_CIRCUIT) == 0) return "fold";
  return strcmp(circuit, HF_SEAL_CIRCUIT) == 0 ? "seal" : "prove-circuit";
}

/* From the input, so that the same submission is the same job; that of a sealed one tells nobody else which input. */
static void default_id(const hf_sealer *sealer, const void *input, size_t length, hf_job_id *out) {
  if (sealer != NULL) {
    hf_sealer_job_id(sealer, input, length, out);
  } else {
    hf_digest digest = hf_digest_bytes(input, length);
    *out = (hf_job_id){.length = 16};
    memcpy(out->b, digest.b, 16);
  }
}

static hf_status submit(hf_cli *cli) {
  hf_status status;
  hf_queue *queue = NULL;
  hf_sealer *sealer = NULL;
  uint8_t *input = NULL;
  size_t length;
  hf_job_header header = {0};
  hf_submission result = {0};
  const char *circuit, *vk, *kind = hf_cli_text(cli, "kind"), *id = hf_cli_text(cli, "id");
  char text[HF_JOB_ID_TEXT];
  const hf_catalog_entry *known;
  HF_TRY(hf_cli_need(cli, "circuit", &circuit));
  HF_TRY(hf_cli_need(cli, "vk", &vk));
  HF_TRY(hf_name_copy("--circuit", circuit, header.circuit));
  HF_TRY(hf_cli_vk_parse(vk, &header.vk_digest));
  if (hf_catalog_find(header.circuit, &known) != HF_OK)
    hf_cli_say("no circuit \"%s\" in this build: the job waits for a worker that has one", header.circuit);
  header.device_memory = hf_cli_proof_memory(cli, &header.vk_digest);
  HF_TRY(hf_job_kind_parse(kind != NULL ? kind : kind_of(circuit), &header.kind));
  HF_TRY(hf_cli_parameters(hf_cli_text(cli, "parameters"), &header));
  header.priority = (int32_t)hf_cli_signed(cli, "priority");
  if (hf_cli_given(cli, "deadline"))
    header.deadline_ms = ((uint64_t)time(NULL) + hf_cli_number(cli, "deadline")) * 1000;
  HF_TRY(hf_file_read(cli->arguments[0], INPUT_LIMIT, &input, &length));
  HF_TRY(hf_cli_sealer(cli, &sealer));
  hf_job_id job_id;
  if (id != NULL)
    HF_TRY(hf_job_id_parse(id, &job_id));
  else
    default_id(sealer, input, length, &job_id);
  HF_TRY(hf_job_key_make(hf_cli_text(cli, "tenant"), job_id.b, job_id.length, &header.key));
  HF_TRY(hf_cli_queue_open(cli, &queue));
  HF_TRY(hf_job_input_put(queue, sealer, &header, input, length));
  HF_TRY(hf_queue_submit_one(queue, &header, &result));
  hf_job_id_text(&job_id, text);
  if (cli->json)
    status = hf_cli_print_json(cli, json_pack("{s:s, s:s, s:b, s:s}", "tenant", header.key.tenant, "id", text,
                                              "created", (int)result.created, "state",
                                              hf_job_state_text(result.state)));
  else
    printf("%s\n", text);
out:
  hf_queue_close(&queue);
  hf_sealer_close(&sealer);
  free(input);
  return status;
}

static hf_status save_artifact(hf_queue *queue, const hf_digest *digest, const char *path) {
  uint8_t *data = NULL;
  size_t length;
  hf_status status;
  HF_TRY(hf_artifact_get(queue, digest, INPUT_LIMIT, &data, &length));
  hf_bytes part = {data, length};
  HF_TRY(hf_file_write(path, 0644, &part, 1));
out:
  free(data);
  return status;
}

/* As it was submitted: opened where it is sealed and --pool-key is given. */
static hf_status save_input(hf_cli *cli, hf_queue *queue, const hf_job_header *job, const char *path) {
  hf_status status;
  hf_pool_keys *keys = NULL;
  uint8_t *data = NULL;
  size_t length = 0;
  HF_TRY(hf_cli_pool_keys(cli, &keys));
  HF_TRY(hf_job_input_get(queue, keys, job, INPUT_LIMIT, &data, &length));
  HF_TRY(hf_file_write(path, keys != NULL ? 0600 : 0644, &(hf_bytes){data, length}, 1));
out:
  if (data != NULL) explicit_bzero(data, length);
  free(data);
  hf_pool_keys_destroy(&keys);
  return status;
}

/* Prints the record, writes the files that were asked for. */
static hf_status show(hf_cli *cli, hf_queue *queue, const hf_job_record *record) {
  hf_status status = HF_OK;
  const char *out = hf_cli_text(cli, "out"), *input = hf_cli_text(cli, "input");
  if (out != NULL) {
    if (record->state != HF_JOB_DONE)
      return hf_fail(HF_E_STATE, "the job is %s: there is no result to write to %s",
                     hf_job_state_text(record->state), out);
    HF_TRY(save_artifact(queue, &record->result, out));
  }
  if (input != NULL) HF_TRY(save_input(cli, queue, &record->header, input));
  if (cli->json) {
    HF_TRY(hf_cli_print_json(cli, hf_cli_record_json(record)));
  } else {
    hf_cli_record_head();
    hf_cli_record_line(record);
  }
out:
  return status;
}

static hf_status get(hf_cli *cli) {
  hf_status status;
  hf_queue *queue = NULL;
  hf_job_key key;
  hf_job_record record;
  HF_TRY(hf_cli_job_key(cli, 0, &key));
  HF_TRY(hf_cli_queue_open_there(cli, &queue));
  HF_TRY(hf_queue_get(queue, &key, &record));
  HF_TRY(show(cli, queue, &record));
out:
  hf_queue_close(&queue);
  return status;
}

/* Until the job is over or no time is left; in slices, so that a terminal sees progress. */
static hf_status wait_in_slices(hf_queue *queue, const hf_job_key *key, uint64_t *left, hf_job_record *record) {
  hf_status status;
  do {
    uint64_t slice = *left < 500 ? *left : 500;
    status = hf_queue_wait(queue, key, slice, record);
    *left -= slice;
    if (status == HF_E_TIMEOUT) {
      char text[160];
      snprintf(text, sizeof text, "%s %s %llu/%llu", hf_job_state_text(record->state), record->progress.phase,
               (unsigned long long)record->progress.done, (unsigned long long)record->progress.total);
      hf_cli_progress(text);
    }
  } while (status == HF_E_TIMEOUT && *left > 0);
  hf_cli_progress(NULL);
  return status;
}

static void say_refusal(const hf_queue_refusal *r, const char *cause) {
  hf_cli_say("the result of %s is refused (%s): the job is %s; %u strike%s%s", r->worker, cause,
             hf_job_state_text(r->state), r->strikes, r->strikes == 1 ? "" : "s", r->quarantined ? ", quarantined" : "");
}

static hf_status wait_for(hf_cli *cli) {
  hf_status status;
  hf_queue *queue = NULL;
  hf_job_key key;
  hf_job_record record;
  uint64_t left = hf_cli_number(cli, "timeout") * 1000;
  HF_TRY(hf_cli_job_key(cli, 0, &key));
  HF_TRY(hf_cli_queue_open_there(cli, &queue));
  for (bool over = false; !over;) {
    HF_TRY(wait_in_slices(queue, &key, &left, &record));
    over = record.state != HF_JOB_DONE || !hf_cli_flag(cli, "verify");
    if (over) break;
    hf_queue_refusal refusal;
    char why[HF_DETAIL_MAX + 1];
    hf_cli_progress("verifying");
    status = hf_cli_take_judge(cli, queue, &record, &over);
    hf_cli_progress(NULL);
    if (status != HF_OK) goto out;
    if (over) break;
    hf_detail_copy(hf_error_message(), why);
    status = hf_queue_refuse(queue, &key, &record.result, why, &refusal);
    if (status == HF_OK) say_refusal(&refusal, why);
    if (status != HF_OK && status != HF_E_STATE) goto out; /* that: somebody else refused it meanwhile */
  }
  HF_TRY(show(cli, queue, &record));
  if (record.state != HF_JOB_DONE)
    status = hf_fail(HF_E_REFUSED, "the job ended as %s: %s", hf_job_state_text(record.state), record.cause);
out:
  hf_queue_close(&queue);
  return status;
}

/* Without --result what the job has now is judged here; with it the caller has. */
static hf_status refuse(hf_cli *cli) {
  hf_status status;
  hf_queue *queue = NULL;
  hf_job_key key;
  hf_job_record record;
  hf_queue_refusal refusal;
  hf_digest result;
  bool good;
  char why[HF_DETAIL_MAX + 1];
  const char *given = hf_cli_text(cli, "result"), *cause = why;
  HF_TRY(hf_cli_job_key(cli, 0, &key));
  if (given != NULL) {
    HF_TRY(hf_cli_need(cli, "cause", &cause));
    HF_TRY(hf_digest_parse(given, &result));
  }
  HF_TRY(hf_cli_queue_open_there(cli, &queue));
  if (given == NULL) {
    HF_TRY(hf_queue_get(queue, &key, &record));
    if (record.state != HF_JOB_DONE)
      HF_TRY(hf_fail(HF_E_STATE, "nothing to refuse: the job is %s", hf_job_state_text(record.state)));
    HF_TRY(hf_cli_take_judge(cli, queue, &record, &good));
    if (good)
      HF_TRY(hf_fail(HF_E_STATE, "the result is valid and stays; --result DIGEST --cause TEXT refuses it nevertheless"));
    hf_detail_copy(hf_error_message(), why);
    result = record.result;
  }
  HF_TRY(hf_queue_refuse(queue, &key, &result, cause, &refusal));
  if (cli->json)
    status = hf_cli_print_json(
        cli, json_pack("{s:s, s:s, s:b, s:s, s:i, s:b}", "id", cli->arguments[0], "state",
                       hf_job_state_text(refusal.state), "again", (int)refusal.again, "worker", refusal.worker,
                       "strikes", (int)refusal.strikes, "quarantined", (int)refusal.quarantined));
  else
    printf("%s: %u strike%s for %s%s\n", hf_job_state_text(refusal.state), refusal.strikes,
           refusal.strikes == 1 ? "" : "s", refusal.worker,
           refusal.quarantined ? ", which is quarantined" : "");
out:
  hf_queue_close(&queue);
  return status;
}

static hf_status cancel(hf_cli *cli) {
  hf_status status;
  hf_queue *queue = NULL;
  hf_job_key key;
  hf_job_state state;
  HF_TRY(hf_cli_job_key(cli, 0, &key));
  HF_TRY(hf_cli_queue_open_there(cli, &queue));
  HF_TRY(hf_queue_cancel(queue, &key, hf_cli_text(cli, "cause"), &state));
  if (cli->json)
    status = hf_cli_print_json(
        cli, json_pack("{s:s, s:s}", "id", cli->arguments[0], "state", hf_job_state_text(state)));
  else
    printf("%s\n", state == HF_JOB_LEASED ? "leased: the worker is told to stop" : hf_job_state_text(state));
out:
  hf_queue_close(&queue);
  return status;
}

static hf_status list(hf_cli *cli) {
  hf_status status;
  hf_cli_pages pages = {0};
  hf_job_filter filter = {.circuit = hf_cli_text(cli, "circuit"),
                          .tenant = hf_cli_text(cli, "tenant"),
                          .worker = hf_cli_text(cli, "worker")};
  uint64_t left = hf_cli_number(cli, "limit");
  if (hf_cli_given(cli, "state")) {
    hf_job_state state;
    HF_TRY(hf_job_state_parse(hf_cli_text(cli, "state"), &state));
    filter.state_mask = 1u << state;
  }
  HF_TRY(hf_cli_pages_open(cli, sizeof(hf_job_record), &pages));
  hf_job_record *records = pages.page;
  if (!cli->json) hf_cli_record_head();
  for (size_t count = HF_CLI_PAGE; left > 0 && count == HF_CLI_PAGE;) {
    HF_TRY(hf_queue_list(pages.queue, &filter, records, HF_CLI_PAGE, &count));
    for (size_t i = 0; i < count && left > 0; i++, left--) {
      if (cli->json)
        json_array_append_new(pages.list, hf_cli_record_json(&records[i]));
      else
        hf_cli_record_line(&records[i]);
      filter.after = records[i].sequence;
    }
  }
out:
  return hf_cli_pages_close(cli, &pages, "jobs", status);
}

static const hf_option submit_options[] = {
    HF_OPTION_DATA,
    HF_OPTION_QUEUE,
    HF_OPTION_TENANT,
    {"id", HF_OPTION_TEXT, "ID", NULL, "the job's id within the tenant (default: from the input's digest)"},
    {"circuit", HF_OPTION_TEXT, "NAME", NULL, "the circuit to prove"},
    {"vk", HF_OPTION_TEXT, "KEY", NULL,
     "the key that the proof must satisfy: digest or file (see circuit key)"},
    {"kind", HF_OPTION_TEXT, "KIND", NULL, "prove-batch, prove-circuit, fold or seal (default: by the circuit)"},
    HF_OPTION_SEAL_TO,
    {"parameters", HF_OPTION_TEXT, "LIST", NULL, "parameters of the circuit: NAME=NUMBER,..."},
    {"priority", HF_OPTION_SIGNED, "N", "0", "-100 to 100, larger is sooner"},
    {"deadline", HF_OPTION_NUMBER, "SECONDS", NULL, "fail the job when it is not done by then"},
    HF_OPTION_END,
};
static const hf_option get_options[] = {
    HF_OPTION_DATA,
    HF_OPTION_QUEUE,
    HF_OPTION_TENANT,
    {"out", HF_OPTION_TEXT, "FILE", NULL, "write the proof"},
    {"input", HF_OPTION_TEXT, "FILE", NULL, "write the input; a sealed one needs --pool-key"},
    HF_OPTION_POOL_KEY,
    HF_OPTION_END,
};
static const hf_option wait_options[] = {
    HF_OPTION_DATA,
    HF_OPTION_QUEUE,
    HF_OPTION_TENANT,
    {"timeout", HF_OPTION_NUMBER, "SECONDS", "3600", "give up after this time (exit status 5)"},
    {"verify", HF_OPTION_FLAG, NULL, NULL,
     "verify the result under the key that the job pins, about the job's input; one that does not stand is refused, and "
     "waited for again"},
    HF_OPTION_TAKE_VK,
    HF_OPTION_DEV,
    {"out", HF_OPTION_TEXT, "FILE", NULL, "write the proof"},
    {"input", HF_OPTION_TEXT, "FILE", NULL, "write the input; a sealed one needs --pool-key"},
    HF_OPTION_POOL_KEY,
    HF_OPTION_END,
};
static const hf_option cancel_options[] = {
    HF_OPTION_DATA,
    HF_OPTION_QUEUE,
    HF_OPTION_TENANT,
    {"cause", HF_OPTION_TEXT, "TEXT", "cancelled by its owner", "what to record"},
    HF_OPTION_END,
};
static const hf_option refuse_options[] = {
    HF_OPTION_DATA,
    HF_OPTION_QUEUE,
    HF_OPTION_TENANT,
    HF_OPTION_POOL_KEY,
    HF_OPTION_TAKE_VK,
    HF_OPTION_DEV,
    {"result", HF_OPTION_TEXT, "DIGEST", NULL, "refuse this result, which was judged elsewhere (default: judge what the job has)"},
    {"cause", HF_OPTION_TEXT, "TEXT", NULL, "with --result: what is wrong with it"},
    HF_OPTION_END,
};
static const hf_option list_options[] = {
    HF_OPTION_DATA,
    HF_OPTION_QUEUE,
    {"tenant", HF_OPTION_TEXT, "NAME", NULL, "only this tenant's"},
    {"state", HF_OPTION_TEXT, "STATE", NULL, "queued, leased, done, failed, cancelled or dead"},
    {"circuit", HF_OPTION_TEXT, "NAME", NULL, "only of this circuit; of a sealed job it is NAME@POOL"},
    {"worker", HF_OPTION_TEXT, "NAME", NULL, "only those that this worker had last"},
    {"limit", HF_OPTION_NUMBER, "N", "1000", "at most so many"},
    HF_OPTION_END,
};

const hf_command hf_job_commands[] = {
    {.name = "submit",
     .summary = "put a job in the queue and print its id",
     .arguments = "INPUT",
     .min_arguments = 1,
     .max_arguments = 1,
     .options = submit_options,
     .run = submit,
     .details = "Accepted means durable. The same submission again is the same job; another payload under an "
                "id that\n"
                "is taken is refused."},
    {.name = "get",
     .summary = "show a job, write its proof",
     .arguments = "ID",
     .min_arguments = 1,
     .max_arguments = 1,
     .options = get_options,
     .run = get},
    {.name = "wait",
     .summary = "wait until a job is over",
     .arguments = "ID",
     .min_arguments = 1,
     .max_arguments = 1,
     .options = wait_options,
     .run = wait_for,
     .details =
         "Exit status 0 when the job is done, 4 when it failed, died or was cancelled, 5 after the time."},
    {.name = "cancel",
     .summary = "cancel a job",
     .arguments = "ID",
     .min_arguments = 1,
     .max_arguments = 1,
     .options = cancel_options,
     .run = cancel},
    {.name = "refuse",
     .summary = "have a job proven again whose result does not verify",
     .arguments = "ID",
     .min_arguments = 1,
     .max_arguments = 1,
     .options = refuse_options,
     .run = refuse,
     .details = "The worker whose result it was has a strike; after the second it is quarantined, until `hyperfold queue "
                "pardon`.\nA result that verifies is not refused, unless it is named with --result."},
    {.name = "list", .summary = "list jobs in the order of submission", .options = list_options, .run = list},
    {.name = NULL},
};
