/* A node that lies, babbles, stalls: clear errors, bounded memory, no crash. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "canned_server.h"
#include "eth_node.h"

typedef struct canned {
  const char *body; /* NULL: stall */
  int code;
  int requests;
} canned;

static char *answer(void *context, const char *request, int *code) {
  canned *c = context;
  (void)request;
  c->requests++;
  *code = c->code;
  return c->body != NULL ? strdup(c->body) : NULL;
}

typedef struct answer_case {
  const char *body;
  int code;
  hf_status status;
} answer_case;

/* To eth_chainId: what is there to say, and what becomes of it. */
static const answer_case answers[] = {
    {"{\"jsonrpc\":\"2.0\",\"id\":%ID%,\"result\":\"0x7a69\"}", 200, HF_OK},
    {"{\"jsonrpc\":\"2.0\",\"id\":%ID%,\"error\":null,\"result\":\"0x7a69\"}", 200, HF_OK},
    {"", 200, HF_E_FORMAT},
    {"<html>busy</html>", 200, HF_E_FORMAT},
    {"<html>busy</html>", 429, HF_E_BUSY},
    {"<html>down</html>", 502, HF_E_IO},
    {"{\"jsonrpc\":\"2.0\",\"id\":%ID%,\"result\":\"0x7a69\"", 200, HF_E_FORMAT},
    {"{\"jsonrpc\":\"2.0\",\"id\":%ID%,\"result\":\"0x7a69\"}{}", 200, HF_E_FORMAT},
    {"{\"jsonrpc\":\"2.0\",\"id\":%ID%9,\"result\":\"0x7a69\"}", 200, HF_E_FORMAT},
    {"{\"jsonrpc\":\"2.0\",\"id\":\"%ID%\",\"result\":\"0x7a69\"}", 200, HF_E_FORMAT},
    {"{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":\"0x7a69\"}", 200, HF_E_FORMAT},
    {"{\"jsonrpc\":\"2.0\",\"result\":\"0x7a69\"}", 200, HF_E_FORMAT},
    {"{\"jsonrpc\":\"1.0\",\"id\":%ID%,\"result\":\"0x7a69\"}", 200, HF_E_FORMAT},
    {"{\"id\":%ID%,\"result\":\"0x7a69\"}", 200, HF_E_FORMAT},
    {"{\"jsonrpc\":\"2.0\",\"id\":%ID%}", 200, HF_E_FORMAT},
    {"{\"jsonrpc\":\"2.0\",\"id\":%ID%,\"result\":null}", 200, HF_E_FORMAT},
    {"{\"jsonrpc\":\"2.0\",\"id\":%ID%,\"result\":31337}", 200, HF_E_FORMAT},
    {"{\"jsonrpc\":\"2.0\",\"id\":%ID%,\"result\":\"31337\"}", 200, HF_E_FORMAT},
    {"{\"jsonrpc\":\"2.0\",\"id\":%ID%,\"result\":\"0x\"}", 200, HF_E_FORMAT},
    {"{\"jsonrpc\":\"2.0\",\"id\":%ID%,\"result\":\"0x10000000000000000\"}", 200, HF_E_FORMAT},
    {"{\"jsonrpc\":\"2.0\",\"id\":%ID%,\"result\":\"0x1\\u0000\"}", 200, HF_E_FORMAT},
    {"{\"jsonrpc\":\"2.0\",\"id\":%ID%,\"result\":\"0x1\",\"result\":\"0x2\"}", 200, HF_E_FORMAT},
    {"[{\"jsonrpc\":\"2.0\",\"id\":%ID%,\"result\":\"0x1\"}]", 200, HF_E_FORMAT},
    {"{\"jsonrpc\":\"2.0\",\"id\":%ID%,\"error\":{\"code\":-32601,\"message\":\"no such method\"}}", 200,
     HF_E_REFUSED},
    {"{\"jsonrpc\":\"2.0\",\"id\":%ID%,\"error\":{\"code\":-32000,\"message\":\"x\"},\"result\":\"0x1\"}",
     400, HF_E_REFUSED},
    {"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"parse error\"}}", 400,
     HF_E_REFUSED},
    {"{\"jsonrpc\":\"2.0\",\"id\":%ID%,\"error\":{\"code\":3,\"message\":\"a\\u0000b\"}}", 200, HF_E_REFUSED},
    {"{\"jsonrpc\":\"2.0\\u0000\",\"id\":%ID%,\"result\":\"0x1\"}", 200, HF_E_FORMAT},
    {"{\"jsonrpc\":\"2.0\",\"id\":%ID%,\"error\":{\"message\":\"x\"}}", 200, HF_E_FORMAT},
    {"{\"jsonrpc\":\"2.0\",\"id\":%ID%,\"error\":\"no\"}", 200, HF_E_FORMAT},
    {"{\"jsonrpc\":\"2.0\",\"id\":%ID%,\"error\":{\"code\":1,\"message\":7}}", 200, HF_E_FORMAT},
};

static hf_rpc *open_node(canned_server *server, uint32_t timeout_ms) {
  hf_rpc *rpc = NULL;
  hf_rpc_options options = {.url = canned_server_url(server), .timeout_ms = timeout_ms};
  cr_assert(hf_rpc_open(&options, &rpc) == HF_OK);
  return rpc;
}

Test(settle_hostile, answers) {
  canned c = {.code = 200};
  canned_server *server = canned_server_start(answer, &c);
  hf_rpc *rpc = open_node(server, 0);
  for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
    uint64_t id = 0;
    c.body = answers[i].body;
    c.code = answers[i].code;
    hf_status status = hf_eth_chain_id(rpc, &id);
    cr_expect(status == answers[i].status, "case %zu: %s: %s", i, hf_status_text(status), hf_error_message());
    cr_expect(status != HF_OK || id == 0x7a69);
  }
  c.code = 0; /* hangs up */
  cr_expect(hf_eth_chain_id(rpc, &(uint64_t){0}) == HF_E_IO);
  hf_rpc_close(&rpc);
  rpc = open_node(server, 200);
  c = (canned){.body = NULL, .code = 200};
  cr_expect(hf_eth_chain_id(rpc, &(uint64_t){0}) == HF_E_TIMEOUT);
  hf_rpc_close(&rpc);
  canned_server_stop(server);
  hf_rpc_options nobody = {.url = "http://127.0.0.1:1"};
  cr_assert(hf_rpc_open(&nobody, &rpc) == HF_OK);
  cr_expect(hf_eth_chain_id(rpc, &(uint64_t){0}) == HF_E_IO);
  hf_rpc_close(&rpc);
}

Test(settle_hostile, addresses) {
  static const char *const bad[] = {"",        "ftp://127.0.0.1", "file:///etc/passwd", "127.0.0.1:8545",
                                    "http://", "gopher://x"};
  hf_rpc *rpc = NULL;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    hf_rpc_options options = {.url = bad[i]};
    cr_expect(hf_rpc_open(&options, &rpc) == HF_E_ARGUMENT && rpc == NULL, "\"%s\"", bad[i]);
  }
  /* what is secret in an address is in no message */
  hf_rpc_options options = {.url = "http://user:secret@127.0.0.1:1/token/secret?key=secret",
                            .timeout_ms = 1000};
  cr_assert(hf_rpc_open(&options, &rpc) == HF_OK);
  cr_expect_str_eq(hf_rpc_host(rpc), "http://127.0.0.1:1");
  cr_expect(hf_eth_chain_id(rpc, &(uint64_t){0}) == HF_E_IO);
  cr_expect(strstr(hf_error_message(), "secret") == NULL &&
            strstr(hf_error_message(), "127.0.0.1:1") != NULL);
  hf_rpc_close(&rpc);
}

static char *flood(void *context, const char *request, int *code) {
  const int *kind = context;
  const size_t size = *kind == 0 ? (size_t)17 << 20 : (size_t)12 << 20;
  (void)request;
  (void)code;
  char *body = malloc(size + 64);
  size_t n = (size_t)sprintf(body, "{\"jsonrpc\":\"2.0\",\"id\":%%ID%%,\"result\":");
  if (*kind == 0) /* one long text */
    memset(body + n, 'x', size), body[n + size] = 0;
  else if (*kind == 1) { /* as many values as fit */
    body[n++] = '[';
    while (n + 4 < size) memcpy(body + n, "[],", 3), n += 3;
    memcpy(body + n, "[]]}", 5);
  } else { /* as deep as it goes */
    memset(body + n, '[', size);
    body[n + size] = 0;
  }
  return body;
}

Test(settle_hostile, floods) {
  int kind = 0;
  struct rusage before, after;
  canned_server *server = canned_server_start(flood, &kind);
  hf_rpc *rpc = open_node(server, 0);
  getrusage(RUSAGE_SELF, &before);
  for (; kind < 3; kind++) {
    hf_status status = hf_eth_chain_id(rpc, &(uint64_t){0});
    cr_expect(status == HF_E_RANGE, "kind %d: %s", kind, hf_error_message());
  }
  getrusage(RUSAGE_SELF, &after);
  /* the server's own copies included; unbounded parsing would take 600 MiB */
  cr_expect(after.ru_maxrss - before.ru_maxrss < 400 << 10, "%ld KiB", after.ru_maxrss - before.ru_maxrss);
  hf_rpc_close(&rpc);
  canned_server_stop(server);
}

/* Receipts, blocks and logs that are almost right. */
#define H32          "0x1111111111111111111111111111111111111111111111111111111111111111"
#define ADDRESS      "0x2222222222222222222222222222222222222222"
#define RESULT(text) "{\"jsonrpc\":\"2.0\",\"id\":%ID%,\"result\":" text "}"
#define RECEIPT(block, status, hash)                                                                         \
  RESULT("{\"transactionHash\":\"" hash "\",\"blockHash\":\"" H32 "\",\"blockNumber\":" block                \
         ",\"status\":" status                                                                               \
         ",\"gasUsed\":\"0x1\",\"effectiveGasPrice\":\"0x1\",\"contractAddress\":null}")
#define LOG(block, index, topic, address, more)                                                              \
  "{\"address\":\"" address "\",\"blockNumber\":\"" block "\",\"logIndex\":\"" index                         \
  "\",\"transactionHash\":\"" H32 "\",\"topics\":[\"" topic "\"],\"data\":\"0x01\"" more "}"

static hf_status count_log(void *context, const hf_eth_log *log) {
  int *count = context;
  cr_expect(log->data_length == 1 && log->data[0] == 1 && log->topic_count == 1);
  ++*count;
  return HF_OK;
}

typedef struct log_case {
  const char *body;
  hf_status status;
  int count;
} log_case;

Test(settle_hostile, shapes) {
  canned c = {.code = 200};
  canned_server *server = canned_server_start(answer, &c);
  hf_rpc *rpc = open_node(server, 0);
  hf_eth_hash hash;
  hf_eth_receipt receipt;
  hf_eth_address address;
  hf_u256 topic;
  bool found;
  cr_assert(hf_eth_hash_parse(H32, &hash) == HF_OK && hf_eth_address_parse(ADDRESS, &address) == HF_OK);
  memcpy(topic.b, hash.b, 32);
  static const struct {
    const char *body;
    hf_status status;
    bool found;
  } receipts[] = {
      {RESULT("null"), HF_OK, false},
      {RECEIPT("null", "\"0x1\"", H32), HF_OK, false},
      {RECEIPT("\"0x5\"", "\"0x1\"", H32), HF_OK, true},
      {RECEIPT("\"0x5\"", "null", H32), HF_E_FORMAT, false},
      {RECEIPT("5", "\"0x1\"", H32), HF_E_FORMAT, false},
      {RECEIPT("\"0x5\"", "\"0x1\"", "0x2111111111111111111111111111111111111111111111111111111111111111"),
       HF_E_FORMAT, false},
      {RESULT("[]"), HF_E_FORMAT, false},
      {RESULT("{\"blockNumber\":\"0x1\"}"), HF_E_FORMAT, false}};
  for (size_t i = 0; i < sizeof receipts / sizeof *receipts; i++) {
    c.body = receipts[i].body;
    hf_status status = hf_eth_receipt_of(rpc, &hash, &found, &receipt);
    cr_expect(status == receipts[i].status && found == receipts[i].found, "receipt %zu: %s", i,
              hf_error_message());
  }
  const log_case logs[] = {
      {RESULT("[]"), HF_OK, 0},
      {RESULT("[" LOG("0x5", "0x0", H32, ADDRESS, "") "," LOG("0x5", "0x1", H32, ADDRESS,
                                                              ",\"removed\":false") "]"),
       HF_OK, 2},
      {RESULT("[" LOG("0x5", "0x1", H32, ADDRESS, "") "," LOG("0x5", "0x1", H32, ADDRESS, "") "]"),
       HF_E_FORMAT, 1},
      {RESULT("[" LOG("0x6", "0x1", H32, ADDRESS, "") "," LOG("0x5", "0x2", H32, ADDRESS, "") "]"),
       HF_E_FORMAT, 1},
      {RESULT("[" LOG("0x4", "0x1", H32, ADDRESS, "") "]"), HF_E_FORMAT, 0},
      {RESULT("[" LOG("0x7", "0x1", H32, ADDRESS, "") "]"), HF_E_FORMAT, 0},
      {RESULT("[" LOG("0x5", "0x1", H32, ADDRESS, ",\"removed\":true") "]"), HF_E_FORMAT, 0},
      {RESULT("[" LOG("0x5", "0x1", H32, "0x3222222222222222222222222222222222222222", "") "]"), HF_E_FORMAT,
       0},
      {RESULT("[" LOG("0x5", "0x1", "0x3111111111111111111111111111111111111111111111111111111111111111",
                      ADDRESS, "") "]"),
       HF_E_FORMAT, 0},
      {RESULT("{}"), HF_E_FORMAT, 0},
      {RESULT("[7]"), HF_E_FORMAT, 0}};
  for (size_t i = 0; i < sizeof logs / sizeof *logs; i++) {
    int count = 0;
    c.body = logs[i].body;
    hf_status status =
        hf_eth_logs(rpc, &address, (const hf_u256 *const[HF_ETH_TOPICS]){&topic}, 5, 6, count_log, &count);
    cr_expect(status == logs[i].status && count == logs[i].count, "logs %zu: %s", i, hf_error_message());
  }
  /* a node that refuses every range is asked in halves, and not for ever */
  c = (canned){.body =
                   "{\"jsonrpc\":\"2.0\",\"id\":%ID%,\"error\":{\"code\":-32005,\"message\":\"too many\"}}",
               .code = 200};
  cr_expect(hf_eth_logs(rpc, &address, (const hf_u256 *const[HF_ETH_TOPICS]){&topic}, 0, 1 << 20, count_log,
                        &(int){0}) == HF_E_REFUSED);
  cr_expect(c.requests < 20, "%d requests", c.requests);
  /* what a revert says is bytes, or nothing */
  static const struct {
    const char *data;
    size_t length;
  } reverts[] = {{"\"0x01ff\"", 2}, {"{\"data\":\"0x01ff\"}", 2},
                 {"\"0x\"", 0},     {"\"0x1\"", 0},
                 {"\"0xzz\"", 0},   {"17", 0},
                 {"null", 0}};
  for (size_t i = 0; i < sizeof reverts / sizeof *reverts; i++) {
    char body[256];
    hf_writer w = {0};
    bool reverted = false;
    snprintf(body, sizeof body,
             "{\"jsonrpc\":\"2.0\",\"id\":%%ID%%,\"error\":{\"code\":3,\"message\":\"execution "
             "reverted\",\"data\":%s}}",
             reverts[i].data);
    c.body = body;
    hf_eth_call call = {.to = address};
    cr_expect(hf_eth_call_at(rpc, &call, HF_ETH_LATEST, &reverted, &w) == HF_OK && reverted &&
                  w.length == reverts[i].length,
              "revert %zu", i);
    hf_writer_free(&w);
  }
  hf_rpc_close(&rpc);
  canned_server_stop(server);
}
