/* A worker on a host of its own, by a network namespace and a pair of virtual links: the link is cut for
 * longer than the lease, at the server's end and at the worker's, and comes back. Nothing is done twice,
 * others do what it had, and it works on by itself. 5 s; 30 s with HF_SOAK=1. Needs root and `ip`. */
#include "books.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define CUT_S   (hf_soak() ? 30u : 5u)
#define CALM_S  2u  /* before each cut */
#define AGAIN_S 60u /* for the worker to come back: generous */
#define LEASE_S 2u
#define SERVER  "10.99.0.1"

static fleet f;
static pid_t host; /* a process that holds the other namespace */

static void finish(void) {
  fleet_close(&f);
  if (host > 0) {
    kill(host, SIGKILL);
    waitpid(host, NULL, 0);
    host = 0;
  }
}
TestSuite(fleet_net, .fini = finish);

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void shell(const char *format, ...) {
  char command[300];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(command, sizeof command, format, arguments);
  va_end(arguments);
  cr_assert_eq(system(command), 0, "%s", command);
}

/* This process's namespace has the server, the other one a link to it. */
static void make_hosts(void) {
  int ready[2];
  char byte;
  pid_t parent = getpid();
  if (system("command -v ip >/dev/null 2>&1 && command -v nsenter >/dev/null 2>&1") != 0)
    cr_skip_test("no ip, no nsenter");
  engine_namespaces(CLONE_NEWNET);
  cr_assert_eq(pipe(ready), 0);
  host = fork();
  cr_assert(host >= 0);
  if (host == 0) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent || unshare(CLONE_NEWNET) != 0) _exit(45);
    if (write(ready[1], "x", 1) != 1) _exit(46);
    for (;;) pause();
  }
  cr_assert_eq(read(ready[0], &byte, 1), 1);
  close(ready[0]);
  close(ready[1]);
  shell("ip link set lo up && ip link add near type veth peer name far netns %d", (int)host);
  shell("ip address add " SERVER "/24 dev near && ip link set near up");
  shell("nsenter -t %d -n ip address add 10.99.0.2/24 dev far && nsenter -t %d -n ip link set far up",
        (int)host, (int)host);
}

static void enter_host(const void *context) {
  char path[48];
  (void)context;
  snprintf(path, sizeof path, "/proc/%d/ns/net", (int)host);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns(fd, CLONE_NEWNET) != 0) _exit(44);
  close(fd);
}

/* The time of the first lease of that worker from `from` on; 0 if there is none yet. */
static uint64_t leased_since(const char *worker, uint64_t from) {
  static hf_event page[200];
  static uint64_t after;
  size_t count;
  do {
    OK(hf_queue_events(f.queue, after, page, 200, &count));
    for (size_t i = 0; i < count; i++) {
      after = page[i].sequence;
      if (page[i].kind == HF_EVENT_LEASED && page[i].time_ms >= from && strcmp(page[i].worker, worker) == 0)
        return page[i].time_ms;
    }
  } while (count == 200);
  return 0;
}

static void wait_for_lease(const char *worker, uint64_t from, uint64_t *at) {
  double until = fleet_seconds() + AGAIN_S;
  while ((*at = leased_since(worker, from)) == 0) {
    fleet_check(&f);
    fleet_alive(&f);
    cr_assert(fleet_seconds() < until, "the worker does not come back within %u s", AGAIN_S);
    fleet_pause(20);
  }
}

static void calm(unsigned seconds) {
  for (double until = fleet_seconds() + seconds; fleet_seconds() < until; fleet_pause(20)) {
    fleet_check(&f);
    fleet_alive(&f);
  }
}

static void cuts(const engine_kind *kind) {
  char down[2][100], up[2][100];
  samples back = {0};
  unsigned seconds = 2 * (CUT_S + CALM_S) + 4, jobs = 12 * seconds, expired = 0;
  uint64_t at;
  make_hosts();
  fleet_open(&f, kind, &(engine_setup){.address = SERVER}, LEASE_S);
  snprintf(down[0], sizeof down[0], "ip link set near down");
  snprintf(up[0], sizeof up[0], "ip link set near up");
  snprintf(down[1], sizeof down[1], "nsenter -t %d -n ip link set far down", (int)host);
  snprintf(up[1], sizeof up[1], "nsenter -t %d -n ip link set far up", (int)host);
  fleet_worker_start(&f, 0, "");
  fleet_worker_start_in(&f, 1, enter_host, NULL, "");
  const char *far = f.workers[1].name;
  fleet_client(&f, jobs, seconds * 1000);
  for (int end = 0; end < 2; end++) {
    wait_for_lease(far, fleet_now_ms(), &at);
    calm(CALM_S);
    /* with a job in hand, if it can be had: its lease is lost */
    for (int i = 0; i < 2000; i++, fleet_pause(1)) {
      hf_job_record record;
      size_t count;
      hf_job_filter filter = {.state_mask = 1u << HF_JOB_LEASED, .worker = far};
      OK(hf_queue_list(f.queue, &filter, &record, 1, &count));
      if (count > 0) break;
    }
    shell("%s", down[end]);
    calm(CUT_S);
    uint64_t again = fleet_now_ms();
    shell("%s", up[end]);
    wait_for_lease(far, again, &at);
    samples_add(&back, (double)(at - again));
  }
  fleet_wait(&f, 120);
  fleet_stop(&f);
  fleet_taker_end(&f);
  books_agree(&f);
  for (size_t i = 0; i < f.event_count; i++) expired += f.events[i].kind == HF_EVENT_EXPIRED;
  fprintf(stderr,
          "fleet/net %s: a worker's link cut for %u s at the server's end and at its own, %u leases lost and "
          "done by others, %u results verified, "
          "none twice; it works on %.2f s and %.2f s after the link is back\n",
          kind->name, CUT_S, expired, jobs, back.ms[0] / 1000, back.ms[1] / 1000);
  books_report("net", kind, jobs, 2, &back, "cut_seconds", (double)CUT_S, "leases_lost", (double)expired,
               NULL);
  free(back.ms);
}

Test(fleet_net, redis) { cuts(&engine_redis); }
Test(fleet_net, zmq) { cuts(&engine_zmq); }
