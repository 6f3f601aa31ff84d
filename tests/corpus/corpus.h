/* The corpus of attacks: one table of cases for every verifier of proofs.
 *
 * A case is a recipe that changes a good key, proof, instance or list of records, and what each verifier must
 * say about the result: accepted, refused with a class of error, or not applicable and why. README.md lists
 * the classes and the form in which cases are written out for verifiers that are not linked here.
 *
 * Some recipes need a proof that convinces although its instance is a lie. The development setup's secret is
 * public, and whoever knows it can prove anything (corpus_forge): so that what is refused is the lie itself
 * and not a broken proof.
 */
#ifndef HF_TEST_CORPUS_H
#define HF_TEST_CORPUS_H
#include <hyperfold/bytes.h>
#include "proof.h"
#include "sealed.h"
#include "verify.h"

/* X(NAME, text, what the contract's verifier or settlement says; NULL: it has no such check) */
#define CORPUS_CLASSES(X)                                                                                    \
  X(ACCEPTED, "ok", "ok")                                                                                    \
  X(FORMAT, "format", "WrongLength")                                                                         \
  X(MISMATCH, "mismatch", NULL)                                                                              \
  X(RANGE_DIGEST, "range:digest", NULL)                                                                      \
  X(RANGE_INPUT, "range:input", "InputNotCanonical")                                                         \
  X(RANGE_EVALUATION, "range:evaluation", "EvaluationNotCanonical")                                          \
  X(RANGE_POINT, "range:point", "PointNotCanonical")                                                         \
  X(RANGE_ACCUMULATOR, "range:accumulator", "AccumulatorNotCanonical")                                       \
  X(RANGE_KEY, "range:key", NULL)                                                                            \
  X(RANGE_RECORD, "range:record", "WordOutOfRange")                                                          \
  X(RANGE_DATA, "range:data", NULL)                                                                          \
  X(CURVE_POINT, "curve:point", "PointNotOnCurve")                                                           \
  X(CURVE_ACCUMULATOR, "curve:accumulator", "PointNotOnCurve")                                               \
  X(CURVE_KEY, "curve:key", NULL)                                                                            \
  X(INFINITY_POINT, "infinity:point", "PointAtInfinity")                                                     \
  X(INFINITY_ACCUMULATOR, "infinity:accumulator", "PointAtInfinity")                                         \
  X(INFINITY_KEY, "infinity:key", NULL)                                                                      \
  X(SUBGROUP_KEY, "subgroup:key", NULL)                                                                      \
  X(KEY_TAU, "key:tau", NULL)                                                                                \
  X(KEY_DEVELOPMENT, "key:development", NULL)                                                                \
  X(KEY_EQUAL, "key:equal", NULL)                                                                            \
  X(INSTANCE, "instance", NULL)                                                                              \
  X(IDENTITY, "identity", "IdentityFailed")                                                                  \
  X(OPENING, "opening", "PairingFailed")                                                                     \
  X(ACCUMULATOR, "accumulator", "PairingFailed")                                                             \
  X(RECORDS, "records", "FingerprintX")                                                                      \
  X(DATA, "data", "DataFingerprint")                                                                         \
  X(EXCEPTION, "exceptional", NULL) /* in the circuit: an addition of points with equal x */                 \
  X(WITNESS, "witness", NULL)       /* in the circuit: a gadget's own equations */                           \
  X(OTHER, "other", NULL)           /* nothing above; no case expects it */

typedef enum corpus_class {
#define CORPUS_ENUM(name, text, evm) CORPUS_##name,
  CORPUS_CLASSES(CORPUS_ENUM)
#undef CORPUS_ENUM
      CORPUS_CLASS_COUNT
} corpus_class;

const char *corpus_class_text(corpus_class c);
/* The class whose text `text` starts with, up to ": " or its end. CORPUS_OTHER for none. */
corpus_class corpus_class_of(const char *text);

typedef enum corpus_kind { CORPUS_LEAF, CORPUS_NODE, CORPUS_SEAL, CORPUS_KINDS } corpus_kind;
#define CORPUS_ON(kind) (1u << (kind))
#define CORPUS_FOLDED   (CORPUS_ON(CORPUS_LEAF) | CORPUS_ON(CORPUS_NODE))
#define CORPUS_ALL      (CORPUS_FOLDED | CORPUS_ON(CORPUS_SEAL))
extern const char *const corpus_kind_text[CORPUS_KINDS];

/* What the contract is expected to say: the name of an error, "ok", or NULL and the reason why it is not
 * asked. */
typedef struct corpus_evm {
  const char *error;
  const char *reason;
  bool settle; /* a check of the settlement contract, not of its verifier */
} corpus_evm;

#define CORPUS_TRAILING_MAX 128

/* A good proof and what belongs to it. */
typedef struct corpus_subject {
  corpus_kind kind;
  char name[32];
  hf_verifying_key vk;
  hf_proof proof;
  hf_proof other;            /* another good proof under the same key: another instance */
  hf_verifying_key alien_vk; /* another circuit's key of the same kind ... */
  hf_proof alien;            /* ... and its proof */
  hf_sealed sealed;          /* of a seal: its records and their data (its proof is not used) */
} corpus_subject;

/* A subject under mutation. Recipes change the structures; what no structure can hold they change in the
 * bytes, behind corpus_freeze. */
typedef struct corpus_item {
  const corpus_subject *subject;
  corpus_kind kind;
  hf_verifying_key vk;
  hf_proof proof;
  hf_sealed sealed; /* records and data, of a seal */
  bool frozen;
  hf_writer key_bytes, proof_bytes,
      record_bytes;  /* payloads; records: m and what follows in a "SLED" container */
  unsigned trailing; /* zero bytes behind the proof or the records, and behind calldata */
  corpus_class expected;
  corpus_evm evm;
  corpus_class
      circuit; /* where the circuit that verifies it says something else; CORPUS_ACCEPTED: it does not */
  const char *no_circuit; /* why no circuit is asked; NULL: it is, if it can be */
  bool of_records;        /* the case is about what a seal says, not about its proof */
} corpus_item;

typedef struct corpus_case {
  const char *group, *name;
  unsigned on;                                      /* kinds */
  unsigned (*count)(const corpus_subject *subject); /* of generated cases; NULL: one */
  void (*recipe)(corpus_item *item, unsigned number);
  corpus_class expected; /* a recipe may say otherwise in the item */
  const char *no_evm;    /* why the contract is not asked; NULL: it is */
} corpus_case;

/* The table, in parts that end with a zero row. */
extern const corpus_case corpus_cases_encoding[], corpus_cases_words[], corpus_cases_openings[],
    corpus_cases_instances[], corpus_cases_records[], corpus_cases_keys[];

/* Calls `each` for every case that applies to the subject, with a full name "group/name#number". */
typedef void (*corpus_each)(void *context, const char *name, corpus_item *item);
void corpus_run(const corpus_subject *subject, corpus_each each, void *context);

/* --- subjects ------------------------------------------------------------------------------- */

/* Proofs of the small circuit of tests/plonk with true accumulators: leaf and node (kappa
 * HF_PRODUCTION_KAPPA, Poseidon2), seal (kappa 8, Keccak) over records of two chains that are not proven by
 * anything. The same bytes on every run. */
hf_status corpus_subject_make(corpus_kind kind, corpus_subject *out);
/* A recorded seal of m batches (recorded.h). It has no `other` and no `alien`: these are forged. */
hf_status corpus_subject_load(const char *folder, uint32_t m, corpus_subject *out);
void corpus_subject_free(corpus_subject *subject);

/* --- items ---------------------------------------------------------------------------------- */

/* The subject as it is; owned by the caller. */
corpus_item *corpus_item_for(const corpus_subject *subject);
void corpus_item_release(corpus_item *item);
/* Payload bytes of key, proof and records as they stand; further changes go to the bytes. */
void corpus_freeze(corpus_item *item);
/* Containers: "VKEY", and "PROF" or "SLED". */
hf_status corpus_item_key(corpus_item *item, hf_writer *w);
hf_status corpus_item_proof(corpus_item *item, hf_writer *w);

/* Where the elements of a proof's payload are. */
typedef struct corpus_map {
  size_t digest, count, inputs, points[32], evaluations;
  unsigned input_count, point_count, evaluation_count; /* points: commitments, W, W' */
} corpus_map;
corpus_map corpus_map_of(const hf_proof *proof);
/* The bytes at an offset of the frozen proof. */
uint8_t *corpus_at(corpus_item *item, size_t offset);
/* The integer at `bytes` (32, little-endian) += r or q; false if it does not fit. */
bool corpus_add_modulus(uint8_t *bytes, bool of_fq);
void corpus_modulus(bool of_fq, uint8_t out[32]);

hf_g1 *corpus_point(hf_proof *proof, unsigned i);
hf_fr *corpus_evaluation(hf_proof *proof, unsigned i);
/* The accumulator words of a node or a seal. */
hf_fr *corpus_accumulator(corpus_item *item);
void corpus_set_accumulator(corpus_item *item, hf_g1 left, hf_g1 right);
/* [k tau^0], [k tau]: a pair that the pairing accepts. */
void corpus_pair(uint64_t k, hf_g1 *left, hf_g1 *right);
hf_g1 corpus_add(hf_g1 a, hf_g1 b);
hf_g1 corpus_times(hf_g1 a, hf_fr k);
hf_fr corpus_tau(void);
/* The seal's four words for the item's records as they are. */
void corpus_restate(corpus_item *item);

/* --- forging -------------------------------------------------------------------------------- */

/* A proof of the item's instance that convinces: evaluations that satisfy the identity, an opening made with
 * the secret. The commitments, W and all other evaluations stay. */
void corpus_forge(corpus_item *item);
/* The identity alone: the opening is left as it is. */
void corpus_forge_identity(corpus_item *item);

/* --- verdicts ------------------------------------------------------------------------------- */

/* What our own readers and verifier say, and why (NULL: not wanted). */
corpus_class corpus_native(corpus_item *item, char why[256]);

/* --- writing out ---------------------------------------------------------------------------- */

/* Keeps one folder: KIND-SUBJECT.jsonl and the files that its lines name. */
typedef struct corpus_output corpus_output;
hf_status corpus_output_open(const char *folder, corpus_output **out);
hf_status corpus_output_case(corpus_output *out, const char *name, corpus_item *item);
hf_status corpus_output_close(corpus_output **out);

#endif
