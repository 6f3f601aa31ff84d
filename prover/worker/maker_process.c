/* Proofs in a process of its own: started, watched, ended when it hangs, started again. */
#include "maker_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include "verify.h"

#define HF_PATIENCE_MS   30000
#define HF_PATIENCE_LONG 10 /* times that: to get ready, and to derive a key */
#define HF_PATIENCE_MOST (INT_MAX / (HF_PATIENCE_LONG + 1))
#define HF_END_MS        10000 /* a process that a driver holds may outlive SIGKILL */

/* A job at a time; its descriptor is used by the thread that has it, alone; the rest is under the lock. */
typedef struct lane {
  int descriptor; /* -1: none */
  bool taken;
  bool lost;      /* its process is, and all that it said was read */
  char doing[32]; /* the phase that it was in last; written by the thread that has it */
} lane;

/* Makes the processes. The kernel ends one of them with the thread that made it (PR_SET_PDEATHSIG), so that is one that lives
 * as long as the maker does, and not whichever asks. */
typedef struct starter {
  pthread_t thread;
  bool runs;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  const int *ends; /* the new process's, while one is asked for */
  pid_t pid;       /* what came of it, or -1 */
  int error;
  bool closing;
} starter;

typedef struct process_maker {
  hf_maker base; /* first */
  hf_maker_process_options options;
  char **command; /* a copy of the options' */
  pthread_mutex_t lock;
  pthread_cond_t left; /* a lane is free */
  starter starter;
  pid_t pid;           /* 0: none runs */
  bool lost;           /* it has been ended; the lanes that it had find that out one by one */
  lane *silent;        /* since this one's job gave no sign; NULL: by itself */
  char how[128];       /* the last one ended */
  lane lanes[HF_MAKER_LANES];
  atomic_ullong started, ended, hung; /* hf_maker_life, which is asked without the lock: starting holds it for long */
  atomic_bool failed;
} process_maker;

/* --- start and end; under the lock ------------------------------------------------------ */

/* Ends it, if it has not ended; how, in m->how. The lanes' descriptors stay until their threads let go. */
static void reap(process_maker *m) {
  int state = 0;
  snprintf(m->how, sizeof m->how, "is gone");
  if (m->pid == 0) return;
  pid_t ended = waitpid(m->pid, &state, WNOHANG);
  if (ended == 0) {
    kill(m->pid, SIGKILL);
    for (int ms = 0; ms < HF_END_MS && (ended = waitpid(m->pid, &state, WNOHANG)) == 0; ms += 10) usleep(10000);
    if (ended == 0) snprintf(m->how, sizeof m->how, "cannot be ended");
  }
  m->pid = 0;
  m->lost = true;
  if (ended > 0 && WIFSIGNALED(state))
    snprintf(m->how, sizeof m->how, "ended by signal %d (%s)", WTERMSIG(state), strsignal(WTERMSIG(state)));
  if (ended > 0 && WIFEXITED(state)) snprintf(m->how, sizeof m->how, "ended with status %d", WEXITSTATUS(state));
}

static void close_lanes(process_maker *m) {
  for (unsigned i = 0; i < HF_MAKER_LANES; i++) {
    if (m->lanes[i].descriptor >= 0) close(m->lanes[i].descriptor);
    m->lanes[i].descriptor = -1;
  }
}

/* In the new process: its ends become HF_MAKER_DESCRIPTOR and on. */
static void child(const process_maker *m, const int *ends, pid_t parent) {
  int safe[HF_MAKER_LANES];
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* it outlives nobody */
  if (getppid() != parent) _exit(127);
  /* out of each other's way first; these copies close with exec */
  for (unsigned i = 0; i < m->options.lanes; i++)
    if ((safe[i] = fcntl(ends[i], F_DUPFD_CLOEXEC, HF_MAKER_DESCRIPTOR + HF_MAKER_LANES)) < 0) _exit(127);
  for (unsigned i = 0; i < m->options.lanes; i++)
    if (dup2(safe[i], HF_MAKER_DESCRIPTOR + (int)i) < 0) _exit(127);
  /* the worker is told to end, and tells it */
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  execv(m->command[0], m->command);
  _exit(127);
}

static void *make_processes(void *context) {
  process_maker *m = context;
  starter *s = &m->starter;
  pthread_mutex_lock(&s->lock);
  while (!s->closing) {
    if (s->ends == NULL) {
      pthread_cond_wait(&s->changed, &s->lock);
      continue;
    }
    const pid_t parent = getpid();
    s->pid = fork();
    if (s->pid == 0) child(m, s->ends, parent);
    s->error = errno;
    s->ends = NULL;
    pthread_cond_broadcast(&s->changed);
  }
  pthread_mutex_unlock(&s->lock);
  return NULL;
}

static hf_status make_process(process_maker *m, const int *ends) {
  starter *s = &m->starter;
  pthread_mutex_lock(&s->lock);
  s->ends = ends;
  pthread_cond_broadcast(&s->changed);
  while (s->ends != NULL) pthread_cond_wait(&s->changed, &s->lock);
  const pid_t made = s->pid;
  const int error = s->error;
  pthread_mutex_unlock(&s->lock);
  if (made < 0) return hf_fail(HF_E_IO, "fork: %s", strerror(error));
  m->pid = made;
  return HF_OK;
}

static hf_status starter_open(process_maker *m) {
  starter *s = &m->starter;
  s->runs = pthread_create(&s->thread, NULL, make_processes, m) == 0;
  return s->runs ? HF_OK : hf_fail(HF_E_MEMORY, "no thread that makes processes");
}

static void starter_close(starter *s) {
  pthread_mutex_lock(&s->lock);
  s->closing = true;
  pthread_cond_broadcast(&s->changed);
  pthread_mutex_unlock(&s->lock);
  if (s->runs) pthread_join(s->thread, NULL);
  pthread_mutex_destroy(&s->lock);
  pthread_cond_destroy(&s->changed);
}

static int patience(const process_maker *m, int times) { return (int)m->options.patience_ms * times; }

static hf_status await_ready(process_maker *m, lane *l) {
  hf_status status;
  uint8_t kind, *payload = NULL;
  size_t length;
  HF_TRY(hf_frame_receive(l->descriptor, patience(m, HF_PATIENCE_LONG), sizeof(uint64_t), &kind, &payload, &length));
  if (kind != HF_FRAME_READY) HF_TRY(hf_fail(HF_E_FORMAT, "a frame of kind %u", kind));
  hf_reader r = hf_reader_over(payload, length);
  HF_TRY(hf_read_u64(&r, "memory", &m->base.memory));
out:
  free(payload);
  return status;
}

static hf_status start(process_maker *m) {
  hf_status status = HF_OK;
  int ends[HF_MAKER_LANES];
  unsigned made = 0;
  close_lanes(m);
  for (; made < m->options.lanes; made++) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
      status = hf_fail(HF_E_IO, "socketpair: %s", strerror(errno));
      break;
    }
    const int ms = patience(m, 1); /* a large job fills the socket */
    const struct timeval most = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
    (void)setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
    m->lanes[made].descriptor = pair[0];
    ends[made] = pair[1];
  }
  if (status == HF_OK) status = make_process(m, ends);
  for (unsigned i = 0; i < made; i++) close(ends[i]);
  if (status != HF_OK) return status;
  m->lost = false;
  for (unsigned i = 0; i < HF_MAKER_LANES; i++) m->lanes[i].lost = false;
  for (unsigned i = 0; i < m->options.lanes && status == HF_OK; i++) status = await_ready(m, &m->lanes[i]);
  atomic_store(&m->failed, status != HF_OK);
  if (status != HF_OK) {
    reap(m);
    return hf_fail(HF_E_DEVICE, "the prover's process for device \"%s\" %s before it was ready", m->options.device, m->how);
  }
  atomic_fetch_add(&m->started, 1);
  hf_log(m->options.log, HF_LOG_INFO, "prover's process ready", HF_LOG_UINT("pid", (uint64_t)m->pid),
         HF_LOG_TEXT("device", m->options.device));
  return HF_OK;
}

/* A free lane of a process that runs. One that was lost is replaced when all its lanes are let go. */
static hf_status take_lane(process_maker *m, lane **out) {
  hf_status status = HF_OK;
  pthread_mutex_lock(&m->lock);
  for (;;) {
    lane *found = NULL;
    bool any = false;
    for (unsigned i = 0; i < m->options.lanes; i++) {
      if (m->lanes[i].taken) any = true;
      else if (!found) found = &m->lanes[i];
    }
    if (!any && m->pid != 0 && waitpid(m->pid, NULL, WNOHANG) != 0) m->pid = 0; /* it ended while nobody asked: no job's fault */
    if (found && m->pid != 0) {
      found->taken = true;
      found->doing[0] = 0;
      *out = found;
      break;
    }
    if (m->pid == 0 && !any) {
      if ((status = start(m)) != HF_OK) break;
      continue;
    }
    pthread_cond_wait(&m->left, &m->lock);
  }
  pthread_mutex_unlock(&m->lock);
  return status;
}

/* Phases in which a job does not use the device. */
static bool off_device(const char *phase) {
  return *phase == 0 || strcmp(phase, "witness") == 0 || strcmp(phase, "waiting") == 0;
}

/* Whether this lane's job ended the process: one that gave no sign, did; of those that were there when it ended by itself, the
 * one on the device, or else all. So it waits until all of them have read what it said last. */
static bool blamed(process_maker *m, lane *l) {
  bool waits = true, on_device = false;
  l->lost = true;
  pthread_cond_broadcast(&m->left);
  if (m->silent != NULL) return m->silent == l;
  while (waits) {
    waits = on_device = false;
    for (unsigned i = 0; i < m->options.lanes; i++) {
      waits |= m->lanes[i].taken && !m->lanes[i].lost;
      on_device |= m->lanes[i].lost && !off_device(m->lanes[i].doing);
    }
    if (waits) pthread_cond_wait(&m->left, &m->lock);
  }
  return !on_device || !off_device(l->doing);
}

/* What became of a lane's process when its job was lost. */
typedef struct loss {
  bool first;     /* nobody has found out before */
  bool blamed;    /* the job's doing */
  char doing[32]; /* in this phase */
  char how[128];
} loss;

/* Lets go; without HF_OK the process is no good any more. */
static void leave_lane(process_maker *m, lane *l, hf_status why, loss *out) {
  pthread_mutex_lock(&m->lock);
  out->first = why != HF_OK && !m->lost;
  if (out->first) {
    m->silent = why == HF_E_NOT_FOUND || why == HF_E_IO ? NULL : l;
    atomic_fetch_add(&m->ended, 1);
    if (why == HF_E_TIMEOUT) atomic_fetch_add(&m->hung, 1);
    reap(m);
  }
  memcpy(out->how, m->how, sizeof m->how);
  out->blamed = why != HF_OK && blamed(m, l);
  memcpy(out->doing, l->doing, sizeof l->doing);
  l->taken = false;
  pthread_cond_broadcast(&m->left);
  pthread_mutex_unlock(&m->lock);
}

/* --- a job -------------------------------------------------------------------------------- */

/* Says what it is doing to the worker, and to it if the worker wants it to stop. */
static hf_status progress(process_maker *m, lane *l, const hf_maker_task *task, const uint8_t *payload, size_t length,
                          hf_maker_result *result, bool *told) {
  hf_status status;
  uint32_t done;
  const uint8_t *phase;
  hf_reader r = hf_reader_over(payload, length);
  HF_TRY(hf_read_u32(&r, "progress", &done));
  HF_TRY(hf_read_u32(&r, "rows", &result->used_rows));
  size_t left = hf_reader_left(&r);
  if (left >= sizeof l->doing || done > 1000000) HF_TRY(hf_fail(HF_E_FORMAT, "progress of %u, %zu bytes", done, left));
  HF_TRY(hf_read_view(&r, "phase", left, &phase));
  pthread_mutex_lock(&m->lock); /* others look when the process is lost */
  memcpy(l->doing, phase, left);
  l->doing[left] = 0;
  pthread_mutex_unlock(&m->lock);
  if (!task->progress(task->context, l->doing, done * 1e-6) && !*told) {
    HF_TRY(hf_frame_send(l->descriptor, HF_FRAME_CANCEL, (hf_bytes){0}, (hf_bytes){0}));
    *told = true;
  }
out:
  return status;
}

static hf_status ask(lane *l, const hf_maker_task *task) {
  hf_status status;
  hf_writer header = {0}, job = {0};
  HF_TRY(hf_job_header_encode(task->job, &header));
  hf_write_u32(&job, (uint32_t)header.length);
  hf_write_bytes(&job, header.data, header.length);
  HF_TRY(hf_writer_status(&header));
  HF_TRY(hf_writer_status(&job));
  HF_TRY(hf_frame_send(l->descriptor, HF_FRAME_JOB, (hf_bytes){job.data, job.length}, (hf_bytes){task->input, task->length}));
out:
  hf_writer_free(&header);
  hf_writer_free(&job);
  return status;
}

/* Until the answer: HF_OK with what became of the job in *made; else the process is no good any more. */
static hf_status listen_to(process_maker *m, lane *l, const hf_maker_task *task, hf_maker_result *result, hf_status *made,
                           char message[HF_DETAIL_MAX + 1]) {
  hf_status status;
  bool told = false;
  for (;;) {
    uint8_t kind, *payload;
    size_t length;
    /* a key may be derived, and behind it the next job waits longer: a device that hangs is found by the one that has it */
    int times = strcmp(l->doing, "key") == 0 ? HF_PATIENCE_LONG : 1;
    if (m->options.lanes > 1 && off_device(l->doing)) times = HF_PATIENCE_LONG + 1;
    HF_TRY(hf_frame_receive(l->descriptor, patience(m, times), HF_FRAME_ANSWER_MAX, &kind, &payload, &length));
    if (kind == HF_FRAME_PROGRESS)
      status = progress(m, l, task, payload, length, result, &told);
    else if (kind == HF_FRAME_DONE)
      status = hf_maker_done_decode(payload, length, result, result->phase_names, made, message);
    else
      status = hf_fail(HF_E_FORMAT, "a frame of kind %u", kind);
    free(payload);
    if (status != HF_OK || kind == HF_FRAME_DONE) goto out;
  }
out:
  return status;
}

/* Its word is not taken: the key is the pinned one, and the proof verifies here. */
static hf_status check(const hf_maker_task *task, hf_maker_result *result) {
  hf_status status;
  bool ok = false;
  double at = hf_maker_now();
  hf_digest has = hf_vk_digest_bytes(&result->vk);
  if (!hf_digest_eq(&has, &task->job->vk_digest))
    HF_TRY(hf_fail(HF_E_DEVICE, "the prover's process answers with another key than the job's"));
  HF_TRY(hf_verify(&result->vk, &result->proof, &ok));
  if (!ok) status = hf_fail_context(HF_E_VERIFY, "the proof of the prover's process does not verify");
out:
  result->verify_seconds = hf_maker_now() - at;
  return status;
}

static hf_status process_make(hf_maker *maker, const hf_maker_task *task, hf_maker_result *result) {
  process_maker *m = (process_maker *)(void *)maker;
  hf_status status, made = HF_E_INTERNAL;
  char message[HF_DETAIL_MAX + 1] = "", why[HF_DETAIL_MAX + 1];
  lane *l;
  loss lost;
  memset(result, 0, sizeof *result);
  HF_TRY(take_lane(m, &l));
  status = ask(l, task);
  if (status == HF_OK) status = listen_to(m, l, task, result, &made, message);
  if (status != HF_OK) hf_detail_copy(hf_error_message(), why);
  leave_lane(m, l, status, &lost);
  if (status != HF_OK) {
    if (lost.first)
      hf_log(m->options.log, HF_LOG_WARN, "prover's process lost", HF_LOG_TEXT("device", m->options.device),
             HF_LOG_TEXT("phase", lost.doing), HF_LOG_TEXT("how", lost.how), HF_LOG_TEXT("why", why));
    if (!lost.blamed) return hf_fail(HF_E_BUSY, "the prover's process %s at another job", lost.how);
    return hf_fail(HF_E_DEVICE, "the prover's process for device \"%s\" %s in phase \"%s\": %s", m->options.device, lost.how,
                   lost.doing, why);
  }
  if (made != HF_OK) return hf_fail(made, "%s", message);
  HF_TRY(check(task, result));
out:
  return status;
}

/* --- life ------------------------------------------------------------------------------------ */

static void process_life(hf_maker *maker, hf_maker_life *out) {
  process_maker *m = (process_maker *)(void *)maker;
  *out = (hf_maker_life){.started = atomic_load(&m->started),
                         .lost = atomic_load(&m->ended),
                         .silent = atomic_load(&m->hung),
                         .failed = atomic_load(&m->failed)};
}

static void process_destroy(hf_maker *maker) {
  process_maker *m = (process_maker *)(void *)maker;
  close_lanes(m); /* it ends when nobody listens; a hung one is ended */
  for (int tries = 0; tries < 50 && m->pid != 0; tries++) {
    if (waitpid(m->pid, NULL, WNOHANG) != 0) m->pid = 0;
    else usleep(20000);
  }
  reap(m);
  starter_close(&m->starter); /* after its processes: they end with it */
  for (size_t i = 0; m->command != NULL && m->command[i] != NULL; i++) free(m->command[i]);
  free(m->command);
  pthread_mutex_destroy(&m->lock);
  pthread_cond_destroy(&m->left);
  free(m);
}

static hf_status copy_command(process_maker *m) {
  size_t count = 0;
  while (m->options.command[count] != NULL) count++;
  m->command = calloc(count + 1, sizeof *m->command);
  for (size_t i = 0; m->command != NULL && i < count; i++)
    if ((m->command[i] = strdup(m->options.command[i])) == NULL) return hf_fail(HF_E_MEMORY, "no memory for a command");
  return m->command != NULL ? HF_OK : hf_fail(HF_E_MEMORY, "no memory for a command");
}

hf_status hf_maker_process(const hf_maker_process_options *options, hf_maker **out) {
  *out = NULL;
  if (options->lanes > HF_MAKER_LANES)
    return hf_fail(HF_E_ARGUMENT, "%u jobs at a time; at most %d", options->lanes, HF_MAKER_LANES);
  process_maker *m = calloc(1, sizeof *m);
  if (m == NULL) return hf_fail(HF_E_MEMORY, "no memory for what makes proofs");
  m->base = (hf_maker){.device = options->device, .make = process_make, .life = process_life, .destroy = process_destroy};
  m->options = *options;
  pthread_mutex_init(&m->lock, NULL);
  pthread_cond_init(&m->left, NULL);
  pthread_mutex_init(&m->starter.lock, NULL);
  pthread_cond_init(&m->starter.changed, NULL);
  for (unsigned i = 0; i < HF_MAKER_LANES; i++) m->lanes[i].descriptor = -1;
  if (m->options.lanes == 0) m->options.lanes = 1;
  if (m->options.patience_ms == 0) m->options.patience_ms = HF_PATIENCE_MS;
  if (m->options.patience_ms > HF_PATIENCE_MOST) m->options.patience_ms = HF_PATIENCE_MOST;
  hf_status status = copy_command(m);
  if (status == HF_OK) status = starter_open(m);
  if (status == HF_OK) status = start(m);
  if (status != HF_OK) {
    process_destroy(&m->base);
    return status;
  }
  *out = &m->base;
  return HF_OK;
}
