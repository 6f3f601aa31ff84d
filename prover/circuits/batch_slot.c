/* One slot: two leaf updates and the rules that tie them to a transaction.
 *
 * Several rules below are sums of products that vanish together: where every summand is a non-negative
 * integer far below r, the sum is zero only if each summand is, and one row says them all. */
#include "batch_parts.h"
#include "circuit/hash.h"
#include "circuit/range.h"
#include "host/babyjub.h"
#include "host/domains.h"

#define ONE   hf_fr_one()
#define MINUS hf_fr_neg(hf_fr_one())

static hf_term plus(hf_var v) { return hf_term_of(ONE, v); }
static hf_term minus(hf_var v) { return hf_term_of(MINUS, v); }
static hf_term times(hf_fr k, hf_var v) { return hf_term_of(k, v); }
static hf_product product(hf_var x, hf_var y) { return hf_product_of(ONE, x, y); }
static hf_product minus_product(hf_var x, hf_var y) { return hf_product_of(MINUS, x, y); }

#define COUNT(array) sizeof(array) / sizeof(*(array))
#define LINEAR(b, constant, ...)                                                                             \
  hf_linear(b, (hf_term[]){__VA_ARGS__}, COUNT(((hf_term[]){__VA_ARGS__})), constant)
#define ZERO hf_fr_zero()

/* What the slot does. Each flag is in the range table, hence a non-negative integer, and their sum is 1: so
 * exactly one of them is 1. A deposit is two kinds: to an account with this key, or into an empty leaf. */
typedef struct kinds {
  hf_var noop, transfer, withdraw, applied, opened, refused;
  hf_var is_signed; /* transfer or withdraw */
  hf_var credits;   /* transfer or a deposit that is not refused */
} kinds;

static hf_var flag(hf_builder *b, const char *name, bool value) {
  hf_var v = hf_hint(b, hf_fr_from_u64(value), name);
  hf_range(b, name, v, hf_builder_table_width(b));
  return v;
}

static kinds slot_kinds(hf_builder *b, const hf_batch_slot *in) {
  kinds k;
  bool deposit = in->type == HF_SLOT_DEPOSIT;
  hf_fr key = batch_word(b, in->to.old.x);
  k.noop = flag(b, "noop", in->type == HF_SLOT_NOOP);
  k.transfer = flag(b, "transfer", in->type == HF_SLOT_TRANSFER);
  k.withdraw = flag(b, "withdraw", in->type == HF_SLOT_WITHDRAW);
  k.applied = flag(b, "deposit applied", deposit && !hf_fr_is_zero(key));
  k.opened = flag(b, "deposit opens", deposit && hf_fr_is_zero(key));
  k.refused = flag(b, "deposit refused", in->type == HF_SLOT_DEPOSIT_REFUSED);
  k.is_signed = hf_add(b, k.transfer, k.withdraw);
  hf_term all[] = {plus(k.noop), plus(k.is_signed), plus(k.applied), plus(k.opened), plus(k.refused)};
  hf_assert_linear(b, "one kind", all, COUNT(all), MINUS);
  k.credits = LINEAR(b, ZERO, plus(k.transfer), plus(k.applied), plus(k.opened));
  return k;
}

static hf_var slot_amount(hf_builder *b, uint64_t value, const char *name) {
  hf_var v = hf_hint(b, hf_fr_from_u64(value), name);
  hf_range(b, name, v, 64);
  return v;
}

/* The signed message and the signature over it. Unsigned slots check a signature that anybody can make, by
 * the key B whose secret is 1. */
static void slot_signature(batch_context *cx, const hf_batch_slot *in, const kinds *k, const batch_leaf *from,
                           hf_var from_index, hf_var nonce_after, hf_var amount, hf_var fee, hf_var to1,
                           hf_var to2) {
  hf_builder *b = cx->b;
  bool is_signed = hf_slot_type_is_signed(in->type);
  hf_bjj base = hf_bjj_base();
  uint32_t rows = hf_builder_rows(b);
  hf_point owner = {from->x, from->y};

  /* m0 = chain + 2^128 type + 2^136 nonce, where nonce = nonce_after - 1 */
  hf_fr one_nonce = batch_power(136);
  hf_var m0 =
      LINEAR(b, ZERO, plus(cx->chain_id), times(hf_fr_sub(batch_power(128), one_nonce), k->transfer),
             times(hf_fr_sub(batch_power(129), one_nonce), k->withdraw), times(one_nonce, nonce_after));
  /* m1 = amount + 2^64 fee + 2^128 index: two leaves may have the same key, and the signature is for one of
   * them */
  hf_var m1 = LINEAR(b, ZERO, plus(amount), times(batch_power(64), fee), times(batch_power(128), from_index));

  hf_point a = hf_point_select(b, k->is_signed, owner, hf_point_constant(b, base.x, base.y));
  hf_point r = hf_point_hint(b, is_signed ? batch_word(b, in->r_x) : base.x,
                             is_signed ? batch_word(b, in->r_y) : base.y, "signature R");
  rows = batch_count(b, rows, &cx->rows->rules);
  hf_var words[8] = {r.x, r.y, a.x, a.y, m0, m1, to1, to2};
  hf_scope_begin(b, "challenge");
  hf_var h = hf_hash_words(b, HF_DOMAIN_SIGNATURE, words, COUNT(words));
  hf_scope_end(b);
  rows = batch_count(b, rows, &cx->rows->challenge);
  hf_scope_begin(b, "signature");
  hf_var s =
      hf_hint(b, is_signed ? batch_word(b, in->s) : hf_signature_by_base(hf_value(b, h)), "signature S");
  hf_signature_check(b, &cx->base, a, r, s, h);
  hf_scope_end(b);
  batch_count(b, rows, &cx->rows->signature);
}

/* The three posted words. */
static void slot_data(batch_context *cx, const kinds *k, hf_var from, hf_var to, hf_var amount, hf_var fee,
                      hf_var to1, hf_var to2, hf_var words[HF_DATA_WORDS]) {
  hf_builder *b = cx->b;
  hf_scope_begin(b, "data");
  hf_var type_and_more = LINEAR(
      b, ZERO, plus(k->transfer), times(hf_fr_from_u64(HF_SLOT_WITHDRAW), k->withdraw),
      times(hf_fr_from_u64(HF_SLOT_DEPOSIT), k->applied), times(hf_fr_from_u64(HF_SLOT_DEPOSIT), k->opened),
      times(hf_fr_from_u64(HF_SLOT_DEPOSIT_REFUSED), k->refused), times(batch_power(8), from),
      times(batch_power(32), to), times(batch_power(56), amount), times(batch_power(120), fee));
  /* The recipient is posted unless the slot is a transfer (known by `to`) or a no-op. */
  hf_var hidden = hf_add(b, k->noop, k->transfer), high[2];
  for (int i = 0; i < 2; i++) {
    hf_var v = i == 0 ? to1 : to2;
    hf_product masked = minus_product(hidden, v);
    hf_term whole = plus(v);
    v = hf_quadratic(b, &masked, 1, &whole, 1, ZERO);
    hf_split_canonical(b, v, 248, &words[1 + i], &high[i]);
  }
  /* In validium mode the words of transfers are zero. Those of no-ops are anyway. */
  hf_var unposted = hf_and(b, cx->mode, k->transfer);
  hf_product masked = minus_product(unposted, type_and_more);
  hf_term terms[] = {plus(type_and_more), times(batch_power(184), high[0]), times(batch_power(190), high[1])};
  words[0] = hf_quadratic(b, &masked, 1, terms, COUNT(terms), ZERO);
  hf_scope_end(b);
}

/* Indices that the slot's kind does not use are 0; so are fees and amounts. All of these are integers >= 0.
 */
static void slot_unused(hf_builder *b, const kinds *k, hf_var from, hf_var to, hf_var amount, hf_var fee) {
  hf_product indices[] = {minus_product(from, k->is_signed), minus_product(to, k->credits)};
  hf_term index_terms[] = {plus(from), plus(to)};
  hf_assert_quadratic(b, "unused indices are zero", indices, 2, index_terms, 2, ZERO);
  hf_product money[] = {minus_product(fee, k->is_signed), product(amount, k->noop)};
  hf_term money_terms[] = {plus(fee)};
  hf_assert_quadratic(b, "unused fee and amount are zero", money, 2, money_terms, 1, ZERO);
}

void batch_slot(batch_context *cx, hf_var root, const hf_batch_slot *in, batch_slot_result *out) {
  hf_builder *b = cx->b;
  uint32_t rows = hf_builder_rows(b);
  hf_scope_begin(b, "slot");
  hf_scope_begin(b, "rules");
  kinds k = slot_kinds(b, in);
  hf_var amount = slot_amount(b, in->amount, "amount"), fee = slot_amount(b, in->fee, "fee");
  hf_var to1 = batch_hint(b, in->to1, "to1"), to2 = batch_hint(b, in->to2, "to2");
  hf_fr two64 = batch_power(64);

  hf_var from_digits[HF_ROLLUP_LEVELS_MAX], to_digits[HF_ROLLUP_LEVELS_MAX];
  hf_var from = batch_index(b, in->from.index, cx->levels, "from index", from_digits);
  hf_var to = batch_index(b, in->to.index, cx->levels, "to index", to_digits);
  /* Both are in the half of the accounts: d (d - 1) is 0 for the digits 0 and 1, positive for 2 and 3. */
  hf_var from_top = from_digits[cx->levels - 1], to_top = to_digits[cx->levels - 1];
  hf_product tops[] = {product(from_top, from_top), product(to_top, to_top)};
  hf_term top_terms[] = {minus(from_top), minus(to_top)};
  hf_assert_quadratic(b, "accounts only", tops, 2, top_terms, 2, ZERO);
  slot_unused(b, &k, from, to, amount, fee);
  /* A transfer is to somebody else: (from - to) has an inverse. */
  hf_fr distance = hf_fr_sub(hf_fr_from_u64(in->from.index), hf_fr_from_u64(in->to.index));
  hf_var inverse =
      hf_hint(b, hf_fr_mul(hf_value(b, k.transfer), hf_fr_inv(distance)), "inverse of from - to");
  hf_product differ[] = {product(from, inverse), minus_product(to, inverse)};
  hf_term differ_terms[] = {minus(k.transfer)};
  hf_assert_quadratic(b, "not to itself", differ, 2, differ_terms, 1, ZERO);

  /* The amount by its fate: spent by the sender; of it withdrawn; refused. What is not spent came in by a
   * deposit. */
  hf_var spent = hf_mul(b, k.is_signed, amount);
  hf_var withdrawn = hf_mul(b, k.withdraw, amount);
  hf_var refused = hf_mul(b, k.refused, amount);

  /* A leaf's word is balance + 2^64 nonce, uniquely: balance is below 2^64 and nonce below 2^32, before and
   * after. from: balance -= spent + fee, nonce += is_signed */
  hf_fr nonce = hf_fr_add(hf_fr_from_u64(in->from.old.nonce), hf_value(b, k.is_signed));
  batch_leaf from_old = {.x = batch_hint(b, in->from.old.x, "from key x"),
                         .y = batch_hint(b, in->from.old.y, "from key y")};
  batch_leaf from_new = from_old;
  hf_var from_balance = slot_amount(b, in->from.old.balance, "from balance");
  hf_var from_balance_new = LINEAR(b, ZERO, plus(from_balance), minus(spent), minus(fee));
  hf_range(b, "from balance after", from_balance_new, 64);
  hf_var nonce_after = hf_hint(b, nonce, "nonce after");
  hf_range(b, "nonce after", nonce_after, 32);
  from_old.word =
      LINEAR(b, ZERO, plus(from_balance), times(two64, nonce_after), times(hf_fr_neg(two64), k.is_signed));
  from_new.word = LINEAR(b, ZERO, plus(from_balance_new), times(two64, nonce_after));

  /* to: balance += credited, and the key of an empty leaf is the depositor's */
  batch_leaf to_old = {.x = batch_hint(b, in->to.old.x, "to key x"),
                       .y = batch_hint(b, in->to.old.y, "to key y")};
  hf_var to_balance = slot_amount(b, in->to.old.balance, "to balance");
  hf_var to_nonce = hf_hint(b, hf_fr_from_u64(in->to.old.nonce), "to nonce");
  hf_range(b, "to nonce", to_nonce, 32);
  hf_var to_balance_new = LINEAR(b, ZERO, plus(to_balance), plus(amount), minus(withdrawn), minus(refused));
  hf_range(b, "to balance after", to_balance_new, 64);
  to_old.word = LINEAR(b, ZERO, plus(to_balance), times(two64, to_nonce));
  batch_leaf to_new = {.x = hf_mul_add(b, k.opened, to1, to_old.x),
                       .y = hf_mul_add(b, k.opened, to2, to_old.y),
                       .word = LINEAR(b, ZERO, plus(to_balance_new), times(two64, to_nonce))};
  /* Who is credited has the key that was signed or deposited to. Where the leaf is opened this says that its
   * old key was zero. */
  hf_assert_equal_if(b, "credited key x", k.credits, to_new.x, to1);
  hf_assert_equal_if(b, "credited key y", k.credits, to_new.y, to2);
  hf_assert_zero_if(b, "opened leaf is empty", k.opened, to_old.word);
  /* An account exists: no key of the curve that is not of small order has x = 0. */
  hf_fr to1_value = hf_value(b, to1);
  hf_var to1_inverse = hf_hint(b, hf_fr_mul(hf_value(b, k.credits), hf_fr_inv(to1_value)), "inverse of to1");
  hf_product exists = product(to1, to1_inverse);
  hf_term exists_terms[] = {minus(k.credits)};
  hf_assert_quadratic(b, "credited account exists", &exists, 1, exists_terms, 1, ZERO);
  /* A withdrawal is to an address on L1. */
  hf_assert_zero_if(b, "withdrawal has no to2", k.withdraw, to2);
  hf_range(b, "withdrawal to an address", hf_mul(b, k.withdraw, to1), HF_L1_ADDRESS_BITS);
  rows = batch_count(b, rows, &cx->rows->rules);

  slot_signature(cx, in, &k, &from_old, from, nonce_after, amount, fee, to1, to2);
  rows = hf_builder_rows(b);
  slot_data(cx, &k, from, to, amount, fee, to1, to2, out->words);
  rows = batch_count(b, rows, &cx->rows->data);
  hf_scope_end(b);

  hf_scope_begin(b, "from");
  root = batch_update(cx, root, &in->from, from_digits, &from_old, &from_new, &cx->rows->paths,
                      &cx->rows->leaves);
  hf_scope_end(b);
  hf_scope_begin(b, "to");
  out->root =
      batch_update(cx, root, &in->to, to_digits, &to_old, &to_new, &cx->rows->paths, &cx->rows->leaves);
  hf_scope_end(b);
  hf_scope_end(b);

  out->transfer = k.transfer;
  out->withdraw = k.withdraw;
  out->deposit_applied = k.applied;
  out->deposit_opened = k.opened;
  out->deposit_refused = k.refused;
  out->fee = fee;
  out->amount = amount;
  out->spent = spent;
  out->withdrawn = withdrawn;
  out->refused = refused;
}
