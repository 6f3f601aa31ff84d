/* hyperfold doctor: is this machine fit, and is what lies in the data folder whole? */
#include "commands.h"
#include "device_common.h"
#include "backend.h"
#include "machine.h"
#include "queue_common.h"
#include "srs.h"

#include <hyperfold/random.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

typedef struct checkup {
  hf_cli *cli;
  json_t *list;
  hf_status worst; /* of the first check that failed */
} checkup;

static void note(checkup *c, const char *check, hf_status status, const char *detail) {
  if (c->cli->json)
    json_array_append_new(c->list, json_pack("{s:s, s:b, s:o}", "check", check, "ok", (int)(status == HF_OK),
                                             "detail", hf_cli_json_text(detail)));
  else
    printf("%-10s %-5s %s\n", check, status == HF_OK ? "ok" : "BAD", detail);
  if (status != HF_OK && c->worst == HF_OK) c->worst = status;
}

static void check_machine(checkup *c) {
  char detail[256];
  uint8_t random[32];
  uint64_t memory = hf_cli_free_memory();
  snprintf(detail, sizeof detail, "%ld cores, %.1f GiB of memory free", sysconf(_SC_NPROCESSORS_ONLN),
           (double)memory / (1 << 30));
  note(c, "machine", memory == 0 || memory >= (uint64_t)1 << 30 ? HF_OK : HF_E_MEMORY, detail);
  hf_status status = hf_random_bytes(random, sizeof random);
  note(c, "random", status, status == HF_OK ? "the operating system gives randomness" : hf_error_message());
}

static void check_disk(checkup *c) {
  char detail[512];
  struct statvfs info;
  const char *folder = hf_cli_text(c->cli, "data");
  bool exists = access(folder, F_OK) == 0;
  if (statvfs(exists ? folder : ".", &info) != 0) {
    note(c, "disk", HF_E_IO, "the file system does not say how much is free");
    return;
  }
  double free_gib = (double)info.f_bavail * (double)info.f_frsize / (1 << 30);
  snprintf(detail, sizeof detail, "%.1f GiB free for %.300s%s", free_gib, folder,
           exists ? "" : " (not there yet)");
  note(c, "disk", free_gib >= 1 ? HF_OK : HF_E_FULL, detail);
  if (exists && access(folder, W_OK) != 0) note(c, "data", HF_E_IO, "the data folder cannot be written");
}

static void check_device(checkup *c) {
  char detail[256];
  hf_backend *backend = NULL;
  hf_backend_options options = {.threads = (unsigned)hf_cli_number(c->cli, "threads")};
  const char *name = hf_cli_text(c->cli, "device");
  double began = hf_cli_now();
  hf_status status = hf_backend_create(name, &options, &backend);
  if (status == HF_OK) status = hf_backend_selftest(backend);
  if (status == HF_OK) {
    snprintf(detail, sizeof detail, "%s: known answers of every operation in %.2f s", name,
             hf_cli_now() - began);
    note(c, "device", HF_OK, detail);
  } else {
    note(c, "device", status, hf_error_message());
  }
  hf_backend_destroy(&backend);
}

static void check_srs(checkup *c) {
  char detail[512], *own = NULL;
  hf_srs *srs = NULL;
  const char *path = hf_cli_text(c->cli, "srs");
  if (path == NULL) path = own = hf_cli_data_path(c->cli, "srs");
  if (path == NULL) return;
  hf_status status = hf_srs_load(path, &srs);
  if (status == HF_E_NOT_FOUND) {
    note(c, "srs", HF_OK, "none yet: import a ceremony, or use --dev");
  } else if (status != HF_OK) {
    note(c, "srs", status, hf_error_message());
  } else {
    snprintf(detail, sizeof detail, "%s, %zu points%s", srs->name, srs->count,
             srs->development ? " (insecure: its secret is public)" : "");
    note(c, "srs", HF_OK, detail);
  }
  hf_srs_destroy(&srs);
  free(own);
}

static void check_queue(checkup *c) {
  char detail[256], *path = hf_cli_data_path(c->cli, "queue");
  hf_queue *queue = NULL;
  hf_queue_stats stats;
  if (path == NULL) return;
  if (!hf_cli_given(c->cli, "queue") && access(path, F_OK) != 0) {
    note(c, "queue", HF_OK, "none yet");
    free(path);
    return;
  }
  hf_status status = hf_cli_queue_open_whole(c->cli, &queue);
  if (status == HF_OK) status = hf_queue_get_stats(queue, &stats);
  if (status == HF_OK) {
    snprintf(detail, sizeof detail, "%llu queued, %llu leased, %llu done, %llu dead",
             (unsigned long long)stats.jobs[0], (unsigned long long)stats.jobs[1],
             (unsigned long long)stats.jobs[2], (unsigned long long)stats.jobs[5]);
    note(c, "queue", HF_OK, detail);
  } else {
    note(c, "queue", status, hf_error_message());
  }
  hf_queue_close(&queue);
  free(path);
}

hf_status hf_doctor_run(hf_cli *cli) {
  checkup c = {.cli = cli, .list = json_array()};
  if (c.list == NULL) return hf_fail(HF_E_MEMORY, "no memory for a list");
  note(&c, "version", HF_OK, HF_VERSION);
  check_machine(&c);
  check_disk(&c);
  check_device(&c);
  check_srs(&c);
  check_queue(&c);
  hf_status status = HF_OK;
  if (cli->json)
    status = hf_cli_print_json(cli, json_pack("{s:b, s:o}", "ok", (int)(c.worst == HF_OK), "checks", c.list));
  else
    json_decref(c.list);
  if (status == HF_OK && c.worst != HF_OK) status = hf_fail(c.worst, "something is wrong (see above)");
  return status;
}

const hf_option hf_doctor_options[] = {
    HF_OPTION_DATA,
    HF_OPTION_QUEUE,
    {"srs", HF_OPTION_TEXT, "FILE", NULL, "the SRS (default: DATA/srs)"},
    HF_OPTION_DEVICE,
    {"threads", HF_OPTION_NUMBER, "N", "0", "CPU threads; 0: as many as there are cores"},
    HF_OPTION_END,
};
