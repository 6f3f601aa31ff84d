#include "demo.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "circuits/fold.h"
#include "sealed.h"

hf_status hf_demo_aggregator_start(hf_demo *demo, bool drain) {
  char *path = NULL, *sealed = NULL;
  hf_status status = HF_OK;
  if (asprintf(&path, "%s/aggregator.jsonl", demo->folder) < 0 || asprintf(&sealed, "%s/sealed", demo->folder) < 0)
    return hf_fail(HF_E_MEMORY, "no memory for a path");
  int out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  const char *const words[] = {"hyperfold", "aggregator", "--dev", "--json", "--data", demo->data, "--queue", demo->queue_path,
                               "--out", sealed, "--seal-age", "0", "--log-level", "info", drain ? "--drain" : NULL, NULL};
  if (out < 0)
    status = hf_fail(HF_E_IO, "%s: %s", path, strerror(errno));
  else if ((demo->aggregator = hf_demo_spawn(demo, words, out, "aggregator.log")) < 0) {
    demo->aggregator = 0;
    status = hf_fail(HF_E_INTERNAL, "the aggregator could not be started");
  }
  if (out >= 0) close(out);
  free(path);
  free(sealed);
  return status;
}

void hf_demo_aggregator_kill(hf_demo *demo) {
  if (demo->aggregator == 0) return;
  kill(demo->aggregator, SIGKILL);
  (void)waitpid(demo->aggregator, NULL, 0);
  demo->aggregator = 0;
}

hf_status hf_demo_aggregator_ended(hf_demo *demo, bool *ended) {
  int state;
  *ended = false;
  if (demo->aggregator == 0 || waitpid(demo->aggregator, &state, WNOHANG) != demo->aggregator) return HF_OK;
  demo->aggregator = 0;
  *ended = true;
  if (WIFEXITED(state) && WEXITSTATUS(state) == 0) return HF_OK;
  return hf_fail(HF_E_INTERNAL, "the aggregator ended with %s %d; see %s/aggregator.log", WIFEXITED(state) ? "status" : "signal",
                 WIFEXITED(state) ? WEXITSTATUS(state) : WTERMSIG(state), demo->folder);
}

/* Seconds of a job's accepted proof. */
static double seconds_of(hf_demo *demo, const hf_job_key *key, char worker[32]) {
  json_t *report = hf_demo_report_of(demo, key);
  double seconds = json_number_value(json_object_get(report, "seconds"));
  const char *name = json_string_value(json_object_get(report, "worker"));
  snprintf(worker, 32, "%s", name != NULL ? name : "");
  json_decref(report);
  return seconds;
}

/* The events of all aggregators of this run: one line each. */
static hf_status print_folds(hf_demo *demo, json_t *folds) {
  char *path = NULL, *line = NULL;
  size_t size = 0;
  if (asprintf(&path, "%s/aggregator.jsonl", demo->folder) < 0) return hf_fail(HF_E_MEMORY, "no memory for a path");
  FILE *file = fopen(path, "re");
  free(path);
  if (file == NULL) return hf_fail(HF_E_IO, "the aggregator's events cannot be read");
  while (getline(&line, &size, file) > 0) {
    json_t *e = json_loads(line, 0, NULL);
    const char *event = json_string_value(json_object_get(e, "event")), *id = json_string_value(json_object_get(e, "job"));
    bool fold = event != NULL && strcmp(event, "folded") == 0, seen = false;
    size_t i;
    json_t *old;
    json_array_foreach(folds, i, old) seen |= id != NULL && strcmp(id, json_string_value(json_object_get(old, "job"))) == 0;
    if (fold && !seen && id != NULL) {
      hf_job_key key = {0};
      char worker[32];
      snprintf(key.tenant, sizeof key.tenant, "%s", "hyperfold");
      if (hf_job_id_parse(id, &key.id) == HF_OK) {
        double seconds = seconds_of(demo, &key, worker);
        json_array_append_new(folds, json_pack("{s:s, s:O, s:f, s:s}", "job", id, "level", json_object_get(e, "level"), "seconds",
                                               seconds, "worker", worker));
        if (!demo->cli->json)
          printf("%*snode of level %d: %.1f s, %s\n", 2 * (int)json_integer_value(json_object_get(e, "level")), "",
                 (int)json_integer_value(json_object_get(e, "level")), seconds, worker);
      }
    }
    json_decref(e);
  }
  free(line);
  fclose(file);
  return HF_OK;
}

hf_status hf_demo_sealed(hf_demo *demo, char **path, json_t *folds) {
  hf_status status;
  char digest[HF_DIGEST_HEX], *key = NULL, worker[32];
  hf_digest bytes;
  hf_verifying_key vk;
  bool ok = false;
  hf_sealed *sealed = calloc(1, sizeof *sealed);
  *path = NULL;
  if (sealed == NULL || asprintf(path, "%s/sealed/00000001.sealed", demo->folder) < 0)
    HF_TRY(hf_fail(HF_E_MEMORY, "no memory for the seal"));
  HF_TRY(hf_sealed_load(*path, sealed));
  hf_fr_to_bytes(sealed->proof.vk_digest, bytes.b);
  hf_digest_hex(&bytes, digest);
  if (asprintf(&key, "%s/keys/%s.vkey", demo->data, digest) < 0) {
    key = NULL;
    HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a path"));
  }
  HF_TRY(hf_verifying_key_load(key, &vk)); /* derived here: no other key passes for the seal's */
  HF_TRY(hf_sealed_check(sealed, &vk, &ok));
  if (!ok) HF_TRY(hf_fail_context(HF_E_VERIFY, "the seal"));
  HF_TRY(print_folds(demo, folds));
  hf_job_key job = {0};
  snprintf(job.tenant, sizeof job.tenant, "%s", "hyperfold");
  HF_TRY(hf_job_id_parse("seal/1", &job.id));
  double seconds = seconds_of(demo, &job, worker);
  hf_cli_say("seal: one proof of %u batches, verified: key %.16s..., %.1f s, %s; %zu folds", sealed->records, digest, seconds, worker,
             json_array_size(folds));
out:
  free(key);
  if (sealed != NULL) hf_sealed_free(sealed);
  free(sealed);
  return status;
}
