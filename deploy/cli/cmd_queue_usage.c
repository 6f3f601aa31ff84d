/* hyperfold queue usage, backup and restored: what a queue's operator keeps outside of it. */
#include "commands.h"
#include "queue_common.h"
#include "usage.h"

#include <hyperfold/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- copies ---- */

hf_status hf_queue_backup_run(hf_cli *cli) {
  hf_status status;
  hf_queue *queue = NULL;
  hf_backup out;
  const char *folder = cli->arguments[0];
  HF_TRY(hf_cli_queue_open_there(cli, &queue));
  status = hf_queue_backup(queue, folder, &out);
  if (status != HF_OK && out.damaged == 0)
    goto out; /* else there is a copy, and the status says what it lacks */
  if (cli->json && status == HF_OK)
    status = hf_cli_print_json(
        cli, json_pack("{s:s, s:o, s:o, s:o}", "folder", folder, "jobs", hf_cli_json_u64(out.jobs),
                       "artifacts", hf_cli_json_u64(out.artifacts), "bytes", hf_cli_json_u64(out.bytes)));
  else if (!cli->json)
    printf("%s: %llu jobs, %llu artifacts of %llu bytes\n", folder, (unsigned long long)out.jobs,
           (unsigned long long)out.artifacts, (unsigned long long)out.bytes);
out:
  hf_queue_close(&queue);
  return status;
}

hf_status hf_queue_restored_run(hf_cli *cli) {
  hf_status status;
  hf_queue *queue = NULL;
  hf_reading reading;
  HF_TRY(hf_cli_queue_open_there(cli, &queue));
  HF_TRY(hf_queue_restored(queue));
  HF_TRY(hf_queue_read_meters(queue, &reading, NULL, NULL));
  if (cli->json)
    status = hf_cli_print_json(
        cli, json_pack("{s:s, s:o}", "store", reading.store, "epochs_from", hf_cli_json_u64(reading.life)));
  else
    printf("store %s: leases have epochs from %llu on\n", reading.store, (unsigned long long)reading.life);
out:
  hf_queue_close(&queue);
  return status;
}

/* ---- usage ---- */

static double seconds(uint64_t ms) { return (double)ms / 1000; }

/* What a tenant owes for: a result that was refused may have been proved, and paid for, before the earlier
 * reading. */
static int64_t billable(const hf_tenant_stats *t) { return (int64_t)t->proved_ms - (int64_t)t->refused_ms; }

static void print_reading(const hf_reading *r) {
  struct tm utc;
  char when[32] = "?";
  const time_t at = (time_t)(r->time_ms / 1000);
  if (gmtime_r(&at, &utc) != NULL) strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &utc);
  printf("reading %llu at %s.%03u UTC", (unsigned long long)r->sequence, when, (unsigned)(r->time_ms % 1000));
}

static void print_usage(const hf_usage *u, const hf_usage *since) {
  printf("store %s, ", u->reading.store);
  print_reading(&u->reading);
  if (since != NULL) {
    printf(", since ");
    print_reading(&since->reading);
  }
  printf("\n%-24s %6s %14s %14s %14s %14s\n", "tenant", "weight", "used s", "proved s", "refused s",
         "billable s");
  for (size_t i = 0; i < u->count; i++) {
    const hf_tenant_stats *t = &u->tenants[i];
    printf("%-24s %6u %14.3f %14.3f %14.3f %14.3f\n", t->tenant, t->weight, seconds(t->used_ms),
           seconds(t->proved_ms), seconds(t->refused_ms), (double)billable(t) / 1000);
  }
}

static json_t *difference_json(const hf_usage *u, const hf_usage *since) {
  json_t *tenants = json_array();
  for (size_t i = 0; i < u->count; i++) {
    const hf_tenant_stats *t = &u->tenants[i];
    json_array_append_new(tenants,
                          json_pack("{s:s, s:i, s:o, s:o, s:o, s:I}", "tenant", t->tenant, "weight",
                                    (int)t->weight, "used_ms", hf_cli_json_u64(t->used_ms), "proved_ms",
                                    hf_cli_json_u64(t->proved_ms), "refused_ms",
                                    hf_cli_json_u64(t->refused_ms), "billable_ms", (json_int_t)billable(t)));
  }
  json_t *document = json_pack("{s:s, s:o, s:o, s:o}", "store", u->reading.store, "sequence",
                               hf_cli_json_u64(u->reading.sequence), "time_ms",
                               hf_cli_json_u64(u->reading.time_ms), "tenants", tenants);
  if (since != NULL && document != NULL) {
    json_object_set_new(document, "since_sequence", hf_cli_json_u64(since->reading.sequence));
    json_object_set_new(document, "since_time_ms", hf_cli_json_u64(since->reading.time_ms));
  }
  return document;
}

static hf_status read_signed(const char *path, const char *public_key, hf_usage *out) {
  uint8_t *data;
  size_t length;
  hf_status status = hf_file_read(path, HF_USAGE_LIMIT, &data, &length);
  if (status != HF_OK) return status;
  status = hf_usage_check(path, data, length, public_key, out);
  free(data);
  return status;
}

/* --check: a public key in hex, or a file that holds it. */
static hf_status public_key_of(const char *given, char out[HF_USAGE_PUBLIC]) {
  uint8_t *data;
  size_t length;
  if (access(given, R_OK) != 0) {
    snprintf(out, HF_USAGE_PUBLIC, "%.64s", given);
    return strlen(given) < HF_USAGE_PUBLIC
               ? HF_OK
               : hf_fail(HF_E_ARGUMENT, "--check: a public key is 64 hex digits, or a file");
  }
  hf_status status = hf_file_read(given, HF_USAGE_PUBLIC + 1, &data, &length);
  if (status != HF_OK) return status;
  snprintf(out, HF_USAGE_PUBLIC, "%.*s", (int)strcspn((const char *)data, "\r\n"), (const char *)data);
  free(data);
  return HF_OK;
}

static hf_status check(hf_cli *cli, const char *given) {
  hf_status status;
  char public_key[HF_USAGE_PUBLIC];
  hf_usage later = {0}, earlier = {0}, difference = {0};
  const bool both = cli->argument_count == 2;
  if (cli->argument_count == 0)
    return hf_fail(HF_E_ARGUMENT, "--check wants the file of a reading, and may have an earlier one's");
  HF_TRY(public_key_of(given, public_key));
  HF_TRY(read_signed(cli->arguments[0], public_key, &later));
  if (both) {
    HF_TRY(read_signed(cli->arguments[1], public_key, &earlier));
    HF_TRY(hf_usage_between(&earlier, &later, &difference));
  }
  const hf_usage *shown = both ? &difference : &later, *since = both ? &earlier : NULL;
  if (cli->json)
    status = hf_cli_print_json(cli, difference_json(shown, since));
  else
    print_usage(shown, since);
out:
  hf_usage_free(&later);
  hf_usage_free(&earlier);
  hf_usage_free(&difference);
  return status;
}

static hf_status make_key(hf_cli *cli, const char *path) {
  char public_key[HF_USAGE_PUBLIC];
  hf_status status = hf_usage_key_create(path, public_key);
  if (status != HF_OK) return status;
  if (cli->json)
    return hf_cli_print_json(cli, json_pack("{s:s, s:s}", "file", path, "public_key", public_key));
  printf("%s\n", public_key);
  return HF_OK;
}

/* The document goes to --out, or to stdout, as it is: its bytes are signed. */
static hf_status hand_out(hf_cli *cli, const hf_writer *document) {
  const char *out = hf_cli_text(cli, "out");
  hf_bytes part = {document->data, document->length};
  if (out != NULL) return hf_file_write(out, 0644, &part, 1);
  cli->printed = true;
  return fwrite(document->data, 1, document->length, stdout) == document->length
             ? HF_OK
             : hf_fail(HF_E_IO, "stdout cannot be written");
}

hf_status hf_queue_usage_run(hf_cli *cli) {
  hf_status status;
  hf_queue *queue = NULL;
  hf_usage usage = {0};
  hf_writer document = {0};
  const char *key = hf_cli_text(cli, "sign"), *fresh = hf_cli_text(cli, "make-key"),
             *given = hf_cli_text(cli, "check");
  if (fresh != NULL) return make_key(cli, fresh);
  if (given != NULL) return check(cli, given);
  if (cli->argument_count > 0) return hf_fail(HF_E_ARGUMENT, "files are looked at with --check");
  HF_TRY(hf_cli_queue_open_there(cli, &queue));
  HF_TRY(hf_queue_read_meters(queue, &usage.reading, &usage.tenants, &usage.count));
  HF_TRY(hf_usage_encode(&usage, &document));
  if (key != NULL) HF_TRY(hf_usage_sign(key, &document));
  const bool to_file = hf_cli_given(cli, "out"), wanted = key != NULL || cli->json;
  if (wanted || to_file) HF_TRY(hand_out(cli, &document));
  if (to_file && cli->json) HF_TRY(hf_cli_print_json(cli, difference_json(&usage, NULL)));
  if (!cli->json && (to_file || !wanted)) print_usage(&usage, NULL);
out:
  hf_writer_free(&document);
  hf_usage_free(&usage);
  hf_queue_close(&queue);
  return status;
}

const hf_option hf_queue_usage_options[] = {
    HF_OPTION_DATA,
    HF_OPTION_QUEUE,
    {"sign", HF_OPTION_TEXT, "KEYFILE", NULL, "sign the reading, and print it as it is signed"},
    {"out", HF_OPTION_TEXT, "FILE", NULL, "write the reading there"},
    {"check", HF_OPTION_TEXT, "PUBLIC", NULL,
     "check signed readings instead: 64 hex digits, or the file that holds them"},
    {"make-key", HF_OPTION_TEXT, "KEYFILE", NULL,
     "make a key to sign with instead, and print its public key"},
    HF_OPTION_END,
};
