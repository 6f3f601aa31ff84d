/* The aggregator over a real queue, with proofs that are stand-ins (fleet.h). */
#include "fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static fleet f;

#define SEAL(n, text)                                                                                        \
  cr_assert_str_eq(f.published[n].records, text, "seal %d has \"%s\"", n, f.published[n].records)

static void submit(uint64_t chain, uint64_t number) {
  fleet_submit(&f, &(fleet_batch){.chain = chain, .number = number});
}

static void drain(void) {
  hf_aggregator_drain(f.aggregator);
  fleet_run(&f);
  cr_assert_eq(f.state.seals, 0);
}

Test(aggregator, every_size_of_a_seal) {
  static const uint32_t sizes[] = {1, 2, 3, 5, 7, 8, 13, 33, 63, 64};
  fleet_open(&f);
  fleet_start(&f, 0, false);
  uint64_t number = 0, seals = 0, folds = 0;
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    char expected[FLEET_NAMES] = "", one[32];
    for (uint32_t k = 0; k < sizes[i]; k++) {
      fleet_batch_done(&f, 7, ++number);
      snprintf(one, sizeof one, "7/%llu ", (unsigned long long)number);
      strcat(expected, one);
    }
    folds += sizes[i] - 1;
    seals++;
    fleet_start(&f, 0, false); /* so that it is not drained yet */
    cr_assert(fleet_step(&f));
    if (sizes[i] < 64) {
      cr_assert_eq(f.state.leaves, sizes[i], "the seal is open");
      drain();
    } else {
      fleet_run(&f); /* full */
    }
    SEAL((int)seals, expected);
    cr_assert_eq(f.folds, folds, "%u leaves are folded with %u proofs", sizes[i], sizes[i] - 1);
  }
  cr_assert_eq(f.seals, seals);
  fleet_close(&f);
}

/* Many withdrawals or deposits, each dear on L1, do not make a seal that no transaction can carry; one batch that is too large
 * alone is sealed alone. */
Test(aggregator, no_seal_that_l1_cannot_take) {
  static const fleet_batch batches[] = {
      {.withdrawals = 200}, {.withdrawals = 200}, {.withdrawals = 200}, {.deposits = 150}, {.deposits = 200},
      {.withdrawals = 4000}, {.withdrawals = 1},  {.deposits = 1},
  };
  static const char *const seals[] = {"7/1 7/2 ", "7/3 7/4 ", "7/5 ", "7/6 ", "7/7 7/8 "};
  fleet_open(&f);
  for (uint64_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
    fleet_batch batch = batches[i];
    batch.chain = 7;
    batch.number = i + 1;
    fleet_submit(&f, &batch);
    fleet_prove(&f, 7, i + 1, FLEET_GOOD);
  }
  fleet_start(&f, 0, false);
  drain();
  for (int i = 0; i < 5; i++) SEAL(i + 1, seals[i]);
  fleet_close(&f);
}

Test(aggregator, folds_while_batches_arrive) {
  fleet_open(&f);
  f.options.seal_count = 4;
  fleet_start(&f, 0, false);
  fleet_batch_done(&f, 7, 1);
  cr_assert(fleet_step(&f));
  cr_assert_eq(fleet_jobs(&f, HF_JOB_FOLD), 0, "one leaf has no neighbour yet");
  fleet_batch_done(&f, 7, 2);
  cr_assert(fleet_step(&f));
  cr_assert_eq(fleet_jobs(&f, HF_JOB_FOLD), 1);
  cr_assert(fleet_work(&f));
  for (uint64_t n = 3; n <= 4; n++) fleet_batch_done(&f, 7, n);
  cr_assert(fleet_step(&f));
  cr_assert_eq(fleet_jobs(&f, HF_JOB_FOLD), 2, "the upper one waits for both");
  cr_assert_eq(fleet_jobs(&f, HF_JOB_SEAL), 0);
  fleet_run(&f);
  SEAL(1, "7/1 7/2 7/3 7/4 ");
  /* what a job says */
  hf_job_record seal = fleet_record(&f, "seal/1");
  cr_assert(seal.header.kind == HF_JOB_SEAL && strcmp(seal.header.circuit, "seal") == 0);
  cr_assert(hf_digest_eq(&seal.header.vk_digest, &f.options.seal_vk));
  hf_job_filter filter = {.kind_mask = 1u << HF_JOB_FOLD};
  hf_job_record fold;
  size_t count;
  OK(hf_queue_list(f.queue, &filter, &fold, 1, &count));
  cr_assert(strcmp(fold.header.circuit, "node") == 0 &&
            hf_digest_eq(&fold.header.vk_digest, &f.options.node_vk));
  fleet_close(&f);
}

/* A chain's batches enter in the order of their numbers, whatever the order of the proofs; nobody waits for
 * another. */
Test(aggregator, random_orders) {
  srand(11);
  for (int round = 0; round < 6; round++) {
    fleet_open(&f);
    f.options.seal_count = 1 + (uint32_t)round;
    fleet_start(&f, 0, false);
    uint64_t left[18], next[3] = {1, 1, 1}, total = 0;
    for (uint64_t i = 0; i < 18; i++) left[i] = i;
    for (uint64_t chain = 0; chain < 3; chain++)
      for (uint64_t n = 1; n <= 6; n++) submit(20 + chain, n);
    for (int i = 18; i > 0; i--) {
      int at = rand() % i;
      f.now += (uint64_t)rand() % 3;
      fleet_prove(&f, 20 + left[at] / 6, 1 + left[at] % 6, FLEET_GOOD);
      left[at] = left[i - 1];
      if (rand() % 2) cr_assert(fleet_step(&f));
      while (rand() % 3 == 0 && fleet_work(&f)) continue;
    }
    drain();
    for (int s = 1; s < FLEET_SEALS && f.published[s].times; s++) {
      cr_assert_eq(f.published[s].times, 1);
      char *rest, *word = strtok_r(f.published[s].records, " ", &rest);
      for (; word != NULL; word = strtok_r(NULL, " ", &rest), total++) {
        unsigned long long chain, number;
        cr_assert_eq(sscanf(word, "%llu/%llu", &chain, &number), 2);
        cr_assert_eq(number, next[chain - 20]++, "round %d, seal %d: %s", round, s, word);
      }
    }
    cr_assert_eq(total, 18);
    cr_assert_eq(f.folds, total - f.seals, "no fold was made twice");
    fleet_close(&f);
  }
}

/* Leaves stand in the order in which they were proven, also when nobody looked; and a plan that comes out otherwise, by
 * other options, finds no folds of the first that are not its own. */
Test(aggregator, order_and_another_plan) {
  fleet_open(&f);
  for (uint64_t n = 1; n <= 3; n++) {
    submit(7, n);
    submit(8, n);
  }
  const uint64_t order[][2] = {{8, 1}, {7, 1}, {7, 2}, {8, 2}, {8, 3}, {7, 3}};
  for (int i = 0; i < 6; i++, f.now++) fleet_prove(&f, order[i][0], order[i][1], FLEET_GOOD);
  fleet_start(&f, 0, false);
  fleet_run(&f);
  cr_assert_eq(f.state.leaves, 6);
  const char *chains[] = {"8"};
  f.options.chains = chains;
  f.options.chain_count = 1;
  fleet_start(&f, 0, false);
  drain();
  SEAL(1, "8/1 8/2 8/3 ");
  cr_assert_eq(f.events[HF_AGGREGATOR_AGAIN], 0);
  f.options.chains = NULL;
  fleet_start(&f, 0, false);
  drain();
  SEAL(2, "7/1 7/2 7/3 ");
  fleet_close(&f);

  fleet_open(&f);
  for (int i = 0; i < 6; i++) submit(order[5 - i][0], order[5 - i][1]);
  for (int i = 0; i < 6; i++, f.now++) fleet_prove(&f, order[i][0], order[i][1], FLEET_GOOD);
  fleet_start(&f, 0, false);
  drain();
  SEAL(1, "8/1 7/1 7/2 8/2 8/3 7/3 ");
  fleet_close(&f);
}

Test(aggregator, late_and_failed_batches) {
  fleet_open(&f);
  f.options.seal_count = 2;
  fleet_start(&f, 0, false);
  for (uint64_t n = 1; n <= 3; n++) submit(7, n);
  for (uint64_t n = 1; n <= 4; n++) submit(8, n);
  fleet_prove(&f, 7, 2, FLEET_GOOD);
  fleet_prove(&f, 7, 3, FLEET_GOOD);
  for (uint64_t n = 1; n <= 2; n++) fleet_prove(&f, 8, n, FLEET_GOOD);
  fleet_run(&f);
  SEAL(1, "8/1 8/2 ");
  cr_assert(f.state.waiting == 2 && f.state.blocked == 0);
  /* it fails for good: said once, and the other chain goes on */
  hf_worker worker = {.capability_count = 1};
  strcpy(worker.capabilities[0].circuit, "batch");
  for (int i = 0; i < 3; i++) {
    hf_lease lease;
    bool found;
    snprintf(worker.name, sizeof worker.name, "w%d", i);
    do {
      OK(hf_queue_lease(f.queue, &worker, &lease, &found));
      cr_assert(found);
    } while (memcmp(lease.header.key.id.b, "7/1", 3) != 0);
    OK(hf_queue_fail(f.queue, &lease.header.key, lease.epoch, HF_E_UNSATISFIED, "row 12", NULL));
    f.now += 60000; /* leases run out: what else was taken comes back */
    OK(hf_queue_reap(f.queue, NULL));
  }
  cr_assert_eq((int)fleet_record(&f, "7/1").state, HF_JOB_DEAD);
  for (uint64_t n = 3; n <= 4; n++) fleet_prove(&f, 8, n, FLEET_GOOD);
  uint64_t told = f.events[HF_AGGREGATOR_WAITING];
  fleet_run(&f);
  fleet_run(&f);
  SEAL(2, "8/3 8/4 ");
  cr_assert(f.state.blocked == 1 && f.state.waiting == 0);
  cr_assert_eq(f.events[HF_AGGREGATOR_WAITING], told + 1);
  cr_assert_not_null(strstr(f.last_text, "row 12"));
  /* draining does not wait for it */
  hf_aggregator_drain(f.aggregator);
  cr_assert(fleet_step(&f));
  cr_assert(hf_aggregator_idle(&f.state));
  fleet_start(&f, 0, false);
  hf_job_key key = fleet_record(&f, "7/1").header.key;
  OK(hf_queue_requeue(f.queue, &key, 0));
  fleet_prove(&f, 7, 1, FLEET_GOOD);
  drain();
  SEAL(3, "7/1 7/2 ");
  SEAL(4, "7/3 ");
  fleet_close(&f);
}

/* What a node could not prove never gets into a fold; it is refused, and the queue has it proven again. */
Test(aggregator, refused_results) {
  fleet_open(&f);
  fleet_start(&f, 0, false);
  for (uint64_t n = 1; n <= 5; n++) submit(7, n);
  fleet_prove(&f, 7, 1, FLEET_UNFOLDABLE);
  fleet_prove(&f, 7, 2, FLEET_LIE);
  fleet_prove(&f, 7, 3, FLEET_RUBBISH);
  fleet_prove(&f, 7, 4, FLEET_OTHER_KEY);
  fleet_run(&f);
  cr_assert_eq(f.events[HF_AGGREGATOR_AGAIN], 4);
  fleet_prove_with(&f, 7, 5, 4); /* the valid proof of another batch of the same chain and key */
  fleet_run(&f);
  cr_assert_eq(f.events[HF_AGGREGATOR_AGAIN], 5);
  cr_assert_eq(f.state.leaves, 5);
  static const char *const why[] = {"exceptional", "another statement", "proof", "key that the job pins",
                                    "another statement"};
  for (unsigned n = 1; n <= 5; n++) {
    char id[8];
    hf_attempt attempts[2];
    size_t count;
    snprintf(id, sizeof id, "7/%u", n);
    hf_job_record job = fleet_record(&f, id);
    OK(hf_queue_attempts(f.queue, &job.header.key, attempts, 2, &count));
    cr_assert_eq(count, 1);
    cr_assert(attempts[0].code == HF_E_VERIFY && strstr(attempts[0].cause, why[n - 1]), "%s: %s", id,
              attempts[0].cause);
  }
  f.lie_statement = 1;
  f.lie_foldable = 2; /* of the same fold */
  drain();
  cr_assert_eq(f.events[HF_AGGREGATOR_AGAIN], 7);
  SEAL(1, "7/1 7/2 7/3 7/4 7/5 ");
  /* a fold that always lies is given up by the queue, and told; another seal goes on being folded */
  for (uint64_t n = 6; n <= 7; n++) fleet_batch_done(&f, 7, n);
  fleet_start(&f, 0, false);
  f.lie_statement = 100;
  hf_aggregator_drain(f.aggregator);
  uint64_t told = f.events[HF_AGGREGATOR_WAITING];
  fleet_run(&f);
  cr_assert_eq(f.lie_statement, 97, "three results are refused, %u are left", f.lie_statement);
  cr_assert_eq(f.events[HF_AGGREGATOR_WAITING], told + 1);
  cr_assert(strstr(f.last_text, "dead") && strstr(f.last_text, "another statement"), "%s", f.last_text);
  cr_assert_eq(f.published[2].times, 0);
  /* what comes after it is folded, and waits with its seal: seals are submitted in order */
  f.lie_statement = 0;
  uint64_t folds = f.folds;
  for (uint64_t n = 8; n <= 9; n++) fleet_batch_done(&f, 7, n);
  fleet_run(&f);
  fleet_run(&f);
  cr_assert_eq(f.folds, folds + 1);
  cr_assert_eq(fleet_jobs(&f, HF_JOB_SEAL), 1);
  cr_assert_eq(f.state.seals, 2);
  /* the operator has it tried again */
  hf_job_record page[8];
  hf_job_filter dead = {.state_mask = 1u << HF_JOB_DEAD};
  size_t count;
  OK(hf_queue_list(f.queue, &dead, page, 8, &count));
  cr_assert_eq(count, 1);
  OK(hf_queue_requeue(f.queue, &page[0].header.key, 0));
  fleet_run(&f);
  SEAL(2, "7/6 7/7 ");
  SEAL(3, "7/8 7/9 ");
  fleet_close(&f);
}

/* The job of this kind that is done and in no published seal: the last. */
static hf_job_record last_of(hf_job_kind kind) {
  hf_job_record record;
  hf_job_filter filter = {.kind_mask = 1u << kind, .newest_first = true};
  size_t count;
  OK(hf_queue_list(f.queue, &filter, &record, 1, &count));
  cr_assert(count == 1 && record.state == HF_JOB_DONE);
  return record;
}

/* A result that cannot be had is not judged; one that the store has lost is made again, and nobody's lie. */
static void away_then_lost(hf_job_kind kind) {
  hf_job_record job = last_of(kind);
  hf_attempt attempts[4];
  hf_worker_record workers[64];
  size_t count;
  f.gate.away = job.result;
  (void)hf_aggregator_step(f.aggregator, &f.state); /* may say that it could not look */
  OK(hf_queue_get(f.queue, &job.header.key, &job));
  cr_assert_eq(job.state, HF_JOB_DONE, "a result was refused because the server refused us");
  cr_assert(hf_digest_is_zero(&f.gate.away), "nobody looked at it");
  fleet_lose(&f, &job.result);
  f.now += 6000; /* it looks again now and then */
  cr_assert(fleet_step(&f));
  OK(hf_queue_get(f.queue, &job.header.key, &job));
  cr_assert_eq(job.state, HF_JOB_QUEUED, "a lost result is waited for");
  OK(hf_queue_attempts(f.queue, &job.header.key, attempts, 4, &count));
  cr_assert(count == 1 && attempts[0].code == HF_E_CHECKSUM, "%zu attempts", count);
  OK(hf_queue_workers(f.queue, 0, NULL, workers, 64, &count));
  for (size_t i = 0; i < count; i++) cr_assert_eq(workers[i].strikes, 0);
}

Test(aggregator, results_that_the_store_has_not) {
  fleet_open(&f);
  fleet_start(&f, 0, false);
  submit(7, 1);
  fleet_prove(&f, 7, 1, FLEET_GOOD);
  away_then_lost(HF_JOB_PROVE_BATCH);
  cr_assert(fleet_work(&f) && fleet_step(&f)); /* its proof, again */
  fleet_batch_done(&f, 7, 2);
  cr_assert(fleet_step(&f) && fleet_work(&f)); /* the fold */
  away_then_lost(HF_JOB_FOLD);
  hf_aggregator_drain(f.aggregator);
  cr_assert(fleet_work(&f) && fleet_step(&f) && fleet_work(&f)); /* the fold again, the seal */
  away_then_lost(HF_JOB_SEAL);
  f.unmounted = true;
  cr_assert(fleet_work(&f));
  GIVES(HF_E_IO, hf_aggregator_step(f.aggregator, &f.state)); /* not taken for a seal that was cleared */
  f.unmounted = false;
  fleet_run(&f);
  SEAL(1, "7/1 7/2 ");
  fleet_close(&f);
}

Test(aggregator, closes_by_age_and_deadline_whenever_it_looks) {
  for (int late = 0; late < 2; late++) { /* the same seals if it looks at the end only */
    fleet_open(&f);
    f.options.seal_age_ms = 1000;
    f.options.margin_ms = 300;
    fleet_start(&f, 0, false);
    for (uint64_t n = 1; n <= 7; n++) {
      fleet_submit(&f, &(fleet_batch){.chain = 7, .number = n, .deadline_ms = n == 4 ? FLEET_T0 + 3900 : 0});
    }
    uint64_t at[] = {0, 500, 1000, 3500, 3700, 9000, 20000};
    for (uint64_t n = 1; n <= 7; n++) {
      if (!late && n == 4) { /* nobody came, and the seal closes by itself */
        f.now = FLEET_T0 + 1001;
        fleet_run(&f);
        SEAL(1, "7/1 7/2 7/3 ");
      }
      f.now = FLEET_T0 + at[n - 1];
      fleet_prove(&f, 7, n, FLEET_GOOD);
      if (!late) fleet_run(&f);
    }
    fleet_run(&f);
    SEAL(1, "7/1 7/2 7/3 ");
    SEAL(2, "7/4 "); /* 3600 is 300 before the deadline */
    SEAL(3, "7/5 ");
    SEAL(4, "7/6 ");
    cr_assert(f.state.seals == 1 && f.state.leaves == 1);
    f.now += 1000;
    fleet_run(&f);
    SEAL(5, "7/7 ");
    fleet_close(&f);
  }
}

Test(aggregator, only_what_belongs_there) {
  fleet_open(&f);
  fleet_start(&f, 0, false);
  /* another key, which nobody brought yet */
  fleet_submit(&f, &(fleet_batch){.chain = 1, .number = 1, .vk = &f.other});
  fleet_submit(&f, &(fleet_batch){.chain = 2, .number = 1, .says_chain = 3});
  fleet_submit(&f, &(fleet_batch){.chain = 4, .number = 1, .says_number = 2});
  fleet_submit(&f, &(fleet_batch){.chain = 5, .number = 1});
  fleet_submit(&f, &(fleet_batch){.chain = 5, .number = 2, .says_old_root = 7});
  fleet_submit(&f, &(fleet_batch){.chain = 6, .number = 31, .validium = true}); /* the first that is there */
  for (uint64_t chain = 1; chain <= 5; chain++)
    if (chain != 3) fleet_prove(&f, chain, 1, FLEET_GOOD);
  fleet_prove(&f, 5, 2, FLEET_GOOD);
  fleet_prove(&f, 6, 31, FLEET_GOOD);
  fleet_run(&f);
  fleet_run(&f);
  cr_assert(f.state.leaves == 2 && f.state.blocked == 4, "%u leaves, %u blocked", f.state.leaves,
            f.state.blocked);
  cr_assert_eq(f.events[HF_AGGREGATOR_WAITING], 4, "each is told once");
  cr_assert_eq(f.events[HF_AGGREGATOR_AGAIN], 0);
  f.other_known = true;
  f.now += 10000;
  cr_assert(fleet_step(&f));
  cr_assert_eq(f.state.leaves, 3);
  cr_assert_eq(f.events[HF_AGGREGATOR_WAITING], 4);
  drain();
  SEAL(1, "5/1 6/31 1/1 ");
  fleet_close(&f);

  fleet_open(&f); /* chosen chains alone */
  const char *chains[] = {"8"};
  f.options.chains = chains;
  f.options.chain_count = 1;
  fleet_start(&f, 0, false);
  fleet_batch_done(&f, 7, 1);
  fleet_batch_done(&f, 8, 1);
  drain();
  SEAL(1, "8/1 ");
  fleet_close(&f);
}

Test(aggregator, two_at_once) {
  fleet_open(&f);
  f.options.seal_count = 3;
  fleet_start(&f, 0, false);
  for (uint64_t n = 1; n <= 6; n++) fleet_batch_done(&f, 7, n);
  cr_assert(fleet_step(&f));
  hf_aggregator *first = f.aggregator, *second;
  hf_aggregator_options options = f.options;
  options.seal_count = 2;
  OK(hf_aggregator_create(&options, &second));
  /* the second is quicker, and pins seals 1 to 3 with two records each */
  hf_aggregator_state state;
  do {
    OK(hf_aggregator_step(second, &state));
  } while (fleet_work(&f));
  SEAL(1, "7/1 7/2 ");
  SEAL(3, "7/5 7/6 ");
  /* the first finds that out when it submits; nothing is sealed twice */
  hf_status status = HF_OK;
  for (int i = 0; i < 20; i++) {
    status = hf_aggregator_step(first, &state);
    if (status != HF_OK) break;
    (void)fleet_work(&f);
  }
  cr_assert_eq((int)status, HF_E_EXISTS);
  do {
    OK(hf_aggregator_step(first, &state));
  } while (fleet_work(&f));
  cr_assert_eq(state.seals, 0);
  cr_assert_eq(f.published[4].times, 0);
  cr_assert_eq(fleet_jobs(&f, HF_JOB_SEAL), 3);
  fleet_batch_done(&f, 7, 7);
  OK(hf_aggregator_step(first, &state));
  cr_assert_eq(state.leaves, 1);
  hf_aggregator_destroy(&second);
  fleet_close(&f);
}

Test(aggregator, a_queue_without_room_and_a_fold_that_died) {
  fleet_open(&f);
  f.options.seal_count = 2;
  fleet_start(&f, 0, false);
  for (uint64_t n = 1; n <= 2; n++) fleet_batch_done(&f, 7, n);
  submit(9, 1);
  OK(hf_queue_set_tenant(f.queue, "hyperfold", 1, 1)); /* one open job, and chain 9 has it */
  cr_assert(fleet_step(&f));
  cr_assert(fleet_step(&f));
  cr_assert_eq(fleet_jobs(&f, HF_JOB_FOLD), 0);
  OK(hf_queue_set_tenant(f.queue, "hyperfold", 1, 0));
  cr_assert(fleet_step(&f));
  cr_assert_eq(fleet_jobs(&f, HF_JOB_FOLD), 1);
  hf_worker worker = {.capability_count = 1};
  strcpy(worker.capabilities[0].circuit, "node");
  hf_lease lease;
  for (int i = 0; i < 3; i++) {
    bool found;
    snprintf(worker.name, sizeof worker.name, "w%d", i);
    OK(hf_queue_lease(f.queue, &worker, &lease, &found));
    cr_assert(found);
    OK(hf_queue_fail(f.queue, &lease.header.key, lease.epoch, HF_E_MEMORY, "too large", NULL));
    f.now += 60000;
  }
  cr_assert(fleet_step(&f));
  cr_assert(fleet_step(&f));
  cr_assert_eq(f.events[HF_AGGREGATOR_WAITING], 1);
  cr_assert_not_null(strstr(f.last_text, "too large"));
  OK(hf_queue_requeue(f.queue, &lease.header.key, 0));
  fleet_run(&f);
  SEAL(1, "7/1 7/2 ");
  fleet_close(&f);
}

/* Jobs that were cleared from the queue: what is sealed is not sealed again, what is not published is said.
 */
Test(aggregator, after_a_clearing) {
  fleet_open(&f);
  f.options.seal_count = 2;
  fleet_start(&f, 0, false);
  for (uint64_t n = 1; n <= 2; n++) fleet_batch_done(&f, 7, n);
  fleet_run(&f);
  SEAL(1, "7/1 7/2 ");
  OK(hf_queue_collect(f.queue, f.now + 1, 0, NULL, NULL, NULL, NULL));
  fleet_batch_done(&f, 7, 3);
  fleet_start(&f, 0, false);
  cr_assert(fleet_step(&f));
  cr_assert_eq(f.state.leaves, 1, "the chain goes on with the first batch that is there");
  fleet_close(&f);
}
