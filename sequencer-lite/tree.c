#include "tree.h"

#include "host/domains.h"

#include <stdlib.h>
#include <string.h>

typedef struct family {
  uint32_t key;
  bool used, dirty;
  hf_fr child[4];
} family;

struct hf_tree {
  uint32_t levels;
  uint32_t leaves;                       /* 2^depth */
  hf_fr empty[HF_ROLLUP_LEVELS_MAX + 1]; /* hash of an empty subtree by level; 0 is a leaf */
  hf_tree_loader load;
  void *context;
  /* open addressing, linear probing, at most 3/4 full */
  family *table;
  size_t capacity, count; /* capacity is a power of two */
};

hf_fr hf_account_leaf(const hf_account *account) {
  hf_fr packed = {{account->balance, account->nonce, 0, 0}};
  return hf_poseidon2_compress4(account->x, account->y, hf_fr_from_limbs(packed),
                                hf_fr_from_u64(HF_DOMAIN_ACCOUNT));
}

hf_status hf_tree_create(uint32_t depth, hf_tree_loader load, void *context, hf_tree **out) {
  *out = NULL;
  hf_rollup_params params = {depth, 1};
  hf_status status = hf_rollup_params_check(&params);
  if (status != HF_OK) return status;
  hf_tree *tree = calloc(1, sizeof *tree);
  if (!tree) return hf_fail(HF_E_MEMORY, "state tree: no memory");
  tree->levels = depth / 2;
  tree->leaves = (uint32_t)1 << depth;
  tree->load = load;
  tree->context = context;
  const hf_account nobody = {0};
  tree->empty[0] = hf_account_leaf(&nobody);
  for (uint32_t k = 1; k <= tree->levels; k++) {
    hf_fr e = tree->empty[k - 1];
    tree->empty[k] = hf_poseidon2_compress4(e, e, e, e);
  }
  *out = tree;
  return HF_OK;
}

void hf_tree_destroy(hf_tree **tree) {
  if (!*tree) return;
  free((*tree)->table);
  free(*tree);
  *tree = NULL;
}

static family *find(family *table, size_t capacity, uint32_t key) {
  size_t at = (key * 0x9e3779b97f4a7c15ull) >> 20 & (capacity - 1);
  while (table[at].used && table[at].key != key) at = (at + 1) & (capacity - 1);
  return &table[at];
}

static hf_status grow(hf_tree *tree) {
  size_t capacity = tree->capacity ? 2 * tree->capacity : 256;
  family *table = calloc(capacity, sizeof *table);
  if (!table) return hf_fail(HF_E_MEMORY, "state tree: no memory for %zu families", capacity);
  for (size_t i = 0; i < tree->capacity; i++)
    if (tree->table[i].used) *find(table, capacity, tree->table[i].key) = tree->table[i];
  free(tree->table);
  tree->table = table;
  tree->capacity = capacity;
  return HF_OK;
}

/* The pointer lives until the next call. */
static hf_status get(hf_tree *tree, uint32_t key, family **out) {
  if (4 * (tree->count + 1) > 3 * tree->capacity) {
    hf_status status = grow(tree);
    if (status != HF_OK) return status;
  }
  family *f = find(tree->table, tree->capacity, key);
  *out = f;
  if (f->used) return HF_OK;
  for (int i = 0; i < 4; i++) f->child[i] = tree->empty[key >> 24];
  if (tree->load) {
    uint8_t bytes[HF_TREE_FAMILY_BYTES];
    bool found = false;
    hf_status status = tree->load(tree->context, key, bytes, &found);
    if (status != HF_OK) return status;
    for (int i = 0; found && i < 4; i++)
      if (!hf_fr_from_bytes(bytes + 32 * i, &f->child[i]))
        return hf_fail(HF_E_FORMAT, "state tree: stored family %08x is not canonical", key);
  }
  f->key = key;
  f->used = true;
  f->dirty = false;
  tree->count++;
  return HF_OK;
}

static hf_fr hash_family(const family *f) {
  return hf_poseidon2_compress4(f->child[0], f->child[1], f->child[2], f->child[3]);
}

hf_status hf_tree_root(hf_tree *tree, hf_fr *root) {
  family *f = NULL;
  hf_status status = get(tree, hf_tree_family(0, tree->levels - 1), &f);
  *root = status == HF_OK ? hash_family(f) : hf_fr_zero();
  return status;
}

static hf_status check_index(const hf_tree *tree, uint32_t index) {
  if (index < tree->leaves) return HF_OK;
  return hf_fail(HF_E_RANGE, "state tree: leaf %u of %u", index, tree->leaves);
}

hf_status hf_tree_path(hf_tree *tree, uint32_t index, hf_fr *leaf, hf_fr siblings[][3]) {
  hf_status status = check_index(tree, index);
  for (uint32_t level = 0; status == HF_OK && level < tree->levels; level++) {
    family *f = NULL;
    HF_TRY(get(tree, hf_tree_family(index, level), &f));
    uint32_t own = index >> (2 * level) & 3;
    for (uint32_t i = 0, k = 0; i < 4; i++)
      if (i != own) siblings[level][k++] = f->child[i];
    if (level == 0 && leaf) *leaf = f->child[own];
  }
out:
  return status;
}

hf_status hf_tree_set(hf_tree *tree, uint32_t index, hf_fr leaf) {
  hf_status status = check_index(tree, index);
  hf_fr node = leaf;
  for (uint32_t level = 0; status == HF_OK && level < tree->levels; level++) {
    family *f = NULL;
    HF_TRY(get(tree, hf_tree_family(index, level), &f));
    f->child[index >> (2 * level) & 3] = node;
    f->dirty = true;
    node = hash_family(f);
  }
out:
  return status;
}

hf_status hf_tree_flush(hf_tree *tree, hf_tree_writer write, void *context) {
  for (size_t i = 0; i < tree->capacity; i++) {
    const family *f = &tree->table[i];
    if (!f->used || !f->dirty) continue;
    uint8_t bytes[HF_TREE_FAMILY_BYTES];
    for (int k = 0; k < 4; k++) hf_fr_to_bytes(f->child[k], bytes + 32 * k);
    hf_status status = write(context, f->key, bytes);
    if (status != HF_OK) return status;
  }
  return HF_OK;
}

void hf_tree_commit(hf_tree *tree, size_t keep) {
  if (tree->load && keep && tree->count > keep) {
    hf_tree_drop(tree);
    return;
  }
  for (size_t i = 0; i < tree->capacity; i++) tree->table[i].dirty = false;
}

void hf_tree_drop(hf_tree *tree) {
  free(tree->table);
  tree->table = NULL;
  tree->capacity = tree->count = 0;
}
