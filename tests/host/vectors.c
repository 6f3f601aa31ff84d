#include "vectors.h"
#include <criterion/criterion.h>
#include <hyperfold/bytes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int vectors_each(const char *file, const char *prefix, void (*each)(vector_case *, void *), void *context) {
  char path[512], *line = NULL;
  size_t capacity = 0;
  int found = 0, number = 0;
  snprintf(path, sizeof path, "%s/tests/oracle/vectors/%s", HF_SOURCE_DIR, file);
  FILE *f = fopen(path, "r");
  cr_assert(f != NULL, "cannot read %s", path);
  while (getline(&line, &capacity, f) > 0) {
    vector_case c = {.line = ++number};
    if (line[0] == '#') continue;
    char *save = NULL, *word = strtok_r(line, " \n", &save);
    if (!word || strncmp(word, prefix, strlen(prefix)) != 0) continue;
    c.name = word;
    while ((word = strtok_r(NULL, " \n", &save))) {
      cr_assert(c.words < VECTOR_WORDS, "%s:%d: too many words", file, number);
      c.word[c.words++] = word;
    }
    each(&c, context);
    cr_assert(c.at == c.words, "%s:%d: %d of %d words used", file, number, c.at, c.words);
    found++;
  }
  free(line);
  fclose(f);
  return found;
}

const char *take_word(vector_case *c) {
  cr_assert(c->at < c->words, "line %d is short", c->line);
  return c->word[c->at++];
}

uint64_t take_count(vector_case *c) { return strtoull(take_word(c), NULL, 10); }

static void take_32(vector_case *c, uint8_t out[32]) {
  const char *word = take_word(c);
  cr_assert(strlen(word) == 64 && hf_unhex(word, out, 32) == HF_OK, "line %d: %s", c->line, word);
}

hf_fr take_fr(vector_case *c) {
  uint8_t b[32];
  hf_fr v = hf_fr_zero();
  take_32(c, b);
  cr_assert(hf_fr_from_bytes_be(b, &v), "line %d: not below r", c->line);
  return v;
}

hf_fq take_fq(vector_case *c) {
  uint8_t b[32];
  hf_fq v = hf_fq_zero();
  take_32(c, b);
  cr_assert(hf_fq_from_bytes_be(b, &v), "line %d: not below q", c->line);
  return v;
}

void take_limbs(vector_case *c, uint64_t out[4]) {
  uint8_t b[32];
  take_32(c, b);
  memset(out, 0, 32);
  for (int i = 0; i < 32; i++) out[3 - i / 8] = out[3 - i / 8] << 8 | b[i];
}

/* One after the other: the order of evaluation in an initialiser list of calls is free. */
hf_bjj take_jub(vector_case *c) {
  hf_bjj p;
  p.x = take_fr(c);
  p.y = take_fr(c);
  return p;
}

hf_g1 take_g1(vector_case *c) {
  hf_g1 p;
  p.x = take_fq(c);
  p.y = take_fq(c);
  return p;
}

hf_g2 take_g2(vector_case *c) {
  hf_g2 p;
  p.x.c0 = take_fq(c);
  p.x.c1 = take_fq(c);
  p.y.c0 = take_fq(c);
  p.y.c1 = take_fq(c);
  return p;
}

void take_bytes(vector_case *c, uint8_t *out, size_t capacity, size_t *length) {
  const char *word = take_word(c);
  *length = strcmp(word, "-") == 0 ? 0 : strlen(word) / 2;
  cr_assert(*length <= capacity, "line %d: %zu bytes", c->line, *length);
  if (*length) cr_assert(hf_unhex(word, out, *length) == HF_OK, "line %d", c->line);
}

/* The name with or without its "E_". */
static bool names_status(const char *word, const char *name) {
  return strcmp(word, name) == 0 || (strncmp(name, "E_", 2) == 0 && strcmp(word, name + 2) == 0);
}

hf_status take_status(vector_case *c) {
  const char *word = take_word(c);
#define NAME(name, value, text)                                                                              \
  if (names_status(word, #name)) return (hf_status)value;
  HF_STATUS_LIST(NAME)
#undef NAME
  cr_assert(false, "line %d: unknown status %s", c->line, word);
  return HF_E_INTERNAL;
}
