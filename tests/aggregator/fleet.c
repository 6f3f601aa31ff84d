#include "fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "host/domains.h"
#include "host/poseidon.h"

/* ---- the gate ---- */

static hf_queue *pass(hf_queue *queue, hf_status *status) {
  fleet_gate *g = (fleet_gate *)queue;
  *status = HF_OK;
  if (g->dead) *status = hf_fail(HF_E_IO, "killed");
  if (!g->dead && ++g->calls == g->die_at) {
    g->dead = true;
    if (!g->after) *status = hf_fail(HF_E_IO, "killed before call %llu", (unsigned long long)g->calls);
  }
  return g->real;
}

static hf_status back(hf_queue *queue, hf_status status) {
  return ((fleet_gate *)queue)->dead ? hf_fail(HF_E_IO, "killed") : status;
}

#define GATE(call)                                                                                           \
  hf_status status;                                                                                          \
  hf_queue *real = pass(queue, &status);                                                                     \
  return status != HF_OK ? status : back(queue, real->backend->call)

static hf_status gate_put(hf_queue *queue, const void *data, size_t length, hf_digest *digest) {
  GATE(artifact_put(real, data, length, digest));
}
static hf_status gate_fetch(hf_queue *queue, const hf_digest *digest, size_t limit, uint8_t **data,
                            size_t *length) {
  hf_status status;
  hf_queue *real = pass(queue, &status);
  if (status != HF_OK) return status;
  hf_digest *away = &((fleet_gate *)queue)->away;
  if (hf_digest_eq(digest, away)) {
    *away = (hf_digest){{0}};
    return hf_fail(HF_E_REFUSED, "no certificate is believed");
  }
  status = back(queue, real->backend->artifact_get(real, digest, limit, data, length));
  if (((fleet_gate *)queue)->dead) {
    free(*data);
    *data = NULL;
  }
  return status;
}
static hf_status gate_submit(hf_queue *queue, const hf_job_header *jobs, size_t count,
                             hf_submission *results) {
  GATE(submit(real, jobs, count, results));
}
static hf_status gate_get(hf_queue *queue, const hf_job_key *key, hf_job_record *out) {
  GATE(get(real, key, out));
}
static hf_status gate_list(hf_queue *queue, const hf_job_filter *filter, hf_job_record *records,
                           size_t capacity, size_t *count) {
  GATE(list(real, filter, records, capacity, count));
}

static hf_status gate_has(hf_queue *queue, const hf_digest *digest, bool *has) {
  GATE(artifact_has(real, digest, has));
}
static hf_status gate_cancel(hf_queue *queue, const hf_job_key *key, const char *cause, hf_job_state *state) {
  GATE(cancel(real, key, cause, state));
}

static hf_status gate_refuse(hf_queue *queue, const hf_job_key *key, const hf_digest *result, bool lost,
                             const char *cause, hf_queue_refusal *out) {
  GATE(refuse(real, key, result, lost, cause, out));
}

static const hf_queue_backend gate_backend = {
    .scheme = "gate",
    .artifact_put = gate_put,
    .artifact_get = gate_fetch,
    .artifact_has = gate_has,
    .cancel = gate_cancel,
    .refuse = gate_refuse,
    .submit = gate_submit,
    .get = gate_get,
    .list = gate_list,
};

/* ---- proofs without proof ---- */

static hf_fr digest_fr(const hf_digest *digest) {
  hf_fr v;
  cr_assert(hf_fr_from_bytes(digest->b, &v));
  return v;
}

static hf_digest fr_digest(hf_fr value) {
  hf_digest digest;
  hf_fr_to_bytes(value, digest.b);
  return digest;
}

/* A proof in form; at_zeta[0] = 1 marks one that no node can verify. Every proof is another: `salt`. */
static hf_digest put_proof(fleet *f, hf_fr vk, const hf_fr *inputs, uint32_t count, bool unfoldable,
                           unsigned kappa) {
  static uint64_t salt;
  hf_digest digest;
  hf_writer w = {0};
  hf_proof *p = calloc(1, sizeof *p);
  p->kappa = kappa;
  p->vk_digest = vk;
  p->public_count = count;
  memcpy(p->public_inputs, inputs, count * sizeof *inputs);
  for (size_t i = 0; i < sizeof p->commitments / sizeof p->commitments[0]; i++)
    p->commitments[i] = hf_g1_generator();
  p->w = p->w_prime = hf_g1_generator();
  p->at_zeta[0] = hf_fr_from_u64(unfoldable);
  p->at_zeta[1] = hf_fr_from_u64(++salt);
  OK(hf_proof_encode(p, &w));
  OK(hf_artifact_put(f->queue, w.data, w.length, &digest));
  hf_writer_free(&w);
  free(p);
  return digest;
}

/* ---- the operations ---- */

static hf_status find_key(void *context, const hf_digest *digest, hf_verifying_key *out) {
  fleet *f = context;
  const hf_verifying_key *keys[] = {&f->leaf, &f->node, &f->seal, &f->other};
  for (int i = 0; i < 3 + f->other_known; i++) {
    hf_digest has = fr_digest(keys[i]->digest);
    if (hf_digest_eq(&has, digest)) {
      *out = *keys[i];
      return HF_OK;
    }
  }
  return hf_fail(HF_E_NOT_FOUND, "no such key");
}

static hf_status foldable(void *context, const hf_verifying_key *vk, const hf_proof *proof, bool *ok) {
  (void)context;
  cr_assert(hf_fr_eq(vk->digest, proof->vk_digest));
  *ok = hf_fr_is_zero(proof->at_zeta[0]);
  if (!*ok) hf_fail(HF_E_VERIFY, "an exceptional case");
  return HF_OK;
}

static hf_status verify(void *context, const hf_verifying_key *vk, const hf_proof *proof, bool *ok) {
  fleet *f = context;
  cr_assert(hf_fr_eq(vk->digest, f->seal.digest));
  *ok = hf_fr_eq(proof->vk_digest, vk->digest) && hf_fr_is_zero(proof->at_zeta[0]);
  if (!*ok) hf_fail(HF_E_VERIFY, "not a proof");
  return HF_OK;
}

static void write_child(const hf_fold_half *child, hf_writer *w) {
  cr_assert(hf_fr_eq(child->vk->digest, child->proof->vk_digest));
  hf_write_fr(w, child->vk->digest);
  hf_write_fr(w, child->proof->public_inputs[HF_INSTANCE_STATEMENT]);
  hf_write_fr(w, child->proof->at_zeta[1]);
}

static hf_status node_input(void *context, const hf_fold_half child[2], uint32_t lift, hf_writer *w) {
  (void)context;
  write_child(&child[0], w);
  write_child(&child[1], w);
  hf_write_u32(w, lift);
  return HF_OK;
}

static hf_status seal_input(void *context, const hf_fold_half *child, uint32_t level,
                            const hf_batch_record *records, uint32_t m, hf_writer *w) {
  (void)context;
  write_child(child, w);
  hf_write_u32(w, level);
  hf_write_u32(w, m);
  hf_write_bytes(w, records, m * sizeof *records);
  return HF_OK;
}

static hf_status seal_records(void *context, const void *input, size_t length, hf_batch_record *records,
                              uint32_t *m) {
  hf_reader r = hf_reader_over(input, length);
  const uint8_t *skip;
  uint32_t level;
  (void)context;
  OK(hf_read_view(&r, "child", 96, &skip));
  OK(hf_read_u32(&r, "level", &level));
  OK(hf_read_u32(&r, "m", m));
  cr_assert(*m >= 1 && *m <= HF_SEAL_RECORDS_MAX);
  OK(hf_read_bytes(&r, "records", records, *m * sizeof *records));
  return hf_read_end(&r, "seal input");
}

static void record_id(const hf_batch_record *record, char out[64]) {
  uint64_t chain, number;
  OK(hf_word_get_u64(record->word[HF_RECORD_CHAIN_ID], &chain));
  OK(hf_word_get_u64(record->word[HF_RECORD_BATCH_NUMBER], &number));
  snprintf(out, 64, "%llu/%llu", (unsigned long long)chain, (unsigned long long)number);
}

static hf_status publish(void *context, uint64_t number, const hf_sealed *sealed) {
  fleet *f = context;
  char all[FLEET_NAMES] = "", one[64];
  bool ok;
  cr_assert_lt(number, FLEET_SEALS);
  if (f->unmounted) return hf_fail(HF_E_NOT_FOUND, "sealed: No such file or directory");
  for (uint32_t i = 0; i < sealed->records; i++) {
    const hf_sealed_batch *b = &sealed->batch[i];
    uint8_t x[32], y[32];
    record_id(&b->record, one);
    strcat(strcat(all, one), " ");
    cr_assert_not_null(b->data);
    /* the posted words are the ones that the record was made with */
    OK(hf_data_fingerprint(b->record.word[HF_RECORD_DATA], (const uint8_t(*)[32])b->data,
                           (size_t)HF_DATA_WORDS * b->slots, x, y));
    cr_assert(memcmp(x, b->record.word[HF_RECORD_DATA_X], 32) == 0 &&
                  memcmp(y, b->record.word[HF_RECORD_DATA_Y], 32) == 0,
              "posted words of %s", one);
  }
  hf_batch_record *records = calloc(sealed->records, sizeof *records);
  for (uint32_t i = 0; i < sealed->records; i++) records[i] = sealed->batch[i].record;
  OK(hf_seal_states(&sealed->proof, records, sealed->records, &ok));
  cr_assert(ok, "seal %llu: %s", (unsigned long long)number, hf_error_message());
  free(records);
  fleet_published *p = &f->published[number];
  if (p->times > 0)
    cr_assert_str_eq(p->records, all, "seal %llu came again with other records", (unsigned long long)number);
  strcpy(p->records, all);
  p->times++;
  return HF_OK;
}

static hf_status published(void *context, uint64_t number, bool *is) {
  *is = number < FLEET_SEALS && ((fleet *)context)->published[number].times > 0;
  return HF_OK;
}

static hf_status abandoned(void *context, uint64_t number, bool *is) {
  *is = number < FLEET_SEALS && ((fleet *)context)->published[number].abandoned;
  return HF_OK;
}

static hf_status abandonable(void *context, uint64_t number, const hf_batch_record *records, uint32_t m) {
  cr_assert(m >= 1 && records != NULL);
  return number == ((fleet *)context)->stays ? hf_fail(HF_E_STATE, "it is sent") : HF_OK;
}

/* A mark is a file: the process may die before or after it is there, as with the queue. */
static hf_status abandon(void *context, uint64_t number, const hf_batch_record *records, uint32_t m) {
  fleet *f = context;
  hf_status status;
  (void)pass(&f->gate.queue, &status);
  if (status != HF_OK) return status;
  OK(abandonable(context, number, records, m));
  cr_assert(number < FLEET_SEALS && !f->published[number].abandoned);
  f->published[number].abandoned = true;
  return back(&f->gate.queue, HF_OK);
}

static const hf_aggregator_ops ops = {find_key, foldable,  verify,    node_input,  seal_input, seal_records,
                                      publish,  published, abandoned, abandonable, abandon};

static void on_event(void *context, const hf_aggregator_event *event) {
  fleet *f = context;
  f->events[event->kind]++;
  bool trouble = event->kind == HF_AGGREGATOR_AGAIN || event->kind == HF_AGGREGATOR_WAITING;
  if (trouble) snprintf(f->last_text, sizeof f->last_text, "%s", event->text);
}

/* ---- the fleet ---- */

static uint64_t clock_now(void *context) { return ((fleet *)context)->now; }
static void clock_sleep(void *context, uint64_t ms) { ((fleet *)context)->now += ms; }

void fleet_open(fleet *f) {
  memset(f, 0, sizeof *f);
  /* Power cuts are not what is tried here: memory is fast. */
  snprintf(f->folder, sizeof f->folder, "%s/hf-fleet-XXXXXX",
           access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
  cr_assert(mkdtemp(f->folder) != NULL);
  f->now = FLEET_T0;
  hf_queue_options q = {.location = f->folder, .clock = {clock_now, clock_sleep, f}};
  OK(hf_queue_open(&q, &f->queue));
  hf_verifying_key *keys[] = {&f->leaf, &f->other, &f->node, &f->seal};
  for (uint64_t i = 0; i < 4; i++) {
    keys[i]->digest = hf_fr_from_u64(1000 + i);
    keys[i]->kappa = i == 3 ? 8 : 3;
  }
  f->options = (hf_aggregator_options){.node_vk = fr_digest(f->node.digest),
                                       .seal_vk = fr_digest(f->seal.digest),
                                       .clock = {clock_now, clock_sleep, f},
                                       .ops = &ops,
                                       .ops_context = f,
                                       .on_event = on_event,
                                       .context = f};
}

void fleet_close(fleet *f) {
  char command[100];
  hf_aggregator_destroy(&f->aggregator);
  hf_queue_close(&f->queue);
  snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
  cr_assert_eq(system(command), 0);
}

void fleet_start(fleet *f, uint64_t die_at, bool after) {
  hf_aggregator_destroy(&f->aggregator);
  f->gate = (fleet_gate){.queue = {.backend = &gate_backend, .options = f->queue->options},
                         .real = f->queue,
                         .die_at = die_at,
                         .after = after};
  f->options.queue = &f->gate.queue;
  OK(hf_aggregator_create(&f->options, &f->aggregator));
}

bool fleet_step(fleet *f) {
  hf_status status = hf_aggregator_step(f->aggregator, &f->state);
  if (f->gate.dead) return false;
  cr_assert(status == HF_OK, "the step gave %d: %s", (int)status, hf_error_message());
  return true;
}

/* ---- batches ---- */

static void root_of(uint64_t chain, uint64_t number, uint8_t word[32]) {
  hf_fr in[2] = {hf_fr_from_u64(chain), hf_fr_from_u64(number)};
  hf_fr_to_bytes(hf_sponge(HF_DOMAIN_APPLICATION, in, 2), word);
}

static void fill_data(hf_batch_input *in, bool validium) {
  uint8_t words[2 * HF_DATA_WORDS][32] = {{0}};
  hf_fr all[2 * HF_DATA_WORDS];
  in->slots[0].type = HF_SLOT_TRANSFER;
  in->slots[0].from.index = 1;
  in->slots[0].to.index = 2;
  in->slots[0].amount = 77;
  in->slots[1].type = HF_SLOT_WITHDRAW;
  in->slots[1].amount = 5;
  in->slots[1].to1[3] = 9;
  for (int i = 0; i < 2; i++) {
    const hf_batch_slot *s = &in->slots[i];
    hf_data_slot slot = {s->type, s->from.index, s->to.index, s->amount, s->fee, {0}, {0}};
    memcpy(slot.to1, s->to1, 32);
    if (i == 0 && validium) continue;
    hf_data_encode(&slot, words + HF_DATA_WORDS * i);
  }
  for (int i = 0; i < 2 * HF_DATA_WORDS; i++) cr_assert(hf_fr_from_bytes(words[i], &all[i]));
  hf_fr_to_bytes(hf_sponge(HF_DOMAIN_DATA, all, 2 * HF_DATA_WORDS), in->record.word[HF_RECORD_DATA]);
  OK(hf_data_fingerprint(in->record.word[HF_RECORD_DATA], (const uint8_t(*)[32])words, 2 * HF_DATA_WORDS,
                         in->record.word[HF_RECORD_DATA_X], in->record.word[HF_RECORD_DATA_Y]));
}

void fleet_submit(fleet *f, const fleet_batch *b) {
  hf_batch_input in = {0};
  hf_writer w = {0};
  hf_rollup_params params = {.depth = 4, .slots = 2};
  char id[64];
  hf_job_header job = {.kind = HF_JOB_PROVE_BATCH, .circuit = "batch", .deadline_ms = b->deadline_ms};
  OK(hf_batch_input_init(&params, &in));
  hf_word_set_u64(in.record.word[HF_RECORD_CHAIN_ID], b->says_chain ? b->says_chain : b->chain);
  hf_word_set_u64(in.record.word[HF_RECORD_BATCH_NUMBER], b->says_number ? b->says_number : b->number);
  hf_word_set_u64(in.record.word[HF_RECORD_MODE], b->validium);
  root_of(b->chain, b->says_old_root ? b->says_old_root : b->number - 1, in.record.word[HF_RECORD_OLD_ROOT]);
  root_of(b->chain, b->number, in.record.word[HF_RECORD_NEW_ROOT]);
  hf_word_set_u64(in.record.word[HF_RECORD_WITHDRAWALS], b->withdrawals);
  hf_word_set_u64(in.record.word[HF_RECORD_DEPOSIT_COUNT], b->deposits);
  fill_data(&in, b->validium);
  OK(hf_batch_input_encode(&in, &w));
  OK(hf_artifact_put(f->queue, w.data, w.length, &job.input_digest));
  job.vk_digest = fr_digest((b->vk != NULL ? b->vk : &f->leaf)->digest);
  snprintf(id, sizeof id, "%llu/%llu", (unsigned long long)b->chain, (unsigned long long)b->number);
  OK(hf_job_key_make("hyperfold", id, strlen(id), &job.key));
  OK(hf_queue_submit_one(f->queue, &job, NULL));
  hf_writer_free(&w);
  hf_batch_input_free(&in);
}

static hf_digest batch_proof(fleet *f, const hf_job_header *job, fleet_result result) {
  uint8_t *data;
  size_t length;
  hf_batch_input in;
  hf_fr inputs[HF_INSTANCE_COUNT] = {{{0}}};
  hf_digest rubbish;
  OK(hf_artifact_get(f->queue, &job->input_digest, 1 << 20, &data, &length));
  OK(hf_batch_input_decode("input", data, length, &in));
  OK(hf_record_statement(&in.record, &inputs[0]));
  if (result == FLEET_LIE) inputs[0] = hf_fr_add(inputs[0], hf_fr_one());
  free(data);
  hf_batch_input_free(&in);
  OK(hf_artifact_put(f->queue, "not a proof", 11, &rubbish));
  if (result == FLEET_RUBBISH) return rubbish;
  if (result == FLEET_OTHER_KEY) return put_proof(f, f->node.digest, inputs, HF_INSTANCE_COUNT, false, 3);
  return put_proof(f, digest_fr(&job->vk_digest), inputs, HF_INSTANCE_COUNT, result == FLEET_UNFOLDABLE, 3);
}

static void finish(fleet *f, const hf_job_key *key, uint64_t epoch, const hf_digest *result) {
  hf_finish_outcome outcome;
  OK(hf_queue_finish(f->queue, key, epoch, f->hand, result, &outcome));
  cr_assert_eq((int)outcome, HF_FINISH_ACCEPTED);
}

/* Leases by circuit until the wanted job comes; the others are given back. Every time by another worker: one whose
 * result was refused is not offered that job for a while, and is quarantined for the second. */
static bool lease(fleet *f, const char *circuit, const char *id, hf_lease *out) {
  hf_worker worker = {.capability_count = 1};
  bool found, right = false;
  hf_lease others[64];
  unsigned count = 0;
  strcpy(worker.capabilities[0].circuit, circuit);
  snprintf(f->hand, sizeof f->hand, "fleet/%u", ++f->hands);
  strcpy(worker.name, f->hand);
  while (!right) {
    char text[HF_JOB_ID_TEXT];
    OK(hf_queue_lease(f->queue, &worker, out, &found));
    if (!found) break;
    hf_job_id_text(&out->header.key.id, text);
    right = id == NULL ? out->attempts > 0 : strcmp(id, "*") == 0 || strcmp(text, id) == 0;
    if (right) break;
    cr_assert_lt(count, 64);
    others[count++] = *out;
  }
  while (count-- > 0) OK(hf_queue_release(f->queue, &others[count].header.key, others[count].epoch));
  return right;
}

void fleet_prove(fleet *f, uint64_t chain, uint64_t number, fleet_result result) {
  char id[64];
  hf_lease job;
  snprintf(id, sizeof id, "%llu/%llu", (unsigned long long)chain, (unsigned long long)number);
  cr_assert(lease(f, "batch", id, &job), "there is no job %s", id);
  hf_digest proof = batch_proof(f, &job.header, result);
  finish(f, &job.header.key, job.epoch, &proof);
}

void fleet_prove_with(fleet *f, uint64_t chain, uint64_t number, uint64_t of) {
  char id[64], other[64];
  hf_lease job;
  snprintf(id, sizeof id, "%llu/%llu", (unsigned long long)chain, (unsigned long long)number);
  snprintf(other, sizeof other, "%llu/%llu", (unsigned long long)chain, (unsigned long long)of);
  hf_digest proof = fleet_record(f, other).result;
  cr_assert(lease(f, "batch", id, &job), "there is no job %s", id);
  finish(f, &job.header.key, job.epoch, &proof);
}

void fleet_batch_done(fleet *f, uint64_t chain, uint64_t number) {
  fleet_submit(f, &(fleet_batch){.chain = chain, .number = number});
  fleet_prove(f, chain, number, FLEET_GOOD);
}

/* ---- the worker ---- */

static hf_fr read_entry(fleet *f, hf_reader *r) {
  hf_fr vk, statement, salt;
  OK(hf_read_fr(r, "vk", &vk));
  OK(hf_read_fr(r, "statement", &statement));
  OK(hf_read_fr(r, "salt", &salt));
  hf_fr leaf[2] = {vk, statement};
  return hf_fr_eq(vk, f->node.digest) ? statement : hf_sponge(HF_DOMAIN_LEAF, leaf, 2);
}

static void work_fold(fleet *f, const hf_lease *job, hf_reader *r) {
  uint32_t lift;
  hf_fr pair[2], inputs[HF_INSTANCE_COUNT] = {{{0}}};
  pair[0] = read_entry(f, r);
  pair[1] = read_entry(f, r);
  OK(hf_read_u32(r, "lift", &lift));
  OK(hf_read_end(r, "node input"));
  cr_assert_lt(lift, HF_SEAL_RECORDS_LOG);
  for (uint32_t i = 0; i < lift; i++) {
    hf_fr up[2] = {pair[1], hf_fr_zero()};
    pair[1] = hf_sponge(HF_DOMAIN_NODE, up, 2);
  }
  inputs[HF_INSTANCE_STATEMENT] = hf_sponge(HF_DOMAIN_NODE, pair, 2);
  inputs[HF_INSTANCE_NODE_VK] = f->node.digest;
  bool lie = f->lie_statement > 0, unfoldable = f->lie_foldable > 0;
  f->lie_statement -= lie;
  f->lie_foldable -= unfoldable;
  if (lie) inputs[HF_INSTANCE_STATEMENT] = hf_fr_one();
  hf_digest proof = put_proof(f, f->node.digest, inputs, HF_INSTANCE_COUNT, unfoldable, 3);
  f->folds++;
  finish(f, &job->header.key, job->epoch, &proof);
}

static void work_seal(fleet *f, const hf_lease *job, const uint8_t *data, size_t length) {
  hf_reader r = hf_reader_over(data, length);
  hf_fr entry = read_entry(f, &r), inputs[HF_SEAL_COUNT] = {{{0}}}, root;
  uint32_t level, m;
  hf_batch_record *records = calloc(HF_SEAL_RECORDS_MAX, sizeof *records);
  OK(hf_read_u32(&r, "level", &level));
  OK(seal_records(f, data, length, records, &m));
  for (; level < HF_SEAL_RECORDS_LOG; level++) {
    hf_fr up[2] = {entry, hf_fr_zero()};
    entry = hf_sponge(HF_DOMAIN_NODE, up, 2);
  }
  /* what the seal circuit proves: the child is about these records in this order */
  OK(hf_records_root(records, m, &root));
  cr_assert(hf_fr_eq(entry, root), "the child of a seal over %u records is not their root", m);
  inputs[HF_SEAL_STATEMENT] = root;
  inputs[HF_SEAL_RECORDS] = hf_fr_from_u64(m);
  OK(hf_seal_fingerprint(root, records, m, &inputs[HF_SEAL_X], &inputs[HF_SEAL_Y]));
  hf_digest proof = put_proof(f, f->seal.digest, inputs, HF_SEAL_COUNT, false, 8);
  free(records);
  f->seals++;
  finish(f, &job->header.key, job->epoch, &proof);
}

bool fleet_work(fleet *f) {
  hf_lease job;
  bool fold = false, seal = false;
  uint8_t *data;
  size_t length;
  if (lease(f, "batch", NULL, &job)) { /* its result was refused */
    hf_digest proof = batch_proof(f, &job.header, FLEET_GOOD);
    finish(f, &job.header.key, job.epoch, &proof);
    return true;
  }
  seal = lease(f, "seal", "*", &job);
  if (!seal) fold = lease(f, "node", "*", &job);
  if (!seal && !fold) return false;
  OK(hf_artifact_get(f->queue, &job.header.input_digest, 1 << 20, &data, &length));
  hf_reader r = hf_reader_over(data, length);
  if (fold)
    work_fold(f, &job, &r);
  else
    work_seal(f, &job, data, length);
  free(data);
  return true;
}

void fleet_run(fleet *f) {
  do {
    cr_assert(fleet_step(f));
  } while (fleet_work(f));
}

void fleet_standing(const fleet *f, char out[FLEET_NAMES]) {
  out[0] = 0;
  for (int s = 1; s < FLEET_SEALS; s++)
    if (f->published[s].times > 0 && !f->published[s].abandoned)
      strcat(strcat(out, f->published[s].records), "| ");
}

hf_job_record fleet_record(fleet *f, const char *id) {
  hf_job_key key;
  hf_job_record record;
  OK(hf_job_key_make("hyperfold", id, strlen(id), &key));
  OK(hf_queue_get(f->queue, &key, &record));
  return record;
}

void fleet_lose(fleet *f, const hf_digest *artifact) {
  char hex[HF_DIGEST_HEX], path[256];
  hf_digest_hex(artifact, hex);
  snprintf(path, sizeof path, "%s/artifacts/%.2s/%s", f->folder, hex, hex + 2);
  cr_assert_eq(unlink(path), 0, "%s", path);
}

uint64_t fleet_jobs(fleet *f, hf_job_kind kind) {
  hf_job_filter filter = {.kind_mask = 1u << kind};
  hf_job_record *page = calloc(256, sizeof *page);
  size_t count;
  OK(hf_queue_list(f->queue, &filter, page, 256, &count));
  cr_assert_lt(count, 256);
  free(page);
  return count;
}
