#include "rehearsal.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "eth_abi.h"
#include "host/g1.h"

void rehearsal_verifier(hf_writer *code) {
  /* copies the 39 bytes behind itself and returns them; those return the digest, whatever is asked */
  static const uint8_t create[] = {0x60, 39, 0x80, 0x60, 9, 0x5f, 0x39, 0x5f, 0xf3};
  static const uint8_t give[] = {0x5f, 0x52, 0x60, 32, 0x5f, 0xf3};
  hf_u256 digest = hf_u256_from_u64(REHEARSAL_SEAL_KEY);
  hf_write_bytes(code, create, sizeof create);
  hf_write_u8(code, 0x7f);
  hf_write_bytes(code, digest.b, 32);
  hf_write_bytes(code, give, sizeof give);
}

hf_eth_receipt rehearsal_send(rehearsal *r, const hf_eth_key *from, const hf_eth_address *to, uint64_t units,
                              const hf_writer *data, uint64_t gas, char *why) {
  static unsigned count;
  char name[32];
  hf_sender *sender = NULL;
  hf_sent sent = {0};
  hf_sender_options options = {
      .rpc = r->node.rpc, .key = from, .folder = r->folder, .confirmations = 1, .poll_ms = 20};
  snprintf(name, sizeof name, "step %u", count++);
  hf_send_request request = {.id = hf_digest_bytes(name, strlen(name)),
                             .what = name,
                             .creates = to == NULL,
                             .gas = gas,
                             .data = {data->data, data->length}};
  if (to != NULL) request.to = *to;
  OK(hf_settlement_wei(units, &request.value));
  OK(hf_sender_open(&options, &sender));
  hf_status status = hf_sender_begin(sender, &request, &sent);
  if (status == HF_E_REFUSED && why != NULL) {
    snprintf(why, 512, "%s", hf_error_message());
  } else {
    OK(status);
    OK(hf_sender_wait(sender, &request.id, 60000, &sent));
    if (why != NULL) snprintf(why, 512, "%s", sent.reason);
    cr_assert(why != NULL || sent.receipt.success, "%s", sent.reason);
  }
  hf_sender_close(&sender);
  return sent.receipt;
}

static hf_eth_address create(rehearsal *r, const hf_writer *code) {
  return rehearsal_send(r, &r->owner, NULL, 0, code, 12000000, NULL).contract;
}

static void open_contract(rehearsal *r) {
  hf_writer verifier = {0}, code = {0}, call = {0}, chain = {0};
  const hf_leaf_key key = {
      .digest = hf_u256_from_u64(REHEARSAL_LEAF_KEY), .slots = REHEARSAL_SLOTS, .depth = REHEARSAL_DEPTH};
  hf_chain_info info;
  hf_u256 root;
  anvil_bytecode("HyperfoldSettlement", &code);
  OK(hf_settlement_create_arguments(&r->owner.address, 0, true, &code));
  rehearsal_verifier(&verifier);
  hf_eth_address at = create(r, &verifier);
  r->contract = (hf_settlement){r->node.rpc, create(r, &code)};
  OK(hf_eth_block_number(r->node.rpc, &r->from_block));
  OK(hf_settlement_check(&r->contract));
  OK(hf_settlement_add_verifier_call(&at, &call));
  (void)rehearsal_send(r, &r->owner, &r->contract.address, 0, &call, 300000, NULL);
  /* the chain's id is known before it is there, so its state can tell the root that it begins with */
  OK(hf_settlement_chain_id(&r->contract, 0, &r->chain));
  for (int i = 0; i < 8; i++) {
    r->chain_id.high = r->chain_id.high << 8 | r->chain.b[16 + i];
    r->chain_id.low = r->chain_id.low << 8 | r->chain.b[24 + i];
  }
  char path[512];
  snprintf(path, sizeof path, "%s/chain.db", r->folder);
  hf_chain_options options = {
      .path = path, .chain_id = r->chain_id, .params = {REHEARSAL_DEPTH, REHEARSAL_SLOTS}};
  OK(hf_chain_open(&options, &r->state));
  hf_chain_get_info(r->state, &info);
  for (int i = 0; i < 32; i++) root.b[i] = info.root[31 - i];
  OK(hf_settlement_register_call(&r->owner.address, HF_MODE_ROLLUP, &root, &key, 1, &chain));
  (void)rehearsal_send(r, &r->owner, &r->contract.address, 0, &chain, 500000, NULL);
  hf_writer_free(&verifier);
  hf_writer_free(&code);
  hf_writer_free(&call);
  hf_writer_free(&chain);
}

void rehearsal_open(rehearsal *r) {
  memset(r, 0, sizeof *r);
  anvil_start(&r->node);
  r->folder = anvil_folder();
  r->owner = anvil_key(1);
  anvil_make_rich(&r->node, &r->owner.address);
  open_contract(r);
}

void rehearsal_close(rehearsal *r) {
  hf_chain_close(&r->state);
  anvil_stop(&r->node);
  anvil_folder_remove(r->folder);
}

void rehearsal_deposit(rehearsal *r, const hf_eth_key *from, hf_fr x, hf_fr y, uint64_t amount) {
  hf_writer call = {0};
  hf_u256 key_x, key_y;
  hf_fr_to_bytes_be(x, key_x.b);
  hf_fr_to_bytes_be(y, key_y.b);
  OK(hf_settlement_deposit_call(&r->chain, &key_x, &key_y, &call));
  (void)rehearsal_send(r, from, &r->contract.address, amount, &call, 200000, NULL);
  hf_writer_free(&call);
}

hf_wallet rehearsal_wallet(uint8_t number) {
  uint8_t seed[32] = {number};
  hf_wallet wallet;
  OK(hf_eddsa_key_from_seed(seed, &wallet.key));
  return wallet;
}

void rehearsal_seal(hf_chain *chain, uint64_t first, uint64_t last, hf_sealed *out) {
  hf_batch_record *records = calloc(last - first + 1, sizeof *records);
  hf_proof *p = &out->proof;
  hf_fr root;
  memset(out, 0, sizeof *out);
  cr_assert(records != NULL);
  for (uint64_t n = first; n <= last; n++) {
    hf_batch_info info;
    uint8_t *data;
    size_t length;
    hf_sealed_batch *b = &out->batch[out->records];
    OK(hf_chain_get_batch(chain, n, &info));
    OK(hf_chain_get_data(chain, n, true, &data, &length));
    b->record = info.record;
    hf_word_set_u64(b->record.word[HF_RECORD_VK_DIGEST], REHEARSAL_LEAF_KEY);
    b->slots = (uint32_t)(length / (32 * HF_DATA_WORDS));
    b->data = (uint8_t(*)[32])data;
    records[out->records++] = b->record;
  }
  const hf_g1 point = {hf_fq_one(), hf_fq_add(hf_fq_one(), hf_fq_one())}; /* (1, 2) generates the group */
  p->kappa = 8;
  p->vk_digest = hf_fr_from_u64(REHEARSAL_SEAL_KEY);
  p->public_count = HF_SEAL_COUNT;
  for (size_t i = 0; i < sizeof p->commitments / sizeof *p->commitments; i++) p->commitments[i] = point;
  p->w = p->w_prime = point;
  OK(hf_records_root(records, out->records, &root));
  p->public_inputs[HF_SEAL_STATEMENT] = root;
  p->public_inputs[HF_SEAL_RECORDS] = hf_fr_from_u64(out->records);
  OK(hf_seal_fingerprint(root, records, out->records, &p->public_inputs[HF_SEAL_X],
                         &p->public_inputs[HF_SEAL_Y]));
  free(records);
}
