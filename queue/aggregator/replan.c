/* Seals are given up, and their batches are free to be planned again.
 *
 * What is given up is closed upwards: with a seal, every later one that has a chain of it. So no seal that
 * stays has batches behind one that is gone, also between two of the marks, since the last seal is marked
 * first. */
#include <stdlib.h>
#include <string.h>
#include "aggregator_internal.h"

typedef struct found {
  uint64_t number;
  bool chosen;
  uint32_t records;
  hf_batch_record *record; /* owned */
} found;

typedef struct replan {
  uint64_t from;
  bool there, gone; /* seal `from` has a job; it is given up already */
  found *seal;      /* from that one on, those that are not given up, by number */
  size_t count;
  char (*chain)[AGG_CHAIN_NAME];
  size_t chains;
} replan;

static hf_status remember(hf_aggregator *a, void *context, const agg_pinned *p) {
  replan *r = context;
  (void)a;
  if (p->number == r->from) {
    r->there = true;
    r->gone = p->abandoned;
  }
  if (p->number < r->from || p->abandoned) return HF_OK;
  found *more = realloc(r->seal, (r->count + 1) * sizeof *more);
  if (more == NULL) return hf_fail(HF_E_MEMORY, "no memory for a seal");
  r->seal = more;
  size_t at = r->count;
  for (; at > 0 && more[at - 1].number > p->number; at--) more[at] = more[at - 1];
  more[at] = (found){.number = p->number, .records = p->records};
  r->count++;
  more[at].record = malloc(p->records * sizeof *p->record);
  if (more[at].record == NULL) return hf_fail(HF_E_MEMORY, "no memory for records");
  memcpy(more[at].record, p->record, p->records * sizeof *p->record);
  return HF_OK;
}

static bool has_chain(const replan *r, const char *name) {
  size_t i = 0;
  while (i < r->chains && strcmp(r->chain[i], name) != 0) i++;
  return i < r->chains;
}

/* Takes the seal if it is the first or shares a chain with one that is taken. */
static hf_status choose(replan *r, found *s) {
  char name[AGG_CHAIN_NAME];
  uint64_t number;
  s->chosen = s->number == r->from;
  for (uint32_t i = 0; i < s->records && !s->chosen; i++) {
    agg_record_name(&s->record[i], name, &number);
    s->chosen = has_chain(r, name);
  }
  for (uint32_t i = 0; i < s->records && s->chosen; i++) {
    agg_record_name(&s->record[i], name, &number);
    if (has_chain(r, name)) continue;
    char(*more)[AGG_CHAIN_NAME] = realloc(r->chain, (r->chains + 1) * sizeof *more);
    if (more == NULL) return hf_fail(HF_E_MEMORY, "no memory for a chain");
    r->chain = more;
    strcpy(more[r->chains++], name);
  }
  return HF_OK;
}

/* A batch whose job was forgotten cannot be folded again. */
static hf_status check_batches(hf_aggregator *a, const found *s) {
  hf_status status = HF_OK;
  hf_job_record *job = calloc(1, sizeof *job);
  if (job == NULL) return hf_fail(HF_E_MEMORY, "no memory for a job");
  for (uint32_t i = 0; i < s->records; i++) {
    char name[AGG_CHAIN_NAME];
    uint64_t number;
    hf_job_key key;
    bool has[2] = {false, false};
    agg_record_name(&s->record[i], name, &number);
    HF_TRY(agg_batch_key(a, name, number, &key));
    status = hf_queue_get(a->options.queue, &key, job);
    if (status == HF_OK) HF_TRY(hf_artifact_has(a->options.queue, &job->header.input_digest, &has[0]));
    if (status == HF_OK) HF_TRY(hf_artifact_has(a->options.queue, &job->result, &has[1]));
    if (status == HF_OK && has[0] && has[1] && job->state == HF_JOB_DONE) continue;
    if (status != HF_OK && status != HF_E_NOT_FOUND) goto out;
    HF_TRY(
        hf_fail(HF_E_NOT_FOUND,
                "seal %llu cannot be planned again: the proof of batch %s/%llu is not in the queue any more",
                (unsigned long long)s->number, name, (unsigned long long)number));
  }
out:
  free(job);
  return status;
}

static hf_status check(hf_aggregator *a, const found *s) {
  hf_status status = check_batches(a, s);
  if (status != HF_OK) return status;
  status = a->options.ops->abandonable(a->options.ops_context, s->number, s->record, s->records);
  return status == HF_OK ? status : hf_fail_context(status, "seal %llu stays", (unsigned long long)s->number);
}

hf_status hf_aggregator_replan(hf_aggregator *a, uint64_t seal, uint32_t *count) {
  hf_status status;
  replan r = {.from = seal};
  *count = 0;
  if (a->options.ops->abandon == NULL) return hf_fail(HF_E_UNSUPPORTED, "seals cannot be given up here");
  HF_TRY(agg_each_seal(a, remember, &r));
  if (!r.there)
    HF_TRY(hf_fail(HF_E_NOT_FOUND, "there is no job seal/%llu: nothing of it is pinned",
                   (unsigned long long)seal));
  a->stale = true;
  if (r.gone) goto out;
  for (size_t i = 0; i < r.count; i++) {
    HF_TRY(choose(&r, &r.seal[i]));
    if (r.seal[i].chosen) HF_TRY(check(a, &r.seal[i]));
  }
  for (size_t i = r.count; i-- > 0;) {
    const found *s = &r.seal[i];
    if (!s->chosen) continue;
    HF_TRY(a->options.ops->abandon(a->options.ops_context, s->number, s->record, s->records));
    ++*count;
    agg_tell(
        a, &(hf_aggregator_event){.kind = HF_AGGREGATOR_ABANDONED, .seal = s->number, .records = s->records});
  }
out:
  for (size_t i = 0; i < r.count; i++) free(r.seal[i].record);
  free(r.seal);
  free(r.chain);
  return status;
}
