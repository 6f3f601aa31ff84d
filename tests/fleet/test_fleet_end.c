/* Processes that end, or run short, at bad moments: a worker while it writes, a client between its put and
 * its submission, a worker without memory, a worker whose disk for keys is full. Nothing half-made counts,
 * and nobody crashes. */
#include "books.h"

#include <dirent.h>
#include <errno.h>
#include <hyperfold/file.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS  (hf_soak() ? 200u : 20u)
#define LEASE_S 1u

static fleet f;
static char small_disk[16]; /* mounted there; "": none */

static void finish(void) {
  if (small_disk[0] != 0) (void)umount2(small_disk, MNT_DETACH);
  small_disk[0] = 0;
  fleet_close(&f);
}
TestSuite(fleet_end, .fini = finish);

static unsigned draw(unsigned below) {
  static unsigned state;
  state = state * 1664525u + 1013904223u;
  return (state >> 8) % below;
}

static hf_job_record wait_done(unsigned job) {
  hf_job_record record;
  for (int i = 0; i < 12000; i++) {
    record = fleet_record(&f, job);
    if (record.state == HF_JOB_DONE) return record;
    cr_assert(hf_job_state_open(record.state), "job %u is %s: %s", job, hf_job_state_text(record.state),
              record.cause);
    fleet_pause(5);
  }
  cr_assert_fail("job %u is %s", job, hf_job_state_text(record.state));
  return record;
}

/* Every file of a local store that has an artifact's name holds its bytes; how many files have none. */
static unsigned check_files(const char *folder) {
  char path[300], hex[HF_DIGEST_HEX], sub[160];
  unsigned stray = 0;
  for (unsigned i = 0; i < 256; i++) {
    snprintf(sub, sizeof sub, "%s/artifacts/%02x", folder, i);
    DIR *list = opendir(sub);
    struct dirent *entry;
    while (list != NULL && (entry = readdir(list)) != NULL) {
      uint8_t *data;
      size_t length;
      hf_digest name, has;
      if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
      snprintf(hex, sizeof hex, "%02x%.62s", i, entry->d_name);
      if (hf_digest_parse(hex, &name) != HF_OK) {
        stray++;
        continue;
      }
      snprintf(path, sizeof path, "%s/%.62s", sub, entry->d_name);
      OK(hf_file_read(path, (size_t)1 << 20, &data, &length));
      has = hf_digest_bytes(data, length);
      cr_assert(hf_digest_eq(&name, &has), "%s holds other bytes", path);
      free(data);
    }
    if (list != NULL) closedir(list);
  }
  return stray;
}

/* ---- a worker while it writes ---- */

static void dies_writing(const engine_kind *kind) {
  uint64_t jobs, artifacts;
  unsigned in_store = 0, stray = 0;
  fleet_open(&f, kind, NULL, LEASE_S);
  fleet_worker_start(&f, 0, "");
  for (unsigned i = 0; i < ROUNDS; i++) {
    OK(fleet_submit(f.queue, &f, i));
    hf_job_record record = fleet_record(&f, i);
    /* it is about to hand in: the next thing that it does is to write the proof, and then the job */
    while (record.state != HF_JOB_DONE && strcmp(record.progress.phase, "store") != 0)
      record = fleet_record(&f, i);
    for (unsigned wait = draw(40); wait > 0; wait--) record = fleet_record(&f, i);
    fleet_worker_kill(&f, 0);
    in_store += record.state != HF_JOB_DONE;
    fleet_worker_start(&f, 0, "");
  }
  for (unsigned i = 0; i < ROUNDS; i++) {
    hf_job_record record = wait_done(i);
    OK(fleet_verify(&f, f.queue, i, &record.result));
  }
  fleet_stop(&f);
  if (f.engine.store[0] != 0) stray = check_files(f.engine.store);
  /* What was written for nothing is collected, and nothing else. */
  OK(hf_queue_collect(f.queue, 0, fleet_now_ms() + 1000, NULL, NULL, &jobs, &artifacts));
  for (unsigned i = 0; i < ROUNDS; i++) {
    hf_job_record record = fleet_record(&f, i);
    OK(fleet_verify(&f, f.queue, i, &record.result));
  }
  if (f.engine.store[0] != 0) cr_assert_eq(check_files(f.engine.store), 0);
  fprintf(stderr,
          "fleet/end %s: %u workers killed while they handed in (%u before the job was done): all %u results "
          "verify; %llu proofs and %u files in "
          "the making were left behind, and collected\n",
          kind->name, ROUNDS, in_store, ROUNDS, (unsigned long long)artifacts, stray);
}

Test(fleet_end, worker_writing_local) { dies_writing(&engine_local); }
Test(fleet_end, worker_writing_redis) { dies_writing(&engine_redis); }
Test(fleet_end, worker_writing_zmq) { dies_writing(&engine_zmq); }

/* ---- a client between put and submit ---- */

static void write_input(unsigned job) {
  uint8_t *data;
  size_t length;
  hf_job_header header = fleet_job(&f, job);
  OK(fleet_put(f.queue, job));
  OK(hf_artifact_get(f.queue, &header.input_digest, 1000, &data, &length));
  hf_bytes part = {data, length};
  OK(hf_file_write("input", 0600, &part, 1));
  free(data);
  OK(hf_queue_collect(f.queue, 0, fleet_now_ms() + 1000, NULL, NULL, NULL,
                      NULL)); /* it is not in the store */
}

static void client_dies(const engine_kind *kind) {
  unsigned told = 0, taken = 0, put_alone = 0;
  char hex[HF_DIGEST_HEX];
  fleet_open(&f, kind, NULL, LEASE_S);
  hf_digest_hex(&f.vk_digest, hex);
  for (unsigned i = 0; i < ROUNDS; i++) {
    hf_job_header job = fleet_job(&f, i);
    hf_job_record record;
    struct stat out = {0};
    bool has;
    write_input(i);
    (void)unlink("client.out");
    double began = fleet_seconds();
    pid_t client = hf_run_start(
        "client.out", "job submit --data data --queue %s --circuit example --vk %s --id job-%u input",
        f.engine.location, hex, i);
    /* sometimes it is through with everything */
    for (double until = began + draw(60) / 1000.0; fleet_seconds() < until;) fleet_pause(1);
    kill(client, SIGKILL);
    waitpid(client, NULL, 0);
    bool was_told = stat("client.out", &out) == 0 && out.st_size > 0;
    hf_status there = hf_queue_get(f.queue, &job.key, &record);
    OK(hf_artifact_has(f.queue, &job.input_digest, &has));
    told += was_told;
    taken += there == HF_OK;
    put_alone += there != HF_OK && has;
    cr_assert(there == HF_OK || !was_told, "job %u was accepted and is not there", i);
    cr_assert(there != HF_OK || has, "job %u was taken without its input", i);
    /* the same again is the same job; and a collection that came between cannot make it one without input */
    if (there != HF_OK && has) {
      OK(hf_queue_collect(f.queue, 0, fleet_now_ms() + 1000, NULL, NULL, NULL, NULL));
      GIVES(HF_E_NOT_FOUND, hf_queue_submit_one(f.queue, &job, NULL));
    }
    OK(fleet_submit(f.queue, &f, i));
  }
  fleet_worker_start(&f, 0, "");
  for (unsigned i = 0; i < ROUNDS; i++) {
    hf_job_record record = wait_done(i);
    OK(fleet_verify(&f, f.queue, i, &record.result));
  }
  hf_queue_stats stats;
  OK(hf_queue_get_stats(f.queue, &stats));
  cr_assert_eq(stats.submitted, ROUNDS);
  fleet_stop(&f);
  fprintf(stderr,
          "fleet/end %s: %u clients killed while they submitted: %u jobs were taken, %u of them told, %u "
          "inputs were put for nothing; submitted "
          "again, each is one job with its result\n",
          kind->name, ROUNDS, taken, told, put_alone);
}

Test(fleet_end, client_local) { client_dies(&engine_local); }
Test(fleet_end, client_redis) { client_dies(&engine_redis); }
Test(fleet_end, client_zmq) { client_dies(&engine_zmq); }

/* ---- a worker without memory ---- */

static void limit_memory(const void *context) {
  const unsigned *mib = context;
  struct rlimit limit = {(rlim_t)*mib << 20, (rlim_t)*mib << 20};
  if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(43);
}

/* With every limit from too little to start with to plenty: it proves, or says that memory is short; it never
 * crashes. */
static void no_memory(const char *options) {
  unsigned proven = 0, refused = 0, ended = 0;
  int status;
  fleet_open(&f, &engine_local, NULL, 5);
  unsigned job = 0;
  for (unsigned mib = 8; mib <= 160; mib += mib < 64 ? 2 : 16, job++) {
    OK(fleet_submit(f.queue, &f, job));
    pid_t pid =
        hf_run_start_in("short.log", limit_memory, &mib,
                        "worker --data data --dev --json --threads 1 --queue %s --once --name short %s",
                        f.engine.location, options);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status), "with %u MiB the worker ended by signal %d", mib, WTERMSIG(status));
    hf_job_record record = fleet_record(&f, job);
    proven += record.state == HF_JOB_DONE;
    refused += record.attempts > 0;
    ended += WEXITSTATUS(status) != 0;
    cr_assert(record.attempts == 0 || record.cause[0] != 0);
    if (record.attempts > 0) fprintf(stderr, "  with %u MiB: %s\n", mib, record.cause);
    if (record.state != HF_JOB_DONE) { /* one who has memory */
      fleet_worker_start(&f, 0, "");
      record = wait_done(job);
      fleet_stop(&f);
    }
    OK(fleet_verify(&f, f.queue, job, &record.result));
  }
  cr_assert(proven > 0 && proven < job);
  fprintf(stderr,
          "fleet/end memory%s%s: %u workers with 8 to 160 MiB: %u proved, %u told the queue why not, %u "
          "ended with a status; none crashed\n",
          options[0] != 0 ? " " : "", options, job, proven, refused, ended);
}

Test(fleet_end, memory) { no_memory(""); }

/* ---- a disk for keys that is full ---- */

Test(fleet_end, keys_disk) {
  engine_namespaces(CLONE_NEWNS);
  fleet_open(&f, &engine_local, NULL, 5);
  cr_assert_eq(mkdir("small", 0700), 0);
  cr_assert_eq(mount("tmpfs", "small", "tmpfs", 0, "size=128k"), 0, "%s", strerror(errno));
  strcpy(small_disk, "small");
  /* room for the setup, and not for a key */
  cr_assert_eq(system("cp data/srs small/"), 0);
  for (unsigned i = 0; i < 3; i++) OK(fleet_submit(f.queue, &f, i));
  hf_run run;
  hf_run_command(&run, "worker --data small --dev --json --threads 1 --queue %s --once", f.engine.location);
  cr_assert_eq(run.exit, 0, "%s", run.err);
  cr_assert(strstr(run.err, "a key cannot be kept on the disk") != NULL, "%s", run.err);
  hf_run_free(&run);
  for (unsigned i = 0; i < 3; i++) {
    hf_job_record record = fleet_record(&f, i);
    cr_assert(record.state == HF_JOB_DONE && record.attempts == 0, "job %u is %s: %s", i,
              hf_job_state_text(record.state), record.cause);
    OK(fleet_verify(&f, f.queue, i, &record.result));
  }
  /* nothing half-written is left for the next worker */
  hf_run_command(&run, "worker --data small --dev --json --threads 1 --queue %s --once", f.engine.location);
  cr_assert_eq(run.exit, 0, "%s", run.err);
  hf_run_free(&run);
  fprintf(stderr, "fleet/end keys: a worker whose disk takes no key proves from memory, and says so\n");
}
