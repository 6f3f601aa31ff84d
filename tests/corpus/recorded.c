#include "recorded.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Hexadecimal of a little-endian word, most significant digit first, at least one digit. */
static void word_to_text(const uint8_t word[32], char text[65]) {
  uint8_t be[32];
  char all[65];
  for (int i = 0; i < 32; i++) be[i] = word[31 - i];
  hf_hex(be, 32, all);
  size_t skip = strspn(all, "0");
  strcpy(text, all + (skip == 64 ? 63 : skip));
}

static hf_status word_from_text(const char *text, uint8_t word[32]) {
  char all[65];
  uint8_t be[32];
  if (strlen(text) > 64) return hf_fail(HF_E_FORMAT, "a word of more than 64 digits");
  memset(all, '0', 64);
  strcpy(all + 64 - strlen(text), text);
  hf_status status = hf_unhex(all, be, 32);
  for (int i = 0; i < 32; i++) word[i] = be[31 - i];
  return status;
}

static void print_record(FILE *f, uint32_t i, const hf_sealed_batch *before, const hf_sealed_batch *batch) {
  static const uint8_t zero[32];
  char text[65];
  fprintf(f, "record %u\n", i);
  for (int w = 0; w < HF_RECORD_WORDS; w++) {
    const uint8_t *word = batch->record.word[w];
    if (memcmp(word, before != NULL ? before->record.word[w] : zero, 32) == 0) continue;
    word_to_text(word, text);
    fprintf(f, "%d %s\n", w, text);
  }
  for (uint32_t k = 0; k < HF_DATA_WORDS * batch->slots; k++) {
    if (memcmp(batch->data[k], zero, 32) == 0) continue;
    word_to_text(batch->data[k], text);
    fprintf(f, "data %u %s\n", k, text);
  }
}

hf_status recorded_save(const char *folder, const hf_verifying_key *vk, const hf_sealed *sealed) {
  hf_status status;
  char path[512];
  FILE *f = NULL;
  snprintf(path, sizeof path, "%s/seal.vkey", folder);
  HF_TRY(hf_verifying_key_save(path, vk));
  snprintf(path, sizeof path, "%s/seal-%u.proof", folder, sealed->records);
  HF_TRY(hf_proof_save(path, &sealed->proof));
  snprintf(path, sizeof path, "%s/seal-%u.records", folder, sealed->records);
  f = fopen(path, "w");
  if (f == NULL) return hf_fail(HF_E_IO, "%s: %s", path, strerror(errno));
  fprintf(f, "records %u slots %u\n", sealed->records, sealed->batch[0].slots);
  for (uint32_t i = 0; i < sealed->records; i++)
    print_record(f, i, i > 0 ? &sealed->batch[i - 1] : NULL, &sealed->batch[i]);
  if (fclose(f) != 0) status = hf_fail(HF_E_IO, "%s: %s", path, strerror(errno));
out:
  return status;
}

/* One line of the text; *batch is the record that the lines before have begun. */
static hf_status take_line(const char *line, hf_sealed *out, uint32_t slots, uint32_t *count) {
  hf_sealed_batch *batch = *count > 0 ? &out->batch[*count - 1] : NULL;
  unsigned number;
  char text[80];
  if (sscanf(line, "record %u", &number) == 1) {
    if (number != *count || number >= out->records)
      return hf_fail(HF_E_FORMAT, "record %u out of place", number);
    hf_sealed_batch *next = &out->batch[(*count)++];
    if (batch != NULL) next->record = batch->record;
    next->slots = slots;
    next->data = calloc((size_t)HF_DATA_WORDS * slots, 32);
    return next->data != NULL ? HF_OK : hf_fail(HF_E_MEMORY, "no memory for record %u", number);
  }
  if (batch == NULL) return hf_fail(HF_E_FORMAT, "\"%s\" before the first record", line);
  if (sscanf(line, "data %u %79s", &number, text) == 2 && number < HF_DATA_WORDS * slots)
    return word_from_text(text, batch->data[number]);
  if (sscanf(line, "%u %79s", &number, text) == 2 && number < HF_RECORD_WORDS)
    return word_from_text(text, batch->record.word[number]);
  return hf_fail(HF_E_FORMAT, "\"%s\" says nothing", line);
}

static hf_status records_load(FILE *f, uint32_t m, hf_sealed *out) {
  char line[256];
  unsigned records, slots;
  uint32_t count = 0;
  if (fgets(line, sizeof line, f) == NULL || sscanf(line, "records %u slots %u", &records, &slots) != 2 ||
      records != m || m < 1 || m > HF_SEAL_RECORDS_MAX || slots < 1 || slots > HF_ROLLUP_SLOTS_MAX)
    return hf_fail(HF_E_FORMAT, "not the records of a seal of %u", m);
  out->records = m;
  while (fgets(line, sizeof line, f) != NULL) {
    line[strcspn(line, "\n")] = '\0';
    hf_status status = take_line(line, out, slots, &count);
    if (status != HF_OK) return status;
  }
  return count == m ? HF_OK : hf_fail(HF_E_FORMAT, "%u records of %u", count, m);
}

hf_status recorded_load(const char *folder, uint32_t m, hf_verifying_key *vk, hf_sealed *out) {
  hf_status status;
  char path[512];
  FILE *f = NULL;
  memset(out, 0, sizeof *out);
  snprintf(path, sizeof path, "%s/seal.vkey", folder);
  HF_TRY(hf_verifying_key_load(path, vk));
  snprintf(path, sizeof path, "%s/seal-%u.proof", folder, m);
  HF_TRY(hf_proof_load(path, &out->proof));
  snprintf(path, sizeof path, "%s/seal-%u.records", folder, m);
  f = fopen(path, "r");
  if (f == NULL) HF_TRY(hf_fail(errno == ENOENT ? HF_E_NOT_FOUND : HF_E_IO, "%s: %s", path, strerror(errno)));
  HF_TRY(records_load(f, m, out));
out:
  if (f != NULL) fclose(f);
  if (status != HF_OK) hf_sealed_free(out);
  return status;
}
