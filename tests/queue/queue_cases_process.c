/* Conformance with real processes: no double lease, nothing lost under SIGKILL.
 * Each child keeps a log of what it was told, one write(2) a line, after the call
 * returned: what stands in a log was acknowledged. */
#include "queue_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct stage {
  char location[256];
  char folder[64]; /* logs, and the file that tells everybody to stop */
  hf_digest input, vk;
  uint64_t lease_ms;
} stage;

static void pause_ms(unsigned ms) {
  nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL);
}

static void stage_open(stage *s, const hf_queue_factory *factory, uint64_t lease_ms) {
  memset(s, 0, sizeof *s);
  factory->make(s->location);
  strcpy(s->folder, "/tmp/hf-queue-stage-XXXXXX");
  cr_assert(mkdtemp(s->folder) != NULL);
  s->lease_ms = lease_ms;
  s->vk = hf_digest_bytes("a key", 5);
}

static void stage_close(stage *s, const hf_queue_factory *factory) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", s->folder);
  cr_assert(system(command) == 0);
  factory->drop(s->location);
}

/* A child never outlives its test, however that ends. */
static void die_with_parent(pid_t parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent) _exit(45);
}

static hf_queue *stage_queue(const stage *s) {
  hf_queue *q = NULL;
  hf_queue_options options = {.location = s->location, .lease_ms = s->lease_ms, .max_losses = 100000};
  hf_status status = hf_queue_open(&options, &q);
  if (status == HF_OK) return q;
  fprintf(stderr, "child %d: %s\n", (int)getpid(), hf_error_message());
  _exit(41);
}

static bool stop_asked(const stage *s) {
  char path[128];
  snprintf(path, sizeof path, "%s/stop", s->folder);
  return access(path, F_OK) == 0;
}

static void ask_stop(const stage *s) {
  char path[128];
  snprintf(path, sizeof path, "%s/stop", s->folder);
  int fd = open(path, O_CREAT | O_WRONLY, 0600);
  cr_assert(fd >= 0);
  close(fd);
}

/* All children append to one file a kind of line; appends of a line are atomic. */
static int log_open(const stage *s) {
  char path[128];
  snprintf(path, sizeof path, "%s/log", s->folder);
  int fd = open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) _exit(42);
  return fd;
}

static void log_line(int fd, const char *what, const char *id, unsigned long long epoch,
                     const hf_digest *digest) {
  char line[256], hex[HF_DIGEST_HEX] = "-";
  if (digest) hf_digest_hex(digest, hex);
  int n = snprintf(line, sizeof line, "%s %s %llu %s\n", what, id, epoch, hex);
  if (write(fd, line, (size_t)n) != n) _exit(43);
}

static void must(hf_status status, const char *what) {
  if (status == HF_OK) return;
  fprintf(stderr, "child %d: %s: %s\n", (int)getpid(), what, hf_error_message());
  _exit(44);
}

/* Leases, sometimes beats, sometimes fails or gives back, and finishes with a
 * result that names the worker and the epoch, so that two results always differ. */
static void worker_main(const stage *s, unsigned number, bool fickle) {
  hf_queue *q = stage_queue(s);
  int fd = log_open(s);
  hf_worker worker = {.capability_count = 1, .host_memory = 1 << 30};
  unsigned dice = number * 2654435761u + (unsigned)getpid();
  snprintf(worker.name, sizeof worker.name, "w%u", number);
  strcpy(worker.capabilities[0].circuit, "batch");
  worker.capabilities[0].vk_digest = s->vk;
  for (;;) {
    hf_lease lease;
    bool found;
    char id[HF_JOB_ID_TEXT], text[128];
    must(hf_queue_lease(q, &worker, &lease, &found), "lease");
    if (!found) {
      if (stop_asked(s)) break;
      pause_ms(2);
      continue;
    }
    hf_job_id_text(&lease.header.key.id, id);
    log_line(fd, "leased", id, lease.epoch, NULL);
    dice = dice * 1664525u + 1013904223u;
    if (fickle && dice >> 29 == 0) {
      must(hf_queue_release(q, &lease.header.key, lease.epoch), "release");
      continue;
    }
    if (fickle && dice >> 29 == 1) {
      must(hf_queue_fail(q, &lease.header.key, lease.epoch, HF_E_DEVICE, "a whim", NULL), "fail");
      continue;
    }
    pause_ms(dice >> 20 & 7);
    hf_beat beat;
    hf_progress progress = {.done = 1, .total = 2};
    hf_status status = hf_queue_heartbeat(q, &lease.header.key, lease.epoch, &progress, &beat);
    if (status != HF_OK && status != HF_E_STALE) must(status, "heartbeat");
    hf_digest result;
    hf_finish_outcome outcome;
    int n = snprintf(text, sizeof text, "proof of %s by %d under %llu", id, (int)getpid(),
                     (unsigned long long)lease.epoch);
    must(hf_artifact_put(q, text, (size_t)n, &result), "put");
    must(hf_queue_finish(q, &lease.header.key, lease.epoch, worker.name, &result, &outcome), "finish");
    if (outcome == HF_FINISH_ACCEPTED) log_line(fd, "accepted", id, lease.epoch, &result);
  }
  hf_queue_close(&q);
  _exit(0);
}

static hf_job_header stage_job(const stage *s, unsigned number) {
  char id[32];
  hf_job_header job = {.kind = HF_JOB_PROVE_BATCH, .vk_digest = s->vk, .input_digest = s->input};
  snprintf(id, sizeof id, "job-%06u", number);
  (void)hf_job_key_make(number % 3 ? "alice" : "bob", id, strlen(id), &job.key);
  strcpy(job.circuit, "batch");
  return job;
}

/* Submits one job after another, each with its own input; goes on where the log of its predecessor ends. */
static void client_main(stage *s, unsigned first) {
  hf_queue *q = stage_queue(s);
  int fd = log_open(s);
  for (unsigned i = first; !stop_asked(s); i++) {
    char text[64], id[HF_JOB_ID_TEXT];
    int n = snprintf(text, sizeof text, "input %u", i);
    must(hf_artifact_put(q, text, (size_t)n, &s->input), "put");
    hf_job_header job = stage_job(s, i);
    must(hf_queue_submit_one(q, &job, NULL), "submit");
    hf_job_id_text(&job.key.id, id);
    log_line(fd, "submitted", id, i, NULL);
    pause_ms(10);
  }
  hf_queue_close(&q);
  _exit(0);
}

static pid_t spawn_worker(stage *s, unsigned number, bool fickle) {
  pid_t parent = getpid(), pid = fork();
  cr_assert(pid >= 0);
  if (pid == 0) {
    die_with_parent(parent);
    worker_main(s, number, fickle);
  }
  return pid;
}

static pid_t spawn_client(stage *s, unsigned first) {
  pid_t parent = getpid(), pid = fork();
  cr_assert(pid >= 0);
  if (pid == 0) {
    die_with_parent(parent);
    client_main(s, first);
  }
  return pid;
}

typedef struct log_entry {
  char what[16], id[32];
  unsigned long long epoch;
  char digest[HF_DIGEST_HEX];
} log_entry;

static log_entry *read_log(const stage *s, size_t *count) {
  char path[128];
  snprintf(path, sizeof path, "%s/log", s->folder);
  FILE *file = fopen(path, "r");
  size_t capacity = 1024;
  log_entry *entries = malloc(capacity * sizeof *entries), e;
  *count = 0;
  if (!file) return entries;
  while (fscanf(file, "%15s %31s %llu %64s", e.what, e.id, &e.epoch, e.digest) == 4) {
    if (*count == capacity) entries = realloc(entries, (capacity *= 2) * sizeof *entries);
    entries[(*count)++] = e;
  }
  fclose(file);
  return entries;
}

static int by_content(const void *a, const void *b) {
  const log_entry *x = a, *y = b;
  int c = strcmp(x->what, y->what);
  if (c == 0) c = strcmp(x->id, y->id);
  if (c == 0) c = x->epoch < y->epoch ? -1 : x->epoch > y->epoch;
  return c;
}

/* The logs against the store: leases are unique, every acknowledged submission is
 * there and done, every acknowledged result is the one result of its job. */
static void compare_with_logs(stage *s, size_t *submitted, size_t *accepted) {
  size_t count, leases = 0;
  log_entry *entries = read_log(s, &count);
  hf_queue *q = stage_queue(s);
  *submitted = *accepted = 0;
  qsort(entries, count, sizeof *entries, by_content);
  for (size_t i = 0; i < count; i++) {
    const log_entry *e = &entries[i];
    hf_job_record record;
    hf_job_header job = stage_job(s, (unsigned)atoi(e->id + 4));
    OK(hf_queue_get(q, &job.key, &record));
    cr_assert(record.state == HF_JOB_DONE, "%s is %s (%s)", e->id, hf_job_state_text(record.state),
              record.cause);
    uint8_t *data;
    size_t length;
    OK(hf_artifact_get(q, &record.result, 1000, &data, &length));
    free(data);
    OK(hf_artifact_get(q, &record.header.input_digest, 1000, &data, &length));
    free(data);
    if (strcmp(e->what, "submitted") == 0) {
      ++*submitted;
    } else if (strcmp(e->what, "leased") == 0) {
      leases++;
      cr_assert(i == 0 || by_content(&entries[i - 1], e) != 0, "%s was leased twice under epoch %llu", e->id,
                e->epoch);
      cr_assert(e->epoch <= record.epoch);
    } else {
      ++*accepted;
      char hex[HF_DIGEST_HEX];
      hf_digest_hex(&record.result, hex);
      cr_assert_str_eq(hex, e->digest, "%s: the accepted result was replaced", e->id);
      cr_assert(i == 0 || strcmp(entries[i - 1].what, "accepted") != 0 ||
                    strcmp(entries[i - 1].id, e->id) != 0,
                "%s: two results were accepted", e->id);
    }
  }
  /* No job has two results in the store's own books either. */
  hf_queue_stats stats;
  OK(hf_queue_get_stats(q, &stats));
  EQ(stats.results, stats.jobs[HF_JOB_DONE]);
  EQ(stats.submitted, stats.jobs[HF_JOB_DONE]);
  cr_assert(stats.leases >= leases);
  cr_assert(stats.jobs[HF_JOB_DONE] >= *submitted);
  hf_queue_close(&q);
  free(entries);
}

static void reap_child(pid_t pid) {
  int wait_status;
  while (waitpid(pid, &wait_status, 0) < 0) cr_assert(errno == EINTR);
  cr_assert(WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0, "child %d ended with %x", (int)pid,
            (unsigned)wait_status);
}

void hf_case_many_processes(const hf_queue_factory *factory) {
  enum { WORKERS = 4, JOBS = 60 };
  stage s;
  pid_t children[WORKERS];
  size_t submitted, accepted;
  stage_open(&s, factory, 30000);
  for (unsigned i = 0; i < WORKERS; i++) children[i] = spawn_worker(&s, i, true);
  /* They open a store that may not exist yet, all at once. */
  hf_queue *q = stage_queue(&s);
  OK(hf_artifact_put(q, "the input", 9, &s.input));
  hf_job_header jobs[JOBS];
  hf_submission results[JOBS];
  for (unsigned i = 0; i < JOBS; i++) jobs[i] = stage_job(&s, i);
  OK(hf_queue_submit(q, jobs, JOBS, results));
  for (unsigned i = 0; i < JOBS; i++) EQ(results[i].status, HF_OK);
  /* Whims cost attempts, so some jobs may die: they are put back. */
  for (int round = 0;; round++) {
    hf_queue_stats stats;
    OK(hf_queue_get_stats(q, &stats));
    if (stats.jobs[HF_JOB_DONE] == JOBS) break;
    cr_assert(round < 3000, "%llu of %d jobs are done after 30 s",
              (unsigned long long)stats.jobs[HF_JOB_DONE], JOBS);
    hf_job_record dead[8];
    size_t count;
    hf_job_filter filter = {.state_mask = 1u << HF_JOB_DEAD};
    OK(hf_queue_list(q, &filter, dead, 8, &count));
    for (size_t i = 0; i < count; i++) OK(hf_queue_requeue(q, &dead[i].header.key, 0));
    pause_ms(10);
  }
  ask_stop(&s);
  for (unsigned i = 0; i < WORKERS; i++) reap_child(children[i]);
  /* A handle does not cross fork. */
  pid_t pid = fork();
  cr_assert(pid >= 0);
  if (pid == 0) {
    hf_queue_stats stats;
    _exit(hf_queue_get_stats(q, &stats) == HF_E_STATE ? 0 : 1);
  }
  reap_child(pid);
  hf_queue_close(&q);
  compare_with_logs(&s, &submitted, &accepted);
  EQ(accepted, JOBS); /* nobody was killed: every acceptance is in the log */
  if (factory->check) factory->check(s.location);
  stage_close(&s, factory);
}

void hf_case_kill(const hf_queue_factory *factory, unsigned kills) {
  enum { WORKERS = 3 };
  stage s;
  pid_t workers[WORKERS], client;
  size_t submitted, accepted, count;
  unsigned seed = (unsigned)time(NULL), dice = seed, first = 0;
  stage_open(&s, factory, 300);
  client = spawn_client(&s, first);
  for (unsigned i = 0; i < WORKERS; i++) workers[i] = spawn_worker(&s, i, false);
  for (unsigned i = 0; i < kills; i++) {
    dice = dice * 1664525u + 1013904223u;
    pause_ms(20 + (dice >> 16) % 100);
    unsigned victim = (dice >> 8) % (WORKERS + 1);
    pid_t *pid = victim < WORKERS ? &workers[victim] : &client;
    cr_assert(kill(*pid, SIGKILL) == 0);
    int wait_status;
    cr_assert(waitpid(*pid, &wait_status, 0) == *pid);
    cr_assert(WIFSIGNALED(wait_status), "kill %u: child %d ended by itself with %x (seed %u)", i, (int)*pid,
              (unsigned)wait_status, seed);
    if (victim < WORKERS) {
      *pid = spawn_worker(&s, victim, false);
    } else {
      /* The client goes on from what it knows was accepted; what it had submitted without
       * hearing so is submitted again, which is idempotent. */
      log_entry *entries = read_log(&s, &count);
      for (size_t j = 0; j < count; j++)
        if (strcmp(entries[j].what, "submitted") == 0 && entries[j].epoch >= first)
          first = (unsigned)entries[j].epoch + 1;
      free(entries);
      *pid = spawn_client(&s, first);
    }
  }
  ask_stop(&s);
  reap_child(client);
  for (unsigned i = 0; i < WORKERS; i++) reap_child(workers[i]); /* a worker stops when it finds no job */
  /* Leases of killed workers may be running still: one more worker takes those. */
  hf_queue *q = stage_queue(&s);
  for (int round = 0;; round++) {
    hf_queue_stats stats;
    OK(hf_queue_get_stats(q, &stats));
    if (stats.jobs[HF_JOB_QUEUED] + stats.jobs[HF_JOB_LEASED] == 0) break;
    cr_assert(round < 100, "jobs are left open (seed %u)", seed);
    pause_ms(100);
    reap_child(spawn_worker(&s, WORKERS, false));
  }
  hf_queue_close(&q);
  if (factory->check) factory->check(s.location);
  compare_with_logs(&s, &submitted, &accepted);
  cr_log_info("%u kills (seed %u): %zu submissions and %zu results acknowledged, none lost", kills, seed,
              submitted, accepted);
  cr_assert(submitted > 0 && accepted > 0);
  stage_close(&s, factory);
}
