/* Merkle updates and ranges. */
#include <stdlib.h>
#include <string.h>
#include "arith/poseidon2.h"
#include "removal.h"

/* The rows of the update gate: from, to, fees, levels upwards. */
static uint32_t update_rows(const instance *in, uint32_t rows[6]) {
  uint32_t count = 0;
  for (uint32_t r = 0; r < in->rows && count < 6; r++)
    if (hf_fr_eq(in->circuit->fixed[HF_S_ARITHMETIC][r], hf_fr_from_u64(2)) &&
        find_row(in, "merkle update", in->circuit->notes->row_name[r], r) == r)
      rows[count++] = r;
  return count;
}

static unsigned chosen(const instance *in, uint32_t row) {
  for (unsigned i = 0; i < 4; i++)
    if (!hf_fr_eq(in->circuit->wires[i][row + 1], in->circuit->wires[i][row])) return i;
  return 4;
}

static void update_gate(removal *m) {
  /* The operator's leaf is the last update: only the new root follows. Fees make it change. */
  const instance *in = &m->in[INSTANCE_TRANSFER], *still = &m->in[INSTANCE_OPEN];
  uint32_t rows[6];
  if (update_rows(in, rows) != 6) abort();
  for (int level = 0; level < 2; level++) {
    uint32_t row = rows[4 + level];
    unsigned p = chosen(in, row), j = (p + 1) & 3;
    hf_fr change = hf_fr_sub(in->circuit->wires[4][row + 1], in->circuit->wires[4][row]);
    lies told = {0};
    lie_add(&told, var_at(in, row + 1, j), hf_fr_add(in->value[var_at(in, row + 1, j)], change));
    removal_try(m, in, &told, "two children change alike");
    for (unsigned k = 0; k < 4; k++) {
      if (k == p) continue;
      j = k == ((p + 1) & 3) ? (p + 2) & 3 : (p + 1) & 3;
      told.count = 0;
      lie_add(&told, var_at(in, row + 1, j), hf_fr_add(in->value[var_at(in, row + 1, j)], change));
      lie_add(&told, var_at(in, row + 1, k), hf_fr_sub(in->value[var_at(in, row + 1, k)], change));
      removal_try(m, in, &told, "two siblings change against each other");
      /* a sibling changes, and the update row sees it changed before */
      attempt a;
      hf_fr other = hf_fr_add(in->value[var_at(in, row + 1, k)], hf_fr_one());
      told.count = 0;
      lie_add(&told, var_at(in, row + 1, k), other);
      attempt_follow(in, &told, &a);
      removal_cut(m, a.circuit, row, k, other, "a sibling changes");
      attempt_free(&a);
    }
    /* nothing changes but a sibling, and the update row sees the node changed */
    row = rows[4 + level];
    attempt a;
    told.count = 0;
    uint32_t sibling = var_at(still, row + 1, j == p ? (p + 1) & 3 : j);
    lie_add(&told, sibling, hf_fr_add(still->value[sibling], hf_fr_one()));
    attempt_follow(still, &told, &a);
    removal_cut(m, a.circuit, row, 4, hf_fr_sub(a.circuit->wires[4][row], hf_fr_one()), "a sibling changes");
    attempt_free(&a);
    /* the new node is another one */
    told.count = 0;
    lie_add(&told, var_at(in, row + 1, p), hf_fr_add(in->value[var_at(in, row + 1, p)], hf_fr_one()));
    attempt_follow(in, &told, &a);
    removal_cut(m, a.circuit, row + 1, 4, hf_fr_add(a.circuit->wires[4][row + 1], hf_fr_one()),
                "another node");
    attempt_free(&a);
  }
}

/* The old and the new row of the top level select another child than the node. The other updates see that
 * child, too, and the roots follow. */
static void selection(removal *m) {
  const instance *in =
      &m->in[INSTANCE_OPEN]; /* from 0, to 7 and fees 6: below children 0, 1 and 1 of the root */
  uint32_t rows[6];
  if (update_rows(in, rows) != 6) abort();
  lies told = {0};
  for (int u = 0; u < 3; u++)
    for (uint32_t side = 0; side < 2; side++) {
      uint32_t v = var_at(in, rows[2 * u + 1] + side, 0);
      lie_add(&told, v, hf_fr_add(in->value[v], hf_fr_one()));
    }
  attempt a;
  attempt_follow(in, &told, &a);
  removal_judge(m, &a, "another child than the node");
  attempt_free(&a);
}

/* Digits 6 and 0 instead of 2 and 1: sum 6 as well. The polynomial that selects child 0..3 gives something at
 * 6, too: leaf 3 is chosen so that it gives the operator's leaf. */
static void digit_six(removal *m) {
  const instance *in = &m->in[INSTANCE_OPEN];
  ref_state state;
  ref_state_init(&state, 4);
  for (uint32_t i = 0; i < 16; i++) ref_leaf_set(&state, i, in->world.state.leaves[i]);
  /* Lagrange at 6: -10, 36, -45, 20 */
  hf_fr h3 = hf_fr_add(state.nodes[0][6], hf_fr_mul(hf_fr_from_u64(10), state.nodes[0][0]));
  h3 = hf_fr_sub(h3, hf_fr_mul(hf_fr_from_u64(36), state.nodes[0][1]));
  h3 = hf_fr_add(h3, hf_fr_mul(hf_fr_from_u64(45), state.nodes[0][2]));
  h3 = hf_fr_mul(h3, hf_fr_inv(hf_fr_from_u64(20)));
  state.nodes[0][3] = h3;
  hf_fr *n = state.nodes[1];
  n[0] = hf_poseidon2_compress4(state.nodes[0][0], state.nodes[0][1], state.nodes[0][2], h3);
  hf_batch_input input = in->input;
  hf_batch_slot slot = in->input.slots[0];
  input.slots = &slot;
  hf_fr_to_bytes(h3, slot.from.siblings[0][2]);
  hf_fr_to_bytes(n[0], slot.to.siblings[1][0]);
  hf_fr_to_bytes(hf_poseidon2_compress4(n[0], n[1], n[2], n[3]), input.record.word[HF_RECORD_OLD_ROOT]);
  /* after the deposit into leaf 7 node 1 is what the honest run found */
  uint32_t rows[6];
  if (update_rows(in, rows) != 6) abort();
  hf_fr n1 = in->circuit->wires[4][rows[3] + 1];
  hf_fr_to_bytes(hf_poseidon2_compress4(n[0], n1, n[2], n[3]), input.record.word[HF_RECORD_NEW_ROOT]);
  lies told = {0};
  hf_fr level0[4] = {state.nodes[0][0], state.nodes[0][1], state.nodes[0][2], h3},
        level1[4] = {n[0], n1, n[2], n[3]};
  for (unsigned i = 0; i < 4; i++)
    for (int side = 0; side < 2; side++) {
      lie_add(&told, var_at(in, rows[4] + (uint32_t)side, i), level0[i]);
      lie_add(&told, var_at(in, rows[5] + (uint32_t)side, i), level1[i]);
    }
  lie_add(&told, hint_var(in, "Merkle digit", 4), hf_fr_from_u64(6));
  lie_add(&told, hint_var(in, "Merkle digit", 5), hf_fr_zero());
  attempt a;
  attempt_run(in, &input, &told, &a);
  removal_judge(m, &a, "digit 6");
  attempt_free(&a);
  ref_state_free(&state);
}

/* Where all children are equal any digit selects the right one, so only its copy says which it is. */
static void digits(removal *m) {
  ref_world w;
  ref_op noop = {.type = HF_SLOT_NOOP};
  instance empty;
  memset(&w, 0, sizeof w);
  ref_state_init(&w.state, 4);
  w.batch.params.depth = 4;
  w.batch.params.slots = 1;
  instance_make(&empty, "empty", &w, &noop, true);
  hf_circuit *c = empty.circuit;
  for (uint32_t r = 1; r < c->used_rows; r++)
    if (!hf_fr_is_zero(c->fixed[HF_S_MERKLE][r - 1]))
      for (uint64_t digit = 0; digit < 4; digit++)
        removal_cut(m, c, r, 4, hf_fr_from_u64(digit), "another digit where children are equal");
  instance_free(&empty);
  ref_state_free(&w.state);
}

/* The node below the root is not what its rows computed; the updates before (for an old node) or after (for a
 * new one) see the lie as a sibling. */
static void node_between(removal *m, const instance *in, int update, uint32_t side) {
  uint32_t rows[6],
      index[3] = {in->input.slots[0].from.index, in->input.slots[0].to.index, in->input.fees.index};
  if (update_rows(in, rows) != 6) abort();
  attempt a;
  lies told = {0};
  uint32_t node = var_at(in, rows[2 * update + 1] + side, 4);
  hf_fr lied = hf_fr_add(in->value[node], hf_fr_one());
  lie_add(&told, node, lied);
  for (int u = 0; u < 3; u++)
    for (uint32_t k = 0; k < 2 && (side ? u > update : u < update); k++) {
      if (index[u] / 4 == index[update] / 4) return; /* passes through the node itself */
      lie_add(&told, var_at(in, rows[2 * u + 1] + k, index[update] / 4), lied);
    }
  attempt_follow(in, &told, &a);
  m->runs++;
  for (uint32_t r = in->first_row[node]; a.status == HF_OK && r < in->rows; r++)
    if (var_at(in, r, 4) == node) removal_cut(m, a.circuit, r, 4, in->value[node], "another node");
  attempt_free(&a);
}

/* An update starts from another root than the one before left: all see another child from there on. */
static void root_between(removal *m, const instance *in, int update) {
  uint32_t rows[6];
  if (update_rows(in, rows) != 6) abort();
  attempt a;
  lies told = {0};
  for (int u = update; u < 3; u++)
    for (uint32_t side = 0; side < 2; side++) {
      uint32_t v = var_at(in, rows[2 * u + 1] + side, 2);
      lie_add(&told, v, hf_fr_add(in->value[v], hf_fr_one()));
    }
  attempt_follow(in, &told, &a);
  m->runs++;
  const hf_circuit_notes *notes = in->circuit->notes;
  int seen = 0;
  for (size_t i = 0; a.status == HF_OK && i < notes->merge_count; i++) {
    if (strcmp(notes->merges[i].name, "old leaf is in the tree") != 0 || seen++ != update) continue;
    uint32_t ends[2] = {notes->merges[i].x, notes->merges[i].y};
    for (int k = 0; k < 2; k++) {
      uint32_t at = notes->cell_of[ends[k]];
      if (at == UINT32_MAX) continue;
      removal_cut(m, a.circuit, at / HF_WIRES, at % HF_WIRES, a.value[ends[k]], "another root");
    }
  }
  attempt_free(&a);
}

static void nodes_between(removal *m) {
  const int which[] = {INSTANCE_OPEN, INSTANCE_TRANSFER};
  for (int i = 0; i < 2; i++)
    for (int update = 0; update < 3; update++) {
      for (uint32_t side = 0; side < 2; side++) node_between(m, &m->in[which[i]], update, side);
      if (update > 0) root_between(m, &m->in[which[i]], update);
    }
}

void removal_paths(removal *m) {
  nodes_between(m);
  update_gate(m);
  selection(m);
  digit_six(m);
  digits(m);
}

/* ---- ranges ---- */

static void lie_step(const instance *in, uint32_t row, unsigned wire, hf_fr step, lies *told) {
  uint32_t v = var_at(in, row, wire);
  lie_add(told, v, hf_fr_add(lied_value(in, told, v), step));
}

/* Chunks that borrow from the next one. */
static void borrowing_chunks(removal *m, const instance *in, unsigned tries) {
  const hf_circuit *c = in->circuit;
  for (uint32_t i = 0; i < m->classes.count; i++) {
    constraint_class *k = &m->classes.list[i];
    uint32_t row = k->rows[tries & 3];
    unsigned w = k->index;
    if (k->part != HF_PART_RANGE || k->covered || hf_fr_is_zero(c->fixed[HF_S_ARITHMETIC][row])) continue;
    if (hf_fr_is_zero(c->fixed[HF_Q1 + w][row])) continue;
    hf_fr step = hf_fr_neg(hf_fr_from_u64((uint64_t)1 << c->table_width));
    lies told = {0};
    lie_step(in, row, w, step, &told);
    if (w < 3 && !hf_fr_is_zero(c->fixed[HF_Q1 + w + 1][row])) {
      lie_add(&told, var_at(in, row, w + 1), solve_row(in, &told, row, w + 1));
    } else if (!hf_fr_is_zero(c->fixed[HF_QN][row])) {
      lie_add(&told, var_at(in, row + 1, 4), solve_row(in, &told, row, 5));
      lie_add(&told, var_at(in, row + 1, 0), solve_row(in, &told, row + 1, 0));
    } else {
      continue;
    }
    removal_try(m, in, &told, "a chunk that borrows");
  }
}

/* A value above its range: the top chunk and the rests above it say so. */
static void too_large(removal *m, const instance *in, const char *hint, uint32_t nth, const char *range,
                      uint32_t range_nth, unsigned bits, const lies *more) {
  uint32_t row = find_row(in, NULL, range, 0), v = hint_var(in, hint, nth);
  while (row != UINT32_MAX && (hf_fr_is_zero(in->circuit->fixed[HF_S_RANGE][row]) ||
                               var_at(in, row, 4) == HF_NO_VAR || range_nth > 0)) {
    if (!hf_fr_is_zero(in->circuit->fixed[HF_S_RANGE][row]) && hf_fr_is_zero(in->circuit->fixed[HF_QN][row]))
      range_nth--;
    row = find_row(in, NULL, range, row + 1);
  }
  if (row == UINT32_MAX) return;
  lies told = {0};
  if (more != NULL) told = *more;
  hf_fr step = hf_fr_pow_u64(hf_fr_from_u64(2), bits);
  lie_add(&told, v, hf_fr_add(in->value[v], step));
  uint32_t e = var_at(in, row, 4);
  if (e != v) lie_add(&told, e, hf_fr_add(in->value[e], step)); /* what is ranged follows from the hint */
  while (!hf_fr_is_zero(in->circuit->fixed[HF_QN][row])) {
    lie_add(&told, var_at(in, row + 1, 4), solve_row(in, &told, row, 5));
    row++;
  }
  unsigned top = 3;
  while (hf_fr_is_zero(in->circuit->fixed[HF_Q1 + top][row])) top--;
  lie_add(&told, var_at(in, row, top), solve_row(in, &told, row, top));
  removal_try(m, in, &told, "a value above its range");
}

void removal_ranges(removal *m) {
  const instance *open = &m->in[INSTANCE_OPEN];
  for (unsigned i = 0; i < 4; i++) borrowing_chunks(m, open, i);
  borrowing_chunks(m, &m->in[INSTANCE_WITHDRAW], 0);
  /* another value than the chunks' */
  uint32_t row = find_row(open, "fees", "operator nonce", 0);
  lies chunk = {0};
  lie_step(open, row, 0, hf_fr_one(), &chunk);
  removal_try(m, open, &chunk, "another value than its chunks'");
  too_large(m, &m->in[INSTANCE_DEPOSIT], "to nonce", 0, "to nonce", 0, 32, NULL);
  /* low of 249 bits and one less above */
  lies above = {0};
  uint32_t v = hint_var(open, "split high", 0);
  lie_add(&above, v, hf_fr_sub(open->value[v], hf_fr_one()));
  too_large(m, open, "split low", 0, "canonical split: low", 0, 248, &above);
  /* the high part of v + 2 r, which leaves a negative rest; and a negative one of v - r, which leaves a large
   * rest */
  ref_world w;
  ref_world_init(&w, 4, 1, 1);
  ref_op op = ref_refused(hf_fr_from_u64(5), hf_fr_from_u64(9), 500);
  instance refused;
  instance_make(&refused, "refused", &w, &op, true);
  for (uint32_t i = 0; i < 2; i++) {
    lies told = {0};
    hf_fr limbs = hf_fr_to_limbs(hf_fr_neg(hf_fr_one())), value = hf_fr_from_u64(i == 0 ? 5 : 9);
    /* value - r = low - 2^248 (high + 1): r - 1 = top low + 2^248 high */
    uint64_t high = limbs.l[3] >> 56;
    limbs.l[3] &= ((uint64_t)1 << 56) - 1;
    hf_fr low = hf_fr_sub(hf_fr_pow_u64(hf_fr_from_u64(2), 248), hf_fr_from_limbs(limbs));
    low = hf_fr_add(low, hf_fr_sub(value, hf_fr_one()));
    lie_add(&told, hint_var(&refused, "split low", i), low);
    lie_add(&told, hint_var(&refused, "split high", i), hf_fr_neg(hf_fr_from_u64(high + 1)));
    removal_try(m, &refused, &told, "v - r");
    /* value + r, with the honest borrow: r - 1 - v is negative */
    told.count = 0;
    lie_add(&told, hint_var(&refused, "split low", i),
            hf_fr_add(hf_fr_from_limbs(limbs), hf_fr_add(value, hf_fr_one())));
    lie_add(&told, hint_var(&refused, "split high", i), hf_fr_from_u64(high));
    removal_try(m, &refused, &told, "v + r");
  }
  instance_free(&refused);
  ref_world_free(&w);
}
