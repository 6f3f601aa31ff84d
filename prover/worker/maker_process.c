/* Proofs in a process of its own: started, watched, ended when it hangs, started again. */
#include "maker_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "verify.h"

#define HF_PATIENCE_MS   30000
#define HF_PATIENCE_LONG 10 /* times that: to get ready, and to derive a key */

typedef struct process_maker {
  hf_maker base; /* first */
  hf_maker_process_options options;
  char **command; /* a copy of the options' */
  pid_t pid;                             /* 0: none runs */
  int descriptor;                        /* -1: none */
  char names[HF_PROVE_PHASES][32];       /* phases of the last result */
  char doing[32];                        /* the phase that it was in last */
} process_maker;

/* Ends it, if it has not ended; how it ended, in words. */
static void reap(process_maker *m, char *how, size_t size) {
  int state = 0;
  snprintf(how, size, "is gone");
  if (m->descriptor >= 0) close(m->descriptor);
  m->descriptor = -1;
  if (m->pid == 0) return;
  pid_t ended = waitpid(m->pid, &state, WNOHANG);
  if (ended == 0) {
    kill(m->pid, SIGKILL);
    while ((ended = waitpid(m->pid, &state, 0)) < 0 && errno == EINTR) {}
  }
  m->pid = 0;
  if (ended > 0 && WIFSIGNALED(state)) snprintf(how, size, "ended by signal %d (%s)", WTERMSIG(state), strsignal(WTERMSIG(state)));
  if (ended > 0 && WIFEXITED(state)) snprintf(how, size, "ended with status %d", WEXITSTATUS(state));
}

static void child(const process_maker *m, int descriptor, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* it outlives nobody */
  if (getppid() != parent) _exit(127);
  /* the copy stays open in the new program; where it would be itself, it is told to */
  if (descriptor == HF_MAKER_DESCRIPTOR ? fcntl(descriptor, F_SETFD, 0) != 0 : dup2(descriptor, HF_MAKER_DESCRIPTOR) < 0)
    _exit(127);
  /* the worker is told to end, and tells it */
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  execv(m->command[0], m->command);
  _exit(127);
}

static hf_status start(process_maker *m) {
  hf_status status;
  int ends[2] = {-1, -1};
  uint8_t kind, *payload = NULL;
  size_t length;
  char how[128];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return hf_fail(HF_E_IO, "socketpair: %s", strerror(errno));
  pid_t parent = getpid();
  m->pid = fork();
  if (m->pid == 0) child(m, ends[1], parent);
  close(ends[1]);
  m->descriptor = ends[0];
  if (m->pid < 0) {
    m->pid = 0;
    reap(m, how, sizeof how);
    return hf_fail(HF_E_IO, "fork: %s", strerror(errno));
  }
  status = hf_frame_receive(m->descriptor, (int)m->options.patience_ms * HF_PATIENCE_LONG, 0, &kind, &payload, &length);
  free(payload);
  if (status == HF_OK && kind == HF_FRAME_READY) {
    hf_log(m->options.log, HF_LOG_INFO, "prover's process ready", HF_LOG_UINT("pid", (uint64_t)m->pid),
           HF_LOG_TEXT("device", m->options.device));
    return HF_OK;
  }
  reap(m, how, sizeof how);
  return hf_fail(HF_E_DEVICE, "the prover's process for device \"%s\" %s before it was ready", m->options.device, how);
}

/* Says what it is doing to the worker, and to it if the worker wants it to stop. */
static hf_status progress(process_maker *m, const hf_maker_task *task, const uint8_t *payload, size_t length, bool *told) {
  hf_status status;
  uint32_t done;
  hf_reader r = hf_reader_over(payload, length);
  HF_TRY(hf_read_u32(&r, "progress", &done));
  size_t left = hf_reader_left(&r);
  if (left >= sizeof m->doing || done > 1000000) HF_TRY(hf_fail(HF_E_FORMAT, "progress of %u, %zu bytes", done, left));
  HF_TRY(hf_read_bytes(&r, "phase", m->doing, left));
  m->doing[left] = 0;
  if (!task->progress(task->context, m->doing, done * 1e-6) && !*told) {
    HF_TRY(hf_frame_send(m->descriptor, HF_FRAME_CANCEL, (hf_bytes){0}, (hf_bytes){0}));
    *told = true;
  }
out:
  return status;
}

static hf_status ask(process_maker *m, const hf_maker_task *task) {
  hf_status status;
  hf_writer header = {0}, job = {0};
  HF_TRY(hf_job_header_encode(task->job, &header));
  hf_write_u32(&job, (uint32_t)header.length);
  hf_write_bytes(&job, header.data, header.length);
  HF_TRY(hf_writer_status(&header));
  HF_TRY(hf_writer_status(&job));
  HF_TRY(hf_frame_send(m->descriptor, HF_FRAME_JOB, (hf_bytes){job.data, job.length}, (hf_bytes){task->input, task->length}));
out:
  hf_writer_free(&header);
  hf_writer_free(&job);
  return status;
}

/* Until the answer: HF_OK with what became of the job in *made; else the process is no good any more. */
static hf_status listen_to(process_maker *m, const hf_maker_task *task, hf_maker_result *result, hf_status *made,
                           char message[HF_DETAIL_MAX + 1]) {
  hf_status status;
  bool told = false;
  for (;;) {
    uint8_t kind, *payload;
    size_t length;
    bool slow = strcmp(m->doing, "key") == 0;
    HF_TRY(hf_frame_receive(m->descriptor, (int)m->options.patience_ms * (slow ? HF_PATIENCE_LONG : 1), HF_FRAME_ANSWER_MAX,
                            &kind, &payload, &length));
    if (kind == HF_FRAME_PROGRESS)
      status = progress(m, task, payload, length, &told);
    else if (kind == HF_FRAME_DONE)
      status = hf_maker_done_decode(payload, length, result, m->names, made, message);
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
  hf_digest has = hf_vk_digest_bytes(&result->vk);
  if (!hf_digest_eq(&has, &task->job->vk_digest))
    HF_TRY(hf_fail(HF_E_DEVICE, "the prover's process answers with another key than the job's"));
  HF_TRY(hf_verify(&result->vk, &result->proof, &ok));
  if (!ok) status = hf_fail_context(HF_E_VERIFY, "the proof of the prover's process does not verify");
out:
  return status;
}

static hf_status process_make(hf_maker *maker, const hf_maker_task *task, hf_maker_result *result) {
  process_maker *m = (process_maker *)(void *)maker;
  hf_status status, made = HF_E_INTERNAL;
  char message[HF_DETAIL_MAX + 1] = "", how[128], why[HF_DETAIL_MAX + 1];
  memset(result, 0, sizeof *result);
  m->doing[0] = 0;
  if (m->pid == 0) HF_TRY(start(m));
  status = ask(m, task);
  if (status == HF_OK) status = listen_to(m, task, result, &made, message);
  if (status != HF_OK) {
    hf_detail_copy(hf_error_message(), why);
    reap(m, how, sizeof how);
    hf_log(m->options.log, HF_LOG_WARN, "prover's process lost", HF_LOG_TEXT("device", m->options.device),
           HF_LOG_TEXT("phase", m->doing), HF_LOG_TEXT("how", how), HF_LOG_TEXT("why", why));
    return hf_fail(HF_E_DEVICE, "the prover's process for device \"%s\" %s in phase \"%s\": %s", m->options.device, how,
                   m->doing, why);
  }
  if (made != HF_OK) return hf_fail(made, "%s", message);
  HF_TRY(check(task, result));
out:
  return status;
}

static void process_destroy(hf_maker *maker) {
  process_maker *m = (process_maker *)(void *)maker;
  char how[128];
  if (m->descriptor >= 0) { /* it ends when nobody listens; a hung one is ended */
    close(m->descriptor);
    m->descriptor = -1;
    for (int tries = 0; tries < 50 && m->pid != 0; tries++) {
      if (waitpid(m->pid, NULL, WNOHANG) != 0) m->pid = 0;
      else usleep(20000);
    }
  }
  reap(m, how, sizeof how);
  for (size_t i = 0; m->command != NULL && m->command[i] != NULL; i++) free(m->command[i]);
  free(m->command);
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
  process_maker *m = calloc(1, sizeof *m);
  if (m == NULL) return hf_fail(HF_E_MEMORY, "no memory for what makes proofs");
  m->base = (hf_maker){.device = options->device, .make = process_make, .destroy = process_destroy};
  m->options = *options;
  m->descriptor = -1;
  if (m->options.patience_ms == 0) m->options.patience_ms = HF_PATIENCE_MS;
  hf_status status = copy_command(m);
  if (status == HF_OK) status = start(m);
  if (status != HF_OK) {
    process_destroy(&m->base);
    return status;
  }
  *out = &m->base;
  return HF_OK;
}
