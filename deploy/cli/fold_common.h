/* What the commands about folding share: the set-up, the keys of node and seal, and the aggregator's view of
 * both. */
#ifndef HF_FOLD_COMMON_H
#define HF_FOLD_COMMON_H

#include "aggregator.h"
#include "circuits/fold.h"
#include "device_common.h"

#define HF_CLI_KEYS 64 /* that one option names */

/* A set of keys: what --leaf-vk and --allow list. */
typedef struct hf_cli_keys {
  size_t count;
  hf_digest digest[HF_CLI_KEYS];
  bool loaded[HF_CLI_KEYS];
  hf_verifying_key key[HF_CLI_KEYS]; /* of those that a file was given for */
} hf_cli_keys;                       /* large: allocate it */

/* "DIGEST,FILE,..."; NULL: none. */
hf_status hf_cli_keys_parse(const char *list, hf_cli_keys *out);
/* Its place in the set, or count. */
size_t hf_cli_keys_find(const hf_cli_keys *keys, const hf_digest *digest);

typedef struct hf_cli_fold {
  hf_cli_device device;
  hf_fold_setup setup;
  hf_verifying_key node, seal;
  hf_cli_keys *leaves; /* empty: every key in DATA/keys */
  char *out;           /* the folder of sealed objects */
  char *journals;      /* of what was sent to L1: DATA/l1 */
  hf_node_input *node_input;
  hf_seal_input *seal_input;
} hf_cli_fold;

/* Opens device and SRS, derives or finds the keys of node and seal (options: HF_OPTIONS_DEVICE, data,
 * leaf-vk, out). */
hf_status hf_cli_fold_open(hf_cli *cli, hf_cli_fold *out);
/* Only what reading seals and where they lie needs: no device, no keys (options: data, out). */
hf_status hf_cli_fold_open_seals(hf_cli *cli, hf_cli_fold *out);
void hf_cli_fold_close(hf_cli_fold *fold);
/* The file of a sealed object, in fresh memory. */
char *hf_cli_sealed_path(const hf_cli_fold *fold, uint64_t number);
/* The mark beside it that says that the seal is given up: hyperfold settle passes over it. */
#define HF_CLI_SEALED_NAME    "%08llu.sealed"
#define HF_CLI_ABANDONED_NAME "%08llu.abandoned"

/* Who works in a folder of sealed objects holds it: aggregators and those who read what they made share it,
 * giving seals up wants it alone. HF_E_BUSY. The caller closes *fd; a reader gets -1 where no aggregator ever
 * worked. */
typedef enum hf_cli_seals_for { HF_SEALS_TO_READ, HF_SEALS_TO_ADD, HF_SEALS_TO_GIVE_UP } hf_cli_seals_for;
hf_status hf_cli_sealed_lock(const char *folder, hf_cli_seals_for what, int *fd);

/* For hf_aggregator_options: the context is a hf_cli_fold. */
extern const hf_aggregator_ops hf_cli_fold_ops;

#endif
