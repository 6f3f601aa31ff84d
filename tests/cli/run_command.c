#include "run_command.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS 64

/* Splits in place; returns the number of words. */
static int split(char *line, char **words) {
  int count = 0;
  words[count++] = (char *)HF_COMMAND;
  while (*line != 0 && count < ARGUMENTS - 1) {
    while (*line == ' ') line++;
    if (*line == 0) break;
    if (*line == '\'') {
      words[count++] = ++line;
      while (*line != 0 && *line != '\'') line++;
    } else {
      words[count++] = line;
      while (*line != 0 && *line != ' ') line++;
    }
    if (*line != 0) *line++ = 0;
  }
  words[count] = NULL;
  return count;
}

static pid_t spawn(char *line, int out, int err, void (*before)(const void *), const void *context) {
  char *words[ARGUMENTS];
  split(line, words);
  pid_t parent = getpid(), pid = fork();
  cr_assert(pid >= 0, "fork: %s", strerror(errno));
  if (pid == 0) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) _exit(126); /* a test that fails leaves none */
    if (before != NULL) before(context);
    int null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    dup2(out, 1);
    dup2(err, 2);
    for (int fd = 3; fd < 64; fd++) close(fd);
    execv(HF_COMMAND, words);
    _exit(127);
  }
  return pid;
}

static char *slurp(FILE *file) {
  char *text = NULL;
  size_t length = 0;
  rewind(file);
  FILE *to = open_memstream(&text, &length);
  for (int c; (c = getc(file)) != EOF;) putc(c, to);
  fclose(to);
  fclose(file);
  return text;
}

static void run_list(hf_run *run, const char *format, va_list arguments) {
  char *line = NULL;
  cr_assert(vasprintf(&line, format, arguments) >= 0);
  FILE *out = tmpfile(), *err = tmpfile();
  cr_assert(out != NULL && err != NULL, "temporary file: %s", strerror(errno));
  pid_t pid = spawn(line, fileno(out), fileno(err), NULL, NULL);
  int status;
  while (waitpid(pid, &status, 0) < 0) cr_assert(errno == EINTR);
  run->exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  run->out = slurp(out);
  run->err = slurp(err);
  free(line);
}

void hf_run_command(hf_run *run, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  run_list(run, format, arguments);
  va_end(arguments);
}

void hf_run_free(hf_run *run) {
  free(run->out);
  free(run->err);
  run->out = run->err = NULL;
}

json_t *hf_run_json(int exit, const char *format, ...) {
  hf_run run;
  json_error_t error;
  va_list arguments;
  va_start(arguments, format);
  run_list(&run, format, arguments);
  va_end(arguments);
  cr_assert(run.exit == exit, "\"%s\" ended with %d, not %d:\n%s%s", format, run.exit, exit, run.out,
            run.err);
  json_t *document = json_loads(run.out, JSON_REJECT_DUPLICATES, &error);
  cr_assert(document != NULL, "\"%s\" printed no JSON (line %d: %s):\n%s", format, error.line, error.text,
            run.out);
  hf_run_free(&run);
  return document;
}

static pid_t start_list(const char *log, void (*before)(const void *), const void *context, const char *format,
                        va_list arguments) {
  char *line = NULL;
  cr_assert(vasprintf(&line, format, arguments) >= 0);
  int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
  cr_assert(fd >= 0, "%s: %s", log, strerror(errno));
  pid_t pid = spawn(line, fd, fd, before, context);
  close(fd);
  free(line);
  return pid;
}

pid_t hf_run_start(const char *log, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  pid_t pid = start_list(log, NULL, NULL, format, arguments);
  va_end(arguments);
  return pid;
}

pid_t hf_run_start_in(const char *log, void (*before)(const void *), const void *context, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  pid_t pid = start_list(log, before, context, format, arguments);
  va_end(arguments);
  return pid;
}

char *hf_test_folder(const char *name) {
  char *path = NULL;
  cr_assert(asprintf(&path, "%s/tests/%s.XXXXXX", HF_BINARY_DIR, name) >= 0);
  cr_assert(mkdtemp(path) != NULL, "%s: %s", path, strerror(errno));
  return path;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk) {
  (void)info, (void)type, (void)walk;
  return remove(path);
}

void hf_test_folder_remove(char *folder) {
  (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  free(folder);
}

bool hf_soak(void) { return getenv("HF_SOAK") != NULL; }

pid_t hf_test_prover_of(pid_t worker) {
  char path[320];
  int pid = 0;
  struct dirent *thread;
  snprintf(path, sizeof path, "/proc/%d/task", (int)worker);
  DIR *threads = opendir(path);
  cr_assert_not_null(threads, "%s", path);
  while (pid == 0 && (thread = readdir(threads)) != NULL) {
    snprintf(path, sizeof path, "/proc/%d/task/%s/children", (int)worker, thread->d_name);
    FILE *file = fopen(path, "r");
    if (file == NULL) continue;
    if (fscanf(file, "%d", &pid) != 1) pid = 0;
    fclose(file);
  }
  closedir(threads);
  cr_assert_neq(pid, 0, "the worker has no child");
  return pid;
}
