/* Running the product's command from tests: exit status, stdout and stderr. */
#ifndef HF_RUN_COMMAND_H
#define HF_RUN_COMMAND_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct hf_run {
  int exit;  /* exit status, or 128 + the signal */
  char *out; /* owned, NUL-terminated */
  char *err;
} hf_run;

/* Runs HF_COMMAND with blank-separated arguments (printf format); single quotes group. Fresh buffers in *run.
 */
void hf_run_command(hf_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
void hf_run_free(hf_run *run);
/* Runs, expects this exit status and JSON on stdout; the caller releases the document. */
json_t *hf_run_json(int exit, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Starts it with stdout and stderr appended to `log`; for killing. It does not outlive the thread that started it. */
pid_t hf_run_start(const char *log, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same, with `before` called in the new process: limits, namespaces. It ends the process (_exit) if it cannot. */
pid_t hf_run_start_in(const char *log, void (*before)(const void *), const void *context, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The process that makes the proofs of a worker: the one child of any of its threads. */
pid_t hf_test_prover_of(pid_t worker);

/* A fresh folder under the build folder; removed by hf_test_folder_remove. */
char *hf_test_folder(const char *name);
void hf_test_folder_remove(char *folder);
bool hf_soak(void);

#endif
