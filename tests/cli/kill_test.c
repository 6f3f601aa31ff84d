/* kill -9 of sequencer, worker and client at random moments, over and over, on one data folder: nothing that
 * was accepted is lost or done twice, and no job ever has two different results. 10 moments; 100 with
 * HF_SOAK=1. */
#include "run_command.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHAIN  "--chain 7 --depth 6 --slots 4"
#define LINES  1000
#define ROUNDS (hf_soak() ? 100 : 10)

static unsigned draw_state;

static unsigned draw(unsigned below) {
  draw_state = draw_state * 1664525u + 1013904223u;
  return (draw_state >> 8) % below;
}

static void pause_ms(unsigned ms) {
  nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL);
}

static long long number_of(const json_t *object, const char *name) {
  json_t *value = json_object_get(object, name);
  cr_assert(json_is_integer(value), "no integer \"%s\"", name);
  return json_integer_value(value);
}

/* ---- the wallet's side: one HTTP request a line ---- */

/* The port that the log's last "listening on" line names; 0 when there is none after `from`. */
static int port_of(const char *log, long from) {
  char line[512];
  int port = 0;
  FILE *file = fopen(log, "r");
  if (file == NULL) return 0;
  fseek(file, from, SEEK_SET);
  while (fgets(line, sizeof line, file) != NULL) {
    if (strchr(line, '\n') != NULL) (void)sscanf(line, "listening on http://127.0.0.1:%d", &port);
  }
  fclose(file);
  return port;
}

/* Posts one line. The answer as JSON, or NULL when there was none (the server died). */
static json_t *post(int port, const char *line) {
  char buffer[8192];
  size_t length = 0;
  json_t *answer = NULL;
  struct sockaddr_in to = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct timeval limit = {.tv_sec = 10};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  cr_assert(fd >= 0);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  int n = snprintf(buffer, sizeof buffer,
                   "POST /v1/transactions HTTP/1.1\r\nHost: localhost\r\nConnection: "
                   "close\r\nContent-Length: %zu\r\n\r\n%s",
                   strlen(line), line);
  if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0 && send(fd, buffer, (size_t)n, MSG_NOSIGNAL) == n) {
    for (ssize_t got;
         length < sizeof buffer - 1 && (got = recv(fd, buffer + length, sizeof buffer - 1 - length, 0)) > 0;)
      length += (size_t)got;
    buffer[length] = 0;
    char *body = strstr(buffer, "\r\n\r\n");
    if (body != NULL) {
      json_t *document =
          json_loads(strchr(body, '{') != NULL ? strchr(body, '{') : "", JSON_DISABLE_EOF_CHECK, NULL);
      answer = json_incref(json_array_get(json_object_get(document, "results"), 0));
      json_decref(document);
    }
  }
  close(fd);
  return answer;
}

typedef struct wallet {
  char *text;
  char *lines[LINES];
  bool accepted[LINES];
  size_t count, next; /* of lines; the first that no answer accepted */
} wallet;

static void wallet_load(wallet *w, const char *path) {
  FILE *file = fopen(path, "r");
  struct stat info;
  cr_assert(file != NULL && fstat(fileno(file), &info) == 0);
  w->text = calloc(1, (size_t)info.st_size + 1);
  cr_assert_eq(fread(w->text, 1, (size_t)info.st_size, file), (size_t)info.st_size);
  fclose(file);
  for (char *at = strtok(w->text, "\n"); at != NULL && w->count < LINES; at = strtok(NULL, "\n"))
    w->lines[w->count++] = at;
}

/* Sends line i. An accepted payment that is accepted again would have been lost in between. */
static void wallet_send(wallet *w, int port, size_t i) {
  json_t *answer = post(port, w->lines[i]);
  if (answer == NULL) return;
  bool accepted = json_is_true(json_object_get(answer, "accepted"));
  const char *error = json_string_value(json_object_get(answer, "error"));
  if (w->accepted[i]) {
    cr_assert(!accepted, "payment %zu was accepted twice", i);
    cr_assert(error != NULL && (strcmp(error, "duplicate") == 0 || strcmp(error, "busy") == 0),
              "payment %zu: %s", i, error);
  } else if (accepted ||
             (error != NULL && strcmp(error, "duplicate") == 0)) { /* the answer may have been lost */
    w->accepted[i] = true;
  } else {
    cr_assert(error != NULL && strcmp(error, "busy") == 0, "payment %zu: %s", i, error != NULL ? error : "?");
  }
  if (i == w->next && w->accepted[i]) w->next++;
  json_decref(answer);
}

/* ---- processes ---- */

static void kill_now(pid_t pid, const char *what) {
  int status;
  cr_assert_eq(waitpid(pid, &status, WNOHANG), 0, "%s had ended before it was killed", what);
  cr_assert_eq(kill(pid, SIGKILL), 0);
  cr_assert_eq(waitpid(pid, &status, 0), pid);
  cr_assert(WIFSIGNALED(status), "%s had ended before it was killed", what);
}

/* ---- what must never change: the result of a job that is done ---- */

static json_t *check_results(json_t *known) {
  json_t *listed = hf_run_json(0, "job list --data data --limit 100000 --json"), *job;
  size_t i;
  json_array_foreach(json_object_get(listed, "jobs"), i, job) {
    char name[256];
    const char *state = json_string_value(json_object_get(job, "state"));
    const char *result = json_string_value(json_object_get(job, "result"));
    snprintf(name, sizeof name, "%s/%s", json_string_value(json_object_get(job, "tenant")),
             json_string_value(json_object_get(job, "id")));
    const char *before = json_string_value(json_object_get(known, name));
    if (before != NULL)
      cr_assert(result != NULL && strcmp(result, before) == 0, "%s had another result before", name);
    if (strcmp(state, "done") == 0) {
      cr_assert(result != NULL);
      json_object_set_new(known, name, json_string(result));
    }
    cr_assert(strcmp(state, "dead") != 0 && strcmp(state, "failed") != 0, "%s is %s: %s", name, state,
              json_string_value(json_object_get(job, "cause")));
  }
  return listed;
}

Test(kill, nothing_accepted_is_lost) {
  char *d = hf_test_folder("kill"), clients[100][32];
  size_t client_count = 0;
  wallet w = {0};
  json_t *known = json_object(), *listed;
  cr_assert_eq(chdir(d), 0);
  draw_state = (unsigned)time(NULL);
  fprintf(stderr, "seed %u\n", draw_state);
  json_t *made =
      hf_run_json(0,
                  "wallet generate --json --chain 7 --accounts 8 --transactions %d --invalid 0 --deposits "
                  "d.jsonl --out t.jsonl --seed 9",
                  hf_soak() ? 400 : 60);
  long long deposits = number_of(made, "deposits");
  json_decref(made);
  wallet_load(&w, "t.jsonl");
  /* the key is there before the storm; an input for the client to submit */
  json_t *key = hf_run_json(0, "circuit key batch --data data --dev --parameters depth=6,slots=4 --json");
  char digest[65];
  snprintf(digest, sizeof digest, "%s", json_string_value(json_object_get(key, "digest")));
  json_decref(key);
  json_decref(
      hf_run_json(0, "sequencer run --data data " CHAIN " --vk %s --deposits d.jsonl --json", digest));
  json_decref(hf_run_json(0, "job get 7/1 --tenant hyperfold --data data --input input --json"));

  for (int round = 0; round < ROUNDS; round++) {
    struct stat log = {0};
    (void)stat("sequencer.log", &log);
    pid_t worker = hf_run_start("worker.log", "worker --data data --dev --json --threads 1 --lease 2");
    pid_t sequencer = hf_run_start(
        "sequencer.log", "sequencer run --data data " CHAIN " --vk %s --max-age 1 --listen 0", digest);
    int port = 0;
    for (int i = 0; i < 1000 && (port = port_of("sequencer.log", log.st_size)) == 0; i++) pause_ms(10);
    cr_assert(port != 0, "the sequencer does not come up after %d kills; see %s/sequencer.log", round, d);

    /* payments until the moment comes; now and then one that was accepted before */
    unsigned moment = draw(700);
    struct timespec began, now;
    clock_gettime(CLOCK_MONOTONIC, &began);
    for (unsigned sent = 0, ms = 0; ms < moment; sent++) {
      if (w.next < w.count && sent % 3 != 2)
        wallet_send(&w, port, w.next);
      else if (w.next > 0)
        wallet_send(&w, port, draw((unsigned)w.next));
      clock_gettime(CLOCK_MONOTONIC, &now);
      ms = (unsigned)((now.tv_sec - began.tv_sec) * 1000 + (now.tv_nsec - began.tv_nsec) / 1000000);
    }
    /* a client dies in the middle of a submission; what it was told must hold */
    char *id = clients[client_count++];
    snprintf(id, sizeof clients[0], "client-%d", round);
    (void)unlink("client.out");
    pid_t client = hf_run_start(
        "client.out",
        "job submit --data data --circuit batch --parameters depth=6,slots=4 --vk %s --id %s input", digest,
        id);
    pause_ms(draw(25));
    kill(client, SIGKILL);
    waitpid(client, NULL, 0);
    struct stat told = {0};
    if (stat("client.out", &told) == 0 && told.st_size > 0) {
      json_decref(hf_run_json(0, "job get %s --data data --json", id));
    } else { /* nobody knows: the same again is the same job */
      json_decref(hf_run_json(
          0,
          "job submit --data data --circuit batch --parameters depth=6,slots=4 --vk %s --id %s input --json",
          digest, id));
    }
    bool worker_first = draw(2) != 0;
    kill_now(worker_first ? worker : sequencer, worker_first ? "the worker" : "the sequencer");
    pause_ms(draw(100));
    kill_now(worker_first ? sequencer : worker, worker_first ? "the sequencer" : "the worker");
    json_decref(check_results(known));
  }

  /* calm: everything is sent again, and what is open is proven */
  json_t *run = hf_run_json(0,
                            "sequencer run --data data " CHAIN
                            " --vk %s --deposits d.jsonl --transactions t.jsonl --flush --json",
                            digest);
  const json_t *tx = json_object_get(run, "transactions");
  long long batches = number_of(json_array_get(json_object_get(run, "chains"), 0), "batches");
  long long again = 0;
  for (size_t i = 0; i < w.count; i++) again += w.accepted[i];
  cr_assert_leq(number_of(tx, "accepted"), (long long)w.count - again);
  cr_assert_eq(number_of(json_object_get(run, "deposits"), "known"), deposits);
  json_decref(run);
  for (int i = 0;; i++) {
    hf_run done;
    hf_run_command(&done, "worker --data data --dev --json --once --threads 2");
    cr_assert_eq(done.exit, 0, "%s", done.err);
    hf_run_free(&done);
    json_t *stats = hf_run_json(0, "queue stats --data data --json"), *jobs = json_object_get(stats, "jobs");
    long long open = number_of(jobs, "queued") + number_of(jobs, "leased");
    json_decref(stats);
    if (open == 0) break;
    cr_assert_lt(i, 100, "%lld jobs stay open", open);
    pause_ms(300);
  }
  listed = check_results(known);
  /* one job a batch and one a client, each proven, each proof valid */
  cr_assert_eq((long long)json_array_size(json_object_get(listed, "jobs")),
               batches + (long long)client_count);
  size_t i;
  json_t *job;
  json_array_foreach(json_object_get(listed, "jobs"), i, job) {
    const char *id = json_string_value(json_object_get(job, "id")),
               *tenant = json_string_value(json_object_get(job, "tenant"));
    cr_assert_str_eq(json_string_value(json_object_get(job, "state")), "done", "%s", id);
    json_decref(hf_run_json(0, "job get %s --tenant %s --data data --out proof --json", id, tenant));
    json_decref(hf_run_json(0, "verify --dev --vk data/keys/%s.vkey proof --json", digest));
  }
  json_decref(listed);
  fprintf(stderr, "%d kills of each; %lld payments accepted during them, %lld batches, %zu client jobs\n",
          ROUNDS, again, batches, client_count);
  /* every payment is in the chain once, and its state follows from its data */
  json_decref(hf_run_json(0, "sequencer export --data data " CHAIN " --out data.pub --json"));
  json_t *replayed = hf_run_json(0, "sequencer replay data.pub --json"),
         *operations = json_object_get(replayed, "operations");
  cr_assert_eq(number_of(operations, "transfer") + number_of(operations, "withdraw"), (long long)w.count);
  cr_assert_eq(number_of(operations, "deposit") + number_of(operations, "deposit-refused"), deposits);
  cr_assert_eq(number_of(replayed, "batches"), batches);
  json_decref(replayed);
  json_decref(known);
  free(w.text);
  cr_assert_eq(chdir("/"), 0);
  hf_test_folder_remove(d);
}
