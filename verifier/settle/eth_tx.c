#include "eth_tx.h"

#include "eth_rlp.h"
#include "host/keccak.h"
#include <string.h>

#define TX_TYPE 2 /* EIP-1559 */

/* The items that are signed; the signature's three follow them in the sent list. */
static void write_items(const hf_eth_tx *tx, hf_writer *w) {
  hf_rlp_u64(w, tx->chain_id);
  hf_rlp_u64(w, tx->nonce);
  hf_rlp_u64(w, tx->tip_wei);
  hf_rlp_u64(w, tx->fee_wei);
  hf_rlp_u64(w, tx->gas);
  hf_rlp_bytes(w, tx->to.b, tx->creates ? 0 : sizeof tx->to.b);
  hf_rlp_u256(w, &tx->value);
  hf_rlp_bytes(w, tx->data.data, tx->data.length);
  hf_rlp_list(w, NULL, 0); /* no access list */
}

static void write_signature(const hf_eth_signature *signature, hf_writer *w) {
  hf_u256 r, s;
  memcpy(r.b, signature->r, 32);
  memcpy(s.b, signature->s, 32);
  hf_rlp_u64(w, signature->y_parity);
  hf_rlp_u256(w, &r);
  hf_rlp_u256(w, &s);
}

hf_status hf_eth_tx_sign(const hf_eth_tx *tx, const hf_eth_key *key, hf_writer *w, hf_eth_hash *hash) {
  hf_writer items = {0}, whole = {0};
  hf_eth_signature signature;
  uint8_t digest[32];
  hf_status status;
  if (tx->tip_wei > tx->fee_wei) return hf_fail(HF_E_ARGUMENT, "the tip is above the fee that contains it");
  write_items(tx, &items);
  hf_write_u8(&whole, TX_TYPE);
  hf_rlp_list(&whole, items.data, items.length);
  HF_TRY(hf_writer_status(&items));
  HF_TRY(hf_writer_status(&whole));
  hf_keccak256(whole.data, whole.length, digest);
  HF_TRY(hf_eth_sign(key, digest, &signature));
  write_signature(&signature, &items);
  whole.length = 1;
  hf_rlp_list(&whole, items.data, items.length);
  HF_TRY(hf_writer_status(&items));
  HF_TRY(hf_writer_status(&whole));
  if (whole.length > HF_ETH_TX_LIMIT)
    HF_TRY(hf_fail(HF_E_RANGE, "a transaction of %zu bytes; nodes take at most %zu", whole.length,
                   HF_ETH_TX_LIMIT));
  hf_keccak256(whole.data, whole.length, hash->b);
  hf_write_bytes(w, whole.data, whole.length);
  HF_TRY(hf_writer_status(w));
out:
  hf_writer_free(&items);
  hf_writer_free(&whole);
  return status;
}

uint64_t hf_eth_intrinsic_gas(const hf_eth_tx *tx) {
  const uint8_t *data = tx->data.data;
  uint64_t zeros = 0, others;
  for (size_t i = 0; i < tx->data.length; i++) zeros += data[i] == 0;
  others = tx->data.length - zeros;
  uint64_t gas = 21000 + 4 * zeros + 16 * others, floor = 21000 + 10 * (zeros + 4 * others);
  if (tx->creates) gas += 32000 + 2 * ((tx->data.length + 31) / 32);
  return gas > floor ? gas : floor;
}
