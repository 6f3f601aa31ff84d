#include "queue_faults.h"
#include "queue_fixture.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char place[256]; /* the location that the factory gives */

static void make_here(char location[256]) { strcpy(location, place); }
static void drop_nothing(const char *location) { (void)location; }
static const hf_queue_factory here = {make_here, drop_nothing, NULL};

/* ---- killed and started again ---- */

static int kills_done[2]; /* a pipe: the one who kills tells that it is through */

static void wait_for_kills(const char *location) {
  char byte;
  (void)location;
  if (kills_done[0] >= 0)
    cr_assert(read(kills_done[0], &byte, 1) == 1, "the server was not killed as planned");
}

static void die_with_parent(pid_t parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent) _exit(45);
}

/* Clients and workers are killed as for any backend, and the server beside them: nothing that was
 * acknowledged is lost or there twice, and nobody notices more than a pause. */
void hf_fault_killed(const hf_fault_server *server) {
  const unsigned kills = getenv("HF_SOAK") ? 20 : 3;
  pid_t parent = getpid();
  server->folder();
  server->location("s", place);
  cr_assert(pipe(kills_done) == 0);
  pid_t killer = fork();
  cr_assert(killer >= 0);
  if (killer == 0) {
    die_with_parent(parent);
    close(kills_done[0]);
    server->server.start();
    for (unsigned i = 0; i < kills; i++) {
      nanosleep(&(struct timespec){0, 150000000}, NULL);
      server->server.kill();
      nanosleep(&(struct timespec){0, 50000000}, NULL);
      server->server.start();
    }
    (void)!write(kills_done[1], "x", 1);
    for (;;) pause(); /* its child, the server, ends with it */
  }
  close(kills_done[1]);
  const hf_queue_factory factory = {make_here, drop_nothing, wait_for_kills};
  hf_case_kill(&factory, getenv("HF_SOAK") ? 100 : 20);
  cr_assert(kill(killer, SIGKILL) == 0 && waitpid(killer, NULL, 0) == killer);
}

/* ---- a connection that is cut ---- */

/* A server, and a carrier before it at the socket "p". */
static carrier start_carrier(const hf_fault_server *server) {
  static char back[96]; /* the carrier's process has its own */
  char front[96];
  server->folder();
  server->path("p", front);
  server->path("s", back);
  server->location("p", place);
  return carrier_start_server(carrier_listen_unix(front), back, &server->server);
}

void hf_fault_cut(const hf_fault_server *server) {
  fixture f;
  carrier between = start_carrier(server);
  volatile int *cut = between.cut;
  fixture_open(&f, &here);
  hf_digest result = result_of(&f, "proof");
  hf_job_state state;
  hf_finish_outcome outcome;
  hf_beat beat;
  uint64_t changed;
  for (int when = CUT_NOTHING; when <= KILL_ANSWER; when++) { /* in the first round everything is said once */
    char id[16];
    snprintf(id, sizeof id, "j%d", when);
    hf_job_header job = job_of(&f, "alice", id);
    hf_submission submission;
    hf_queue_stats before = stats_of(&f);
#define CUTTING(expression)                                                                                  \
  do {                                                                                                       \
    *cut = when;                                                                                             \
    expression;                                                                                              \
    cr_assert(*cut == CUT_NOTHING, "%s was not cut", #expression);                                           \
  } while (0)
    CUTTING(OK(hf_queue_submit_one(f.q, &job, &submission)));
    cr_assert(submission.created);
    hf_lease lease;
    CUTTING(lease = lease_expect(&f, "w1", id));
    EQ(lease.epoch, 1);
    CUTTING(OK(hf_queue_release(f.q, &job.key, lease.epoch)));
    lease = lease_expect(&f, "w1", id);
    CUTTING(OK(hf_queue_fail(f.q, &job.key, lease.epoch, HF_E_DEVICE, "broken", &state)));
    EQ(state, HF_JOB_QUEUED);
    EQ(record_of(&f, "alice", id).attempts, 1);
    lease = lease_expect(&f, "w2", id);
    EQ(lease.epoch, 3);
    f.now += 10000;
    CUTTING(OK(hf_queue_reap(f.q, &changed)));
    EQ(changed, 1);
    CUTTING(OK(hf_queue_cancel(f.q, &job.key, "", &state)));
    CUTTING(OK(hf_queue_requeue(f.q, &job.key, 0)));
    lease = lease_expect(&f, "w1", id);
    hf_progress progress = {.done = 1};
    CUTTING(OK(hf_queue_heartbeat(f.q, &job.key, lease.epoch, &progress, &beat)));
    CUTTING(OK(hf_queue_finish(f.q, &job.key, lease.epoch, "w1", &result, &outcome)));
    EQ(outcome, HF_FINISH_ACCEPTED);
    hf_queue_stats after = stats_of(&f);
    EQ(after.submitted - before.submitted, 1);
    EQ(after.resubmitted, 0);
    EQ(after.leases - before.leases, 4);
    EQ(after.released - before.released, 1);
    EQ(after.failures - before.failures, 1);
    EQ(after.expired - before.expired, 1);
    EQ(after.stale, 0);
    EQ(after.late_results, 0);
#undef CUTTING
  }
  fixture_close(&f);
  carrier_stop(&between);
}

void hf_fault_overtaken(const hf_fault_server *server) {
  fixture f;
  carrier between = start_carrier(server);
  volatile int *cut = between.cut;
  fixture_open(&f, &here);
  submit(&f, "alice", "j");
  hf_lease lease = lease_expect(&f, "w1", "j"); /* the server has seen it all once */
  OK(hf_queue_release(f.q, &lease.header.key, lease.epoch));
  for (int further = 0; further < 2; further++) {
    *cut = HOLD_REQUEST;
    lease = lease_expect(&f, "w1", "j");
    EQ(*cut, CUT_NOTHING);
    if (further) OK(hf_queue_release(f.q, &lease.header.key, lease.epoch));
    *cut = DELIVER_HELD;
    while (*cut != CUT_NOTHING) nanosleep(&(struct timespec){0, 1000000}, NULL);
    hf_job_record record = record_of(&f, "alice", "j");
    EQ(record.epoch, lease.epoch);
    EQ(record.state, further ? HF_JOB_QUEUED : HF_JOB_LEASED);
    if (!further) OK(hf_queue_release(f.q, &lease.header.key, lease.epoch));
  }
  EQ(stats_of(&f).leases, 3);
  fixture_close(&f);
  carrier_stop(&between);
}

void hf_fault_late_lease(const hf_fault_server *server) {
  fixture f;
  char direct[256];
  hf_queue *other;
  carrier between = start_carrier(server);
  volatile int *cut = between.cut;
  fixture_open(&f, &here);
  hf_queue_options options = fixture_options(&f);
  server->location("s", direct);
  options.location = direct;
  OK(hf_queue_open(&options, &other));
  lease_none(&f, "w1"); /* the server has seen it all once */
  *cut = HOLD_REQUEST;
  lease_none(&f, "w1");
  EQ(*cut, CUT_NOTHING);
  EQ(stats_of(&f).leases, 0); /* the handle is further */
  hf_job_header job = job_of(&f, "alice", "j");
  OK(hf_queue_submit_one(other, &job, NULL));
  *cut = DELIVER_HELD;
  while (*cut != CUT_NOTHING) nanosleep(&(struct timespec){0, 1000000}, NULL);
  for (int i = 0; i < 20; i++) {
    EQ(record_of(&f, "alice", "j").state, HF_JOB_QUEUED);
    nanosleep(&(struct timespec){0, 5000000}, NULL);
  }
  hf_queue_close(&other);
  fixture_close(&f);
  carrier_stop(&between);
}

/* An error that says so, and the handle goes on when the server is back. */
void hf_fault_away(const hf_fault_server *server) {
  fixture f;
  server->folder();
  server->server.start();
  server->location("s", place);
  fixture_open(&f, &here);
  hf_queue_close(&f.q);
  hf_queue_options options = fixture_options(&f);
  options.busy_ms = 60;
  OK(hf_queue_open(&options, &f.q));
  submit(&f, "alice", "j");
  server->server.kill();
  hf_queue_stats stats;
  GIVES(HF_E_IO, hf_queue_get_stats(f.q, &stats));
  cr_assert(strstr(hf_error_message(), "gave up"), "%s", hf_error_message());
  hf_queue *other;
  GIVES(HF_E_IO, hf_queue_open(&options, &other));
  cr_assert(other == NULL);
  server->server.start();
  lease_expect(&f, "w1", "j");
  fixture_close(&f);
}
