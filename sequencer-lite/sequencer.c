#include "sequencer.h"

#include <hyperfold/file.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHAINS_MAX 64
#define CHUNK      256 /* lines in one database transaction */
#define FILE_MAX   ((size_t)1 << 30)

struct hf_sequencer {
  hf_sequencer_options options;
  char tenant[HF_NAME_MAX + 1], circuit[HF_NAME_MAX + 1];
  hf_clock clock;
  size_t count;
  hf_chain *chains[CHAINS_MAX];
  hf_chain_info info[CHAINS_MAX]; /* what does not change: id, parameters */
  pthread_mutex_t handing;        /* one thread at a time hands batches on */
  pthread_mutex_t counting;       /* guards the tally */
  hf_tally answered;
};

/* ---- opening ---- */

hf_status hf_sequencer_open(const hf_sequencer_options *options, hf_sequencer **out) {
  *out = NULL;
  if (!options->chains || options->chain_count < 1 || options->chain_count > CHAINS_MAX)
    return hf_fail(HF_E_ARGUMENT, "a sequencer has 1 to %d chains", CHAINS_MAX);
  if (options->queue && hf_digest_is_zero(&options->vk_digest))
    return hf_fail(HF_E_ARGUMENT, "a sequencer with a queue needs the digest of the batch circuit's key");
  hf_sequencer *s = calloc(1, sizeof *s);
  if (!s) return hf_fail(HF_E_MEMORY, "no memory for a sequencer");
  hf_status status = HF_OK;
  (void)pthread_mutex_init(&s->handing, NULL);
  (void)pthread_mutex_init(&s->counting, NULL);
  s->options = *options;
  s->options.chains = NULL; /* the caller's array need not live on */
  if (!s->options.tick_ms) s->options.tick_ms = 100;
  if (!s->options.patience_ms) s->options.patience_ms = 60000;
  s->clock = options->chains[0].clock.now_ms ? options->chains[0].clock : hf_clock_system();
  HF_TRY(hf_name_copy("tenant", options->tenant ? options->tenant : "hyperfold", s->tenant));
  HF_TRY(hf_name_copy("circuit", options->circuit ? options->circuit : HF_BATCH_CIRCUIT, s->circuit));
  for (size_t i = 0; i < options->chain_count; i++) {
    for (size_t j = 0; j < i; j++)
      if (hf_chain_id_eq(options->chains[i].chain_id, options->chains[j].chain_id))
        HF_TRY(hf_fail(HF_E_ARGUMENT, "two chains have the same chain id"));
    hf_chain_options chain = options->chains[i];
    if (!options->queue && !chain.backlog_limit) chain.backlog_limit = UINT32_MAX; /* nobody will take them */
    HF_TRY(hf_chain_open(&chain, &s->chains[i]));
    s->count++;
    hf_chain_get_info(s->chains[i], &s->info[i]);
  }
  *out = s;
  s = NULL;
out:
  hf_sequencer_close(&s);
  return status;
}

void hf_sequencer_close(hf_sequencer **sequencer) {
  hf_sequencer *s = *sequencer;
  if (!s) return;
  for (size_t i = 0; i < s->count; i++) hf_chain_close(&s->chains[i]);
  (void)pthread_mutex_destroy(&s->handing);
  (void)pthread_mutex_destroy(&s->counting);
  free(s);
  *sequencer = NULL;
}

size_t hf_sequencer_chain_count(const hf_sequencer *sequencer) { return sequencer->count; }
hf_chain *hf_sequencer_chain(hf_sequencer *sequencer, size_t i) {
  return i < sequencer->count ? sequencer->chains[i] : NULL;
}

static size_t find(const hf_sequencer *s, hf_chain_id id) {
  size_t i = 0;
  while (i < s->count && !hf_chain_id_eq(s->info[i].chain_id, id)) i++;
  return i;
}

hf_chain *hf_sequencer_find(hf_sequencer *sequencer, hf_chain_id chain_id) {
  return hf_sequencer_chain(sequencer, find(sequencer, chain_id));
}

void hf_sequencer_job_key(const hf_sequencer *sequencer, hf_chain_id chain_id, uint64_t number,
                          hf_job_key *out) {
  char chain[HF_CHAIN_ID_TEXT], id[HF_JOB_ID_MAX + 1];
  memset(out, 0, sizeof *out);
  hf_chain_id_text(chain_id, chain);
  int n = snprintf(id, sizeof id, "%s/%llu", chain, (unsigned long long)number); /* 39 + 1 + 20 at most */
  memcpy(out->tenant, sequencer->tenant, sizeof out->tenant);
  out->id.length = (uint8_t)n;
  memcpy(out->id.b, id, (size_t)n);
}

/* ---- transactions ---- */

void hf_answer_json(const hf_answer *answer, char out[HF_ANSWER_JSON]) {
  char hash[HF_DIGEST_HEX], detail[400];
  size_t n = 0;
  hf_digest_hex(&answer->hash, hash);
  if (answer->refusal == HF_REFUSAL_NONE && !answer->busy) {
    (void)snprintf(out, HF_ANSWER_JSON, "{\"line\":%zu,\"accepted\":true,\"hash\":\"%s\"}", answer->line,
                   hash);
    return;
  }
  const char *why = answer->detail ? answer->detail : hf_refusal_text(answer->refusal);
  for (const char *c = why; *c && n + 1 < sizeof detail;
       c++) /* what JSON would escape is not worth it here */
    detail[n++] = *c < ' ' || *c > '~' || *c == '"' || *c == '\\' ? '\'' : *c;
  detail[n] = 0;
  const bool named = !hf_digest_is_zero(&answer->hash);
  (void)snprintf(out, HF_ANSWER_JSON,
                 "{\"line\":%zu,\"accepted\":false,\"error\":\"%s\",\"reason\":\"%s\"%s%s%s}", answer->line,
                 answer->busy ? "busy" : hf_refusal_code(answer->refusal), detail,
                 named ? ",\"hash\":\"" : "", named ? hash : "", named ? "\"" : "");
}

/* Lines of one chain that came one after the other, and what to say of each. */
typedef struct chunk {
  size_t chain; /* s->count: none */
  size_t count;
  hf_transaction tx[CHUNK];
  hf_verdict verdict[CHUNK];
  size_t line[CHUNK];
} chunk;

typedef struct intake {
  hf_sequencer *s;
  hf_answer_sink sink;
  void *context;
  hf_tally tally;
  bool busy[CHAINS_MAX];
  bool patient; /* wait for room instead of answering busy */
  chunk chunk;
} intake;

static hf_status answer(intake *in, const hf_answer *a) {
  in->tally.lines++;
  if (a->busy)
    in->tally.busy++;
  else
    in->tally.by_refusal[a->refusal]++;
  return in->sink ? in->sink(in->context, a) : HF_OK;
}

/* Submits, and with patience makes room and tries again. */
static hf_status submit_patiently(intake *in, hf_chain *chain) {
  hf_sequencer *s = in->s;
  chunk *c = &in->chunk;
  const uint64_t start = s->clock.now_ms(s->clock.context);
  for (;;) {
    hf_status status = hf_chain_submit(chain, c->tx, c->count, c->verdict);
    if (status != HF_E_BUSY || !in->patient) return status;
    status = hf_sequencer_step(s);
    if (status != HF_OK) return status;
    hf_chain_info info;
    hf_chain_get_info(chain, &info);
    if (info.pool_limit >= c->count && info.pending <= info.pool_limit - c->count) continue;
    if (s->clock.now_ms(s->clock.context) - start >= s->options.patience_ms)
      return hf_fail(HF_E_BUSY, "the pool is full and batches are not taken; is a worker running?");
    s->clock.sleep_ms(s->clock.context, s->options.tick_ms);
  }
}

static hf_status flush_chunk(intake *in) {
  chunk *c = &in->chunk;
  hf_status status = HF_OK;
  if (c->count == 0) return HF_OK;
  if (!in->busy[c->chain]) {
    status = submit_patiently(in, in->s->chains[c->chain]);
    if (status == HF_E_BUSY && !in->patient) {
      in->busy[c->chain] = true;
      status = HF_OK;
    }
    HF_TRY(status);
  }
  for (size_t i = 0; i < c->count; i++) {
    hf_answer a = {.line = c->line[i]};
    if (in->busy[c->chain]) {
      a.busy = true;
      a.detail = "the pool is full";
    } else {
      a.refusal = c->verdict[i].refusal;
      a.hash = c->verdict[i].hash;
      a.detail = hf_refusal_text(a.refusal);
    }
    HF_TRY(answer(in, &a));
  }
out:
  c->count = 0;
  return status;
}

static hf_status take_line(intake *in, size_t number, const char *line, size_t length) {
  chunk *c = &in->chunk;
  hf_transaction tx;
  hf_status status = HF_OK;
  hf_answer a = {.line = number, .refusal = HF_REFUSAL_MALFORMED};
  hf_status parsed = hf_transaction_parse(line, length, &tx);
  if (parsed != HF_OK) {
    char detail[256];
    (void)snprintf(detail, sizeof detail, "%s", hf_error_message());
    a.detail = detail;
    HF_TRY(flush_chunk(in)); /* answers come in the order of the lines */
    HF_TRY(answer(in, &a));
    return HF_OK;
  }
  size_t chain = find(in->s, tx.chain_id);
  if (chain == in->s->count) {
    a.refusal = HF_REFUSAL_CHAIN_ID;
    a.hash = hf_transaction_hash(&tx);
    a.detail = "no such chain here";
    HF_TRY(flush_chunk(in));
    HF_TRY(answer(in, &a));
    return HF_OK;
  }
  if (c->count == CHUNK || (c->count && c->chain != chain)) HF_TRY(flush_chunk(in));
  c->chain = chain;
  c->line[c->count] = number;
  c->tx[c->count++] = tx;
out:
  return status;
}

static hf_status take_text(hf_sequencer *s, const char *text, size_t length, bool patient,
                           hf_answer_sink sink, void *context, hf_tally *tally) {
  const char *rest = text, *end = text + length, *line = NULL;
  size_t n = 0, number = 0;
  hf_status status = HF_OK;
  if (tally) memset(tally, 0, sizeof *tally);
  intake *in = calloc(1, sizeof *in);
  if (!in) return hf_fail(HF_E_MEMORY, "no memory to take transactions");
  in->s = s;
  in->sink = sink;
  in->context = context;
  in->patient = patient;
  while (hf_line_next(&rest, end, &line, &n)) {
    number++;
    if (n) HF_TRY(take_line(in, number, line, n));
  }
  HF_TRY(flush_chunk(in));
out:
  if (tally) *tally = in->tally;
  (void)pthread_mutex_lock(&s->counting);
  s->answered.lines += in->tally.lines;
  s->answered.busy += in->tally.busy;
  for (int i = 0; i < HF_REFUSALS; i++) s->answered.by_refusal[i] += in->tally.by_refusal[i];
  (void)pthread_mutex_unlock(&s->counting);
  free(in);
  return status;
}

void hf_sequencer_answered(hf_sequencer *s, hf_tally *out) {
  (void)pthread_mutex_lock(&s->counting);
  *out = s->answered;
  (void)pthread_mutex_unlock(&s->counting);
}

hf_status hf_sequencer_submit_text(hf_sequencer *sequencer, const char *text, size_t length,
                                   hf_answer_sink sink, void *context, hf_tally *tally) {
  return take_text(sequencer, text, length, false, sink, context, tally);
}

hf_status hf_sequencer_submit_file(hf_sequencer *sequencer, const char *path, hf_answer_sink sink,
                                   void *context, hf_tally *tally) {
  uint8_t *data = NULL;
  size_t length = 0;
  hf_status status = hf_file_read(path, FILE_MAX, &data, &length);
  if (status == HF_OK) status = take_text(sequencer, (const char *)data, length, true, sink, context, tally);
  free(data);
  return status;
}

/* ---- deposits ---- */

static hf_status deposit_run(hf_sequencer *s, hf_chain *chain, const hf_deposit *deposits, size_t count,
                             hf_deposit_counts *total) {
  const uint64_t start = s->clock.now_ms(s->clock.context);
  hf_deposit_counts c;
  for (;;) {
    hf_status status = hf_chain_deposit(chain, deposits, count, &c);
    if (status == HF_OK) {
      total->applied += c.applied;
      total->refused += c.refused;
      total->known += c.known;
    }
    if (status != HF_E_BUSY) return status;
    status = hf_sequencer_step(s);
    if (status != HF_OK) return status;
    if (s->clock.now_ms(s->clock.context) - start >= s->options.patience_ms)
      return hf_fail(HF_E_BUSY, "the pool is full and batches are not taken; is a worker running?");
    hf_chain_info info;
    hf_chain_get_info(chain, &info);
    if (count > info.pool_limit || info.pending > info.pool_limit - count)
      s->clock.sleep_ms(s->clock.context, s->options.tick_ms);
  }
}

hf_status hf_sequencer_deposits(hf_sequencer *sequencer, const hf_deposit *deposits, size_t count,
                                hf_deposit_counts *counts) {
  hf_deposit_counts total = {0, 0, 0};
  hf_status status = HF_OK;
  for (size_t at = 0, n; at < count; at += n) { /* runs of one chain */
    hf_chain *chain = hf_sequencer_find(sequencer, deposits[at].chain_id);
    if (!chain) HF_TRY(hf_fail(HF_E_MISMATCH, "a deposit for a chain that is not here"));
    for (n = 1; at + n < count && n < CHUNK && hf_chain_id_eq(deposits[at + n].chain_id, deposits[at].chain_id);) n++;
    HF_TRY(deposit_run(sequencer, chain, deposits + at, n, &total));
  }
out:
  if (counts) *counts = total;
  return status;
}

hf_status hf_sequencer_deposit_text(hf_sequencer *sequencer, const char *text, size_t length,
                                    hf_deposit_counts *counts) {
  hf_sequencer *s = sequencer;
  const char *rest = text, *end = text + length, *line = NULL;
  size_t n = 0, number = 0, held = 0;
  hf_chain *chain = NULL;
  hf_deposit_counts total = {0, 0, 0};
  hf_status status = HF_OK, wrong = HF_OK;
  hf_deposit *deposits = calloc(CHUNK, sizeof *deposits);
  if (!deposits) return hf_fail(HF_E_MEMORY, "no memory to take deposits");
  while (wrong == HF_OK && hf_line_next(&rest, end, &line, &n)) {
    hf_deposit d;
    number++;
    if (n == 0) continue;
    wrong = hf_deposit_parse(line, n, &d);
    hf_chain *to = wrong == HF_OK ? hf_sequencer_find(s, d.chain_id) : NULL;
    if (wrong == HF_OK && !to) wrong = hf_fail(HF_E_MISMATCH, "no such chain here");
    if (wrong != HF_OK) {
      (void)hf_fail_context(wrong, "deposits: line %zu", number);
      break;
    }
    if (held && (held == CHUNK || chain != to)) {
      HF_TRY(deposit_run(s, chain, deposits, held, &total));
      held = 0;
    }
    chain = to;
    deposits[held++] = d;
  }
  if (held) {
    char message[512];
    (void)snprintf(message, sizeof message, "%s", hf_error_message());
    HF_TRY(deposit_run(s, chain, deposits, held, &total));
    if (wrong != HF_OK) (void)hf_fail(wrong, "%s", message);
  }
  status = wrong;
out:
  free(deposits);
  if (counts) *counts = total;
  return status;
}

hf_status hf_sequencer_deposit_file(hf_sequencer *sequencer, const char *path, hf_deposit_counts *counts) {
  uint8_t *data = NULL;
  size_t length = 0;
  hf_status status = hf_file_read(path, FILE_MAX, &data, &length);
  if (status == HF_OK) status = hf_sequencer_deposit_text(sequencer, (const char *)data, length, counts);
  free(data);
  return status;
}

/* ---- batches ---- */

static void tell(hf_sequencer *s, size_t i, hf_sequencer_event_kind kind, uint64_t number,
                 const hf_job_key *job, bool created) {
  hf_batch_info batch;
  if (!s->options.on_batch || hf_chain_get_batch(s->chains[i], number, &batch) != HF_OK) return;
  hf_sequencer_event event = {kind, s->info[i].chain_id, &batch, job, created};
  s->options.on_batch(s->options.context, &event);
}

/* Puts the input in the store and the job in the queue, then notes that it was done. A crash in between makes
 * it happen again, with the same names. */
static hf_status hand_on(hf_sequencer *s, size_t i, uint64_t number) {
  hf_chain *chain = s->chains[i];
  uint8_t *input = NULL;
  size_t length = 0;
  hf_batch_info batch;
  hf_job_header job;
  hf_submission answer_of_queue;
  hf_status status = HF_OK;
  memset(&job, 0, sizeof job);
  HF_TRY(hf_chain_get_batch(chain, number, &batch));
  HF_TRY(hf_chain_get_input(chain, number, &input, &length));
  hf_digest has = hf_digest_bytes(input, length);
  if (!hf_digest_eq(&has, &batch.input_digest))
    HF_TRY(hf_fail(HF_E_CHECKSUM, "batch %llu: its stored input is damaged", (unsigned long long)number));
  hf_sequencer_job_key(s, s->info[i].chain_id, number, &job.key);
  job.kind = HF_JOB_PROVE_BATCH;
  memcpy(job.circuit, s->circuit, sizeof job.circuit);
  HF_TRY(hf_job_set_parameter(&job, "depth", s->info[i].params.depth));
  HF_TRY(hf_job_set_parameter(&job, "slots", s->info[i].params.slots));
  job.vk_digest = s->options.vk_digest;
  HF_TRY(hf_job_input_put(s->options.queue, s->options.sealer, &job, input, length));
  job.priority = s->options.priority;
  job.deadline_ms = s->options.deadline_ms ? batch.sealed_ms + s->options.deadline_ms : 0;
  job.device_memory = s->options.device_memory;
  job.host_memory = s->options.host_memory;
  HF_TRY(hf_queue_submit_one(s->options.queue, &job, &answer_of_queue));
  HF_TRY(hf_chain_set_submitted(chain, number));
  hf_log(s->options.log, HF_LOG_INFO, "batch submitted", HF_LOG_UINT("batch", number),
         HF_LOG_TEXT("created", answer_of_queue.created ? "yes" : "no"));
  tell(s, i, HF_SEQUENCER_SUBMITTED, number, &job.key, answer_of_queue.created);
out:
  free(input);
  return status;
}

static hf_status hand_on_all(hf_sequencer *s) {
  hf_status status = HF_OK;
  if (!s->options.queue) return HF_OK;
  (void)pthread_mutex_lock(&s->handing);
  for (size_t i = 0; i < s->count && status == HF_OK; i++) {
    uint64_t number = 0;
    status = hf_chain_first_unsubmitted(s->chains[i], &number);
    while (status == HF_OK && number) {
      status = hand_on(s, i, number);
      if (status == HF_OK) status = hf_chain_first_unsubmitted(s->chains[i], &number);
    }
    if (status == HF_E_BUSY || status == HF_E_FULL) {
      hf_log(s->options.log, HF_LOG_WARN, "the queue takes no batch now", HF_LOG_UINT("batch", number),
             HF_LOG_STATUS(status));
      status = HF_OK;
    }
  }
  (void)pthread_mutex_unlock(&s->handing);
  return status;
}

static hf_status step(hf_sequencer *s, hf_seal when) {
  hf_status status = HF_OK;
  for (size_t i = 0; i < s->count; i++)
    for (uint64_t number = 1; number;) {
      HF_TRY(hf_chain_seal(s->chains[i], when, &number));
      if (!number) break;
      tell(s, i, HF_SEQUENCER_SEALED, number, NULL, false);
      HF_TRY(hand_on_all(s));
    }
  HF_TRY(hand_on_all(s));
out:
  return status;
}

hf_status hf_sequencer_step(hf_sequencer *sequencer) { return step(sequencer, HF_SEAL_DUE); }

hf_status hf_sequencer_flush(hf_sequencer *sequencer, uint64_t timeout_ms) {
  hf_sequencer *s = sequencer;
  const uint64_t start = s->clock.now_ms(s->clock.context);
  for (;;) {
    bool left = false;
    hf_status status = step(s, HF_SEAL_ANY);
    if (status != HF_OK) return status;
    for (size_t i = 0; i < s->count; i++) {
      hf_chain_info info;
      hf_chain_get_info(s->chains[i], &info);
      left = left || info.pending || (s->options.queue && info.unsubmitted);
    }
    if (!left) return HF_OK;
    if (s->clock.now_ms(s->clock.context) - start >= timeout_ms)
      return hf_fail(HF_E_TIMEOUT, "batches are left that the queue does not take");
    s->clock.sleep_ms(s->clock.context, s->options.tick_ms);
  }
}

hf_status hf_sequencer_run(hf_sequencer *sequencer, bool (*stop)(void *context), void *context) {
  while (!stop(context)) {
    hf_status status = hf_sequencer_step(sequencer);
    if (status != HF_OK) hf_log(sequencer->options.log, HF_LOG_ERROR, "a step failed", HF_LOG_STATUS(status));
    if (status == HF_E_EXISTS) return status; /* nothing will make this right by itself */
    sequencer->clock.sleep_ms(sequencer->clock.context, sequencer->options.tick_ms);
  }
  return HF_OK;
}
