/* Builder core, arithmetic, Poseidon2, Merkle paths, ranges and ROM. */
#include "circuit_support.h"
#include "arith/poseidon2.h"
#include "circuit/hash.h"
#include "circuit/range.h"
#include "circuit/rom.h"
#include "host/poseidon.h"

/* ---- arithmetic ---- */

static void arithmetic_circuit(hf_builder *b, const void *input) {
  const uint64_t *in = input;
  hf_var x = hf_hint(b, fr(in[0]), "x"), y = hf_hint(b, fr(in[1]), "y"), s = hf_hint(b, fr(in[2]), "s");
  hf_assert_bool(b, "s is boolean", s);
  hf_var sum = hf_add(b, x, y), product = hf_mul(b, x, y);
  hf_public_input(b, sum);
  hf_public_input(b, product);
  hf_public_input(b, hf_select(b, s, x, y));
  hf_public_input(b, hf_is_zero(b, hf_sub(b, x, y)));
  hf_public_input(b, hf_is_equal(b, x, y));
  hf_public_input(b, hf_or(b, s, hf_not(b, s)));
  hf_term terms[13];
  for (uint64_t i = 0; i < 13; i++) terms[i] = hf_term_of(fr(i + 1), hf_hint(b, fr(in[0] + i), "term"));
  hf_public_input(b, hf_linear(b, terms, 13, fr(5)));
  hf_product p[2] = {{fr(3), x, x}, {fr(2), sum, y}};
  hf_public_input(b, hf_quadratic(b, p, 2, terms, 6, fr(7)));
  hf_assert_nonzero(b, "sum is not zero", sum);
  hf_assert_equal_if(b, "s then x = y", s, x, y);
}

Test(circuit, arithmetic) {
  uint64_t cases[3][3] = {{3, 3, 1}, {5, 9, 0}, {0, 1, 0}};
  hf_digest digests[3];
  for (int i = 0; i < 3; i++) {
    uint64_t x = cases[i][0], y = cases[i][1], s = cases[i][2];
    hf_circuit *c = build(4, arithmetic_circuit, cases[i], NULL);
    cr_assert_eq(hf_circuit_check(c), HF_OK, "%s", hf_error_message());
    uint64_t linear = 5, quadratic = 7 + 3 * x * x + 2 * (x + y) * y;
    for (uint64_t k = 0; k < 13; k++) linear += (k + 1) * (x + k);
    for (uint64_t k = 0; k < 6; k++) quadratic += (k + 1) * (x + k);
    uint64_t expected[8] = {x + y, x * y, s ? x : y, x == y, x == y, 1, linear, quadratic};
    cr_assert_eq(c->public_count, 8);
    for (int k = 0; k < 8; k++) cr_assert(hf_fr_eq(c->public_inputs[k], fr(expected[k])), "output %d", k);
    digests[i] = hf_circuit_structure_digest(c);
    cr_assert(hf_digest_eq(&digests[0], &digests[i]));
    hf_circuit_destroy(&c);
  }
  uint64_t not_boolean[3] = {3, 3, 2}, zero_sum[3] = {0, 0, 0}, unequal[3] = {3, 4, 1};
  assert_refused(4, arithmetic_circuit, not_boolean, NULL, "s is boolean");
  assert_refused(4, arithmetic_circuit, zero_sum, NULL, "sum is not zero");
  assert_refused(4, arithmetic_circuit, unequal, NULL, "s then x = y");
  liar l = {.name = "is_zero inverse", .value = fr(77)};
  assert_refused(4, arithmetic_circuit, cases[1], &l, "is_zero: x out = 0");
}

static void copy_circuit(hf_builder *b, const void *input) {
  const uint64_t *in = input;
  hf_scope_begin(b, "outer");
  hf_scope_begin(b, "inner");
  hf_var x = hf_hint(b, fr(in[0]), "x"), y = hf_hint(b, fr(in[1]), "y");
  hf_public_input(b, hf_add(b, x, x));
  hf_public_input(b, hf_add(b, y, y));
  hf_assert_equal(b, "x equals y", x, y);
  hf_scope_end(b);
  hf_scope_end(b);
}

Test(circuit, copies_scopes_and_errors) {
  uint64_t same[2] = {4, 4}, other[2] = {4, 5};
  assert_satisfied(4, copy_circuit, same);
  assert_refused(4, copy_circuit, other, NULL, "x equals y");

  hf_circuit *c = build(4, copy_circuit, same, NULL);
  size_t count;
  const hf_scope_rows *scopes = hf_circuit_scopes(c, &count);
  cr_assert_eq(scopes[0].total, c->used_rows);
  bool found = false;
  for (size_t i = 0; i < count; i++)
    if (!strcmp(scopes[i].name, "inner")) {
      found = true;
      cr_assert_eq(scopes[i].depth, 2);
      cr_assert_eq(scopes[i].own, 2);
      cr_assert_eq(scopes[scopes[i].parent].total, 2);
    }
  cr_assert(found);
  /* a changed public input, a changed cell, a changed class */
  c->public_inputs[0] = fr(9);
  cr_assert_eq(hf_circuit_check(c), HF_E_UNSATISFIED);
  c->public_inputs[0] = fr(8);
  cr_assert_eq(hf_circuit_check(c), HF_OK);
  uint32_t rows[16];
  size_t touched = hf_circuit_set_class(c, 0, 0, fr(10), rows, 16);
  cr_assert_eq(touched, 2);
  bool ok;
  cr_assert_eq(hf_circuit_check_rows(c, rows, touched, &ok), HF_OK);
  cr_assert_not(ok);
  hf_circuit_destroy(&c);

  hf_builder *b;
  hf_builder_options options = {.table_width = 4, .foldable = true};
  cr_assert_eq(hf_builder_create(&options, &b), HF_OK);
  cr_assert_eq(hf_builder_finish(b, &c), HF_E_STATE);
  cr_assert(strstr(hf_error_message(), "hf_public_statement"));
  hf_builder_destroy(&b);
  cr_assert_eq(hf_builder_create(&options, &b), HF_OK);
  hf_public_statement(b, hf_hint(b, fr(5), "s"));
  cr_assert_eq(hf_builder_finish(b, &c), HF_OK, "%s", hf_error_message());
  cr_assert_eq(hf_circuit_check(c), HF_OK, "%s", hf_error_message());
  cr_assert_eq(c->public_count, 10);
  hf_circuit_destroy(&c);
  hf_builder_destroy(&b);
  options = (hf_builder_options){.table_width = 4, .max_log_n = 6};
  cr_assert_eq(hf_builder_create(&options, &b), HF_OK);
  for (uint64_t i = 0; i < 100; i++) hf_constant_u64(b, i + 5);
  cr_assert_eq(hf_builder_finish(b, &c), HF_E_RANGE);
  hf_builder_destroy(&b);
  options.table_width = 18;
  cr_assert_eq(hf_builder_create(&options, &b), HF_E_ARGUMENT);
}

static bool constraint_eq(hf_constraint x, hf_constraint y) {
  return x.row == y.row && x.part == y.part && x.index == y.index;
}

/* Every constraint that is listed can be switched off, and the class behind each cell can be changed. */
Test(circuit, every_gate_of_the_preamble_bites) {
  uint64_t same[2] = {4, 4};
  hf_circuit *c = build(4, copy_circuit, same, NULL);
  size_t count = hf_circuit_constraints(c, NULL, 0);
  hf_constraint *all = calloc(count, sizeof *all);
  hf_circuit_constraints(c, all, count);
  bool seen[HF_PART_COUNT] = {false};
  for (size_t i = 0; i < count; i++) {
    seen[all[i].part] = true;
    if (all[i].part == HF_PART_COPY) continue;
    /* spoil a cell that the constraint reads: the row's or the next row's wires */
    bool bites = false;
    for (unsigned w = 0; w < 2 * HF_WIRES && !bites; w++) {
      uint32_t r = all[i].row + w / HF_WIRES;
      hf_fr old = c->wires[w % HF_WIRES][r];
      c->wires[w % HF_WIRES][r] = hf_fr_add(old, fr(1000));
      hf_failure failures[64];
      size_t n;
      cr_assert_eq(hf_circuit_failures(c, failures, 64, &n), HF_OK);
      for (size_t k = 0; k < n; k++) bites |= constraint_eq(failures[k].constraint, all[i]);
      if (bites) {
        cr_assert_eq(hf_circuit_disable(c, all[i]), HF_OK);
        cr_assert_eq(hf_circuit_failures(c, failures, 64, &n), HF_OK);
        for (size_t k = 0; k < n; k++) cr_assert_not(constraint_eq(failures[k].constraint, all[i]));
        hf_circuit_enable_all(c);
      }
      c->wires[w % HF_WIRES][r] = old;
    }
    /* a write is what the reads are compared with */
    bool write = all[i].part == HF_PART_ROM && !bites;
    cr_assert(bites || write || all[i].part == HF_PART_NONNATIVE, "row %u part %u index %u", all[i].row,
              all[i].part, all[i].index);
  }
  for (int p = 0; p < HF_PART_COUNT; p++) cr_assert(seen[p], "part %d", p);
  cr_assert_eq(hf_circuit_check(c), HF_OK, "%s", hf_error_message());
  free(all);
  hf_circuit_destroy(&c);
}

/* ---- hashes ---- */

typedef struct hash_input {
  hf_fr words[8];
  size_t count;
} hash_input;

static void hash_circuit(hf_builder *b, const void *input) {
  const hash_input *in = input;
  hf_var words[8], out[4];
  for (int i = 0; i < 8; i++) words[i] = hf_hint(b, in->words[i], "word");
  hf_public_input(b, hf_hash4(b, words));
  hf_public_input(b, hf_hash_words(b, HF_DOMAIN_SIGNATURE, words, in->count));
  hf_permute(b, words, out);
  for (int i = 0; i < 4; i++) hf_public_input(b, out[i]);
}

Test(circuit, hashes_agree_with_the_host) {
  hash_input in = {.count = 0};
  for (uint64_t i = 0; i < 8; i++) in.words[i] = fr_random(i + 10);
  uint32_t rows[9];
  for (; in.count <= 8; in.count++) {
    hf_circuit *c = build(4, hash_circuit, &in, NULL);
    cr_assert_eq(hf_circuit_check(c), HF_OK, "%s", hf_error_message());
    hf_state4 s = {{in.words[0], in.words[1], in.words[2], in.words[3]}};
    s = hf_poseidon2_permute(s);
    cr_assert(hf_fr_eq(c->public_inputs[0],
                       hf_poseidon2_compress4(in.words[0], in.words[1], in.words[2], in.words[3])));
    cr_assert(hf_fr_eq(c->public_inputs[1], hf_sponge(HF_DOMAIN_SIGNATURE, in.words, in.count)));
    for (int i = 0; i < 4; i++) cr_assert(hf_fr_eq(c->public_inputs[2 + i], s.s[i]));
    rows[in.count] = c->used_rows;
    hf_circuit_destroy(&c);
  }
  cr_assert_eq(rows[8] - rows[5], 20);
}

#define LEVELS 3
typedef struct tree_input {
  hf_fr old_leaf, new_leaf, siblings[3 * LEVELS];
  uint64_t index;
  int wrong; /* 1: digits of another index; 2: digit 4 */
} tree_input;

static hf_fr native_root(const tree_input *in, hf_fr leaf) {
  for (int l = 0; l < LEVELS; l++) {
    hf_fr x[4];
    uint64_t p = in->index >> 2 * l & 3;
    for (uint64_t i = 0; i < 4; i++) x[i] = i == p ? leaf : in->siblings[3 * l + (int)(i < p ? i : i - 1)];
    leaf = hf_poseidon2_compress4(x[0], x[1], x[2], x[3]);
  }
  return leaf;
}

static void tree_circuit(hf_builder *b, const void *input) {
  const tree_input *in = input;
  hf_var digits[LEVELS], old_root, new_root;
  hf_merkle_digits(b, hf_hint(b, fr(in->index), "index"), LEVELS, digits);
  hf_var old_leaf = hf_hint(b, in->old_leaf, "old leaf"), new_leaf = hf_hint(b, in->new_leaf, "new leaf");
  hf_merkle_update(b, old_leaf, new_leaf, digits, in->siblings, LEVELS, &old_root, &new_root);
  hf_public_input(b, old_root);
  hf_public_input(b, new_root);
  hf_public_input(b, hf_merkle_root(b, old_leaf, digits, in->siblings, LEVELS));
}

Test(circuit, merkle_paths_and_updates) {
  tree_input in = {.old_leaf = fr_random(1), .new_leaf = fr_random(2)};
  for (uint64_t i = 0; i < 3 * LEVELS; i++) in.siblings[i] = fr_random(20 + i);
  hf_digest digest = {{0}};
  for (in.index = 0; in.index < 64; in.index += 9) {
    hf_circuit *c = build(4, tree_circuit, &in, NULL);
    cr_assert_eq(hf_circuit_check(c), HF_OK, "%s", hf_error_message());
    cr_assert(hf_fr_eq(c->public_inputs[0], native_root(&in, in.old_leaf)));
    cr_assert(hf_fr_eq(c->public_inputs[1], native_root(&in, in.new_leaf)));
    cr_assert(hf_fr_eq(c->public_inputs[2], c->public_inputs[0]));
    hf_digest d = hf_circuit_structure_digest(c);
    if (in.index == 0) digest = d;
    cr_assert(hf_digest_eq(&d, &digest));
    if (in.index == 0) {
      size_t count;
      const hf_scope_rows *s = hf_circuit_scopes(c, &count);
      for (size_t i = 0; i < count; i++) {
        if (!strcmp(s[i].name, "merkle path")) cr_assert_leq(s[i].total, 20 * LEVELS + 1);
        if (!strcmp(s[i].name, "merkle update")) cr_assert_leq(s[i].total, 42 * LEVELS + 2);
      }
    }
    hf_circuit_destroy(&c);
  }
  in.index = 27; /* digits 3 2 1 */
  liar digit = {.name = "Merkle digit", .index = 0, .value = fr(4)};
  assert_refused(4, tree_circuit, &in, &digit, "child selection");
  liar five = {.name = "index", .value = fr(64 + 27)};
  assert_refused(4, tree_circuit, &in, &five, "Merkle index = sum of digits");
  liar child = {.name = "Merkle child", .index = 3, .add = true, .value = fr(1)};
  assert_refused(4, tree_circuit, &in, &child, "child selection");
  /* another sibling in the new path only: the hints of the second half of the update */
  liar sibling = {.name = "Merkle child", .index = 4 * LEVELS, .add = true, .value = fr(1)};
  assert_refused(4, tree_circuit, &in, &sibling, "siblings stay");
}

/* ---- ranges ---- */

typedef struct range_input {
  hf_fr value;
  unsigned bits, mode;
} range_input;

static void range_circuit(hf_builder *b, const void *input) {
  const range_input *in = input;
  hf_var v = hf_hint(b, in->value, "v"), low, high, bits[8];
  switch (in->mode) {
  case 0:
    hf_range(b, "v in range", v, in->bits);
    break;
  case 1:
    hf_range_loose(b, "v in range", hf_fr_one(), v, hf_fr_zero(), in->bits);
    break;
  case 2:
    hf_range_affine(b, "v in range", hf_fr_neg(fr(1)), v, fr(5000), in->bits);
    break;
  case 3:
    hf_split_canonical(b, v, in->bits, &low, &high);
    hf_public_input(b, low);
    hf_public_input(b, high);
    break;
  case 4:
    hf_bits(b, "v has 8 bits", v, 8, bits);
    break;
  case 5:
    hf_public_input(b, hf_is_less(b, v, hf_constant_u64(b, 1000), in->bits));
    break;
  case 6:
    hf_assert_less(b, "v < 1000", v, hf_constant_u64(b, 1000), in->bits);
    break;
  case 7:
    hf_assert_less_equal(b, "v <= 1000", v, hf_constant_u64(b, 1000), in->bits);
    break;
  case 8:
    hf_split(b, v, 40, in->bits, &low, &high);
    hf_public_input(b, low);
    hf_public_input(b, high);
    break;
  default:
    hf_public_input(b, v);
    break;
  }
}

static hf_fr two_to(unsigned k) {
  hf_fr x = {{0, 0, 0, 0}};
  x.l[k / 64] = 1ull << k % 64;
  return hf_fr_from_limbs(x);
}

Test(circuit, ranges_are_exact) {
  unsigned widths[] = {4, 8};
  unsigned bits[] = {1, 3, 4, 5, 8, 12, 15, 16, 17, 20, 32, 33, 37, 64, 65, 128, 251, 253};
  for (int w = 0; w < 2; w++)
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
      range_input in = {.bits = bits[i]};
      hf_fr top = hf_fr_sub(two_to(bits[i]), fr(1));
      hf_fr good[] = {fr(0), fr(1), top}, bad[] = {two_to(bits[i]), hf_fr_neg(fr(1))};
      for (in.mode = 0; in.mode < 2; in.mode++) {
        if (in.mode == 1 && bits[i] > 252) continue;
        for (int k = 0; k < 3; k++) {
          in.value = good[k];
          assert_satisfied(widths[w], range_circuit, &in);
        }
        for (int k = in.mode; k < 2; k++) {
          in.value = bad[k];
          assert_refused(widths[w], range_circuit, &in, NULL, "v in range");
        }
      }
      in.mode = 1;
      in.value = hf_fr_add(two_to(bits[i]), two_to(bits[i] ? bits[i] - 1 : 0));
      if (bits[i] <= 252) assert_refused(widths[w], range_circuit, &in, NULL, "v in range");
    }
  range_input in = {.bits = 10, .mode = 2, .value = fr(4000)};
  assert_satisfied(4, range_circuit, &in);
  in.value = fr(5000 - 1024);
  assert_refused(4, range_circuit, &in, NULL, "v in range");
  in.value = fr(5001);
  assert_refused(4, range_circuit, &in, NULL, "v in range");
  /* 64 bits in one row at width 16 */
  uint32_t before, after;
  hf_builder *b;
  hf_builder_options options = {.table_width = 16};
  cr_assert_eq(hf_builder_create(&options, &b), HF_OK);
  hf_range(b, "u64", hf_hint(b, fr(UINT64_MAX), "v"), 64);
  before = hf_builder_rows(b);
  hf_range(b, "u64", hf_hint(b, fr(UINT64_MAX), "v"), 64);
  after = hf_builder_rows(b);
  cr_assert_eq(after - before, 1);
  hf_builder_destroy(&b);
}

/* Splits another representative of the value: everything but its being below r is consistent. */
typedef struct split_liar {
  hf_fr low, high, borrow;
} split_liar;

static void split_lie(void *context, uint32_t hint, const char *name, hf_fr *value) {
  const split_liar *l = context;
  (void)hint;
  if (!strcmp(name, "split low")) *value = l->low;
  if (!strcmp(name, "split high")) *value = l->high;
  if (!strcmp(name, "split borrow")) *value = l->borrow;
}

Test(circuit, splits_comparisons_and_bits) {
  hf_fr minus = hf_fr_neg(fr(1));
  hf_fr values[] = {fr(0),        minus,       hf_fr_sub(minus, two_to(100)),
                    fr_random(3), two_to(248), hf_fr_sub(two_to(248), fr(1))};
  unsigned at[] = {1, 64, 128, 248, 253};
  for (size_t k = 0; k < 5; k++)
    for (size_t i = 0; i < 6; i++) {
      range_input in = {.mode = 3, .bits = at[k], .value = values[i]};
      hf_circuit *c = build(8, range_circuit, &in, NULL);
      cr_assert_eq(hf_circuit_check(c), HF_OK, "split at %u of value %zu: %s", at[k], i, hf_error_message());
      hf_fr back = hf_fr_add(c->public_inputs[0], hf_fr_mul(two_to(at[k]), c->public_inputs[1]));
      cr_assert(hf_fr_eq(back, values[i]));
      hf_circuit_destroy(&c);
    }
  /* the other split: v = 3 as low and high of 3 + r; high is r >> 248 = 48, low = 3 + (r mod 2^248) */
  range_input in = {.mode = 3, .bits = 248, .value = fr(3)};
  hf_fr r_low = hf_fr_sub(hf_fr_zero(), hf_fr_mul(fr(48), two_to(248))); /* = r - 48 2^248 as an integer */
  for (uint64_t borrow = 0; borrow < 2; borrow++) {
    split_liar l = {hf_fr_add(r_low, fr(3)), fr(48), fr(borrow)};
    hf_circuit *c = build_with(8, range_circuit, &in, split_lie, &l);
    hf_failure failures[8];
    size_t count;
    cr_assert_eq(hf_circuit_failures(c, failures, 8, &count), HF_OK);
    cr_assert_gt(count, 0);
    for (size_t i = 0; i < count; i++) cr_assert(strstr(failures[i].name, "canonical split: r - 1 - v"));
    hf_circuit_destroy(&c);
  }

  in = (range_input){.mode = 4, .value = fr(0xa5)};
  assert_satisfied(8, range_circuit, &in);
  in.value = fr(0x1a5);
  assert_refused(8, range_circuit, &in, NULL, "v has 8 bits");
  liar bit = {.name = "bit", .index = 1, .value = fr(2)};
  in.value = fr(0xa5);
  assert_refused(8, range_circuit, &in, &bit, "bit is boolean");

  for (uint64_t v = 998; v < 1003; v++) {
    in = (range_input){.mode = 5, .bits = 12, .value = fr(v)};
    hf_circuit *c = build(8, range_circuit, &in, NULL);
    cr_assert_eq(hf_circuit_check(c), HF_OK, "%s", hf_error_message());
    cr_assert(hf_fr_eq(c->public_inputs[0], fr(v < 1000)));
    hf_circuit_destroy(&c);
    liar less = {.name = "is_less", .value = fr(v >= 1000)};
    assert_refused(8, range_circuit, &in, &less, "is_less");
    in.mode = 6;
    if (v < 1000)
      assert_satisfied(8, range_circuit, &in);
    else
      assert_refused(8, range_circuit, &in, NULL, "v < 1000");
    in.mode = 7;
    if (v <= 1000)
      assert_satisfied(8, range_circuit, &in);
    else
      assert_refused(8, range_circuit, &in, NULL, "v <= 1000");
  }
  in = (range_input){.mode = 8, .bits = 24, .value = fr(0xabcdef1234ull)};
  assert_satisfied(8, range_circuit, &in);
}

/* ---- ROM ---- */

static void rom_circuit(hf_builder *b, const void *input) {
  const uint64_t *in = input;
  hf_rom first = hf_rom_create(b), second = hf_rom_create(b);
  for (uint64_t i = 0; i < 4; i++) {
    hf_var v[4] = {hf_constant_u64(b, 10 * i), hf_constant_u64(b, 10 * i + 1), hf_zero(b), hf_one(b)};
    hf_rom_write(b, first, i, v);
    v[0] = hf_constant_u64(b, 100 * i);
    hf_rom_write(b, second, i + (in[2] ? 0 : 4), v);
  }
  hf_var out[4];
  hf_rom_read(b, first, hf_hint(b, fr(in[0]), "address"), out);
  hf_public_input(b, out[0]);
  hf_rom_read(b, second, hf_hint(b, fr(in[1]), "address"), out);
  hf_public_input(b, out[0]);
}

Test(circuit, rom_reads_what_was_written) {
  uint64_t in[3] = {3, 5, 0};
  hf_circuit *c = build(4, rom_circuit, in, NULL);
  cr_assert_eq(hf_circuit_check(c), HF_OK, "%s", hf_error_message());
  cr_assert(hf_fr_eq(c->public_inputs[0], fr(30)));
  cr_assert(hf_fr_eq(c->public_inputs[1], fr(100)));
  hf_circuit_destroy(&c);
  liar value = {.name = "ROM value", .index = 0, .value = fr(20)};
  assert_refused(4, rom_circuit, in, &value, "ROM read");
  liar address = {.name = "address", .index = 0, .value = fr(4)}; /* exists in the other table only */
  assert_refused(4, rom_circuit, in, &address, "ROM read");
  uint64_t absent[3] = {3, 9, 0};
  assert_refused(4, rom_circuit, absent, NULL, "ROM read");
  hf_builder *b;
  hf_builder_options options = {.table_width = 4};
  cr_assert_eq(hf_builder_create(&options, &b), HF_OK);
  hf_rom t = hf_rom_create(b);
  hf_var zero = hf_zero(b), v[4] = {zero, zero, zero, zero};
  hf_rom_write(b, t, 1, v);
  hf_rom_write(b, t, 1, v);
  cr_assert_eq(hf_builder_finish(b, &c), HF_E_EXISTS);
  hf_builder_destroy(&b);
}
