/* Lines and tables of transactions. The first byte says what the rest is. What is taken is written
 * again and taken again as the same. */
#include "wallet.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void transaction(const char *text, size_t length) {
  hf_transaction tx, again;
  char json[HF_TRANSACTION_JSON], other[HF_TRANSACTION_JSON];
  bool ok = true;
  if (hf_transaction_parse(text, length, &tx) != HF_OK) {
    if (tx.type || tx.amount) abort();
    return;
  }
  if (!hf_key_is_valid(tx.from)) abort();
  hf_transaction_json(&tx, json);
  if (hf_transaction_parse(json, strlen(json), &again) != HF_OK) abort();
  hf_transaction_json(&again, other);
  if (strcmp(json, other) != 0) abort();
  hf_digest a = hf_transaction_hash(&tx), b = hf_transaction_hash(&again);
  if (!hf_digest_eq(&a, &b)) abort();
  hf_transaction_verify(&tx, &ok);
}

static void deposit(const char *text, size_t length) {
  hf_deposit d, again;
  char json[HF_TRANSACTION_JSON], other[HF_TRANSACTION_JSON];
  if (hf_deposit_parse(text, length, &d) != HF_OK) return;
  hf_deposit_json(&d, json);
  if (hf_deposit_parse(json, strlen(json), &again) != HF_OK) abort();
  hf_deposit_json(&again, other);
  if (strcmp(json, other) != 0) abort();
}

static hf_status row(void *context, size_t number, const hf_transaction *tx, const char *detail) {
  size_t *last = context;
  if (tx || number <= *last || !*detail) abort(); /* there are no wallets, so every row is refused */
  *last = number;
  return HF_OK;
}

static hf_status find(void *context, hf_bjj key, uint32_t *account, uint32_t *nonce) {
  (void)context;
  (void)key;
  (void)account;
  (void)nonce;
  abort(); /* there are no wallets, so nobody is looked for */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  const char *text = (const char *)data + 1;
  switch (data[0] % 3) {
  case 0:
    transaction(text, size - 1);
    break;
  case 1:
    deposit(text, size - 1);
    break;
  default: {
    const bool with_account = data[0] & 0x80;
    hf_payments_options options = {.wallets = "/nonexistent", .find = with_account ? NULL : find};
    const char *header = with_account ? "from,account,to,amount,fee\n" : "from,to,amount,fee\n";
    const size_t length = strlen(header);
    char *table = malloc(length + size);
    size_t last = 0;
    if (!table) return 0;
    memcpy(table, header, length);
    memcpy(table + length, text, size - 1);
    (void)hf_payments_sign(&options, table, length + size - 1, row, &last);
    free(table);
  }
  }
  return 0;
}
