/* What comes from outside: lines, tables, key files, batch inputs; and every reason for a refusal. */
#include "ok.h"
#include "sequencer_support.h"

#include <criterion/criterion.h>
#include <hyperfold/container.h>
#include <hyperfold/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const hf_chain_id chain_id = {0x1122334455667788ull, 0x99};

static hf_wallet wallet_of(uint8_t n) {
  uint8_t seed[32] = {n};
  hf_wallet w;
  OK(hf_eddsa_key_from_seed(seed, &w.key));
  return w;
}

static hf_signing_place at(uint32_t account, uint32_t nonce) {
  return (hf_signing_place){chain_id, account, nonce};
}

static hf_status parse(const char *line, hf_transaction *tx) {
  return hf_transaction_parse(line, strlen(line), tx);
}

/* Replaces the first `from` in `line`. */
static const char *edit(const char *line, const char *from, const char *to) {
  static char out[4096];
  const char *at = strstr(line, from);
  cr_assert(at, "%s is not in %s", from, line);
  (void)snprintf(out, sizeof out, "%.*s%s%s", (int)(at - line), line, to, at + strlen(from));
  return out;
}

Test(sequencer_input, transactions_are_read_strictly) {
  hf_wallet a = wallet_of(1), b = wallet_of(2);
  hf_transaction tx, back;
  char line[HF_TRANSACTION_JSON], other[HF_TRANSACTION_JSON];
  uint8_t address[20];
  for (int i = 0; i < 20; i++) address[i] = (uint8_t)(0xf0 + i);
  for (int kind = 0; kind < 2; kind++) {
    if (kind == 0)
      OK(hf_wallet_transfer(&a, at(UINT32_MAX, UINT32_MAX), b.key.public_key, UINT64_MAX, 17, &tx));
    else
      OK(hf_wallet_withdraw(&a, at(0, 3), address, 5, UINT64_MAX, &tx));
    hf_transaction_json(&tx, line);
    OK(parse(line, &back));
    hf_transaction_json(&back, other);
    cr_assert_str_eq(line, other);
    hf_digest h1 = hf_transaction_hash(&tx), h2 = hf_transaction_hash(&back);
    cr_assert(hf_digest_eq(&h1, &h2));
    bool ok = false;
    hf_transaction_verify(&back, &ok);
    cr_assert(ok);
  }
  cr_assert(strstr(line, "0xf0f1f2f3f4f5f6f7f8f9fafbfcfdfeff00010203"), "%s", line);

  /* the same in other words */
  OK(hf_wallet_transfer(&a, at(9, 7), b.key.public_key, 100, 1, &tx));
  hf_transaction_json(&tx, line);
  OK(parse(edit(line, "\"100\"", "100"), &back));
  OK(parse(edit(line, "\"nonce\":7", "\"nonce\":\"7\""), &back));
  OK(parse(edit(line, "\"account\":9", "\"account\":\"9\""), &back));
  cr_assert(back.account == 9 && back.nonce == 7);
  OK(parse(edit(line, "{", " { "), &back));
  OK(parse(edit(line, "\"from\":\"", "\"from\":\"0x"), &back));

  /* and what is none */
  static const char *const spoilt[][2] = {
      {"\"100\"", "\"0100\""},
      {"\"100\"", "\"-1\""},
      {"\"100\"", "\"+1\""},
      {"\"100\"", "\" 1\""},
      {"\"100\"", "\"\""},
      {"\"100\"", "1.0"},
      {"\"100\"", "1e2"},
      {"\"100\"", "-1"},
      {"\"100\"", "null"},
      {"\"100\"", "[1]"},
      {"\"100\"", "true"},
      {"\"100\"", "\"0x64\""},
      {"\"100\"", "\"18446744073709551616\""},
      {"\"100\"", "9223372036854775808"},
      {"\"100\"", "\"1\\u0000\""},
      {"\"nonce\":7", "\"nonce\":4294967296"},
      {"\"nonce\":7", "\"nonce\":\"4294967296\""},
      {"\"nonce\":7", "\"nonce\":-1"},
      {"\"account\":9", "\"account\":4294967296"},
      {"\"account\":9", "\"account\":\"4294967296\""},
      {"\"account\":9", "\"account\":-1"},
      {"\"account\":9", "\"account\":9.0"},
      {"\"account\":9", "\"account\":9,\"account\":9"},
      {"\"account\":9,", ""},
      {"\"chain_id\":\"", "\"chain_id\":\"99999999999999999999999999999999999999999"},
      {"\"chain_id\":\"", "\"chain_id\":\"340282366920938463463374607431768211456\",\"x\":\""},
      {"\"fee\"", "\"Fee\""},
      {"\"fee\":\"1\"", "\"fee\":\"1\",\"fee\":\"1\""},
      {"\"fee\":\"1\",", ""},
      {"\"fee\":\"1\"", "\"fee\":\"1\",\"memo\":\"x\""},
      {"\"type\":\"transfer\"", "\"type\":\"deposit\""},
      {"\"type\":\"transfer\"", "\"type\":1"},
      {"\"type\":\"transfer\"", "\"type\":\"withdraw\""},
      {"\"to\":\"", "\"to\":\"00"},
      {"\"from\":\"", "\"from\":\"zz"},
      {"\"signature\":\"", "\"signature\":\"ab"},
      {"}", "}}"},
      {"}", ""},
      {"{", "[{"},
      {"}", "} {}"},
  };
  for (size_t i = 0; i < sizeof spoilt / sizeof spoilt[0]; i++) {
    const char *text = edit(line, spoilt[i][0], spoilt[i][1]);
    cr_assert_eq(parse(text, &back), HF_E_FORMAT, "taken: %s", text);
    cr_assert(back.type == 0 && back.amount == 0, "not zeroed");
  }
  cr_assert_eq(parse("", &back), HF_E_FORMAT);
  char *deep = malloc(HF_TRANSACTION_LINE_MAX + 2);
  memset(deep, '[', HF_TRANSACTION_LINE_MAX + 1);
  cr_assert_eq(hf_transaction_parse(deep, HF_TRANSACTION_LINE_MAX, &back), HF_E_FORMAT);
  cr_assert_eq(hf_transaction_parse(deep, HF_TRANSACTION_LINE_MAX + 1, &back), HF_E_FORMAT);
  free(deep);

  /* keys: not on the curve, of small order, y beyond the modulus */
  char key[HF_KEY_HEX], identity[65] = "01";
  hf_key_text(a.key.public_key, key);
  memset(identity + 2, '0', 62);
  cr_assert_eq(parse(edit(line, key, identity), &back), HF_E_FORMAT);
  cr_assert_eq(
      parse(edit(line, key, "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"), &back),
      HF_E_FORMAT);
  int off = 0;
  for (char c = '0'; c <= '9'; c++) { /* about half of all y are on the curve */
    char changed[HF_KEY_HEX];
    memcpy(changed, key, sizeof changed);
    changed[1] = c;
    off += parse(edit(line, key, changed), &back) == HF_E_FORMAT;
  }
  cr_assert(off > 0 && off < 10, "%d of 10", off);
}

Test(sequencer_input, deposits_are_read_strictly) {
  hf_wallet a = wallet_of(3);
  hf_deposit d = {chain_id, 12, a.key.public_key.x, a.key.public_key.y, UINT64_MAX}, back;
  char line[HF_TRANSACTION_JSON], other[HF_TRANSACTION_JSON];
  for (int i = 0; i < 2; i++) {
    hf_deposit_json(&d, line);
    OK(hf_deposit_parse(line, strlen(line), &back));
    hf_deposit_json(&back, other);
    cr_assert_str_eq(line, other);
    cr_assert(hf_fr_eq(back.x, d.x) && hf_fr_eq(back.y, d.y) && back.index == 12);
    d.x = d.y = hf_fr_from_u64(5); /* off the curve: 128 digits */
  }
  static const char *const spoilt[][2] = {{"\"index\":12", "\"index\":12,\"index\":12"},
                                          {"\"index\":12,", ""},
                                          {"\"index\":12", "\"index\":-1"},
                                          {"\"key\":\"", "\"key\":\"0"},
                                          {"}", ",\"x\":1}"}};
  for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++) {
    const char *text = edit(line, spoilt[i][0], spoilt[i][1]);
    cr_assert_eq(hf_deposit_parse(text, strlen(text), &back), HF_E_FORMAT, "taken: %s", text);
  }
  char huge[129]; /* a coordinate that is the modulus */
  memset(huge, 'f', 128);
  huge[128] = 0;
  (void)snprintf(other, sizeof other, "{\"chain_id\":\"1\",\"index\":0,\"key\":\"%s\",\"amount\":\"1\"}",
                 huge);
  cr_assert_eq(hf_deposit_parse(other, strlen(other), &back), HF_E_FORMAT);
}

/* ---- refusals ---- */

typedef struct bench {
  char *folder, *path;
  hf_chain *chain;
  hf_wallet wallet[6]; /* 0 operator, 1.. users; 4 and 5 are strangers */
} bench;

static void bench_open(bench *t) {
  t->folder = folder_make();
  t->path = folder_file(t->folder, "chain.db");
  hf_chain_options options = {.path = t->path, .chain_id = chain_id, .params = {4, 8}};
  OK(hf_chain_open(&options, &t->chain));
  for (uint8_t i = 0; i < 6; i++) t->wallet[i] = wallet_of((uint8_t)(40 + i));
}

static void bench_close(bench *t) {
  hf_chain_close(&t->chain);
  free(t->path);
  folder_remove(t->folder);
}

static hf_deposit deposit_for(const bench *t, uint64_t index, int who, uint64_t amount) {
  hf_bjj key = t->wallet[who].key.public_key;
  return (hf_deposit){chain_id, index, key.x, key.y, amount};
}

static hf_refusal submit(bench *t, const hf_transaction *tx) {
  hf_verdict v;
  OK(hf_chain_submit(t->chain, tx, 1, &v));
  return v.refusal;
}

/* From the sender's account; without one it says account 0. */
static hf_refusal pay(bench *t, int from, int to, uint32_t nonce, uint64_t amount, uint64_t fee) {
  hf_transaction tx;
  hf_account_info info;
  hf_status status = hf_chain_get_account(t->chain, t->wallet[from].key.public_key, &info);
  cr_assert(status == HF_OK || status == HF_E_NOT_FOUND);
  OK(hf_wallet_transfer(&t->wallet[from], at(status == HF_OK ? info.index : 0, nonce),
                        t->wallet[to].key.public_key, amount, fee, &tx));
  return submit(t, &tx);
}

static hf_account_info account(bench *t, int who) {
  hf_account_info info;
  OK(hf_chain_get_account(t->chain, t->wallet[who].key.public_key, &info));
  return info;
}

Test(sequencer_refusals, each_reason_and_its_edge) {
  bench t;
  bench_open(&t);
  /* before the operator is there, no fee can be taken: its account is index 0, the first deposit */
  hf_transaction tx, again;
  cr_assert_eq(pay(&t, 1, 2, 0, 1, 0), HF_REFUSAL_UNKNOWN_SENDER);
  hf_deposit d[3] = {deposit_for(&t, 0, 0, 10), deposit_for(&t, 1, 1, 1000), deposit_for(&t, 2, 2, 1000)};
  OK(hf_chain_deposit(t.chain, d, 3, NULL));

  /* chain id: the same payment, signed for a neighbour */
  OK(hf_wallet_transfer(&t.wallet[1], (hf_signing_place){{chain_id.low ^ 1, chain_id.high}, 1, 0},
                        t.wallet[2].key.public_key, 5, 1, &tx));
  cr_assert_eq(submit(&t, &tx), HF_REFUSAL_CHAIN_ID);
  tx.chain_id = chain_id; /* replayed here: then the signature does not fit */
  cr_assert_eq(submit(&t, &tx), HF_REFUSAL_SIGNATURE);

  /* account: signed for another one, taken or not, and moved to the right one afterwards */
  for (uint32_t i = 0; i < 4; i++) {
    if (i == 1) continue;
    OK(hf_wallet_transfer(&t.wallet[1], at(i, 0), t.wallet[2].key.public_key, 5, 1, &tx));
    cr_assert_eq(submit(&t, &tx), HF_REFUSAL_ACCOUNT, "account %u", i);
    tx.account = 1;
    cr_assert_eq(submit(&t, &tx), HF_REFUSAL_SIGNATURE, "account %u", i);
  }

  /* signature: S + l, and changed bits */
  OK(hf_wallet_transfer(&t.wallet[1], at(1, 0), t.wallet[2].key.public_key, 5, 1, &tx));
  again = tx;
  static const uint64_t l[4] = {0x677297dc392126f1ull, 0xab3eedb83920ee0aull, 0x370a08b6d0302b0bull,
                                0x060c89ce5c263405ull};
  unsigned __int128 carry = 0;
  for (int i = 0; i < 4; i++) {
    uint64_t limb = 0;
    for (int k = 7; k >= 0; k--) limb = limb << 8 | again.signature[32 + 8 * i + k];
    carry += (unsigned __int128)limb + l[i];
    for (int k = 0; k < 8; k++) again.signature[32 + 8 * i + k] = (uint8_t)((uint64_t)carry >> (8 * k));
    carry >>= 64;
  }
  cr_assert_eq(submit(&t, &again), HF_REFUSAL_SIGNATURE, "S + l");
  for (int bit = 0; bit < 512; bit += 37) {
    again = tx;
    again.signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
    cr_assert_eq(submit(&t, &again), HF_REFUSAL_SIGNATURE, "bit %d", bit);
  }
  again = tx;
  memset(again.signature, 0, sizeof again.signature);
  cr_assert_eq(submit(&t, &again), HF_REFUSAL_SIGNATURE);
  again = tx;
  again.fee = 0;
  cr_assert_eq(submit(&t, &again), HF_REFUSAL_SIGNATURE, "a signed fee cannot be changed");

  /* nonce and duplicates */
  cr_assert_eq(pay(&t, 1, 2, 1, 5, 1), HF_REFUSAL_NONCE, "too high");
  cr_assert_eq(submit(&t, &tx), HF_REFUSAL_NONE);
  cr_assert_eq(submit(&t, &tx), HF_REFUSAL_DUPLICATE);
  cr_assert_eq(pay(&t, 1, 2, 0, 6, 1), HF_REFUSAL_NONCE, "used");

  cr_assert_eq(pay(&t, 1, 1, 1, 5, 1), HF_REFUSAL_SELF_TRANSFER);
  cr_assert_eq(pay(&t, 1, 4, 1, 5, 1), HF_REFUSAL_UNKNOWN_RECEIVER);
  cr_assert_eq(pay(&t, 4, 1, 0, 5, 1), HF_REFUSAL_UNKNOWN_SENDER);

  /* funds, to the unit; what others sent in this very batch counts */
  cr_assert_eq(account(&t, 1).pending_balance, 1000 - 6);
  cr_assert_eq(account(&t, 2).pending_balance, 1005);
  cr_assert_eq(pay(&t, 1, 2, 1, 994, 1), HF_REFUSAL_FUNDS);
  cr_assert_eq(pay(&t, 1, 2, 1, UINT64_MAX, 1), HF_REFUSAL_FUNDS);
  cr_assert_eq(pay(&t, 1, 2, 1, 1, UINT64_MAX), HF_REFUSAL_FUNDS);
  cr_assert_eq(pay(&t, 1, 2, 1, 993, 1), HF_REFUSAL_NONE);
  cr_assert_eq(pay(&t, 1, 2, 2, 0, 0), HF_REFUSAL_NONE, "nothing for nothing is a transaction");
  cr_assert_eq(pay(&t, 1, 2, 3, 1, 0), HF_REFUSAL_FUNDS);
  uint8_t address[20] = {1};
  OK(hf_wallet_withdraw(&t.wallet[2], at(2, 0), address, 1999, 0, &tx));
  cr_assert_eq(submit(&t, &tx), HF_REFUSAL_FUNDS);
  OK(hf_wallet_withdraw(&t.wallet[2], at(2, 0), address, 1990, 1, &tx));
  cr_assert_eq(submit(&t, &tx), HF_REFUSAL_NONE);

  /* forged by hand: an unsigned type */
  again = tx;
  again.type = HF_SLOT_DEPOSIT;
  cr_assert_eq(submit(&t, &again), HF_REFUSAL_MALFORMED);

  /* several in one call build on each other; a refused one leaves the rest alone */
  hf_transaction three[3];
  hf_verdict v[3];
  hf_bjj to = t.wallet[0].key.public_key;
  OK(hf_wallet_transfer(&t.wallet[2], at(2, 1), to, 2, 1, &three[0]));
  OK(hf_wallet_transfer(&t.wallet[2], at(2, 1), to, 3, 1, &three[1]));
  OK(hf_wallet_transfer(&t.wallet[2], at(2, 2), to, 2, 1, &three[2]));
  OK(hf_chain_submit(t.chain, three, 3, v));
  cr_assert(v[0].refusal == HF_REFUSAL_NONE && v[1].refusal == HF_REFUSAL_NONCE &&
            v[2].refusal == HF_REFUSAL_NONE);

  /* sealing agrees with all that was promised */
  uint64_t number = 0;
  OK(hf_chain_seal(t.chain, HF_SEAL_ANY, &number));
  OK(hf_chain_seal(t.chain, HF_SEAL_ANY, &number));
  cr_assert_eq(number, 2);
  cr_assert_eq(account(&t, 0).balance, 10 + 4 + 5, "amounts and five fees of 1");
  cr_assert_eq(account(&t, 1).balance, 0);
  uint64_t batch = 0;
  uint32_t slot = 0;
  OK(hf_chain_get_transaction(t.chain, &v[0].hash, &batch, &slot));
  cr_assert(batch == 1 && slot == 7, "%lu/%u", (unsigned long)batch, slot);
  cr_assert_eq(submit(&t, &three[0]), HF_REFUSAL_DUPLICATE, "also when it is sealed");
  bench_close(&t);
}

Test(sequencer_refusals, overflows_and_full_trees) {
  bench t;
  bench_open(&t); /* depth 4: eight accounts */
  hf_deposit d[] = {
      deposit_for(&t, 0, 1, 100), /* account 0 is the operator: user 1 here */
      deposit_for(&t, 1, 2, UINT64_MAX),
      deposit_for(&t, 2, 2, 1), /* overflow */
      deposit_for(&t, 3, 3, UINT64_MAX - 10),
      {chain_id, 4, hf_fr_zero(), hf_fr_one(), 5},            /* the identity */
      {chain_id, 5, hf_fr_zero(), hf_fr_zero(), 5},           /* the empty key */
      {chain_id, 6, hf_fr_from_u64(2), hf_fr_from_u64(2), 5}, /* off the curve */
  };
  hf_deposit_counts c;
  OK(hf_chain_deposit(t.chain, d, 7, &c));
  cr_assert(c.applied == 3 && c.refused == 4, "%lu, %lu", (unsigned long)c.applied, (unsigned long)c.refused);
  cr_assert_eq(pay(&t, 1, 2, 0, 1, 0), HF_REFUSAL_OVERFLOW);
  cr_assert_eq(pay(&t, 1, 3, 0, 11, 0), HF_REFUSAL_OVERFLOW);
  cr_assert_eq(pay(&t, 1, 3, 0, 10, 0), HF_REFUSAL_NONE);
  /* the operator's account must have room for what it holds and all fees that wait: 90 + amount + fees */
  cr_assert_eq(pay(&t, 2, 1, 0, UINT64_MAX - 90, 1), HF_REFUSAL_OVERFLOW);
  cr_assert_eq(pay(&t, 2, 1, 0, UINT64_MAX - 90, 0), HF_REFUSAL_NONE);
  cr_assert_eq(pay(&t, 3, 2, 0, 0, 1), HF_REFUSAL_OVERFLOW, "a fee that the operator cannot take");
  cr_assert_eq(pay(&t, 1, 2, 1, 50, 1), HF_REFUSAL_NONE, "the operator pays itself a fee");
  cr_assert_eq(pay(&t, 3, 2, 0, 0, 50), HF_REFUSAL_NONE);
  cr_assert_eq(pay(&t, 3, 2, 1, 0, 1), HF_REFUSAL_OVERFLOW);
  hf_deposit more = deposit_for(&t, 7, 1, 1);
  OK(hf_chain_deposit(t.chain, &more, 1, &c));
  cr_assert_eq(c.refused, 1, "a deposit to the operator while fees wait");
  /* the tree takes eight accounts */
  for (uint8_t i = 0; i < 6; i++) {
    hf_wallet w = wallet_of((uint8_t)(100 + i));
    hf_deposit one = {chain_id, 8u + i, w.key.public_key.x, w.key.public_key.y, 1};
    OK(hf_chain_deposit(t.chain, &one, 1, &c));
    cr_assert_eq(c.applied, i < 5, "account %u", 3u + i);
  }
  uint8_t root[32];
  for (uint64_t number = 1, n = 1; number; n++) {
    OK(hf_chain_seal(t.chain, HF_SEAL_ANY, &number));
    if (!number) break;
    uint8_t *bytes = NULL;
    size_t length = 0;
    hf_batch_input in;
    OK(hf_chain_get_input(t.chain, n, &bytes, &length));
    OK(hf_batch_input_decode("batch", bytes, length, &in));
    const char *wrong = check_batch_input(&in, n == 1 ? NULL : root);
    cr_assert(!wrong, "batch %lu: %s", (unsigned long)n, wrong ? wrong : "");
    memcpy(root, in.record.word[HF_RECORD_NEW_ROOT], 32);
    hf_batch_input_free(&in);
    free(bytes);
  }
  cr_assert_eq(account(&t, 1).balance, UINT64_MAX);
  bench_close(&t);

  /* without the operator's account there are no fees */
  bench_open(&t);
  hf_chain_close(&t.chain);
  char *path = folder_file(t.folder, "other.db");
  hf_chain_options options = {.path = path, .chain_id = chain_id, .params = {4, 8}, .operator_index = 2};
  OK(hf_chain_open(&options, &t.chain));
  hf_deposit two[2] = {deposit_for(&t, 0, 1, 100), deposit_for(&t, 1, 2, 100)};
  OK(hf_chain_deposit(t.chain, two, 2, NULL));
  cr_assert_eq(pay(&t, 1, 2, 0, 5, 1), HF_REFUSAL_NO_OPERATOR);
  cr_assert_eq(pay(&t, 1, 2, 0, 5, 0), HF_REFUSAL_NONE);
  two[0] = deposit_for(&t, 2, 0, 0);
  OK(hf_chain_deposit(t.chain, two, 1, NULL));
  cr_assert_eq(pay(&t, 1, 2, 1, 5, 1), HF_REFUSAL_NONE);
  free(path);
  bench_close(&t);
}

/* ---- wallets ---- */

typedef struct rows {
  int good, bad;
  hf_transaction tx[16];
} rows;

static hf_status collect_row(void *context, size_t row, const hf_transaction *tx, const char *detail) {
  rows *r = context;
  (void)row;
  if (tx && tx->amount == 999) return HF_E_REFUSED; /* not accepted */
  if (tx)
    r->tx[r->good++] = *tx;
  else
    r->bad += *detail != 0;
  return HF_OK;
}

static hf_status find_sender(void *context, hf_bjj key, uint32_t *account, uint32_t *nonce) {
  (void)key;
  *account = 5 + *(uint32_t *)context;
  *nonce = 40 + (*(uint32_t *)context)++;
  return HF_OK;
}

Test(sequencer_wallet, files_and_payment_tables) {
  char *folder = folder_make(), *alice = folder_file(folder, "alice.key"),
       *bob = folder_file(folder, "bob.key");
  hf_bjj key, key2;
  hf_wallet w;
  struct stat info;
  OK(hf_wallet_create(alice, &key));
  cr_assert_eq(stat(alice, &info), 0);
  cr_assert_eq(info.st_mode & 0777, 0600);
  cr_assert_eq(hf_wallet_create(alice, NULL), HF_E_EXISTS);
  OK(hf_wallet_load(alice, &w));
  cr_assert(hf_bjj_eq(w.key.public_key, key));
  OK(hf_wallet_create(bob, &key2));
  cr_assert(!hf_bjj_eq(key, key2), "two keys are one");
  (void)chmod(bob, 0640);
  cr_assert_eq(hf_wallet_load(bob, &w), HF_E_REFUSED);
  (void)chmod(bob, 0600);

  /* every changed character of a key file is noticed */
  uint8_t *text = NULL;
  size_t length = 0;
  OK(hf_file_read(bob, 4096, &text, &length));
  for (size_t i = 0; i <= length; i += i < 20 ? 1 : 7) {
    uint8_t changed[512];
    memcpy(changed, text, length);
    if (i < length) changed[i] = changed[i] == '7' ? '8' : '7';
    hf_bytes part = {changed, i < length ? length : length - 1};
    OK(hf_file_write(bob, 0600, &part, 1));
    cr_assert_eq(hf_wallet_load(bob, &w), HF_E_FORMAT, "byte %zu", i);
  }
  hf_bytes part = {text, length};
  OK(hf_file_write(bob, 0600, &part, 1));
  free(text);

  char csv[1024], bob_hex[HF_KEY_HEX];
  hf_key_text(key2, bob_hex);
  uint32_t asked = 0;
  rows r = {0, 0, {{0}}};
  (void)snprintf(
      csv, sizeof csv,
      "from,to,amount,fee\r\nalice,bob,10,1\n\nalice,bob,999,1\nalice,%s,11,1\nbob,alice,12,0\n"
      "alice,0x00112233445566778899aabbccddeeff00112233,13,2\n"
      "alice,carol,1,1\nalice,bob,1\nalice,bob,1,1,1\nalice,bob,-1,1\nalice,bob,1,01\n../bob,alice,1,1\n"
      "alice, bob,1,1\n\"alice\",bob,1,1\nalice,bob,18446744073709551616,1\n,bob,1,1\nalice,bob,14,0",
      bob_hex);
  hf_payments_options options = {folder, chain_id, find_sender, &asked};
  OK(hf_payments_sign(&options, csv, strlen(csv), collect_row, &r));
  cr_assert_eq(r.good, 5);
  cr_assert_eq(r.bad, 10);
  cr_assert_eq(asked, 2, "the account is asked for once a sender");
  static const uint32_t nonces[] = {40, 41, 41, 42, 43}, accounts[] = {5, 5, 6, 5, 5};
  for (int i = 0; i < 5; i++) {
    bool ok = false;
    hf_transaction_verify(&r.tx[i], &ok);
    cr_assert(ok && r.tx[i].nonce == nonces[i] && r.tx[i].account == accounts[i] &&
                  r.tx[i].amount == 10u + (unsigned)i,
              "row %d", i);
  }
  cr_assert(r.tx[3].type == HF_SLOT_WITHDRAW && r.tx[0].type == HF_SLOT_TRANSFER);
  cr_assert(hf_fr_eq(r.tx[0].to1, key2.x) && hf_fr_eq(r.tx[1].to1, key2.x));
  cr_assert_eq(hf_payments_sign(&options, "from,to,amount\n", 15, collect_row, &r), HF_E_FORMAT);

  /* the account in the table: before what is asked for, and needed where nobody can be asked */
  static const char with_account[] =
      "from,account,to,amount,fee\nalice,7,bob,10,1\nalice,4294967295,bob,11,1\n"
      "alice,4294967296,bob,1,1\nalice,,bob,1,1\nalice,bob,1,1\nalice,-1,bob,1,1";
  for (int alone = 0; alone < 2; alone++) {
    if (alone) options.find = NULL;
    r.good = r.bad = 0;
    OK(hf_payments_sign(&options, with_account, sizeof with_account - 1, collect_row, &r));
    cr_assert(r.good == 2 && r.bad == 4, "%d and %d", r.good, r.bad);
    cr_assert(r.tx[0].account == 7 && r.tx[1].account == UINT32_MAX && r.tx[1].nonce == r.tx[0].nonce + 1);
    cr_assert_eq(r.tx[0].nonce == 0, alone);
    bool ok = false;
    hf_transaction_verify(&r.tx[1], &ok);
    cr_assert(ok);
  }
  cr_assert_eq(hf_payments_sign(&options, csv, strlen(csv), collect_row, &r), HF_E_FORMAT);
  cr_assert_eq(hf_payments_sign(&options, "", 0, collect_row, &r), HF_E_FORMAT);
  free(alice);
  free(bob);
  folder_remove(folder);
}

/* ---- the generator ---- */

Test(sequencer_generator, is_the_same_every_time) {
  hf_generator_options options = {.seed = 42,
                                  .chain_id = {1, 0},
                                  .accounts = 12,
                                  .transactions = 60,
                                  .invalid_per_mille = 400,
                                  .withdraw_per_mille = 200,
                                  .bad_deposits = 2,
                                  .skew = 2};
  load a, b, c;
  OK(load_make(&options, &a));
  OK(load_make(&options, &b));
  options.seed++;
  OK(load_make(&options, &c));
  cr_assert(a.transactions.length == b.transactions.length &&
            memcmp(a.transactions.data, b.transactions.data, a.transactions.length) == 0);
  cr_assert(a.deposits.length == b.deposits.length &&
            memcmp(a.deposits.data, b.deposits.data, a.deposits.length) == 0);
  cr_assert(memcmp(&a.tally, &b.tally, sizeof a.tally) == 0);
  cr_assert(memcmp(a.transactions.data, c.transactions.data, 200) != 0);
  /* pinned: a change of the generator, the signatures or the format shows here */
  hf_digest d = hf_digest_bytes(a.transactions.data, a.transactions.length);
  char hex[HF_DIGEST_HEX];
  hf_digest_hex(&d, hex);
  cr_assert_str_eq(hex, "0401d8e24bcfdb9b92c2561413a4e7bb4d4e12cb57eb1c22c4a72522e4d63c9e");
  uint64_t sum = 0;
  for (int i = 0; i < HF_REFUSALS; i++) sum += a.tally.expected[i];
  cr_assert(sum == 60 && a.tally.transactions == 60 && a.tally.expected[HF_REFUSAL_NONE] > 20);
  load_free(&c);
  options.accounts = 2;
  cr_assert_eq(load_make(&options, &c), HF_E_RANGE);
  load_free(&a);
  load_free(&b);
}

/* ---- batch inputs and public data ---- */

Test(sequencer_codec, batch_inputs_and_data_words_are_canonical) {
  hf_rollup_params params = {6, 3};
  hf_batch_input in, out;
  hf_writer w = {0}, again = {0};
  OK(hf_batch_input_init(&params, &in));
  in.slots[1].type = HF_SLOT_TRANSFER;
  in.slots[1].amount = 7;
  in.slots[1].s[0] = 9;
  in.slots[2].to.index = 31;
  in.slots[2].to.siblings[2][2][31] = 0x30;
  in.record.word[HF_RECORD_CHAIN_ID][15] = 0xff;
  OK(hf_batch_input_encode(&in, &w));
  cr_assert_eq(w.length, hf_batch_input_size(&params));
  OK(hf_batch_input_decode("x", w.data, w.length, &out));
  OK(hf_batch_input_encode(&out, &again));
  cr_assert(again.length == w.length && memcmp(again.data, w.data, w.length) == 0);
  hf_batch_input_free(&out);

  /* below the container's checksum: every byte set to 0xff and every length, packed again. What is taken
   * must be the only encoding of what it says. */
  const uint8_t *payload = w.data + HF_CONTAINER_HEADER;
  const size_t length = w.length - HF_CONTAINER_HEADER;
  uint8_t *changed = malloc(length + 1);
  size_t taken = 0;
  for (size_t i = 0; i < length; i++) {
    memcpy(changed, payload, length);
    changed[i] ^= i % 3 ? 0xff : 0x80;
    hf_writer packed = {0};
    hf_bytes part = {changed, length};
    OK(hf_container_encode(&packed, HF_BATCH_INPUT_KIND, HF_BATCH_INPUT_VERSION, &part, 1));
    if (hf_batch_input_decode("x", packed.data, packed.length, &out) == HF_OK) {
      taken++;
      again.length = 0;
      OK(hf_batch_input_encode(&out, &again));
      cr_assert(again.length == packed.length && memcmp(again.data, packed.data, packed.length) == 0,
                "byte %zu", i);
      hf_batch_input_free(&out);
    }
    cr_assert(out.slots == NULL);
    hf_writer_free(&packed);
    if (i % 61 == 0) { /* the container notices by itself */
      w.data[HF_CONTAINER_HEADER + i] ^= 1;
      cr_assert_eq(hf_batch_input_decode("x", w.data, w.length, &out), HF_E_CHECKSUM);
      w.data[HF_CONTAINER_HEADER + i] ^= 1;
    }
  }
  cr_assert(taken > length / 2 && taken < length * 99 / 100, "%zu of %zu", taken, length);
  const size_t lengths[] = {0, 7, 8, length - 1, length + 1};
  for (size_t i = 0; i < 5; i++) {
    hf_writer packed = {0};
    memcpy(changed, payload, length);
    changed[length] = 0;
    hf_bytes part = {changed, lengths[i]};
    OK(hf_container_encode(&packed, HF_BATCH_INPUT_KIND, HF_BATCH_INPUT_VERSION, &part, 1));
    cr_assert_eq(hf_batch_input_decode("x", packed.data, packed.length, &out), HF_E_FORMAT);
    hf_writer_free(&packed);
  }
  free(changed);

  /* each rule */
  const struct {
    size_t at; /* into the input */
    uint8_t value;
  } lies[] = {{(size_t)((uint8_t *)&in.slots[0].type - (uint8_t *)in.slots), 5},
              {(size_t)((uint8_t *)&in.slots[0].from.index - (uint8_t *)in.slots), 32},
              {(size_t)(in.slots[0].s - (uint8_t *)in.slots), 1},
              {(size_t)(in.slots[0].r_x - (uint8_t *)in.slots), 1},
              {(size_t)(in.slots[1].s + 31 - (uint8_t *)in.slots), 0x31},
              {(size_t)(in.slots[1].to.old.y + 31 - (uint8_t *)in.slots), 0x40},
              {(size_t)((uint8_t *)in.slots[1].to.siblings[3] - (uint8_t *)in.slots), 1}};
  for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
    uint8_t *byte = (uint8_t *)in.slots + lies[i].at, old = *byte;
    *byte = lies[i].value;
    again.length = 0;
    cr_assert_neq(hf_batch_input_encode(&in, &again), HF_OK, "rule %zu", i);
    *byte = old;
  }
  for (int i = 1; i < HF_RECORD_WORDS; i++) { /* one bit beyond each word's type */
    static const int bits[] = {8, 32, 64, 128, 254, 5};
    int bit = i == HF_RECORD_MODE ? 1 : bits[hf_record_words[i].type];
    in.record.word[i][bit / 8] ^= (uint8_t)(1 << bit % 8);
    again.length = 0;
    cr_assert_eq(hf_batch_input_encode(&in, &again), HF_E_RANGE, "%s", hf_record_words[i].name);
    in.record.word[i][bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  hf_batch_input_free(&in);
  hf_writer_free(&w);
  hf_writer_free(&again);

  /* data words: whatever one changed bit decodes to encodes to just that */
  hf_data_slot slot = {HF_SLOT_DEPOSIT, 0, 77, 12345, 0, {1, 2, 3}, {4, 5}}, back;
  uint8_t words[HF_DATA_WORDS][32], other[HF_DATA_WORDS][32];
  slot.to1[31] = 0x2f;
  slot.to2[31] = 0x13;
  hf_data_encode(&slot, words);
  OK(hf_data_decode((const uint8_t(*)[32])words, &back));
  cr_assert(back.to == 77 && back.amount == 12345 && !memcmp(back.to1, slot.to1, 32) &&
            !memcmp(back.to2, slot.to2, 32));
  int refused = 0;
  for (int bit = 0; bit < 768; bit++) {
    words[bit / 256][bit % 256 / 8] ^= (uint8_t)(1 << bit % 8);
    if (hf_data_decode((const uint8_t(*)[32])words, &back) == HF_OK) {
      hf_data_encode(&back, other);
      cr_assert(memcmp(words, other, sizeof words) == 0, "bit %d", bit);
    } else {
      refused++;
    }
    words[bit / 256][bit % 256 / 8] ^= (uint8_t)(1 << bit % 8);
  }
  cr_assert(refused >= 3 * 8 + 52, "%d", refused);
}
