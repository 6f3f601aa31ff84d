/* Cases as files and lines of JSON, for verifiers that are not linked here. README.md has the form. */
#include <errno.h>
#include <hyperfold/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "corpus.h"

struct corpus_output {
  char folder[256];
  FILE *lines;
  unsigned count;
};

hf_status corpus_output_open(const char *folder, corpus_output **out) {
  char path[512];
  hf_status status = HF_OK;
  corpus_output *o = *out = calloc(1, sizeof *o);
  if (o == NULL) return hf_fail(HF_E_MEMORY, "no memory");
  snprintf(o->folder, sizeof o->folder, "%s", folder);
  if (mkdir(folder, 0777) != 0 && errno != EEXIST)
    HF_TRY(hf_fail(HF_E_IO, "%s: %s", folder, strerror(errno)));
  snprintf(path, sizeof path, "%s/cases.jsonl", folder);
  o->lines = fopen(path, "w");
  if (o->lines == NULL) HF_TRY(hf_fail(HF_E_IO, "%s: %s", path, strerror(errno)));
out:
  if (status != HF_OK) (void)corpus_output_close(out);
  return status;
}

hf_status corpus_output_close(corpus_output **out) {
  corpus_output *o = *out;
  *out = NULL;
  if (o == NULL) return HF_OK;
  int rc = o->lines != NULL ? fclose(o->lines) : 0;
  free(o);
  return rc == 0 ? HF_OK : hf_fail(HF_E_IO, "cases.jsonl: %s", strerror(errno));
}

/* 32-byte words turned round; what is left over at the end goes as it is. */
static void print_words(FILE *f, const uint8_t *bytes, size_t length) {
  for (size_t at = 0; at < length; at += 32) {
    size_t n = length - at < 32 ? length - at : 32;
    for (size_t k = 0; k < n; k++) fprintf(f, "%02x", bytes[n == 32 ? at + 31 - k : at + k]);
  }
}

/* The words behind the digest: public inputs, then the proof. Their count field is not sent. */
static void print_calldata(FILE *f, const corpus_item *item) {
  const hf_writer *w = &item->proof_bytes;
  fprintf(f, "\"calldata\":\"0x");
  if (w->length > 40) print_words(f, w->data + 40, w->length - 40);
  for (unsigned i = 0; i < item->trailing; i++) fprintf(f, "00");
  fprintf(f, "\"");
}

static void print_records(FILE *f, const corpus_item *item) {
  fprintf(f, ",\"records\":[");
  for (uint32_t i = 0; i < item->sealed.records; i++) {
    const hf_sealed_batch *b = &item->sealed.batch[i];
    fprintf(f, "%s{\"slots\":%u,\"words\":\"0x", i ? "," : "", b->slots);
    print_words(f, b->record.word[0], sizeof b->record.word);
    fprintf(f, "\",\"data\":\"0x");
    print_words(f, b->data[0], (size_t)HF_DATA_WORDS * b->slots * 32);
    fprintf(f, "\"}");
  }
  fprintf(f, "]");
}

static hf_status put_file(corpus_output *o, const char *suffix, hf_writer *w) {
  char path[512];
  hf_bytes part = {w->data, w->length};
  snprintf(path, sizeof path, "%s/%u.%s", o->folder, o->count, suffix);
  hf_status status = hf_writer_status(w);
  return status == HF_OK ? hf_file_write(path, 0644, &part, 1) : status;
}

hf_status corpus_output_case(corpus_output *o, const char *name, corpus_item *item) {
  hf_status status;
  hf_writer key = {0}, proof = {0};
  const char *suffix = item->kind == CORPUS_SEAL ? "sealed" : "proof";
  HF_TRY(corpus_item_key(item, &key));
  HF_TRY(corpus_item_proof(item, &proof));
  HF_TRY(put_file(o, "key", &key));
  HF_TRY(put_file(o, suffix, &proof));
  fprintf(o->lines,
          "{\"name\":\"%s\",\"subject\":\"%s\",\"kind\":\"%s\",\"key\":\"%u.key\",\"proof\":\"%u.%s\",", name,
          item->subject->name, corpus_kind_text[item->kind], o->count, o->count, suffix);
  fprintf(o->lines, "\"native\":\"%s\",\"oracle\":\"%s\",", corpus_class_text(item->expected),
          corpus_class_text(item->expected));
  if (item->evm.error != NULL)
    fprintf(o->lines, "\"evm\":{\"%s\":\"%s\"}", item->evm.settle ? "settle" : "verify", item->evm.error);
  else
    fprintf(o->lines, "\"evm\":{\"none\":\"%s\"}", item->evm.reason);
  if (item->kind == CORPUS_SEAL) {
    fprintf(o->lines, ",");
    print_calldata(o->lines, item);
    print_records(o->lines, item);
  }
  fprintf(o->lines, "}\n");
  o->count++;
  if (ferror(o->lines)) status = hf_fail(HF_E_IO, "%s: cannot be written", o->folder);
out:
  hf_writer_free(&key);
  hf_writer_free(&proof);
  return status;
}
