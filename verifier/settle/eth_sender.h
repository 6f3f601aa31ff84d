/* Sending transactions so that each takes effect once, whatever dies in between.
 *
 *   hf_sender_options options = {.rpc = rpc, .key = &key, .folder = "data/l1", .confirmations = 12};
 *   hf_sender *sender = NULL;
 *   HF_TRY(hf_sender_open(&options, &sender));
 *   HF_TRY(hf_sender_begin(sender, &request, &sent)); // or finds what a killed process began
 *   HF_TRY(hf_sender_wait(sender, &request.id, 600000, &sent));
 *
 * WHY ONCE. Ethereum takes one transaction a nonce. A request gets one nonce, is signed, and that is on disk
 * (written, synced) before a byte goes out. From then on nothing is signed for this request but replacements
 * under the same nonce, of which at most one can be mined; a process that starts again reads the journal,
 * looks for the receipt of any attempt and for the account's nonce, and sends the same bytes again when both
 * say "not yet".
 *
 * A SECOND NONCE is given to a request whose id is known only when its first can have no effect any more, by
 * the node's word: it was mined and reverted or cancelled, or another transaction has the nonce with all
 * confirmations, and the node shows that transaction (where it keeps no states so old, that is taken on trust
 * for requests without value, and never for others). A request with a value then still wants `afresh`:
 * somebody who says so.
 *
 * WHAT A NODE THAT LIES CAN DO. It can make a request look confirmed or stuck. By inventing a receipt that
 * reverted, or another transaction in the request's place, it can make a request without value be signed
 * again under a second nonce, and then both may be mined: the contract refuses the second settle of a seal, a
 * second claim has nothing to pay, a second registration or creation of a contract costs gas and is visible.
 * It cannot do that to a request with a value, unless `afresh` is said. It cannot hide the journal either: a
 * chain that begins with another block than the journal's is refused, but for test chains (1337, 31337),
 * which begin anew.
 *
 * An account is used by one process at a time (HF_E_BUSY), which keeps to this journal: transactions of the
 * same key that other programs send are seen by the nonces that they take. The journal's folder is
 * FOLDER/CHAIN-GENESIS-ADDRESS, so that a test chain that starts anew starts a journal anew. */
#ifndef HF_ETH_SENDER_H
#define HF_ETH_SENDER_H

#include <hyperfold/digest.h>
#include <hyperfold/log.h>
#include "eth_node.h"

typedef struct hf_sender hf_sender;

typedef struct hf_sender_options {
  hf_rpc *rpc;            /* not owned */
  const hf_eth_key *key;  /* not owned */
  const char *folder;     /* of journals */
  uint64_t chain_id;      /* what the node must say; 0: whatever it says */
  uint64_t confirmations; /* blocks, that of the transaction included, until it counts; default 12 */
  uint64_t max_fee_wei;   /* of a unit of gas, tip included; default 200 gwei */
  uint64_t tip_wei;       /* at first; 0: what the node suggests */
  uint64_t bump_ms;       /* not mined for so long: fees go up by an eighth; default 60,000 */
  uint64_t resend_ms;     /* not mined for so long: the same bytes again; default 15,000 */
  uint64_t poll_ms;       /* between looks; default 1,000 */
  uint64_t (*now_ms)(void *context);            /* NULL: the system's clock */
  void (*sleep_ms)(void *context, uint64_t ms); /* NULL: the system's */
  /* Called where a death would hurt most: "signed", "journaled", "sent", "mined", "confirmed". Tests die
   * there; NULL otherwise. */
  void (*at)(void *context, const char *point);
  bool (*stop)(void *context); /* true: hf_sender_wait ends with HF_E_CANCELLED; may be NULL */
  void *context;
  const hf_logger *log; /* NULL: silent */
} hf_sender_options;

/* Asks the node which chain it is, reads the journal and takes its lock. HF_E_MISMATCH: another chain than
 * `chain_id`, or than that of this account's journal; errors of hf_rpc_call; HF_E_BUSY, HF_E_FORMAT, HF_E_IO.
 */
hf_status hf_sender_open(const hf_sender_options *options, hf_sender **out);
void hf_sender_close(hf_sender **sender); /* NULL is allowed */

typedef struct hf_send_request {
  hf_digest id;     /* the same request has the same id, in every process that asks for it */
  const char *what; /* for people, below 96 characters; "settle 8 batches" */
  bool afresh;      /* with a value: may get a second nonce if the first had no effect, says the node */
  bool creates;     /* a contract */
  hf_eth_address to;
  hf_u256 value;
  uint64_t gas; /* limit */
  hf_bytes data;
} hf_send_request;

typedef enum hf_send_stage {
  HF_SEND_SENT,      /* signed and on disk; the node may or may not have it */
  HF_SEND_MINED,     /* in a block that has too few behind it */
  HF_SEND_CONFIRMED, /* done: `receipt` says whether it succeeded */
  HF_SEND_LOST, /* another transaction took the nonce; it had no effect, and the request may be made again */
} hf_send_stage;

typedef struct hf_sent {
  hf_digest id;
  char what[96];
  hf_send_stage stage;
  uint64_t nonce, confirmations;
  size_t attempts;
  bool known;             /* hf_sender_begin found it in the journal */
  bool cancelled;         /* the transaction that was mined is a cancellation */
  hf_eth_hash hash;       /* mined, or last signed */
  hf_eth_receipt receipt; /* from HF_SEND_MINED on */
  char reason[512]; /* what a mined transaction reverted with; or what the node said last against sending; ""
                       otherwise */
} hf_sent;

/* Makes the request happen, or finds it in the journal. A new one is tried first at the latest block, and the
 * account must be able to pay: HF_E_REFUSED with the reason, nothing is signed. HF_E_STATE: it has a value,
 * was sent before and had no effect, and `afresh` is not set. HF_E_BUSY: the base fee is above max_fee_wei.
 * HF_OK: the journal has it; what the node said to it is in `out`. */
hf_status hf_sender_begin(hf_sender *sender, const hf_send_request *request, hf_sent *out);

/* One look at everything that is not done: receipts, confirmations, sending again, higher fees. */
hf_status hf_sender_step(hf_sender *sender);

/* Steps until the request is confirmed or lost, whatever the node's failures meanwhile. HF_E_TIMEOUT (the
 * request stays; wait again, in this process or another); HF_E_REFUSED: the node refuses the transaction,
 * again and again; HF_E_CANCELLED; HF_E_NOT_FOUND: no such request. A reverted transaction is HF_OK here:
 * `out` tells. */
hf_status hf_sender_wait(hf_sender *sender, const hf_digest *id, uint64_t timeout_ms, hf_sent *out);

/* Replaces an open request by a payment of nothing to oneself: what is mined of the two decides. HF_E_STATE
 * when it is not open, HF_E_BUSY when the fees would exceed max_fee_wei. */
hf_status hf_sender_cancel(hf_sender *sender, const hf_digest *id, hf_sent *out);

/* The journal, by nonce; false behind the end. */
bool hf_sender_list(hf_sender *sender, size_t i, hf_sent *out);

/* The latest entry of this request. HF_E_NOT_FOUND. */
hf_status hf_sender_get(hf_sender *sender, const hf_digest *id, hf_sent *out);

#endif
