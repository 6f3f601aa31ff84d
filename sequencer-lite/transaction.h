/* Transactions: what wallets sign, how it is written down, and why one is refused.
 *
 * A signed transaction is one line of JSON:
 *   {"type":"transfer","chain_id":"7","nonce":0,"account":3,"from":KEY,"to":KEY,
 *    "amount":"100","fee":"1","signature":SIG}
 *   {"type":"withdraw","chain_id":"7","nonce":1,"account":3,"from":KEY,"address":ADDRESS,
 *    "amount":"5","fee":"1","signature":SIG}
 * "account" is the index of the sender's account, which is signed too (hyperfold/rollup.h says why). KEY is a
 * compressed public key (host/babyjub.h), 64 hex digits; SIG R and S, 128 digits; ADDRESS an address on L1,
 * 40 digits; 0x in front is allowed. Numbers are decimal strings or JSON integers (integers of JSON reach
 * 2^63 - 1). Exactly these keys, each once.
 *
 * A deposit, as L1 orders it, is one line too:
 *   {"chain_id":"7","index":0,"key":KEY,"amount":"1000"}
 * Here KEY may also be x and y, 128 digits (32 little-endian bytes each): the contract does not
 * check that a key is on the curve, so such a deposit exists, and is refused when it is consumed. */
#ifndef HF_SEQUENCER_TRANSACTION_H
#define HF_SEQUENCER_TRANSACTION_H

#include <hyperfold/digest.h>
#include <hyperfold/rollup.h>
#include "host/eddsa.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HF_TRANSACTION_LINE_MAX 2048 /* bytes of a line without its line end */
#define HF_KEY_HEX              65   /* a public key in hex with its NUL */
#define HF_CHAIN_ID_TEXT        40   /* a chain id in decimal with its NUL */
#define HF_TRANSACTION_JSON     768  /* a line in JSON with its NUL */

/* 128 bits. */
typedef struct hf_chain_id {
  uint64_t low, high;
} hf_chain_id;

static inline bool hf_chain_id_eq(hf_chain_id a, hf_chain_id b) { return a.low == b.low && a.high == b.high; }
/* Decimal without sign or leading zeros. HF_E_FORMAT. */
hf_status hf_chain_id_parse(const char *text, hf_chain_id *out);
void hf_chain_id_text(hf_chain_id id, char out[HF_CHAIN_ID_TEXT]);
/* The same for 64 bits. */
hf_status hf_u64_parse(const char *text, uint64_t *out);

/* X(NAME, code, text): a refusal's code is what machines read; 0 is acceptance. They are checked in this
 * order. */
#define HF_REFUSAL_LIST(X)                                                                                   \
  X(NONE, "accepted", "accepted")                                                                            \
  X(MALFORMED, "malformed", "not a well-formed transaction")                                                 \
  X(CHAIN_ID, "chain_id", "signed for another chain")                                                        \
  X(UNKNOWN_SENDER, "unknown_sender", "the sender has no account")                                           \
  X(ACCOUNT, "account", "the account is not the sender's")                                                   \
  X(SIGNATURE, "signature", "the signature is not the sender's over this transaction")                       \
  X(DUPLICATE, "duplicate", "this transaction was accepted before")                                          \
  X(SELF_TRANSFER, "self_transfer", "sender and receiver are the same account")                              \
  X(NONCE, "nonce", "the nonce is not the sender's next")                                                    \
  X(UNKNOWN_RECEIVER, "unknown_receiver", "the receiver has no account")                                     \
  X(FUNDS, "funds", "the balance does not cover amount and fee")                                             \
  X(OVERFLOW, "overflow", "a balance would exceed 64 bits")                                                  \
  X(NO_OPERATOR, "no_operator", "the operator has no account yet that could take a fee")

typedef enum hf_refusal {
#define HF_REFUSAL_ENUM(name, code, text) HF_REFUSAL_##name,
  HF_REFUSAL_LIST(HF_REFUSAL_ENUM)
#undef HF_REFUSAL_ENUM
      HF_REFUSALS
} hf_refusal;

const char *hf_refusal_code(hf_refusal refusal); /* "nonce"; static */
const char *hf_refusal_text(hf_refusal refusal); /* for people; static */

typedef struct hf_transaction {
  uint8_t type; /* HF_SLOT_TRANSFER or HF_SLOT_WITHDRAW */
  hf_chain_id chain_id;
  uint32_t nonce;
  uint32_t account; /* the sender's index */
  uint64_t amount, fee;
  hf_bjj from;                                 /* on the curve, not of small order */
  hf_fr to1, to2;                              /* the receiver's key, or the L1 address and 0 */
  uint8_t signature[HF_EDDSA_SIGNATURE_BYTES]; /* as sent: decoding it is part of checking it */
} hf_transaction;

typedef struct hf_deposit {
  hf_chain_id chain_id;
  uint64_t index;
  hf_fr x, y; /* any field elements */
  uint64_t amount;
} hf_deposit;

/* The four signed words. */
void hf_transaction_message(const hf_transaction *tx, hf_fr message[4]);
/* What names a transaction: BLAKE2b-256 of "hyperfold.transaction.v1", the sender's key and the message
 * words, without the signature, so that a payment signed twice is one payment. */
hf_digest hf_transaction_hash(const hf_transaction *tx);
/* *ok tells whether the signature is good; a signature that does not decode is not. */
void hf_transaction_verify(const hf_transaction *tx, bool *ok);

/* One line of JSON. HF_E_FORMAT with what is wrong; `out` is zero then. */
hf_status hf_transaction_parse(const char *line, size_t length, hf_transaction *out);
hf_status hf_deposit_parse(const char *line, size_t length, hf_deposit *out);
/* The same line back, in this file's key order, without a line end. */
void hf_transaction_json(const hf_transaction *tx, char out[HF_TRANSACTION_JSON]);
void hf_deposit_json(const hf_deposit *deposit, char out[HF_TRANSACTION_JSON]);

/* Public keys in hex: 64 digits. HF_E_FORMAT (not hex), HF_E_RANGE, HF_E_CURVE, HF_E_REFUSED (small order).
 */
hf_status hf_key_parse(const char *text, hf_bjj *out);
void hf_key_text(hf_bjj key, char out[HF_KEY_HEX]);
/* A key that can own an account: on the curve and not of small order. */
bool hf_key_is_valid(hf_bjj key);

/* The next line of a text of many; *rest moves behind it. Line ends are LF or CR LF. False at the end. */
bool hf_line_next(const char **rest, const char *end, const char **line, size_t *length);

#ifdef __cplusplus
}
#endif
#endif
