/* hyperfold top: pages and documents against the queue, hostile names and causes, and a real terminal: sizes, q, signals. */
#include "ok.h"
#include "queue.h"
#include "run_command.h"
#include "top_frame.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>

#define HOSTILE "\033[2J\033]0;title\007\b\b\r\nred \033[31m \xe2\x80\xae gnp.exe \xff\x9b"

/* ---- a queue with something of everything ---- */

typedef struct scene {
  char *folder;
  hf_queue *queue;
  uint64_t now; /* the queue's clock */
} scene;

static uint64_t clock_now(void *context) { return ((scene *)context)->now; }
static void clock_sleep(void *context, uint64_t ms) { ((scene *)context)->now += ms; }

static void open_scene(scene *s) {
  s->folder = hf_test_folder("top");
  s->now = (uint64_t)time(NULL) * 1000;
  char where[600];
  snprintf(where, sizeof where, "%s/data/queue", s->folder);
  hf_queue_options options = {.location = where, .clock = {clock_now, clock_sleep, s}, .max_attempts = 1, .retry_ms = 1};
  OK(hf_queue_open(&options, &s->queue));
}

static void close_scene(scene *s) {
  hf_queue_close(&s->queue);
  hf_test_folder_remove(s->folder);
}

static void submit(scene *s, const char *tenant, const char *id, hf_job_kind kind) {
  hf_job_header job = {.kind = kind, .circuit = "example", .vk_digest = {{1}}};
  OK(hf_artifact_put(s->queue, id, strlen(id), &job.input_digest));
  OK(hf_job_key_make(tenant, id, strlen(id), &job.key));
  OK(hf_queue_submit_one(s->queue, &job, NULL));
}

static hf_worker worker_of(const char *name) {
  hf_worker w = {.capability_count = 1, .device_count = 1, .devices = {{.name = "cpu", .backend = "cpu", .memory = 1}}};
  OK(hf_name_copy("worker", name, w.name));
  strcpy(w.capabilities[0].circuit, "example");
  return w;
}

/* Leases until there is this job. */
static hf_lease lease(scene *s, const char *worker) {
  const hf_worker w = worker_of(worker);
  hf_lease l;
  bool found;
  OK(hf_queue_lease(s->queue, &w, &l, &found));
  cr_assert(found, "no job for %s", worker);
  return l;
}

static void finish(scene *s, const char *worker, const char *proof) {
  hf_finish_outcome outcome;
  hf_digest digest;
  const hf_lease l = lease(s, worker);
  OK(hf_artifact_put(s->queue, proof, strlen(proof), &digest));
  OK(hf_queue_finish(s->queue, &l.header.key, l.epoch, worker, &digest, &outcome));
}

static void fail(scene *s, const char *worker, const char *cause) {
  const hf_lease l = lease(s, worker);
  OK(hf_queue_fail(s->queue, &l.header.key, l.epoch, HF_E_UNSATISFIED, cause, NULL));
}

/* A result is refused, and its job put aside. */
static void refuse(scene *s, const char *id) {
  hf_job_key key;
  hf_job_record *record = calloc(1, sizeof *record);
  hf_queue_refusal refusal;
  OK(hf_job_key_make("liars", id, strlen(id), &key));
  OK(hf_queue_get(s->queue, &key, record));
  OK(hf_queue_refuse(s->queue, &key, &record->result, HOSTILE, &refusal));
  if (hf_job_state_open(refusal.state)) OK(hf_queue_cancel(s->queue, &key, HOSTILE, NULL));
  free(record);
}

/* A worker in quarantine, one that was not seen for long, a dead letter, a result, two jobs in hand, and some that wait. */
static void fill(scene *s) {
  const hf_worker old = worker_of("old");
  const hf_progress half = {.done = 500, .total = 1001, .phase = "quotient"};
  hf_lease l;
  hf_beat beat;
  bool found;
  s->now -= 100000;
  OK(hf_queue_lease(s->queue, &old, &l, &found));
  s->now += 100000;
  OK(hf_queue_set_tenant(s->queue, "busy", 3, 0));
  for (int i = 0; i < 2; i++) {
    const char *id = i == 0 ? "l0" : "l1";
    submit(s, "liars", id, HF_JOB_PROVE_CIRCUIT);
    finish(s, "liar", id);
    refuse(s, id);
  }
  submit(s, "poor", "d", HF_JOB_PROVE_CIRCUIT);
  fail(s, "a", "first");
  s->now += 10;
  fail(s, "b", HOSTILE);
  submit(s, "poor", "seal/4", HF_JOB_SEAL);
  finish(s, "b", "proof");
  for (int i = 0; i < 2; i++) {
    submit(s, "busy", i == 0 ? "h0" : "h1", HF_JOB_PROVE_BATCH);
    l = lease(s, "a");
    if (i == 0) OK(hf_queue_heartbeat(s->queue, &l.header.key, l.epoch, &half, &beat));
  }
  submit(s, "busy", "w0", HF_JOB_PROVE_BATCH);
  submit(s, "other", "w1", HF_JOB_FOLD);
  s->now += 10000;
}

static void read_view(scene *s, hf_top_view *v) { OK(hf_top_look(s->queue, s->now, v)); }

static const char *page_of(const hf_top_view *v, unsigned width, unsigned height) {
  static char text[200000];
  const hf_top_saying saying = {.where = "redis://host?password-file=secret", .per_second = 1.5};
  hf_top_frame f;
  size_t at = 0;
  OK(hf_top_frame_make(v, &saying, width, height, &f));
  cr_assert(height == 0 || f.count <= height, "%u lines of %u", f.count, height);
  for (unsigned i = 0; i < f.count; i++) {
    cr_assert_leq(strlen(f.lines[i].text), width);
    for (const char *c = f.lines[i].text; *c; c++) cr_assert(*c >= 0x20 && *c < 0x7f, "a character %d", *c);
    at += (size_t)snprintf(text + at, sizeof text - at, "%s\n", f.lines[i].text);
  }
  hf_top_frame_free(&f);
  return text;
}

Test(top, a_page_says_what_there_is) {
  scene s;
  hf_top_view *v = calloc(1, sizeof *v);
  open_scene(&s);
  read_view(&s, v); /* of nothing */
  cr_assert(strstr(page_of(v, 200, 0), "none proven yet"));
  cr_assert_eq(v->alarm_count, 0);
  fill(&s);
  read_view(&s, v);
  cr_assert_eq(v->job_count, 2);
  cr_assert_eq(v->batches.queued, 1);
  cr_assert_eq(v->batches.leased, 2);
  cr_assert_eq(v->folds.queued, 1);
  cr_assert_eq(v->seals.queued + v->seals.leased, 0);
  cr_assert(v->last_seal.id.length == 6 && memcmp(v->last_seal.id.b, "seal/4", 6) == 0);
  cr_assert_float_eq(v->rows_per_second, 50, 1, "%f rows/s: 500 in 10 s", v->rows_per_second);
  static const struct {
    const char *name;
    hf_top_state state;
  } workers[] = {{"a", HF_TOP_PROVING}, {"b", HF_TOP_IDLE}, {"liar", HF_TOP_QUARANTINED}, {"old", HF_TOP_AWAY}};
  cr_assert_eq(v->worker_count, 4);
  for (int i = 0; i < 4; i++)
    cr_assert(strcmp(v->workers[i].name, workers[i].name) == 0 && v->workers[i].state == workers[i].state, "%s is %s", v->workers[i].name,
              hf_top_state_text(v->workers[i].state));
  cr_assert_str_eq(v->tenants[0].stats.tenant, "busy"); /* most open jobs */
  cr_assert_float_eq(v->tenants[0].share, 0.75, 1e-9);

  const char *page = page_of(v, 240, 0);
  static const char *const holds[] = {
      "hyperfold top   redis://host   ", "2 queued  2 proving  1 done  0 failed", "1.50 results/s", "1 quarantined",
      "ALARM     dead letter poor/d (1 in all): ?[2J?]0;title", "ALARM     1 workers in quarantine; liar: ?[2J?]0;title",
      "last seal/4 10s ago", "busy/h0", "#####.......  50%      50 quotient    busy/h0", "liar                 quarantined", "old                  away"};
  for (unsigned i = 0; i < sizeof holds / sizeof *holds; i++) cr_assert(strstr(page, holds[i]), "no \"%s\" in\n%s", holds[i], page);
  cr_assert(!strstr(page, "secret"));

  /* a queue that takes nothing; a job that waits for long, and for nobody */
  OK(hf_queue_drain(s.queue, "moved" HOSTILE));
  s.now += 400000;
  read_view(&s, v);
  page = page_of(v, 200, 0);
  cr_assert(strstr(page, "ALARM     no new work is taken: moved?"), "%s", page);
  cr_assert(strstr(page, "ALARM     a job has waited for 410 s") && strstr(page, "and no worker is there"), "%s", page);

  /* any size of the screen, down to nothing */
  for (unsigned width = 1; width <= 250; width += 7)
    for (unsigned height = 1; height < 40; height += 3) (void)page_of(v, width, height);
  free(v);
  close_scene(&s);
}

/* More of everything than there is room for: what is left out is counted. */
Test(top, crowds) {
  scene s;
  char name[32];
  hf_top_view *v = calloc(1, sizeof *v);
  open_scene(&s);
  for (int i = 0; i < 200; i++) {
    hf_lease l;
    bool found;
    snprintf(name, sizeof name, "w%03d", i);
    const hf_worker w = worker_of(name);
    OK(hf_queue_lease(s.queue, &w, &l, &found));
  }
  for (int i = 0; i < 100; i++) {
    snprintf(name, sizeof name, "t%03d", i);
    submit(&s, name, "j", HF_JOB_PROVE_CIRCUIT);
  }
  read_view(&s, v);
  cr_assert(v->workers_in_all == 200 && v->tenants_in_all == 100);
  const char *page = page_of(v, 120, 30);
  unsigned tenants = 0, workers = 0, lines = 0, more_tenants, more_workers;
  for (const char *line = page; *line; line = strchr(line, '\n') + 1, lines++) tenants += line[0] == 't', workers += line[0] == 'w' && line[1] < 'a';
  const char *more = strstr(page, "... and ");
  cr_assert(more && sscanf(more, "... and %u more tenants", &more_tenants) == 1, "%s", page);
  more = strstr(more + 1, "... and ");
  cr_assert(more && sscanf(more, "... and %u more workers", &more_workers) == 1, "%s", page);
  cr_assert_eq(tenants + more_tenants, 100);
  cr_assert_eq(workers + more_workers, 200);
  cr_assert_eq(lines, 30);
  page = page_of(v, 120, 0);
  cr_assert(strstr(page, "... and 36 more tenants") && strstr(page, "... and 72 more workers"), "%s", page);
  free(v);
  close_scene(&s);
}

Test(top, without_a_terminal) {
  scene s;
  hf_run run;
  open_scene(&s);
  fill(&s);
  for (int i = 0; i < 2; i++) {
    hf_run_command(&run, "top --data %s/data %s", s.folder, i == 0 ? "" : "--once");
    cr_assert_eq(run.exit, 0, "%s", run.err);
    cr_assert(strstr(run.out, "ALARM     dead letter poor/d") && !strchr(run.out, '\033'), "%s", run.out);
    hf_run_free(&run);
  }
  json_t *d = hf_run_json(0, "top --data %s/data --json", s.folder), *worker, *stats;
  cr_assert_eq(json_integer_value(json_object_get(json_object_get(d, "jobs"), "leased")), 2);
  worker = json_array_get(json_object_get(d, "workers"), 0);
  cr_assert_str_eq(json_string_value(json_object_get(worker, "name")), "a");
  cr_assert_eq(json_array_size(json_object_get(worker, "jobs")), 2);
  cr_assert_eq(json_integer_value(json_object_get(json_array_get(json_object_get(worker, "jobs"), 0), "total")), 1001);
  cr_assert_eq(json_array_size(json_object_get(d, "alarms")), 2);
  cr_assert(json_is_null(json_object_get(d, "results_per_second")));
  stats = hf_run_json(0, "queue stats --data %s/data --json", s.folder);
  cr_assert(json_equal(json_object_get(d, "jobs"), json_object_get(stats, "jobs")));
  json_decref(stats);
  json_decref(d);
  hf_run_command(&run, "top --data %s/data --interval 0", s.folder);
  cr_assert(run.exit == 2 && strstr(run.err, "--interval"), "%s", run.err);
  hf_run_free(&run);
  hf_run_command(&run, "top --queue unix:/no/such/socket");
  cr_assert(run.exit != 0 && run.out[0] == 0, "%s%s", run.out, run.err);
  hf_run_free(&run);
  close_scene(&s);
}

/* ---- a terminal ---- */

typedef struct terminal {
  int master;
  pid_t pid;
  struct termios before;
  char *text; /* all that came */
  size_t length;
} terminal;

static void terminal_open(terminal *t, const char *data, const char *interval, unsigned short rows, unsigned short columns) {
  struct winsize size = {.ws_row = rows, .ws_col = columns};
  int slave;
  *t = (terminal){.text = calloc(1, 1 << 24)};
  /* the terminal's state is asked of an end that stays open */
  cr_assert_eq(openpty(&t->master, &slave, NULL, NULL, &size), 0);
  cr_assert_eq(tcgetattr(slave, &t->before), 0);
  t->pid = fork();
  if (t->pid == 0) {
    char folder[600];
    snprintf(folder, sizeof folder, "%s/data", data);
    close(t->master);
    if (login_tty(slave) != 0) _exit(126);
    execl(HF_COMMAND, HF_COMMAND, "top", "--data", folder, "--interval", interval, (char *)NULL);
    _exit(127);
  }
  close(slave);
}

/* Reads for a moment; false: the other end is closed. */
static bool terminal_read(terminal *t) {
  struct pollfd p = {.fd = t->master, .events = POLLIN};
  if (poll(&p, 1, 50) <= 0) return true;
  const ssize_t n = read(t->master, t->text + t->length, (1 << 24) - 1 - t->length);
  if (n <= 0) return false;
  t->length += (size_t)n;
  t->text[t->length] = 0;
  return true;
}

/* The last whole page. *lines and *widest are what it needs on the screen. */
static bool last_page(const terminal *t, char *page, size_t size, unsigned *lines, unsigned *widest) {
  const char *end = NULL, *begin = NULL;
  for (const char *at = t->text, *stop; (at = strstr(at, "\033[?2026h")) != NULL && (stop = strstr(at, "\033[?2026l")) != NULL; at = stop)
    begin = at, end = stop;
  if (begin == NULL) return false;
  size_t n = 0;
  unsigned column = 0;
  *lines = 1, *widest = 0;
  for (const char *c = begin; c < end; c++) {
    if (*c == '\033') { /* a sequence ends with a letter */
      for (c++; c < end && !((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z')); c++) continue;
    } else if (*c == '\n') {
      ++*lines, column = 0;
      if (n + 1 < size) page[n++] = '\n';
    } else if (*c != '\r') {
      if (++column > *widest) *widest = column;
      if (n + 1 < size) page[n++] = *c;
    }
  }
  page[n] = 0;
  return true;
}

static void wait_for_page(terminal *t, const char *holds, unsigned rows, unsigned columns) {
  static char page[100000];
  unsigned lines = 0, widest = 0;
  for (int i = 0; i < 1200; i++) {
    cr_assert(terminal_read(t), "it ended: %s", t->text);
    if (last_page(t, page, sizeof page, &lines, &widest) && strstr(page, holds) && lines <= rows && widest <= columns) return;
  }
  cr_assert_fail("no page of %u x %u with \"%s\"; the last is %u x %u:\n%s", columns, rows, holds, widest, lines, page);
}

/* It ends with 0, and the terminal is as it was. */
static void wait_for_end(terminal *t) {
  struct termios after;
  int state = 0;
  pid_t ended = 0;
  for (int i = 0; i < 1200 && ended == 0; i++) {
    if (!terminal_read(t)) usleep(50000); /* closed: it is about to end */
    ended = waitpid(t->pid, &state, WNOHANG);
  }
  for (int i = 0; i < 20 && terminal_read(t); i++) continue;
  cr_assert_eq(ended, t->pid, "it does not end");
  cr_assert(WIFEXITED(state) && WEXITSTATUS(state) == 0, "state %x: %s", state, t->text);
  static const char leave[] = "\033[0m\033[?25h\033[?1049l";
  cr_assert(strstr(t->text, leave) != NULL, "the screen is not left: ...%s",
            t->length > 200 ? t->text + t->length - 200 : t->text);
  cr_assert_eq(tcgetattr(t->master, &after), 0);
  cr_assert(after.c_lflag == t->before.c_lflag && memcmp(after.c_cc, t->before.c_cc, sizeof after.c_cc) == 0, "the terminal is in another mode");
  close(t->master);
  free(t->text);
}

Test(top, a_terminal) {
  scene s;
  terminal t;
  struct termios now;
  open_scene(&s);
  fill(&s);
  terminal_open(&t, s.folder, "1", 40, 200);
  wait_for_page(&t, "2 queued  2 proving", 40, 200);
  cr_assert(strstr(t.text, "\033[?1049h\033[?25l"));
  cr_assert_eq(tcgetattr(t.master, &now), 0);
  cr_assert((now.c_lflag & (ICANON | ECHO)) == 0 && (now.c_lflag & ISIG) != 0);
  cr_assert(!strstr(t.text, "\007") && !strstr(t.text, "]0;title\007") && !strstr(t.text, "\033[31m "), "a stranger writes to the terminal");
  /* what happens is seen */
  submit(&s, "other", "w2", HF_JOB_PROVE_CIRCUIT);
  wait_for_page(&t, "3 queued  2 proving", 40, 200);
  cr_assert_eq(write(t.master, "q", 1), 1);
  wait_for_end(&t);
  /* smaller, tiny, and large again: at once, whatever the interval */
  terminal_open(&t, s.folder, "3600", 40, 200);
  wait_for_page(&t, "3 queued  2 proving", 40, 200);
  static const unsigned short sizes[][2] = {{20, 60}, {3, 12}, {1, 1}, {60, 240}};
  for (unsigned i = 0; i < 4; i++) {
    struct winsize size = {.ws_row = sizes[i][0], .ws_col = sizes[i][1]};
    cr_assert_eq(ioctl(t.master, TIOCSWINSZ, &size), 0);
    t.text[t.length = 0] = 0;
    wait_for_page(&t, i == 2 ? "h" : "hyperfold to", sizes[i][0], sizes[i][1]);
  }
  wait_for_page(&t, "liar                 quarantined", 60, 240);
  cr_assert_eq(write(t.master, "x", 1), 1); /* no key of ours: as it was */
  wait_for_page(&t, "hyperfold top", 60, 240);
  cr_assert_eq(write(t.master, "q", 1), 1);
  wait_for_end(&t);
  close_scene(&s);
}

Test(top, a_terminal_is_left_as_it_was) {
  scene s;
  terminal t;
  open_scene(&s);
  for (int i = 0; i < 3; i++) {
    terminal_open(&t, s.folder, "3600", 24, 80);
    wait_for_page(&t, "hyperfold top", 24, 80);
    if (i == 0) cr_assert_eq(kill(t.pid, SIGTERM), 0);
    if (i == 1) cr_assert_eq(write(t.master, "\003", 1), 1); /* Ctrl-C */
    if (i == 2) cr_assert_eq(write(t.master, "\032\034Q", 3), 3); /* Ctrl-Z and Ctrl-\ do nothing */
    wait_for_end(&t);
  }
  /* a terminal that is gone keeps no process */
  terminal_open(&t, s.folder, "3600", 24, 80);
  wait_for_page(&t, "hyperfold top", 24, 80);
  close(t.master);
  int state;
  pid_t ended = 0;
  for (int i = 0; i < 1200 && (ended = waitpid(t.pid, &state, WNOHANG)) == 0; i++) usleep(50000);
  cr_assert_eq(ended, t.pid);
  free(t.text);
  close_scene(&s);
}
