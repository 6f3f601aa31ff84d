/* The engines under a queue, each in a fresh folder, and what they do without a queue on top. */
#include "bench_internal.h"
#include "bench_queue.h"
#include "local/local.h"

#include <errno.h>
#include <fcntl.h>
#include <hyperfold/file.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How long a server may take to answer. */
#define START_SECONDS 30

/* --- servers ------------------------------------------------------------------------------------------- */

/* Starts `words`, its output in the file `out` of the engine's folder. It does not outlive this process. */
static hf_status run(const hf_bench_engine *engine, const char *const *words, const char *out, pid_t *pid) {
  char path[300];
  pid_t parent = getpid();
  snprintf(path, sizeof path, "%s/%s", engine->folder, out);
  int null = open("/dev/null", O_RDONLY | O_CLOEXEC), file = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  hf_status status = null < 0 || file < 0 ? hf_fail(HF_E_IO, "%s: %s", path, strerror(errno)) : HF_OK;
  if (status == HF_OK && (*pid = fork()) < 0) status = hf_fail(HF_E_INTERNAL, "fork: %s", strerror(errno));
  if (status == HF_OK && *pid == 0) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) _exit(127);
    if (dup2(null, 0) < 0 || dup2(file, 1) < 0 || dup2(file, 2) < 0) _exit(127);
    execvp(words[0], (char *const *)words);
    _exit(127);
  }
  if (null >= 0) close(null);
  if (file >= 0) close(file);
  return status;
}

/* The exit status of a program that ends by itself. */
static hf_status run_whole(const hf_bench_engine *engine, const char *const *words, const char *out) {
  int end = 0;
  pid_t pid = 0;
  hf_status status = run(engine, words, out, &pid);
  if (status != HF_OK) return status;
  while (waitpid(pid, &end, 0) < 0 && errno == EINTR) continue;
  if (WIFEXITED(end) && WEXITSTATUS(end) == 127) return hf_fail(HF_E_UNSUPPORTED, "%s is not installed", words[0]);
  if (!WIFEXITED(end) || WEXITSTATUS(end) != 0) return hf_fail(HF_E_INTERNAL, "%s failed; its output was in %s", words[0], out);
  return HF_OK;
}

/* What stands behind `mark` in a file of the engine's folder, up to one of `ends`. */
static bool read_word(const hf_bench_engine *engine, const char *name, const char *mark, const char *ends, char *out, size_t capacity) {
  char path[300], line[512];
  bool found = false;
  snprintf(path, sizeof path, "%s/%s", engine->folder, name);
  FILE *file = fopen(path, "re");
  while (file != NULL && !found && fgets(line, sizeof line, file)) {
    const char *at = strstr(line, mark);
    found = at != NULL && strcspn(at + strlen(mark), ends) < capacity;
    if (found) snprintf(out, capacity, "%.*s", (int)strcspn(at + strlen(mark), ends), at + strlen(mark));
  }
  if (file != NULL) fclose(file);
  return found;
}

/* Starts it and waits until the queue answers. Where it says itself at which address, `locate` knows how to read that. */
static hf_status start_server(hf_bench_engine *engine, const char *const *words, bool (*locate)(hf_bench_engine *)) {
  pid_t pid = 0;
  hf_status status = run(engine, words, "log", &pid);
  if (status != HF_OK) return status;
  engine->pid = pid;
  status = HF_E_TIMEOUT;
  for (int naps = 0; naps < START_SECONDS * 100; naps++) {
    hf_queue *queue = NULL;
    int end = 0;
    if (waitpid(pid, &end, WNOHANG) == pid) {
      engine->pid = 0;
      if (WIFEXITED(end) && WEXITSTATUS(end) == 127) return hf_fail(HF_E_UNSUPPORTED, "%s is not installed", words[0]);
      return hf_fail(HF_E_INTERNAL, "%s ended at once", words[0]);
    }
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    if (locate != NULL && !locate(engine)) continue;
    status = hf_queue_open(&(hf_queue_options){.location = engine->location, .busy_ms = 1000}, &queue);
    hf_queue_close(&queue);
    if (status == HF_OK || status == HF_E_UNSUPPORTED) return status;
  }
  return status == HF_E_TIMEOUT ? hf_fail(status, "%s does not say where it is", words[0])
                                : hf_fail_context(status, "%s does not answer", words[0]);
}

/* "v=7.0.15" in the server's own words. */
static void redis_version(hf_bench_engine *engine) {
  char version[24] = "";
  if (run_whole(engine, (const char *[]){"redis-server", "--version", NULL}, "version") == HF_OK)
    read_word(engine, "version", "v=", " \n", version, sizeof version);
  snprintf(engine->name, sizeof engine->name, "redis %s", version);
}

static bool locate_broker(hf_bench_engine *engine) {
  char endpoint[64];
  const char *f = engine->folder;
  if (!read_word(engine, "log", "\"endpoint\": \"", "\"", endpoint, sizeof endpoint)) return false;
  snprintf(engine->location, sizeof engine->location, "zmq://%s?server-key=%s/broker/server.public&key-file=%s/key", endpoint, f, f);
  return true;
}

/* The broker of this build over TCP, with a key of an operator. */
static hf_status start_broker(const char *program, hf_bench_engine *engine) {
  hf_status status;
  char key[300], folder[300], store[300];
  snprintf(key, sizeof key, "%s/key", engine->folder);
  snprintf(folder, sizeof folder, "%s/broker", engine->folder);
  snprintf(store, sizeof store, "local:%s/queue", engine->folder);
  snprintf(engine->name, sizeof engine->name, "zmq, sqlite %.20s", sqlite3_libversion());
  HF_TRY(run_whole(engine, (const char *[]){program, "keys", "make", key, NULL}, "keys"));
  HF_TRY(run_whole(engine, (const char *[]){program, "keys", "allow", "--folder", folder, "--role", "operator", "--name", "bench", key, NULL},
                   "keys"));
  HF_TRY(start_server(engine, (const char *[]){program, "broker", "--queue", store, "--folder", folder, "--bind", "127.0.0.1:*", "--json", NULL},
                      locate_broker));
out:
  return status;
}

hf_status hf_bench_engine_start(const hf_bench_queue_options *o, hf_bench_engine *engine) {
  char port[300];
  memset(engine, 0, sizeof *engine);
  if (snprintf(engine->folder, sizeof engine->folder - 32, "%s/hyperfold-bench-XXXXXX", o->scratch) >= (int)sizeof engine->folder - 32)
    return hf_fail(HF_E_ARGUMENT, "the name of the scratch folder is too long");
  if (mkdtemp(engine->folder) == NULL) {
    hf_status status = hf_fail(HF_E_IO, "%s: %s", engine->folder, strerror(errno));
    engine->folder[0] = 0;
    return status;
  }
  if (strcmp(o->engine, "local") == 0) {
    snprintf(engine->location, sizeof engine->location, "local:%s/queue", engine->folder);
    snprintf(engine->name, sizeof engine->name, "local, sqlite %.20s", sqlite3_libversion());
    return HF_OK;
  }
  if (strcmp(o->engine, "redis") == 0) {
    redis_version(engine);
    snprintf(port, sizeof port, "%s/s", engine->folder);
    snprintf(engine->location, sizeof engine->location, "unix:%s", port);
    return start_server(engine, (const char *[]){"redis-server", "--port", "0", "--unixsocket", port, "--dir", engine->folder,
                                                 "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--maxmemory-policy",
                                                 "noeviction", "--loglevel", "warning", NULL},
                        NULL);
  }
  if (strcmp(o->engine, "zmq") == 0) return start_broker(o->program, engine);
  return hf_fail(HF_E_UNSUPPORTED, "bench queue: there is no engine \"%.40s\": there are local, redis and zmq", o->engine);
}

void hf_bench_engine_stop(hf_bench_engine *engine) {
  if (engine->pid != 0) {
    kill((pid_t)engine->pid, SIGKILL);
    while (waitpid((pid_t)engine->pid, NULL, 0) < 0 && errno == EINTR) continue;
  }
  if (engine->folder[0]) hf_folder_remove(engine->folder);
  memset(engine, 0, sizeof *engine);
}

/* --- without a queue on top -------------------------------------------------------------------------------- */

typedef struct inserts {
  const char *path;
  unsigned records;
  size_t length;
} inserts;

static hf_status sqlite_do(sqlite3 *db, const char *sql) {
  if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK) return HF_OK;
  return hf_fail(HF_E_IO, "raw SQLite: %s: %s", sql, sqlite3_errmsg(db));
}

/* The store's pauses: with SQLite's own, many clients would be measured asleep. */
static int again(void *context, int tries) {
  hf_local_pause(tries, context);
  return 1;
}

static hf_status sqlite_open(const char *path, sqlite3 **db, uint64_t *turn) {
  hf_status status;
  if (sqlite3_open(path, db) != SQLITE_OK) return hf_fail(HF_E_IO, "raw SQLite: %s", path);
  sqlite3_busy_handler(*db, again, turn);
  HF_TRY(sqlite_do(*db, "PRAGMA journal_mode = WAL"));
  HF_TRY(sqlite_do(*db, "PRAGMA synchronous = FULL"));
out:
  return status;
}

/* A record a transaction, as durable as the store's. */
static hf_status insert(void *context, unsigned number, hf_bench_clients *clients) {
  hf_status status;
  const inserts *in = context;
  sqlite3 *db = NULL;
  sqlite3_stmt *statement = NULL;
  char *record = calloc(1, in->length);
  uint64_t turn = number;
  unsigned first = (unsigned)((uint64_t)in->records * number / clients->count);
  unsigned end = (unsigned)((uint64_t)in->records * (number + 1) / clients->count);
  if (record == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a record"));
  HF_TRY(sqlite_open(in->path, &db, &turn));
  if (sqlite3_prepare_v2(db, "INSERT INTO records (body) VALUES (?)", -1, &statement, NULL) != SQLITE_OK)
    HF_TRY(hf_fail(HF_E_IO, "raw SQLite: %s", sqlite3_errmsg(db)));
  sqlite3_bind_blob(statement, 1, record, (int)in->length, SQLITE_STATIC);
  HF_TRY(hf_bench_client_ready(clients));
  for (unsigned i = first; i < end; i++) {
    HF_TRY(sqlite_do(db, "BEGIN IMMEDIATE"));
    if (sqlite3_step(statement) != SQLITE_DONE) HF_TRY(hf_fail(HF_E_IO, "raw SQLite: %s", sqlite3_errmsg(db)));
    sqlite3_reset(statement);
    HF_TRY(sqlite_do(db, "COMMIT"));
  }
out:
  sqlite3_finalize(statement);
  sqlite3_close(db);
  free(record);
  return status;
}

static hf_status raw_sqlite(const hf_bench_queue_options *o, const hf_bench_engine *engine, size_t length, double *per_second) {
  hf_status status;
  char path[300];
  sqlite3 *db = NULL;
  uint64_t turn = 0;
  hf_bench_clients clients = {.count = o->clients};
  snprintf(path, sizeof path, "%s/raw.db", engine->folder);
  HF_TRY(sqlite_open(path, &db, &turn));
  HF_TRY(sqlite_do(db, "CREATE TABLE records (id INTEGER PRIMARY KEY, body BLOB NOT NULL)"));
  sqlite3_close(db);
  db = NULL;
  HF_TRY(hf_bench_clients_run(&clients, insert, &(inserts){.path = path, .records = o->jobs, .length = length}));
  *per_second = 1e3 * o->jobs / (clients.ended_ms - clients.began_ms);
out:
  sqlite3_close(db);
  return status;
}

/* redis-benchmark says: "XADD raw ...","12345.67",... */
static hf_status raw_redis(const hf_bench_queue_options *o, const hf_bench_engine *engine, size_t length, double *per_second) {
  hf_status status;
  char path[300], clients[16], jobs[16], line[2048], *record = calloc(1, length + 1);
  FILE *file = NULL;
  if (record == NULL) return hf_fail(HF_E_MEMORY, "no memory for a record");
  memset(record, 'x', length);
  snprintf(path, sizeof path, "%s/s", engine->folder);
  snprintf(clients, sizeof clients, "%u", o->clients);
  snprintf(jobs, sizeof jobs, "%u", o->jobs);
  status = run_whole(engine, (const char *[]){"redis-benchmark", "-s", path, "-n", jobs, "-c", clients, "--csv", "XADD", "raw", "*",
                                              "job", record, NULL}, "raw");
  if (status == HF_E_UNSUPPORTED) status = HF_OK; /* then there is nothing beside it */
  else if (status == HF_OK) {
    snprintf(path, sizeof path, "%s/raw", engine->folder);
    file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file)) {
      const char *number = strncmp(line, "\"XADD", 5) == 0 ? strstr(line, "\",\"") : NULL;
      if (number != NULL) *per_second = strtod(number + 3, NULL);
    }
    if (*per_second <= 0) status = hf_fail(HF_E_FORMAT, "redis-benchmark does not say how many XADD a second");
  }
  if (file != NULL) fclose(file);
  free(record);
  return status;
}

hf_status hf_bench_engine_raw(const hf_bench_queue_options *o, hf_bench_engine *engine, size_t length, double *per_second) {
  *per_second = 0;
  return strcmp(o->engine, "redis") == 0 ? raw_redis(o, engine, length, per_second) : raw_sqlite(o, engine, length, per_second);
}
