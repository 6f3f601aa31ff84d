#include "queue_common.h"

#include <stdio.h>
#include <stdlib.h>

static hf_status open_queue(hf_cli *cli, hf_queue_options options, hf_queue **out) {
  char *own = NULL;
  options.log = &cli->log;
  options.location = hf_cli_text(cli, "queue");
  if (options.location == NULL) options.location = own = hf_cli_data_path(cli, "queue");
  if (options.location == NULL) return hf_fail(HF_E_MEMORY, "no memory for a path");
  hf_status status = hf_queue_open(&options, out);
  free(own);
  return status;
}

hf_status hf_cli_queue_open(hf_cli *cli, hf_queue **out) { return open_queue(cli, (hf_queue_options){0}, out); }

hf_status hf_cli_queue_open_lease(hf_cli *cli, uint64_t lease_ms, hf_queue **out) {
  return open_queue(cli, (hf_queue_options){.lease_ms = lease_ms, .look_over = true}, out);
}

hf_status hf_cli_queue_open_whole(hf_cli *cli, hf_queue **out) {
  return open_queue(cli, (hf_queue_options){.look_over = true, .must_exist = true}, out);
}

hf_status hf_cli_queue_open_patience(hf_cli *cli, uint64_t busy_ms, hf_queue **out) {
  return open_queue(cli, (hf_queue_options){.busy_ms = busy_ms, .must_exist = true}, out);
}

hf_status hf_cli_queue_open_there(hf_cli *cli, hf_queue **out) {
  return open_queue(cli, (hf_queue_options){.must_exist = true}, out);
}

hf_status hf_cli_job_key(const hf_cli *cli, unsigned index, hf_job_key *out) {
  hf_job_id id;
  hf_status status = hf_job_id_parse(cli->arguments[index], &id);
  if (status != HF_OK) return status;
  return hf_job_key_make(hf_cli_text(cli, "tenant"), id.b, id.length, out);
}

static json_t *digest_json(const hf_digest *digest) {
  char hex[HF_DIGEST_HEX];
  if (hf_digest_is_zero(digest)) return json_null();
  hf_digest_hex(digest, hex);
  return json_string(hex);
}

json_t *hf_cli_record_json(const hf_job_record *r) {
  char id[HF_JOB_ID_TEXT];
  hf_job_id_text(&r->header.key.id, id);
  json_t *parameters = json_object();
  for (uint32_t i = 0; i < r->header.parameter_count; i++)
    json_object_set_new(parameters, r->header.parameters[i].name,
                        hf_cli_json_u64(r->header.parameters[i].value));
  json_t *job =
      json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:i, s:o, s:o}", "tenant", r->header.key.tenant, "id",
                id, "state", hf_job_state_text(r->state), "kind", hf_job_kind_text(r->header.kind), "circuit",
                r->header.circuit, "parameters", parameters, "vk_digest", digest_json(&r->header.vk_digest),
                "input_digest", digest_json(&r->header.input_digest), "priority", (int)r->header.priority,
                "deadline_ms", hf_cli_json_u64(r->header.deadline_ms), "device_memory",
                hf_cli_json_u64(r->header.device_memory));
  json_t *life = json_pack("{s:o, s:b, s:o, s:o, s:o, s:s, s:{s:o, s:o, s:s}, s:o, s:o, s:o, s:o, s:o, s:o}",
                           "sequence", hf_cli_json_u64(r->sequence), "cancel_requested",
                           (int)r->cancel_requested, "epoch", hf_cli_json_u64(r->epoch), "attempts",
                           hf_cli_json_u64(r->attempts), "losses", hf_cli_json_u64(r->losses), "worker",
                           r->worker, "progress", "done", hf_cli_json_u64(r->progress.done), "total",
                           hf_cli_json_u64(r->progress.total), "phase", r->progress.phase, "submitted_ms",
                           hf_cli_json_u64(r->submitted_ms), "leased_ms", hf_cli_json_u64(r->leased_ms),
                           "ended_ms", hf_cli_json_u64(r->ended_ms), "used_ms", hf_cli_json_u64(r->used_ms),
                           "result", digest_json(&r->result), "cause", hf_cli_json_text(r->cause));
  if (job == NULL || life == NULL || json_object_update_new(job, life) != 0) {
    json_decref(job);
    return NULL;
  }
  return job;
}

void hf_cli_record_head(void) {
  printf("%-8s %-12s %-34s %-9s %-16s %4s %6s  %s\n", "seq", "tenant", "id", "state", "circuit", "try",
         "epoch", "worker / cause");
}

void hf_cli_record_line(const hf_job_record *r) {
  char id[HF_JOB_ID_TEXT];
  hf_job_id_text(&r->header.key.id, id);
  printf("%-8llu %-12s %-34s %-9s %-16s %4u %6llu  %s%s%s\n", (unsigned long long)r->sequence,
         r->header.key.tenant, id, hf_job_state_text(r->state), r->header.circuit, r->attempts,
         (unsigned long long)r->epoch, r->worker, r->cause[0] != 0 ? " / " : "", r->cause);
}

hf_status hf_cli_pages_open(hf_cli *cli, size_t size, hf_cli_pages *out) {
  *out = (hf_cli_pages){.page = calloc(HF_CLI_PAGE, size), .list = json_array()};
  if (out->page == NULL || out->list == NULL) return hf_fail(HF_E_MEMORY, "no memory for a page of entries");
  return hf_cli_queue_open_there(cli, &out->queue);
}

hf_status hf_cli_pages_close(hf_cli *cli, hf_cli_pages *pages, const char *name, hf_status status) {
  if (status == HF_OK && cli->json) status = hf_cli_print_json(cli, json_pack("{s:O}", name, pages->list));
  json_decref(pages->list);
  free(pages->page);
  hf_queue_close(&pages->queue);
  return status;
}
