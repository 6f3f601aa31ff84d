/* Transactions that take effect once, on a real node: deaths at every bad moment, stuck ones,
 * reorganisations, other users of the key. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <hyperfold/file.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "anvil.h"
#include "eth_abi.h"
#include "eth_sender.h"

#define VALUE 12345

/* The library's fsync is this one: what is journaled must have been synced, file and folder. */
static int syncs;
int fsync(int fd) {
  syncs++;
  return fdatasync(fd);
}

typedef struct rig {
  anvil node;
  hf_eth_key key;
  hf_eth_address to;
  char *folder;
  uint64_t clock_ms; /* of the sender; moved by hand and by sleeping */
  const char *die_at;
  int die_after; /* at that point, so many times later */
  bool mine_while_waiting;
} rig;

static uint64_t rig_now(void *context) { return ((rig *)context)->clock_ms; }
static void rig_sleep(void *context, uint64_t ms) {
  rig *r = context;
  r->clock_ms += ms;
  if (r->mine_while_waiting) anvil_mine(&r->node, 1);
}

static void rig_at(void *context, const char *point) {
  rig *r = context;
  static int before;
  if (strcmp(point, "signed") == 0) before = syncs;
  if (strcmp(point, "journaled") == 0) cr_assert(syncs >= before + 2, "journaled without a sync");
  if (r->die_at != NULL && strcmp(point, r->die_at) == 0 && r->die_after-- == 0) raise(SIGKILL);
}

static void rig_open(rig *r) {
  memset(r, 0, sizeof *r);
  anvil_start(&r->node);
  r->key = anvil_key(1);
  memset(r->to.b, 0xab, 20);
  r->folder = anvil_folder();
  r->clock_ms = 1000000;
  r->mine_while_waiting = true;
  anvil_make_rich(&r->node, &r->key.address);
}

static void rig_close(rig *r) {
  anvil_stop(&r->node);
  anvil_folder_remove(r->folder);
}

/* Blocks come no more by themselves. */
static void rig_hold(rig *r) {
  anvil_automine(&r->node, false);
  r->mine_while_waiting = false;
}

static hf_sender_options rig_options(rig *r) {
  return (hf_sender_options){.rpc = r->node.rpc,
                             .key = &r->key,
                             .folder = r->folder,
                             .confirmations = 2,
                             .poll_ms = 1000,
                             .now_ms = rig_now,
                             .sleep_ms = rig_sleep,
                             .at = rig_at,
                             .context = r};
}

static hf_sender *rig_sender(rig *r) {
  hf_sender *sender = NULL;
  hf_sender_options options = rig_options(r);
  cr_assert(hf_sender_open(&options, &sender) == HF_OK, "%s", hf_error_message());
  return sender;
}

static hf_send_request payment(rig *r, const char *name) {
  return (hf_send_request){.id = hf_digest_bytes(name, strlen(name)),
                           .what = name,
                           .to = r->to,
                           .value = hf_u256_from_u64(VALUE),
                           .gas = 30000};
}

/* Begins and waits; the request must succeed. */
static hf_sent complete(rig *r, hf_sender *sender, const char *name) {
  hf_sent sent;
  hf_send_request request = payment(r, name);
  cr_assert(hf_sender_begin(sender, &request, &sent) == HF_OK, "%s: %s", name, hf_error_message());
  cr_assert(hf_sender_wait(sender, &request.id, 1000000, &sent) == HF_OK, "%s: %s", name, hf_error_message());
  cr_assert(sent.stage == HF_SEND_CONFIRMED && sent.receipt.success, "%s: %s", name, sent.reason);
  return sent;
}

Test(settle_sender, once) {
  rig r;
  rig_open(&r);
  hf_sender *sender = rig_sender(&r), *second = NULL;
  hf_sent first = complete(&r, sender, "one"), again = complete(&r, sender, "one");
  cr_expect(hf_eth_hash_eq(&first.hash, &again.hash) && first.attempts == 1 && first.nonce == 0 &&
            first.receipt.gas_used == 21000);
  hf_sender_options options = rig_options(&r);
  cr_expect(hf_sender_open(&options, &second) == HF_E_BUSY && second == NULL);
  options.chain_id = 1;
  cr_expect(hf_sender_open(&options, &second) == HF_E_MISMATCH);
  hf_sender_close(&sender);
  sender = rig_sender(&r);
  again = complete(&r, sender, "one");
  cr_expect(hf_eth_hash_eq(&first.hash, &again.hash));
  cr_expect(complete(&r, sender, "two").nonce == 1);
  cr_expect(anvil_balance(&r.node, &r.to) == 2 * VALUE && anvil_nonce(&r.node, &r.key.address) == 2);
  hf_sent listed;
  cr_expect(hf_sender_list(sender, 1, &listed) && strcmp(listed.what, "two") == 0 &&
            !hf_sender_list(sender, 2, &listed));
  /* what cannot be paid, or would revert, is not signed */
  hf_send_request request = payment(&r, "rich");
  memset(request.value.b + 8, 255, 24);
  cr_expect(hf_sender_begin(sender, &request, &listed) == HF_E_REFUSED &&
            strstr(hf_error_message(), "wei") != NULL);
  request = payment(&r, "gas");
  request.gas = 20000; /* below what any transaction costs */
  cr_expect(hf_sender_begin(sender, &request, &listed) == HF_E_REFUSED, "%s", hf_error_message());
  options = rig_options(&r);
  hf_sender_close(&sender);
  options.chain_id = 31337;
  options.max_fee_wei = 10;
  cr_assert(hf_sender_open(&options, &sender) == HF_OK);
  request = payment(&r, "cheap");
  cr_expect(hf_sender_begin(sender, &request, &listed) == HF_E_BUSY &&
            strstr(hf_error_message(), "base fee") != NULL);
  cr_expect(!hf_sender_list(sender, 2, &listed) && anvil_nonce(&r.node, &r.key.address) == 2);
  hf_sender_close(&sender);
  rig_close(&r);
}

/* A process that begins and waits, and is killed at a point of its way. */
static void die(rig *r, const char *name, const char *point, int after) {
  fflush(NULL);
  pid_t child = fork();
  cr_assert(child >= 0);
  if (child == 0) {
    hf_sent sent;
    hf_rpc_options options = {.url = r->node.url}; /* a connection of its own */
    if (hf_rpc_open(&options, &r->node.rpc) != HF_OK) _exit(3);
    r->die_at = point;
    r->die_after = after;
    hf_sender *sender = rig_sender(r);
    hf_send_request request = payment(r, name);
    if (hf_sender_begin(sender, &request, &sent) != HF_OK) _exit(4);
    (void)hf_sender_wait(sender, &request.id, 20000, &sent);
    _exit(5);
  }
  int how;
  cr_assert(waitpid(child, &how, 0) == child);
  cr_assert(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL, "%s: ended with %d before %s", name,
            WEXITSTATUS(how), point);
}

static uint64_t pooled(rig *r) {
  uint64_t next;
  cr_assert(hf_eth_nonce(r->node.rpc, &r->key.address, HF_ETH_PENDING, &next) == HF_OK);
  return next - anvil_nonce(&r->node, &r->key.address);
}

/* So many of the account's transactions wait in the node's pool and so many are mined. A node that mines by
 * itself does so a moment after it said that it has the transaction. */
static bool comes_to(rig *r, uint64_t waiting, uint64_t mined) {
  for (int i = 0; i < 1000; i++, usleep(10000)) {
    const uint64_t nonce = anvil_nonce(&r->node, &r->key.address);
    if (nonce == mined && pooled(r) == waiting && anvil_nonce(&r->node, &r->key.address) == nonce)
      return true;
  }
  return false;
}

Test(settle_sender, kills, .timeout = 120) {
  static const struct {
    const char *point;
    bool in_pool, mined; /* after the first death, without automatic blocks and with them */
  } deaths[] = {{"signed", false, false},
                {"journaled", false, false},
                {"sent", true, true},
                {"mined", false, true},
                {"confirmed", false, true}};
  rig r;
  uint64_t paid = 0;
  rig_open(&r);
  for (size_t i = 0; i < sizeof deaths / sizeof *deaths; i++) {
    const bool late = i >= 3; /* these need blocks */
    for (int automatic = late; automatic < 2; automatic++) {
      char name[64];
      snprintf(name, sizeof name, "%s, automatic blocks %d", deaths[i].point, automatic);
      anvil_automine(&r.node, automatic);
      r.mine_while_waiting = late;
      die(&r, name, deaths[i].point, 0);
      cr_expect(comes_to(&r, deaths[i].in_pool && !automatic, paid + (deaths[i].mined && automatic)),
                "%s: %lu in the pool, %lu mined", name, (unsigned long)pooled(&r),
                (unsigned long)anvil_nonce(&r.node, &r.key.address));
      if (i < 2) die(&r, name, "sent", 0); /* and once more, on the way back */
      r.mine_while_waiting = true;
      hf_sender *sender = rig_sender(&r);
      hf_sent sent = complete(&r, sender, name);
      cr_expect(sent.nonce == paid, "%s: nonce %lu", name, (unsigned long)sent.nonce);
      hf_sender_close(&sender);
      paid++;
      anvil_mine(&r.node, 3);
      cr_expect(anvil_balance(&r.node, &r.to) == paid * VALUE && anvil_nonce(&r.node, &r.key.address) == paid,
                "%s", name);
    }
  }
  rig_close(&r);
}

/* Killed from outside at any moment, again and again, until one process gets through. */
Test(settle_sender, kills_at_random, .timeout = 240) {
  const int rounds = getenv("HF_SOAK") != NULL ? 100 : 10;
  unsigned seed = 7;
  rig r;
  rig_open(&r);
  for (int round = 0; round < rounds; round++) {
    char name[32];
    bool done = false;
    snprintf(name, sizeof name, "round %d", round);
    for (int tries = 0; !done; tries++) {
      fflush(NULL);
      pid_t child = fork();
      if (child == 0) {
        hf_rpc_options options = {.url = r.node.url};
        if (hf_rpc_open(&options, &r.node.rpc) != HF_OK) _exit(3);
        hf_sender *sender = rig_sender(&r);
        (void)complete(&r, sender, name);
        _exit(0);
      }
      if (tries < 6) {
        usleep((useconds_t)(rand_r(&seed) % 25000));
        kill(child, SIGKILL);
      }
      int how;
      cr_assert(waitpid(child, &how, 0) == child);
      done = WIFEXITED(how) && WEXITSTATUS(how) == 0;
      cr_assert(done || (WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL));
    }
  }
  cr_expect(anvil_balance(&r.node, &r.to) == (uint64_t)rounds * VALUE, "%lu",
            (unsigned long)anvil_balance(&r.node, &r.to));
  cr_expect(anvil_nonce(&r.node, &r.key.address) == (uint64_t)rounds);
  rig_close(&r);
}

Test(settle_sender, stuck, .timeout = 120) {
  rig r;
  hf_sent sent;
  rig_open(&r);
  rig_hold(&r);
  hf_sender *sender = rig_sender(&r);
  hf_send_request request = payment(&r, "stuck");
  cr_assert(hf_sender_begin(sender, &request, &sent) == HF_OK && sent.stage == HF_SEND_SENT &&
            sent.attempts == 1);
  hf_eth_hash first = sent.hash;
  cr_expect(hf_sender_wait(sender, &request.id, 20000, &sent) == HF_E_TIMEOUT && sent.attempts == 1);
  cr_expect(hf_sender_wait(sender, &request.id, 130000, &sent) == HF_E_TIMEOUT && sent.attempts == 3 &&
                pooled(&r) == 1,
            "%zu attempts, %lu in the pool", sent.attempts, (unsigned long)pooled(&r));
  cr_expect(!hf_eth_hash_eq(&first, &sent.hash) && sent.reason[0] == 0, "%s", sent.reason);
  /* the process dies after it signed the next one, before that is sent */
  hf_sender_close(&sender);
  r.clock_ms += 100000;
  die(&r, "stuck", "journaled", 0);
  anvil_mine(&r.node, 1); /* the node has the third; the fourth never left */
  sender = rig_sender(&r);
  r.mine_while_waiting = true;
  cr_expect(hf_sender_wait(sender, &request.id, 1000000, &sent) == HF_OK && sent.stage == HF_SEND_CONFIRMED &&
            sent.attempts == 4);
  json_t *mined =
      anvil_call(&r.node, "eth_getTransactionByHash", json_pack("[o]", ({
                                                                  char text[HF_ETH_HASH_TEXT];
                                                                  hf_eth_hash_text(&sent.hash, text);
                                                                  json_string(text);
                                                                })));
  cr_expect(json_is_object(mined));
  json_decref(mined);
  cr_expect(anvil_balance(&r.node, &r.to) == VALUE && anvil_nonce(&r.node, &r.key.address) == 1);
  hf_sender_close(&sender);
  /* a cap on fees: no more attempts, and it says so; then a cancellation is not allowed either */
  rig_hold(&r);
  hf_sender_options options = rig_options(&r);
  options.max_fee_wei = 3500000000;
  cr_assert(hf_sender_open(&options, &sender) == HF_OK);
  request = payment(&r, "capped");
  cr_assert(hf_sender_begin(sender, &request, &sent) == HF_OK, "%s", hf_error_message());
  cr_expect(hf_sender_wait(sender, &request.id, 1000000, &sent) == HF_E_TIMEOUT && sent.attempts < 8, "%zu",
            sent.attempts);
  cr_expect(strstr(sent.reason, "more is not allowed") != NULL, "%s", sent.reason);
  cr_expect(hf_sender_cancel(sender, &request.id, &sent) == HF_E_BUSY);
  hf_sender_close(&sender);
  sender = rig_sender(&r); /* a higher cap */
  cr_expect(hf_sender_cancel(sender, &request.id, &sent) == HF_OK, "%s", hf_error_message());
  r.mine_while_waiting = true;
  cr_expect(hf_sender_wait(sender, &request.id, 1000000, &sent) == HF_OK && sent.stage == HF_SEND_CONFIRMED &&
            sent.cancelled);
  cr_expect(hf_sender_cancel(sender, &request.id, &sent) == HF_E_STALE);
  cr_expect(anvil_balance(&r.node, &r.to) == VALUE);
  /* cancelled: it may be made again, when somebody says so */
  cr_expect(hf_sender_begin(sender, &request, &sent) == HF_E_STATE, "%s", hf_error_message());
  request.afresh = true;
  cr_assert(hf_sender_begin(sender, &request, &sent) == HF_OK && sent.nonce == 2, "%s", hf_error_message());
  (void)complete(&r, sender, "capped");
  cr_expect(anvil_balance(&r.node, &r.to) == 2 * VALUE && anvil_nonce(&r.node, &r.key.address) == 3);
  hf_sender_close(&sender);
  rig_close(&r);
}

Test(settle_sender, reorganised, .timeout = 120) {
  rig r;
  hf_sent sent;
  rig_open(&r);
  hf_sender_options options = rig_options(&r);
  options.confirmations = 5;
  hf_sender *sender = NULL;
  cr_assert(hf_sender_open(&options, &sender) == HF_OK);
  hf_send_request request = payment(&r, "moved");
  json_t *before = anvil_call(&r.node, "evm_snapshot", json_array());
  cr_assert(hf_sender_begin(sender, &request, &sent) == HF_OK);
  for (int i = 0; sent.stage != HF_SEND_MINED && i < 200; i++, usleep(10000)) /* anvil mines a moment later */
    cr_assert(hf_sender_step(sender) == HF_OK && hf_sender_list(sender, 0, &sent));
  cr_assert(sent.stage == HF_SEND_MINED);
  hf_eth_hash hash = sent.hash;
  anvil_mine(&r.node, 2);
  anvil_do(&r.node, "evm_revert", json_pack("[O]", before));
  json_decref(before);
  cr_expect(anvil_nonce(&r.node, &r.key.address) == 0 && anvil_balance(&r.node, &r.to) == 0);
  anvil_automine(&r.node, false);
  cr_expect(hf_sender_step(sender) == HF_OK && hf_sender_list(sender, 0, &sent) &&
            sent.stage == HF_SEND_SENT);
  cr_expect(pooled(&r) == 1); /* the same bytes were sent again at once */
  anvil_automine(&r.node, true);
  anvil_mine(&r.node, 1);
  before = anvil_call(&r.node, "evm_snapshot", json_array());
  cr_expect(hf_sender_wait(sender, &request.id, 1000000, &sent) == HF_OK && sent.stage == HF_SEND_CONFIRMED &&
            hf_eth_hash_eq(&sent.hash, &hash) && sent.attempts == 1);
  cr_expect(anvil_balance(&r.node, &r.to) == VALUE && anvil_nonce(&r.node, &r.key.address) == 1);
  /* anvil's own reorganisation: blocks replaced by empty ones */
  uint64_t head;
  cr_assert(hf_eth_block_number(r.node.rpc, &head) == HF_OK);
  anvil_do(&r.node, "anvil_reorg",
           json_pack("{s:i, s:[]}", "depth", (int)(head - sent.receipt.block + 1), "tx_block_pairs"));
  cr_expect(anvil_balance(&r.node, &r.to) == 0);
  /* deeper than the confirmations: it was taken for done, and comes back when somebody asks for it */
  sent = complete(&r, sender, "moved");
  cr_expect(hf_eth_hash_eq(&sent.hash, &hash) && anvil_balance(&r.node, &r.to) == VALUE &&
            anvil_nonce(&r.node, &r.key.address) == 1);
  json_decref(before);
  hf_sender_close(&sender);
  rig_close(&r);
}

Test(settle_sender, other_users, .timeout = 120) {
  rig r, other;
  hf_sent sent;
  rig_open(&r);
  rig_hold(&r);
  other = r;
  other.folder = anvil_folder(); /* another program with the same key and its own ideas */
  memset(other.to.b, 0xcd, 20);
  hf_sender *sender = rig_sender(&r), *stranger = NULL;
  hf_send_request request = payment(&r, "mine"), foreign = payment(&other, "theirs");
  cr_assert(hf_sender_begin(sender, &request, &sent) == HF_OK && sent.nonce == 0);
  hf_sender_options options = rig_options(&other);
  cr_assert(hf_sender_open(&options, &stranger) == HF_OK);
  cr_assert(hf_sender_begin(stranger, &foreign, &sent) == HF_OK &&
            sent.nonce == 1); /* the pool's nonces are respected */
  anvil_do(&r.node, "anvil_dropAllTransactions", json_array());
  hf_sender_close(&stranger);
  anvil_folder_remove(other.folder);
  other.folder = anvil_folder();
  options.folder = other.folder;
  cr_assert(hf_sender_open(&options, &stranger) == HF_OK &&
            hf_sender_begin(stranger, &foreign, &sent) == HF_OK && sent.nonce == 0);
  anvil_mine(&r.node, 1);
  r.mine_while_waiting = true;
  cr_expect(hf_sender_wait(sender, &request.id, 1000000, &sent) == HF_OK && sent.stage == HF_SEND_LOST,
            "%d: %s", sent.stage, sent.reason);
  cr_expect(strstr(sent.reason, "nonce 0: 0x") != NULL, "it says which: %s", sent.reason);
  cr_expect(anvil_balance(&r.node, &r.to) == 0);
  hf_sender_close(&sender);
  sender = rig_sender(&r);
  cr_expect(hf_sender_begin(sender, &request, &sent) == HF_E_STATE);
  request.afresh = true;
  cr_assert(hf_sender_begin(sender, &request, &sent) == HF_OK && !sent.known);
  sent = complete(&r, sender, "mine");
  cr_expect(sent.nonce == 1 && anvil_balance(&r.node, &r.to) == VALUE &&
            anvil_balance(&r.node, &other.to) == VALUE);
  hf_sender_close(&sender);
  hf_sender_close(&stranger);
  anvil_folder_remove(other.folder);
  rig_close(&r);
}

/* A pool that forgets: the nonce of what waits is not given away, and what waits is sent again. */
Test(settle_sender, forgetful_pool, .timeout = 120) {
  rig r;
  hf_sent first, second;
  rig_open(&r);
  rig_hold(&r);
  hf_sender *sender = rig_sender(&r);
  hf_send_request one = payment(&r, "one"), two = payment(&r, "two");
  cr_assert(hf_sender_begin(sender, &one, &first) == HF_OK && first.nonce == 0);
  anvil_do(&r.node, "anvil_dropAllTransactions", json_array());
  cr_assert(pooled(&r) == 0 && hf_sender_begin(sender, &two, &second) == HF_OK);
  cr_expect(second.nonce == 1, "nonce %lu", (unsigned long)second.nonce);
  anvil_automine(&r.node, true);
  r.mine_while_waiting = true;
  cr_expect(hf_sender_wait(sender, &two.id, 1000000, &second) == HF_OK && second.receipt.success &&
            second.attempts == 1);
  cr_expect(hf_sender_wait(sender, &one.id, 1000000, &first) == HF_OK && first.receipt.success);
  cr_expect(anvil_balance(&r.node, &r.to) == 2 * VALUE && anvil_nonce(&r.node, &r.key.address) == 2);
  hf_sender_close(&sender);
  rig_close(&r);
}

/* A journal that was changed: nothing is sent. */
Test(settle_sender, damage, .timeout = 120) {
  rig r;
  hf_sent sent;
  rig_open(&r);
  rig_hold(&r);
  hf_sender *sender = rig_sender(&r);
  hf_send_request request = payment(&r, "mine");
  cr_assert(hf_sender_begin(sender, &request, &sent) == HF_OK);
  hf_sender_close(&sender);
  char path[512] = "", command[1200];
  snprintf(command, sizeof command, "ls %s/*/tx-*.json", r.folder);
  FILE *list = popen(command, "r");
  cr_assert(list != NULL && fgets(path, sizeof path, list) != NULL);
  pclose(list);
  path[strcspn(path, "\n")] = 0;
  uint8_t *text;
  size_t length;
  cr_assert(hf_file_read(path, 1 << 20, &text, &length) == HF_OK);
  hf_sender_options options = rig_options(&r);
  for (size_t cut = 0; cut < length - 1; cut += 7) { /* not the last byte: JSON needs no line end */
    hf_bytes part = {text, cut};
    cr_assert(hf_file_write(path, 0600, &part, 1) == HF_OK);
    cr_expect(hf_sender_open(&options, &sender) == HF_E_FORMAT, "cut at %zu", cut);
  }
  hf_bytes whole = {text, length};
  char *value = strstr((char *)text, "\"12345\"");
  cr_assert(value != NULL);
  value[1] = '9'; /* another amount than was signed */
  cr_assert(hf_file_write(path, 0600, &whole, 1) == HF_OK);
  anvil_do(&r.node, "anvil_dropAllTransactions", json_array());
  cr_assert(hf_sender_open(&options, &sender) == HF_OK);
  cr_expect(hf_sender_wait(sender, &request.id, 10000, &sent) == HF_E_MISMATCH && pooled(&r) == 0);
  hf_sender_close(&sender);
  value[1] = '1';
  cr_assert(hf_file_write(path, 0600, &whole, 1) == HF_OK);
  sender = rig_sender(&r);
  r.mine_while_waiting = true;
  cr_expect(hf_sender_wait(sender, &request.id, 100000, &sent) == HF_OK && sent.receipt.success);
  hf_sender_close(&sender);
  free(text);
  rig_close(&r);
}
