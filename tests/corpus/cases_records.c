/* What a seal says about records: other records, another order, another number, other posted data; statements
 * of trees of another shape under proofs that convince. */
#include <stdlib.h>
#include <string.h>
#include "corpus.h"
#include "host/domains.h"
#include "host/poseidon.h"

#define SEAL CORPUS_ON(CORPUS_SEAL)

static const char by_circuit[] =
    "the circuit of the seal ties root, records and fingerprint; its key is trusted";
static const char a_chain[] = "the settlement contract looks at posted data of chains that it knows";

static uint8_t *word(corpus_item *item, unsigned record, int i) {
  return item->sealed.batch[record].record.word[i];
}
static unsigned m_of(const corpus_subject *s) { return s->sealed.records; }

static void settle(corpus_item *item, const char *error) {
  item->evm.error = error;
  item->evm.settle = true;
}
static const char not_sent[] = "imports are not sent: the contract takes them for zeros";
static bool is_import(unsigned i) { return i >= HF_RECORD_IMPORTS && i < HF_RECORD_IMPORTS + 4 * HF_IMPORTS; }

/* --- records that the seal is not about ------------------------------------------------------------- */

static unsigned all_words(const corpus_subject *s) { return (void)s, (unsigned)HF_RECORD_WORDS; }

/* Within its type: the lowest bit. */
static void changed_word(corpus_item *item, unsigned i) {
  word(item, item->sealed.records / 2, (int)i)[0] ^= 1;
  settle(item, "FingerprintX");
  if (is_import(i)) item->evm = (corpus_evm){.reason = not_sent};
}

static void allowed_key(corpus_item *item, unsigned i) { /* the record names a key that did not prove it */
  hf_fr_to_bytes(item->subject->alien_vk.digest, word(item, i, HF_RECORD_VK_DIGEST));
  settle(item, "FingerprintX");
}
static void another_chain(corpus_item *item, unsigned i) {
  hf_word_set_u64(word(item, i, HF_RECORD_CHAIN_ID), 7999);
  settle(item, "FingerprintX");
}

static void exchange(corpus_item *item, unsigned i, unsigned j) {
  hf_sealed_batch t = item->sealed.batch[i];
  item->sealed.batch[i] = item->sealed.batch[j];
  item->sealed.batch[j] = t;
}
static void neighbours(corpus_item *item, unsigned i) {
  exchange(item, i, (i + 1) % item->sealed.records);
  settle(item, "FingerprintX");
}
static void drop_last(corpus_item *item, unsigned i) {
  hf_sealed_batch *last = &item->sealed.batch[--item->sealed.records];
  (void)i;
  settle(item, "WrongRecordCount");
  free(last->data);
  last->data = NULL;
}
static void one_twice(corpus_item *item, unsigned i) { /* the last once more, where there was EMPTY */
  uint32_t m = item->sealed.records;
  (void)i;
  if (m == HF_SEAL_RECORDS_MAX) { /* no room: in the place of the first */
    item->sealed.batch[0].record = item->sealed.batch[m - 1].record;
    settle(item, "FingerprintX");
    return;
  }
  hf_sealed_batch *next = &item->sealed.batch[m], *last = next - 1;
  size_t size = (size_t)HF_DATA_WORDS * last->slots * 32;
  *next = *last;
  if ((next->data = malloc(size)) == NULL) abort();
  memcpy(next->data, last->data, size);
  item->sealed.records++;
  settle(item, "WrongRecordCount");
}
/* The same records and another m, of which the fingerprint knows. */
static void other_count(corpus_item *item, unsigned i) {
  item->proof.public_inputs[HF_SEAL_RECORDS] =
      hf_fr_from_u64(i == 0 ? item->sealed.records + 1 : item->sealed.records - 1);
  settle(item, "WrongRecordCount");
  corpus_forge(item);
}
static unsigned two(const corpus_subject *s) { return (void)s, 2u; }

/* Two words that change y by nothing at the old x. */
static void same_y(corpus_item *item, unsigned i) {
  hf_fr x = item->proof.public_inputs[HF_SEAL_X], a, b;
  int first = HF_RECORD_OLD_ROOT, second = i == 0 ? HF_RECORD_NEW_ROOT : HF_RECORD_OUTBOX_ROOT;
  (void)hf_fr_from_bytes(word(item, 0, first), &a);
  (void)hf_fr_from_bytes(word(item, 0, second), &b);
  a = hf_fr_add(a, hf_fr_pow_u64(x, (uint64_t)(second - first)));
  b = hf_fr_sub(b, hf_fr_one());
  hf_fr_to_bytes(a, word(item, 0, first));
  hf_fr_to_bytes(b, word(item, 0, second));
  settle(item, "FingerprintX");
}

/* --- x and y that are not the records' ----------------------------------------------------------------- */

static hf_fr y_at(const corpus_item *item, hf_fr x) {
  hf_fr y = hf_fr_zero(), w;
  for (uint32_t i = item->sealed.records; i-- > 0;)
    for (int j = HF_RECORD_WORDS; j-- > 0;) {
      (void)hf_fr_from_bytes(item->sealed.batch[i].record.word[j], &w);
      y = hf_fr_add(hf_fr_mul(y, x), w);
    }
  return y;
}
static void other_y(corpus_item *item, unsigned i) {
  hf_fr *y = &item->proof.public_inputs[HF_SEAL_Y];
  *y = i == 0 ? hf_fr_add(*y, hf_fr_one()) : hf_fr_zero();
  settle(item, "FingerprintY");
  corpus_forge(item);
}
static void other_x(corpus_item *item, unsigned i) { /* y is right at an x that is not the hash */
  hf_fr *words = item->proof.public_inputs;
  words[HF_SEAL_X] = i == 0 ? hf_fr_add(words[HF_SEAL_X], hf_fr_one()) : i == 1 ? hf_fr_zero() : hf_fr_one();
  words[HF_SEAL_Y] = y_at(item, words[HF_SEAL_X]);
  settle(item, "FingerprintX");
  item->no_circuit = "x is an input of the circuit: whoever has the words computes it";
  corpus_forge(item);
}
static unsigned three(const corpus_subject *s) { return (void)s, 3u; }

/* --- trees of another shape ------------------------------------------------------------------------------
 */

static hf_fr hash2(uint64_t domain, hf_fr a, hf_fr b) {
  hf_fr words[2] = {a, b};
  return hf_sponge(domain, words, 2);
}

static hf_fr entry(const corpus_item *item, uint32_t i, bool other_domain) {
  const hf_batch_record *r = &item->sealed.batch[i].record;
  hf_fr digest, statement;
  (void)hf_fr_from_bytes(r->word[HF_RECORD_VK_DIGEST], &digest);
  if (hf_record_statement(r, &statement) != HF_OK) abort();
  return other_domain ? hash2(HF_DOMAIN_NODE, digest, statement) : hf_statement_leaf(digest, statement);
}

/* Ways to build the tree wrongly. */
static hf_fr wrong_root(const corpus_item *item, unsigned way) {
  hf_fr node[HF_SEAL_RECORDS_MAX];
  uint32_t m = item->sealed.records, width = HF_SEAL_RECORDS_MAX;
  uint32_t offset = way == 1 ? 1 : 0;
  for (uint32_t i = 0; i < width; i++) node[i] = hf_statement_empty();
  for (uint32_t i = 0; i < m; i++)
    node[(i + offset) % width] = entry(item, i, way == 0);                      /* 1: moved by one leaf */
  if (way == 2) node[0] = hash2(HF_DOMAIN_NODE, node[0], hf_statement_empty()); /* one leaf lies deeper */
  if (way == 3)
    width = HF_SEAL_RECORDS_MAX / 2, node[0] = hash2(HF_DOMAIN_NODE, node[0], node[1]); /* a tree in a leaf */
  while (width > 1) {
    width /= 2;
    for (uint32_t i = 0; i < width; i++) {
      hf_fr left = node[2 * i], right = node[2 * i + 1];
      bool both_empty = hf_fr_is_zero(left) && hf_fr_is_zero(right);
      node[i] = way == 4                 ? hf_statement_parent(right, left)   /* mirrored */
                : way == 5 && both_empty ? hash2(HF_DOMAIN_NODE, left, right) /* EMPTY is hashed */
                                         : hf_statement_parent(left, right);
    }
    if (way == 6 && width == 2) return node[0]; /* not lifted */
  }
  return way == 7 ? hf_statement_lift(node[0], 1) : way == 8 ? hf_statement_empty() : node[0];
}
enum { WRONG_TREES = 9 };
static unsigned wrong_trees(const corpus_subject *s) { return (void)s, (unsigned)WRONG_TREES; }

static void wrong_tree(corpus_item *item, unsigned way) {
  hf_fr *words = item->proof.public_inputs, root = wrong_root(item, way);
  hf_batch_record *records = calloc(item->sealed.records, sizeof *records);
  if (records == NULL) abort();
  for (uint32_t i = 0; i < item->sealed.records; i++) records[i] = item->sealed.batch[i].record;
  if (way == 5 && item->sealed.records > HF_SEAL_RECORDS_MAX / 2)
    root = hf_fr_one(); /* no EMPTY pair, maybe */
  words[HF_SEAL_STATEMENT] = root;
  if (hf_seal_fingerprint(root, records, item->sealed.records, &words[HF_SEAL_X], &words[HF_SEAL_Y]) != HF_OK)
    abort();
  free(records);
  corpus_forge(item);
}

/* --- posted data and types
 * ----------------------------------------------------------------------------------- */

static void data_changed(corpus_item *item, unsigned i) { item->sealed.batch[i / 3].data[i % 3][0] ^= 1; }
static unsigned data_words(const corpus_subject *s) { return 3 * (m_of(s) < 4 ? m_of(s) : 4); }

static void data_too_wide(corpus_item *item, unsigned i) { item->sealed.batch[i].data[0][31] = 1; }

/* Values outside the word's type; everything is stated and proven anew, so that nothing else is wrong. */
static void too_wide(corpus_item *item, unsigned i) {
  unsigned record = item->sealed.records / 2;
  uint8_t *w = word(item, record, (int)i);
  settle(item, "WordOutOfRange");
  if (is_import(i)) item->evm = (corpus_evm){.reason = not_sent};
  switch (hf_record_words[i].type) {
  case HF_WORD_U8:
    i == HF_RECORD_MODE ? hf_word_set_u64(w, 2) : hf_word_set_u64(w, 256);
    break;
  case HF_WORD_U32:
    hf_word_set_u64(w, (uint64_t)1 << 32);
    break;
  case HF_WORD_U64:
    hf_word_set_u128(w, 0, 1);
    break;
  case HF_WORD_U128:
    memset(w, 0, 32), w[16] = 1;
    break;
  case HF_WORD_FIELD:
    corpus_modulus(false, w);
    break;
  case HF_WORD_INDEX:
    hf_word_set_u64(w, hf_rollup_accounts(HF_ROLLUP_DEPTH_MAX));
    break;
  }
  if (hf_record_words[i].type == HF_WORD_FIELD) return; /* no field element: nothing can be stated about it */
  corpus_restate(item);
  corpus_forge(item);
}

static void count_field(corpus_item *item, unsigned i) {
  corpus_freeze(item);
  item->record_bytes.data[0] = i == 0 ? 0 : HF_SEAL_RECORDS_MAX + 1;
  item->evm.reason = "the contract counts the records that it gets"; /* tests/evm sends none, and too many */
}

/* The proof is good: only whoever keeps the state of chains can refuse it. */
static void unknown_chains(corpus_item *item, unsigned i) {
  (void)i;
  item->no_circuit = "a circuit keeps no state";
  settle(item, "UnknownChain");
}

const corpus_case corpus_cases_records[] = {
    {"records", "a word changed", SEAL, all_words, changed_word, CORPUS_RECORDS, NULL},
    {"records", "names an allowed key that did not prove it", SEAL, m_of, allowed_key, CORPUS_RECORDS, NULL},
    {"records", "another chain's", SEAL, m_of, another_chain, CORPUS_RECORDS, NULL},
    {"records", "another order", SEAL, m_of, neighbours, CORPUS_RECORDS, NULL},
    {"records", "the last is missing", SEAL, NULL, drop_last, CORPUS_RECORDS, NULL},
    {"records", "one twice", SEAL, NULL, one_twice, CORPUS_RECORDS, NULL},
    {"records", "another m", SEAL, two, other_count, CORPUS_RECORDS, NULL},
    {"records", "the same y at the old x", SEAL, two, same_y, CORPUS_RECORDS, NULL},
    {"records", "another y", SEAL, two, other_y, CORPUS_RECORDS, NULL},
    {"records", "another x", SEAL, three, other_x, CORPUS_RECORDS, NULL},
    {"records", "a tree of another shape", SEAL, wrong_trees, wrong_tree, CORPUS_RECORDS, by_circuit},
    {"records", "word outside its type", SEAL, all_words, too_wide, CORPUS_RANGE_RECORD, NULL},
    {"records", "m that is none", SEAL, two, count_field, CORPUS_FORMAT, NULL},
    {"records", "of chains that the contract does not know", SEAL, NULL, unknown_chains, CORPUS_ACCEPTED,
     NULL},
    {"data", "posted word changed", SEAL, data_words, data_changed, CORPUS_DATA, a_chain},
    {"data", "posted word of 256 bits", SEAL, m_of, data_too_wide, CORPUS_RANGE_DATA, a_chain},
    {0},
};
