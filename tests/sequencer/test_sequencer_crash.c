/* kill -9 at random moments, and before each single write, and disks that are full for a moment: what was
 * acknowledged is there, once, and each batch is one job. HF_SOAK=1: 100 random kills instead of 10, and
 * every write instead of every seventh. */
#include "ok.h"
#include "sequencer_support.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHUNK 4 /* lines that a client sends at once */

/* Every call that changes a file, SQLite's included, comes through these (the executable's symbols are
 * exported and come before libc's). A child that is armed kills itself before call number `kill_at`. */
static long kill_at = -1, calls;
static long fail_at = -1; /* the call that finds the disk full instead, once */
static bool failed;

static bool strike(void) {
  if (kill_at >= 0 && calls++ == kill_at) (void)kill(getpid(), SIGKILL);
  if (fail_at < 0 || calls++ != fail_at) return false;
  failed = true;
  errno = ENOSPC;
  return true;
}

ssize_t write(int fd, const void *data, size_t length) {
  return strike() ? -1 : syscall(SYS_write, fd, data, length);
}
ssize_t pwrite(int fd, const void *data, size_t length, off_t at) {
  return strike() ? -1 : syscall(SYS_pwrite64, fd, data, length, at);
}
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) {
  return strike() ? -1 : syscall(SYS_pwrite64, fd, data, length, at);
}
int fsync(int fd) { return strike() ? -1 : (int)syscall(SYS_fsync, fd); }
int fdatasync(int fd) { return strike() ? -1 : (int)syscall(SYS_fdatasync, fd); }
int rename(const char *from, const char *to) { return strike() ? -1 : (int)syscall(SYS_rename, from, to); }

typedef struct scene {
  char *folder, *db, *queue;
  load load;
  const char **line; /* starts of the lines, and the end */
  hf_chain_options chain;
  uint8_t calm_root[32]; /* the state in the end when nothing is killed */
} scene;

static void scene_fresh(scene *s) {
  s->folder = folder_make();
  s->db = folder_file(s->folder, "chain.db");
  s->queue = folder_file(s->folder, "queue");
  s->chain.path = s->db;
}

static void scene_clear(scene *s) {
  free(s->db);
  free(s->queue);
  folder_remove(s->folder);
}

static void find_calm_root(scene *s);

static void scene_open(scene *s, uint64_t seed, uint32_t accounts, uint32_t transactions) {
  memset(s, 0, sizeof *s);
  hf_generator_options options = {.seed = seed,
                                  .chain_id = {5, 0},
                                  .accounts = accounts,
                                  .transactions = transactions,
                                  .withdraw_per_mille = 100,
                                  .bad_deposits = 2,
                                  .skew = 1};
  OK(load_make(&options, &s->load));
  s->line = calloc(s->load.count + 1, sizeof *s->line);
  const char *rest = (const char *)s->load.transactions.data, *end = rest + s->load.transactions.length;
  for (size_t i = 0; i <= s->load.count; i++) {
    size_t length;
    s->line[i] = rest;
    if (i < s->load.count) cr_assert(hf_line_next(&rest, end, &(const char *){NULL}, &length));
  }
  s->chain = (hf_chain_options){.chain_id = {5, 0}, .params = {10, 8}, .keep_inputs = true};
  scene_fresh(s);
  find_calm_root(s);
}

static void scene_close(scene *s) {
  scene_clear(s);
  load_free(&s->load);
  free(s->line);
}

static hf_status open_both(const scene *s, hf_queue **queue, hf_sequencer **sequencer) {
  hf_queue_options queue_options = {.location = s->queue};
  hf_status status = hf_queue_open(&queue_options, queue);
  hf_sequencer_options options = {.chains = &s->chain, .chain_count = 1, .queue = *queue};
  options.vk_digest.b[0] = 1;
  if (status == HF_OK) status = hf_sequencer_open(&options, sequencer);
  return status;
}

/* A client and its sequencer, in one process that will be killed. Sends from line `from`, and tells through
 * `pipe` what was acknowledged: only after the call has returned. Exit code 0 when everything is handed on.
 */
static void child(const scene *s, size_t from, int pipe) {
  hf_queue *queue = NULL;
  hf_sequencer *sequencer = NULL;
  if (open_both(s, &queue, &sequencer) != HF_OK) _exit(2);
  if (hf_sequencer_deposit_text(sequencer, (const char *)s->load.deposits.data, s->load.deposits.length,
                                NULL) != HF_OK)
    _exit(3);
  for (size_t at = from; at < s->load.count; at += CHUNK) {
    size_t to = at + CHUNK < s->load.count ? at + CHUNK : s->load.count;
    hf_tally tally;
    if (hf_sequencer_submit_text(sequencer, s->line[at], (size_t)(s->line[to] - s->line[at]), NULL, NULL,
                                 &tally) != HF_OK)
      _exit(4);
    if (tally.by_refusal[HF_REFUSAL_NONE] + tally.by_refusal[HF_REFUSAL_DUPLICATE] != to - at) _exit(5);
    if (write(pipe, &to, sizeof to) != sizeof to) _exit(6);
    if (hf_sequencer_step(sequencer) != HF_OK) _exit(7);
  }
  if (hf_sequencer_flush(sequencer, 60000) != HF_OK) _exit(8);
  _exit(0);
}

static hf_digest line_hash(const scene *s, size_t i) {
  hf_transaction tx;
  size_t length = (size_t)(s->line[i + 1] - s->line[i]) - 1;
  OK(hf_transaction_parse(s->line[i], length, &tx));
  return hf_transaction_hash(&tx);
}

/* Everything that was acknowledged is there, and nothing twice. */
static void check_acknowledged(const scene *s, size_t acknowledged) {
  hf_chain *chain = NULL;
  hf_chain_info info;
  OK(hf_chain_open(&s->chain, &chain));
  hf_chain_get_info(chain, &info);
  size_t found = 0;
  for (size_t i = 0; i < s->load.count; i++) {
    uint64_t batch;
    uint32_t slot;
    hf_digest hash = line_hash(s, i);
    hf_status status = hf_chain_get_transaction(chain, &hash, &batch, &slot);
    if (i < acknowledged)
      cr_assert(status == HF_OK, "line %zu of %zu acknowledged ones is lost", i, acknowledged);
    found += status == HF_OK;
  }
  cr_assert_eq(info.sealed + info.pending, found + info.deposits, "%lu operations",
               (unsigned long)(info.sealed + info.pending));
  cr_assert(found <= acknowledged + CHUNK, "something was taken that nobody sent");
  hf_chain_close(&chain);
}

/* After the end: batches chained and right, each a job with that input, and the same state as without any
 * crash. */
static void check_end(const scene *s) {
  hf_queue *queue = NULL;
  hf_sequencer *sequencer = NULL;
  hf_chain_info info;
  OK(open_both(s, &queue, &sequencer));
  hf_chain *chain = hf_sequencer_chain(sequencer, 0);
  hf_chain_get_info(chain, &info);
  cr_assert(info.pending == 0 && info.unsubmitted == 0);
  cr_assert_eq(info.sealed, s->load.count + s->load.tally.deposits);
  cr_assert(memcmp(s->calm_root, info.root, 32) == 0, "crashes changed the state");
  uint8_t root[32];
  for (uint64_t n = 1; n <= info.batches; n++) {
    hf_job_key key;
    hf_job_record job;
    hf_batch_info batch;
    hf_batch_input input;
    uint8_t *bytes = NULL;
    size_t length = 0;
    hf_sequencer_job_key(sequencer, s->chain.chain_id, n, &key);
    OK(hf_queue_get(queue, &key, &job));
    OK(hf_chain_get_batch(chain, n, &batch));
    cr_assert(hf_digest_eq(&job.header.input_digest, &batch.input_digest), "batch %lu", (unsigned long)n);
    OK(hf_artifact_get(queue, &job.header.input_digest, 1 << 24, &bytes, &length));
    OK(hf_batch_input_decode("artifact", bytes, length, &input));
    const char *wrong = check_batch_input(&input, n == 1 ? NULL : root);
    cr_assert(wrong == NULL, "batch %lu: %s", (unsigned long)n, wrong ? wrong : "");
    memcpy(root, batch.record.word[HF_RECORD_NEW_ROOT], 32);
    hf_batch_input_free(&input);
    free(bytes);
  }
  hf_queue_stats stats;
  OK(hf_queue_get_stats(queue, &stats));
  cr_assert_eq(stats.submitted, info.batches, "%lu jobs for %lu batches", (unsigned long)stats.submitted,
               (unsigned long)info.batches);
  cr_assert_eq(stats.conflicts, 0);
  hf_sequencer_close(&sequencer);
  hf_queue_close(&queue);
}

static void find_calm_root(scene *s) {
  char *path = folder_file(s->folder, "calm.db");
  hf_chain_options options = s->chain;
  options.path = path;
  hf_sequencer_options sequencer_options = {.chains = &options, .chain_count = 1};
  hf_sequencer *sequencer = NULL;
  hf_chain_info info;
  OK(hf_sequencer_open(&sequencer_options, &sequencer));
  OK(hf_sequencer_deposit_text(sequencer, (const char *)s->load.deposits.data, s->load.deposits.length,
                               NULL));
  OK(hf_sequencer_submit_text(sequencer, (const char *)s->load.transactions.data, s->load.transactions.length,
                              NULL, NULL, NULL));
  OK(hf_sequencer_flush(sequencer, 60000));
  hf_chain_get_info(hf_sequencer_chain(sequencer, 0), &info);
  memcpy(s->calm_root, info.root, 32);
  hf_sequencer_close(&sequencer);
  free(path);
}

enum { NEVER = -1 };

/* Runs the child until it ends, strikes itself before write number `at`, or is struck after so many
 * microseconds (NEVER: it is not); true when it was killed. *acknowledged grows. */
static bool run_child(const scene *s, long at, long microseconds, size_t *acknowledged) {
  int ends[2], state = 0;
  cr_assert_eq(pipe(ends), 0);
  pid_t pid = fork();
  cr_assert(pid >= 0);
  if (pid == 0) {
    (void)close(ends[0]);
    kill_at = at;
    child(s, *acknowledged, ends[1]);
  }
  (void)close(ends[1]);
  if (microseconds != NEVER) {
    (void)usleep((useconds_t)microseconds);
    (void)kill(pid, SIGKILL);
  }
  cr_assert_eq(waitpid(pid, &state, 0), pid);
  for (size_t value; read(ends[0], &value, sizeof value) == sizeof value;) *acknowledged = value;
  (void)close(ends[0]);
  if (WIFSIGNALED(state) && WTERMSIG(state) == SIGKILL) return true;
  cr_assert(WIFEXITED(state) && WEXITSTATUS(state) == 0, "the child failed with %d", WEXITSTATUS(state));
  return false;
}

Test(sequencer_crash, nothing_acknowledged_is_lost_or_done_twice) {
  const int wanted = getenv("HF_SOAK") ? 100 : 10;
  uint64_t random = 0x5eed;
  int kills = 0, scenes = 0;
  while (kills < wanted) {
    scene s;
    size_t acknowledged = 0;
    scene_open(&s, 100 + (uint64_t)scenes++, 30, 200);
    for (bool killed = true; killed;) {
      random = random * 6364136223846793005ull + 1442695040888963407ull;
      /* from the first instruction to well into the work */
      const long microseconds = kills < wanted ? (long)((random >> 33) % 150000) : NEVER;
      killed = run_child(&s, NEVER, microseconds, &acknowledged);
      kills += killed;
      if (killed) check_acknowledged(&s, acknowledged);
    }
    check_end(&s);
    scene_close(&s);
  }
  cr_assert(kills >= wanted);
}

Test(sequencer_crash, before_each_write) {
  const long stride = getenv("HF_SOAK") ? 1 : 7;
  scene s;
  bool killed = true;
  long at = 0;
  scene_open(&s, 7, 6, 12);
  for (; killed; at += stride) {
    size_t acknowledged = 0;
    killed = run_child(&s, at, NEVER, &acknowledged);
    if (killed) {
      check_acknowledged(&s, acknowledged);
      cr_assert(!run_child(&s, NEVER, NEVER, &acknowledged));
    }
    check_end(&s);
    scene_clear(&s);
    scene_fresh(&s);
  }
  cr_assert(at > 100, "only %ld writes seen: are they intercepted?", at);
  scene_close(&s);
}

/* A full disk at any one write: the call that meets it fails, and has kept nothing, or all of it where the
 * write only came after the commit; sent again it goes through. */
Test(sequencer_crash, full_disk_at_each_write) {
  const long stride = getenv("HF_SOAK") ? 1 : 7;
  scene s;
  long at = 0, refused = 0;
  scene_open(&s, 9, 6, 12);
  for (bool met = true; met; at += stride) {
    hf_sequencer *sequencer = NULL;
    hf_sequencer_options options = {.chains = &s.chain, .chain_count = 1};
    OK(hf_sequencer_open(&options, &sequencer));
    hf_chain *chain = hf_sequencer_chain(sequencer, 0);
    calls = 0;
    failed = false;
    fail_at = at;
    for (int tries = 0; tries < 2; tries++) {
      hf_status status = hf_sequencer_deposit_text(sequencer, (const char *)s.load.deposits.data,
                                                   s.load.deposits.length, NULL);
      if (status == HF_OK) break;
      cr_assert(failed && tries == 0, "%s", hf_error_message());
      refused++;
    }
    for (size_t i = 0; i < s.load.count; i += CHUNK) {
      size_t to = i + CHUNK < s.load.count ? i + CHUNK : s.load.count;
      for (int tries = 0; tries < 2; tries++) {
        hf_chain_info before, after;
        hf_tally tally;
        hf_chain_get_info(chain, &before);
        hf_status status = hf_sequencer_submit_text(sequencer, s.line[i], (size_t)(s.line[to] - s.line[i]),
                                                    NULL, NULL, &tally);
        hf_chain_get_info(chain, &after);
        if (status == HF_OK) {
          cr_assert_eq(tally.by_refusal[HF_REFUSAL_NONE], to - i, "chunk %zu, write %ld", i, at);
          break;
        }
        cr_assert(failed && tries == 0 && (status == HF_E_FULL || status == HF_E_IO), "%s",
                  hf_error_message());
        cr_assert(memcmp(&before, &after, sizeof before) == 0, "a failed call left something behind");
        refused++;
      }
      for (int tries = 0; tries < 2; tries++) {
        hf_status status = hf_sequencer_step(sequencer);
        if (status == HF_OK) break;
        cr_assert(failed && tries == 0, "%s", hf_error_message());
        refused++;
      }
    }
    for (int tries = 0; tries < 2; tries++) {
      hf_status status = hf_sequencer_flush(sequencer, 1000);
      if (status == HF_OK) break;
      cr_assert(failed && tries == 0, "%s", hf_error_message());
      refused++;
    }
    fail_at = -1;
    met = failed;
    for (int again = 0; again < 2; again++) { /* and once more from the file alone */
      hf_chain_info info;
      hf_chain_get_info(hf_sequencer_chain(sequencer, 0), &info);
      cr_assert_eq(info.sealed, s.load.count + s.load.tally.deposits);
      cr_assert(memcmp(info.root, s.calm_root, 32) == 0, "write %ld", at);
      hf_sequencer_close(&sequencer);
      if (again == 0) OK(hf_sequencer_open(&options, &sequencer));
    }
    scene_clear(&s);
    scene_fresh(&s);
  }
  cr_assert(at > 50 && refused > 5, "%ld writes, %ld refused", at, refused);
  scene_close(&s);
}
