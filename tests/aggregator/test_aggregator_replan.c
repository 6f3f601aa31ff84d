/* Seals that are given up: their batches come out again, in other seals, each once and in order, whatever
 * dies on the way. */
#include "fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static fleet f;
static const char *const seven[] = {"7"};

#define STANDS(text)                                                                                         \
  do {                                                                                                       \
    char stands_is[FLEET_NAMES];                                                                             \
    fleet_standing(&f, stands_is);                                                                           \
    cr_assert_str_eq(stands_is, text, "\"%s\" stands", stands_is);                                           \
  } while (0)

static void done(uint64_t chain, uint64_t number) {
  f.now += 10;
  fleet_batch_done(&f, chain, number);
}

/* Seals 1 to 3 published, 7/3 in the open one. */
static void three_seals(void) {
  static const uint64_t order[][2] = {{7, 1}, {8, 1}, {7, 2}, {8, 2}, {9, 1},
                                      {8, 3}, {5, 1}, {5, 2}, {5, 3}, {7, 3}};
  fleet_open(&f);
  f.options.seal_count = 3;
  fleet_start(&f, 0, false);
  for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
    done(order[i][0], order[i][1]);
    if (i % 3 == 2) fleet_run(&f);
  }
  fleet_run(&f);
  STANDS("7/1 8/1 7/2 | 8/2 9/1 8/3 | 5/1 5/2 5/3 | ");
}

static void without_seven(void) {
  f.options.without = seven;
  f.options.without_count = 1;
}
static void seven_alone(void) {
  f.options.without_count = 0;
  f.options.chains = seven;
  f.options.chain_count = 1;
}

static void drain(void) {
  hf_aggregator_drain(f.aggregator);
  fleet_run(&f);
  cr_assert_eq(f.state.seals, 0);
}

Test(aggregator_replan, one_chain_apart) {
  uint32_t count;
  three_seals();
  without_seven();
  fleet_start(&f, 0, false);
  cr_assert(fleet_step(&f));
  GIVES(HF_E_NOT_FOUND, hf_aggregator_replan(f.aggregator, 4, &count)); /* open: nothing is pinned */
  cr_assert_eq(f.events[HF_AGGREGATOR_ABANDONED], 0);
  /* with seal 1 goes seal 2, which has later batches of chain 8; seal 3 has nothing to do with them */
  OK(hf_aggregator_replan(f.aggregator, 1, &count));
  cr_assert(count == 2 && f.events[HF_AGGREGATOR_ABANDONED] == 2);
  cr_assert(f.published[1].abandoned && f.published[2].abandoned && !f.published[3].abandoned);
  STANDS("5/1 5/2 5/3 | ");
  drain();
  STANDS("5/1 5/2 5/3 | 8/1 8/2 9/1 | 8/3 | ");
  OK(hf_aggregator_replan(f.aggregator, 1, &count)); /* said again: it is so already */
  cr_assert_eq(count, 0);
  drain();
  done(8, 4); /* the others go on */
  done(7, 4);
  fleet_start(&f, 0, false);
  drain();
  STANDS("5/1 5/2 5/3 | 8/1 8/2 9/1 | 8/3 | 8/4 | ");
  seven_alone();
  fleet_start(&f, 0, false);
  drain();
  STANDS("5/1 5/2 5/3 | 8/1 8/2 9/1 | 8/3 | 8/4 | 7/1 7/2 7/3 | 7/4 | ");
  cr_assert_eq(f.events[HF_AGGREGATOR_AGAIN], 0, "no batch was proven again");
  fleet_close(&f);
}

/* Some way of a seal: its job waits, is being proven, or was done without being published. */
Test(aggregator_replan, pinned_seals) {
  for (int how = 0; how < 3; how++) {
    uint32_t count;
    hf_lease lease;
    bool found;
    hf_worker worker = {.name = "w", .capability_count = 1};
    strcpy(worker.capabilities[0].circuit, "seal");
    fleet_open(&f);
    f.options.seal_count = 2;
    fleet_start(&f, 0, false);
    done(7, 1);
    done(8, 1);
    cr_assert(fleet_step(&f) && fleet_work(&f) && fleet_step(&f)); /* folded; seal/1 is submitted */
    if (how == 1) {
      OK(hf_queue_lease(f.queue, &worker, &lease, &found));
      cr_assert(found);
    }
    if (how == 2) cr_assert(fleet_work(&f));
    without_seven();
    fleet_start(&f, 0, false);
    OK(hf_aggregator_replan(f.aggregator, 1, &count));
    cr_assert_eq(count, 1);
    hf_aggregator_drain(f.aggregator);
    cr_assert(fleet_step(&f));
    hf_job_record job = fleet_record(&f, "seal/1");
    cr_assert(how == 0   ? job.state == HF_JOB_CANCELLED
              : how == 1 ? job.state == HF_JOB_LEASED && job.cancel_requested
                         : job.state == HF_JOB_DONE);
    drain();
    STANDS("8/1 | ");
    cr_assert_eq(f.published[1].times, 0);
    seven_alone();
    fleet_start(&f, 0, false);
    drain();
    STANDS("8/1 | 7/1 | ");
    fleet_close(&f);
  }
}

/* A chain goes on where it stood before the seal, not at an older batch that came later; also when the queue was
 * collected while it was left out. */
Test(aggregator_replan, a_chain_goes_on_where_it_was) {
  static const char *const six[] = {"6"};
  for (int collecting = 0; collecting < 2; collecting++) {
    uint32_t count;
    fleet_open(&f);
    fleet_start(&f, 0, false);
    done(6, 31);
    done(8, 1);
    drain();
    STANDS("6/31 8/1 | ");
    done(6, 30);
    f.options.without = six;
    f.options.without_count = 1;
    fleet_start(&f, 0, false);
    OK(hf_aggregator_replan(f.aggregator, 1, &count));
    drain();
    STANDS("8/1 | ");
    if (collecting) {
      hf_aggregator_options options = f.options;
      options.queue = f.queue;
      f.now += 10;
      OK(hf_aggregator_collect(&options, f.now, f.now, NULL, NULL));
    }
    done(6, 32);
    f.options.without_count = 0;
    fleet_start(&f, 0, false);
    drain();
    STANDS("8/1 | 6/31 6/32 | ");
    fleet_close(&f);
  }
}

/* Nothing changes when one of the seals must stay, or when a batch is gone. */
Test(aggregator_replan, refusals) {
  uint32_t count;
  uint64_t jobs;
  three_seals();
  f.stays = 2;
  GIVES(HF_E_STATE, hf_aggregator_replan(f.aggregator, 1, &count));
  cr_assert_not_null(strstr(hf_error_message(), "seal 2 stays: it is sent"), "%s", hf_error_message());
  cr_assert(count == 0 && !f.published[1].abandoned);
  f.stays = 1; /* a later one may go alone */
  OK(hf_aggregator_replan(f.aggregator, 2, &count));
  cr_assert_eq(count, 1);
  f.stays = 0;
  hf_aggregator_options options = f.options;
  options.queue = f.queue;
  f.now += 10;
  OK(hf_aggregator_collect(&options, f.now, f.now, &jobs, NULL));
  GIVES(HF_E_NOT_FOUND, hf_aggregator_replan(f.aggregator, 1, &count));
  cr_assert_not_null(strstr(hf_error_message(), "batch 7/1"), "%s", hf_error_message());
  fleet_start(&f, 0, false);
  drain(); /* what was collected was not needed for this */
  STANDS("7/1 8/1 7/2 | 5/1 5/2 5/3 | 8/2 9/1 8/3 | 7/3 | ");
  /* what was planned again may be given up again, also when the queue was collected meanwhile */
  OK(hf_aggregator_replan(f.aggregator, 4, &count));
  cr_assert_eq(count, 1);
  f.now += 10;
  OK(hf_aggregator_collect(&options, f.now, f.now, NULL, NULL));
  f.options.seal_count = 1;
  fleet_start(&f, 0, false);
  drain();
  STANDS("7/1 8/1 7/2 | 5/1 5/2 5/3 | 7/3 | 8/2 | 9/1 | 8/3 | ");
  fleet_close(&f);
}

/* The command dies at each of its calls, before or after it took effect, comes back and says the same again;
 * or somebody starts a plain aggregator in between. */
static uint64_t life(uint64_t die_at, bool after, bool stranger) {
  uint32_t count;
  uint64_t calls = 0;
  three_seals();
  without_seven();
  fleet_start(&f, die_at, after);
  for (;;) {
    hf_status status = hf_aggregator_replan(f.aggregator, 1, &count);
    calls += f.gate.calls;
    if (!f.gate.dead) {
      OK(status);
      break;
    }
    fleet_start(&f, 0, false);
    if (stranger) fleet_run(&f);
  }
  hf_aggregator_drain(f.aggregator);
  f.gate.calls = 0;
  f.gate.die_at = die_at > calls ? die_at - calls : 0;
  for (bool moved = true; moved;) {
    if (!fleet_step(&f)) {
      fleet_start(&f, 0, false);
      hf_aggregator_drain(f.aggregator);
      continue;
    }
    moved = fleet_work(&f);
  }
  calls += f.gate.calls;
  seven_alone();
  fleet_start(&f, 0, false);
  drain();
  return calls;
}

/* Every batch in one seal that stands, in the order of its chain. */
static void check_all(const char *when, uint64_t at) {
  static const uint64_t last[] = {[5] = 3, [7] = 3, [8] = 3, [9] = 1};
  uint64_t next[10] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  char all[FLEET_NAMES], *rest;
  fleet_standing(&f, all);
  for (char *word = strtok_r(all, " |", &rest); word != NULL; word = strtok_r(NULL, " |", &rest)) {
    unsigned long long chain, number;
    cr_assert_eq(sscanf(word, "%llu/%llu", &chain, &number), 2);
    cr_assert(chain < 10 && number == next[chain]++, "killed %s call %llu: %s", when, (unsigned long long)at,
              word);
  }
  for (size_t chain = 0; chain < sizeof last / sizeof last[0]; chain++)
    cr_assert_eq(next[chain], last[chain] + 1, "killed %s call %llu: chain %zu stops before %llu", when,
                 (unsigned long long)at, chain, (unsigned long long)next[chain]);
  cr_assert_eq(f.events[HF_AGGREGATOR_AGAIN], 0);
}

Test(aggregator_replan, killed_at_every_call) {
  const char *soak = getenv("HF_SOAK");
  const uint64_t stride = soak != NULL && *soak != 0 && *soak != '0' ? 1 : 4;
  uint64_t calls = life(0, false, false), lives = 0;
  STANDS("5/1 5/2 5/3 | 8/1 8/2 9/1 | 8/3 | 7/1 7/2 7/3 | ");
  check_all("at no", 0);
  fleet_close(&f);
  for (uint64_t at = 1; at <= calls; at += at < 40 ? 1 : stride) /* the first 40 give up, the others plan anew */
    for (int how = 0; how < 4; how++, lives++) {
      life(at, how & 1, how & 2);
      check_all(how & 1 ? "after" : "before", at);
      if (!(how & 2)) STANDS("5/1 5/2 5/3 | 8/1 8/2 9/1 | 8/3 | 7/1 7/2 7/3 | ");
      fleet_close(&f);
    }
  fprintf(stderr, "%llu calls, %llu lives\n", (unsigned long long)calls, (unsigned long long)lives);
}
