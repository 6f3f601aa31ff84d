#include "classes.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Gadgets that repeat themselves: a row stands for all rows of the same name and constants. */
static const char *const repeating[] = {"merkle update", "sponge",    "S B - h A",
                                        "key table",     "signature", "base point table"};

static uint64_t mix(uint64_t h, const void *data, size_t size) {
  const unsigned char *p = data;
  for (size_t i = 0; i < size; i++) h = (h ^ p[i]) * 0x100000001b3u;
  return h;
}

static bool is_poseidon(unsigned part) { return part >= HF_PART_MERKLE && part <= HF_PART_MIDDLE; }

uint64_t class_key(const hf_circuit *c, hf_constraint k, char label[160]) {
  char path[128];
  const char *name, *gadget;
  bool repeats = false;
  uint32_t r = k.row;
  hf_circuit_where(c, r, path, &name);
  gadget = strrchr(path, '/') == NULL ? path : strrchr(path, '/') + 1;
  for (size_t i = 0; i < sizeof repeating / sizeof *repeating; i++)
    repeats |= strcmp(gadget, repeating[i]) == 0;
  /* The rows that recompose a value from chunks of the range table are one gadget, wherever they stand. */
  bool range = !hf_fr_is_zero(c->fixed[HF_S_RANGE][r]) && !hf_fr_is_zero(c->fixed[HF_S_ARITHMETIC][r]);
  if (range) {
    gadget = name = "range";
    repeats = true;
  }
  if (strcmp(name, "constant") == 0) {
    gadget = strcmp(path, "preamble") == 0 ? "preamble" : name;
    repeats = true;
  }
  bool hash_row = false;
  for (int i = HF_S_MERKLE; i <= HF_S_MIDDLE; i++) hash_row |= !hf_fr_is_zero(c->fixed[i][r]);
  uint64_t h = mix(0xcbf29ce484222325u, &k.part, 1);
  h = mix(h, &k.index, 1);
  /* A permutation's rows are the same everywhere; what enters it and what chooses a child depends on the
   * gadget. */
  bool inside = is_poseidon(k.part) && !(k.part == HF_PART_MERKLE && k.index >= 4);
  if (inside) gadget = "Poseidon2";
  if (inside || repeats || hash_row) {
    h = mix(h, gadget, strlen(gadget));
    if (!inside || hash_row) h = mix(h, name, strlen(name));
    for (int i = HF_Q1; i <= HF_ROM; i++) {
      bool table = i == HF_QC && !hf_fr_is_zero(c->fixed[HF_ROM][r]); /* which table is no matter */
      bool address = i == HF_Q5 && !hf_fr_is_zero(c->fixed[HF_ROM][r]);
      if (!table && !address) h = mix(h, &c->fixed[i][r], sizeof(hf_fr));
    }
  } else {
    h = mix(h, &r, sizeof r);
  }
  snprintf(label, 160, "%.60s: %.60s, %s %u", gadget, name, hf_part_name(k.part), k.index);
  return h;
}

void classes_make(const instance *in, class_list *out) {
  memset(out, 0, sizeof *out);
  size_t count = hf_circuit_constraints(in->circuit, NULL, 0);
  hf_constraint *all = calloc(count, sizeof *all);
  out->list = calloc(count, sizeof *out->list);
  if (all == NULL || out->list == NULL) abort();
  hf_circuit_constraints(in->circuit, all, count);
  for (size_t i = 0; i < count; i++) {
    char label[160], path[128];
    const char *name;
    hf_circuit_where(in->circuit, all[i].row, path, &name);
    /* The preamble uses each gate on fixed values. Nothing depends on it, except for two constants. */
    if (strcmp(path, "preamble") == 0 && strcmp(name, "constant") != 0) continue;
    uint64_t key = class_key(in->circuit, all[i], label);
    uint32_t c = 0;
    while (c < out->count && out->list[c].key != key) c++;
    constraint_class *k = &out->list[c];
    if (c == out->count) {
      out->count++;
      k->key = key;
      memcpy(k->label, label, sizeof label);
      k->part = all[i].part;
      k->index = all[i].index;
      for (int j = 0; j < 4; j++) k->rows[j] = all[i].row;
    }
    /* first; last; some between */
    k->rows[1] = all[i].row;
    if (k->count % 7 == 3) k->rows[2] = all[i].row;
    if (k->count % 11 == 6) k->rows[3] = all[i].row;
    k->count++;
  }
  free(all);
}

void classes_free(class_list *c) {
  free(c->list);
  memset(c, 0, sizeof *c);
}

constraint_class *class_find(const class_list *c, uint64_t key) {
  for (uint32_t i = 0; i < c->count; i++)
    if (c->list[i].key == key) return &c->list[i];
  return NULL;
}
