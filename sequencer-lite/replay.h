/* Rebuilding a chain's state from its posted data alone.
 *
 * Starting from the empty tree, the words of each batch are applied in order and the root is compared
 * with the record's. Nothing else is read: no signatures, no files of the sequencer. This is what anybody
 * does who wants to know all balances of a chain in rollup mode; in validium mode it takes the operator's
 * own copy of the words. */
#ifndef HYPERFOLD_REPLAY_H
#define HYPERFOLD_REPLAY_H

#include "state.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hf_replay hf_replay;

hf_status hf_replay_create(const hf_rollup_params *params, hf_replay **out);
void hf_replay_destroy(hf_replay **replay);

/* Applies one batch: params.slots x HF_DATA_WORDS words. HF_E_MISMATCH when the record does not follow the
 * last (number, old root, deposit start) or has messages, when the words are not those that the record
 * commits to (D, x_d, y_d), when its counts or totals are not those of the words, or when the new root
 * differs; HF_E_FORMAT when the words say something impossible (an overdraft, an unknown account, a second
 * account for one key). After an
 * error the replay cannot go on. With `complete`, the words are all of the batch although the record's mode
 * posts only some: D, x_d and y_d are compared after blanking what is not posted. */
hf_status hf_replay_batch(hf_replay *replay, const hf_batch_record *record, const uint8_t (*words)[32],
                          size_t count, bool complete);

void hf_replay_root(const hf_replay *replay, uint8_t root[32]);
/* Accounts so far. */
uint32_t hf_replay_accounts(const hf_replay *replay);

/* The posted data of a chain as a file: container kind "PDAT" version 1, payload
 *   depth u32, slots u32, complete u32 (0 or 1), batch count u32, and for each batch
 *   record words 1..33 and the data words, 32 bytes each.
 * `complete` writes all words, also in validium mode. */
#define HF_DATA_FILE_KIND "PDAT"
hf_status hf_chain_export_data(hf_chain *chain, bool complete, const char *path);

typedef struct hf_replay_summary {
  hf_rollup_params params;
  uint64_t batches;
  uint64_t operations[HF_SLOT_TYPES];
  uint32_t accounts;
  uint8_t root[32];
  bool complete;
} hf_replay_summary;

/* Replays such a file from the empty state. The errors of hf_replay_batch and of containers; `what` names the
 * source in messages. */
hf_status hf_replay_file(const char *path, hf_replay_summary *out);
hf_status hf_replay_memory(const char *what, const void *container, size_t length, hf_replay_summary *out);

#ifdef __cplusplus
}
#endif
#endif
