#include "sequencer_support.h"

#include "host/keccak.h"
#include "host/poseidon.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *folder_make(void) {
  const char *base = getenv("TMPDIR");
  char *name = NULL;
  if (asprintf(&name, "%s/hf-sequencer-XXXXXX", base ? base : "/tmp") < 0 || !mkdtemp(name)) abort();
  return name;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk) {
  (void)info;
  (void)type;
  (void)walk;
  return remove(path);
}

void folder_remove(char *folder) {
  (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  free(folder);
}

char *folder_file(const char *folder, const char *name) {
  char *path = NULL;
  if (asprintf(&path, "%s/%s", folder, name) < 0) abort();
  return path;
}

/* ---- load ---- */

static hf_status keep_deposit(void *context, const char *line) {
  load *l = context;
  hf_write_bytes(&l->deposits, line, strlen(line));
  hf_write_u8(&l->deposits, '\n');
  return HF_OK;
}

static hf_status keep_transaction(void *context, const char *line, hf_refusal expected) {
  load *l = context;
  hf_write_bytes(&l->transactions, line, strlen(line));
  hf_write_u8(&l->transactions, '\n');
  if (l->count == l->capacity) {
    l->capacity = l->capacity ? 2 * l->capacity : 256;
    l->expected = realloc(l->expected, l->capacity * sizeof *l->expected);
    if (!l->expected) abort();
  }
  l->expected[l->count++] = expected;
  return HF_OK;
}

hf_status load_make(const hf_generator_options *options, load *out) {
  memset(out, 0, sizeof *out);
  out->options = *options;
  hf_generator_sink sink = {keep_deposit, keep_transaction, out};
  return hf_generator_run(options, &sink, &out->tally);
}

void load_free(load *l) {
  hf_writer_free(&l->deposits);
  hf_writer_free(&l->transactions);
  free(l->expected);
  memset(l, 0, sizeof *l);
}

hf_eddsa_key load_key(const load *l, uint32_t index) {
  uint8_t seed[32];
  hf_eddsa_key key;
  hf_generator_key_seed(l->options.seed, l->options.chain_id, index, seed);
  if (hf_eddsa_key_from_seed(seed, &key) != HF_OK) abort();
  return key;
}

hf_status expect_answer(void *context, const hf_answer *answer) {
  expectation *e = context;
  e->answered++;
  if (answer->busy || answer->line > e->load->count ||
      answer->refusal != e->load->expected[answer->line - 1]) {
    e->wrong++;
    (void)fprintf(stderr, "line %zu: %s instead of %s (%s)\n", answer->line, hf_refusal_code(answer->refusal),
                  hf_refusal_code(e->load->expected[answer->line - 1]), answer->detail);
  }
  return HF_OK;
}

/* ---- the checker ---- */

typedef unsigned __int128 u128;

static hf_fr fr(const uint8_t b[32]) {
  hf_fr v;
  if (!hf_fr_from_bytes(b, &v)) abort();
  return v;
}

static bool zero(const uint8_t *b, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (b[i]) return false;
  return true;
}

/* balance + 2^64 nonce by field arithmetic, not by limbs */
static hf_fr leaf(const hf_rollup_account *a) {
  hf_fr two32 = hf_fr_from_u64((uint64_t)1 << 32);
  hf_fr packed =
      hf_fr_add(hf_fr_from_u64(a->balance), hf_fr_mul(hf_fr_from_u64(a->nonce), hf_fr_mul(two32, two32)));
  return hf_poseidon2_compress4(fr(a->x), fr(a->y), packed, hf_fr_from_u64(2));
}

static hf_fr climb(const hf_batch_update *u, uint32_t levels, hf_fr node) {
  for (uint32_t k = 0; k < levels; k++) {
    uint32_t digit = u->index >> (2 * k) & 3;
    hf_fr c[4];
    const uint8_t(*s)[32] = u->siblings[k];
    switch (digit) {
    case 0:
      c[0] = node, c[1] = fr(s[0]), c[2] = fr(s[1]), c[3] = fr(s[2]);
      break;
    case 1:
      c[0] = fr(s[0]), c[1] = node, c[2] = fr(s[1]), c[3] = fr(s[2]);
      break;
    case 2:
      c[0] = fr(s[0]), c[1] = fr(s[1]), c[2] = node, c[3] = fr(s[2]);
      break;
    default:
      c[0] = fr(s[0]), c[1] = fr(s[1]), c[2] = fr(s[2]), c[3] = node;
      break;
    }
    node = hf_poseidon2_compress4(c[0], c[1], c[2], c[3]);
  }
  return node;
}

/* One update of the running root; false when the old leaf is not there. */
static bool move_root(hf_fr *root, const hf_batch_update *u, uint32_t levels,
                      const hf_rollup_account *after) {
  if (!hf_fr_eq(climb(u, levels, leaf(&u->old)), *root)) return false;
  *root = climb(u, levels, leaf(after));
  return true;
}

static bool empty(const hf_rollup_account *a) {
  return zero(a->x, 32) && zero(a->y, 32) && a->balance == 0 && a->nonce == 0;
}

typedef struct totals {
  u128 in, out, refused, fees;
  uint64_t transfers, withdrawals, deposits;
} totals;

static hf_fr power(hf_fr x, unsigned n) {
  hf_fr v = hf_fr_one();
  while (n--) v = hf_fr_mul(v, x);
  return v;
}

static bool signed_well(const hf_batch_slot *s, u128 chain) {
  const hf_fr two = hf_fr_from_u64(2);
  hf_fr id = hf_fr_add(hf_fr_from_u64((uint64_t)chain),
                       hf_fr_mul(hf_fr_from_u64((uint64_t)(chain >> 64)), power(two, 64)));
  hf_fr m[4] = {
      hf_fr_add(hf_fr_add(id, hf_fr_mul(hf_fr_from_u64(s->type), power(two, 128))),
                hf_fr_mul(hf_fr_from_u64(s->from.old.nonce), power(two, 136))),
      hf_fr_add(hf_fr_add(hf_fr_from_u64(s->amount), hf_fr_mul(hf_fr_from_u64(s->fee), power(two, 64))),
                hf_fr_mul(hf_fr_from_u64(s->from.index), power(two, 128))),
      fr(s->to1), fr(s->to2)};
  hf_bjj key = {fr(s->from.old.x), fr(s->from.old.y)};
  hf_eddsa_signature sig = {{fr(s->r_x), fr(s->r_y)}, {0}};
  memcpy(sig.s, s->s, 32);
  bool ok = false;
  return hf_eddsa_verify(key, m, &sig, &ok) == HF_OK && ok;
}

static const char *check_slot(const hf_batch_slot *s, uint32_t levels, u128 chain, hf_fr *root, totals *t) {
  hf_rollup_account from = s->from.old, to = s->to.old;
  switch (s->type) {
  case HF_SLOT_NOOP:
    if (s->amount || s->fee || s->from.index || s->to.index || !zero(s->to1, 32) || !zero(s->to2, 32))
      return "a no-op that says something";
    break;
  case HF_SLOT_TRANSFER:
  case HF_SLOT_WITHDRAW:
    if (!signed_well(s, chain)) return "signature";
    if ((u128)s->amount + s->fee > from.balance) return "overdraft";
    from.balance -= s->amount + s->fee;
    if (from.nonce++ == UINT32_MAX) return "nonce";
    t->fees += s->fee;
    if (s->type == HF_SLOT_TRANSFER) {
      if (s->from.index == s->to.index) return "self-transfer";
      if (memcmp(to.x, s->to1, 32) || memcmp(to.y, s->to2, 32) || zero(to.x, 32)) return "receiver";
      if (to.balance + s->amount < to.balance) return "overflow";
      to.balance += s->amount;
      t->transfers++;
    } else {
      if (!zero(s->to1 + 20, 12) || !zero(s->to2, 32)) return "address";
      t->withdrawals++;
      t->out += s->amount;
    }
    break;
  case HF_SLOT_DEPOSIT:
    if (zero(s->to1, 32) || s->fee) return "deposit";
    if (empty(&to)) {
      memcpy(to.x, s->to1, 32);
      memcpy(to.y, s->to2, 32);
    } else if (memcmp(to.x, s->to1, 32) || memcmp(to.y, s->to2, 32)) {
      return "deposit to another";
    }
    if (to.balance + s->amount < to.balance) return "overflow";
    to.balance += s->amount;
    t->deposits++;
    t->in += s->amount;
    break;
  case HF_SLOT_DEPOSIT_REFUSED:
    if (s->fee) return "deposit";
    t->deposits++;
    t->in += s->amount;
    t->refused += s->amount;
    break;
  default:
    return "operation";
  }
  if (!move_root(root, &s->from, levels, &from)) return "path of from";
  if (!move_root(root, &s->to, levels, &to)) return "path of to";
  return NULL;
}

static bool is(const uint8_t word[32], u128 v) {
  uint8_t want[32] = {0};
  for (int i = 0; i < 16; i++) want[i] = (uint8_t)(v >> (8 * i));
  return memcmp(word, want, 32) == 0;
}

/* The words of a slot by field arithmetic. */
static void slot_words(const hf_batch_slot *s, uint32_t mode, hf_fr w[3]) {
  const hf_fr two = hf_fr_from_u64(2);
  for (int i = 0; i < 3; i++) w[i] = hf_fr_zero();
  bool payment = s->type == HF_SLOT_TRANSFER || s->type == HF_SLOT_NOOP;
  if (mode == 1 && payment) return;
  w[0] = hf_fr_from_u64(s->type);
  w[0] = hf_fr_add(w[0], hf_fr_mul(hf_fr_from_u64(s->from.index), power(two, 8)));
  w[0] = hf_fr_add(w[0], hf_fr_mul(hf_fr_from_u64(s->to.index), power(two, 32)));
  w[0] = hf_fr_add(w[0], hf_fr_mul(hf_fr_from_u64(s->amount), power(two, 56)));
  w[0] = hf_fr_add(w[0], hf_fr_mul(hf_fr_from_u64(s->fee), power(two, 120)));
  if (payment) return;
  hf_fr high1 = hf_fr_from_u64(s->to1[31]), high2 = hf_fr_from_u64(s->to2[31]);
  w[0] = hf_fr_add(w[0], hf_fr_mul(high1, power(two, 184)));
  w[0] = hf_fr_add(w[0], hf_fr_mul(high2, power(two, 190)));
  w[1] = hf_fr_sub(fr(s->to1), hf_fr_mul(high1, power(two, 248)));
  w[2] = hf_fr_sub(fr(s->to2), hf_fr_mul(high2, power(two, 248)));
}

static const char *check_data(const hf_batch_input *in) {
  const size_t n = 3 * (size_t)in->params.slots;
  hf_fr *w = calloc(n, sizeof *w);
  uint8_t *bytes = calloc(n + 1, 32), hash[32];
  if (!w || !bytes) abort();
  for (uint32_t i = 0; i < in->params.slots; i++)
    slot_words(&in->slots[i], in->record.word[HF_RECORD_MODE][0], w + 3 * (size_t)i);
  hf_fr d = hf_sponge(3, w, n);
  hf_fr_to_bytes_be(d, bytes);
  for (size_t i = 0; i < n; i++) hf_fr_to_bytes_be(w[i], bytes + 32 * (i + 1));
  hf_keccak k;
  hf_keccak_init(&k);
  hf_keccak_update(&k, "hyperfold.data.v1", 17);
  hf_keccak_update(&k, bytes, 32 * (n + 1));
  hf_keccak_final(&k, hash);
  /* modulo r by taking bits from the top */
  hf_fr x = hf_fr_zero(), y = hf_fr_zero(), xk = hf_fr_one();
  for (int i = 0; i < 256; i++) {
    x = hf_fr_dbl(x);
    if (hash[i / 8] >> (7 - i % 8) & 1) x = hf_fr_add(x, hf_fr_one());
  }
  for (size_t i = 0; i < n; i++, xk = hf_fr_mul(xk, x)) y = hf_fr_add(y, hf_fr_mul(w[i], xk));
  const char *wrong = NULL;
  if (!hf_fr_eq(d, fr(in->record.word[HF_RECORD_DATA]))) wrong = "D";
  if (!hf_fr_eq(x, fr(in->record.word[HF_RECORD_DATA_X]))) wrong = "x_d";
  if (!hf_fr_eq(y, fr(in->record.word[HF_RECORD_DATA_Y]))) wrong = "y_d";
  free(w);
  free(bytes);
  return wrong;
}

const char *check_batch_input(const hf_batch_input *in, const uint8_t old_root[32]) {
  const uint8_t(*w)[32] = in->record.word;
  const uint32_t levels = in->params.depth / 2;
  hf_fr root = naive_root(in->params.depth, NULL, 0);
  totals t;
  memset(&t, 0, sizeof t);
  if (old_root) root = fr(old_root);
  if (!hf_fr_eq(root, fr(w[HF_RECORD_OLD_ROOT]))) return "old root";
  u128 chain = 0;
  for (int i = 15; i >= 0; i--) chain = chain << 8 | w[HF_RECORD_CHAIN_ID][i];
  for (uint32_t i = 0; i < in->params.slots; i++) {
    const char *wrong = check_slot(&in->slots[i], levels, chain, &root, &t);
    if (wrong) return wrong;
  }
  hf_rollup_account payee = in->fees.old;
  if (t.fees > UINT64_MAX - payee.balance) return "fee overflow";
  if (t.fees && empty(&payee)) return "nobody to take the fees";
  payee.balance += (uint64_t)t.fees;
  if (!is(w[HF_RECORD_OPERATOR], in->fees.index)) return "operator";
  if (!move_root(&root, &in->fees, levels, &payee)) return "path of the fees";
  if (!hf_fr_eq(root, fr(w[HF_RECORD_NEW_ROOT]))) return "new root";
  if (!is(w[HF_RECORD_DEPOSIT_COUNT], t.deposits) || !is(w[HF_RECORD_TRANSFERS], t.transfers) ||
      !is(w[HF_RECORD_WITHDRAWALS], t.withdrawals))
    return "counts";
  if (!is(w[HF_RECORD_TOTAL_IN], t.in) || !is(w[HF_RECORD_TOTAL_OUT], t.out) ||
      !is(w[HF_RECORD_TOTAL_REFUSED], t.refused))
    return "totals";
  if (!zero(w[HF_RECORD_IMPORTS], 16 * 32) || !zero(w[HF_RECORD_VK_DIGEST], 32)) return "imports";
  hf_fr outbox[3] = {fr(w[HF_RECORD_CHAIN_ID]), fr(w[HF_RECORD_BATCH_NUMBER]), hf_fr_zero()};
  if (!hf_fr_eq(hf_sponge(9, outbox, 3), fr(w[HF_RECORD_OUTBOX_ROOT]))) return "outbox";
  return check_data(in);
}

hf_fr naive_root(uint32_t depth, const hf_account *accounts, uint32_t count) {
  hf_rollup_account nobody = {{0}, {0}, 0, 0};
  hf_fr blank = leaf(&nobody);
  size_t n = count ? count : 1;
  hf_fr *level = calloc(n + 4, sizeof *level);
  if (!level) abort();
  level[0] = blank;
  for (uint32_t i = 0; i < count; i++) {
    hf_rollup_account a = {.balance = accounts[i].balance, .nonce = accounts[i].nonce};
    hf_fr_to_bytes(accounts[i].x, a.x);
    hf_fr_to_bytes(accounts[i].y, a.y);
    level[i] = leaf(&a);
  }
  for (uint32_t k = 0; k < depth / 2; k++) { /* in place: parent i is written after its children were read */
    size_t up = (n + 3) / 4;
    for (size_t i = 4 * up; i-- > n;) level[i] = blank;
    for (size_t i = 0; i < up; i++)
      level[i] = hf_poseidon2_compress4(level[4 * i], level[4 * i + 1], level[4 * i + 2], level[4 * i + 3]);
    blank = hf_poseidon2_compress4(blank, blank, blank, blank);
    n = up;
  }
  hf_fr root = level[0];
  free(level);
  return root;
}
