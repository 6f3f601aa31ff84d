/* Poseidon2 in rows: merkle-gate row (external matrix and round 0), 3 full rounds, 11 rows of 5 partial
 * rounds, one middle row (the 56th partial round and full round 4), 3 full rounds; the state after them
 * stands on the 20th row. */
#include "circuit/hash.h"
#include <string.h>
#include "arith/poseidon2.h"
#include "circuit/builder_internal.h"

static void patterns_make(hf_builder *b) {
  if (b->poseidon_ready) return;
  b->poseidon_ready = true;
  for (int row = 0; row < HF_PERMUTE_ROWS; row++) {
    hf_pattern p;
    memset(&p, 0, sizeof p);
    if (row < 4 || row > 15) {
      int round = row < 4 ? row : row - 11;
      p.on = row == 0 ? HF_ON_MERKLE : HF_ON_FULL;
      for (int i = 0; i < 4; i++) p.q[HF_Q1 + i] = hf_poseidon2_rc[4 * round + i];
    } else if (row < 15) {
      p.on = HF_ON_PARTIAL;
      for (int i = 0; i < 5; i++)
        p.q[HF_Q1 + i] = hf_poseidon2_rc[HF_POSEIDON2_RC_PARTIAL + 5 * (row - 4) + i];
    } else {
      p.on = HF_ON_MIDDLE;
      p.q[HF_Q1] = hf_poseidon2_rc[HF_POSEIDON2_RC_PARTIAL + 55];
      for (int i = 0; i < 4; i++) p.q[HF_Q2 + i] = hf_poseidon2_rc[16 + i];
    }
    b->poseidon_patterns[row] = hf_pattern_intern(b, &p);
  }
}

/* The 19 gate rows; e on the first row is `chosen`, the child of number `digit`. The outputs are on the next
 * row. */
static void permute_rows(hf_builder *b, const hf_var in[4], hf_var chosen, hf_var digit, hf_var out[4]) {
  hf_permute_row rows[HF_PERMUTE_ROWS];
  hf_fr values[4];
  uint32_t w[HF_WIRES], next[HF_WIRES];
  for (int i = 0; i < 4; i++) {
    values[i] = hf_value(b, in[i]);
    w[i] = in[i].id;
  }
  patterns_make(b);
  for (int i = 0; i < 4; i++) out[i] = (hf_var){0};
  if (!hf_builder_ok(b)) return;
  b->trace->permute(values, rows);
  for (int row = 0; row < HF_PERMUTE_ROWS; row++) {
    const char *name = "Poseidon2 full round";
    w[4] = HF_NO_VAR;
    next[4] = HF_NO_VAR;
    if (row == 0) {
      name = "Poseidon2 first round or child selection";
      w[4] = chosen.id;
      next[4] = digit.id;
    } else if (row >= 4 && row <= 15) {
      name = row < 15 ? "Poseidon2 partial rounds" : "Poseidon2 middle rounds";
      w[4] = hf_var_new(b, rows[row].fifth).id;
    }
    for (int i = 0; i < 4; i++) next[i] = hf_var_new(b, rows[row].after[i]).id;
    hf_row_lay(b, b->poseidon_patterns[row], w, next, name);
    memcpy(w, next, sizeof w);
  }
  for (int i = 0; i < 4; i++) out[i].id = next[i];
}

void hf_permute(hf_builder *b, const hf_var in[4], hf_var out[4]) {
  permute_rows(b, in, in[0], hf_zero(b), out);
}

/* The 20th row: out = P(x)[0] + x0, out on e of the row that follows. */
static hf_var feed_forward(hf_builder *b, const hf_var state[4], hf_var x0) {
  hf_var out = hf_var_new(b, hf_fr_add(hf_value(b, state[0]), hf_value(b, x0)));
  hf_pattern p;
  memset(&p, 0, sizeof p);
  p.on = HF_ON_ARITHMETIC;
  p.q[HF_Q1] = p.q[HF_Q5] = hf_fr_one();
  p.q[HF_QN] = hf_fr_neg(hf_fr_one());
  uint32_t w[HF_WIRES] = {state[0].id, state[1].id, state[2].id, state[3].id, x0.id};
  uint32_t next[HF_WIRES] = {HF_NO_VAR, HF_NO_VAR, HF_NO_VAR, HF_NO_VAR, out.id};
  hf_row_lay(b, hf_pattern_intern(b, &p), w, next, "compress4 feed-forward");
  return out;
}

hf_var hf_hash4(hf_builder *b, const hf_var in[4]) {
  hf_var state[4];
  hf_permute(b, in, state);
  return feed_forward(b, state, in[0]);
}

hf_var hf_hash_words(hf_builder *b, uint64_t domain, const hf_var *words, size_t count) {
  hf_fr tag = {{domain, count, 0, 0}};
  hf_var state[4], zero = hf_zero(b);
  hf_scope_begin(b, "sponge");
  state[3] = hf_constant(b, hf_fr_from_limbs(tag));
  for (size_t at = 0; at == 0 || at < count; at += 3) {
    for (size_t i = 0; i < 3; i++) state[i] = at + i < count ? words[at + i] : zero;
    hf_permute(b, state, state);
  }
  hf_scope_end(b);
  return state[0];
}

/* The four children of a level: siblings in order around the child at place p. */
static void children_of(hf_builder *b, hf_var digit, hf_fr current, const hf_fr siblings[3], hf_var out[4]) {
  uint64_t p = hf_value_u64(b, digit) & 3;
  for (uint64_t i = 0; i < 4; i++) {
    hf_fr value = i == p ? current : siblings[i < p ? i : i - 1];
    out[i] = hf_hint(b, value, "Merkle child");
  }
}

static hf_var level(hf_builder *b, const hf_var children[4], hf_var current, hf_var digit) {
  hf_var state[4];
  permute_rows(b, children, current, digit, state);
  return feed_forward(b, state, children[0]);
}

hf_var hf_merkle_root(hf_builder *b, hf_var leaf, const hf_var *digits, const hf_fr *siblings,
                      unsigned levels) {
  hf_scope_begin(b, "merkle path");
  for (unsigned l = 0; l < levels; l++) {
    hf_var children[4];
    children_of(b, digits[l], hf_value(b, leaf), &siblings[3 * l], children);
    leaf = level(b, children, leaf, digits[l]);
  }
  hf_scope_end(b);
  return leaf;
}

/* The row before the new level's first: its children are the old ones but for one, which goes from `from` to
 * `to`. The first rows of both levels say that it is child number `digit`. */
static void update_row(hf_builder *b, const hf_var old[4], hf_var from, const hf_var new[4], hf_var to) {
  hf_pattern p;
  memset(&p, 0, sizeof p);
  p.on = HF_ON_UPDATE;
  uint32_t w[HF_WIRES] = {old[0].id, old[1].id, old[2].id, old[3].id, from.id};
  uint32_t next[HF_WIRES] = {new[0].id, new[1].id, new[2].id, new[3].id, to.id};
  hf_row_lay(b, hf_pattern_intern(b, &p), w, next, "Merkle update: siblings stay");
}

void hf_merkle_update(hf_builder *b, hf_var old_leaf, hf_var new_leaf, const hf_var *digits,
                      const hf_fr *siblings, unsigned levels, hf_var *old_root, hf_var *new_root) {
  *old_root = old_leaf;
  *new_root = new_leaf;
  if (!hf_builder_ok(b)) return;
  if (levels > HF_MERKLE_MAX_LEVELS) {
    hf_builder_fail(b, HF_E_ARGUMENT, "a tree of %u levels; at most %d", levels, HF_MERKLE_MAX_LEVELS);
    return;
  }
  hf_var children[HF_MERKLE_MAX_LEVELS][4], current[HF_MERKLE_MAX_LEVELS];
  hf_scope_begin(b, "merkle update");
  for (unsigned l = 0; l < levels; l++) {
    current[l] = *old_root;
    children_of(b, digits[l], hf_value(b, *old_root), &siblings[3 * l], children[l]);
    *old_root = level(b, children[l], *old_root, digits[l]);
  }
  for (unsigned l = 0; l < levels; l++) {
    hf_var updated[4];
    children_of(b, digits[l], hf_value(b, *new_root), &siblings[3 * l], updated);
    update_row(b, children[l], current[l], updated, *new_root);
    *new_root = level(b, updated, *new_root, digits[l]);
  }
  hf_scope_end(b);
}

void hf_merkle_digits(hf_builder *b, hf_var index, unsigned levels, hf_var *digits) {
  hf_term terms[HF_MERKLE_MAX_LEVELS + 1];
  if (levels > HF_MERKLE_MAX_LEVELS) {
    hf_builder_fail(b, HF_E_ARGUMENT, "a tree of %u levels; at most %d", levels, HF_MERKLE_MAX_LEVELS);
    return;
  }
  uint64_t value = hf_value_u64(b, index);
  for (unsigned l = 0; l < levels; l++) {
    digits[l] = hf_hint(b, hf_fr_from_u64(value >> 2 * l & 3), "Merkle digit");
    terms[l] = (hf_term){hf_fr_from_u64(1ull << 2 * l), digits[l]};
  }
  terms[levels] = (hf_term){hf_fr_neg(hf_fr_one()), index};
  hf_assert_linear(b, "Merkle index = sum of digits", terms, levels + 1, hf_fr_zero());
}
