/* The key of an account on L1 (secp256k1), from a file, and what is signed with it.
 *
 * A key file is one line of 64 hex digits (0x in front is allowed), mode 0600: what other tools export. It is
 * never overwritten, and a key is never taken from the command line or the environment, where others could
 * see it. */
#ifndef HF_ETH_KEY_H
#define HF_ETH_KEY_H

#include "eth_number.h"

typedef struct hf_eth_key {
  uint8_t secret[32]; /* hf_eth_key_wipe when done */
  hf_eth_address address;
} hf_eth_key;

/* Makes a file with a fresh key. HF_E_EXISTS when there is a file, HF_E_RANDOM, HF_E_NOT_FOUND (folder),
 * HF_E_IO. */
hf_status hf_eth_key_create(const char *path, hf_eth_address *address);
/* The same with a given secret, for keys made elsewhere. HF_E_RANGE for 0 or a number not below the order. */
hf_status hf_eth_key_import(const char *path, const uint8_t secret[32], hf_eth_address *address);
/* HF_E_NOT_FOUND; HF_E_REFUSED when others than the owner may use the file; HF_E_FORMAT, HF_E_RANGE. */
hf_status hf_eth_key_load(const char *path, hf_eth_key *out);
hf_status hf_eth_key_from_secret(const uint8_t secret[32], hf_eth_key *out);
void hf_eth_key_wipe(hf_eth_key *key);

typedef struct hf_eth_signature {
  uint8_t r[32], s[32]; /* s in the lower half of the order, as EIP-2 wants */
  uint8_t y_parity;     /* 0 or 1 */
} hf_eth_signature;

/* Deterministic (RFC 6979): the same hash gives the same signature, so a transaction signed again is the same
 * one. */
hf_status hf_eth_sign(const hf_eth_key *key, const uint8_t hash[32], hf_eth_signature *out);
/* Who signed. HF_E_FORMAT for a signature that nobody can have made. */
hf_status hf_eth_recover(const hf_eth_signature *signature, const uint8_t hash[32], hf_eth_address *out);

#endif
