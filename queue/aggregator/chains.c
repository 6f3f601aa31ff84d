/* Batches become leaves. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "aggregator_internal.h"

#define PAGE 64

/* ---- names ---- */

/* "CHAIN/NUMBER", both decimal: the job of a batch. */
bool agg_parse_id(const hf_job_id *id, char name[AGG_CHAIN_NAME], uint64_t *number) {
  size_t at = 0;
  while (at < id->length && id->b[at] >= '0' && id->b[at] <= '9') at++;
  if (at == 0 || at >= AGG_CHAIN_NAME || at >= id->length || id->b[at] != '/') return false;
  memcpy(name, id->b, at);
  name[at] = 0;
  uint64_t n = 0;
  size_t digits = id->length - at - 1u;
  for (size_t i = at + 1; i < id->length; i++) {
    if (id->b[i] < '0' || id->b[i] > '9' || n > (UINT64_MAX - 9) / 10) return false;
    n = n * 10 + (uint64_t)(id->b[i] - '0');
  }
  *number = n;
  return digits > 0 && n > 0 && id->b[at + 1] != '0';
}

hf_status agg_batch_key(const hf_aggregator *a, const char *chain, uint64_t number, hf_job_key *out) {
  char id[HF_JOB_ID_MAX + 1];
  int length = snprintf(id, sizeof id, "%s/%llu", chain, (unsigned long long)number);
  return hf_job_key_make(a->options.tenant, id, (size_t)length, out);
}

void agg_record_name(const hf_batch_record *record, char name[AGG_CHAIN_NAME], uint64_t *number) {
  char digits[AGG_CHAIN_NAME];
  int count = 0, at = 0;
  unsigned __int128 v = 0;
  for (int i = 16; i-- > 0;) v = v << 8 | record->word[HF_RECORD_CHAIN_ID][i];
  do {
    digits[count++] = (char)('0' + (int)(v % 10));
    v /= 10;
  } while (v != 0);
  while (count > 0) name[at++] = digits[--count];
  name[at] = 0;
  *number = 0;
  (void)hf_word_get_u64(record->word[HF_RECORD_BATCH_NUMBER], number);
}

/* ---- chains ---- */

hf_status agg_chain_get(hf_aggregator *a, const char *name, agg_chain **out) {
  for (size_t i = 0; i < a->chain_count; i++)
    if (strcmp(a->chains[i].name, name) == 0) {
      *out = &a->chains[i];
      return HF_OK;
    }
  agg_chain *more = realloc(a->chains, (a->chain_count + 1) * sizeof *more);
  if (more == NULL) return hf_fail(HF_E_MEMORY, "no memory for a chain");
  a->chains = more;
  *out = &more[a->chain_count++];
  memset(*out, 0, sizeof **out);
  strcpy((*out)->name, name);
  return HF_OK;
}

static bool is_among(const char *const *names, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(names[i], name) == 0) return true;
  return false;
}

static bool is_wanted(const hf_aggregator *a, const char *name) {
  const hf_aggregator_options *o = &a->options;
  return (o->chains == NULL || is_among(o->chains, o->chain_count, name)) &&
         !is_among(o->without, o->without_count, name);
}

/* Chains of which nothing is in a seal begin with the lowest batch that the queue has of them. */
static hf_status discover(hf_aggregator *a, const hf_job_record *job) {
  char name[AGG_CHAIN_NAME];
  uint64_t number;
  size_t before = a->chain_count;
  agg_chain *chain;
  if (!agg_parse_id(&job->header.key.id, name, &number) || !is_wanted(a, name)) return HF_OK;
  hf_status status = agg_chain_get(a, name, &chain);
  bool found = a->chain_count > before;
  if (status == HF_OK && (found || (!chain->has_root && number <= chain->number))) {
    chain->number = number - 1;
    chain->ready = false;
    chain->watch = (agg_watch){0};
  }
  return status;
}

hf_status agg_discover(hf_aggregator *a) {
  hf_status status = HF_OK;
  hf_job_record *page = calloc(PAGE, sizeof *page);
  if (page == NULL) return hf_fail(HF_E_MEMORY, "no memory for a page of jobs");
  hf_job_filter filter = {
      .tenant = a->options.tenant, .kind_mask = 1u << HF_JOB_PROVE_BATCH, .after = a->cursor};
  for (size_t count = PAGE; count == PAGE;) {
    HF_TRY(hf_queue_list(a->options.queue, &filter, page, PAGE, &count));
    for (size_t i = 0; i < count; i++) {
      HF_TRY(discover(a, &page[i]));
      a->cursor = filter.after = page[i].sequence;
    }
  }
out:
  free(page);
  return status;
}

/* ---- one batch ---- */

/* What its input says, and whether that is the chain's next record. HF_E_REFUSED and the like: it is not. */
static hf_status read_record(hf_aggregator *a, const agg_chain *chain, const hf_job_record *job,
                             agg_leaf *leaf) {
  hf_status status;
  char name[AGG_CHAIN_NAME];
  uint64_t number;
  hf_batch_input input = {0};
  HF_TRY(agg_batch_input(a, &job->header, &input));
  leaf->record = input.record;
  memcpy(leaf->record.word[HF_RECORD_VK_DIGEST], job->header.vk_digest.b, 32);
  agg_record_name(&leaf->record, name, &number);
  if (strcmp(name, chain->name) != 0 || number != chain->number + 1)
    HF_TRY(hf_fail(HF_E_REFUSED, "its record is batch %llu of chain %s", (unsigned long long)number, name));
  if (chain->has_root && memcmp(chain->root, leaf->record.word[HF_RECORD_OLD_ROOT], 32) != 0)
    HF_TRY(hf_fail(HF_E_REFUSED, "it does not start where the batch before it ended"));
  leaf->number = number;
out:
  hf_batch_input_free(&input);
  return status;
}

static hf_status check(hf_aggregator *a, agg_chain *chain, const hf_job_record *job, bool *ok) {
  hf_status status;
  hf_fr digest, statement;
  agg_leaf *leaf = &chain->next;
  memset(leaf, 0, sizeof *leaf);
  *ok = false;
  HF_TRY(read_record(a, chain, job, leaf));
  if (!hf_fr_from_bytes(job->header.vk_digest.b, &digest))
    HF_TRY(hf_fail(HF_E_RANGE, "its key's digest is not below r"));
  HF_TRY(hf_record_statement(&leaf->record, &statement));
  leaf->arrival_ms = job->ended_ms;
  leaf->deadline_ms = job->header.deadline_ms;
  leaf->vk = job->header.vk_digest;
  leaf->proof = job->result;
  leaf->entry = hf_statement_leaf(digest, statement);
  HF_TRY(agg_foldable(a, &leaf->vk, &leaf->proof, statement, ok));
out:
  return status;
}

/* What neither a new proof nor waiting makes good is told, once, and tried again now and then: somebody may
 * bring a key. */
static void block(hf_aggregator *a, agg_chain *chain) {
  hf_aggregator_event e = {
      .kind = HF_AGGREGATOR_WAITING, .job = &chain->watch.key, .text = hf_error_message()};
  if (!chain->watch.told) agg_tell(a, &e);
  chain->watch.told = chain->blocked = true;
  chain->watch.retry_ms = agg_now(a) + AGG_RETRY_MS;
}

/* The job of the chain's next batch. */
static hf_status find_job(hf_aggregator *a, agg_chain *chain, hf_job_record *job, bool *done) {
  hf_status status;
  if (!chain->watch.submitted) HF_TRY(agg_batch_key(a, chain->name, chain->number + 1, &chain->watch.key));
  status = agg_look(a, &chain->watch, 0, job, done);
  chain->watch.submitted = status == HF_OK;
  if (status == HF_E_NOT_FOUND)
    chain->watch = (agg_watch){0}; /* not sealed yet by its sequencer, or cleared */
out:
  return status;
}

static hf_status look_for_next(hf_aggregator *a, agg_chain *chain) {
  hf_status status = HF_OK;
  bool done, ok;
  if (chain->ready || agg_now(a) < chain->watch.retry_ms) return HF_OK;
  hf_job_record *job = calloc(1, sizeof *job);
  if (job == NULL) return hf_fail(HF_E_MEMORY, "no memory for a job");
  chain->open = chain->blocked = false;
  chain->watch.retry_ms = 0;
  status = find_job(a, chain, job, &done);
  if (status == HF_E_NOT_FOUND) {
    status = HF_OK;
    goto out;
  }
  if (status != HF_OK) goto out;
  if (done) {
    status = check(a, chain, job, &ok);
    if (status == HF_E_NOT_FOUND || agg_is_verdict(status)) {
      block(a, chain);
      status = HF_OK;
      goto out;
    }
    chain->ready = status == HF_OK && ok;
    if (status != HF_OK || ok) goto out;
    HF_TRY(agg_refuse(a, &chain->watch, 0, job, hf_error_message()));
  }
  chain->blocked = !hf_job_state_open(job->state) && job->state != HF_JOB_DONE;
  chain->open = !chain->blocked;
out:
  free(job);
  return status;
}

/* ---- the order of leaves ---- */

static agg_seal *open_seal(const hf_aggregator *a) {
  agg_seal *last = a->seal_count > 0 ? a->seals[a->seal_count - 1] : NULL;
  return last == NULL || last->submitted || last->plan.closed ? NULL : last;
}

/* The chain whose next batch was proven first; ties by the order of the names, so that it is always the same
 * one. */
static agg_chain *first_ready(hf_aggregator *a) {
  agg_chain *best = NULL;
  for (size_t i = 0; i < a->chain_count; i++) {
    agg_chain *c = &a->chains[i];
    if (!c->ready) continue;
    if (best == NULL || c->next.arrival_ms < best->next.arrival_ms ||
        (c->next.arrival_ms == best->next.arrival_ms && strcmp(c->name, best->name) < 0))
      best = c;
  }
  return best;
}

static void closes_at(agg_seal *s, uint64_t ms, const char *why) {
  if (ms >= s->closes_ms) return;
  s->closes_ms = ms;
  s->closes = why;
}

/* Upper bounds of what a record adds to the transaction that settles it; verifier/evm/README.md has the gas by part, the rows'
 * lengths are those of IHyperfold.sol. */
static void l1_cost(const hf_batch_record *record, uint64_t *gas, uint64_t *bytes) {
  enum { RECORD_GAS = 40000, BYTE_GAS = 16, WITHDRAWAL_GAS = 27000, DEPOSIT_GAS = 35000, TRANSFER_GAS = 2000 };
  uint64_t transfers = 0, withdrawals = 0, deposits = 0;
  (void)hf_word_get_u64(record->word[HF_RECORD_TRANSFERS], &transfers); /* checked: u32 */
  (void)hf_word_get_u64(record->word[HF_RECORD_WITHDRAWALS], &withdrawals);
  (void)hf_word_get_u64(record->word[HF_RECORD_DEPOSIT_COUNT], &deposits);
  uint64_t own = 32u * (HF_RECORD_WORDS - 4 * HF_IMPORTS) + 128 + 23 * transfers + 43 * withdrawals + 107 * deposits;
  *bytes += own;
  *gas += RECORD_GAS + BYTE_GAS * own + WITHDRAWAL_GAS * withdrawals + DEPOSIT_GAS * deposits + TRANSFER_GAS * transfers;
}

static bool has_room_on_l1(const agg_seal *s, const hf_batch_record *one_more) {
  uint64_t gas = 400000, bytes = 2500; /* the proof and its verification */
  for (uint32_t i = 0; i < s->records; i++) l1_cost(&s->record[i], &gas, &bytes);
  l1_cost(one_more, &gas, &bytes);
  return gas <= HF_SEAL_GAS && bytes <= HF_SEAL_BYTES;
}

static hf_status enter(hf_aggregator *a, agg_chain *chain) {
  hf_status status = HF_OK;
  agg_seal *s = open_seal(a);
  const agg_leaf *leaf = &chain->next;
  if (s != NULL && leaf->arrival_ms > s->closes_ms) {
    agg_seal_close(a, s, s->closes);
    s = NULL;
  }
  if (s != NULL && !has_room_on_l1(s, &leaf->record)) {
    agg_seal_close(a, s, "room on L1");
    s = NULL;
  }
  if (s == NULL) {
    HF_TRY(agg_seal_add(a, a->next_seal, &s));
    a->next_seal++;
    s->began_ms = leaf->arrival_ms;
    if (a->options.seal_age_ms != 0) closes_at(s, leaf->arrival_ms + a->options.seal_age_ms, "age");
  }
  if (a->options.margin_ms != 0 && leaf->deadline_ms != 0)
    closes_at(s, leaf->deadline_ms > a->options.margin_ms ? leaf->deadline_ms - a->options.margin_ms : 0,
              "deadline");
  uint32_t place = s->records++;
  hf_plan_add(&s->plan);
  s->record[place] = leaf->record;
  s->item[s->plan.leaf[place]] = (agg_item){
      .done = true, .vk = leaf->vk, .proof = leaf->proof, .entry = leaf->entry, .watch = chain->watch};
  agg_tell(a, &(hf_aggregator_event){
                  .kind = HF_AGGREGATOR_LEAF, .seal = s->number, .place = place, .job = &chain->watch.key});
  chain->number = leaf->number;
  chain->has_root = true;
  memcpy(chain->root, leaf->record.word[HF_RECORD_NEW_ROOT], 32);
  chain->ready = false;
  chain->watch = (agg_watch){0};
  if (s->records == a->options.seal_count) agg_seal_close(a, s, "count");
out:
  return status;
}

hf_status agg_take_leaves(hf_aggregator *a) {
  hf_status status = HF_OK;
  bool under_way = false;
  for (size_t i = 0; i < a->chain_count; i++) {
    if (is_wanted(a, a->chains[i].name)) HF_TRY(look_for_next(a, &a->chains[i]));
  }
  for (agg_chain *c; (c = first_ready(a)) != NULL;) {
    const agg_seal *open = open_seal(a);
    bool fits = open != NULL && c->next.arrival_ms <= open->closes_ms && has_room_on_l1(open, &c->next.record);
    if (!fits && a->seal_count >= AGG_SEALS) break; /* far enough ahead */
    HF_TRY(enter(a, c));
    HF_TRY(look_for_next(a, c));
  }
  agg_seal *s = open_seal(a);
  for (size_t i = 0; i < a->chain_count; i++)
    under_way = under_way || a->chains[i].open || a->chains[i].ready;
  if (s != NULL && agg_now(a) >= s->closes_ms) agg_seal_close(a, s, s->closes);
  if (s != NULL && !s->plan.closed && a->drain && !under_way) agg_seal_close(a, s, "drain");
out:
  return status;
}
