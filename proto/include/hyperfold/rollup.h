/* What sequencer, batch circuit and settlement agree on: the constants of a
 * payment chain, the words of a batch record, the posted data, and the batch
 * input that a prove-batch job carries.
 *
 * A field element here is 32 little-endian bytes, canonical (below r, the order of
 * BN254's G1), so that this header needs no arithmetic. Hashes are named only:
 * H4(a, b, c, d) is hf_poseidon2_compress4 (arith/poseidon2.h), sponge(domain, words)
 * is hf_sponge (host/poseidon.h), domains are in host/domains.h.
 *
 * STATE. A tree of arity 4 with 2^depth leaves, LEVELS = depth / 2 levels of nodes.
 * Node = H4(child 0 .. child 3). The child of leaf `index` at level k (0 is next to
 * the leaves) is digit (index >> 2k) & 3. Indices whose top bit is 0 are
 * accounts, the others bitmaps of consumed messages, which no operation
 * below touches. A leaf is
 *     H4(key.x, key.y, balance + 2^64 nonce, HF_DOMAIN_ACCOUNT)
 * and an empty one has key, balance and nonce all zero: also in the upper half,
 * until a bitmap is written there.
 *
 * A SIGNED TRANSACTION is four message words, signed as host/eddsa.h says:
 *     m0 = chain_id + 2^128 type + 2^136 nonce     m2 = to1
 *     m1 = amount + 2^64 fee + 2^128 from.index    m3 = to2
 * The index is signed because several leaves may hold one key (the circuit does not keep deposits from opening
 * a second one): a signature is good for one leaf, and there for one nonce. The parts of m0 and m1 do not
 * overlap: chain_id is below 2^128, which the circuit checks as well.
 *
 * A SLOT is two leaf updates, `from` and then `to`; each proves the old leaf under
 * the running root and gives the next root by the same path.
 *   noop              both unchanged; indices, amount and fee are 0
 *   transfer          from: balance -= amount + fee, nonce += 1; to: its key is (to1, to2),
 *                     balance += amount; from.index != to.index
 *   withdraw          from as above; to: unchanged; to1 = address on L1, below 2^160, to2 = 0
 *   deposit           from: unchanged; to: empty, taking the key (to1, to2), or already of that
 *                     key; balance += amount; to1 != 0; fee 0
 *   deposit refused   both unchanged, fee 0: consumed without effect, claimable on L1
 * An unchanged update is at index 0. The nonce in the message is that of the old `from` leaf.
 * Amounts, fees and balances are u64, nonces u32, also after the update.
 * After the slots one more update adds the sum of the fees to the operator's leaf,
 * which must not be empty unless the sum is 0.
 *
 * PUBLIC DATA. HF_DATA_WORDS words of 248 bits a slot (hf_data_encode). In rollup
 * mode all are posted; in validium mode those of transfers and no-ops are zero.
 *     D   = sponge(HF_DOMAIN_DATA, all words of all slots)
 *     x_d = keccak256(HF_DATA_TAG, D, words) mod r, each word 32 big-endian bytes
 *     y_d = sum of word[k] x_d^k, k from 0
 *
 * THE RECORD is 34 words (enum hf_record_word). Word 0, the digest of the verifying
 * key, is outside the circuit; what the batch proof states is
 *     sponge(HF_DOMAIN_BATCH_STATEMENT, words 1 .. 33).
 * The outbox is empty: its root is sponge(HF_DOMAIN_OUTBOX, {chain id, batch number, 0}).
 */
#ifndef HYPERFOLD_ROLLUP_H
#define HYPERFOLD_ROLLUP_H

#include <hyperfold/bytes.h>
#include <hyperfold/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HF_ROLLUP_DEPTH      24 /* the usual depth, in bits of the index */
#define HF_ROLLUP_DEPTH_MIN  4  /* even */
#define HF_ROLLUP_DEPTH_MAX  24 /* an index is 24 bits in the public data */
#define HF_ROLLUP_LEVELS_MAX (HF_ROLLUP_DEPTH_MAX / 2)
#define HF_ROLLUP_SLOTS_MAX  4096
#define HF_BATCH_CIRCUIT     "batch" /* its name in job headers; parameters "depth" and "slots" */
#define HF_DATA_WORDS        3
#define HF_DATA_TAG          "hyperfold.data.v1" /* without the NUL */
#define HF_IMPORTS           4
#define HF_L1_ADDRESS_BITS   160

/* The parameters of the batch circuit. */
typedef struct hf_rollup_params {
  uint32_t depth; /* even, HF_ROLLUP_DEPTH_MIN .. MAX */
  uint32_t slots; /* 1 .. HF_ROLLUP_SLOTS_MAX */
} hf_rollup_params;

/* HF_E_RANGE when a parameter is outside its limits. */
hf_status hf_rollup_params_check(const hf_rollup_params *params);
static inline uint32_t hf_rollup_levels(const hf_rollup_params *params) { return params->depth / 2; }
/* Leaves that can be accounts: the indices below this. */
static inline uint32_t hf_rollup_accounts(uint32_t depth) { return (uint32_t)1 << (depth - 1); }

typedef enum hf_slot_type {
  HF_SLOT_NOOP = 0,
  HF_SLOT_TRANSFER = 1,
  HF_SLOT_WITHDRAW = 2,
  HF_SLOT_DEPOSIT = 3,
  HF_SLOT_DEPOSIT_REFUSED = 4,
} hf_slot_type;
#define HF_SLOT_TYPES 5

/* "noop", "transfer", "withdraw", "deposit", "deposit-refused"; NULL for a number that is none. */
const char *hf_slot_type_text(uint32_t type);
static inline bool hf_slot_type_is_signed(uint32_t type) {
  return type == HF_SLOT_TRANSFER || type == HF_SLOT_WITHDRAW;
}

typedef enum hf_rollup_mode {
  HF_MODE_ROLLUP = 0,
  HF_MODE_VALIDIUM = 1,
} hf_rollup_mode;

/* ---- the record ---- */

typedef enum hf_record_word {
  HF_RECORD_VK_DIGEST = 0,
  HF_RECORD_CHAIN_ID = 1,
  HF_RECORD_BATCH_NUMBER = 2, /* the chain's first batch is 1 */
  HF_RECORD_MODE = 3,
  HF_RECORD_OLD_ROOT = 4,
  HF_RECORD_NEW_ROOT = 5,
  HF_RECORD_OUTBOX_ROOT = 6,
  HF_RECORD_IMPORTS = 7, /* 4 x (source chain, batch number, root, class); zeros where unused */
  HF_RECORD_DEPOSIT_START =
      23, /* index, in the contract's queue, of the first deposit in the batch or to come */
  HF_RECORD_DEPOSIT_COUNT = 24, /* applied and refused */
  HF_RECORD_DATA = 25,          /* D */
  HF_RECORD_DATA_X = 26,
  HF_RECORD_DATA_Y = 27,
  HF_RECORD_TRANSFERS = 28,
  HF_RECORD_WITHDRAWALS = 29,
  HF_RECORD_TOTAL_IN = 30,      /* amounts of deposits, applied and refused */
  HF_RECORD_TOTAL_OUT = 31,     /* amounts of withdrawals */
  HF_RECORD_TOTAL_REFUSED = 32, /* amounts of refused deposits */
  HF_RECORD_OPERATOR = 33,      /* index of the account that the fees go to */
} hf_record_word;
#define HF_RECORD_WORDS 34

typedef enum hf_word_type {
  HF_WORD_U8,
  HF_WORD_U32,
  HF_WORD_U64,
  HF_WORD_U128,  /* totals are sums of at most 4,096 u64: below 2^76 */
  HF_WORD_FIELD, /* any canonical element */
  HF_WORD_INDEX, /* an account index: below 2^(depth - 1) */
} hf_word_type;

typedef struct hf_record_word_info {
  const char *name; /* "chain_id", "import0_root", ... */
  hf_word_type type;
} hf_record_word_info;

/* The type table; static storage. */
extern const hf_record_word_info hf_record_words[HF_RECORD_WORDS];

typedef struct hf_batch_record {
  uint8_t word[HF_RECORD_WORDS][32]; /* little-endian field elements */
} hf_batch_record;

/* Small values in and out of words. Reading gives HF_E_RANGE when the word does not
 * fit; a mode above 1 is also HF_E_RANGE in hf_record_check. */
void hf_word_set_u64(uint8_t word[32], uint64_t value);
void hf_word_set_u128(uint8_t word[32], uint64_t low, uint64_t high);
hf_status hf_word_get_u64(const uint8_t word[32], uint64_t *value);
hf_status hf_word_get_u128(const uint8_t word[32], uint64_t *low, uint64_t *high);
/* True if the 32 little-endian bytes are below r. */
bool hf_word_is_canonical(const uint8_t word[32]);

/* Every word against its type; the message names the first that is wrong. HF_E_RANGE. */
hf_status hf_record_check(const hf_batch_record *record, uint32_t depth);

/* ---- public data ---- */

/* What the posted words of one slot say. */
typedef struct hf_data_slot {
  uint8_t type;
  uint32_t from, to; /* 24 bits each */
  uint64_t amount, fee;
  uint8_t to1[32], to2[32]; /* zero for transfers: the receiver is the key at `to` */
} hf_data_slot;

/* word 0 = type | from << 8 | to << 32 | amount << 56 | fee << 120
 *          | (to1 >> 248) << 184 | (to2 >> 248) << 190
 * word 1 = to1 mod 2^248, word 2 = to2 mod 2^248; to1 and to2 count as 0 for transfers and no-ops. */
void hf_data_encode(const hf_data_slot *slot, uint8_t words[HF_DATA_WORDS][32]);
/* HF_E_FORMAT for words that hf_data_encode gives for no slot (unknown type, stray bits, to1 or
 * to2 not canonical or not zero where the type has none). */
hf_status hf_data_decode(const uint8_t words[HF_DATA_WORDS][32], hf_data_slot *out);
/* Whether a slot's words are posted in this mode (zeros stand for those that are not). */
static inline bool hf_data_is_posted(uint32_t mode, uint32_t type) {
  return mode == HF_MODE_ROLLUP || (type != HF_SLOT_TRANSFER && type != HF_SLOT_NOOP);
}

/* ---- the batch input ---- */

typedef struct hf_rollup_account {
  uint8_t x[32], y[32]; /* key on BabyJubJub; all zero when the leaf is empty */
  uint64_t balance;
  uint32_t nonce;
} hf_rollup_account;

/* A leaf before its update, and its path under the root at that moment. */
typedef struct hf_batch_update {
  uint32_t index; /* below 2^(depth - 1) */
  hf_rollup_account old;
  /* [level][the three other children, in ascending position][bytes]; levels from LEVELS up are zero */
  uint8_t siblings[HF_ROLLUP_LEVELS_MAX][3][32];
} hf_batch_update;

typedef struct hf_batch_slot {
  uint8_t type; /* hf_slot_type */
  hf_batch_update from;
  hf_batch_update to; /* after the update of `from` */
  uint64_t amount, fee;
  uint8_t to1[32], to2[32];
  /* The signature (R, S). Unsigned slots: R is the identity (0, 1) and S is 0. S is only
   * required to be below r here; that it is below the subgroup's order is for the circuit. */
  uint8_t r_x[32], r_y[32], s[32];
} hf_batch_slot;

typedef struct hf_batch_input {
  hf_rollup_params params;
  hf_batch_record record; /* word 0 is zero: it is not part of the input */
  hf_batch_slot *slots;   /* params.slots of them, owned; release with hf_batch_input_free */
  hf_batch_update fees;   /* the operator's leaf after the slots */
} hf_batch_input;

#define HF_BATCH_INPUT_KIND    "BTIN" /* container kind (hyperfold/container.h) */
#define HF_BATCH_INPUT_VERSION 1

/* Allocates the slots, all no-ops with unsigned signatures and zero paths. HF_E_RANGE, HF_E_MEMORY. */
hf_status hf_batch_input_init(const hf_rollup_params *params, hf_batch_input *out);
void hf_batch_input_free(hf_batch_input *input); /* and wipes; a zeroed or freed input is fine */

/* Bytes of a container with these parameters. */
size_t hf_batch_input_size(const hf_rollup_params *params);

/* Appends the container (container.h, kind "BTIN") to `w`. The payload, integers little-endian:
 *   depth u32, slots u32, record words 1..33 (32 bytes each), the slots, the fee update
 *   slot:   type u8, from, to, amount u64, fee u64, to1, to2, r_x, r_y, s
 *   update: index u32, x, y, balance u64, nonce u32, siblings [LEVELS][3][32]
 * Refuses (HF_E_RANGE, HF_E_FORMAT) what decode would refuse. */
hf_status hf_batch_input_encode(const hf_batch_input *input, hf_writer *w);

/* Takes one whole container. Strict: the length must be exactly that of the parameters (checked
 * before anything is allocated), every element canonical, every index, type and record word
 * in range, unsigned slots with R = (0, 1), S = 0. Whether roots, paths, signatures and sums fit together
 * is not looked at: the circuit does. `out` is zeroed on failure. Errors: HF_E_FORMAT, HF_E_VERSION,
 * HF_E_CHECKSUM, HF_E_RANGE, HF_E_MEMORY. `what` names the source in messages. */
hf_status hf_batch_input_decode(const char *what, const void *data, size_t length, hf_batch_input *out);

#ifdef __cplusplus
}
#endif
#endif
