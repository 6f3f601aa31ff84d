/* The aggregator dies at each of its calls on the queue, before or after the call took effect, and comes back
 * without memory. What is published is the same as without a death, once and for all; no fold is proven
 * twice. */
#include "fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two chains, a late batch, a refused proof, three seals. The world moves by steps of its own; the aggregator
 * looks in between and is started again when it died. Returns the calls it made. */
static uint64_t life(fleet *f, uint64_t die_at, bool after) {
  static const struct {
    uint64_t chain, number;
    fleet_result result;
  } script[] = {{7, 1, FLEET_GOOD}, {8, 2, FLEET_GOOD}, {7, 2, FLEET_UNFOLDABLE}, {8, 1, FLEET_GOOD},
                {8, 3, FLEET_GOOD}, {7, 3, FLEET_GOOD}, {8, 4, FLEET_GOOD}};
  uint64_t calls = 0;
  fleet_open(f);
  f->options.seal_count = 3;
  fleet_start(f, die_at, after);
  for (uint64_t chain = 7; chain <= 8; chain++)
    for (uint64_t n = 1; n <= 3 + (chain == 8); n++)
      fleet_submit(f, &(fleet_batch){.chain = chain, .number = n});
  for (size_t i = 0; i < sizeof script / sizeof script[0]; i++) {
    f->now += 10;
    fleet_prove(f, script[i].chain, script[i].number, script[i].result);
    /* until nothing moves: the same world at every step, however often the aggregator died on the way */
    if (i == 6) hf_aggregator_drain(f->aggregator);
    for (bool moved = true; moved;) {
      if (!fleet_step(f)) {
        calls += f->gate.calls;
        fleet_start(f, 0, false);
        if (i == 6) hf_aggregator_drain(f->aggregator);
        continue;
      }
      moved = fleet_work(f);
    }
  }
  cr_assert_eq(f->state.seals, 0, "killed at %llu: %u seals are left", (unsigned long long)die_at,
               f->state.seals);
  return calls + f->gate.calls;
}

Test(aggregator_kill, at_every_call) {
  static fleet whole, f;
  uint64_t calls = life(&whole, 0, false), folds = whole.folds, lives = 0;
  const char *soak = getenv("HF_SOAK");
  uint64_t stride = soak != NULL && *soak != 0 && *soak != '0' ? 1 : 4;
  cr_assert_gt(whole.published[3].times, 0);
  cr_assert_eq(folds, 7 - 3);
  for (uint64_t at = 1; at <= calls; at += stride)
    for (int after = 0; after < 2; after++, lives++) {
      life(&f, at + (uint64_t)after * (stride / 2), after);
      for (int s = 1; s < FLEET_SEALS; s++)
        cr_assert_str_eq(f.published[s].records, whole.published[s].records, "killed %s call %llu: seal %d",
                         after ? "after" : "before", (unsigned long long)at, s);
      cr_assert_eq(f.folds, folds, "killed %s call %llu: %llu folds were proven", after ? "after" : "before",
                   (unsigned long long)at, (unsigned long long)f.folds);
      cr_assert_eq(f.seals, whole.seals);
      fleet_close(&f);
    }
  fprintf(stderr, "%llu calls, %llu lives\n", (unsigned long long)calls, (unsigned long long)lives);
  fleet_close(&whole);
}
