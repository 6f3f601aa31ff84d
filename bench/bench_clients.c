/* Processes that begin together. */
#include "bench_internal.h"
#include "bench_queue.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct hf_bench_crowd {
  atomic_uint ready;
  atomic_bool go;
  atomic_int status; /* of the first that failed */
  char message[512];
};

static void nap(void) { nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL); }

hf_status hf_bench_client_ready(hf_bench_clients *clients) {
  atomic_fetch_add(&clients->crowd->ready, 1);
  while (!atomic_load(&clients->crowd->go)) {
    if (atomic_load(&clients->crowd->status) != HF_OK) return hf_fail(HF_E_CANCELLED, "another client failed");
    nap();
  }
  return HF_OK;
}

static void child(hf_bench_clients *clients, hf_bench_client client, void *context, unsigned number, pid_t parent) {
  struct hf_bench_crowd *crowd = clients->crowd;
  int none = HF_OK;
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) _exit(1);
  hf_status status = client(context, number, clients);
  if (status != HF_OK && atomic_compare_exchange_strong(&crowd->status, &none, (int)status))
    snprintf(crowd->message, sizeof crowd->message, "%s", hf_error_message());
  _exit(status == HF_OK ? 0 : 1);
}

hf_status hf_bench_clients_run(hf_bench_clients *clients, hf_bench_client client, void *context) {
  hf_status status = HF_OK;
  pid_t pids[HF_BENCH_QUEUE_CLIENTS], parent = getpid();
  unsigned started = 0, died = 0;
  struct hf_bench_crowd *crowd = mmap(NULL, sizeof *crowd, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (crowd == MAP_FAILED) return hf_fail(HF_E_MEMORY, "no memory for the clients: %s", strerror(errno));
  memset(crowd, 0, sizeof *crowd);
  clients->crowd = crowd;
  for (; started < clients->count; started++) {
    pids[started] = fork();
    if (pids[started] == 0) child(clients, client, context, started, parent);
    if (pids[started] < 0) {
      status = hf_fail(HF_E_INTERNAL, "fork: %s", strerror(errno));
      atomic_store(&crowd->status, (int)status);
      break;
    }
  }
  while (atomic_load(&crowd->status) == HF_OK && atomic_load(&crowd->ready) < clients->count) nap();
  clients->began_ms = hf_bench_now_ms();
  atomic_store(&crowd->go, true);
  for (unsigned i = 0; i < started; i++) {
    int end = 0;
    while (waitpid(pids[i], &end, 0) < 0 && errno == EINTR) continue;
    died += !WIFEXITED(end);
  }
  clients->ended_ms = hf_bench_now_ms();
  if (status == HF_OK && atomic_load(&crowd->status) != HF_OK)
    status = hf_fail((hf_status)atomic_load(&crowd->status), "%s", crowd->message);
  if (status == HF_OK && died != 0) status = hf_fail(HF_E_INTERNAL, "%u of the %u clients died", died, started);
  munmap(crowd, sizeof *crowd);
  clients->crowd = NULL;
  return status;
}
