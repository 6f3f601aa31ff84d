#include "sealed.h"

#include <hyperfold/container.h>
#include <hyperfold/file.h>
#include <stdlib.h>
#include <string.h>
#include "verify.h"

void hf_sealed_free(hf_sealed *sealed) {
  for (unsigned i = 0; i < HF_SEAL_RECORDS_MAX; i++) free(sealed->batch[i].data);
  memset(sealed, 0, sizeof *sealed);
}

static size_t data_words(const hf_sealed_batch *batch) { return (size_t)HF_DATA_WORDS * batch->slots; }

static hf_status batch_check(const hf_sealed_batch *batch, uint32_t i) {
  hf_status status = hf_record_check(&batch->record, HF_ROLLUP_DEPTH_MAX);
  if (status != HF_OK) return hf_fail_context(status, "record %u", i);
  for (size_t k = 0; k < data_words(batch); k++)
    if (batch->data[k][31] != 0)
      return hf_fail(HF_E_RANGE, "record %u: data word %zu has more than 248 bits", i, k);
  return HF_OK;
}

static void batch_write(const hf_sealed_batch *batch, hf_writer *w) {
  hf_write_bytes(w, batch->record.word, sizeof batch->record.word);
  hf_write_u32(w, batch->slots);
  hf_write_bytes(w, batch->data, data_words(batch) * 32);
}

static hf_status batch_read(hf_reader *r, uint32_t i, hf_sealed_batch *batch) {
  hf_status status;
  const uint8_t *words;
  HF_TRY(hf_read_bytes(r, "sealed: record", batch->record.word, sizeof batch->record.word));
  HF_TRY(hf_read_u32(r, "sealed: slots", &batch->slots));
  if (batch->slots < 1 || batch->slots > HF_ROLLUP_SLOTS_MAX)
    return hf_fail(HF_E_RANGE, "record %u: %u slots; 1 to %d are allowed", i, batch->slots,
                   HF_ROLLUP_SLOTS_MAX);
  HF_TRY(hf_read_view(r, "sealed: public data", data_words(batch) * 32, &words));
  batch->data = malloc(data_words(batch) * 32);
  if (batch->data == NULL) return hf_fail(HF_E_MEMORY, "no memory for the public data of record %u", i);
  memcpy(batch->data, words, data_words(batch) * 32);
  HF_TRY(batch_check(batch, i));
out:
  return status;
}

static hf_status count_check(uint32_t m) {
  if (m >= 1 && m <= HF_SEAL_RECORDS_MAX) return HF_OK;
  return hf_fail(HF_E_RANGE, "sealed: %u records; a seal has 1 to %d", m, HF_SEAL_RECORDS_MAX);
}

hf_status hf_sealed_encode(const hf_sealed *sealed, hf_writer *w) {
  hf_status status;
  hf_writer payload = {0};
  HF_TRY(count_check(sealed->records));
  if (sealed->proof.kappa < 1 || sealed->proof.kappa > HF_KAPPA_MAX ||
      sealed->proof.public_count > HF_MAX_PUBLIC)
    HF_TRY(hf_fail(HF_E_ARGUMENT, "sealed: not a proof"));
  hf_proof_write(&sealed->proof, &payload);
  hf_write_u32(&payload, sealed->records);
  for (uint32_t i = 0; i < sealed->records; i++) {
    const hf_sealed_batch *batch = &sealed->batch[i];
    if (batch->slots < 1 || batch->slots > HF_ROLLUP_SLOTS_MAX || batch->data == NULL)
      HF_TRY(hf_fail(HF_E_ARGUMENT, "record %u: no public data", i));
    HF_TRY(batch_check(batch, i));
    batch_write(batch, &payload);
  }
  HF_TRY(hf_writer_status(&payload));
  hf_bytes part = {payload.data, payload.length};
  HF_TRY(hf_container_encode(w, HF_SEALED_KIND, HF_SEALED_VERSION, &part, 1));
out:
  hf_writer_free(&payload);
  return status;
}

hf_status hf_sealed_decode(const char *what, const void *data, size_t length, hf_sealed *out) {
  hf_status status;
  const uint8_t *payload;
  size_t payload_length;
  uint32_t version, m;
  memset(out, 0, sizeof *out);
  status = hf_container_decode(what, data, length, HF_SEALED_KIND, HF_SEALED_VERSION, &payload, &payload_length, &version);
  if (status != HF_OK) return status; /* names it already */
  hf_reader r = hf_reader_over(payload, payload_length);
  HF_TRY(hf_proof_read(&r, &out->proof));
  HF_TRY(hf_read_u32(&r, "sealed: records", &m));
  HF_TRY(count_check(m));
  out->records = m;
  for (uint32_t i = 0; i < m; i++) HF_TRY(batch_read(&r, i, &out->batch[i]));
  HF_TRY(hf_read_end(&r, "sealed"));
out:
  if (status == HF_OK) return status;
  hf_sealed_free(out);
  return hf_fail_context(status, "%s", what);
}

hf_status hf_sealed_save(const char *path, const hf_sealed *sealed) {
  hf_writer w = {0};
  hf_status status = hf_sealed_encode(sealed, &w);
  hf_bytes part = {w.data, w.length};
  if (status == HF_OK) status = hf_file_write(path, 0644, &part, 1);
  hf_writer_free(&w);
  return status;
}

hf_status hf_sealed_load(const char *path, hf_sealed *out) {
  uint8_t *data = NULL;
  size_t length;
  memset(out, 0, sizeof *out);
  hf_status status = hf_file_read(path, HF_SEALED_LIMIT, &data, &length);
  if (status == HF_OK) status = hf_sealed_decode(path, data, length, out);
  free(data);
  return status;
}

static bool word_is(const hf_proof *proof, int word, hf_fr value, const char *name) {
  if (hf_fr_eq(proof->public_inputs[word], value)) return true;
  hf_fail(HF_E_VERIFY, "seal: its %s is not that of the records", name);
  return false;
}

hf_status hf_seal_states(const hf_proof *proof, const hf_batch_record *records, uint32_t m, bool *ok) {
  hf_status status;
  hf_fr root, x, y;
  *ok = false;
  if (proof->public_count != HF_SEAL_COUNT)
    return hf_fail(HF_E_MISMATCH, "%u public inputs: a seal has %d", proof->public_count, HF_SEAL_COUNT);
  HF_TRY(hf_records_root(records, m, &root));
  HF_TRY(hf_seal_fingerprint(root, records, m, &x, &y));
  *ok = word_is(proof, HF_SEAL_RECORDS, hf_fr_from_u64(m), "number of records") &&
        word_is(proof, HF_SEAL_STATEMENT, root, "statement") && word_is(proof, HF_SEAL_X, x, "x") &&
        word_is(proof, HF_SEAL_Y, y, "y");
out:
  return status;
}

hf_status hf_sealed_check(const hf_sealed *sealed, const hf_verifying_key *vk, bool *ok) {
  hf_status status;
  bool holds = false;
  hf_batch_record *records = NULL;
  *ok = false;
  if (!vk->seal) return hf_fail(HF_E_MISMATCH, "the key is none of a seal");
  HF_TRY(count_check(sealed->records));
  HF_TRY(hf_verify(vk, &sealed->proof, &holds));
  if (!holds) goto out;
  records = malloc(sealed->records * sizeof *records);
  if (records == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for %u records", sealed->records));
  for (uint32_t i = 0; i < sealed->records; i++) records[i] = sealed->batch[i].record;
  HF_TRY(hf_seal_states(&sealed->proof, records, sealed->records, &holds));
  for (uint32_t i = 0; holds && i < sealed->records; i++) {
    const hf_sealed_batch *b = &sealed->batch[i];
    uint8_t x[32], y[32];
    HF_TRY(hf_data_fingerprint(b->record.word[HF_RECORD_DATA], (const uint8_t(*)[32])b->data, data_words(b),
                               x, y));
    holds = memcmp(x, b->record.word[HF_RECORD_DATA_X], 32) == 0 &&
            memcmp(y, b->record.word[HF_RECORD_DATA_Y], 32) == 0;
    if (!holds) hf_fail(HF_E_VERIFY, "record %u: its x_d and y_d are not those of the posted words", i);
  }
  *ok = holds;
out:
  free(records);
  return status;
}
