/* Folds, seals, and what is published. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "aggregator_internal.h"
#include "verify.h"

hf_status agg_seal_key(const hf_aggregator *a, uint64_t number, hf_job_key *out) {
  char id[HF_JOB_ID_MAX];
  int length = snprintf(id, sizeof id, HF_AGGREGATOR_SEAL_ID, (unsigned long long)number);
  return hf_job_key_make(a->options.tenant, id, (size_t)length, out);
}

void agg_seal_close(hf_aggregator *a, agg_seal *s, const char *why) {
  hf_plan_close(&s->plan);
  agg_tell(a, &(hf_aggregator_event){
                  .kind = HF_AGGREGATOR_CLOSED, .seal = s->number, .records = s->records, .text = why});
}

/* ---- folds ---- */

/* The id of a fold: derived from the key that proves it, the proofs that it folds and their keys. */
static hf_status fold_key(const hf_aggregator *a, const agg_item *child[2], uint32_t lift, hf_job_key *out) {
  hf_digest_state state;
  hf_digest digest;
  char id[HF_NAME_MAX + 1], hex[HF_DIGEST_HEX];
  uint8_t number = (uint8_t)lift;
  hf_digest_init(&state);
  hf_digest_update(&state, "hyperfold.fold.v1", 17);
  hf_digest_update(&state, a->options.node_vk.b, sizeof a->options.node_vk.b);
  for (int i = 0; i < 2; i++) {
    hf_digest_update(&state, child[i]->vk.b, sizeof child[i]->vk.b);
    hf_digest_update(&state, child[i]->proof.b, sizeof child[i]->proof.b);
  }
  hf_digest_update(&state, &number, 1);
  hf_digest_final(&state, &digest);
  hf_digest_hex(&digest, hex);
  snprintf(id, sizeof id, "fold/%.48s", hex);
  return hf_job_key_make(a->options.tenant, id, strlen(id), out);
}

static hf_status half(hf_aggregator *a, const agg_item *item, hf_proof *proof, hf_fold_half *out) {
  hf_status status;
  bool ok;
  HF_TRY(agg_key(a, &item->vk, &out->vk));
  HF_TRY(agg_proof(a, &item->proof, proof, &ok));
  if (!ok) HF_TRY(hf_fail_context(HF_E_CHECKSUM, "a proof that was good before"));
  out->proof = proof;
out:
  return status;
}

static hf_status hand_in(hf_aggregator *a, hf_job_header *job, const hf_writer *input, bool *accepted) {
  hf_status status = hf_writer_status(input);
  *accepted = false;
  if (status == HF_OK)
    status = hf_artifact_put(a->options.queue, input->data, input->length, &job->input_digest);
  if (status == HF_E_BUSY || status == HF_E_FULL) {
    hf_log(a->options.log, HF_LOG_WARN, "the queue takes no input now", HF_LOG_STATUS(status));
    return HF_OK;
  }
  job->device_memory = a->options.device_memory;
  job->host_memory = a->options.host_memory;
  return status == HF_OK ? agg_submit(a, job, accepted) : status;
}

static hf_status fold_submit(hf_aggregator *a, agg_seal *s, uint32_t i) {
  hf_status status;
  const hf_plan_item *plan = &s->plan.item[i];
  agg_item *item = &s->item[i];
  const agg_item *child[2] = {&s->item[plan->left], &s->item[plan->right]};
  hf_fold_half halves[2];
  hf_writer input = {0};
  hf_job_record *found = calloc(1, sizeof *found);
  hf_job_header job = {.kind = HF_JOB_FOLD, .circuit = AGG_NODE, .priority = a->options.priority};
  if (found == NULL) return hf_fail(HF_E_MEMORY, "no memory for a job");
  item->vk = job.vk_digest = a->options.node_vk;
  item->entry = hf_statement_parent(child[0]->entry, hf_statement_lift(child[1]->entry, plan->lift));
  HF_TRY(fold_key(a, child, plan->lift, &job.key));
  item->watch.submitted = true;
  status = hf_queue_get(a->options.queue, &job.key, found); /* of a life before this one */
  if (status == HF_E_NOT_FOUND) {
    for (int k = 0; k < 2; k++) HF_TRY(half(a, child[k], a->proof[k], &halves[k]));
    HF_TRY(a->options.ops->node_input(a->options.ops_context, halves, plan->lift, &input));
    HF_TRY(hand_in(a, &job, &input, &item->watch.submitted));
    if (item->watch.submitted)
      agg_tell(a, &(hf_aggregator_event){
                      .kind = HF_AGGREGATOR_FOLD, .seal = s->number, .level = plan->level, .job = &job.key});
  }
  item->watch.key = job.key;
out:
  hf_writer_free(&input);
  free(found);
  return status;
}

static hf_status fold_look(hf_aggregator *a, agg_seal *s, uint32_t i) {
  hf_status status;
  bool done, ok;
  agg_item *item = &s->item[i];
  hf_job_record *job = calloc(1, sizeof *job);
  if (job == NULL) return hf_fail(HF_E_MEMORY, "no memory for a job");
  status = agg_look(a, &item->watch, s->number, job, &done);
  if (status == HF_E_NOT_FOUND) { /* somebody cleared the queue: it is planned again */
    item->watch = (agg_watch){0};
    status = HF_OK;
    goto out;
  }
  if (status != HF_OK || !done) goto out;
  HF_TRY(agg_foldable(a, &item->vk, &job->result, item->entry, &ok));
  if (!ok) {
    HF_TRY(agg_refuse(a, &item->watch, s->number, job, hf_error_message()));
    goto out;
  }
  item->proof = job->result;
  item->done = true;
  agg_tell(a, &(hf_aggregator_event){.kind = HF_AGGREGATOR_FOLDED,
                                     .seal = s->number,
                                     .level = s->plan.item[i].level,
                                     .job = &item->watch.key});
out:
  free(job);
  return status;
}

static hf_status advance(hf_aggregator *a, agg_seal *s) {
  hf_status status = HF_OK;
  for (uint32_t i = 0; i < s->plan.count; i++) {
    agg_item *item = &s->item[i];
    const hf_plan_item *plan = &s->plan.item[i];
    if (item->done) continue;
    if (!item->watch.submitted && s->item[plan->left].done && s->item[plan->right].done)
      HF_TRY(fold_submit(a, s, i));
    if (item->watch.submitted) HF_TRY(fold_look(a, s, i));
  }
out:
  return status;
}

/* ---- seals ---- */

static hf_status seal_submit(hf_aggregator *a, agg_seal *s) {
  hf_status status;
  uint8_t root = hf_plan_root(&s->plan);
  hf_fold_half child;
  hf_writer input = {0};
  hf_job_header job = {.kind = HF_JOB_SEAL, .circuit = AGG_SEAL, .vk_digest = a->options.seal_vk};
  job.priority = a->options.priority < HF_PRIORITY_MAX ? a->options.priority + 1 : HF_PRIORITY_MAX;
  HF_TRY(agg_seal_key(a, s->number, &job.key));
  HF_TRY(half(a, &s->item[root], a->proof[0], &child));
  HF_TRY(a->options.ops->seal_input(a->options.ops_context, &child, s->plan.item[root].level, s->record,
                                    s->records, &input));
  HF_TRY(hand_in(a, &job, &input, &s->submitted));
  s->watch.key = job.key;
  if (s->submitted)
    agg_tell(a, &(hf_aggregator_event){
                    .kind = HF_AGGREGATOR_SEAL, .seal = s->number, .records = s->records, .job = &job.key});
out:
  hf_writer_free(&input);
  if (status == HF_E_EXISTS) status = hf_fail_context(status, "another aggregator chose other batches");
  return status;
}

/* The posted words of a record, from the input of its job. */
static hf_status posted_words(hf_aggregator *a, hf_sealed_batch *batch) {
  hf_status status;
  char name[AGG_CHAIN_NAME];
  uint64_t number, mode;
  hf_job_key key;
  hf_batch_input input = {0};
  hf_job_record *job = calloc(1, sizeof *job);
  if (job == NULL) return hf_fail(HF_E_MEMORY, "no memory for a job");
  agg_record_name(&batch->record, name, &number);
  HF_TRY(agg_batch_key(a, name, number, &key));
  HF_TRY(hf_queue_get(a->options.queue, &key, job));
  HF_TRY(agg_batch_input(a, &job->header, &input));
  HF_TRY(hf_word_get_u64(input.record.word[HF_RECORD_MODE], &mode));
  batch->slots = input.params.slots;
  batch->data = calloc((size_t)HF_DATA_WORDS * batch->slots, 32);
  if (batch->data == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for public data"));
  for (uint32_t i = 0; i < batch->slots; i++) {
    const hf_batch_slot *slot = &input.slots[i];
    hf_data_slot words = {slot->type, slot->from.index, slot->to.index, slot->amount, slot->fee, {0}, {0}};
    memcpy(words.to1, slot->to1, 32);
    memcpy(words.to2, slot->to2, 32);
    if (hf_data_is_posted((uint32_t)mode, slot->type))
      hf_data_encode(&words, batch->data + (size_t)HF_DATA_WORDS * i);
  }
out:
  free(job);
  hf_batch_input_free(&input);
  return status;
}

static hf_status verify(void *context, const hf_verifying_key *vk, const hf_proof *proof, bool *ok) {
  (void)context;
  return hf_verify(vk, proof, ok);
}

/* *ok = the proof in `result` is that of this seal. */
static hf_status seal_check(hf_aggregator *a, const agg_seal *s, const hf_digest *result, hf_proof *proof,
                            bool *ok) {
  const hf_verifying_key *vk;
  *ok = false;
  hf_status status = agg_key(a, &a->options.seal_vk, &vk);
  if (status == HF_OK) status = agg_proof(a, result, proof, ok);
  if (status != HF_OK || !*ok) return status;
  HF_TRY((a->options.ops->verify != NULL ? a->options.ops->verify : verify)(a->options.ops_context, vk, proof,
                                                                            ok));
  if (*ok) HF_TRY(hf_seal_states(proof, s->record, s->records, ok));
out:
  if (status != HF_OK) *ok = false;
  return agg_is_verdict(status) ? HF_OK : status;
}

static hf_status publish(hf_aggregator *a, const agg_seal *s, const hf_digest *result, bool *ok) {
  hf_status status;
  hf_sealed *sealed = calloc(1, sizeof *sealed);
  if (sealed == NULL) return hf_fail(HF_E_MEMORY, "no memory for a sealed object");
  HF_TRY(seal_check(a, s, result, &sealed->proof, ok));
  if (!*ok) goto out;
  sealed->records = s->records;
  for (uint32_t i = 0; i < s->records; i++) {
    sealed->batch[i].record = s->record[i];
    HF_TRY(posted_words(a, &sealed->batch[i]));
  }
  status = a->options.ops->publish(a->options.ops_context, s->number, sealed);
  if (status == HF_E_NOT_FOUND) /* a folder that is away, which is not a job that was cleared */
    status = hf_fail_context(HF_E_IO, "seal %llu is not published", (unsigned long long)s->number);
out:
  hf_sealed_free(sealed);
  free(sealed);
  return status;
}

static hf_status seal_look(hf_aggregator *a, agg_seal *s, bool *over) {
  hf_status status;
  bool done, ok;
  hf_job_record *job = calloc(1, sizeof *job);
  *over = false;
  if (job == NULL) return hf_fail(HF_E_MEMORY, "no memory for a job");
  HF_TRY(agg_look(a, &s->watch, s->number, job, &done));
  if (!done) goto out;
  HF_TRY(publish(a, s, &job->result, &ok));
  if (!ok) {
    HF_TRY(agg_refuse(a, &s->watch, s->number, job, hf_error_message()));
    goto out;
  }
  *over = true;
  a->state.last = s->number;
  agg_tell(a, &(hf_aggregator_event){.kind = HF_AGGREGATOR_PUBLISHED,
                                     .seal = s->number,
                                     .records = s->records,
                                     .job = &s->watch.key});
out:
  free(job);
  return status;
}

hf_status agg_fold(hf_aggregator *a) {
  hf_status status = HF_OK;
  bool submitted = true; /* all before this one are */
  for (size_t i = 0; i < a->seal_count; i++) {
    agg_seal *s = a->seals[i];
    if (!s->submitted) HF_TRY(advance(a, s));
    if (!s->submitted && s->plan.closed && submitted && s->item[hf_plan_root(&s->plan)].done)
      HF_TRY(seal_submit(a, s));
    submitted = s->submitted;
  }
  while (a->seal_count > 0 && a->seals[0]->submitted) {
    bool over;
    status = seal_look(a, a->seals[0], &over);
    if (status == HF_E_NOT_FOUND) { /* its job or a batch of it was cleared from the queue */
      agg_tell(a, &(hf_aggregator_event){.kind = HF_AGGREGATOR_WAITING,
                                         .seal = a->seals[0]->number,
                                         .job = &a->seals[0]->watch.key,
                                         .text = hf_error_message()});
      status = HF_OK;
      over = true;
    }
    if (status != HF_OK || !over) break;
    free(a->seals[0]);
    a->seal_count--;
    memmove(a->seals, a->seals + 1, a->seal_count * sizeof *a->seals);
  }
out:
  return status;
}
