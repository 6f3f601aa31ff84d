/* What the commands that talk to Ethereum share: node, key, the deployment's file, sending.
 *
 * DATA/l1.json says which contract an installation belongs to; `l1 deploy` writes it, --contract and
 * --from-block outrank it. Journals of transactions lie in DATA/l1. */
#ifndef HF_L1_COMMON_H
#define HF_L1_COMMON_H

#include "cli.h"
#include "eth_sender.h"
#include "settlement.h"

typedef struct hf_cli_l1 {
  hf_rpc *rpc;
  uint64_t chain_id; /* of L1 */
  hf_settlement contract;
  uint64_t from_block;
  hf_eth_key key;
  hf_sender *sender; /* with HF_L1_SENDS */
  void (*look)(void *context); /* called at every look at the node while it is waited for; NULL, or set after opening */
  void *look_context;
} hf_cli_l1;

enum {
  HF_L1_CONTRACT = 1, /* a contract is there */
  HF_L1_SENDS = 2,    /* --key, and a journal */
};

/* Options: HF_OPTIONS_L1, with HF_L1_SENDS HF_OPTIONS_L1_SEND too. HF_E_MISMATCH when the node is of another
 * chain than the deployment's file says. */
hf_status hf_cli_l1_open(hf_cli *cli, unsigned wants, hf_cli_l1 *out);
void hf_cli_l1_close(hf_cli_l1 *l1); /* a zeroed one is fine; wipes the key */

/* A request's id: what it is for, which contract, and what makes it this one (`extra`, may be NULL). With
 * `repeat`, the first that is not done yet of a row of them: what was asked for before may be asked for
 * again, and what a killed process began is gone on with. Without, the same request is done once in a
 * journal's life. */
hf_status hf_cli_l1_id(hf_cli_l1 *l1, const char *purpose, const void *extra, size_t length, bool repeat,
                       hf_digest *out);

/* HF_OK when no journal below `folder` (DATA/l1) holds a transaction that settles the seal with this
 * statement and is undecided or succeeded; HF_E_STATE with its nonce and hash otherwise. HF_E_BUSY: a journal
 * is in use. A folder that is not there holds none. */
hf_status hf_cli_seal_not_sent(const char *folder, hf_fr statement);

/* Begins the request (or finds it) and waits for its confirmations. HF_E_REFUSED with the contract's words
 * when it would revert or did; HF_E_STALE when another transaction took its nonce. */
hf_status hf_cli_l1_send(hf_cli *cli, hf_cli_l1 *l1, const hf_send_request *request, hf_sent *sent);
/* Waits for one that is begun. */
hf_status hf_cli_l1_wait(hf_cli *cli, hf_cli_l1 *l1, const hf_digest *id, hf_sent *sent);

/* --rpc as those who only look should ask it: with little patience. */
hf_status hf_cli_l1_probe(hf_cli *cli, hf_rpc **out);
/* Waits --poll milliseconds, less when a signal comes. */
void hf_cli_l1_pause(const hf_cli *cli);

json_t *hf_cli_sent_json(const hf_sent *sent);
void hf_cli_sent_print(const hf_sent *sent); /* one line on stdout */
json_t *hf_cli_address_json(const hf_eth_address *address);
json_t *hf_cli_u256_json(const hf_u256 *value); /* a decimal string */
/* Wei as ether with all its decimals. */
#define HF_ETHER_TEXT 100
void hf_cli_ether_text(const hf_u256 *wei, char out[HF_ETHER_TEXT]);
/* A digest as the command prints it (the field element's bytes, least first) as L1's number, and a root
 * likewise. */
void hf_cli_number_of(const uint8_t bytes[32], hf_u256 *out);
/* --chain as a number: decimal, below 2^128. */
hf_status hf_cli_l1_chain(hf_cli *cli, hf_u256 *out);

/* Writes DATA/l1.json. */
hf_status hf_cli_l1_save(hf_cli *cli, uint64_t l1_chain_id, const hf_eth_address *contract,
                         const hf_eth_address *verifier, uint64_t block);

#define HF_OPTIONS_L1_NODE                                                                                   \
  {"rpc", HF_OPTION_TEXT, "URL", NULL, "the Ethereum node's JSON-RPC (http or https)"},                      \
      {"contract", HF_OPTION_TEXT, "ADDRESS", NULL,                                                          \
       "the settlement contract (default: that of DATA/l1.json)"},                                           \
  {                                                                                                          \
    "from-block", HF_OPTION_NUMBER, "N", NULL,                                                               \
        "the contract's first block (default: as DATA/l1.json says, else 0)"                                 \
  }
#define HF_OPTIONS_L1 HF_OPTION_DATA, HF_OPTIONS_L1_NODE
#define HF_OPTIONS_L1_SEND                                                                                   \
  {"key", HF_OPTION_TEXT, "FILE", NULL, "the key that signs: a file of mode 0600 with 64 hex digits"},       \
      {"confirmations", HF_OPTION_NUMBER, "N", "12", "blocks until a transaction counts, its own included"}, \
      {"max-fee", HF_OPTION_NUMBER, "GWEI", "200", "the most to pay for a unit of gas"},                     \
      {"tip", HF_OPTION_NUMBER, "GWEI", NULL, "priority fee at first (default: what the node suggests)"},    \
      {"bump-after", HF_OPTION_NUMBER, "SECONDS", "60", "raise the fees of what is not mined by then"},      \
      {"poll", HF_OPTION_NUMBER, "MS", "1000", "between looks at the node"}, {                               \
    "timeout", HF_OPTION_NUMBER, "SECONDS", "1800",                                                          \
        "wait so long for confirmations; what is sent stays in the journal"                                  \
  }

#endif
