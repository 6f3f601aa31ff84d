/* RLP, addresses, signatures, transactions and calls against what ethers made (vectors/print.mjs), and their
 * edges. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <hyperfold/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "eth_abi.h"
#include "eth_rlp.h"
#include "eth_tx.h"
#include "host/keccak.h"

#define WORDS 32

typedef struct vector {
  char *word[WORDS]; /* without the name */
  size_t count;
} vector;

/* Calls `each` for the lines that begin with `name`; returns how many there were. */
static int vectors(const char *name, void (*each)(const vector *v)) {
  uint8_t *text;
  size_t length;
  int found = 0;
  cr_assert(hf_file_read(HF_SOURCE_DIR "/tests/settle/vectors/ethers.txt", 1 << 20, &text, &length) == HF_OK);
  char *save = NULL, *inner = NULL;
  for (char *l = strtok_r((char *)text, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save)) {
    vector v = {.count = 0};
    const char *first = strtok_r(l, " ", &inner);
    for (char *w; (w = strtok_r(NULL, " ", &inner)) != NULL && v.count < WORDS;) v.word[v.count++] = w;
    if (strcmp(first, name) != 0) continue;
    each(&v);
    found++;
  }
  free(text);
  return found;
}

static hf_bytes data_of(const char *hex) {
  size_t length = strlen(hex) / 2 - 1;
  uint8_t *data = malloc(length + 1);
  cr_assert(data != NULL && (length == 0 || hf_unhex(hex, data, length) == HF_OK), "%s", hex);
  return (hf_bytes){data, length};
}

static void release(hf_bytes b) { free((void *)b.data); }

static void expect_hex(const hf_writer *w, const char *hex, const char *what) {
  hf_bytes wanted = data_of(hex);
  cr_expect(!w->failed && w->length == wanted.length && memcmp(w->data, wanted.data, wanted.length) == 0,
            "%s: %.60s", what, hex);
  release(wanted);
}

static uint64_t u64_of(const char *text) {
  hf_u256 wide;
  uint64_t out;
  cr_assert(hf_u256_parse(text, &wide) == HF_OK && hf_u256_to_u64(&wide, &out) == HF_OK, "%s", text);
  return out;
}

static hf_u256 u256_of(const char *text) {
  hf_u256 out;
  cr_assert(hf_u256_parse(text, &out) == HF_OK, "%s", text);
  return out;
}

static void rlp_bytes_case(const vector *v) {
  hf_bytes data = data_of(v->word[0]);
  hf_writer w = {0};
  hf_rlp_bytes(&w, data.data, data.length);
  expect_hex(&w, v->word[1], "string");
  hf_writer_free(&w);
  release(data);
}

static void rlp_list_case(const vector *v) {
  hf_bytes data = data_of(v->word[0]);
  hf_writer items = {0}, w = {0};
  hf_rlp_bytes(&items, data.data, data.length);
  hf_rlp_bytes(&items, data.data, data.length);
  hf_rlp_list(&w, items.data, items.length);
  expect_hex(&w, v->word[1], "list");
  hf_writer_free(&items);
  hf_writer_free(&w);
  release(data);
}

static void rlp_long_case(const vector *v) {
  size_t length = u64_of(v->word[0]);
  uint8_t *data = malloc(length), hash[32];
  hf_writer w = {0}, h = {0};
  memset(data, 0xa5, length);
  hf_rlp_bytes(&w, data, length);
  hf_keccak256(w.data, w.length, hash);
  hf_write_bytes(&h, hash, 32);
  expect_hex(&h, v->word[1], v->word[0]);
  hf_writer_free(&h);
  hf_writer_free(&w);
  free(data);
}

Test(settle_vectors, rlp) {
  cr_expect(vectors("rlp-bytes", rlp_bytes_case) == 15);
  cr_expect(vectors("rlp-list", rlp_list_case) == 10);
  cr_expect(vectors("rlp-long", rlp_long_case) == 3);
}

static void number_case(const vector *v) {
  hf_bytes data = data_of(v->word[0]);
  char text[HF_U256_TEXT], quantity[HF_QUANTITY_TEXT];
  hf_u256 n = u256_of(v->word[1]), m = u256_of(v->word[2]);
  cr_expect(memcmp(n.b, data.data, 32) == 0 && hf_u256_compare(&n, &m) == 0, "%s", v->word[1]);
  hf_u256_text(&n, text);
  hf_u256_quantity(&n, quantity);
  cr_expect_str_eq(text, v->word[1]);
  cr_expect_str_eq(quantity, v->word[2]);
  release(data);
}

Test(settle_vectors, numbers) {
  static const char *const bad[] = {"", "0x", "-1", "+1", " 1", "1 ", "1a", "0x1g", "0X1", "1.5", "0x 1"};
  static const char *const large[] = {
      "0x10000000000000000000000000000000000000000000000000000000000000000",
      "115792089237316195423570985008687907853269984665640564039457584007913129639936"};
  hf_u256 n, one = hf_u256_from_u64(1), max;
  uint64_t u;
  cr_expect(vectors("number", number_case) == 9);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    cr_expect(hf_u256_parse(bad[i], &n) == HF_E_FORMAT, "%s", bad[i]);
  for (size_t i = 0; i < 2; i++) cr_expect(hf_u256_parse(large[i], &n) == HF_E_RANGE, "%s", large[i]);
  memset(max.b, 255, 32);
  cr_expect(hf_u256_add(&max, &one, &n) == HF_E_RANGE);
  cr_expect(hf_u256_mul_u64(&max, 2, &n) == HF_E_RANGE);
  n = u256_of("18446744073709551616");
  cr_expect(hf_u256_to_u64(&n, &u) == HF_E_RANGE);
  n = u256_of("18446744073709551615");
  cr_expect(hf_u256_to_u64(&n, &u) == HF_OK && u == UINT64_MAX);
  cr_expect(hf_u256_mul_u64(&n, 1000000000, &n) == HF_OK);
  hf_u256 product = u256_of("18446744073709551615000000000");
  cr_expect(hf_u256_compare(&n, &product) == 0);
}

static void key_case(const vector *v) {
  hf_bytes secret = data_of(v->word[0]);
  hf_eth_key key;
  char text[HF_ETH_ADDRESS_TEXT];
  hf_eth_address parsed;
  cr_assert(hf_eth_key_from_secret(secret.data, &key) == HF_OK);
  hf_eth_address_text(&key.address, text);
  cr_expect_str_eq(text, v->word[1]);
  cr_expect(hf_eth_address_parse(text, &parsed) == HF_OK && hf_eth_address_eq(&parsed, &key.address));
  /* one letter in the other case: mistyped */
  for (char *c = text + 2; *c != 0; c++) {
    if ((*c | 32) < 'a') continue;
    *c ^= 32;
    break;
  }
  cr_expect(hf_eth_address_parse(text, &parsed) == HF_E_FORMAT, "%s", text);
  release(secret);
}

static void sign_case(const vector *v) {
  hf_bytes secret = data_of(v->word[0]), hash = data_of(v->word[1]);
  hf_eth_key key;
  hf_eth_signature s;
  hf_eth_address who;
  hf_u256 r = u256_of(v->word[2]), low = u256_of(v->word[3]);
  cr_assert(hf_eth_key_from_secret(secret.data, &key) == HF_OK && hf_eth_sign(&key, hash.data, &s) == HF_OK);
  cr_expect(memcmp(s.r, r.b, 32) == 0 && memcmp(s.s, low.b, 32) == 0 && s.y_parity == u64_of(v->word[4]),
            "%s", v->word[1]);
  cr_expect(hf_eth_recover(&s, hash.data, &who) == HF_OK && hf_eth_address_eq(&who, &key.address));
  s.r[31] ^= 1; /* another signature is somebody else's, or nobody's */
  cr_expect(hf_eth_recover(&s, hash.data, &who) != HF_OK || !hf_eth_address_eq(&who, &key.address));
  release(secret);
  release(hash);
}

Test(settle_vectors, keys) {
  uint8_t secret[32] = {0};
  hf_eth_key key;
  cr_expect(vectors("key", key_case) == 24);
  cr_expect(vectors("sign", sign_case) == 24);
  cr_expect(hf_eth_key_from_secret(secret, &key) == HF_E_RANGE);
  memset(secret, 255, 32);
  cr_expect(hf_eth_key_from_secret(secret, &key) == HF_E_RANGE);
}

static void tx_case(const vector *v) {
  hf_bytes secret = data_of(v->word[0]), data = data_of(v->word[8]);
  hf_eth_key key;
  hf_writer w = {0};
  hf_eth_hash hash;
  char text[HF_ETH_HASH_TEXT];
  hf_eth_tx tx = {.chain_id = u64_of(v->word[1]),
                  .nonce = u64_of(v->word[2]),
                  .tip_wei = u64_of(v->word[3]),
                  .fee_wei = u64_of(v->word[4]),
                  .gas = u64_of(v->word[5]),
                  .value = u256_of(v->word[7]),
                  .data = data};
  tx.creates = strcmp(v->word[6], "-") == 0;
  if (!tx.creates) cr_assert(hf_eth_address_parse(v->word[6], &tx.to) == HF_OK);
  cr_assert(hf_eth_key_from_secret(secret.data, &key) == HF_OK);
  cr_assert(hf_eth_tx_sign(&tx, &key, &w, &hash) == HF_OK);
  expect_hex(&w, v->word[9], "transaction");
  hf_eth_hash_text(&hash, text);
  cr_expect_str_eq(text, v->word[10]);
  hf_writer_free(&w);
  release(secret);
  release(data);
}

Test(settle_vectors, transactions) {
  hf_eth_key key;
  uint8_t secret[32] = {[31] = 1}, *large = calloc(1, HF_ETH_TX_LIMIT);
  hf_writer w = {0};
  hf_eth_hash hash;
  cr_expect(vectors("tx", tx_case) == 48);
  cr_assert(hf_eth_key_from_secret(secret, &key) == HF_OK);
  hf_eth_tx tx = {.chain_id = 1, .tip_wei = 2, .fee_wei = 1};
  cr_expect(hf_eth_tx_sign(&tx, &key, &w, &hash) == HF_E_ARGUMENT && w.length == 0);
  tx = (hf_eth_tx){.chain_id = 1, .fee_wei = 1, .data = {large, HF_ETH_TX_LIMIT}};
  cr_expect(hf_eth_tx_sign(&tx, &key, &w, &hash) == HF_E_RANGE && w.length == 0);
  /* 21,000; 4 a zero and 16 another byte, or the floor of 10 and 40; 32,000 and 2 a word of code */
  uint8_t data[40] = {1, 2, 3};
  cr_expect(hf_eth_intrinsic_gas(&(hf_eth_tx){.gas = 0}) == 21000);
  cr_expect(hf_eth_intrinsic_gas(&(hf_eth_tx){.data = {data, 40}}) == 21000 + 10 * (37 + 4 * 3));
  cr_expect(hf_eth_intrinsic_gas(&(hf_eth_tx){.creates = true, .data = {data, 40}}) ==
            21000 + 4 * 37 + 16 * 3 + 32000 + 4);
  free(large);
}

static void abi_case(const vector *v) {
  hf_u256 list[8], structs[32];
  hf_abi abi;
  hf_eth_address address;
  hf_writer w = {0};
  size_t n = u64_of(v->word[0]);
  hf_u256 one = u256_of(v->word[1]);
  hf_bytes blob = data_of(v->word[3]);
  cr_assert(hf_eth_address_parse(v->word[2], &address) == HF_OK && n <= 8 && v->count == 5 + n);
  for (size_t i = 0; i < n; i++) {
    const uint64_t members[4] = {i, i + 1, 2 * i, i % 2 == 0};
    list[i] = u256_of(v->word[4 + i]);
    for (size_t k = 0; k < 4; k++) structs[4 * i + k] = hf_u256_from_u64(members[k]);
  }
  hf_abi_begin(&abi, 5);
  hf_abi_word(&abi, &one);
  hf_abi_address(&abi, &address);
  hf_abi_array(&abi, n, list, 1);
  hf_abi_array(&abi, n, structs, 4);
  hf_abi_bytes(&abi, blob.data, blob.length);
  cr_expect(hf_abi_end(&abi, "f(uint256,address,uint256[],(uint64,uint32,uint8,bool)[],bytes)", &w) == HF_OK);
  expect_hex(&w, v->word[4 + n], "call");
  hf_writer_free(&w);
  release(blob);
}

Test(settle_vectors, calls) {
  hf_abi abi;
  hf_writer w = {0};
  hf_u256 word = {{0}}, out[2];
  hf_eth_address address;
  bool truth;
  cr_expect(vectors("abi", abi_case) == 4);
  hf_abi_begin(&abi, 2);
  hf_abi_u64(&abi, 1);
  cr_expect(hf_abi_end(&abi, "f(uint256,uint256)", &w) == HF_E_INTERNAL && w.length == 0);
  cr_expect(hf_abi_read(word.b, 31, out, 1) == HF_E_FORMAT && hf_abi_read(word.b, 0, out, 1) == HF_E_FORMAT);
  cr_expect(hf_abi_read(word.b, 32, out, 1) == HF_OK);
  word.b[11] = 1;
  cr_expect(hf_abi_to_address(&word, &address) == HF_E_RANGE);
  word = hf_u256_from_u64(2);
  cr_expect(hf_abi_to_bool(&word, &truth) == HF_E_RANGE && !truth);
  word = hf_u256_from_u64(1);
  cr_expect(hf_abi_to_bool(&word, &truth) == HF_OK && truth);
}

Test(settle_vectors, key_files) {
  char folder[] = "/tmp/hf_settle_keys_XXXXXX", path[64], text[80];
  uint8_t secret[32] = {[0] = 7};
  hf_eth_key key;
  hf_eth_address made, again;
  cr_assert(mkdtemp(folder) != NULL);
  snprintf(path, sizeof path, "%s/key", folder);
  cr_expect(hf_eth_key_load(path, &key) == HF_E_NOT_FOUND);
  cr_assert(hf_eth_key_create(path, &made) == HF_OK);
  struct stat info;
  cr_expect(stat(path, &info) == 0 && (info.st_mode & 0777) == 0600);
  cr_expect(hf_eth_key_load(path, &key) == HF_OK && hf_eth_address_eq(&key.address, &made));
  cr_expect(hf_eth_key_create(path, &again) == HF_E_EXISTS &&
            hf_eth_key_import(path, secret, &again) == HF_E_EXISTS);
  for (int mode = 1; mode <= 077; mode <<= 1) { /* any right of anybody else */
    cr_assert(chmod(path, 0600 | (mode_t)mode) == 0);
    cr_expect(hf_eth_key_load(path, &key) == HF_E_REFUSED, "mode %o", 0600 | mode);
    cr_expect(memcmp(key.secret, (uint8_t[32]){0}, 32) == 0);
  }
  unlink(path);
  static const char *const bad[] = {"", "0x", "07\n", "zz", "\n"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    hf_bytes part = {bad[i], strlen(bad[i])};
    cr_assert(hf_file_write(path, 0600, &part, 1) == HF_OK);
    cr_expect(hf_eth_key_load(path, &key) == HF_E_FORMAT, "\"%s\"", bad[i]);
  }
  static const char *const shapes[] = {"%s", "0x%s", "0x%s\n", "%s\r\n"};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    char hex[65];
    hf_hex(secret, 32, hex);
    int length = snprintf(text, sizeof text,
                          i == 0   ? "%s"
                          : i == 1 ? "0x%s"
                          : i == 2 ? "0x%s\n"
                                   : "%s\r\n",
                          hex);
    hf_bytes part = {text, (size_t)length};
    cr_assert(hf_file_write(path, 0600, &part, 1) == HF_OK);
    cr_expect(hf_eth_key_load(path, &key) == HF_OK && memcmp(key.secret, secret, 32) == 0, "%s", shapes[i]);
    text[length - 1] = 'q';
    text[length] = 'q';
    part.length = (size_t)length + 1;
    cr_assert(hf_file_write(path, 0600, &part, 1) == HF_OK);
    cr_expect(hf_eth_key_load(path, &key) == HF_E_FORMAT);
  }
  unlink(path);
  rmdir(folder);
}

/* The committed vectors are what the script prints today. */
Test(settle_vectors, made_again) {
  if (access(HF_SOURCE_DIR "/tests/evm/node_modules/ethers", R_OK) != 0)
    cr_skip_test("ethers is absent (npm ci in tests/evm)");
  if (system("command -v node >/dev/null 2>&1") != 0) cr_skip_test("node is absent");
  cr_expect(system("cd " HF_SOURCE_DIR
                   "/tests/settle/vectors && node print.mjs ../../evm | cmp - ethers.txt") == 0);
}
