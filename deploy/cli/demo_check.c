#include "demo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "statement.h"

#define PROOF_LIMIT ((size_t)1 << 20)

static double number(const json_t *object, const char *name) {
  return json_number_value(json_object_get(object, name));
}

static int width_of(const char *name) { return strlen(name) < 8 ? 8 : (int)strlen(name); }

/* The prover's phases have columns of their own, in its order. */
static void print_head(const json_t *phases) {
  const char *name;
  json_t *value;
  printf("\n%-8s %5s %4s %4s %4s %4s  %-14s %7s", "chain", "batch", "ops", "pay", "wdr", "dep", "rows used",
         "expand");
  json_object_foreach((json_t *)phases, name, value) printf(" %*s", width_of(name), name);
  printf(" %7s %8s  %7s %6s  %s\n", "verify", "seconds", "input B", "proof", "worker");
}

/* One proof: valid under the pinned key, about this chain's record. */
static hf_status check_batch(hf_demo *demo, const hf_demo_chain *c, const hf_batch_info *info,
                             const hf_job_record *job, hf_proof *proof) {
  hf_status status;
  uint8_t *data = NULL, statement[32];
  size_t length;
  bool ok = false;
  unsigned long long n = info->number;
  if (job->state != HF_JOB_DONE)
    return hf_fail(HF_E_REFUSED, "%s batch %llu is %s: %s", c->name, n, hf_job_state_text(job->state),
                   job->cause);
  if (!hf_digest_eq(&job->header.vk_digest, &demo->vk_digest))
    return hf_fail(HF_E_MISMATCH, "%s batch %llu pins another key", c->name, n);
  if (!hf_digest_eq(&job->header.input_digest, &info->input_digest))
    return hf_fail(HF_E_MISMATCH, "%s batch %llu: the job has another input than the chain sealed", c->name,
                   n);
  HF_TRY(hf_artifact_get(demo->queue, &job->result, PROOF_LIMIT, &data, &length));
  HF_TRY(hf_proof_decode("proof", data, length, proof));
  HF_TRY(hf_verify(&demo->vk, proof, &ok));
  if (!ok) {
    status = hf_fail_context(HF_E_VERIFY, "%s batch %llu", c->name, n);
    goto out;
  }
  /* The proof is about this record and no other. */
  hf_fr expected;
  HF_TRY(hf_record_statement(&info->record, &expected));
  hf_fr_to_bytes(expected, statement);
  if (memcmp(statement, info->statement, 32) != 0 || proof->public_count < 1 || !hf_fr_eq(expected, proof->public_inputs[0])) {
    status = hf_fail(HF_E_VERIFY, "%s batch %llu: the proof is valid, but about another record", c->name, n);
    goto out;
  }
out:
  free(data);
  return status;
}

static hf_status print_batch(hf_demo *demo, const hf_demo_chain *c, const hf_batch_info *info,
                             const hf_job_record *job, bool first, json_t *batches) {
  hf_status status;
  uint64_t deposits, transfers, withdrawals;
  json_t *report = hf_demo_report_of(demo, &job->header.key);
  if (report == NULL)
    return hf_fail(HF_E_INTERNAL, "no worker reported %s batch %llu", c->name,
                   (unsigned long long)info->number);
  const json_t *prove = json_object_get(report, "prove");
  HF_TRY(hf_word_get_u64(info->record.word[HF_RECORD_DEPOSIT_COUNT], &deposits));
  HF_TRY(hf_word_get_u64(info->record.word[HF_RECORD_TRANSFERS], &transfers));
  HF_TRY(hf_word_get_u64(info->record.word[HF_RECORD_WITHDRAWALS], &withdrawals));
  if (demo->cli->json) {
    json_object_set_new(report, "chain", json_string(c->name));
    json_object_set_new(report, "batch", hf_cli_json_u64(info->number));
    json_object_set_new(report, "operations",
                        json_pack("{s:o, s:o, s:o}", "transfers", hf_cli_json_u64(transfers), "withdrawals",
                                  hf_cli_json_u64(withdrawals), "deposits", hf_cli_json_u64(deposits)));
    json_array_append(batches, report);
  } else {
    const json_t *phases = json_object_get(prove, "phases");
    const char *name;
    json_t *seconds;
    char rows[32];
    snprintf(rows, sizeof rows, "%.0f of 2^%.0f", number(report, "rows"), number(report, "log_n"));
    if (first) print_head(phases);
    printf("%-8s %5llu %4llu %4llu %4llu %4llu  %-14s %7.2f", c->name, (unsigned long long)info->number,
           (unsigned long long)(deposits + transfers + withdrawals), (unsigned long long)transfers,
           (unsigned long long)withdrawals, (unsigned long long)deposits, rows,
           number(report, "witness_seconds"));
    json_object_foreach((json_t *)phases, name, seconds)
        printf(" %*.2f", width_of(name), json_number_value(seconds));
    printf(" %7.3f %8.2f  %7.0f %6.0f  %s\n", number(report, "verify_seconds"), number(report, "seconds"),
           number(report, "input_bytes"), number(report, "proof_bytes"), job->worker);
  }
out:
  json_decref(report);
  return status;
}

hf_status hf_demo_check(hf_demo *demo, json_t *batches, unsigned *count) {
  hf_status status = HF_OK;
  hf_replay *replay = NULL;
  uint8_t *words = NULL;
  size_t length;
  hf_proof *proof = calloc(1, sizeof *proof);
  *count = 0;
  if (proof == NULL) return hf_fail(HF_E_MEMORY, "no memory for a proof");
  for (unsigned i = 0; i < demo->chain_count; i++) {
    const hf_demo_chain *c = &demo->chains[i];
    hf_chain *chain = hf_sequencer_chain(demo->sequencer, i);
    hf_chain_info state;
    uint8_t root[32] = {0};
    HF_TRY(hf_replay_create(&demo->params, &replay));
    hf_chain_get_info(chain, &state);
    for (uint64_t n = 1; n <= state.batches; n++) {
      hf_batch_info info;
      hf_job_record job;
      hf_job_key key;
      HF_TRY(hf_chain_get_batch(chain, n, &info));
      hf_sequencer_job_key(demo->sequencer, c->id, n, &key);
      HF_TRY(hf_queue_get(demo->queue, &key, &job));
      HF_TRY(check_batch(demo, c, &info, &job, proof));
      if (n > 1 && memcmp(root, info.record.word[HF_RECORD_OLD_ROOT], 32) != 0) {
        status = hf_fail(HF_E_VERIFY, "%s: batch %llu does not start from the root of the one before",
                         c->name, (unsigned long long)n);
        goto out;
      }
      memcpy(root, info.record.word[HF_RECORD_NEW_ROOT], 32);
      /* Anybody can rebuild the balances from the posted words alone. */
      HF_TRY(hf_chain_get_data(chain, n, true, &words, &length));
      HF_TRY(hf_replay_batch(replay, &info.record, (const uint8_t(*)[32])words, length / 32, false));
      free(words);
      words = NULL;
      HF_TRY(print_batch(demo, c, &info, &job, *count == 0, batches));
      (*count)++;
    }
    if (memcmp(root, state.root, 32) != 0) {
      status = hf_fail(HF_E_VERIFY, "%s: the last batch does not end at the chain's root", c->name);
      goto out;
    }
    hf_replay_destroy(&replay);
  }
out:
  hf_replay_destroy(&replay);
  free(words);
  free(proof);
  return status;
}
