/* The queue is collected while the aggregator folds: nothing that it needs goes, and what comes out is the
 * same. */
#include "fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static fleet f;

/* Everything that ended or was put up to now is old. */
static uint64_t collect(fleet *g) {
  uint64_t jobs;
  hf_aggregator_options options = g->options;
  options.queue = g->queue;
  g->now++;
  OK(hf_aggregator_collect(&options, g->now, g->now, &jobs, NULL));
  return jobs;
}

static bool is_there(const char *id) {
  hf_job_key key;
  hf_job_record record;
  OK(hf_job_key_make("hyperfold", id, strlen(id), &key));
  hf_status status = hf_queue_get(f.queue, &key, &record);
  cr_assert(status == HF_OK || status == HF_E_NOT_FOUND);
  return status == HF_OK;
}

/* Two chains, a refused proof, a late batch, four seals; collected after every step or never. */
static void life(fleet *g, bool collecting, uint64_t *forgotten) {
  static const struct {
    uint64_t chain, number;
    fleet_result result;
  } script[] = {{7, 1, FLEET_GOOD}, {8, 2, FLEET_GOOD}, {7, 2, FLEET_UNFOLDABLE}, {8, 1, FLEET_GOOD},
                {8, 3, FLEET_GOOD}, {7, 3, FLEET_GOOD}, {8, 4, FLEET_GOOD},       {7, 5, FLEET_GOOD},
                {7, 4, FLEET_GOOD}, {8, 5, FLEET_GOOD}};
  fleet_open(g);
  g->options.seal_count = 3;
  fleet_start(g, 0, false);
  for (uint64_t chain = 7; chain <= 8; chain++)
    for (uint64_t n = 1; n <= 5; n++) fleet_submit(g, &(fleet_batch){.chain = chain, .number = n});
  *forgotten = 0;
  for (size_t i = 0; i < sizeof script / sizeof script[0]; i++) {
    g->now += 10;
    fleet_prove(g, script[i].chain, script[i].number, script[i].result);
    if (i == 9) hf_aggregator_drain(g->aggregator);
    do {
      if (collecting) *forgotten += collect(g);
      cr_assert(fleet_step(g));
      if (collecting) {
        *forgotten += collect(g);
        fleet_start(g, 0, false); /* one that knows what the queue knows */
        if (i == 9) hf_aggregator_drain(g->aggregator);
        cr_assert(fleet_step(g));
      }
    } while (fleet_work(g));
  }
  cr_assert_eq(g->state.seals, 0, "%u seals are left", g->state.seals);
}

Test(aggregator_keep, after_every_step) {
  static fleet whole;
  uint64_t forgotten;
  life(&whole, false, &forgotten);
  life(&f, true, &forgotten);
  for (int s = 1; s < FLEET_SEALS; s++)
    cr_assert_str_eq(f.published[s].records, whole.published[s].records, "seal %d", s);
  cr_assert_gt(whole.published[4].times, 0);
  cr_assert(f.folds == whole.folds && f.seals == whole.seals, "no proof was made twice: %llu folds, not %llu",
            (unsigned long long)f.folds, (unsigned long long)whole.folds);
  cr_assert_gt(forgotten, 10, "what is published goes");
  fleet_close(&f);
  fleet_close(&whole);
}

/* In the middle of folding: a plain collect loses the batches, this one loses nothing that is needed. */
Test(aggregator_keep, in_the_middle_of_folding) {
  uint64_t jobs;
  fleet_open(&f);
  f.options.seal_count = 4;
  fleet_start(&f, 0, false);
  for (uint64_t n = 1; n <= 4; n++) fleet_batch_done(&f, 7, n); /* seal 1, published */
  fleet_run(&f);
  for (uint64_t n = 5; n <= 7; n++) fleet_batch_done(&f, 7, n);
  fleet_batch_done(&f, 9, 1); /* seal 2: a fold of two is there, then one of all */
  cr_assert(fleet_step(&f) && fleet_work(&f) && fleet_step(&f));
  fleet_submit(&f, &(fleet_batch){.chain = 7, .number = 8});
  cr_assert_eq(fleet_jobs(&f, HF_JOB_FOLD), 3 + 2);
  jobs = collect(&f);
  cr_assert_eq(jobs, 4 + 3, "four batches and three folds of the published seal go, %llu did",
               (unsigned long long)jobs);
  cr_assert(!is_there("7/4") && is_there("7/5") && is_there("9/1") && is_there("7/8"));
  cr_assert(is_there("seal/1"), "it says where chain 7 stands");
  fleet_start(&f, 0, false);
  fleet_run(&f);
  cr_assert_str_eq(f.published[2].records, "7/5 7/6 7/7 9/1 ");
  cr_assert_eq(f.folds, 3 + 3);
  /* chain 7 goes on behind its last seal, whatever was forgotten, and seal/1 may go */
  jobs = collect(&f);
  cr_assert_eq(jobs, 4 + 3 + 1);
  cr_assert(!is_there("seal/1") && is_there("seal/2"));
  fleet_prove(&f, 7, 8, FLEET_GOOD);
  fleet_start(&f, 0, false);
  hf_aggregator_drain(f.aggregator);
  fleet_run(&f);
  cr_assert_str_eq(f.published[3].records, "7/8 ");
  /* and without the aggregator's word nothing is left of it */
  fleet_batch_done(&f, 7, 9);
  OK(hf_queue_collect(f.queue, ++f.now, 0, NULL, NULL, &jobs, NULL));
  cr_assert(!is_there("7/9"));
  fleet_close(&f);
}

/* A batch that failed or was cancelled is waited for: the chain must not go on with a later one. Jobs that
 * are not the aggregator's go. */
Test(aggregator_keep, what_is_waited_for) {
  hf_lease lease;
  hf_worker worker = {.name = "w", .capability_count = 1};
  hf_job_key key;
  hf_job_state state;
  fleet_open(&f);
  fleet_start(&f, 0, false);
  fleet_submit(&f, &(fleet_batch){.chain = 7, .number = 1});
  fleet_batch_done(&f, 7, 2);
  OK(hf_job_key_make("hyperfold", "7/1", 3, &key));
  OK(hf_queue_cancel(f.queue, &key, "a mistake", &state));
  hf_job_header own = fleet_record(&f, "7/2").header;
  own.kind = HF_JOB_PROVE_CIRCUIT;
  strcpy(own.circuit, "example");
  strcpy(worker.capabilities[0].circuit, "example");
  const char *names[] = {"mine", "7/3"};
  for (int i = 0; i < 2; i++) { /* of another kind, and of another tenant */
    hf_digest result;
    hf_finish_outcome outcome;
    bool found;
    OK(hf_job_key_make(i == 0 ? "hyperfold" : "else", names[i], strlen(names[i]), &own.key));
    OK(hf_queue_submit_one(f.queue, &own, NULL));
    OK(hf_queue_lease(f.queue, &worker, &lease, &found));
    cr_assert(found);
    OK(hf_artifact_put(f.queue, "result", 6, &result));
    OK(hf_queue_finish(f.queue, &lease.header.key, lease.epoch, "w", &result, &outcome));
  }
  cr_assert_eq(collect(&f), 2);
  cr_assert(is_there("7/1") && is_there("7/2"));
  OK(hf_queue_requeue(f.queue, &key, 0));
  fleet_prove(&f, 7, 1, FLEET_GOOD);
  fleet_start(&f, 0, false);
  hf_aggregator_drain(f.aggregator);
  fleet_run(&f);
  cr_assert_str_eq(f.published[1].records, "7/1 7/2 ");
  fleet_close(&f);
}

/* Each chain's last seal says where the chain stands; and a sealed file that was lost is published again. */
Test(aggregator_keep, where_chains_stand) {
  static const uint64_t order[][2] = {{7, 1}, {7, 2}, {8, 1}, {8, 2}, {7, 3}, {7, 4}, {9, 1}, {9, 2}};
  fleet_open(&f);
  f.options.seal_count = 2;
  fleet_start(&f, 0, false);
  for (int i = 0; i < 8; i++) {
    fleet_batch_done(&f, order[i][0], order[i][1]);
    if (i % 2) fleet_run(&f);
  }
  cr_assert_str_eq(f.published[4].records, "9/1 9/2 ");
  f.published[1].times = 0; /* somebody removed the file */
  cr_assert_eq(collect(&f), 4, "batches of 8 and 9; what is younger than 7/1 may belong to it");
  cr_assert(is_there("7/1") && is_there("7/2") && !is_there("8/1"));
  fleet_start(&f, 0, false);
  fleet_run(&f);
  cr_assert_eq(f.published[1].times, 1);
  cr_assert_eq(collect(&f), 4 + 4 + 1, "batches of 7, all folds, and seal/1, which seal/3 stands for");
  cr_assert(!is_there("seal/1") && is_there("seal/2") && is_there("seal/3") && is_there("seal/4"));
  fleet_submit(&f, &(fleet_batch){.chain = 7, .number = 6});
  fleet_prove(&f, 7, 6, FLEET_GOOD);
  fleet_start(&f, 0, false);
  hf_aggregator_drain(f.aggregator);
  fleet_run(&f);
  cr_assert_eq(f.published[5].times, 0, "batch 5 is not there yet");
  fleet_batch_done(&f, 7, 5);
  fleet_start(&f, 0, false);
  hf_aggregator_drain(f.aggregator);
  fleet_run(&f);
  cr_assert_str_eq(f.published[5].records, "7/5 7/6 ");
  fleet_close(&f);
}
