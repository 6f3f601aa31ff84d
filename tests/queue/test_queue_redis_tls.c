/* What can be between a queue and its server with TLS: the wrong server, the wrong client, a liar, a cut. */
#include "carrier.h"
#include "certificates.h"
#include "queue_fixture.h"
#include "redis_tls.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

static redis_server server; /* of this test's process */
static char place[256];     /* the location that the factory gives */

static void make_here(char location[256]) { strcpy(location, place); }
static void drop_nothing(const char *location) { (void)location; }
static const hf_queue_factory here = {make_here, drop_nothing, NULL};

static void start_test(void) {
  redis_server_need();
  redis_server_folder(&server);
}
static void finish_test(void) {
  if (server.folder[0]) redis_server_stop(&server);
}
TestSuite(queue_redis_tls, .init = start_test, .fini = finish_test);

static void opens(hf_status wanted, const char *location, const char *word) {
  hf_queue *q;
  hf_queue_options o = {.location = location, .busy_ms = 100};
  hf_status status = hf_queue_open(&o, &q);
  cr_assert(status == wanted, "%s: %d (%s)", location, (int)status, hf_error_message());
  if (word) cr_assert(strstr(hf_error_message(), word), "%s: %s", location, hf_error_message());
  hf_queue_close(&q);
}

/* rediss://HOST:PORT with the options of `client`. */
static const char *at(const char *host, int port, const char *client) {
  static char location[300];
  char files[160];
  redis_tls_options(&server, client, files);
  snprintf(location, sizeof location, "rediss://%s:%d?%s", host, port, files);
  return location;
}

static const char *file(const char *name) {
  static char path[100];
  snprintf(path, sizeof path, "%s/%s", server.folder, name);
  return path;
}

/* With TLS 1.3 the server's refusal may be lost behind the end of the connection. */
static void refuses_us(const char *location, const char *word) {
  hf_queue *q;
  hf_queue_options o = {.location = location, .busy_ms = 100};
  hf_status status = hf_queue_open(&o, &q);
  cr_assert(status == HF_E_REFUSED || status == HF_E_IO, "%s: %d (%s)", location, (int)status,
            hf_error_message());
  cr_assert(strstr(hf_error_message(), word) || (status == HF_E_IO && strstr(hf_error_message(), "reset")),
            "%s", hf_error_message());
}

/* Who comes: with a certificate of the authority, with none, with somebody else's. */
Test(queue_redis_tls, clients) {
  char location[300];
  int port = redis_tls_start(&server, "");
  opens(HF_OK, at("127.0.0.1", port, "client"), NULL);
  opens(HF_OK, at("localhost", port, "client"), NULL);
  for (int i = 0; i < 150; i++)
    opens(HF_OK, at("127.0.0.1", port, "client"), NULL); /* more than some tables hold */
  refuses_us(at("127.0.0.1", port, NULL), "cert-file");
  refuses_us(at("127.0.0.1", port, "stranger"), "unknown ca");
  redis_server_tell(&server, "CONFIG SET tls-protocols TLSv1.2");
  opens(HF_OK, at("127.0.0.1", port, "client"), NULL);
  opens(HF_E_REFUSED, at("127.0.0.1", port, NULL), "cert-file");
  opens(HF_E_REFUSED, at("127.0.0.1", port, "stranger"), "unknown ca");
  redis_server_tell(&server, "CONFIG SET tls-protocols TLSv1.1");
  opens(HF_E_REFUSED, at("127.0.0.1", port, "client"), "version");
  redis_server_tell(&server, "CONFIG SET tls-protocols TLSv1.3");
  redis_server_tell(&server, "CONFIG SET tls-auth-clients optional");
  opens(HF_OK, at("127.0.0.1", port, NULL), NULL);
  redis_server_tell(&server, "CONFIG SET tls-auth-clients no");
  opens(HF_OK, at("127.0.0.1", port, NULL), NULL);

  /* The files of the client. */
  cr_assert(chmod(file("client.key"), 0640) == 0);
  opens(HF_E_REFUSED, at("127.0.0.1", port, "client"), "others may use");
  cr_assert(chmod(file("client.key"), 0600) == 0);
  const struct {
    const char *ca, *certificate, *key, *word;
    hf_status status;
  } rows[] = {
      {"ca.crt", "client.crt", "server.key", "not the key", HF_E_FORMAT},
      {"ca.crt", "absent", "client.key", "absent", HF_E_FORMAT},
      {"ca.crt", "client.crt", "absent", "absent", HF_E_FORMAT},
      {"ca.crt", "client.key", "client.key", "no certificate", HF_E_FORMAT},
      {"ca.crt", "client.crt", "locked.key", "pass phrase", HF_E_FORMAT},
      {"absent", "client.crt", "client.key", "absent", HF_E_FORMAT},
      {"client.key", "client.crt", "client.key", "no certificates", HF_E_FORMAT},
  };
  FILE *locked = fopen(file("locked.key"), "w");
  cr_assert(locked && fchmod(fileno(locked), 0600) == 0);
  fputs("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", locked);
  fclose(locked);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const char *f = server.folder;
    snprintf(location, sizeof location, "rediss://127.0.0.1:%d?ca-file=%s/%s&cert-file=%s/%s&key-file=%s/%s",
             port, f, rows[i].ca, f, rows[i].certificate, f, rows[i].key);
    opens(rows[i].status, location, rows[i].word);
  }
  snprintf(location, sizeof location, "rediss://127.0.0.1:%d?cert-file=%s", port, file("client.crt"));
  opens(HF_E_ARGUMENT, location, "key-file");
  snprintf(location, sizeof location, "redis://127.0.0.1:%d?ca-file=%s", port, file("ca.crt"));
  opens(HF_E_ARGUMENT, location, "rediss://");
}

/* Who answers: of another authority, too old or too new, with another name. Renewed files are taken at the
 * next connection. */
Test(queue_redis_tls, servers) {
  const struct {
    const char *issuer, *names, *word;
    long from, until;
  } rows[] = {
      {"other-ca", "IP:127.0.0.1", "issuer", -3600, 86400},
      {NULL, "IP:127.0.0.1", "self", -3600, 86400},
      {"ca", "IP:127.0.0.1", "expired", -7200, -3600},
      {"ca", "IP:127.0.0.1", "not yet valid", 3600, 7200},
      {"ca", "IP:127.0.0.2,DNS:127.0.0.1", "IP address mismatch", -3600, 86400},
      {"ca", NULL, "IP address mismatch", -3600, 86400},
      {"ca", "IP:127.0.0.1", NULL, -3600, 86400},
  };
  int port = redis_tls_start(&server, "");
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    certificate_make(server.folder, "server", rows[i].issuer, rows[i].names, rows[i].from, rows[i].until);
    redis_server_tell(&server, "CONFIG SET tls-cert-file %s/server.crt tls-key-file %s/server.key",
                      server.folder, server.folder);
    opens(rows[i].word ? HF_E_REFUSED : HF_OK, at("127.0.0.1", port, "client"), rows[i].word);
  }
  opens(HF_E_REFUSED, at("localhost", port, "client"), "ostname mismatch");
  /* Without ca-file the system's authorities vouch, and they do not know this one. */
  char location[100];
  snprintf(location, sizeof location, "rediss://127.0.0.1:%d", port);
  opens(HF_E_REFUSED, location, "certificate");
}

/* The configuration of deploy/redis with its lines for TLS. */
Test(queue_redis_tls, configuration) {
  char command[400], options[100];
  certificate_make(server.folder, "ca", NULL, NULL, -3600, 86400);
  certificate_make(server.folder, "server", "ca", "IP:127.0.0.1", -3600, 86400);
  certificate_make(server.folder, "client", "ca", NULL, -3600, 86400);
  snprintf(command, sizeof command,
           "sed 's/^# \\(port 0\\|tls-.*\\)/\\1/; s|/etc/hyperfold|%s|; s/6379/0/' "
           "'%s/deploy/redis/redis.conf' >'%s/conf'",
           server.folder, HF_SOURCE_DIR, server.folder);
  cr_assert_eq(system(command), 0);
  snprintf(options, sizeof options, "--include %s/conf", server.folder);
  redis_server_again(&server, options);
  int port = redis_server_listen(&server, "tls-port");
  opens(HF_OK, at("127.0.0.1", port, "client"), NULL);
  refuses_us(at("127.0.0.1", port, NULL), "cert-file");
}

/* TLS to a server that has none, and none to one that has it. */
Test(queue_redis_tls, mixed_up) {
  char location[100];
  int port = redis_tls_start(&server, ""), plain = redis_server_listen(&server, "port");
  /* It answers a greeting that has a line's end in it, by chance; another one it waits to see the end of. */
  hf_queue *q;
  hf_queue_options o = {.location = at("127.0.0.1", plain, "client"), .busy_ms = 100};
  hf_status status = hf_queue_open(&o, &q);
  cr_assert(status == HF_E_REFUSED || status == HF_E_IO);
  cr_assert(strstr(hf_error_message(), "speak"), "%s", hf_error_message());
  snprintf(location, sizeof location, "redis://127.0.0.1:%d", port);
  opens(HF_E_IO, location, "rediss://");
}

/* Killed and started again, with artifacts of many records under way. */
Test(queue_redis_tls, killed) {
  enum { LARGE = 5 << 20 };
  fixture f;
  int port = redis_tls_start(&server, "");
  strcpy(place, at("127.0.0.1", port, "client"));
  fixture_open(&f, &here);
  uint8_t *large = malloc(LARGE), *back;
  size_t length;
  hf_digest digest;
  for (size_t i = 0; i < LARGE; i++) large[i] = (uint8_t)(i * i >> 7);
  OK(hf_artifact_put(f.q, large, LARGE, &digest));
  submit(&f, "alice", "j");
  redis_server_kill(&server, SIGKILL);
  hf_queue_stats stats;
  hf_queue_options options = fixture_options(&f);
  hf_queue *impatient;
  options.busy_ms = 60;
  GIVES(HF_E_IO, hf_queue_open(&options, &impatient));
  redis_tls_again(&server, port, "");
  OK(hf_artifact_get(f.q, &digest, LARGE, &back, &length));
  cr_assert(length == LARGE && memcmp(back, large, LARGE) == 0);
  free(back);
  lease_expect(&f, "w1", "j");
  /* A server that comes back as somebody else gets nothing more. */
  redis_server_kill(&server, SIGKILL);
  certificate_make(server.folder, "server", "other-ca", "IP:127.0.0.1", -3600, 86400);
  redis_tls_again(&server, port, "");
  GIVES(HF_E_REFUSED, hf_queue_get_stats(f.q, &stats));
  certificate_make(server.folder, "server", "ca", "IP:127.0.0.1", -3600, 86400);
  redis_server_tell(&server, "CONFIG SET tls-cert-file %s/server.crt tls-key-file %s/server.key",
                    server.folder, server.folder);
  OK(hf_queue_get_stats(f.q, &stats));
  EQ(stats.leases, 1);
  free(large);
  fixture_close(&f);
}

/* Cut before the server has the request, before the client has the answer, and in the middle of a record:
 * each request takes effect once. */
Test(queue_redis_tls, cut) {
  fixture f;
  int front, listener = carrier_listen_tcp(&front);
  int port = redis_tls_start(&server, "");
  carrier between = carrier_start(listener, NULL, port);
  strcpy(place, at("127.0.0.1", front, "client"));
  fixture_open(&f, &here);
  submit(&f, "alice", "first");
  const int cuts[] = {CUT_REQUEST, CUT_ANSWER, CUT_INSIDE};
  for (int i = 0; i < 3; i++) {
    hf_submission submission;
    char id[16];
    snprintf(id, sizeof id, "j%d", i);
    hf_job_header job = job_of(&f, "alice", id);
    *between.cut = cuts[i];
    OK(hf_queue_submit_one(f.q, &job, &submission));
    EQ(*between.cut, CUT_NOTHING);
    cr_assert(submission.created);
    hf_job_record record;
    *between.cut = cuts[i];
    OK(hf_queue_get(f.q, &job.key, &record));
    EQ(*between.cut, CUT_NOTHING);
  }
  EQ(stats_of(&f).submitted, 4);
  EQ(stats_of(&f).resubmitted, 0);
  fixture_close(&f);
  carrier_stop(&between);
}

/* A server that takes the connection and says nothing is given up in time. Seconds long: soak only. */
Test(queue_redis_tls, silent) {
  if (!getenv("HF_SOAK")) cr_skip_test("soak only");
  int port, listener = carrier_listen_tcp(&port);
  certificate_make(server.folder, "ca", NULL, NULL, -3600, 86400);
  opens(HF_E_IO, at("127.0.0.1", port, NULL), "does it speak TLS");
  close(listener);
}
