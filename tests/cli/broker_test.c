/* A fleet behind a broker, as people set one up: keys are made and let in, a client's job is proven by a
 * worker that has nothing but a key and an address, keys are exchanged and taken away. */
#include "queue.h"
#include "run_command.h"
#include "../ok.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char *folder;
static pid_t broker;

static void pause_ms(unsigned ms) {
  nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL);
}

static void clean_up(void) {
  if (broker > 0 && kill(broker, SIGKILL) == 0) (void)waitpid(broker, NULL, 0);
  if (folder) hf_test_folder_remove(folder);
}

static json_t *json_line(const char *path) {
  for (int i = 0; i < 3000; i++, pause_ms(10)) {
    json_error_t error;
    json_t *line = json_load_file(path, JSON_DISABLE_EOF_CHECK, &error);
    if (line) return line;
  }
  cr_assert_fail("nothing is said in %s", path);
  return NULL;
}

/* Runs and expects this exit status; the message is in `word`. */
static void refused(int exit, const char *word, const char *command) {
  hf_run run;
  hf_run_command(&run, "%s", command);
  cr_assert(run.exit == exit && strstr(run.err, word), "%s: %d %s", command, run.exit, run.err);
  hf_run_free(&run);
}

/* Leases the job as the worker "liar" and hands in bytes that are no proof. */
static void lie(const char *where) {
  char location[512];
  hf_queue *q;
  hf_lease lease;
  bool found;
  hf_digest lies;
  hf_worker worker = {
      .name = "liar", .capability_count = 1, .device_memory = 1ull << 40, .host_memory = 1ull << 40};
  strcpy(worker.capabilities[0].circuit, "example");
  snprintf(location, sizeof location, "%s&key-file=liar.key", where);
  hf_queue_options options = {.location = location};
  OK(hf_queue_open(&options, &q));
  OK(hf_queue_lease(q, &worker, &lease, &found));
  cr_assert(found);
  OK(hf_artifact_put(q, "no proof", 8, &lies));
  GIVES(HF_E_VERIFY, hf_queue_finish(q, &lease.header.key, lease.epoch, "liar", &lies, NULL));
  cr_assert(strstr(hf_error_message(), "does not verify"), "%s", hf_error_message());
  hf_queue_close(&q);
}

TestSuite(broker, .fini = clean_up);

Test(broker, fleet) {
  char where[300], command[600], key[64];
  folder = hf_test_folder("broker");
  cr_assert(chdir(folder) == 0);
  const char *const people[][2] = {
      {"ops", "operator"}, {"gpu-1", "worker"}, {"liar", "worker"}, {"ann", "client:alice"}, {"eve", NULL}};
  for (size_t i = 0; i < 5; i++) {
    json_decref(hf_run_json(0, "keys make %s.key --json", people[i][0]));
    if (people[i][1])
      json_decref(hf_run_json(0, "keys allow %s.key --role %s --name %s --data host --json", people[i][0],
                              people[i][1], people[i][0]));
  }
  refused(5, "exists", "keys make ops.key");
  refused(5, "revoke it first", "keys allow ann.key --role operator --name ann --data host");
  refused(2, "no role", "keys allow eve.key --role boss --name eve --data host");
  /* The keys by which the broker judges: derived by those who prove. */
  json_decref(hf_run_json(0, "circuit key example --data gpu --dev --vk-out example.vkey --json"));
  broker = hf_run_start(
      "broker.log", "broker --data host --bind 127.0.0.1:0 --json --log-level error --verify gpu/keys --dev");
  json_t *line = json_line("broker.log");
  snprintf(where, sizeof where, "zmq://%s?server-key=server.public",
           json_string_value(json_object_get(line, "endpoint")));
  json_decref(line);
  cr_assert(system("cp host/broker/server.public server.public") == 0);

  /* A job from alice's client, proven by a worker on its own data folder. */
  cr_assert(
      system(
          "{ head -c 96 /dev/zero; printf '\\201\\002\\0\\0\\0\\0\\0\\0\\201=f\\0\\0\\0\\0\\0'; } >input") ==
      0);
  const char *submit = "job submit --circuit example --vk example.vkey --tenant alice --id mine --queue "
                       "%s&key-file=%s.key input "
                       "--json";
  json_decref(hf_run_json(0, submit, where, "ann"));
  snprintf(command, sizeof command, submit, where, "eve");
  refused(4, "does not know the key", command);
  snprintf(command, sizeof command, submit, where, "gpu-1");
  refused(4, "may not ask for", command);
  snprintf(command, sizeof command, "job list --queue %s&key-file=gpu-1.key", where);
  refused(4, "may not ask for LIST", command);
  /* A worker that lies gets there first. */
  lie(where);
  hf_run run;
  hf_run_command(&run, "worker --data gpu --dev --once --json --threads 1 --queue %s&key-file=gpu-1.key",
                 where);
  cr_assert(run.exit == 0, "%d %s", run.exit, run.err);
  hf_run_free(&run);
  json_decref(hf_run_json(
      0, "job wait mine --tenant alice --timeout 60 --out mine.proof --json --queue %s&key-file=ann.key",
      where));
  json_decref(hf_run_json(0, "verify --vk example.vkey --dev mine.proof --json"));
  json_t *job = hf_run_json(0, "job get mine --tenant alice --json --queue %s&key-file=ann.key", where);
  cr_assert_str_eq(json_string_value(json_object_get(job, "worker")), "gpu-1");
  json_decref(job);
  json_t *workers = hf_run_json(0, "queue workers --json --queue %s&key-file=ops.key", where), *list, *who;
  size_t index;
  unsigned strikes = 0;
  list = json_object_get(workers, "workers");
  json_array_foreach(list, index,
                     who) if (strcmp(json_string_value(json_object_get(who, "name")), "liar") == 0) strikes =
      (unsigned)json_integer_value(json_object_get(who, "strikes"));
  cr_assert(strikes == 1);
  json_decref(workers);

  /* The server's key is exchanged; who has both goes on. */
  json_decref(hf_run_json(0, "keys rotate --data host --json"));
  cr_assert(system("cp server.public old.public && cp host/broker/server.public server.public") == 0);
  json_decref(hf_run_json(0, "keys rotate --switch --data host --json"));
  json_t *stats = hf_run_json(0, "queue stats --json --queue %s&key-file=ops.key", where);
  json_decref(stats);
  refused(2, "no next key", "keys rotate --switch --data host");
  bool left_behind = false;
  char *query = strchr(where, '?');
  for (int i = 0; i < 300 && !left_behind; i++, pause_ms(20)) {
    hf_run_command(&run, "queue stats --queue %.*s?server-key=old.public&key-file=ops.key",
                   (int)(query - where), where);
    left_behind = run.exit == 4 && strstr(run.err, "another server key");
    hf_run_free(&run);
  }
  cr_assert(left_behind);

  /* A key is taken away. */
  json_decref(hf_run_json(0, "keys revoke ann --data host --json"));
  line = hf_run_json(0, "keys show ann.key --json");
  snprintf(key, sizeof key, "%s", json_string_value(json_object_get(line, "public_key")));
  json_decref(line);
  line = hf_run_json(0, "keys list --data host --json");
  json_t *clients = json_object_get(line, "clients");
  cr_assert(json_array_size(clients) == 3);
  for (size_t i = 0; i < 3; i++)
    cr_assert(strcmp(json_string_value(json_object_get(json_array_get(clients, i), "public_key")), key) != 0);
  json_decref(line);
  bool gone = false;
  for (int i = 0; i < 300 && !gone; i++, pause_ms(20)) {
    hf_run_command(&run, "job get mine --tenant alice --queue %s&key-file=ann.key", where);
    gone = run.exit == 4;
    hf_run_free(&run);
  }
  cr_assert(gone);
  refused(5, "another broker", "broker --data host --bind 127.0.0.1:0");
  refused(2, "127.0.0.1:65536", "broker --data elsewhere --bind 127.0.0.1:65536"); /* not on some other port */
  refused(2, "no place to listen", "broker --data elsewhere --bind nowhere");
  refused(5, "server.key", "keys rotate --data nobody"); /* and makes no next key */
  cr_assert_neq(access("nobody/broker/server.next.key", F_OK), 0);
  cr_assert(kill(broker, SIGTERM) == 0);
  int wait_status;
  cr_assert(waitpid(broker, &wait_status, 0) == broker && WIFEXITED(wait_status) &&
            WEXITSTATUS(wait_status) == 0);
  broker = 0;
}
