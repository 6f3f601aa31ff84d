/* The process that makes proofs, as a worker sees it: whose fault its end is, and what outlives it. It is fake_prover.c. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "maker_wire.h"
#include "ok.h"

static hf_maker *open_maker(unsigned lanes, unsigned patience_ms) {
  char count[16];
  hf_maker *maker;
  snprintf(count, sizeof count, "%u", lanes);
  const char *const command[] = {HF_FAKE_PROVER, count, NULL};
  hf_maker_process_options options = {.command = command, .device = "fake", .lanes = lanes, .patience_ms = patience_ms};
  OK(hf_maker_process(&options, &maker));
  return maker;
}

/* A job, on a thread of its own if it is started. */
typedef struct job {
  hf_maker *maker;
  const char *script;
  sem_t told; /* its phase arrived */
  pthread_t thread;
  hf_maker_result result;
  hf_status status;
  char message[HF_DETAIL_MAX + 1];
} job;

static bool progress(void *context, const char *phase, double done) {
  job *j = context;
  (void)phase, (void)done;
  sem_post(&j->told);
  return true;
}

static void *run(void *context) {
  job *j = context;
  hf_job_header header = {.circuit = "example", .kind = HF_JOB_PROVE_BATCH, .key = {.tenant = "t", .id = {.length = 1}}};
  hf_maker_task task = {.job = &header,
                        .input = (const uint8_t *)j->script,
                        .length = strlen(j->script),
                        .progress = progress,
                        .context = j};
  j->status = j->maker->make(j->maker, &task, &j->result);
  snprintf(j->message, sizeof j->message, "%s", hf_error_message());
  sem_post(&j->told); /* nobody waits for a job that is over */
  return NULL;
}

static void job_make(job *j, hf_maker *maker, const char *script) {
  memset(j, 0, sizeof *j);
  j->maker = maker;
  j->script = script;
  sem_init(&j->told, 0, 0);
}

/* Returns when it has told a phase. */
static void job_start(job *j, hf_maker *maker, const char *script) {
  job_make(j, maker, script);
  cr_assert_eq(pthread_create(&j->thread, NULL, run, j), 0);
  while (sem_wait(&j->told) != 0) {}
}

static void job_run(job *j, hf_maker *maker, const char *script) {
  job_make(j, maker, script);
  run(j);
}

static void expect(const job *j, hf_status status) {
  cr_assert_eq(j->status, status, "\"%s\": %s: %s", j->script, hf_status_text(j->status), j->message);
}

/* A thread that had the process started again may end: the process stays. */
Test(process, stays_when_the_thread_that_wanted_it_ends, .timeout = 30) {
  static job j;
  hf_maker *maker = open_maker(1, 0);
  job_run(&j, maker, "kx");
  expect(&j, HF_E_DEVICE);
  job_make(&j, maker, "a");
  cr_assert_eq(pthread_create(&j.thread, NULL, run, &j), 0);
  pthread_join(j.thread, NULL);
  expect(&j, HF_E_REFUSED);
  char first[HF_DETAIL_MAX + 1];
  strcpy(first, j.message);
  job_run(&j, maker, "a");
  expect(&j, HF_E_REFUSED);
  cr_assert_str_eq(j.message, first, "another process");
  hf_maker_destroy(&maker);
}

/* One that ended while it had nothing to do is replaced, and no job is to blame. */
Test(process, ends_between_jobs, .timeout = 30) {
  static job j;
  siginfo_t info;
  for (unsigned lanes = 1; lanes <= 2; lanes++) {
    hf_maker *maker = open_maker(lanes, 0);
    job_run(&j, maker, "a");
    expect(&j, HF_E_REFUSED);
    pid_t pid = atoi(j.message);
    kill(pid, SIGKILL);
    cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    job_run(&j, maker, "a");
    expect(&j, HF_E_REFUSED);
    cr_assert_neq(atoi(j.message), pid);
    hf_maker_destroy(&maker);
  }
}

/* A job that ends the process before it is on the device is to blame unless another one was there. */
Test(process, ended_by_a_witness, .timeout = 30) {
  static job alone, beside;
  hf_maker *maker = open_maker(2, 0);
  job_run(&alone, maker, "wx");
  expect(&alone, HF_E_DEVICE);
  job_run(&alone, maker, "x");
  expect(&alone, HF_E_DEVICE);
  job_start(&beside, maker, "wh");
  job_run(&alone, maker, "wx");
  pthread_join(beside.thread, NULL);
  expect(&alone, HF_E_DEVICE); /* nobody knows which of the two */
  expect(&beside, HF_E_DEVICE);
  job_run(&alone, maker, "a");
  expect(&alone, HF_E_REFUSED);
  hf_maker_destroy(&maker);
}

Test(process, ended_on_the_device, .timeout = 30) {
  static job ahead, device;
  hf_maker *maker = open_maker(2, 0);
  job_start(&ahead, maker, "wh");
  job_run(&device, maker, "kx");
  pthread_join(ahead.thread, NULL);
  expect(&device, HF_E_DEVICE);
  expect(&ahead, HF_E_BUSY);
  hf_maker_destroy(&maker);
}

/* A witness that hangs ends the process; the proof beside it, which went on, is not to blame. */
Test(process, hangs_in_a_witness, .timeout = 30) {
  static job ahead, device;
  hf_maker *maker = open_maker(2, 300);
  job_start(&device, maker, "b");
  job_run(&ahead, maker, "wh");
  pthread_join(device.thread, NULL);
  expect(&ahead, HF_E_DEVICE);
  expect(&device, HF_E_BUSY);
  hf_maker_destroy(&maker);
}

/* One that reads no more is found out while a job goes to it. */
Test(process, hangs_between_jobs, .timeout = 30) {
  static job j;
  const size_t length = (size_t)4 << 20;
  char *large = malloc(length + 1);
  cr_assert_not_null(large);
  memset(large, 'a', length);
  large[length] = 0;
  hf_maker *maker = open_maker(1, 300);
  job_run(&j, maker, "ah");
  expect(&j, HF_E_REFUSED);
  job_run(&j, maker, large);
  expect(&j, HF_E_DEVICE);
  job_run(&j, maker, "a");
  expect(&j, HF_E_REFUSED);
  hf_maker_destroy(&maker);
  free(large);
}

/* Its lanes are others' soon, what it said of a job is the job's. */
Test(process, results_are_their_own, .timeout = 30) {
  static job one, two;
  hf_maker *maker = open_maker(1, 0);
  job_run(&one, maker, "1");
  job_run(&two, maker, "2");
  cr_assert_str_eq(one.result.prove.phases[0].name, "1");
  cr_assert_str_eq(two.result.prove.phases[0].name, "2");
  hf_maker_destroy(&maker);
}

/* Of any patience ten times as much is an amount of time. */
Test(process, patience_of_any_length, .timeout = 30) {
  static job j;
  const unsigned long_ones[] = {214748365, 429496730, 4294967295u};
  for (int i = 0; i < 3; i++) {
    hf_maker *maker = open_maker(2, long_ones[i]);
    job_run(&j, maker, "wka");
    expect(&j, HF_E_REFUSED);
    hf_maker_destroy(&maker);
  }
}

/* --- the process's own end -------------------------------------------------------------------- */

static hf_status one_step(hf_maker *maker, const hf_maker_task *task, hf_maker_result *result) {
  (void)maker;
  memset(result, 0, sizeof *result);
  if (!task->progress(task->context, "witness", 0.5)) return hf_fail(HF_E_CANCELLED, "left");
  return hf_fail(HF_E_REFUSED, "done");
}

/* A process that serves on two descriptors; ours. */
static pid_t serve(int ours[2]) {
  int pairs[2][2];
  for (int i = 0; i < 2; i++) {
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]), 0);
    ours[i] = pairs[i][0];
  }
  pid_t pid = fork();
  cr_assert_geq(pid, 0);
  if (pid == 0) {
    hf_maker maker = {.device = "fake", .make = one_step};
    int safe[2];
    for (int i = 0; i < 2; i++) safe[i] = fcntl(pairs[i][1], F_DUPFD, 20);
    for (int i = 0; i < 2; i++) {
      close(pairs[i][0]);
      close(pairs[i][1]);
    }
    for (int i = 0; i < 2; i++) {
      dup2(safe[i], HF_MAKER_DESCRIPTOR + i);
      close(safe[i]);
    }
    _exit(hf_maker_serve(&maker, 2) == HF_OK ? 0 : 1);
  }
  for (int i = 0; i < 2; i++) close(pairs[i][1]);
  return pid;
}

/* The next frame is of this kind; its first number. */
static uint32_t next(int descriptor, uint8_t expected) {
  uint8_t kind, *payload;
  size_t length;
  uint32_t number = 0;
  OK(hf_frame_receive(descriptor, 10000, HF_FRAME_ANSWER_MAX, &kind, &payload, &length));
  cr_assert_eq(kind, expected);
  hf_reader r = hf_reader_over(payload, length);
  OK(hf_read_u32(&r, "number", &number));
  free(payload);
  return number;
}

static void send_job(int descriptor) {
  const hf_job_header header = {.circuit = "example", .kind = HF_JOB_PROVE_BATCH, .key = {.tenant = "t", .id = {.length = 1}}};
  hf_writer bytes = {0}, frame = {0};
  OK(hf_job_header_encode(&header, &bytes));
  hf_write_u32(&frame, (uint32_t)bytes.length);
  hf_write_bytes(&frame, bytes.data, bytes.length);
  OK(hf_frame_send(descriptor, HF_FRAME_JOB, (hf_bytes){frame.data, frame.length}, (hf_bytes){0}));
  hf_writer_free(&bytes);
  hf_writer_free(&frame);
}

/* A cancel that comes when its job is over is not the next one's; a lane that ends says so. */
Test(process, serves, .timeout = 30) {
  int ours[2], state;
  uint8_t kind, *payload;
  size_t length;
  pid_t pid = serve(ours);
  for (int i = 0; i < 2; i++) next(ours[i], HF_FRAME_READY);
  for (int times = 0; times < 3; times++) {
    send_job(ours[times % 2]);
    next(ours[times % 2], HF_FRAME_PROGRESS);
    cr_assert_eq(next(ours[times % 2], HF_FRAME_DONE), HF_E_REFUSED);
    OK(hf_frame_send(ours[times % 2], HF_FRAME_CANCEL, (hf_bytes){0}, (hf_bytes){0}));
  }
  OK(hf_frame_send(ours[1], HF_FRAME_JOB, (hf_bytes){"?", 1}, (hf_bytes){0}));
  cr_assert_eq(hf_frame_receive(ours[1], 5000, HF_FRAME_ANSWER_MAX, &kind, &payload, &length), HF_E_NOT_FOUND);
  close(ours[0]);
  cr_assert_eq(waitpid(pid, &state, 0), pid);
  cr_assert(WIFEXITED(state) && WEXITSTATUS(state) == 0);
}
