#include "aggregator_internal.h"
#include "input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "verify.h"

#define PAGE 64

const char *hf_aggregator_event_text(hf_aggregator_event_kind kind) {
  static const char *const texts[] = {"",     "leaf",      "fold",  "folded",  "closed",
                                      "seal", "published", "again", "waiting", "abandoned"};
  return (size_t)kind < sizeof texts / sizeof texts[0] ? texts[kind] : NULL;
}

void agg_tell(hf_aggregator *a, const hf_aggregator_event *e) {
  char id[HF_JOB_ID_TEXT] = "";
  if (e->job != NULL) hf_job_id_text(&e->job->id, id);
  bool trouble = e->kind == HF_AGGREGATOR_AGAIN || e->kind == HF_AGGREGATOR_WAITING;
  hf_log(a->options.log, trouble ? HF_LOG_WARN : HF_LOG_INFO, hf_aggregator_event_text(e->kind),
         HF_LOG_UINT("seal", e->seal), HF_LOG_UINT("place", e->place), HF_LOG_UINT("level", e->level),
         HF_LOG_UINT("records", e->records), HF_LOG_TEXT("job", id), HF_LOG_TEXT("text", e->text));
  if (a->options.on_event != NULL) a->options.on_event(a->options.context, e);
}

/* ---- jobs ---- */

hf_status agg_submit(hf_aggregator *a, const hf_job_header *job, bool *accepted) {
  hf_submission answer;
  hf_status status = hf_queue_submit_one(a->options.queue, job, &answer);
  *accepted = status == HF_OK;
  if (status != HF_E_BUSY && status != HF_E_FULL) return status;
  hf_log(a->options.log, HF_LOG_WARN, "the queue takes no job now", HF_LOG_STATUS(status));
  return HF_OK;
}

hf_status agg_look(hf_aggregator *a, agg_watch *w, uint64_t seal, hf_job_record *record, bool *done) {
  *done = false;
  hf_status status = hf_queue_get(a->options.queue, &w->key, record);
  if (status != HF_OK) return status;
  *done = record->state == HF_JOB_DONE;
  if (hf_job_state_open(record->state)) w->told = false;
  if (*done || hf_job_state_open(record->state)) return HF_OK;
  if (!w->told) {
    char text[HF_DETAIL_MAX + 64];
    snprintf(text, sizeof text, "%s, requeue it: %s", hf_job_state_text(record->state), record->cause);
    agg_tell(
        a, &(hf_aggregator_event){.kind = HF_AGGREGATOR_WAITING, .seal = seal, .job = &w->key, .text = text});
  }
  w->told = true;
  return HF_OK;
}

hf_status agg_refuse(hf_aggregator *a, agg_watch *w, uint64_t seal, hf_job_record *record, const char *why) {
  hf_queue_refusal refusal;
  char text[HF_DETAIL_MAX + 1];
  bool done;
  hf_detail_copy(why, text);
  hf_status status = hf_queue_refuse(a->options.queue, &w->key, &record->result, text, &refusal);
  if (status != HF_OK && status != HF_E_STATE) return status; /* that: another result is there meanwhile */
  if (status == HF_OK && !refusal.again)
    agg_tell(a,
             &(hf_aggregator_event){.kind = HF_AGGREGATOR_AGAIN, .seal = seal, .job = &w->key, .text = text});
  return agg_look(a, w, seal, record, &done);
}

/* ---- keys and proofs ---- */

hf_status agg_key(hf_aggregator *a, const hf_digest *digest, const hf_verifying_key **out) {
  hf_digest has;
  for (size_t i = 0; i < a->key_count; i++)
    if (hf_digest_eq(&a->key_digest[i], digest)) {
      *out = &a->keys[i];
      return HF_OK;
    }
  hf_verifying_key *place = &a->keys[a->key_next];
  a->key_digest[a->key_next] = (hf_digest){{0}};
  hf_status status = a->options.ops->find_key(a->options.ops_context, digest, place);
  if (status != HF_OK) return status;
  hf_fr_to_bytes(place->digest, has.b);
  if (!hf_digest_eq(&has, digest)) return hf_fail(HF_E_MISMATCH, "the key that was found has another digest");
  a->key_digest[a->key_next] = *digest;
  if (a->key_count < AGG_KEYS) a->key_count++;
  a->key_next = (a->key_next + 1) % AGG_KEYS;
  *out = place;
  return HF_OK;
}

hf_status agg_proof(hf_aggregator *a, const hf_digest *artifact, hf_proof *out, bool *ok) {
  uint8_t *data = NULL;
  size_t length;
  *ok = false;
  hf_status status = hf_artifact_get(a->options.queue, artifact, AGG_PROOF, &data, &length);
  if (status != HF_OK) return hf_artifact_is_bad(status) ? HF_OK : status;
  status = hf_proof_decode("proof", data, length, out);
  free(data);
  *ok = status == HF_OK;
  return agg_is_verdict(status) ? HF_OK : status;
}

hf_status agg_batch_input(hf_aggregator *a, const hf_job_header *job, hf_batch_input *out) {
  hf_status status;
  uint8_t *data = NULL;
  size_t length;
  HF_TRY(hf_job_input_get(a->options.queue, a->options.pool_keys, job, AGG_INPUT, &data, &length));
  HF_TRY(hf_batch_input_decode("batch input", data, length, out));
out:
  if (data != NULL) explicit_bzero(data, length);
  free(data);
  return status;
}

hf_status agg_foldable(hf_aggregator *a, const hf_digest *vk_digest, const hf_digest *artifact,
                       hf_fr statement, bool *ok) {
  const hf_verifying_key *vk;
  hf_proof *proof = a->proof[0];
  bool formed = false;
  *ok = false;
  hf_status status = agg_key(a, vk_digest, &vk);
  if (status == HF_OK) status = agg_proof(a, artifact, proof, &formed);
  if (status != HF_OK || !formed) return status;
  if (proof->public_count != HF_INSTANCE_COUNT || !hf_fr_eq(proof->vk_digest, vk->digest)) {
    hf_fail(HF_E_VERIFY, "the result is no proof under the key that the job pins");
    return HF_OK;
  }
  if (!hf_fr_eq(proof->public_inputs[HF_INSTANCE_STATEMENT], statement)) {
    hf_fail(HF_E_VERIFY, "the proof is of another statement");
    return HF_OK;
  }
  status = a->options.ops->foldable(a->options.ops_context, vk, proof, ok);
  return agg_is_verdict(status) ? HF_OK : status;
}

/* ---- from the queue to memory ---- */

static void forget(hf_aggregator *a) {
  for (size_t i = 0; i < a->seal_count; i++) free(a->seals[i]);
  free(a->seals);
  free(a->chains);
  a->seals = NULL;
  a->chains = NULL;
  a->chain_count = a->seal_count = 0;
  a->cursor = 0;
  a->next_seal = 1;
}

hf_status agg_seal_add(hf_aggregator *a, uint64_t number, agg_seal **out) {
  agg_seal **more = realloc(a->seals, (a->seal_count + 1) * sizeof *more);
  if (more != NULL) a->seals = more;
  *out = more != NULL ? calloc(1, sizeof **out) : NULL;
  if (*out == NULL) return hf_fail(HF_E_MEMORY, "no memory for a seal");
  (*out)->number = number;
  (*out)->closes_ms = UINT64_MAX;
  size_t at = a->seal_count++;
  for (; at > 0 && a->seals[at - 1]->number > number; at--) a->seals[at] = a->seals[at - 1];
  a->seals[at] = *out;
  return HF_OK;
}

bool agg_seal_number(const hf_job_id *id, uint64_t *number) {
  char text[HF_JOB_ID_TEXT], again[HF_JOB_ID_TEXT];
  unsigned long long n;
  hf_job_id_text(id, text);
  if (sscanf(text, HF_AGGREGATOR_SEAL_ID, &n) != 1 || n == 0) return false;
  snprintf(again, sizeof again, HF_AGGREGATOR_SEAL_ID, n);
  *number = n;
  return strcmp(text, again) == 0;
}

static hf_status one_seal(hf_aggregator *a, const hf_job_record *job, uint64_t number, agg_pinned_sink sink,
                          void *context) {
  const hf_aggregator_ops *ops = a->options.ops;
  hf_status status;
  uint8_t *input = NULL;
  size_t length;
  agg_pinned seal = {.number = number, .job = job};
  hf_batch_record *record = calloc(HF_SEAL_RECORDS_MAX, sizeof *record);
  if (record == NULL) return hf_fail(HF_E_MEMORY, "no memory for records");
  HF_TRY(hf_artifact_get(a->options.queue, &job->header.input_digest, AGG_INPUT, &input, &length));
  HF_TRY(ops->seal_records(a->options.ops_context, input, length, record, &seal.records));
  HF_TRY(ops->published(a->options.ops_context, number, &seal.published));
  if (ops->abandoned != NULL) HF_TRY(ops->abandoned(a->options.ops_context, number, &seal.abandoned));
  seal.record = record;
  HF_TRY(sink(a, context, &seal));
out:
  free(input);
  free(record);
  return status == HF_OK ? status : hf_fail_context(status, "seal %llu", (unsigned long long)number);
}

hf_status agg_each_seal(hf_aggregator *a, agg_pinned_sink sink, void *context) {
  hf_status status = HF_OK;
  hf_job_record *page = calloc(PAGE, sizeof *page);
  hf_job_filter filter = {.tenant = a->options.tenant, .kind_mask = 1u << HF_JOB_SEAL};
  if (page == NULL) return hf_fail(HF_E_MEMORY, "no memory for a page of jobs");
  for (size_t count = PAGE; count == PAGE;) {
    HF_TRY(hf_queue_list(a->options.queue, &filter, page, PAGE, &count));
    for (size_t i = 0; i < count; i++) {
      uint64_t number;
      if (agg_seal_number(&page[i].header.key.id, &number))
        HF_TRY(one_seal(a, &page[i], number, sink, context));
      filter.after = page[i].sequence;
    }
  }
out:
  free(page);
  return status;
}

/* A seal that was given up: its chains stand where they stood before it, and nobody needs its proof. */
static hf_status pass_over(hf_aggregator *a, const agg_pinned *p) {
  hf_status status = HF_OK;
  hf_job_state state;
  for (uint32_t i = 0; i < p->records; i++) {
    char name[AGG_CHAIN_NAME];
    uint64_t batch;
    agg_chain *chain;
    agg_record_name(&p->record[i], name, &batch);
    HF_TRY(agg_chain_get(a, name, &chain));
    if (chain->has_root) continue;
    chain->number = batch - 1;
    chain->has_root = true;
    memcpy(chain->root, p->record[i].word[HF_RECORD_OLD_ROOT], 32);
  }
  if (hf_job_state_open(p->job->state) && !p->job->cancel_requested) {
    status = hf_queue_cancel(a->options.queue, &p->job->header.key, "its seal was given up", &state);
    if (status == HF_E_STATE) status = HF_OK; /* done meanwhile */
  }
out:
  return status;
}

/* One seal that has a job: its records say where its chains stand. */
static hf_status adopt(hf_aggregator *a, void *context, const agg_pinned *p) {
  hf_status status = HF_OK;
  agg_seal *s;
  (void)context;
  if (p->number >= a->next_seal) a->next_seal = p->number + 1;
  if (p->abandoned) return pass_over(a, p);
  for (uint32_t i = p->records; i-- > 0;) {
    char name[AGG_CHAIN_NAME];
    uint64_t batch;
    agg_chain *chain;
    agg_record_name(&p->record[i], name, &batch);
    HF_TRY(agg_chain_get(a, name, &chain));
    if (chain->number >= batch) continue;
    chain->number = batch;
    chain->has_root = true;
    memcpy(chain->root, p->record[i].word[HF_RECORD_NEW_ROOT], 32);
  }
  if (p->published) goto out;
  HF_TRY(agg_seal_add(a, p->number, &s));
  memcpy(s->record, p->record, p->records * sizeof *p->record);
  s->records = p->records;
  s->submitted = s->watch.submitted = true;
  s->began_ms = p->job->submitted_ms;
  s->watch.key = p->job->header.key;
out:
  return status;
}

static hf_status rebuild(hf_aggregator *a) {
  forget(a);
  hf_status status = agg_each_seal(a, adopt, NULL);
  if (status == HF_OK) a->stale = false;
  return status;
}

/* ---- the object ---- */

hf_status hf_aggregator_create(const hf_aggregator_options *options, hf_aggregator **out) {
  hf_status status = HF_OK;
  hf_aggregator *a = calloc(1, sizeof *a);
  *out = NULL;
  if (a == NULL) return hf_fail(HF_E_MEMORY, "no memory for an aggregator");
  a->options = *options;
  if (a->options.tenant == NULL) a->options.tenant = "hyperfold";
  if (a->options.seal_count == 0) a->options.seal_count = HF_SEAL_RECORDS_MAX;
  if (a->options.clock.now_ms == NULL) a->options.clock = hf_clock_system();
  if (a->options.seal_count > HF_SEAL_RECORDS_MAX)
    HF_TRY(hf_fail(HF_E_ARGUMENT, "a seal has 1 to %d records, not %u", HF_SEAL_RECORDS_MAX,
                   a->options.seal_count));
  for (int i = 0; i < 2; i++)
    if ((a->proof[i] = malloc(sizeof *a->proof[i])) == NULL)
      HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a proof"));
  a->stale = true;
  *out = a;
  a = NULL;
out:
  hf_aggregator_destroy(&a);
  return status;
}

void hf_aggregator_destroy(hf_aggregator **aggregator) {
  hf_aggregator *a = *aggregator;
  if (a == NULL) return;
  forget(a);
  for (int i = 0; i < 2; i++) free(a->proof[i]);
  free(a);
  *aggregator = NULL;
}

void hf_aggregator_drain(hf_aggregator *aggregator) { aggregator->drain = true; }

static void older(uint64_t *oldest, uint64_t ms) {
  if (*oldest == 0 || ms < *oldest) *oldest = ms;
}

static void count(hf_aggregator *a) {
  hf_aggregator_state *s = &a->state;
  *s = (hf_aggregator_state){.last = s->last, .seals = (uint32_t)a->seal_count, .chains = (uint32_t)a->chain_count};
  const agg_seal *last = a->seal_count > 0 ? a->seals[a->seal_count - 1] : NULL;
  if (last != NULL && !last->submitted && !last->plan.closed) s->leaves = last->plan.leaves;
  for (size_t i = 0; i < a->chain_count; i++) {
    s->waiting += a->chains[i].open;
    s->blocked += a->chains[i].blocked;
    s->ready += a->chains[i].ready;
    if (a->chains[i].ready) older(&s->oldest_ms, a->chains[i].next.arrival_ms);
  }
  for (size_t i = 0; i < a->seal_count; i++) {
    const agg_seal *seal = a->seals[i];
    older(&s->oldest_ms, seal->began_ms);
    for (uint32_t k = 0; k < seal->plan.count; k++) {
      if (seal->plan.item[k].leaf) continue;
      const agg_item *item = &seal->item[k];
      *(item->done ? &s->folds_done : item->watch.submitted ? &s->folds_open : &s->folds_planned) += 1;
    }
  }
}

hf_status hf_aggregator_step(hf_aggregator *a, hf_aggregator_state *state) {
  hf_status status = HF_OK;
  if (a->stale) HF_TRY(rebuild(a));
  HF_TRY(agg_discover(a));
  HF_TRY(agg_take_leaves(a));
  HF_TRY(agg_fold(a));
out:
  /* Whatever failed in the middle is made good by what the queue holds. */
  if (status != HF_OK) a->stale = true;
  count(a);
  if (state != NULL) *state = a->state;
  return status;
}
