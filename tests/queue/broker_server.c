#include "broker_server.h"
#include "ok.h"

#include <errno.h>
#include <fcntl.h>
#include <hyperfold/file.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t stopped;
static void on_term(int number) {
  (void)number;
  stopped = 1;
}

static void serve(const broker_server *server, pid_t parent, int ready) {
  char store[80], folder[80], path[80];
  hf_logger log = {.level = HF_LOG_INFO, .part = "broker"};
  hf_broker *broker;
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent) _exit(45);
  snprintf(store, sizeof store, "%s/s", server->folder);
  snprintf(folder, sizeof folder, "%s/b", server->folder);
  snprintf(path, sizeof path, "%s/log", server->folder);
  log.fd = open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  const struct rlimit limit = {server->file_limit, server->file_limit};
  if (server->file_limit && (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &limit)))
    _exit(46);
  const struct sigaction action = {.sa_handler = on_term};
  if (log.fd < 0 || sigaction(SIGTERM, &action, NULL)) _exit(46);
  hf_broker_options options = {.folder = folder,
                               .bind = server->endpoint[0] ? server->endpoint : "127.0.0.1:*",
                               .queue = {.location = store},
                               .memory_limit = server->memory_limit,
                               .trust_terms = !server->strict,
                               .log = &log};
  hf_status status;
  /* The one before may not have been taken away yet. */
  for (int i = 0; (status = hf_broker_open(&options, &broker)) != HF_OK && i < 500; i++)
    nanosleep(&(struct timespec){0, 10000000}, NULL);
  if (status != HF_OK) {
    fprintf(stderr, "broker: %s\n", hf_error_message());
    _exit(47);
  }
  const char *endpoint = hf_broker_endpoint(broker);
  if (write(ready, endpoint, strlen(endpoint)) < 0) _exit(48);
  close(ready);
  while (!stopped)
    if (hf_broker_step(broker, 1000) != HF_OK) {
      fprintf(stderr, "broker: %s\n", hf_error_message());
      _exit(49);
    }
  hf_broker_close(&broker);
  _exit(0);
}

void broker_server_folder(broker_server *server) {
  char path[80];
  strcpy(server->folder, "/tmp/hf-zmq-XXXXXX");
  cr_assert(mkdtemp(server->folder) != NULL);
  snprintf(path, sizeof path, "mkdir %s/b", server->folder);
  cr_assert(system(path) == 0);
}

void broker_server_start(broker_server *server) {
  int ready[2];
  pid_t parent = getpid();
  char endpoint[sizeof server->endpoint] = "";
  cr_assert(pipe2(ready, O_CLOEXEC) == 0);
  server->pid = fork();
  cr_assert(server->pid >= 0);
  if (server->pid == 0) serve(server, parent, ready[1]);
  close(ready[1]);
  ssize_t n;
  while ((n = read(ready[0], endpoint, sizeof endpoint - 1)) < 0) cr_assert(errno == EINTR);
  cr_assert(n > 0, "the broker does not start: see %s/log", server->folder);
  strcpy(server->endpoint, endpoint);
  close(ready[0]);
}

void broker_server_kill(broker_server *server, int signal) {
  cr_assert(kill(server->pid, signal) == 0);
  int wait_status;
  while (waitpid(server->pid, &wait_status, 0) < 0) cr_assert(errno == EINTR);
  server->pid = 0;
  cr_assert(signal == SIGKILL || (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0),
            "the broker ended with %x", (unsigned)wait_status);
}

void broker_server_stop(broker_server *server) {
  char command[128];
  if (server->pid) broker_server_kill(server, SIGKILL);
  snprintf(command, sizeof command, "rm -rf '%s'", server->folder);
  cr_assert(system(command) == 0);
  server->folder[0] = '\0';
}

static void list_path(const broker_server *server, char path[80]) {
  snprintf(path, 80, "%s/b/clients", server->folder);
}

static void key_path(const broker_server *server, const char *name, char path[128]) {
  snprintf(path, 128, "%s/%s.key", server->folder, name);
}

void broker_server_allow(const broker_server *server, const char *name, const char *role) {
  char path[128], list[80];
  hf_curve_pair pair;
  hf_curve_client client = {0};
  key_path(server, name, path);
  list_path(server, list);
  OK(hf_curve_pair_read(path, &pair));
  OK(hf_zmq_role_parse(role, &client));
  strcpy(client.key, pair.public_key);
  strcpy(client.name, name);
  OK(hf_curve_clients_allow(list, &client));
}

void broker_server_key(const broker_server *server, const char *name, const char *role) {
  char path[128];
  hf_curve_pair pair;
  key_path(server, name, path);
  OK(hf_curve_make(&pair));
  OK(hf_curve_pair_create(path, &pair));
  if (role) broker_server_allow(server, name, role);
}

void broker_server_revoke(const broker_server *server, const char *name) {
  char path[128], list[80];
  hf_curve_pair pair;
  key_path(server, name, path);
  list_path(server, list);
  OK(hf_curve_pair_read(path, &pair));
  OK(hf_curve_clients_revoke(list, pair.public_key));
}

void broker_server_location(const broker_server *server, const char *name, char location[256]) {
  bool local = strncmp(server->endpoint, "ipc:", 4) == 0;
  int n = snprintf(location, 256, "%s%s?server-key=%s/b/server.public&key-file=%s/%s.key",
                   local ? "" : "zmq://", server->endpoint, server->folder, server->folder, name);
  cr_assert(n < 256);
}

uint64_t broker_server_resident(const broker_server *server) {
  char path[64];
  unsigned long long size, resident;
  snprintf(path, sizeof path, "/proc/%d/statm", (int)server->pid);
  FILE *file = fopen(path, "r");
  cr_assert(file != NULL && fscanf(file, "%llu %llu", &size, &resident) == 2);
  fclose(file);
  return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

bool broker_server_log_has(const broker_server *server, const char *word) {
  char path[80];
  uint8_t *log;
  size_t length;
  snprintf(path, sizeof path, "%s/log", server->folder);
  if (hf_file_read(path, 64 << 20, &log, &length) != HF_OK) return false;
  bool has = strstr((char *)log, word) != NULL;
  free(log);
  return has;
}
