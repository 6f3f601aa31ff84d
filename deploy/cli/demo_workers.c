#include "demo.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A worker drains one proof at most. */
#define DRAIN_SECONDS 300

hf_status hf_demo_worker_start(hf_demo *demo) {
  if (demo->worker_count == HF_DEMO_WORKERS) return hf_fail(HF_E_INTERNAL, "too many workers were started");
  hf_demo_worker *w = &demo->workers[demo->worker_count];
  char threads[16], lease[16], *log = NULL;
  snprintf(w->name, sizeof w->name, "worker-%u", demo->worker_count + 1);
  snprintf(threads, sizeof threads, "%u", demo->threads);
  snprintf(lease, sizeof lease, "%u", demo->lease != 0 ? demo->lease : 20);
  if (asprintf(&w->out, "%s/%s.jsonl", demo->folder, w->name) < 0 ||
      asprintf(&log, "%s/%s.log", demo->folder, w->name) < 0)
    return hf_fail(HF_E_MEMORY, "no memory for a path");
  const char *const words[] = {
      "hyperfold",      "worker",         "--dev",   "--json",    "--data", demo->data,    "--queue",
      demo->queue_path, "--name",         w->name,   "--threads", threads,  "--log-level", "info",
      "--lease",        lease,            "--device", hf_cli_text(demo->cli, "device"), NULL};
  pid_t parent = getpid(), pid = fork();
  if (pid == 0) {
    int out = open(w->out, O_WRONLY | O_CREAT | O_APPEND, 0644),
        err = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    int null = open("/dev/null", O_RDONLY);
    if (out < 0 || err < 0 || null < 0) _exit(127);
    dup2(null, 0);
    dup2(out, 1);
    dup2(err, 2);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* no worker outlives the demo */
    if (getppid() != parent) _exit(127);
    execv("/proc/self/exe", (char *const *)words);
    _exit(127);
  }
  free(log);
  if (pid < 0) return hf_fail(HF_E_INTERNAL, "fork: %s", strerror(errno));
  w->pid = pid;
  demo->worker_count++;
  return HF_OK;
}

hf_status hf_demo_worker_kill(hf_demo *demo, const char *name) {
  for (unsigned i = 0; i < demo->worker_count; i++) {
    hf_demo_worker *w = &demo->workers[i];
    int status;
    if (w->pid == 0 || strcmp(w->name, name) != 0) continue;
    if (kill(w->pid, SIGKILL) != 0 || waitpid(w->pid, &status, 0) != w->pid)
      return hf_fail(HF_E_INTERNAL, "%s could not be killed: %s", name, strerror(errno));
    w->pid = 0;
    w->killed = true;
    if (!WIFSIGNALED(status)) return hf_fail(HF_E_INTERNAL, "%s had ended before it was killed", name);
    return HF_OK;
  }
  return hf_fail(HF_E_INTERNAL, "there is no worker %s", name);
}

static hf_status ended(hf_demo *demo, hf_demo_worker *w, int status) {
  w->pid = 0;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return HF_OK;
  return hf_fail(HF_E_INTERNAL, "%s ended with %s %d; see %s/%s.log", w->name,
                 WIFEXITED(status) ? "status" : "signal",
                 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), demo->folder, w->name);
}

hf_status hf_demo_workers_alive(hf_demo *demo) {
  for (unsigned i = 0; i < demo->worker_count; i++) {
    int status;
    hf_demo_worker *w = &demo->workers[i];
    if (w->pid == 0 || waitpid(w->pid, &status, WNOHANG) != w->pid) continue;
    hf_status end = ended(demo, w, status);
    return end != HF_OK ? end : hf_fail(HF_E_INTERNAL, "%s ended before it was told to", w->name);
  }
  return HF_OK;
}

hf_status hf_demo_workers_drain(hf_demo *demo) {
  hf_status result = HF_OK;
  for (unsigned i = 0; i < demo->worker_count; i++) {
    if (demo->workers[i].pid != 0) kill(demo->workers[i].pid, SIGTERM);
  }
  for (unsigned i = 0; i < demo->worker_count; i++) {
    hf_demo_worker *w = &demo->workers[i];
    for (int slices = 0; w->pid != 0; slices++) {
      int status;
      pid_t got = waitpid(w->pid, &status, WNOHANG);
      if (got == w->pid) {
        hf_status end = ended(demo, w, status);
        if (result == HF_OK) result = end;
      } else if (slices > DRAIN_SECONDS * 20) {
        return hf_fail(HF_E_TIMEOUT, "%s does not drain", w->name);
      } else {
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
      }
    }
  }
  return result;
}

void hf_demo_workers_end(hf_demo *demo) {
  for (unsigned i = 0; i < demo->worker_count; i++) {
    hf_demo_worker *w = &demo->workers[i];
    if (w->pid != 0) {
      kill(w->pid, SIGKILL);
      (void)waitpid(w->pid, NULL, 0);
      w->pid = 0;
    }
    free(w->out);
    w->out = NULL;
  }
}

json_t *hf_demo_report_of(hf_demo *demo, const hf_job_key *key) {
  char id[HF_JOB_ID_TEXT];
  json_t *found = NULL;
  hf_job_id_text(&key->id, id);
  for (unsigned i = 0; i < demo->worker_count && found == NULL; i++) {
    char *line = NULL;
    size_t size = 0;
    FILE *file = fopen(demo->workers[i].out, "re");
    if (file == NULL) continue;
    while (found == NULL && getline(&line, &size, file) > 0) {
      json_t *report = json_loads(line, 0, NULL);
      const char *tenant = json_string_value(json_object_get(report, "tenant"));
      const char *job = json_string_value(json_object_get(report, "id"));
      const char *outcome = json_string_value(json_object_get(report, "outcome"));
      if (tenant != NULL && job != NULL && outcome != NULL && strcmp(tenant, key->tenant) == 0 &&
          strcmp(job, id) == 0 && strcmp(outcome, "accepted") == 0) {
        json_object_set_new(report, "worker", json_string(demo->workers[i].name));
        found = report;
      } else {
        json_decref(report);
      }
    }
    free(line);
    fclose(file);
  }
  return found;
}
