/* What can happen to a broker and its clients: deaths, others beside it, a full disk, strangers who send what
 * they like. */
#include "broker_fixture.h"
#include "queue_faults.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

TestSuite(queue_zmq_server, .fini = finish_test);

/* ---- what any server may do ---- */

static void fault_path(const char *socket, char path[96]) {
  snprintf(path, 96, "%s/%s.sock", server.folder, socket);
}
static void fault_folder(void) {
  broker_server_folder(&server);
  snprintf(server.endpoint, sizeof server.endpoint, "ipc:%s/s.sock", server.folder);
  broker_server_key(&server, "operator", "operator");
  /* Clients may come before the broker. */
  char path[96], folder[80];
  hf_curve_pair pair;
  snprintf(folder, sizeof folder, "%s/b", server.folder);
  snprintf(path, sizeof path, "%s/server.key", folder);
  OK(hf_curve_make(&pair));
  OK(hf_curve_pair_create(path, &pair));
  OK(hf_curve_server_publish(folder));
}
static void fault_start(void) { broker_server_start(&server); }
static void fault_kill(void) { broker_server_kill(&server, SIGKILL); }
static void fault_location(const char *socket, char location[256]) {
  int n = snprintf(location, 256, "ipc:%s/%s.sock?server-key=%s/b/server.public&key-file=%s/operator.key",
                   server.folder, socket, server.folder, server.folder);
  cr_assert(n < 256);
}
static const hf_fault_server faults = {fault_folder, {fault_start, fault_kill}, fault_location, fault_path};

Test(queue_zmq_server, killed) { hf_fault_killed(&faults); }
Test(queue_zmq_server, cut) { hf_fault_cut(&faults); }
Test(queue_zmq_server, overtaken) { hf_fault_overtaken(&faults); }
Test(queue_zmq_server, late_lease) { hf_fault_late_lease(&faults); }
Test(queue_zmq_server, away) { hf_fault_away(&faults); }

/* ---- beside others ---- */

/* Processes of this machine use the store at the same time; who waits over the broker sees what they do. */
Test(queue_zmq_server, beside_local_processes) {
  serve();
  hf_queue *q = handle_of("operator"), *direct = local_handle(), *other;
  hf_job_record record;
  submit_for(q, "alice", "j", "input");
  hf_job_key key = key_of("alice", "j");
  GIVES(HF_E_TIMEOUT, hf_queue_wait(q, &key, 100, &record));
  EQ(record.state, HF_JOB_QUEUED);
  pid_t parent = getpid(), pid = fork();
  cr_assert(pid >= 0);
  if (pid == 0) {
    hf_lease lease;
    bool found;
    hf_digest proof;
    char folder[96];
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent) _exit(45);
    nap(200);
    snprintf(folder, sizeof folder, "%s/s", server.folder);
    hf_queue_options options = {.location = folder};
    _exit(hf_queue_open(&options, &other) == HF_OK && lease_as(other, "w", &lease, &found) == HF_OK &&
                  found && hf_artifact_put(other, "proof", 5, &proof) == HF_OK &&
                  hf_queue_finish(other, &lease.header.key, lease.epoch, "w", &proof, NULL) == HF_OK
              ? 0
              : 1);
  }
  OK(hf_queue_wait(q, &key, 60000, &record));
  EQ(record.state, HF_JOB_DONE);
  int wait_status;
  cr_assert(waitpid(pid, &wait_status, 0) == pid && WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0);
  hf_queue_close(&q);
  hf_queue_close(&direct);
  /* One broker for a store. */
  char store[96], folder[96];
  hf_broker *second;
  snprintf(store, sizeof store, "%s/s", server.folder);
  snprintf(folder, sizeof folder, "%s/b2", server.folder);
  hf_broker_options options = {.folder = folder, .bind = "127.0.0.1:*", .queue = {.location = store}};
  GIVES(HF_E_BUSY, hf_broker_open(&options, &second));
  broker_server_kill(&server, SIGTERM); /* ends by itself, with success */
  OK(hf_broker_open(&options, &second));
  hf_broker_close(&second);
}

/* ---- artifacts ---- */

Test(queue_zmq_server, large_artifacts) {
  enum { LARGE = 9 << 20 };
  uint8_t *data = malloc(LARGE), *back;
  size_t length;
  hf_digest digest, again;
  char command[300], hex[HF_DIGEST_HEX];
  for (size_t i = 0; i < LARGE; i++) data[i] = (uint8_t)(i * 2654435761u >> 11);
  serve();
  hf_queue *q = handle_of("operator");
  /* The broker dies again and again while it is put, and while it is fetched. */
  for (int round = 0; round < 2; round++) {
    pid_t parent = getpid(), pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
      if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent) _exit(45);
      hf_queue *mine;
      hf_status status = open_as("operator", &mine);
      if (status == HF_OK && round == 0) status = hf_artifact_put(mine, data, LARGE, &digest);
      if (status == HF_OK && round == 1) {
        again = hf_digest_bytes(data, LARGE);
        status = hf_artifact_get(mine, &again, LARGE, &back, &length);
      }
      if (status != HF_OK) fprintf(stderr, "child: %s\n", hf_error_message());
      _exit(status == HF_OK ? 0 : 1);
    }
    for (int i = 0; i < 3; i++) {
      nap(20);
      broker_server_kill(&server, SIGKILL);
      broker_server_start(&server);
    }
    int wait_status;
    cr_assert(waitpid(pid, &wait_status, 0) == pid && WIFEXITED(wait_status) &&
              WEXITSTATUS(wait_status) == 0);
  }
  /* Damaged on the disk: never handed out; put again, it is whole. */
  OK(hf_artifact_put(q, data, LARGE, &digest));
  hf_digest_hex(&digest, hex);
  snprintf(command, sizeof command,
           "printf X | dd of=%s/s/artifacts/%.2s/%s bs=1 seek=5000000 conv=notrunc 2>/dev/null",
           server.folder, hex, hex + 2);
  cr_assert(system(command) == 0);
  GIVES(HF_E_CHECKSUM, hf_artifact_get(q, &digest, LARGE, &back, &length));
  OK(hf_artifact_put(q, data, LARGE, &again));
  OK(hf_artifact_get(q, &digest, LARGE, &back, &length));
  cr_assert(length == LARGE && memcmp(data, back, LARGE) == 0);
  free(back);
  free(data);
  hf_queue_close(&q);
}

/* ---- a full disk ---- */

/* Clients submit beside each other, so that many are in one transaction, until the disk takes no more. What
 * was accepted is there, what was refused is not, reading goes on; with room again it all goes on. */
Test(queue_zmq_server, full_disk) {
  enum { CLIENTS = 6, BATCH = 40 };
  pid_t children[CLIENTS], parent = getpid();
  hf_queue_stats stats;
  int counts[2], wait_status;
  broker_server_folder(&server);
  server.strict = true;
  server.file_limit = 600 << 10;
  broker_server_key(&server, "operator", "operator");
  broker_server_start(&server);
  hf_queue *q = handle_of("operator");
  hf_job_header job = job_with(q, "alice", "first", "input");
  OK(hf_queue_submit_one(q, &job, NULL));
  cr_assert(pipe(counts) == 0);
  for (int c = 0; c < CLIENTS; c++) {
    children[c] = fork();
    cr_assert(children[c] >= 0);
    if (children[c] == 0) {
      hf_queue *mine;
      hf_submission results[BATCH];
      static hf_job_header batch[BATCH];
      uint32_t accepted = 0;
      hf_status status = HF_OK;
      if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent || open_as("operator", &mine) != HF_OK)
        _exit(45);
      while (status == HF_OK && accepted < 20000) {
        for (unsigned i = 0; i < BATCH; i++) {
          char id[32];
          int n = snprintf(id, sizeof id, "c%d-%u", c, accepted + i);
          batch[i] = job;
          if (hf_job_key_make("alice", id, (size_t)n, &batch[i].key) != HF_OK) _exit(46);
        }
        status = hf_queue_submit(mine, batch, BATCH, results);
        for (unsigned i = 0; i < BATCH && status == HF_OK; i++)
          if (results[i].status != HF_OK) _exit(47);
        if (status == HF_OK) accepted += BATCH;
      }
      if (status != HF_E_FULL) fprintf(stderr, "client %d: %d %s\n", c, (int)status, hf_error_message());
      if (write(counts[1], &accepted, sizeof accepted) != sizeof accepted) _exit(48);
      _exit(status == HF_E_FULL ? 0 : 49);
    }
  }
  uint64_t accepted = 1;
  for (int c = 0; c < CLIENTS; c++) {
    uint32_t n;
    cr_assert(read(counts[0], &n, sizeof n) == sizeof n);
    accepted += n;
    cr_assert(waitpid(-1, &wait_status, 0) > 0 && WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0);
  }
  OK(hf_queue_get_stats(q, &stats));
  EQ(stats.submitted, accepted);
  EQ(stats.jobs[HF_JOB_QUEUED], accepted);
  cr_assert(accepted > 1);
  broker_server_kill(&server, SIGTERM);
  server.file_limit = 0;
  broker_server_start(&server);
  submit_for(q, "alice", "last", "input");
  OK(hf_queue_get_stats(q, &stats));
  EQ(stats.submitted, accepted + 1);
  hf_queue_close(&q);
}

/* ---- strangers and liars ---- */

typedef struct raw {
  void *context, *socket;
  uint64_t number;
} raw;

/* A socket of one's own with a client's key: it may send what it likes. */
static raw raw_open(const char *name) {
  char path[128], keys[1][HF_CURVE_TEXT], endpoint[160];
  hf_curve_pair pair;
  size_t count;
  int none = 0, ms = 10000;
  raw r = {.context = zmq_ctx_new()};
  r.socket = zmq_socket(r.context, ZMQ_DEALER);
  snprintf(path, sizeof path, "%s/b/server.public", server.folder);
  OK(hf_curve_public_read(path, keys, 1, &count));
  snprintf(path, sizeof path, "%s/%s.key", server.folder, name);
  OK(hf_curve_pair_read(path, &pair));
  zmq_setsockopt(r.socket, ZMQ_LINGER, &none, sizeof none);
  zmq_setsockopt(r.socket, ZMQ_RCVTIMEO, &ms, sizeof ms);
  zmq_setsockopt(r.socket, ZMQ_SNDTIMEO, &ms, sizeof ms);
  cr_assert(zmq_setsockopt(r.socket, ZMQ_CURVE_SERVERKEY, keys[0], HF_CURVE_TEXT) == 0 &&
            zmq_setsockopt(r.socket, ZMQ_CURVE_PUBLICKEY, pair.public_key, HF_CURVE_TEXT) == 0 &&
            zmq_setsockopt(r.socket, ZMQ_CURVE_SECRETKEY, pair.secret_key, HF_CURVE_TEXT) == 0);
  snprintf(endpoint, sizeof endpoint, "tcp://%s", server.endpoint);
  cr_assert(zmq_connect(r.socket, endpoint) == 0);
  return r;
}

static void raw_close(raw *r) {
  zmq_close(r->socket);
  zmq_ctx_term(r->context);
}

/* Asks and waits for the answer; gives its status. */
static hf_status raw_ask(raw *r, hf_zmq_request *request, const void *body, size_t length,
                         hf_zmq_answer *answer) {
  hf_writer head = {0};
  zmq_msg_t part;
  request->number = ++r->number;
  OK(hf_zmq_request_encode(request, &head));
  cr_assert(zmq_send(r->socket, head.data, head.length, ZMQ_SNDMORE) >= 0 &&
            zmq_send(r->socket, body, length, 0) >= 0);
  hf_writer_free(&head);
  zmq_msg_init(&part);
  cr_assert(zmq_msg_recv(&part, r->socket, 0) >= 0, "no answer");
  OK(hf_zmq_answer_decode(zmq_msg_data(&part), zmq_msg_size(&part), answer));
  cr_assert(zmq_msg_more(&part) && zmq_msg_recv(&part, r->socket, 0) >= 0);
  zmq_msg_close(&part);
  return answer->status;
}

static unsigned files_in_the_making(void) {
  char command[160];
  unsigned count;
  snprintf(command, sizeof command, "find '%s/s/artifacts' -name '.upload*' | wc -l", server.folder);
  FILE *pipe = popen(command, "r");
  cr_assert(pipe && fscanf(pipe, "%u", &count) == 1);
  pclose(pipe);
  return count;
}

/* Uploads are so many and no more, lie about their bytes in vain, and go with the key that began them. */
Test(queue_zmq_server, uploads) {
  hf_zmq_answer answer;
  serve();
  broker_server_key(&server, "ann", "client:alice");
  nap(1500);
  raw r = raw_open("ann");
  hf_status status = HF_OK;
  unsigned begun = 0;
  while (status == HF_OK && begun < 1000) {
    hf_zmq_request put = {.operation = HF_ZMQ_PUT, .numbers = {1 << 30}, .number_count = 1};
    put.digest = hf_digest_bytes(&begun, sizeof begun);
    status = raw_ask(&r, &put, "", 0, &answer);
    begun += status == HF_OK;
  }
  EQ(status, HF_E_BUSY);
  EQ(files_in_the_making(), begun);
  hf_zmq_request large = {.operation = HF_ZMQ_PUT, .numbers = {UINT64_MAX}, .number_count = 1};
  large.digest = hf_digest_bytes("large", 5);
  cr_assert(raw_ask(&r, &large, "", 0, &answer) != HF_OK);
  broker_server_revoke(&server, "ann");
  for (int i = 0; files_in_the_making() != 0; i++) {
    cr_assert(i < 500, "%u files are left", files_in_the_making());
    nap(10);
  }
  raw_close(&r);
  /* Other bytes than the name says; more than were announced; pieces out of order. */
  r = raw_open("operator");
  hf_zmq_request put = {.operation = HF_ZMQ_PUT, .numbers = {5}, .number_count = 1};
  hf_zmq_request chunk = {.operation = HF_ZMQ_CHUNK, .numbers = {0}, .number_count = 1};
  put.digest = chunk.digest = hf_digest_bytes("truth", 5);
  EQ(raw_ask(&r, &put, "", 0, &answer), HF_OK);
  EQ(raw_ask(&r, &chunk, "lying", 5, &answer), HF_E_CHECKSUM);
  EQ(raw_ask(&r, &chunk, "truth", 5, &answer), HF_E_NOT_FOUND); /* it is over */
  EQ(raw_ask(&r, &put, "", 0, &answer), HF_OK);
  EQ(raw_ask(&r, &chunk, "truths", 6, &answer), HF_E_RANGE);
  EQ(raw_ask(&r, &put, "", 0, &answer), HF_OK);
  chunk.numbers[0] = 3;
  EQ(raw_ask(&r, &chunk, "th", 2, &answer), HF_OK);
  EQ(answer.numbers[1], 0); /* from where to go on */
  chunk.numbers[0] = 0;
  EQ(raw_ask(&r, &chunk, "tru", 3, &answer), HF_OK);
  EQ(raw_ask(&r, &chunk, "tru", 3, &answer), HF_OK); /* twice */
  EQ(answer.numbers[1], 3);
  chunk.numbers[0] = 3;
  EQ(raw_ask(&r, &chunk, "th", 2, &answer), HF_OK);
  EQ(answer.numbers[0], 1);
  EQ(files_in_the_making(), 0);
  raw_close(&r);
}

/* Messages that are none, from one who is in the list. */
Test(queue_zmq_server, garbage) {
  static uint8_t bytes[3 << 20];
  unsigned dice = 12345;
  serve();
  hf_queue *q = handle_of("operator");
  raw r = raw_open("operator");
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (uint8_t)((dice = dice * 1664525u + 1013904223u) >> 24);
  hf_zmq_request request = {.operation = HF_ZMQ_LIST, .number = 1};
  hf_writer head = {0};
  OK(hf_zmq_request_encode(&request, &head));
  for (int i = 0; i < 400; i++) {
    dice = dice * 1664525u + 1013904223u;
    size_t length = dice % 5000;
    switch (i % 4) {
    case 0: /* one frame */
      cr_assert(zmq_send(r.socket, bytes + length, length, 0) >= 0);
      break;
    case 1: /* a request with one byte changed */
      memcpy(bytes, head.data, head.length);
      bytes[dice % head.length] ^= (uint8_t)(1 + dice % 255);
      cr_assert(zmq_send(r.socket, bytes, head.length, ZMQ_SNDMORE) >= 0 &&
                zmq_send(r.socket, bytes, length, 0) >= 0);
      break;
    case 2: /* many frames */
      for (int j = 0; j < 50; j++) cr_assert(zmq_send(r.socket, bytes, 100, j < 49 ? ZMQ_SNDMORE : 0) >= 0);
      break;
    default: { /* a good head, and a body that is not what it should be */
      static const hf_zmq_operation with_body[] = {HF_ZMQ_SUBMIT, HF_ZMQ_LEASE, HF_ZMQ_FORGET, HF_ZMQ_CHUNK};
      hf_writer other = {0};
      request.operation = with_body[i / 4 % 4];
      OK(hf_zmq_request_encode(&request, &other));
      cr_assert(zmq_send(r.socket, other.data, other.length, ZMQ_SNDMORE) >= 0 &&
                zmq_send(r.socket, bytes + length, length, 0) >= 0);
      hf_writer_free(&other);
    }
    }
    zmq_msg_t answer; /* what is answered is taken, so that the way stays free */
    zmq_msg_init(&answer);
    while (zmq_msg_recv(&answer, r.socket, ZMQ_DONTWAIT) >= 0) continue;
    zmq_msg_close(&answer);
  }
  /* Longer than any message may be: the connection is closed. */
  cr_assert(zmq_send(r.socket, bytes, sizeof bytes, 0) >= 0);
  hf_writer_free(&head);
  submit_for(q, "alice", "j", "input");
  cr_assert(broker_server_log_has(&server, "a message that is no request"));
  raw_close(&r);
  hf_queue_close(&q);
}

#ifdef __SANITIZE_ADDRESS__
#define SLACK (512u << 20) /* what was freed is kept for a while */
#else
#define SLACK 0u
#endif

/* Asks for much and reads nothing; a message of very many frames; ten thousand connections that say nothing
 * or half a greeting: memory has a bound, and others are served. */
Test(queue_zmq_server, crowd) {
  enum { CROWD = 10000, LARGE = 4 << 20 };
  static int sockets[CROWD];
  static uint8_t bytes[1 << 20];
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  unsigned connected = 0;
  struct rlimit files; /* this process may have them all where it is allowed to; the broker starts with what was there */
  broker_server_folder(&server);
  server.strict = true;
  broker_server_key(&server, "operator", "operator");
  broker_server_start(&server);
  cr_assert(getrlimit(RLIMIT_NOFILE, &files) == 0);
  files.rlim_cur = files.rlim_max;
  cr_assert(setrlimit(RLIMIT_NOFILE, &files) == 0);
  hf_queue *q = handle_of("operator");
  uint8_t *data = calloc(1, LARGE);
  hf_digest digest;
  OK(hf_artifact_put(q, data, LARGE, &digest));
  uint64_t before = broker_server_resident(&server) + SLACK;

  raw r = raw_open("operator");
  hf_zmq_request fetch = {.operation = HF_ZMQ_FETCH, .digest = digest, .number_count = 1};
  hf_writer head = {0};
  OK(hf_zmq_request_encode(&fetch, &head));
  for (int i = 0; i < 500; i++)
    if (zmq_send(r.socket, head.data, head.length, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0)
      (void)zmq_send(r.socket, "", 0, ZMQ_DONTWAIT);
  hf_writer_free(&head);
  for (int i = 0; i < 20; i++) submit_for(q, "alice", (char[]){(char)('a' + i), 0}, "input");
  uint64_t slow = broker_server_resident(&server);
  cr_assert(slow < before + (64u << 20), "%llu MiB more for one who does not read",
            (unsigned long long)(slow - before) >> 20);
  raw_close(&r);

  r = raw_open("operator");
  for (int i = 0; i < 100; i++)
    cr_assert(zmq_send(r.socket, bytes, sizeof bytes, i < 99 ? ZMQ_SNDMORE : 0) >= 0);
  for (int i = 0; i < 20; i++) submit_for(q, "bob", (char[]){(char)('a' + i), 0}, "input");
  raw_close(&r);

  name.sin_port = htons((uint16_t)atoi(strrchr(server.endpoint, ':') + 1));
  for (; connected < CROWD; connected++) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) break; /* as many as this process may have */
    sockets[connected] = fd;
    (void)!connect(fd, (struct sockaddr *)&name, sizeof name);
  }
  cr_assert(connected > 500);
  for (unsigned i = 0; i < connected; i += 2)
    (void)!send(sockets[i], "\xff\0\0\0\0\0\0\1\x7f\3\1NULL", 16, MSG_NOSIGNAL);
  for (int i = 0; i < 20; i++) submit_for(q, "carol", (char[]){(char)('a' + i), 0}, "input");
  hf_queue *fresh = handle_of("operator"); /* and a new connection among them */
  hf_queue_stats stats;
  OK(hf_queue_get_stats(fresh, &stats));
  EQ(stats.submitted, 60);
  uint64_t crowded = broker_server_resident(&server);
  cr_assert(crowded < before + (256u << 20), "%llu MiB more", (unsigned long long)(crowded - before) >> 20);
  for (unsigned i = 0; i < connected; i++) close(sockets[i]);
  hf_queue_close(&fresh);
  hf_queue_close(&q);
  free(data);
}

/* Above its memory's limit the broker closes all connections once a second: clients notice a pause. */
Test(queue_zmq_server, memory) {
  hf_queue_stats stats;
  broker_server_folder(&server);
  server.strict = true;
  server.memory_limit = 1;
  broker_server_key(&server, "operator", "operator");
  broker_server_start(&server);
  hf_queue *q = handle_of("operator");
  unsigned submitted = 0;
  for (unsigned closed = 0; closed < 20 && submitted < 5000;) {
    char id[16];
    snprintf(id, sizeof id, "j%u", submitted++);
    submit_for(q, "alice", id, "input");
    closed += broker_server_log_has(&server, "too much memory");
  }
  OK(hf_queue_get_stats(q, &stats));
  EQ(stats.submitted, submitted);
  EQ(stats.resubmitted, 0);
  cr_assert(broker_server_log_has(&server, "too much memory"));
  hf_queue_close(&q);
}
