/* The HTTP interface, asked by libcurl and by a bare socket. */
#include "ok.h"
#include "sequencer_support.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <curl/curl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct reply {
  long code;
  hf_writer body, headers;
  json_t *json;
} reply;

static size_t collect(char *data, size_t size, size_t count, void *context) {
  hf_write_bytes(context, data, size * count);
  return size * count;
}

/* `body` NULL: GET. */
static reply ask(uint16_t port, const char *path, const char *body, size_t length) {
  reply r = {0, {0}, {0}, NULL};
  char url[512];
  (void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", port, path);
  CURL *c = curl_easy_init();
  (void)curl_easy_setopt(c, CURLOPT_URL, url);
  (void)curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
  (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, collect);
  (void)curl_easy_setopt(c, CURLOPT_WRITEDATA, &r.body);
  (void)curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, collect);
  (void)curl_easy_setopt(c, CURLOPT_HEADERDATA, &r.headers);
  (void)curl_easy_setopt(c, CURLOPT_TIMEOUT, 20L);
  if (body) {
    (void)curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)length);
    (void)curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
  }
  if (curl_easy_perform(c) == CURLE_OK) (void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &r.code);
  curl_easy_cleanup(c);
  hf_write_u8(&r.headers, 0);
  r.json = json_loadb(r.body.data ? (const char *)r.body.data : "", r.body.length, 0, NULL);
  return r;
}

static void done(reply *r) {
  hf_writer_free(&r->body);
  hf_writer_free(&r->headers);
  json_decref(r->json);
}

static void expect_error(uint16_t port, const char *path, const char *body, long code, const char *error) {
  reply r = ask(port, path, body, body ? strlen(body) : 0);
  const char *got = json_string_value(json_object_get(r.json, "error"));
  cr_assert(r.code == code && got && strcmp(got, error) == 0, "%s: %ld %.*s", path, r.code,
            (int)r.body.length, (char *)r.body.data);
  done(&r);
}

static const char *text(const reply *r, const char *key) {
  const char *v = json_string_value(json_object_get(r->json, key));
  cr_assert(v, "no %s in %.*s", key, (int)r->body.length, (char *)r->body.data);
  return v;
}

typedef struct poster {
  pthread_t thread;
  uint16_t port;
  const load *load;
  size_t first, step;
  unsigned taken;
} poster;

/* Sends every step-th line by itself, over and over until it is taken: other threads hold what must come
 * before. */
static void *post_lines(void *context) {
  poster *p = context;
  const char *rest = (const char *)p->load->transactions.data, *end = rest + p->load->transactions.length,
             *line;
  size_t length;
  for (size_t i = 0; hf_line_next(&rest, end, &line, &length); i++) {
    if (i % p->step != p->first) continue;
    for (int tries = 0; tries < 2000; tries++) {
      reply r = ask(p->port, "/v1/transactions", line, length);
      bool ok =
          r.code == 200 &&
          json_is_true(json_object_get(json_array_get(json_object_get(r.json, "results"), 0), "accepted"));
      done(&r);
      if (ok) {
        p->taken++;
        break;
      }
      (void)usleep(2000);
    }
  }
  return NULL;
}

static bool stop_when_set(void *context) { return __atomic_load_n((int *)context, __ATOMIC_ACQUIRE); }

static void *run_sequencer(void *context) {
  void **both = context;
  return (void *)(intptr_t)hf_sequencer_run(both[0], stop_when_set, both[1]);
}

Test(sequencer_http, serves_wallets) {
  char *folder = folder_make(), *path = folder_file(folder, "a.db"), *path2 = folder_file(folder, "b.db");
  hf_generator_options load_options = {.seed = 3,
                                       .chain_id = {21, 0},
                                       .accounts = 10,
                                       .transactions = 60,
                                       .invalid_per_mille = 300,
                                       .withdraw_per_mille = 100};
  load l;
  OK(load_make(&load_options, &l));
  hf_chain_options chains[2] = {
      {.path = path, .chain_id = {21, 0}, .params = {8, 8}},
      {.path = path2, .chain_id = {22, 0}, .params = {8, 8}, .mode = HF_MODE_VALIDIUM}};
  hf_sequencer_options options = {.chains = chains, .chain_count = 2};
  hf_sequencer *s = NULL;
  hf_http *http = NULL, *second = NULL;
  OK(hf_sequencer_open(&options, &s));
  hf_http_options http_options = {.body_limit = 200000, .timeout_s = 3};
  OK(hf_http_start(s, &http_options, &http));
  uint16_t port = hf_http_port(http);
  cr_assert_neq(port, 0);
  hf_http_options taken = {.port = port};
  cr_assert_neq(hf_http_start(s, &taken, &second), HF_OK);
  hf_http_options nonsense = {.address = "localhost"};
  cr_assert_eq(hf_http_start(s, &nonsense, &second), HF_E_ARGUMENT);

  OK(hf_sequencer_deposit_text(s, (const char *)l.deposits.data, l.deposits.length, NULL));
  reply r = ask(port, "/healthz", NULL, 0);
  cr_assert_eq(r.code, 200);
  done(&r);

  /* the whole load in one request: each line's answer as expected, in order */
  r = ask(port, "/v1/transactions", (const char *)l.transactions.data, l.transactions.length);
  cr_assert_eq(r.code, 200);
  json_t *results = json_object_get(r.json, "results");
  cr_assert_eq(json_array_size(results), l.count);
  char hash[65] = "";
  for (size_t i = 0; i < l.count; i++) {
    json_t *one = json_array_get(results, i);
    cr_assert_eq(json_integer_value(json_object_get(one, "line")), (json_int_t)i + 1);
    const bool accepted = l.expected[i] == HF_REFUSAL_NONE;
    cr_assert_eq(json_is_true(json_object_get(one, "accepted")), accepted, "line %zu", i + 1);
    if (accepted)
      (void)snprintf(hash, sizeof hash, "%s", json_string_value(json_object_get(one, "hash")));
    else
      cr_assert_str_eq(json_string_value(json_object_get(one, "error")), hf_refusal_code(l.expected[i]));
  }
  done(&r);

  char at[256], key[HF_KEY_HEX];
  (void)snprintf(at, sizeof at, "/v1/transactions/%s?chain=21", hash);
  r = ask(port, at, NULL, 0);
  cr_assert_str_eq(text(&r, "state"), "pending");
  done(&r);
  OK(hf_sequencer_flush(s, 1000));
  r = ask(port, at, NULL, 0);
  cr_assert_str_eq(text(&r, "state"), "sealed");
  done(&r);

  hf_eddsa_key person = load_key(&l, 4);
  hf_account_info info;
  char number[32];
  hf_key_text(person.public_key, key);
  OK(hf_chain_get_account(hf_sequencer_chain(s, 0), person.public_key, &info));
  (void)snprintf(at, sizeof at, "/v1/accounts/%s?chain=21", key);
  (void)snprintf(number, sizeof number, "%llu", (unsigned long long)info.balance);
  r = ask(port, at, NULL, 0);
  cr_assert_eq(r.code, 200);
  cr_assert_str_eq(text(&r, "balance"), number);
  cr_assert_eq(json_integer_value(json_object_get(r.json, "nonce")), info.nonce);
  cr_assert(json_is_integer(json_object_get(r.json, "index")));
  cr_assert_eq(json_integer_value(json_object_get(r.json, "index")), info.index);
  cr_assert_str_eq(text(&r, "key"), key);
  done(&r);

  r = ask(port, "/v1/chain?chain=21", NULL, 0);
  char root[65];
  (void)snprintf(root, sizeof root, "%s", text(&r, "root"));
  unsigned long batches = strtoul(text(&r, "batches"), NULL, 10);
  cr_assert_str_eq(text(&r, "mode"), "rollup");
  cr_assert(batches > 4);
  done(&r);
  (void)snprintf(at, sizeof at, "/v1/batches/%lu?chain=21", batches);
  r = ask(port, at, NULL, 0);
  json_t *record = json_object_get(r.json, "record");
  cr_assert_str_eq(json_string_value(json_object_get(record, "new_root")), root);
  cr_assert_str_eq(json_string_value(json_object_get(record, "chain_id")), "21");
  cr_assert_eq(json_object_size(record), HF_RECORD_WORDS - 1);
  done(&r);
  r = ask(port, "/v1/chains", NULL, 0);
  cr_assert_eq(json_array_size(json_object_get(r.json, "chains")), 2);
  done(&r);

  /* what is refused */
  expect_error(port, "/v1/chain", NULL, 400, "chain_id");
  expect_error(port, "/v1/chain?chain=20", NULL, 404, "chain_id");
  expect_error(port, "/v1/chain?chain=0x15", NULL, 400, "chain_id");
  expect_error(port, "/nothing", NULL, 404, "not_found");
  expect_error(port, "/v1/batches/999?chain=21", NULL, 404, "not_found");
  expect_error(port, "/v1/batches/18446744073709551615?chain=21", NULL, 400, "malformed");
  expect_error(port, "/v1/batches/?chain=21", NULL, 400, "malformed");
  expect_error(port, "/v1/accounts/abc?chain=21", NULL, 400, "malformed");
  expect_error(port, "/v1/transactions/abc?chain=21", NULL, 400, "malformed");
  expect_error(port, "/v1/transactions", NULL, 405, "method");
  expect_error(port, "/v1/chain?chain=21", "{}", 405, "method");
  expect_error(port, "/v1/transactions", "", 400, "malformed");
  expect_error(port, "/v1/transactions", "\n\n\r\n", 400, "malformed");
  (void)snprintf(at, sizeof at, "/v1/accounts/%s?chain=22", key);
  expect_error(port, at, NULL, 404, "not_found");
  char *large = malloc(200002);
  memset(large, 'x', 200001);
  large[200001] = 0;
  expect_error(port, "/v1/transactions", large, 413, "too_large");
  large[3000] = 0; /* one line that is too long is malformed, not an error of the request */
  r = ask(port, "/v1/transactions", large, 3000);
  cr_assert_eq(r.code, 200);
  cr_assert_str_eq(
      json_string_value(json_object_get(json_array_get(json_object_get(r.json, "results"), 0), "error")),
      "malformed");
  done(&r);
  free(large);

  /* bytes that are not HTTP, and a client that never ends its request: the others are served all the same */
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int sockets[8];
  for (int i = 0; i < 8; i++) {
    static const char *const openings[] = {
        "\0\1\2\3", "GET ", "POST /v1/transactions HTTP/1.1\r\nContent-Length: 999\r\n\r\n{", ""};
    sockets[i] = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(sockets[i], (struct sockaddr *)&address, sizeof address), 0);
    const char *opening = openings[i % 4];
    (void)send(sockets[i], opening, i % 4 ? strlen(opening) : 4, MSG_NOSIGNAL);
  }
  r = ask(port, "/healthz", NULL, 0);
  cr_assert_eq(r.code, 200);
  done(&r);
  for (int i = 0; i < 8; i++) (void)close(sockets[i]);
  hf_http_stop(&http);
  hf_sequencer_close(&s);
  load_free(&l);
  free(path);
  free(path2);
  folder_remove(folder);
}

/* Four clients at once against a small pool: some are told 503 with Retry-After, all get through in the end.
 */
Test(sequencer_http, pushes_back_and_loses_nothing) {
  char *folder = folder_make(), *path = folder_file(folder, "a.db");
  hf_generator_options load_options = {
      .seed = 8, .chain_id = {21, 0}, .accounts = 8, .transactions = 60, .skew = 1};
  load l;
  OK(load_make(&load_options, &l));
  hf_chain_options chain = {
      .path = path, .chain_id = {21, 0}, .params = {8, 16}, .pool_limit = 16, .max_age_ms = 50};
  hf_sequencer_options options = {.chains = &chain, .chain_count = 1, .tick_ms = 10};
  hf_sequencer *s = NULL;
  hf_http *http = NULL;
  OK(hf_sequencer_open(&options, &s));
  OK(hf_sequencer_deposit_text(s, (const char *)l.deposits.data, l.deposits.length, NULL));
  hf_http_options http_options = {.threads = 3};
  OK(hf_http_start(s, &http_options, &http));
  /* nobody seals yet: eight deposits wait, so nine lines do not fit */
  const char *rest = (const char *)l.transactions.data, *end = rest + l.transactions.length, *line;
  size_t length;
  for (int i = 0; i < 9; i++) (void)hf_line_next(&rest, end, &line, &length);
  reply r = ask(hf_http_port(http), "/v1/transactions", (const char *)l.transactions.data,
                (size_t)(rest - (const char *)l.transactions.data));
  cr_assert_eq(r.code, 503);
  cr_assert(strcasestr((const char *)r.headers.data, "\r\nRetry-After: 1\r\n"), "%s",
            (const char *)r.headers.data);
  cr_assert_str_eq(
      json_string_value(json_object_get(json_array_get(json_object_get(r.json, "results"), 8), "error")),
      "busy");
  done(&r);

  int stop = 0;
  void *both[2] = {s, &stop};
  pthread_t runner;
  cr_assert_eq(pthread_create(&runner, NULL, run_sequencer, both), 0);
  poster posters[4];
  unsigned taken = 0;
  for (size_t i = 0; i < 4; i++) {
    posters[i] = (poster){.port = hf_http_port(http), .load = &l, .first = i, .step = 4};
    cr_assert_eq(pthread_create(&posters[i].thread, NULL, post_lines, &posters[i]), 0);
  }
  for (size_t i = 0; i < 4; i++) {
    (void)pthread_join(posters[i].thread, NULL);
    taken += posters[i].taken;
  }
  __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
  void *result = NULL;
  (void)pthread_join(runner, &result);
  cr_assert_eq((intptr_t)result, HF_OK);
  cr_assert_eq(taken, 60);
  hf_http_stop(&http);
  OK(hf_sequencer_flush(s, 1000));
  hf_chain_info info;
  hf_chain_get_info(hf_sequencer_chain(s, 0), &info);
  cr_assert_eq(info.sealed, 68);
  /* the order differed from the load's, the balances in the end do not: replay tells the same root */
  char *data = folder_file(folder, "data");
  hf_replay_summary summary;
  OK(hf_chain_export_data(hf_sequencer_chain(s, 0), false, data));
  OK(hf_replay_file(data, &summary));
  cr_assert(memcmp(summary.root, info.root, 32) == 0);
  hf_sequencer_close(&s);
  load_free(&l);
  free(path);
  free(data);
  folder_remove(folder);
}
