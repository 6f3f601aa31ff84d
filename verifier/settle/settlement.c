#include "settlement.h"

#include <stdlib.h>
#include <string.h>
#include "eth_abi.h"
#include "evm.h"
#include "host/keccak.h"

#define WEI_A_UNIT 1000000000ull /* HF_EVM_UNIT_GWEI gwei */

_Static_assert(HF_EVM_UNIT_GWEI == 1, "amounts are gwei");

/* ---- views ---- */

/* Calls a view at the state after `block`; takes the arguments in `abi`. Exactly `count` words must come
 * back. */
static hf_status view_at(const hf_settlement *c, uint64_t block, const hf_eth_address *at,
                         const char *signature, hf_abi *abi, hf_u256 *words, size_t count) {
  hf_writer data = {0}, returned = {0};
  bool reverted;
  char reason[256];
  hf_status status;
  HF_TRY(hf_abi_end(abi, signature, &data));
  hf_eth_call call = {.to = *at, .data = {data.data, data.length}};
  HF_TRY(hf_eth_call_at(c->rpc, &call, block, &reverted, &returned));
  if (reverted) {
    (void)hf_evm_revert_text(returned.data, returned.length, reason, sizeof reason);
    HF_TRY(hf_fail(HF_E_REFUSED, "%s: %s", signature, reason));
  }
  status = hf_abi_read(returned.data, returned.length, words, count);
  if (status != HF_OK) HF_TRY(hf_fail_context(status, "%s", signature));
out:
  hf_writer_free(&data);
  hf_writer_free(&returned);
  return status;
}

static hf_status view(const hf_settlement *c, const hf_eth_address *at, const char *signature, hf_abi *abi,
                      hf_u256 *words, size_t count) {
  return view_at(c, HF_ETH_LATEST, at, signature, abi, words, count);
}

static hf_status view_u64(const hf_settlement *c, const char *signature, hf_abi *abi, uint64_t *out) {
  hf_u256 word;
  hf_status status = view(c, &c->address, signature, abi, &word, 1);
  return status == HF_OK ? hf_u256_to_u64(&word, out) : status;
}

hf_status hf_settlement_check(const hf_settlement *contract) {
  hf_status status;
  bool there;
  uint64_t unit;
  hf_abi abi;
  char text[HF_ETH_ADDRESS_TEXT];
  hf_eth_address_text(&contract->address, text);
  HF_TRY(hf_eth_has_code(contract->rpc, &contract->address, &there));
  if (!there) HF_TRY(hf_fail(HF_E_NOT_FOUND, "there is no contract at %s", text));
  hf_abi_begin(&abi, 0);
  HF_TRY(view_u64(contract, "UNIT()", &abi, &unit));
  if (unit != WEI_A_UNIT)
    HF_TRY(hf_fail(HF_E_UNSUPPORTED, "%s counts in units of %llu wei", text, (unsigned long long)unit));
out:
  return status;
}

hf_status hf_settlement_chain(const hf_settlement *contract, const hf_u256 *chain, hf_settled_chain *out) {
  return hf_settlement_chain_at(contract, chain, HF_ETH_LATEST, out);
}

hf_status hf_settlement_chain_at(const hf_settlement *contract, const hf_u256 *chain, uint64_t block,
                                 hf_settled_chain *out) {
  hf_status status;
  hf_abi abi;
  hf_u256 word[7];
  memset(out, 0, sizeof *out);
  hf_abi_begin(&abi, 1);
  hf_abi_word(&abi, chain);
  HF_TRY(view_at(contract, block, &contract->address, "chain(uint256)", &abi, word, 7));
  out->state_root = word[0];
  HF_TRY(hf_u256_to_u64(&word[1], &out->batch));
  HF_TRY(hf_u256_to_u64(&word[2], &out->deposits_consumed));
  out->escrow = word[3];
  HF_TRY(hf_abi_to_address(&word[4], &out->operator));
  HF_TRY(hf_u256_to_u64(&word[5], &out->mode));
  HF_TRY(hf_u256_to_u64(&word[6], &out->deposits_queued));
out:
  return status;
}

hf_status hf_settlement_chain_count(const hf_settlement *contract, uint64_t *out) {
  hf_abi abi;
  hf_abi_begin(&abi, 0);
  return view_u64(contract, "chainCount()", &abi, out);
}

hf_status hf_settlement_chain_id(const hf_settlement *contract, uint64_t index, hf_u256 *out) {
  hf_abi abi;
  hf_abi_begin(&abi, 1);
  hf_abi_u64(&abi, index);
  return view(contract, &contract->address, "chainIdOf(uint256)", &abi, out, 1);
}

hf_status hf_settlement_claimable(const hf_settlement *contract, const hf_eth_address *account,
                                  hf_u256 *out) {
  hf_abi abi;
  hf_abi_begin(&abi, 1);
  hf_abi_address(&abi, account);
  return view(contract, &contract->address, "claimable(address)", &abi, out, 1);
}

hf_status hf_settlement_deposit_hash(const hf_settlement *contract, const hf_u256 *chain, uint64_t count,
                                     hf_eth_hash *out) {
  hf_abi abi;
  hf_u256 word;
  hf_abi_begin(&abi, 2);
  hf_abi_word(&abi, chain);
  hf_abi_u64(&abi, count);
  hf_status status = view(contract, &contract->address, "depositHash(uint256,uint64)", &abi, &word, 1);
  if (status == HF_OK) memcpy(out->b, word.b, 32);
  return status;
}

hf_status hf_settlement_find_verifier(const hf_settlement *contract, const hf_u256 *digest, uint64_t *id) {
  hf_status status;
  hf_abi abi;
  uint64_t count;
  hf_abi_begin(&abi, 0);
  HF_TRY(view_u64(contract, "verifierCount()", &abi, &count));
  for (*id = 0; *id < count; ++*id) {
    hf_u256 word[2], key;
    hf_eth_address verifier;
    hf_abi_begin(&abi, 1);
    hf_abi_u64(&abi, *id);
    HF_TRY(view(contract, &contract->address, "verifierAt(uint256)", &abi, word, 2));
    HF_TRY(hf_abi_to_address(&word[0], &verifier));
    if (hf_eth_address_is_zero(&verifier)) continue; /* removed */
    hf_abi_begin(&abi, 0);
    HF_TRY(view(contract, &verifier, "verifyingKeyDigest()", &abi, &key, 1));
    if (hf_u256_compare(&key, digest) == 0) goto out;
  }
  uint8_t little[32];
  char hex[65];
  for (int i = 0; i < 32; i++) little[i] = digest->b[31 - i]; /* as every command prints keys */
  hf_hex(little, 32, hex);
  status = hf_fail(HF_E_NOT_FOUND, "none of the contract's %llu verifiers is for the seal's key %s",
                   (unsigned long long)count, hex);
out:
  return status;
}

/* ---- calls ---- */

hf_status hf_settlement_deposit_call(const hf_u256 *chain, const hf_u256 *key_x, const hf_u256 *key_y,
                                     hf_writer *w) {
  hf_abi abi;
  hf_abi_begin(&abi, 3);
  hf_abi_word(&abi, chain);
  hf_abi_word(&abi, key_x);
  hf_abi_word(&abi, key_y);
  return hf_abi_end(&abi, "deposit(uint256,uint256,uint256)", w);
}

hf_status hf_settlement_wei(uint64_t amount, hf_u256 *out) {
  *out = hf_u256_from_u64(amount);
  return hf_u256_mul_u64(out, WEI_A_UNIT, out);
}

hf_status hf_settlement_claim_call(const hf_eth_address *to, hf_writer *w) {
  hf_abi abi;
  hf_abi_begin(&abi, 1);
  hf_abi_address(&abi, to);
  return hf_abi_end(&abi, "claim(address)", w);
}

hf_status hf_settlement_register_call(const hf_eth_address *operator, uint64_t mode,
                                      const hf_u256 *genesis_root, const hf_leaf_key *keys, size_t count,
                                      hf_writer *w) {
  hf_abi abi;
  enum { MOST = 16 };
  hf_u256 digests[MOST], structs[MOST][4];
  if (count > MOST) return hf_fail(HF_E_ARGUMENT, "at most %d leaf keys at once", MOST);
  for (size_t i = 0; i < count; i++) {
    digests[i] = keys[i].digest;
    structs[i][0] = hf_u256_from_u64(0); /* active from: the contract's to say */
    structs[i][1] = hf_u256_from_u64(keys[i].slots);
    structs[i][2] = hf_u256_from_u64(keys[i].depth);
    structs[i][3] = hf_u256_from_u64(0); /* no messages between chains */
  }
  hf_abi_begin(&abi, 5);
  hf_abi_address(&abi, operator);
  hf_abi_u64(&abi, mode);
  hf_abi_word(&abi, genesis_root);
  hf_abi_array(&abi, count, digests, 1);
  hf_abi_array(&abi, count, structs[0], 4);
  return hf_abi_end(&abi, "registerChain(address,uint8,uint256,uint256[],(uint64,uint32,uint8,bool)[])", w);
}

hf_status hf_settlement_add_verifier_call(const hf_eth_address *verifier, hf_writer *w) {
  hf_abi abi;
  hf_abi_begin(&abi, 1);
  hf_abi_address(&abi, verifier);
  return hf_abi_end(&abi, "addVerifier(address)", w);
}

hf_status hf_settlement_set_settler_call(const hf_u256 *chain, const hf_eth_address *settler, bool allowed,
                                         hf_writer *w) {
  hf_abi abi;
  hf_abi_begin(&abi, 3);
  hf_abi_word(&abi, chain);
  hf_abi_address(&abi, settler);
  hf_abi_u64(&abi, allowed);
  return hf_abi_end(&abi, "setSettler(uint256,address,bool)", w);
}

hf_status hf_settlement_create_arguments(const hf_eth_address *owner, uint64_t delay, bool development,
                                         hf_writer *w) {
  hf_abi abi;
  hf_abi_begin(&abi, 3);
  hf_abi_address(&abi, owner);
  hf_abi_u64(&abi, delay);
  hf_abi_u64(&abi, development);
  return hf_abi_end(&abi, NULL, w);
}

/* ---- deposits ---- */

void hf_deposit_roll(hf_eth_hash *hash, const hf_l1_deposit *deposit) {
  uint8_t in[160] = {0};
  hf_u256 amount = hf_u256_from_u64(deposit->amount);
  memcpy(in, hash->b, 32);
  memcpy(in + 32, deposit->key_x.b, 32);
  memcpy(in + 64, deposit->key_y.b, 32);
  memcpy(in + 96, amount.b, 32);
  memcpy(in + 140, deposit->owner.b, 20);
  hf_keccak256(in, sizeof in, hash->b);
}

typedef struct deposit_reader {
  hf_l1_deposit_sink sink;
  void *context;
  uint64_t next;
  bool any;
} deposit_reader;

static hf_status read_deposit(void *context, const hf_eth_log *log) {
  deposit_reader *r = context;
  hf_status status;
  hf_l1_deposit d = {.block = log->block};
  hf_u256 word[3];
  if (log->topic_count != 4) return hf_fail(HF_E_FORMAT, "a deposit's log of %zu topics", log->topic_count);
  HF_TRY(hf_u256_to_u64(&log->topic[2], &d.index));
  HF_TRY(hf_abi_to_address(&log->topic[3], &d.owner));
  HF_TRY(hf_abi_read(log->data, log->data_length, word, 3));
  d.key_x = word[0];
  d.key_y = word[1];
  HF_TRY(hf_u256_to_u64(&word[2], &d.amount));
  if (r->any && d.index != r->next)
    HF_TRY(hf_fail(HF_E_FORMAT, "the node's deposits have a gap: %llu after %llu",
                   (unsigned long long)d.index, (unsigned long long)r->next - 1));
  r->any = true;
  r->next = d.index + 1;
  status = r->sink(r->context, &d);
out:
  return status;
}

hf_status hf_settlement_deposits(const hf_settlement *contract, const hf_u256 *chain, uint64_t from,
                                 uint64_t to, hf_l1_deposit_sink sink, void *context) {
  deposit_reader r = {.sink = sink, .context = context};
  hf_u256 topic;
  hf_evm_topic("Deposited(uint256,uint64,address,uint256,uint256,uint64)", topic.b);
  return hf_eth_logs(contract->rpc, &contract->address, (const hf_u256 *const[HF_ETH_TOPICS]){&topic, chain},
                     from, to, read_deposit, &r);
}
