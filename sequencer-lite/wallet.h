/* Wallets: key files, signing, and payments from a table.
 *
 * A key file is text of three lines, mode 0600, and is never overwritten:
 *   hyperfold-key 1
 *   seed <64 hex digits>
 *   public <64 hex digits>      the compressed public key, which is also the account's name
 * The key follows from the seed as host/eddsa.h says. */
#ifndef HYPERFOLD_WALLET_H
#define HYPERFOLD_WALLET_H

#include "transaction.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hf_wallet {
  hf_eddsa_key key; /* secret: hf_wallet_wipe when done */
} hf_wallet;

/* Makes a key file with a fresh key. HF_E_EXISTS when there is a file, HF_E_RANDOM, HF_E_NOT_FOUND (folder),
 * HF_E_FULL, HF_E_IO. `public_key` may be NULL. */
hf_status hf_wallet_create(const char *path, hf_bjj *public_key);
/* The same with a given seed: for tests and restored back-ups. */
hf_status hf_wallet_restore(const char *path, const uint8_t seed[32], hf_bjj *public_key);
/* HF_E_NOT_FOUND; HF_E_REFUSED when others than the owner may read the file; HF_E_FORMAT, also when the
 * public key is not that of the seed. */
hf_status hf_wallet_load(const char *path, hf_wallet *out);
void hf_wallet_wipe(hf_wallet *wallet);

/* An address on L1: 40 hex digits, 0x in front allowed. HF_E_FORMAT. */
hf_status hf_address_parse(const char *text, uint8_t address[20]);

/* What a signature is good for: one chain, one account of it (by index), one nonce. */
typedef struct hf_signing_place {
  hf_chain_id chain_id;
  uint32_t account, nonce;
} hf_signing_place;

/* Signed transactions. HF_E_REFUSED for a receiver that is no valid key. */
hf_status hf_wallet_transfer(const hf_wallet *wallet, hf_signing_place at, hf_bjj to, uint64_t amount,
                             uint64_t fee, hf_transaction *out);
hf_status hf_wallet_withdraw(const hf_wallet *wallet, hf_signing_place at, const uint8_t address[20],
                             uint64_t amount, uint64_t fee, hf_transaction *out);

/* Payments from a table. The text is CSV with the header line
 *   from,to,amount,fee             or
 *   from,account,to,amount,fee
 * `from` names a wallet: the file WALLETS/from.key; `account` is the index of its account. `to` names one
 * too, or is a public key (64 hex digits), or an L1 address (0x and 40 digits), which makes it a withdrawal.
 * No quotes, no blanks; empty lines are skipped. */
typedef struct hf_payments_options {
  const char *wallets; /* folder */
  hf_chain_id chain_id;
  /* Index and next nonce of a key's account; asked once for each sender. The table's column `account` goes
   * before the index. NULL: the table must have that column, and nonces start at 0. */
  hf_status (*find)(void *context, hf_bjj key, uint32_t *account, uint32_t *nonce);
  void *context;
} hf_payments_options;

/* One row: signed, or with transaction NULL and `detail` saying what is malformed about it. `row` counts
 * lines from 1. HF_E_REFUSED says that the transaction was not accepted: its nonce is used for the sender's
 * next row. */
typedef hf_status (*hf_payment_sink)(void *context, size_t row, const hf_transaction *transaction,
                                     const char *detail);

/* Signs the rows in order; the nonce of a sender grows with each of its rows that is not refused. HF_E_FORMAT
 * when the header is wrong or nothing says the accounts, what else the callbacks return, HF_E_MEMORY. */
hf_status hf_payments_sign(const hf_payments_options *options, const char *csv, size_t length,
                           hf_payment_sink sink, void *context);

#ifdef __cplusplus
}
#endif
#endif
