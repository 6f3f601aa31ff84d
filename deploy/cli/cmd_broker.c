/* hyperfold broker: the queue of this machine for other machines. */
#include "commands.h"
#include "key_cache.h"
#include "metrics_common.h"
#include "proof_common.h"
#include "signals.h"
#include "zmq/broker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define CONNECTIONS 4096

static void on_hangup(int number) { (void)number; }

/* Connections are descriptors: as many as the broker is meant for, and no more. */
static void limit_connections(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max < CONNECTIONS ? limit.rlim_max : CONNECTIONS;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* ---- what it shows of itself, beside the queue that it serves ---- */

enum { REQUESTS, CHANGES, GROUPS, REFUSED_KEYS, REFUSED_REQUESTS, MALFORMED, FAMILIES };

static const hf_metric_spec specs[FAMILIES] = {
    [REQUESTS] = HF_COUNTER_OF("hyperfold_broker_requests_total", "Requests of clients and workers."),
    [CHANGES] = HF_COUNTER_OF("hyperfold_broker_changes_total", "Of these, those that change the store."),
    [GROUPS] = HF_COUNTER_OF("hyperfold_broker_transactions_total",
                             "Transactions of the store that these changes took."),
    [REFUSED_KEYS] = HF_COUNTER_OF("hyperfold_broker_refused_keys_total",
                                   "Connections with a key that is not on the list."),
    [REFUSED_REQUESTS] = HF_COUNTER_OF("hyperfold_broker_refused_requests_total",
                                       "Requests that the client's key may not make."),
    [MALFORMED] = HF_COUNTER_OF("hyperfold_broker_malformed_requests_total", "Requests that are none."),
};

static void show(const hf_broker *broker, hf_family *const family[FAMILIES]) {
  const hf_broker_counts c = hf_broker_counted(broker);
  const uint64_t values[FAMILIES] = {[REQUESTS] = c.requests,
                                     [CHANGES] = c.changes,
                                     [GROUPS] = c.groups,
                                     [REFUSED_KEYS] = c.refused_keys,
                                     [REFUSED_REQUESTS] = c.refused_requests,
                                     [MALFORMED] = c.malformed};
  for (int i = 0; i < FAMILIES; i++) hf_series_set(hf_series_of(family[i], NULL), (double)values[i]);
}

static hf_status tell_where(hf_cli *cli, const hf_broker *broker, const char *folder) {
  const char *endpoint = hf_broker_endpoint(broker);
  const char *scheme = strncmp(endpoint, "ipc:", 4) == 0 ? "" : "zmq://";
  if (cli->json)
    return hf_cli_print_json(cli, json_pack("{s:s, s:s, s:s}", "endpoint", endpoint, "public_key",
                                            hf_broker_public_key(broker), "folder", folder));
  printf("listening on %s%s with the key %s\n", scheme, endpoint, hf_broker_public_key(broker));
  printf("clients: --queue '%s%s?server-key=SERVER.PUBLIC&key-file=OWN.KEY', SERVER.PUBLIC being a copy of "
         "%s/server.public\n",
         scheme, endpoint, folder);
  fflush(stdout);
  return HF_OK;
}

/* A proof under the key that the job pins. Whether it is about the job's input is for the taker to say. */
static hf_status judge(void *context, const hf_job_header *job, const uint8_t *result, size_t length,
                       bool *ok) {
  hf_cli *cli = context;
  hf_verifying_key vk;
  hf_status status = hf_key_folder_find(hf_cli_text(cli, "verify"), &job->vk_digest, &vk);
  hf_proof *proof = NULL;
  *ok = false;
  if (status == HF_OK) status = hf_cli_allow_development(cli, vk.development, "the key");
  if (status != HF_OK) return status;
  if ((proof = calloc(1, sizeof *proof)) == NULL) return hf_fail(HF_E_MEMORY, "no memory for a proof");
  status = hf_proof_decode("the result", result, length, proof);
  if (status == HF_OK) status = hf_verify(&vk, proof, ok);
  free(proof);
  return status >= 200 && status < 300 ? HF_OK
                                       : status; /* bytes that are no proof of this key speak against it */
}

hf_status hf_broker_run(hf_cli *cli) {
  hf_status status = HF_OK;
  hf_broker *broker = NULL;
  hf_cli_metrics shown = {0};
  hf_family *family[FAMILIES];
  char *own_store = hf_cli_data_path(cli, "queue"), *own_folder = hf_cli_data_path(cli, "broker");
  const char *store = hf_cli_given(cli, "queue") ? hf_cli_text(cli, "queue") : own_store;
  const char *folder = hf_cli_given(cli, "folder") ? hf_cli_text(cli, "folder") : own_folder;
  const struct sigaction hangup = {.sa_handler = on_hangup};
  uint64_t memory = hf_cli_number(cli, "memory");
  if (own_store == NULL || own_folder == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a path"));
  if (memory < 64 || memory > 1 << 20) HF_TRY(hf_fail(HF_E_ARGUMENT, "--memory is from 64 to 1048576 MiB"));
  cli->log.part = "broker";
  hf_broker_options options = {.folder = folder,
                               .bind = hf_cli_text(cli, "bind"),
                               .queue = {.location = store,
                                         .lease_ms = hf_cli_number(cli, "lease") * 1000,
                                         .tenant_quota = hf_cli_number(cli, "tenant-quota"),
                                         .total_quota = hf_cli_number(cli, "total-quota"),
                                         .log = &cli->log},
                               .lease_limit_ms = hf_cli_number(cli, "lease-limit") * 1000,
                               .memory_limit = memory << 20,
                               .judge = hf_cli_given(cli, "verify") ? judge : NULL,
                               .judge_context = cli,
                               .log = &cli->log};
  hf_cli_catch_signals();
  sigaction(SIGHUP, &hangup, NULL); /* files are looked at again every second; this wakes up at once */
  limit_connections();
  HF_TRY(hf_broker_open(&options, &broker));
  HF_TRY(
      hf_cli_metrics_open(cli, "broker", HF_METRICS_WHOLE_QUEUE, &shown)); /* the store, beside the broker */
  if (shown.exporter != NULL) {
    HF_TRY(hf_metrics_add_all(hf_exporter_metrics(shown.exporter), specs, FAMILIES, family));
    show(broker, family);
  }
  HF_TRY(hf_cli_metrics_serve(&shown, "metrics"));
  HF_TRY(tell_where(cli, broker, folder));
  while (!hf_cli_stopped()) {
    HF_TRY(hf_broker_step(broker, 1000));
    if (shown.exporter != NULL) show(broker, family);
  }
out:
  hf_cli_metrics_close(&shown);
  hf_broker_close(&broker);
  free(own_store);
  free(own_folder);
  return status;
}

const hf_option hf_broker_command_options[] = {
    HF_OPTION_DATA,
    {"queue", HF_OPTION_TEXT, "WHERE", NULL, "the local queue that is served (default: DATA/queue)"},
    {"folder", HF_OPTION_TEXT, "FOLDER", NULL,
     "key of the server and list of clients (default: DATA/broker)"},
    {"bind", HF_OPTION_TEXT, "WHERE", "127.0.0.1:5713",
     "HOST:PORT or ipc:SOCKET to listen on; 0.0.0.0:PORT for all addresses"},
    {"lease", HF_OPTION_NUMBER, "SECONDS", "30", "a worker's lease where it asks for none"},
    {"lease-limit", HF_OPTION_NUMBER, "SECONDS", "600", "the longest that a worker may ask for"},
    {"tenant-quota", HF_OPTION_NUMBER, "N", "100000", "open jobs of a tenant at most, unless set for it"},
    {"total-quota", HF_OPTION_NUMBER, "N", "1000000", "open jobs in all"},
    {"verify", HF_OPTION_TEXT, "FOLDER", NULL,
     "refuse workers' results that are no proofs under their jobs' keys; FOLDER has those (DATA/keys of who "
     "derived them)"},
    HF_OPTION_DEV,
    HF_OPTION_METRICS,
    {"memory", HF_OPTION_NUMBER, "MIB", "1024",
     "above this all connections are closed once; clients come back"},
    HF_OPTION_END,
};
