/* The tree against a naive one; batches against the checker; durability across reopening. */
#include "ok.h"
#include "record.h"
#include "replay.h"
#include "sequencer_support.h"
#include "statement.h"

#include <criterion/criterion.h>
#include <hyperfold/container.h>
#include <hyperfold/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t next_random(uint64_t *state) {
  *state = *state * 6364136223846793005ull + 1442695040888963407ull;
  return *state >> 24;
}

Test(sequencer_tree, agrees_with_a_naive_tree) {
  hf_account accounts[40];
  uint64_t random = 1;
  memset(accounts, 0, sizeof accounts);
  for (uint32_t depth = 4; depth <= 24; depth += depth < 8 ? 2 : 8) {
    hf_tree *tree = NULL;
    hf_fr root;
    const uint32_t count = depth == 4 ? 8 : 40;
    memset(accounts, 0, sizeof accounts);
    OK(hf_tree_create(depth, NULL, NULL, &tree));
    OK(hf_tree_root(tree, &root));
    cr_assert(hf_fr_eq(root, naive_root(depth, NULL, 0)), "empty tree of depth %u", depth);
    for (int i = 0; i < 60; i++) {
      uint32_t at = (uint32_t)(next_random(&random) % count);
      accounts[at] = (hf_account){hf_fr_from_u64(next_random(&random)), hf_fr_from_u64(next_random(&random)),
                                  next_random(&random) << 24, (uint32_t)next_random(&random)};
      OK(hf_tree_set(tree, at, hf_account_leaf(&accounts[at])));
      OK(hf_tree_root(tree, &root));
      cr_assert(hf_fr_eq(root, naive_root(depth, accounts, count)), "depth %u, update %d", depth, i);
    }
    /* every path leads to the root; a leaf far out too */
    const uint32_t probe[] = {0, 3, 5, count - 1, (1u << depth) - 1};
    for (size_t p = 0; p < sizeof probe / sizeof probe[0]; p++) {
      hf_fr siblings[HF_ROLLUP_LEVELS_MAX][3], node;
      OK(hf_tree_path(tree, probe[p], &node, siblings));
      for (uint32_t k = 0; k < depth / 2; k++) {
        hf_fr c[4];
        for (uint32_t i = 0, s = 0; i < 4; i++)
          c[i] = i == (probe[p] >> (2 * k) & 3) ? node : siblings[k][s++];
        node = hf_poseidon2_compress4(c[0], c[1], c[2], c[3]);
      }
      cr_assert(hf_fr_eq(node, root), "depth %u: path of %u", depth, probe[p]);
    }
    hf_fr siblings[HF_ROLLUP_LEVELS_MAX][3];
    cr_assert_eq(hf_tree_path(tree, depth == 24 ? UINT32_MAX : 1u << depth, NULL, siblings), HF_E_RANGE);
    hf_tree_destroy(&tree);
  }
  hf_tree *none = NULL;
  cr_assert_eq(hf_tree_create(5, NULL, NULL, &none), HF_E_RANGE);
  cr_assert_eq(hf_tree_create(26, NULL, NULL, &none), HF_E_RANGE);
}

typedef struct setting {
  uint32_t depth, slots, mode, accounts;
} setting;

/* Any one change of the data file's last batch is found; the container's checksum is made anew each time. */
static void lies_in_data(const char *path) {
  uint8_t *file = NULL;
  size_t length = 0;
  hf_replay_summary summary;
  OK(hf_file_read(path, 1 << 24, &file, &length));
  const uint8_t *payload = file + HF_CONTAINER_HEADER;
  uint32_t slots, batches;
  memcpy(&slots, payload + 4, 4);
  memcpy(&batches, payload + 12, 4);
  const size_t words = (size_t)slots * HF_DATA_WORDS, batch = (HF_RECORD_WORDS - 1 + words) * 32;
  uint8_t *changed = malloc(length);
  for (size_t word = 0; word < HF_RECORD_WORDS - 1 + words; word += word < HF_RECORD_WORDS ? 1 : 11) {
    hf_writer w = {0};
    hf_bytes part = {changed, length - HF_CONTAINER_HEADER};
    memcpy(changed, payload, part.length);
    changed[16 + (batches - 1) * batch + 32 * word] ^= 1;
    OK(hf_container_encode(&w, HF_DATA_FILE_KIND, 1, &part, 1));
    cr_assert_neq(hf_replay_memory("changed", w.data, w.length, &summary), HF_OK, "word %zu", word + 1);
    hf_writer_free(&w);
  }
  for (size_t cut = 0; cut < 3; cut++) {
    hf_writer w = {0};
    hf_bytes part = {payload, cut == 0 ? length - HF_CONTAINER_HEADER - 32 : cut == 1 ? 15 : 0};
    OK(hf_container_encode(&w, HF_DATA_FILE_KIND, 1, &part, 1));
    cr_assert_eq(hf_replay_memory("cut", w.data, w.length, &summary), HF_E_FORMAT);
    hf_writer_free(&w);
  }
  free(changed);
  free(file);
}

/* Everything once: a load with every kind of refusal through a chain that is closed and opened in the middle;
 * every batch input checked; the state against a naive tree; the posted data replayed. */
static void run_setting(const setting *set) {
  char *folder = folder_make(), *path = folder_file(folder, "chain.db"), *data = folder_file(folder, "data");
  hf_generator_options load_options = {.seed = 11 + set->depth,
                                       .chain_id = {77, 1},
                                       .accounts = set->accounts,
                                       .transactions = 150,
                                       .invalid_per_mille = 300,
                                       .withdraw_per_mille = 150,
                                       .bad_deposits = 3,
                                       .skew = 1};
  load l;
  OK(load_make(&load_options, &l));
  hf_chain_options options = {.path = path,
                              .chain_id = {77, 1},
                              .params = {set->depth, set->slots},
                              .mode = set->mode,
                              .operator_index = 0,
                              .keep_inputs = true};
  hf_sequencer_options sequencer_options = {.chains = &options, .chain_count = 1};
  hf_sequencer *s = NULL;
  OK(hf_sequencer_open(&sequencer_options, &s));
  hf_deposit_counts counts;
  OK(hf_sequencer_deposit_text(s, (const char *)l.deposits.data, l.deposits.length, &counts));
  cr_assert_eq(counts.applied, set->accounts);
  cr_assert_eq(counts.refused, 3);

  /* half of the text, then a restart with operations waiting, then the rest */
  const char *text = (const char *)l.transactions.data, *middle = text + l.transactions.length / 2;
  while (middle[-1] != '\n') middle++;
  expectation e = {.load = &l};
  hf_tally tally;
  OK(hf_sequencer_submit_text(s, text, (size_t)(middle - text), expect_answer, &e, &tally));
  uint64_t number = 0;
  OK(hf_chain_seal(hf_sequencer_chain(s, 0), HF_SEAL_DUE, &number));
  hf_chain_info before, after;
  hf_chain_get_info(hf_sequencer_chain(s, 0), &before);
  hf_sequencer_close(&s);
  OK(hf_sequencer_open(&sequencer_options, &s));
  hf_chain *chain = hf_sequencer_chain(s, 0);
  hf_chain_get_info(chain, &after);
  cr_assert(memcmp(&before, &after, sizeof before) == 0, "a restart changed something");
  load rest = l;
  rest.expected += tally.lines;
  rest.count -= tally.lines;
  expectation e2 = {.load = &rest};
  OK(hf_sequencer_submit_text(s, middle, l.transactions.length - (size_t)(middle - text), expect_answer, &e2,
                              NULL));
  cr_assert_eq(e.wrong + e2.wrong, 0);
  cr_assert_eq(e.answered + e2.answered, l.count);
  OK(hf_sequencer_flush(s, 1000));

  /* a second sequencer on the same file is refused */
  hf_chain *second = NULL;
  cr_assert_eq(hf_chain_open(&options, &second), HF_E_BUSY);

  hf_chain_get_info(chain, &after);
  cr_assert_eq(after.pending, 0);
  uint64_t operations = l.tally.deposits + l.tally.expected[HF_REFUSAL_NONE];
  cr_assert_eq(after.sealed, operations);
  cr_assert_eq(after.batches, (operations + set->slots - 1) / set->slots);

  /* every batch */
  uint8_t root[32];
  uint64_t deposits = 0;
  for (uint64_t n = 1; n <= after.batches; n++) {
    uint8_t *bytes = NULL, statement[32];
    size_t length = 0;
    hf_batch_input input;
    hf_batch_info info;
    OK(hf_chain_get_batch(chain, n, &info));
    OK(hf_chain_get_input(chain, n, &bytes, &length));
    hf_digest digest = hf_digest_bytes(bytes, length);
    cr_assert(hf_digest_eq(&digest, &info.input_digest) && length == info.input_length);
    cr_assert_eq(length, hf_batch_input_size(&options.params));
    OK(hf_batch_input_decode("batch", bytes, length, &input));
    const char *wrong = check_batch_input(&input, n == 1 ? NULL : root);
    cr_assert(wrong == NULL, "depth %u, batch %lu: %s", set->depth, (unsigned long)n, wrong ? wrong : "");
    cr_assert(memcmp(&input.record, &info.record, sizeof info.record) == 0);
    hf_fr stated;
    OK(hf_record_statement(&input.record, &stated));
    hf_fr_to_bytes(stated, statement);
    cr_assert(memcmp(statement, info.statement, 32) == 0);
    uint64_t value;
    OK(hf_word_get_u64(input.record.word[HF_RECORD_BATCH_NUMBER], &value));
    cr_assert_eq(value, n);
    OK(hf_word_get_u64(input.record.word[HF_RECORD_DEPOSIT_START], &value));
    cr_assert_eq(value, deposits);
    OK(hf_word_get_u64(input.record.word[HF_RECORD_DEPOSIT_COUNT], &value));
    deposits += value;
    memcpy(root, info.record.word[HF_RECORD_NEW_ROOT], 32);
    hf_batch_input_free(&input);
    free(bytes);
  }
  cr_assert_eq(deposits, l.tally.deposits);
  cr_assert(memcmp(root, after.root, 32) == 0);

  /* the state: every account as the API tells it, hashed naively */
  hf_account accounts[64];
  for (uint32_t i = 0; i < set->accounts; i++) {
    hf_eddsa_key key = load_key(&l, i);
    hf_account_info info;
    OK(hf_chain_get_account(chain, key.public_key, &info));
    cr_assert_eq(info.index, i);
    cr_assert(info.sealed && info.balance == info.pending_balance && info.nonce == info.pending_nonce);
    accounts[i] = (hf_account){key.public_key.x, key.public_key.y, info.balance, info.nonce};
  }
  uint8_t naive[32];
  hf_fr_to_bytes(naive_root(set->depth, accounts, set->accounts), naive);
  cr_assert(memcmp(naive, root, 32) == 0);

  /* the state from data alone */
  hf_replay_summary summary;
  OK(hf_chain_export_data(chain, set->mode == HF_MODE_VALIDIUM, data));
  OK(hf_replay_file(data, &summary));
  cr_assert(memcmp(summary.root, root, 32) == 0);
  cr_assert_eq(summary.accounts, set->accounts);
  cr_assert_eq(summary.operations[HF_SLOT_WITHDRAW], l.tally.withdrawals);
  cr_assert_eq(summary.operations[HF_SLOT_DEPOSIT_REFUSED], 3);
  lies_in_data(data);
  if (set->mode == HF_MODE_VALIDIUM) { /* what is posted does not tell the balances */
    OK(hf_chain_export_data(chain, false, data));
    cr_assert_neq(hf_replay_file(data, &summary), HF_OK);
  }
  hf_sequencer_close(&s);

  /* another identity for the same file */
  for (int i = 0; i < 5; i++) {
    hf_chain_options other = options;
    if (i == 0) other.chain_id.high = 2;
    if (i == 1) other.params.depth = set->depth == 24 ? 22 : 24;
    if (i == 2) other.params.slots++;
    if (i == 3) other.mode ^= 1;
    if (i == 4) other.operator_index = 1;
    cr_assert_eq(hf_chain_open(&other, &second), HF_E_MISMATCH);
  }
  load_free(&l);
  free(path);
  free(data);
  folder_remove(folder);
}

Test(sequencer_batches, of_every_setting_pass_the_checker) {
  static const setting settings[] = {
      {24, 16, HF_MODE_ROLLUP, 30}, {8, 64, HF_MODE_VALIDIUM, 20}, {4, 5, HF_MODE_ROLLUP, 8}};
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) run_setting(&settings[i]);
}

/* A first batch of `count` deposits into leaves 0, 1, .. , true in every word, replayed. */
static hf_status replay_deposits(const hf_account *accounts, uint32_t count) {
  const hf_rollup_params params = {12, count};
  const size_t words = (size_t)HF_DATA_WORDS * count;
  hf_batch_record record;
  hf_replay *replay = NULL;
  hf_tree *tree = NULL;
  hf_fr root;
  uint8_t(*data)[32] = calloc(words, 32);
  memset(&record, 0, sizeof record);
  OK(hf_replay_create(&params, &replay));
  hf_replay_root(replay, record.word[HF_RECORD_OLD_ROOT]);
  OK(hf_tree_create(params.depth, NULL, NULL, &tree));
  uint64_t in = 0;
  for (uint32_t i = 0; i < count; i++) {
    hf_data_slot slot = {.type = HF_SLOT_DEPOSIT, .to = i, .amount = accounts[i].balance};
    hf_fr_to_bytes(accounts[i].x, slot.to1);
    hf_fr_to_bytes(accounts[i].y, slot.to2);
    hf_data_encode(&slot, &data[HF_DATA_WORDS * i]);
    OK(hf_tree_set(tree, i, hf_account_leaf(&accounts[i])));
    in += accounts[i].balance;
  }
  OK(hf_tree_root(tree, &root));
  hf_fr_to_bytes(root, record.word[HF_RECORD_NEW_ROOT]);
  hf_word_set_u128(record.word[HF_RECORD_CHAIN_ID], 7, 0);
  hf_word_set_u128(record.word[HF_RECORD_BATCH_NUMBER], 1, 0);
  hf_word_set_u128(record.word[HF_RECORD_DEPOSIT_COUNT], count, 0);
  hf_word_set_u128(record.word[HF_RECORD_TOTAL_IN], in, 0);
  hf_outbox_empty_root(record.word[HF_RECORD_CHAIN_ID], record.word[HF_RECORD_BATCH_NUMBER],
                       record.word[HF_RECORD_OUTBOX_ROOT]);
  OK(hf_data_commit((const uint8_t(*)[32])data, words, record.word[HF_RECORD_DATA],
                    record.word[HF_RECORD_DATA_X], record.word[HF_RECORD_DATA_Y]));
  hf_status status = hf_replay_batch(replay, &record, (const uint8_t(*)[32])data, words, false);
  if (status == HF_OK) cr_assert_eq(hf_replay_accounts(replay), count);
  hf_replay_destroy(&replay);
  hf_tree_destroy(&tree);
  free(data);
  return status;
}

Test(sequencer_replay, refuses_a_second_account_for_a_key) {
  hf_account accounts[600] = {0};
  for (uint32_t i = 0; i < 600; i++)
    accounts[i] = (hf_account){hf_fr_from_u64(1 + i / 2), hf_fr_from_u64(i % 2), 100 + i, 0};
  OK(replay_deposits(accounts, 600));
  for (uint32_t i = 0; i < 599; i += 1 + i / 2) {
    accounts[599] = (hf_account){accounts[i].x, accounts[i].y, 5, 0};
    cr_assert_eq(replay_deposits(accounts, 600), HF_E_FORMAT, "like account %u", i);
    cr_assert(strstr(hf_error_message(), "second account"), "%s", hf_error_message());
  }
}

/* The checker must be able to fail: each lie in a batch input is found. */
Test(sequencer_batches, lies_are_found_by_the_checker) {
  char *folder = folder_make(), *path = folder_file(folder, "chain.db");
  hf_generator_options load_options = {
      .seed = 5, .chain_id = {9, 0}, .accounts = 6, .transactions = 12, .withdraw_per_mille = 300};
  load l;
  OK(load_make(&load_options, &l));
  hf_chain_options options = {.path = path, .chain_id = {9, 0}, .params = {8, 24}};
  hf_sequencer_options sequencer_options = {.chains = &options, .chain_count = 1};
  hf_sequencer *s = NULL;
  OK(hf_sequencer_open(&sequencer_options, &s));
  OK(hf_sequencer_deposit_text(s, (const char *)l.deposits.data, l.deposits.length, NULL));
  OK(hf_sequencer_submit_text(s, (const char *)l.transactions.data, l.transactions.length, NULL, NULL, NULL));
  OK(hf_sequencer_flush(s, 1000));
  uint8_t *bytes = NULL;
  size_t length = 0;
  OK(hf_chain_get_input(hf_sequencer_chain(s, 0), 1, &bytes, &length));
  uint32_t transfer = 0;
  for (int lie = 0; lie < 14; lie++) {
    hf_batch_input in;
    OK(hf_batch_input_decode("batch", bytes, length, &in));
    cr_assert(check_batch_input(&in, NULL) == NULL);
    while (in.slots[transfer].type != HF_SLOT_TRANSFER) transfer++;
    hf_batch_slot *t = &in.slots[transfer];
    switch (lie) {
    case 0:
      t->amount++;
      break;
    case 1:
      t->fee++;
      break;
    case 2:
      t->from.old.balance++;
      break;
    case 3:
      t->from.old.nonce++;
      break;
    case 4:
      t->to.old.x[0] ^= 1;
      break;
    case 5:
      t->s[0] ^= 1;
      break;
    case 6:
      t->from.siblings[2][1][0] ^= 1;
      break;
    case 7:
      t->to.siblings[0][0][0] ^= 1;
      break;
    case 8:
      in.slots[0].amount++;
      break;
    case 9:
      in.fees.old.balance++;
      break;
    case 10:
      in.record.word[HF_RECORD_NEW_ROOT][0] ^= 1;
      break;
    case 11:
      in.record.word[HF_RECORD_TOTAL_IN][0] ^= 1;
      break;
    case 12:
      in.record.word[HF_RECORD_DATA_Y][0] ^= 1;
      break;
    default:
      in.record.word[HF_RECORD_CHAIN_ID][3] ^= 1;
      break;
    }
    cr_assert(check_batch_input(&in, NULL) != NULL, "lie %d", lie);
    hf_batch_input_free(&in);
  }
  free(bytes);
  hf_sequencer_close(&s);
  load_free(&l);
  free(path);
  folder_remove(folder);
}

static uint64_t fake_now(void *context) { return *(uint64_t *)context; }

/* Sealing by count, by age, the backlog's limit, the pool's limit. */
Test(sequencer_batches, are_sealed_when_due) {
  char *folder = folder_make(), *path = folder_file(folder, "chain.db");
  uint64_t now = 1000000, number = 0;
  hf_generator_options load_options = {.seed = 6, .chain_id = {3, 0}, .accounts = 20};
  load l;
  OK(load_make(&load_options, &l));
  hf_chain_options options = {.path = path,
                              .chain_id = {3, 0},
                              .params = {8, 4},
                              .pool_limit = 12,
                              .backlog_limit = 2,
                              .max_age_ms = 500,
                              .clock = {fake_now, NULL, &now}};
  hf_chain *chain = NULL;
  hf_chain_info info;
  OK(hf_chain_open(&options, &chain));
  hf_deposit deposits[20];
  const char *rest = (const char *)l.deposits.data, *end = rest + l.deposits.length, *line;
  size_t length;
  for (int i = 0; i < 20; i++) {
    cr_assert(hf_line_next(&rest, end, &line, &length));
    OK(hf_deposit_parse(line, length, &deposits[i]));
  }
  OK(hf_chain_deposit(chain, deposits, 3, NULL));
  OK(hf_chain_seal(chain, HF_SEAL_DUE, &number));
  cr_assert_eq(number, 0);
  now += 499;
  OK(hf_chain_seal(chain, HF_SEAL_DUE, &number));
  cr_assert_eq(number, 0, "too young");
  now += 1;
  OK(hf_chain_seal(chain, HF_SEAL_FULL, &number));
  cr_assert_eq(number, 0, "not full");
  OK(hf_chain_seal(chain, HF_SEAL_DUE, &number));
  cr_assert_eq(number, 1, "old enough");
  OK(hf_chain_seal(chain, HF_SEAL_ANY, &number));
  cr_assert_eq(number, 0, "nothing waits");

  cr_assert_eq(hf_chain_deposit(chain, deposits + 3, 13, NULL), HF_E_BUSY);
  OK(hf_chain_deposit(chain, deposits + 3, 12, NULL));
  cr_assert_eq(hf_chain_deposit(chain, deposits + 15, 1, NULL), HF_E_BUSY);
  OK(hf_chain_seal(chain, HF_SEAL_DUE, &number));
  cr_assert_eq(number, 2);
  OK(hf_chain_seal(chain, HF_SEAL_DUE, &number));
  cr_assert_eq(number, 0, "the backlog is full");
  OK(hf_chain_first_unsubmitted(chain, &number));
  cr_assert_eq(number, 1);
  OK(hf_chain_set_submitted(chain, 1));
  OK(hf_chain_set_submitted(chain, 1)); /* saying it twice is fine */
  hf_chain_get_info(chain, &info);
  cr_assert_eq(info.unsubmitted, 1);
  uint8_t *bytes = NULL;
  cr_assert_eq(hf_chain_get_input(chain, 1, &bytes, &length), HF_E_NOT_FOUND, "inputs go with submission");
  cr_assert_eq(hf_chain_set_submitted(chain, 9), HF_E_NOT_FOUND);
  OK(hf_chain_seal(chain, HF_SEAL_DUE, &number));
  cr_assert_eq(number, 3);

  /* deposits again, changed, and with a gap: nothing of such a call is kept */
  hf_deposit_counts counts;
  OK(hf_chain_deposit(chain, deposits, 8, &counts));
  cr_assert_eq(counts.known, 8);
  hf_deposit changed = deposits[2];
  changed.amount++;
  cr_assert_eq(hf_chain_deposit(chain, &changed, 1, NULL), HF_E_MISMATCH);
  hf_deposit gap[2] = {deposits[15], deposits[17]};
  cr_assert_eq(hf_chain_deposit(chain, gap, 2, NULL), HF_E_MISMATCH);
  hf_chain_get_info(chain, &info);
  cr_assert_eq(info.deposits, 15);
  cr_assert_eq(info.accounts, 15);
  hf_chain_close(&chain);
  load_free(&l);
  free(path);
  folder_remove(folder);
}
