/* What the roles show of themselves, asked over HTTP, parsed strictly, and compared with what the queue and the worker's own lines
 * say after known work. */
#include "metrics_client.h"
#include "run_command.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKER "worker --data data --dev --json --threads 1 --metrics 0 %s"

static pid_t children[8];
static unsigned child_count;

static pid_t start(const char *log, const char *format, const char *more) {
  pid_t pid = hf_run_start(log, format, more);
  children[child_count++] = pid;
  return pid;
}

/* A test that fails leaves nobody behind. */
static void end_all(void) {
  for (unsigned i = 0; i < child_count; i++) {
    if (children[i] <= 0) continue;
    kill(children[i], SIGKILL);
    waitpid(children[i], NULL, 0);
  }
}

/* `status` -1: by the signal. */
static void end_with(pid_t pid, int signal, int status) {
  int state;
  kill(pid, signal);
  cr_assert_eq(waitpid(pid, &state, 0), pid);
  for (unsigned i = 0; i < child_count; i++)
    if (children[i] == pid) children[i] = 0;
  cr_assert(status < 0 ? WIFSIGNALED(state) : WIFEXITED(state) && WEXITSTATUS(state) == status, "state %x", state);
}

static void write_input(const char *path, unsigned char x) {
  unsigned char bytes[112] = {0};
  bytes[96] = x, bytes[104] = 3;
  FILE *file = fopen(path, "w");
  cr_assert(file != NULL && fwrite(bytes, 1, sizeof bytes, file) == sizeof bytes);
  fclose(file);
}

/* A folder with an input that satisfies the example circuit, one that does not, and its key; it is the current one. */
static char *folder(void) {
  char *d = hf_test_folder("metrics");
  atexit(end_all);
  cr_assert_eq(chdir(d), 0);
  write_input("good", 2);
  write_input("bad", 1);
  json_decref(hf_run_json(0, "circuit key example --data data --dev --vk-out vk --json"));
  return d;
}

static void leave(char *d) {
  cr_assert_eq(chdir("/"), 0);
  hf_test_folder_remove(d);
}

static void submit(const char *tenant, const char *id, const char *input) {
  json_decref(hf_run_json(0, "job submit --data data --json --circuit example --vk vk --tenant %s --id %s %s", tenant, id, input));
}

static json_int_t attempts_of(const char *id) {
  json_t *job = hf_run_json(0, "job get %s --data data --json", id);
  const json_int_t n = json_integer_value(json_object_get(job, "attempts"));
  json_decref(job);
  return n;
}

/* The sum of a number over the worker's lines with this outcome. */
static double sum_of_lines(const char *path, const char *outcome, const char *key) {
  char line[8192];
  double sum = 0;
  FILE *file = fopen(path, "r");
  cr_assert_not_null(file);
  while (fgets(line, sizeof line, file) != NULL) {
    json_t *report = json_loads(line, 0, NULL);
    const char *got = json_string_value(json_object_get(report, "outcome"));
    if (got != NULL && strcmp(got, outcome) == 0) sum += key == NULL ? 1 : json_number_value(json_object_get(report, key));
    json_decref(report);
  }
  fclose(file);
  return sum;
}

static double number_at(json_t *document, const char *a, const char *b) {
  json_t *v = json_object_get(document, a);
  return json_number_value(b != NULL ? json_object_get(v, b) : v);
}

/* Every figure of the queue, as `queue stats` and `queue metrics` say it. */
static void compare_queue(const exposition *e) {
  static const char *const pairs[][4] = {
      {"hyperfold_queue_submissions_total", "accepted", "submissions", "accepted"},
      {"hyperfold_queue_submissions_total", "again", "submissions", "again"},
      {"hyperfold_queue_submissions_total", "conflict", "submissions", "conflicts"},
      {"hyperfold_queue_submissions_total", "refused", "submissions", "refused"},
      {"hyperfold_queue_leases_total", NULL, "leases", "granted"},
      {"hyperfold_queue_leases_expired_total", NULL, "leases", "expired"},
      {"hyperfold_queue_leases_released_total", NULL, "leases", "released"},
      {"hyperfold_queue_failures_total", NULL, "failures", "charged"},
      {"hyperfold_queue_stale_failures_total", NULL, "failures", "stale"},
      {"hyperfold_queue_results_total", NULL, "results", "accepted"},
      {"hyperfold_queue_late_results_total", NULL, "results", "late"},
      {"hyperfold_queue_differing_results_total", NULL, "results", "differing"},
  };
  json_t *stats = hf_run_json(0, "queue stats --data data --json"), *jobs = json_object_get(stats, "jobs"), *value, *tenants, *t;
  const char *state;
  size_t i;
  for (i = 0; i < sizeof pairs / sizeof *pairs; i++)
    cr_assert_float_eq(exposition_sum(e, pairs[i][0], pairs[i][1] != NULL ? "outcome" : NULL, pairs[i][1]),
                       number_at(stats, pairs[i][2], pairs[i][3]), 0, "%s %s", pairs[i][0], pairs[i][1]);
  json_object_foreach(jobs, state, value) {
    cr_assert_eq(exposition_sum(e, "hyperfold_queue_jobs", "state", state), json_number_value(value), "%s", state);
    cr_assert_eq(exposition_sum(e, "hyperfold_queue_tenant_jobs", "state", state), json_number_value(value), "%s by tenant", state);
  }
  tenants = json_object_get(stats, "tenants");
  json_array_foreach(tenants, i, t) {
    const char *name = json_string_value(json_object_get(t, "tenant"));
    if (strcmp(name, "t50") >= 0 || strcmp(name, "other") == 0) continue; /* no series of their own */
    cr_assert_float_eq(exposition_sum(e, "hyperfold_queue_tenant_device_seconds_total", "tenant", name), number_at(t, "used_ms", NULL) / 1000, 1e-9);
    cr_assert_float_eq(exposition_sum(e, "hyperfold_queue_tenant_proven_seconds_total", "tenant", name), number_at(t, "proved_ms", NULL) / 1000, 1e-9);
    cr_assert_eq(exposition_sum(e, "hyperfold_queue_tenant_weight", "tenant", name), number_at(t, "weight", NULL));
  }
  cr_assert_eq(exposition_sum(e, "hyperfold_queue_tenants", NULL, NULL), (double)json_array_size(tenants));
  json_decref(stats);
}

Test(metrics, a_worker_and_its_queue) {
  static const char *const phases[] = {"fetch",      "witness",        "key",               "prove_witness", "prove_sums",
                                       "prove_quotient", "prove_evaluations", "prove_openings", "verify",        "store"};
  char *d = folder();
  exposition e;
  hf_run run;
  pid_t worker = start("one", WORKER, "");
  const uint16_t port = metrics_port("one");
  metrics_expect_health(port, 200, "\"status\":\"ok\"");
  json_decref(hf_run_json(0, "queue tenant --data data busy --weight 7 --json"));
  submit("busy", "a", "good");
  submit("default", "b", "good");
  submit("default", "c", "good");
  submit("default", "c", "good"); /* again */
  hf_run_command(&run, "job submit --data data --circuit example --vk vk --id c bad");
  cr_assert_neq(run.exit, 0); /* another payload under that name */
  hf_run_free(&run);
  submit("default", "wrong", "bad");
  for (int i = 0; i < 3000 && attempts_of("wrong") == 0; i++) usleep(20000);
  json_decref(hf_run_json(0, "job cancel wrong --data data --json"));
  json_decref(hf_run_json(0, "job wait a --tenant busy --data data --json"));
  json_decref(hf_run_json(0, "job wait b --data data --json"));
  json_decref(hf_run_json(0, "job wait c --data data --json"));
  metrics_wait(port, "hyperfold_worker_jobs_total", "outcome", "accepted", 3);
  metrics_wait(port, "hyperfold_worker_jobs_in_hand", NULL, NULL, 0);

  metrics_read(port, &e);
  cr_assert_not_null(exposition_find(&e, "hyperfold_build_info", "part", "worker", "version", "0.1.0", NULL));
  cr_assert_eq(exposition_sum(&e, "hyperfold_queue_up", NULL, NULL), 1);
  cr_assert_eq(exposition_sum(&e, "hyperfold_worker_jobs_total", "outcome", "failed"), sum_of_lines("one", "none", NULL));
  cr_assert_geq(exposition_sum(&e, "hyperfold_worker_jobs_total", "outcome", "failed"), 1);
  cr_assert_eq(exposition_sum(&e, "hyperfold_worker_rows_total", "device", "cpu"), sum_of_lines("one", "accepted", "rows"));
  cr_assert_eq(exposition_sum(&e, "hyperfold_worker_proof_bytes_total", "device", "cpu"), sum_of_lines("one", "accepted", "proof_bytes"));
  cr_assert_eq(exposition_sum(&e, "hyperfold_worker_job_seconds_count", "circuit", "example"), 3);
  cr_assert_float_eq(exposition_sum(&e, "hyperfold_worker_job_seconds_sum", "circuit", "example"), sum_of_lines("one", "accepted", "seconds"), 1e-6);
  double proving = 0;
  for (unsigned i = 0; i < sizeof phases / sizeof *phases; i++) {
    cr_assert_eq(exposition_sum(&e, "hyperfold_worker_phase_seconds_count", "phase", phases[i]), 3, "%s", phases[i]);
    if (strncmp(phases[i], "prove_", 6) == 0) proving += exposition_sum(&e, "hyperfold_worker_phase_seconds_sum", "phase", phases[i]);
  }
  cr_assert_eq(exposition_sum(&e, "hyperfold_worker_phase_seconds_count", NULL, NULL), 3 * sizeof phases / sizeof *phases, "another phase");
  const double busy = exposition_sum(&e, "hyperfold_worker_device_busy_seconds_total", "device", "cpu");
  cr_assert(busy >= proving * 0.99, "%f s busy, %f s proving", busy, proving);
  cr_assert_gt(exposition_sum(&e, "hyperfold_worker_peak_memory_bytes", "device", "cpu"), 1 << 20);
  cr_assert_gt(exposition_sum(&e, "hyperfold_worker_host_memory_available_bytes", NULL, NULL), 1 << 20);
  exposition_free(&e);
  metrics_promtool(port);

  /* the queue from outside: printed, and served */
  hf_run_command(&run, "queue metrics --data data");
  cr_assert_eq(run.exit, 0, "%s", run.err);
  cr_assert(exposition_read(run.out, &e), "%s\n%s", e.error, run.out);
  compare_queue(&e);
  cr_assert_eq(exposition_sum(&e, "hyperfold_queue_workers", NULL, NULL), 1);
  cr_assert_eq(exposition_sum(&e, "hyperfold_queue_tenant_jobs", "tenant", "busy"), 1);
  cr_assert_eq(exposition_sum(&e, "hyperfold_queue_tenant_weight", "tenant", "busy"), 7);
  cr_assert_eq(exposition_sum(&e, "hyperfold_queue_results_total", NULL, NULL), 3);
  exposition_free(&e);
  hf_run_free(&run);
  pid_t watcher = start("watch", "queue metrics --data data --listen %s", "127.0.0.1:0");
  const uint16_t watched = metrics_port("watch");
  submit("default", "d", "good");
  json_decref(hf_run_json(0, "job wait d --data data --json"));
  metrics_wait(watched, "hyperfold_queue_jobs", "state", "done", 4);
  metrics_read(watched, &e);
  compare_queue(&e);
  exposition_free(&e);
  metrics_expect_health(watched, 200, "{\"name\":\"queue\",\"ok\":true}");
  metrics_promtool(watched);

  end_with(watcher, SIGTERM, 0);
  end_with(worker, SIGTERM, 0);
  leave(d);
}

/* Many tenants: those that came first have series, the sums stay right. */
Test(metrics, a_crowd_of_tenants) {
  char *d = folder(), name[16];
  exposition e;
  hf_run run;
  for (int i = 0; i < 55; i++) {
    snprintf(name, sizeof name, "t%02d", i);
    submit(name, "a", "good");
  }
  submit("other", "a", "good"); /* whatever it is called */
  hf_run_command(&run, "queue metrics --data data");
  cr_assert(exposition_read(run.out, &e), "%s", e.error);
  compare_queue(&e);
  cr_assert_eq(exposition_sum(&e, "hyperfold_queue_tenant_jobs", "tenant", "t00"), 1);
  cr_assert_eq(exposition_sum(&e, "hyperfold_queue_tenant_jobs", "tenant", "other"), 6);
  exposition_free(&e);
  hf_run_free(&run);
  leave(d);
}

/* A prover that hangs is seen as a stalled lane, ended in the end, and counted. */
Test(metrics, a_stalled_lane) {
  char *d = folder();
  pid_t worker = start("one", WORKER, "--isolate --lease 2 --patience 12");
  const uint16_t port = metrics_port("one");
  submit("default", "a", "good");
  json_decref(hf_run_json(0, "job wait a --data data --json"));
  metrics_wait(port, "hyperfold_worker_prover_starts_total", NULL, NULL, 1);
  metrics_expect_health(port, 200, "{\"name\":\"lane-0\",\"ok\":true}");
  kill(hf_test_prover_of(worker), SIGSTOP);
  submit("default", "b", "good");
  metrics_expect_health(port, 503, "{\"name\":\"lane-0\",\"ok\":false,\"reason\":\"its job has given no sign of progress for ");
  metrics_wait(port, "hyperfold_health", "check", "lane-0", 0);
  json_decref(hf_run_json(0, "job wait b --data data --timeout 120 --json"));
  metrics_wait(port, "hyperfold_worker_prover_stalls_total", NULL, NULL, 1);
  metrics_wait(port, "hyperfold_worker_prover_losses_total", NULL, NULL, 1);
  metrics_wait(port, "hyperfold_worker_prover_starts_total", NULL, NULL, 2);
  metrics_expect_health(port, 200, "{\"name\":\"lane-0\",\"ok\":true}");
  metrics_promtool(port);
  end_with(worker, SIGTERM, 0);
  leave(d);
}

/* The sequencer shows itself where it listens, and at --metrics too; it is compared with what it reports at its end. */
Test(metrics, a_sequencer) {
  char *d = folder(), digest[65], line[512];
  exposition e;
  json_t *key = hf_run_json(0, "circuit key batch --data data --dev --parameters depth=6,slots=8 --json");
  snprintf(digest, sizeof digest, "%s", json_string_value(json_object_get(key, "digest")));
  json_decref(key);
  json_decref(hf_run_json(0, "wallet generate --json --chain 7 --accounts 6 --transactions 40 --invalid 400 --deposits d.jsonl --out t.jsonl"));
  snprintf(line, sizeof line,
           "sequencer run --data data --chain 7 --depth 6 --slots 8 --vk %s --deposits d.jsonl --transactions t.jsonl --max-age 0 "
           "--listen 0 --metrics 127.0.0.1:0 --json",
           digest);
  pid_t sequencer = start("log", "%s", line);
  const uint16_t port = metrics_port("log");
  metrics_wait(port, "hyperfold_sequencer_transactions_total", NULL, NULL, 40);
  unsigned listens = 0;
  for (int i = 0; i < 3000 && listens == 0; i++, usleep(20000)) {
    char text[256];
    FILE *log = fopen("log", "r");
    while (fgets(text, sizeof text, log) != NULL)
      if (strncmp(text, "listening on http://127.0.0.1:", 30) == 0) listens = (unsigned)atoi(text + 30);
    fclose(log);
  }
  metrics_wait((uint16_t)listens, "hyperfold_sequencer_unsubmitted_batches", "chain", "7", 0);
  metrics_promtool((uint16_t)listens);
  metrics_expect_health((uint16_t)listens, 200, "{\"name\":\"queue\",\"ok\":true}");
  json_t *list = hf_run_json(0, "job list --data data --circuit batch --json");
  const double batches = (double)json_array_size(json_object_get(list, "jobs"));
  json_decref(list);
  cr_assert_gt(batches, 1);
  metrics_wait(port, "hyperfold_sequencer_batches_total", "chain", "7", batches);
  metrics_wait(port, "hyperfold_sequencer_outstanding_proofs", "chain", "7", batches);
  json_decref(hf_run_json(0, "job cancel 7/1 --tenant hyperfold --data data --json"));
  metrics_wait(port, "hyperfold_sequencer_outstanding_proofs", "chain", "7", batches - 1);
  metrics_read(port, &e);
  end_with(sequencer, SIGTERM, 0);

  FILE *log = fopen("log", "r"); /* talk, then one document */
  for (int c; (c = getc(log)) != '{';) cr_assert_neq(c, EOF);
  ungetc('{', log);
  json_t *report = json_loadf(log, JSON_DISABLE_EOF_CHECK, NULL), *refused = json_object_get(json_object_get(report, "transactions"), "refused"), *value;
  fclose(log);
  const char *code;
  cr_assert_not_null(report);
  json_t *chain = json_array_get(json_object_get(report, "chains"), 0), *answers = json_object_get(report, "transactions");
  cr_assert_eq(exposition_sum(&e, "hyperfold_sequencer_transactions_total", "answer", "accepted"), number_at(answers, "accepted", NULL));
  cr_assert_gt(json_object_size(refused), 1);
  json_object_foreach(refused, code, value)
    cr_assert_eq(exposition_sum(&e, "hyperfold_sequencer_transactions_total", "answer", code), json_number_value(value), "%s", code);
  cr_assert_eq(exposition_sum(&e, "hyperfold_sequencer_pending_operations", "chain", "7"), number_at(chain, "pending", NULL));
  cr_assert_eq(exposition_sum(&e, "hyperfold_sequencer_operations_total", "chain", "7"), number_at(chain, "sealed", NULL));
  cr_assert_eq(exposition_sum(&e, "hyperfold_sequencer_accounts", "chain", "7"), number_at(chain, "accounts", NULL));
  json_decref(report);
  exposition_free(&e);
  leave(d);
}

/* A broker shows the queue that it serves, and itself. Whoever watches through it, with a key that may look, tells when it is gone, and goes
 * on by itself when it is back. */
Test(metrics, a_broker_and_who_watches_through_it) {
  char *d = folder(), line[1024], where[512];
  unsigned at = 0;
  exposition e;
  hf_run run;
  hf_run_command(&run, "broker --help");
  const bool there = run.exit == 0;
  hf_run_free(&run);
  if (!there) cr_skip_test("no libzmq: the broker is not built");
  json_decref(hf_run_json(0, "keys make viewer.key --json"));
  json_decref(hf_run_json(0, "keys allow viewer.key --data data --role viewer --name eyes --json"));
  pid_t broker = start("broker", "broker --data data --metrics 0 --bind %s", "127.0.0.1:0");
  const uint16_t port = metrics_port("broker");
  for (int i = 0; i < 3000 && at == 0; i++, usleep(20000)) {
    FILE *log = fopen("broker", "r");
    while (at == 0 && fgets(line, sizeof line, log) != NULL) (void)sscanf(line, "listening on zmq://127.0.0.1:%u", &at);
    fclose(log);
  }
  submit("default", "a", "good"); /* into the store: processes of this machine may use it beside the broker */
  snprintf(where, sizeof where, "zmq://127.0.0.1:%u?server-key=data/broker/server.public&key-file=viewer.key", at);
  hf_run_command(&run, "top --once --queue %s", where);
  cr_assert(run.exit == 0 && strstr(run.out, "jobs      1 queued"), "%s%s", run.out, run.err);
  cr_assert(!strstr(run.out, "viewer.key")); /* what stands behind the ? is nobody's business */
  hf_run_free(&run);
  snprintf(line, sizeof line, "queue metrics --listen 0 --queue %s", where);
  pid_t watcher = start("watch", "%s", line);
  const uint16_t watched = metrics_port("watch");
  metrics_wait(watched, "hyperfold_queue_jobs", "state", "queued", 1);
  metrics_read(watched, &e);
  compare_queue(&e);
  exposition_free(&e);
  metrics_read(port, &e);
  compare_queue(&e);
  cr_assert_gt(exposition_sum(&e, "hyperfold_broker_requests_total", NULL, NULL), 3);
  cr_assert_eq(exposition_sum(&e, "hyperfold_broker_refused_keys_total", NULL, NULL), 0);
  exposition_free(&e);
  metrics_expect_health(port, 200, "{\"name\":\"queue\",\"ok\":true}");
  metrics_promtool(port);

  end_with(broker, SIGKILL, -1);
  metrics_expect_health(watched, 503, "{\"name\":\"queue\",\"ok\":false,\"reason\":\"");
  metrics_wait(watched, "hyperfold_queue_up", NULL, NULL, 0);
  metrics_read(watched, &e);
  cr_assert_eq(exposition_find(&e, "hyperfold_queue_jobs", "state", "queued", NULL), NULL, "what is not known is not said");
  exposition_free(&e);
  snprintf(line, sizeof line, "broker --data data --bind 127.0.0.1:%u", at);
  broker = start("broker.again", "%s", line);
  submit("default", "b", "good");
  metrics_expect_health(watched, 200, "{\"name\":\"queue\",\"ok\":true}");
  metrics_wait(watched, "hyperfold_queue_jobs", "state", "queued", 2);
  end_with(watcher, SIGTERM, 0);
  end_with(broker, SIGTERM, 0);
  leave(d);
}

/* Wrong use has its name in the message, and nothing was done. */
Test(metrics, wrong_use) {
  char *d = folder();
  hf_run run;
  pid_t watcher = start("watch", "queue metrics --data data --listen %s", "0");
  const uint16_t port = metrics_port("watch");
  hf_run_command(&run, "queue metrics --data data --listen 127.0.0.1:%u", port);
  cr_assert(run.exit == 5 && strstr(run.err, "Address already in use") && strstr(run.err, "127.0.0.1"), "%d %s", run.exit, run.err);
  hf_run_free(&run);
  hf_run_command(&run, "worker --data data --dev --once --metrics localhost:80");
  cr_assert(run.exit == 2 && strstr(run.err, "--metrics") && strstr(run.err, "localhost"), "%d %s", run.exit, run.err);
  hf_run_free(&run);
  hf_run_command(&run, "queue metrics --data data --listen 70000");
  cr_assert(run.exit == 2 && strstr(run.err, "--listen") && strstr(run.err, "70000"), "%d %s", run.exit, run.err);
  hf_run_free(&run);
  for (int there = 0; there < 2; there++) { /* a folder where no queue is stays one */
    json_t *document = hf_run_json(0, "queue metrics --data data --json");
    cr_assert(strstr(json_string_value(json_object_get(document, "text")), there ? "hyperfold_queue_up 1\n" : "hyperfold_queue_up 0\n"));
    json_decref(document);
    json_decref(hf_run_json(0, "job submit --data data --json --circuit example --vk %064d %s/README.md", 1, HF_SOURCE_DIR));
  }
  end_with(watcher, SIGINT, 0);
  leave(d);
}
