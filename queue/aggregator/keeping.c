/* Which ended jobs the aggregator still needs. */
#include <stdlib.h>
#include <string.h>
#include "aggregator_internal.h"

#define PAGE 64

typedef struct kept_chain {
  char name[AGG_CHAIN_NAME];
  uint64_t published; /* last batch in a published seal that stands */
  uint64_t pinned;    /* first batch in a seal that is not published; UINT64_MAX: none */
  uint64_t last_seal; /* that has a batch of it and stands */
} kept_chain;

typedef struct keeper {
  const char *tenant;
  kept_chain *chain;
  size_t chains;
  uint64_t *seal; /* numbers of those that are not published, or given up */
  size_t seals;
  uint64_t highest; /* number of all seals: the next one's follows from it */
  uint64_t since;   /* sequence of the earliest batch that is proven and not published; UINT64_MAX: none */
} keeper;

static kept_chain *find_chain(const keeper *k, const char *name) {
  for (size_t i = 0; i < k->chains; i++)
    if (strcmp(k->chain[i].name, name) == 0) return &k->chain[i];
  return NULL;
}

static hf_status add_chain(keeper *k, const char *name, kept_chain **out) {
  *out = find_chain(k, name);
  if (*out != NULL) return HF_OK;
  kept_chain *more = realloc(k->chain, (k->chains + 1) * sizeof *more);
  if (more == NULL) return hf_fail(HF_E_MEMORY, "no memory for a chain");
  k->chain = more;
  *out = &more[k->chains++];
  **out = (kept_chain){.pinned = UINT64_MAX};
  strcpy((*out)->name, name);
  return HF_OK;
}

static hf_status take_seal(hf_aggregator *a, void *context, const agg_pinned *p) {
  keeper *k = context;
  hf_status status = HF_OK;
  (void)a;
  if (p->number > k->highest) k->highest = p->number;
  if (!p->published || p->abandoned) {
    uint64_t *more = realloc(k->seal, (k->seals + 1) * sizeof *more);
    if (more == NULL) return hf_fail(HF_E_MEMORY, "no memory for a seal");
    k->seal = more;
    more[k->seals++] = p->number;
  }
  if (p->abandoned) return HF_OK; /* its batches are free */
  for (uint32_t i = 0; i < p->records; i++) {
    char name[AGG_CHAIN_NAME];
    uint64_t number;
    kept_chain *c;
    agg_record_name(&p->record[i], name, &number);
    HF_TRY(add_chain(k, name, &c));
    if (p->number > c->last_seal) c->last_seal = p->number;
    if (p->published && number > c->published) c->published = number;
    if (!p->published && number < c->pinned) c->pinned = number;
  }
out:
  return status;
}

static bool needs_batch(const keeper *k, const char *name, uint64_t number) {
  const kept_chain *c = find_chain(k, name);
  return c == NULL || number > c->published || number >= c->pinned;
}

static hf_status find_since(hf_aggregator *a, keeper *k) {
  hf_status status = HF_OK;
  char name[AGG_CHAIN_NAME];
  uint64_t number;
  hf_job_record *page = calloc(PAGE, sizeof *page);
  hf_job_filter filter = {
      .tenant = k->tenant, .kind_mask = 1u << HF_JOB_PROVE_BATCH, .state_mask = 1u << HF_JOB_DONE};
  if (page == NULL) return hf_fail(HF_E_MEMORY, "no memory for a page of jobs");
  k->since = UINT64_MAX;
  for (size_t count = PAGE; count == PAGE && k->since == UINT64_MAX;) {
    HF_TRY(hf_queue_list(a->options.queue, &filter, page, PAGE, &count));
    for (size_t i = 0; i < count && k->since == UINT64_MAX; i++) {
      if (agg_parse_id(&page[i].header.key.id, name, &number) && needs_batch(k, name, number))
        k->since = page[i].sequence;
      filter.after = page[i].sequence;
    }
  }
out:
  free(page);
  return status;
}

static bool needs_seal(const keeper *k, uint64_t number) {
  bool needed = number == k->highest;
  for (size_t i = 0; i < k->seals; i++) needed = needed || k->seal[i] == number;
  for (size_t i = 0; i < k->chains; i++) needed = needed || k->chain[i].last_seal == number;
  return needed;
}

/* A fold is made after the batches below it: so nothing that an open seal needs is older than `since`. */
static bool needs(void *context, const hf_job_record *job) {
  const keeper *k = context;
  const hf_job_id *id = &job->header.key.id;
  const hf_job_kind kind = job->header.kind;
  char name[AGG_CHAIN_NAME];
  uint64_t number;
  if (strcmp(job->header.key.tenant, k->tenant) != 0 || kind == HF_JOB_PROVE_CIRCUIT) return false;
  if (kind == HF_JOB_PROVE_BATCH && agg_parse_id(id, name, &number)) return needs_batch(k, name, number);
  if (kind == HF_JOB_SEAL && agg_seal_number(id, &number)) return needs_seal(k, number);
  return job->sequence > k->since;
}

hf_status hf_aggregator_collect(const hf_aggregator_options *options, uint64_t ended_before_ms,
                                uint64_t put_before_ms, uint64_t *jobs, uint64_t *artifacts) {
  hf_status status;
  hf_aggregator *a = NULL;
  keeper k = {0};
  HF_TRY(hf_aggregator_create(options, &a));
  k.tenant = a->options.tenant;
  /* What ends from here on was not looked at. */
  const uint64_t now = agg_now(a);
  if (ended_before_ms > now) ended_before_ms = now;
  HF_TRY(agg_each_seal(a, take_seal, &k));
  HF_TRY(find_since(a, &k));
  HF_TRY(hf_queue_collect(a->options.queue, ended_before_ms, put_before_ms, needs, &k, jobs, artifacts));
out:
  hf_aggregator_destroy(&a);
  free(k.chain);
  free(k.seal);
  return status;
}
