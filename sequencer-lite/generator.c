#include "generator.h"

#include "wallet.h"

#include <hyperfold/file.h>
#include <hyperfold/splitmix.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACCOUNTS_MAX 1000000
#define FEE_MAX      16
#define REPLAYS      64 /* accepted lines that may be sent again */

typedef struct person {
  hf_eddsa_key key;
  uint64_t balance;
  uint32_t nonce;
} person;

typedef struct generator {
  hf_generator_options options;
  const hf_generator_sink *sink;
  hf_generator_tally *tally;
  uint64_t random; /* state of splitmix64 */
  person *people;
  uint64_t *weights;   /* running sums by rank */
  uint32_t *receivers; /* rank -> account: who receives much is not who sends much */
  char replay[REPLAYS][HF_TRANSACTION_JSON];
  uint32_t replay_count;
} generator;

static uint64_t draw(generator *g) { return hf_splitmix64(&g->random); }

/* Below `bound`; the bias of the modulus is below 2^-40 for the bounds used here. */
static uint64_t below(generator *g, uint64_t bound) { return draw(g) % bound; }

void hf_generator_key_seed(uint64_t seed, hf_chain_id chain_id, uint32_t index, uint8_t out[32]) {
  static const char tag[] = "hyperfold.generator.key";
  uint8_t bytes[28];
  hf_digest_state state;
  hf_digest digest;
  for (int i = 0; i < 8; i++) {
    bytes[i] = (uint8_t)(seed >> 8 * i);
    bytes[8 + i] = (uint8_t)(chain_id.low >> 8 * i);
    bytes[16 + i] = (uint8_t)(chain_id.high >> 8 * i);
    if (i < 4) bytes[24 + i] = (uint8_t)(index >> 8 * i);
  }
  hf_digest_init(&state);
  hf_digest_update(&state, tag, sizeof tag);
  hf_digest_update(&state, bytes, sizeof bytes);
  hf_digest_final(&state, &digest);
  memcpy(out, digest.b, 32);
}

static hf_status make_key(const generator *g, uint32_t index, hf_eddsa_key *key) {
  uint8_t seed[32];
  hf_generator_key_seed(g->options.seed, g->options.chain_id, index, seed);
  return hf_eddsa_key_from_seed(seed, key);
}

static uint32_t rank(generator *g) {
  uint32_t low = 0, high = g->options.accounts - 1;
  uint64_t at = below(g, g->weights[high]);
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (at < g->weights[middle])
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

/* Any account but the operator's; rank 0 is account 1. */
static uint32_t pick_sender(generator *g) { return 1 + rank(g) % (g->options.accounts - 1); }

static uint32_t pick_receiver(generator *g, uint32_t sender) {
  for (;;) {
    uint32_t to = g->receivers[rank(g)];
    if (to != sender) return to;
  }
}

/* ---- deposits ---- */

static hf_status emit_deposit(generator *g, hf_fr x, hf_fr y, uint64_t amount) {
  char line[HF_TRANSACTION_JSON];
  hf_deposit d = {g->options.chain_id, g->tally->deposits++, x, y, amount};
  hf_deposit_json(&d, line);
  return g->sink->deposit(g->sink->context, line);
}

static hf_status deposits(generator *g) {
  hf_status status = HF_OK;
  uint32_t bad = g->options.bad_deposits;
  for (uint32_t i = 0; i < g->options.accounts; i++) {
    person *p = &g->people[i];
    HF_TRY(make_key(g, i, &p->key));
    p->balance = 1000000 + below(g, (uint64_t)1 << (20 + below(g, 20)));
    HF_TRY(emit_deposit(g, p->key.public_key.x, p->key.public_key.y, p->balance));
    if (bad && (i + 1 == g->options.accounts || below(g, 4) == 0)) {
      do { /* off the curve: (x, x) with a random x is on it for at most four x */
        hf_fr x = hf_fr_from_u64(2 + below(g, UINT32_MAX));
        HF_TRY(emit_deposit(g, x, x, 1 + below(g, 1000)));
        g->tally->refused_deposits++;
        bad--;
      } while (bad && i + 1 == g->options.accounts);
    }
  }
out:
  return status;
}

/* ---- transactions ---- */

static hf_status emit(generator *g, const char *line, hf_refusal expected) {
  g->tally->transactions++;
  g->tally->expected[expected]++;
  return g->sink->transaction(g->sink->context, line, expected);
}

static hf_status sign_payment(const hf_eddsa_key *key, hf_signing_place at, hf_bjj to, uint64_t amount,
                              uint64_t fee, hf_transaction *tx) {
  hf_wallet wallet = {*key};
  hf_status status = hf_wallet_transfer(&wallet, at, to, amount, fee, tx);
  hf_wallet_wipe(&wallet);
  return status;
}

/* An amount the sender has, over many orders of magnitude. */
static uint64_t pick_amount(generator *g, const person *p, uint64_t fee) {
  uint64_t most = p->balance - fee, amount = 1 + below(g, (uint64_t)1 << (1 + below(g, 24)));
  return amount < most ? amount : most;
}

static hf_status valid(generator *g) {
  uint32_t from = pick_sender(g);
  uint64_t fee = 1 + below(g, FEE_MAX);
  for (uint32_t i = 0; g->people[from].balance < fee && i < g->options.accounts; i++)
    from = 1 + from % (g->options.accounts - 1); /* somebody who can pay */
  person *p = &g->people[from];
  if (p->balance < fee)
    return hf_fail(HF_E_RANGE, "load: the accounts have run dry; ask for fewer transactions");
  uint64_t amount = pick_amount(g, p, fee);
  hf_wallet wallet = {p->key};
  const hf_signing_place at = {g->options.chain_id, from, p->nonce};
  hf_transaction tx;
  hf_status status = HF_OK;
  if (below(g, 1000) < g->options.withdraw_per_mille) {
    uint8_t address[20];
    for (int i = 0; i < 20; i++) address[i] = (uint8_t)draw(g);
    HF_TRY(hf_wallet_withdraw(&wallet, at, address, amount, fee, &tx));
    g->tally->withdrawals++;
  } else {
    uint32_t to = pick_receiver(g, from);
    HF_TRY(hf_wallet_transfer(&wallet, at, g->people[to].key.public_key, amount, fee, &tx));
    g->people[to].balance += amount;
  }
  p->balance -= amount + fee;
  p->nonce++;
  char line[HF_TRANSACTION_JSON];
  hf_transaction_json(&tx, line);
  uint32_t kept = g->replay_count < REPLAYS ? g->replay_count++ : (uint32_t)below(g, REPLAYS);
  memcpy(g->replay[kept], line, sizeof line);
  status = emit(g, line, HF_REFUSAL_NONE);
out:
  hf_wallet_wipe(&wallet);
  return status;
}

/* l, the order of the subgroup (host/scalar.h), little-endian. */
static const uint8_t subgroup_order[32] = {0xf1, 0x26, 0x21, 0x39, 0xdc, 0x97, 0x72, 0x67, 0x0a, 0xee, 0x20,
                                           0x39, 0xb8, 0xed, 0x3e, 0xab, 0x0b, 0x2b, 0x30, 0xd0, 0xb6, 0x08,
                                           0x0a, 0x37, 0x05, 0x34, 0x26, 0x5c, 0xce, 0x89, 0x0c, 0x06};

static void spoil_signature(generator *g, hf_transaction *tx, const person *other) {
  switch (below(g, 4)) {
  case 0:
    tx->signature[below(g, 64)] ^= (uint8_t)(1 << below(g, 8));
    break;
  case 1: { /* the same signature modulo l: S + l */
    unsigned carry = 0;
    for (int i = 0; i < 32; i++) {
      carry += (unsigned)tx->signature[32 + i] + subgroup_order[i];
      tx->signature[32 + i] = (uint8_t)carry;
      carry >>= 8;
    }
    break;
  }
  case 2:
    tx->amount++;
    break;   /* another amount than the signed one */
  default: { /* somebody else's signature */
    hf_fr message[4];
    hf_eddsa_signature signature;
    hf_transaction_message(tx, message);
    hf_eddsa_sign(&other->key, message, &signature);
    hf_eddsa_signature_to_bytes(&signature, tx->signature);
    break;
  }
  }
}

/* Breaks the line itself. */
static void spoil_line(generator *g, char line[HF_TRANSACTION_JSON]) {
  size_t length = strlen(line);
  char *at;
  switch (below(g, 6)) {
  case 0:
    line[below(g, length - 1)] = 0;
    break; /* cut off (perhaps to nothing) */
  case 1:
    memcpy(line + length - 1, ",\"memo\":1}", sizeof ",\"memo\":1}");
    break; /* a key too many */
  case 2:  /* no number */
    at = strstr(line, "\"amount\":\"") + 10;
    *at = '-';
    break;
  case 3: /* no hex */
    at = strstr(line, "\"from\":\"") + 8;
    *at = 'g';
    break;
  case 4: /* a key twice */
    memcpy(line + length - 1, ",\"fee\":\"1\"}", sizeof ",\"fee\":\"1\"}");
    break;
  default: /* an unknown operation */
    at = strstr(line, "\"type\":\"") + 8;
    *at = 'x';
    break;
  }
  if (line[0] == 0) memcpy(line, "{", 2);
}

static hf_status invalid(generator *g) {
  static const hf_refusal kinds[] = {
      HF_REFUSAL_MALFORMED,        HF_REFUSAL_CHAIN_ID,  HF_REFUSAL_UNKNOWN_SENDER, HF_REFUSAL_ACCOUNT,
      HF_REFUSAL_SIGNATURE,        HF_REFUSAL_DUPLICATE, HF_REFUSAL_SELF_TRANSFER,  HF_REFUSAL_NONCE,
      HF_REFUSAL_UNKNOWN_RECEIVER, HF_REFUSAL_FUNDS};
  hf_refusal kind = kinds[below(g, sizeof kinds / sizeof kinds[0])];
  if (kind == HF_REFUSAL_DUPLICATE && g->replay_count == 0) kind = HF_REFUSAL_SIGNATURE;
  if (kind == HF_REFUSAL_DUPLICATE) return emit(g, g->replay[below(g, g->replay_count)], kind);
  const uint32_t from = pick_sender(g), to = pick_receiver(g, from);
  person *p = &g->people[from];
  hf_eddsa_key stranger;
  hf_status status = make_key(g, g->options.accounts + (uint32_t)below(g, 1000), &stranger);
  if (status != HF_OK) return status;
  const hf_eddsa_key *key = &p->key;
  hf_bjj receiver = g->people[to].key.public_key;
  /* Accounts have the order of their deposits; bad ones take no index. */
  hf_signing_place at = {g->options.chain_id, from, p->nonce};
  /* A fee that no valid line has: never the hash of an accepted one. */
  uint64_t fee = FEE_MAX + 1 + below(g, FEE_MAX), amount = 1;
  switch (kind) {
  case HF_REFUSAL_CHAIN_ID:
    at.chain_id.high ^= (uint64_t)1 << below(g, 64);
    break;
  case HF_REFUSAL_UNKNOWN_SENDER:
    key = &stranger;
    at.nonce = 0;
    break;
  case HF_REFUSAL_ACCOUNT: /* somebody else's, or one that nobody has */
    at.account = below(g, 2) ? to : g->options.accounts + (uint32_t)below(g, 1000);
    break;
  case HF_REFUSAL_SELF_TRANSFER:
    receiver = p->key.public_key;
    break;
  case HF_REFUSAL_NONCE:
    at.nonce = at.nonce && below(g, 2) ? at.nonce - 1 : at.nonce + 1 + (uint32_t)below(g, 3);
    break;
  case HF_REFUSAL_UNKNOWN_RECEIVER:
    receiver = stranger.public_key;
    break;
  case HF_REFUSAL_FUNDS: /* one too many, or so many that amount + fee wraps around */
    amount = below(g, 2) ? p->balance + 1 : UINT64_MAX - below(g, fee);
    break;
  default:
    break;
  }
  char line[HF_TRANSACTION_JSON];
  hf_transaction tx;
  HF_TRY(sign_payment(key, at, receiver, amount, fee, &tx));
  if (kind == HF_REFUSAL_SIGNATURE) spoil_signature(g, &tx, &g->people[to]);
  hf_transaction_json(&tx, line);
  if (kind == HF_REFUSAL_MALFORMED) spoil_line(g, line);
  HF_TRY(emit(g, line, kind));
out:
  hf_eddsa_key_wipe(&stranger);
  return status;
}

/* ---- the whole run ---- */

static hf_status set_up(generator *g) {
  const uint32_t n = g->options.accounts;
  g->people = calloc(n, sizeof *g->people);
  g->weights = calloc(n, sizeof *g->weights);
  g->receivers = calloc(n, sizeof *g->receivers);
  if (!g->people || !g->weights || !g->receivers)
    return hf_fail(HF_E_MEMORY, "load: no memory for %u accounts", n);
  uint64_t sum = 0;
  for (uint32_t i = 0; i < n; i++) {
    uint64_t weight = (uint64_t)1 << 40; /* sums stay below 2^60 */
    for (uint32_t k = 0; k < g->options.skew; k++) weight /= i + 1;
    g->weights[i] = sum += weight ? weight : 1;
    g->receivers[i] = i;
  }
  for (uint32_t i = n - 1; i > 0; i--) {
    uint32_t j = (uint32_t)below(g, i + 1), swap = g->receivers[i];
    g->receivers[i] = g->receivers[j];
    g->receivers[j] = swap;
  }
  return HF_OK;
}

hf_status hf_generator_run(const hf_generator_options *options, const hf_generator_sink *sink,
                           hf_generator_tally *tally) {
  hf_generator_tally own;
  generator *g = calloc(1, sizeof *g);
  if (!g) return hf_fail(HF_E_MEMORY, "load: no memory");
  hf_status status = HF_OK;
  g->options = *options;
  g->sink = sink;
  g->tally = tally ? tally : &own;
  g->random = options->seed;
  memset(g->tally, 0, sizeof *g->tally);
  if (!g->options.accounts) g->options.accounts = 100;
  if (g->options.accounts < 3 || g->options.accounts > ACCOUNTS_MAX || g->options.skew > 2 ||
      g->options.invalid_per_mille > 1000 || g->options.withdraw_per_mille > 1000)
    HF_TRY(hf_fail(HF_E_RANGE, "load: 3 to %d accounts, skew 0 to 2, shares up to 1000", ACCOUNTS_MAX));
  HF_TRY(set_up(g));
  HF_TRY(deposits(g));
  for (uint32_t i = 0; i < options->transactions; i++)
    HF_TRY(below(g, 1000) < options->invalid_per_mille ? invalid(g) : valid(g));
out:
  if (g->people) explicit_bzero(g->people, g->options.accounts * sizeof *g->people);
  free(g->people);
  free(g->weights);
  free(g->receivers);
  free(g);
  return status;
}

typedef struct texts {
  hf_writer deposits, transactions;
} texts;

static hf_status append(hf_writer *w, const char *line) {
  hf_write_bytes(w, line, strlen(line));
  hf_write_u8(w, '\n');
  return hf_writer_status(w);
}
static hf_status append_deposit(void *context, const char *line) {
  return append(&((texts *)context)->deposits, line);
}
static hf_status append_transaction(void *context, const char *line, hf_refusal expected) {
  (void)expected;
  return append(&((texts *)context)->transactions, line);
}

hf_status hf_generator_write(const hf_generator_options *options, const char *deposits_path,
                             const char *transactions_path, hf_generator_tally *tally) {
  texts t = {{0}, {0}};
  hf_generator_sink sink = {append_deposit, append_transaction, &t};
  hf_status status = HF_OK;
  HF_TRY(hf_generator_run(options, &sink, tally));
  hf_bytes part = {t.deposits.data, t.deposits.length};
  HF_TRY(hf_file_write(deposits_path, 0644, &part, 1));
  part = (hf_bytes){t.transactions.data, t.transactions.length};
  HF_TRY(hf_file_write(transactions_path, 0644, &part, 1));
out:
  hf_writer_free(&t.deposits);
  hf_writer_free(&t.transactions);
  return status;
}
