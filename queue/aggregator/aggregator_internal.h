/* The inside of the aggregator, shared by aggregator.c (the look at the queue), chains.c (batches become
 * leaves) and folding.c (folds, seals, publishing). */
#ifndef HF_AGGREGATOR_INTERNAL_H
#define HF_AGGREGATOR_INTERNAL_H

#include "aggregator.h"
#include "fold_plan.h"

/* Circuits in job headers, as the prover names them (HF_NODE_CIRCUIT, HF_SEAL_CIRCUIT), which is not seen
 * from here. */
#define AGG_NODE       "node"
#define AGG_SEAL       "seal"
#define AGG_SEALS      16                /* planned ahead at most */
#define AGG_RETRY_MS   5000              /* between two tries of something that failed for a reason outside */
#define AGG_KEYS       8                 /* verifying keys kept */
#define AGG_CHAIN_NAME 40                /* decimal of 128 bits and NUL */
#define AGG_PROOF      ((size_t)1 << 20) /* bytes of a proof at most */
#define AGG_INPUT      ((size_t)64 << 20) /* of a batch or seal input */

/* A job that is awaited. */
typedef struct agg_watch {
  hf_job_key key;
  bool submitted;
  bool told;         /* that it does not go on by itself */
  uint64_t retry_ms; /* not looked at before; 0: at once */
} agg_watch;

typedef struct agg_leaf {
  hf_batch_record record; /* word 0 filled in */
  uint64_t number;
  uint64_t arrival_ms;  /* when it was proven */
  uint64_t deadline_ms; /* of its job; 0: none */
  hf_digest vk, proof;  /* key; artifact */
  hf_fr entry;          /* in the tree: sponge(LEAF; vk, statement) */
} agg_leaf;

typedef struct agg_chain {
  char name[AGG_CHAIN_NAME];
  uint64_t number; /* of the last batch that is in a seal or planned into one */
  bool has_root;
  uint8_t root[32];   /* where that batch ended */
  bool ready;         /* `next` can enter a seal */
  bool open, blocked; /* the next batch is under way; it failed or was refused */
  agg_leaf next;
  agg_watch watch; /* its job */
} agg_chain;

typedef struct agg_item {
  bool done;
  hf_digest vk, proof;
  hf_fr entry;
  agg_watch watch; /* folds */
} agg_item;

typedef struct agg_seal {
  uint64_t number;
  uint32_t records;
  hf_batch_record record[HF_SEAL_RECORDS_MAX];
  bool submitted;     /* the records are pinned; without items where it was found so */
  agg_watch watch;    /* its job */
  uint64_t began_ms;  /* when its first batch was proven, or its job submitted if it was found so */
  uint64_t closes_ms; /* UINT64_MAX: not by time */
  const char *closes; /* what then is due */
  hf_fold_plan plan;
  agg_item item[HF_PLAN_ITEMS];
} agg_seal;

struct hf_aggregator {
  hf_aggregator_options options;
  uint64_t next_seal; /* number of the next that is opened */
  uint64_t cursor;    /* sequence up to which batch jobs are known */
  bool stale;         /* read everything again */
  bool drain;
  agg_chain *chains;
  size_t chain_count;
  agg_seal **seals; /* by number; the last may be open */
  size_t seal_count;
  hf_verifying_key keys[AGG_KEYS];
  hf_digest key_digest[AGG_KEYS];
  size_t key_count, key_next;
  hf_proof *proof[2];
  hf_aggregator_state state;
};

static inline uint64_t agg_now(const hf_aggregator *a) {
  return a->options.clock.now_ms(a->options.clock.context);
}
void agg_tell(hf_aggregator *a, const hf_aggregator_event *event);

/* Looks at a job: *done with its record when it has a result. What does not go on by itself is told once. */
hf_status agg_look(hf_aggregator *a, agg_watch *w, uint64_t seal, hf_job_record *record, bool *done);
/* The result in `record` is refused: the queue has the job proven again, or gives it up. `record` is the job
 * afterwards. */
hf_status agg_refuse(hf_aggregator *a, agg_watch *w, uint64_t seal, hf_job_record *record, const char *why);
/* Submits; *accepted = false when the queue has no room now. */
hf_status agg_submit(hf_aggregator *a, const hf_job_header *job, bool *accepted);
/* Errors about a thing, not about the place where it lies. */
static inline bool agg_is_verdict(hf_status status) { return status >= 200 && status < 300; }
/* A key that is kept until AGG_KEYS others were asked for. */
hf_status agg_key(hf_aggregator *a, const hf_digest *digest, const hf_verifying_key **out);
/* *ok: these bytes are there, and a proof in form; what is wrong with them is the last message. */
hf_status agg_proof(hf_aggregator *a, const hf_digest *artifact, hf_proof *out, bool *ok);
/* The input of a batch's job, opened where it is sealed; hf_batch_input_free. */
hf_status agg_batch_input(hf_aggregator *a, const hf_job_header *job, hf_batch_input *out);
/* *ok = the proof is good to be folded and states `statement`. */
hf_status agg_foldable(hf_aggregator *a, const hf_digest *vk, const hf_digest *artifact, hf_fr statement,
                       bool *ok);

/* A seal that has a job: its records are pinned. */
typedef struct agg_pinned {
  uint64_t number;
  const hf_job_record *job;
  const hf_batch_record *record;
  uint32_t records;
  bool published, abandoned;
} agg_pinned;
/* All of them, in the order of their submission, which is that of their numbers. */
typedef hf_status (*agg_pinned_sink)(hf_aggregator *a, void *context, const agg_pinned *seal);
hf_status agg_each_seal(hf_aggregator *a, agg_pinned_sink sink, void *context);
/* The number in the id "seal/NUMBER"; false: another id. */
bool agg_seal_number(const hf_job_id *id, uint64_t *number);

/* An empty seal in its place. */
hf_status agg_seal_add(hf_aggregator *a, uint64_t number, agg_seal **out);

/* chains.c */
hf_status agg_discover(hf_aggregator *a);
hf_status agg_chain_get(hf_aggregator *a, const char *name, agg_chain **out);
/* The id of a batch's job, "CHAIN/NUMBER"; false: another id. */
bool agg_parse_id(const hf_job_id *id, char name[AGG_CHAIN_NAME], uint64_t *number);
/* The chain's name and batch number in a record. */
void agg_record_name(const hf_batch_record *record, char name[AGG_CHAIN_NAME], uint64_t *number);
hf_status agg_batch_key(const hf_aggregator *a, const char *chain, uint64_t number, hf_job_key *out);
/* Lets every batch that is ready enter a seal, and closes what is due. */
hf_status agg_take_leaves(hf_aggregator *a);

/* folding.c */
hf_status agg_fold(hf_aggregator *a);
void agg_seal_close(hf_aggregator *a, agg_seal *s, const char *why);
hf_status agg_seal_key(const hf_aggregator *a, uint64_t number, hf_job_key *out);

#endif
