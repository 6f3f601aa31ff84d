#include "shape.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the builder's variables, seen from outside ---- */

/* The tests are linked with --wrap=hf_var_new: gadgets make their computed variables through it. Hints pass
 * the hook. */
hf_var __real_hf_var_new(hf_builder *b, hf_fr value);
hf_var __wrap_hf_var_new(hf_builder *b, hf_fr value);

enum { SYNC_EVERY = 256, PROCESSES = 2 };

static struct {
  shape *s;
  hf_builder *b; /* set once it exists; its preamble is out of reach */
  const shape_lie *lies;
  uint32_t lie_count, next_lie;
  /* the honest run of shape_make */
  bool noting;
  uint32_t hint_capacity;
  /* shape_run */
  trial *trials;
  uint32_t trial_count, next_trial;
  bool child;
  uint32_t seen; /* variables compared with the honest ones */
  uint32_t *dirty, dirty_count;
  bool *is_dirty;
  bool changed_write; /* what was written to a table is read later */
  hf_fr *published;   /* shared with the parent */
} run;

static void *get(size_t count, size_t size) {
  void *p = calloc(count + 1, size);
  if (p == NULL) abort();
  return p;
}

static void lie_about(uint32_t var, hf_fr *value) {
  while (run.next_lie < run.lie_count && run.lies[run.next_lie].var < var) run.next_lie++;
  if (run.next_lie == run.lie_count || run.lies[run.next_lie].var != var) return;
  const shape_lie *l = &run.lies[run.next_lie];
  *value = l->add ? hf_fr_add(*value, l->value) : l->value;
}

static void branch(uint32_t var);
static void sync_child(bool end);

static void before_variable(hf_fr *value) {
  uint32_t var = (uint32_t)run.b->vars;
  if (run.trials != NULL && !run.child) branch(var);
  if (run.child && var >= run.seen + SYNC_EVERY) sync_child(false);
  lie_about(var, value);
}

hf_var __wrap_hf_var_new(hf_builder *b, hf_fr value) {
  if (b == run.b && b != NULL) before_variable(&value);
  return __real_hf_var_new(b, value);
}

static void hook(void *context, uint32_t hint, const char *name, hf_fr *value) {
  (void)context;
  (void)hint;
  if (run.b == NULL) return;
  shape *s = run.s;
  if (run.noting) {
    if (s->hint_count == run.hint_capacity) {
      run.hint_capacity = run.hint_capacity ? 2 * run.hint_capacity : 4096;
      s->hints = realloc(s->hints, run.hint_capacity * sizeof *s->hints);
      if (s->hints == NULL) abort();
    }
    s->hints[s->hint_count++] = (shape_hint){(uint32_t)run.b->vars, run.b->scope, name};
  }
  before_variable(value);
}

/* The builder after its circuit was laid, before it is finished. */
static hf_builder *lay(shape *s) {
  hf_builder_options options = s->options;
  hf_builder *b;
  options.hint_hook = hook;
  run.s = s;
  if (hf_builder_create(&options, &b) != HF_OK) abort();
  run.b = b;
  if (s->build(b, s->context) != HF_OK || hf_builder_status(b) != HF_OK) {
    fprintf(stderr, "%s: %s\n", s->name, b->message);
    abort();
  }
  return b;
}

static void forget_run(void) { memset(&run, 0, sizeof run); }

/* ---- the honest run ---- */

static bool on(const hf_circuit *c, int column, uint32_t row) {
  return !hf_fr_is_zero(c->fixed[column][row]);
}

static bool is_write(const hf_circuit *c, uint32_t row) {
  return hf_fr_eq(c->fixed[HF_ROM][row], hf_fr_neg(hf_fr_one()));
}

static void note_cells(shape *s, const hf_builder *b) {
  uint32_t publics = s->circuit->public_count;
  s->cell = get(s->rows, sizeof *s->cell);
  s->cell_from = get(s->vars + 1, sizeof *s->cell_from);
  s->cells = get((size_t)HF_WIRES * s->rows, sizeof *s->cells);
  for (uint32_t r = 0; r < s->rows; r++)
    for (unsigned w = 0; w < HF_WIRES; w++) {
      uint32_t v = r < publics ? (w == 0 ? b->publics[r] : HF_NO_VAR) : b->rows[r - publics].w[w];
      s->cell[r][w] = v;
      if (v != HF_NO_VAR) s->cell_from[v + 1]++;
    }
  for (uint32_t v = 0; v < s->vars; v++) s->cell_from[v + 1] += s->cell_from[v];
  uint32_t *at = get(s->vars, sizeof *at);
  memcpy(at, s->cell_from, s->vars * sizeof *at);
  for (uint32_t r = 0; r < s->rows; r++)
    for (unsigned w = 0; w < HF_WIRES; w++)
      if (s->cell[r][w] != HF_NO_VAR) s->cells[at[s->cell[r][w]]++] = HF_WIRES * r + w;
  free(at);
}

/* For each cell the youngest variable of its copies. */
static uint32_t *youngest_copies(const shape *s) {
  uint32_t count = HF_WIRES * s->rows, *out = get(count, sizeof *out);
  const uint32_t *copy = s->circuit->notes->copy;
  bool *done = get(count, sizeof *done);
  for (uint32_t c = 0; c < count; c++) {
    if (done[c] || s->cell[c / HF_WIRES][c % HF_WIRES] == HF_NO_VAR) continue;
    uint32_t youngest = 0, at = c;
    do {
      uint32_t v = s->cell[at / HF_WIRES][at % HF_WIRES];
      if (v > youngest) youngest = v;
      at = copy[at];
    } while (at != c);
    do {
      out[at] = youngest;
      done[at] = true;
      at = copy[at];
    } while (at != c);
  }
  free(done);
  return out;
}

static void note_decided(shape *s) {
  uint32_t *youngest = youngest_copies(s), *own = get(s->rows + 1, sizeof *own);
  for (uint32_t r = 0; r < s->rows; r++)
    for (uint32_t k = r; k <= r + 1 && k < s->rows; k++)
      for (unsigned w = 0; w < HF_WIRES; w++) {
        uint32_t v = youngest[HF_WIRES * k + w] + 1;
        if (s->cell[k][w] != HF_NO_VAR && v > own[r]) own[r] = v;
      }
  /* an identity is decided as a whole */
  for (uint32_t r = 0; r < s->rows; r++) {
    if (!on(s->circuit, HF_S_NONNATIVE, r) || !on(s->circuit, HF_Q4, r)) continue;
    uint32_t end = r, most = 0;
    do {
      if (own[end] > most) most = own[end];
      end++;
    } while (on(s->circuit, HF_S_NONNATIVE, end) && !on(s->circuit, HF_Q4, end));
    if (own[end] > most)
      most = own[end]; /* its constraints, where it starts on the row after this identity */
    for (uint32_t k = r; k < end; k++) own[k] = most;
  }
  s->decided = get(s->rows, sizeof *s->decided);
  for (uint32_t r = 0; r < s->rows; r++) s->decided[r] = r > 0 && own[r - 1] > own[r] ? own[r - 1] : own[r];
  free(own);
  free(youngest);
}

/* Moves memory that only the parent writes, and only before a fork. */
static void *share(shape *s, void *from, size_t bytes) {
  void *to = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (to == MAP_FAILED || s->shared_count == sizeof s->shared / sizeof *s->shared) abort();
  memcpy(to, from, bytes);
  free(from);
  s->shared[s->shared_count].at = to;
  s->shared[s->shared_count++].bytes = bytes;
  return to;
}

static void share_all(shape *s) {
  size_t n = (size_t)1 << s->circuit->log_n;
  for (int i = 0; i < HF_FIXED_COUNT; i++)
    s->circuit->fixed[i] = share(s, s->circuit->fixed[i], n * sizeof(hf_fr));
  s->circuit->notes->copy = share(s, s->circuit->notes->copy, HF_WIRES * n * sizeof(uint32_t));
  s->value = share(s, s->value, s->vars * sizeof *s->value);
  s->cell = share(s, s->cell, s->rows * sizeof *s->cell);
  s->cells = share(s, s->cells, (size_t)HF_WIRES * s->rows * sizeof *s->cells);
  s->cell_from = share(s, s->cell_from, (s->vars + 1) * sizeof *s->cell_from);
  s->decided = share(s, s->decided, s->rows * sizeof *s->decided);
}

static void unshare_all(shape *s) {
  if (s->shared_count == 0) return;
  for (unsigned i = 0; i < s->shared_count; i++) munmap(s->shared[i].at, s->shared[i].bytes);
  for (int i = 0; i < HF_FIXED_COUNT; i++) s->circuit->fixed[i] = NULL;
  s->circuit->notes->copy = NULL;
  s->value = NULL;
  s->cell = NULL;
  s->cells = s->cell_from = s->decided = NULL;
}

void shape_make(shape *s, const char *name, const hf_builder_options *options, shape_build build,
                const void *context) {
  memset(s, 0, sizeof *s);
  s->name = name;
  s->options = *options;
  s->build = build;
  s->context = context;
  forget_run();
  run.noting = true;
  hf_builder *b = lay(s);
  s->vars = (uint32_t)b->vars;
  s->value = get(s->vars, sizeof *s->value);
  memcpy(s->value, b->value, s->vars * sizeof *s->value);
  if (hf_builder_finish(b, &s->circuit) != HF_OK || hf_circuit_check(s->circuit) != HF_OK) {
    fprintf(stderr, "%s: %s\n", name, hf_error_message());
    abort();
  }
  s->rows = s->circuit->used_rows;
  s->public_inputs = get(s->circuit->public_count, sizeof *s->public_inputs);
  memcpy(s->public_inputs, s->circuit->public_inputs, s->circuit->public_count * sizeof *s->public_inputs);
  note_cells(s, b);
  note_decided(s);
  hf_builder_destroy(&b);
  share_all(s);
  forget_run();
}

void shape_free(shape *s) {
  unshare_all(s);
  hf_circuit_destroy(&s->circuit);
  free(s->public_inputs);
  free(s->value);
  free(s->cell);
  free(s->cell_from);
  free(s->cells);
  free(s->decided);
  free(s->hints);
  free(s->lied);
  free(s->touched);
  memset(s, 0, sizeof *s);
}

/* ---- lies ---- */

static void lie_put(shape_lies *told, shape_lie l) {
  uint32_t i = told->count;
  if (i == SHAPE_LIES) abort();
  while (i > 0 && told->list[i - 1].var > l.var) {
    told->list[i] = told->list[i - 1];
    i--;
  }
  if (i > 0 && told->list[i - 1].var == l.var) { /* the later one holds */
    memmove(&told->list[i], &told->list[i + 1], (told->count - i) * sizeof l);
    told->list[i - 1] = l;
    return;
  }
  told->list[i] = l;
  told->count++;
}

void shape_lie_set(shape_lies *told, uint32_t var, hf_fr value) {
  lie_put(told, (shape_lie){var, false, value});
}
void shape_lie_add(shape_lies *told, uint32_t var, hf_fr value) {
  lie_put(told, (shape_lie){var, true, value});
}

/* ---- one attempt ---- */

static void write_cell(shape *s, uint32_t cell, hf_fr value) {
  uint32_t row = cell / HF_WIRES;
  s->circuit->wires[cell % HF_WIRES][row] = value;
  if (row < s->circuit->public_count && cell % HF_WIRES == 0) s->circuit->public_inputs[row] = value;
}

void shape_set_cell(shape *s, uint32_t row, unsigned wire, hf_fr value) {
  if (s->touched_count == s->touched_capacity) {
    s->touched_capacity = s->touched_capacity ? 2 * s->touched_capacity : 1024;
    s->touched = realloc(s->touched, s->touched_capacity * sizeof *s->touched);
    if (s->touched == NULL) abort();
  }
  uint32_t cell = HF_WIRES * row + wire;
  s->touched[s->touched_count++] = (shape_touched){cell, s->circuit->wires[wire][row]};
  write_cell(s, cell, value);
}

void shape_set_var(shape *s, uint32_t var, hf_fr value) {
  for (uint32_t i = s->cell_from[var]; i < s->cell_from[var + 1]; i++)
    shape_set_cell(s, s->cells[i] / HF_WIRES, s->cells[i] % HF_WIRES, value);
}

void shape_restore(shape *s) {
  while (s->touched_count > 0) {
    shape_touched t = s->touched[--s->touched_count];
    write_cell(s, t.cell, t.value);
  }
}

void shape_judge(shape *s, attempt *out) {
  if (!s->light) hf_circuit_recount(s->circuit);
  if (hf_circuit_failures(s->circuit, out->failures, SHAPE_FAILURES, &out->failure_count) != HF_OK) abort();
}

void shape_try(shape *s, const shape_lies *told, attempt *out) {
  forget_run();
  run.lies = told->list;
  run.lie_count = told->count;
  hf_builder *b = lay(s);
  if (b->vars != s->vars) abort();
  if (s->lied == NULL) s->lied = get(s->vars, sizeof *s->lied);
  memcpy(s->lied, b->value, s->vars * sizeof *s->lied);
  hf_builder_destroy(&b);
  forget_run();
  for (uint32_t v = 0; v < s->vars; v++) {
    if (hf_fr_eq(s->lied[v], s->value[v])) continue;
    shape_set_var(s, v, s->lied[v]);
  }
  out->value = s->lied;
  out->same_public = memcmp(s->public_inputs, s->circuit->public_inputs,
                            s->circuit->public_count * sizeof *s->public_inputs) == 0;
  shape_judge(s, out);
}

/* ---- many ---- */

static void accept(void) {
  const hf_circuit *c = run.s->circuit;
  memcpy(run.published, c->public_inputs, c->public_count * sizeof *run.published);
  bool same = memcmp(run.s->public_inputs, c->public_inputs, c->public_count * sizeof *run.published) == 0;
  _exit(same ? TRIAL_ACCEPTED : TRIAL_OTHER_PUBLIC);
}

/* What the child of a trial changed since it looked last; ends the process where a decided constraint fails.
 */
static void sync_child(bool end) {
  shape *s = run.s;
  uint32_t now = (uint32_t)run.b->vars;
  for (; run.seen < now; run.seen++) {
    if (hf_fr_eq(run.b->value[run.seen], s->value[run.seen])) continue;
    for (uint32_t i = s->cell_from[run.seen]; i < s->cell_from[run.seen + 1]; i++) {
      uint32_t row = s->cells[i] / HF_WIRES;
      write_cell(s, s->cells[i], run.b->value[run.seen]);
      /* a changed write is found by its reads, and by the row before, which may look ahead */
      if (is_write(s->circuit, row)) {
        run.changed_write = true;
        if (row == 0 || is_write(s->circuit, row - 1)) continue;
        row--;
      }
      if (run.is_dirty[row]) continue;
      run.is_dirty[row] = true;
      run.dirty[run.dirty_count++] = row;
    }
  }
  uint32_t kept = 0;
  for (uint32_t i = 0; i < run.dirty_count; i++) {
    uint32_t row = run.dirty[i];
    bool ok;
    if (!end && s->decided[row] > now) {
      run.dirty[kept++] = row;
      continue;
    }
    run.is_dirty[row] = false;
    if (hf_circuit_check_rows(s->circuit, &row, 1, &ok) != HF_OK || !ok) _exit(TRIAL_REFUSED);
  }
  run.dirty_count = kept;
  if (end || (kept == 0 && !run.changed_write && run.next_lie == run.lie_count)) accept();
}

static struct {
  pid_t pid;
  trial *trial;
} running[PROCESSES];
static hf_fr (*published)[HF_SEAL_WORDS]; /* by process */

static void wait_for(unsigned i) {
  int status;
  if (running[i].pid == 0) return;
  if (waitpid(running[i].pid, &status, 0) != running[i].pid || !WIFEXITED(status) ||
      WEXITSTATUS(status) > TRIAL_OTHER_PUBLIC) {
    fprintf(stderr, "%s: a trial ended in an unexpected way\n", run.s->name);
    abort();
  }
  running[i].trial->verdict = (trial_verdict)WEXITSTATUS(status);
  memcpy(running[i].trial->public_inputs, published[i], sizeof published[i]);
  running[i].pid = 0;
}

/* Processes for the trials that begin with this variable. */
static void branch(uint32_t var) {
  for (; run.next_trial < run.trial_count && run.trials[run.next_trial].lies[0].var == var;
       run.next_trial++) {
    unsigned slot = run.next_trial % PROCESSES;
    wait_for(slot);
    running[slot].trial = &run.trials[run.next_trial];
    running[slot].pid = fork();
    if (running[slot].pid < 0) abort();
    if (running[slot].pid > 0) continue;
    run.child = true;
    run.published = published[slot];
    run.seen = var;
    run.lies = run.trials[run.next_trial].lies;
    run.lie_count = run.trials[run.next_trial].count;
    run.next_lie = 0;
    return;
  }
}

static int by_first(const void *x, const void *y) {
  const trial *a = x, *b = y;
  return a->lies[0].var < b->lies[0].var ? -1 : a->lies[0].var > b->lies[0].var;
}

void shape_run(shape *s, trial *trials, uint32_t count) {
  shape_restore(s);
  qsort(trials, count, sizeof *trials, by_first);
  forget_run();
  run.trials = trials;
  run.trial_count = count;
  uint32_t *dirty = get(s->rows, sizeof *dirty);
  bool *is_dirty = get(s->rows, sizeof *is_dirty);
  run.dirty = dirty;
  run.is_dirty = is_dirty;
  published =
      mmap(NULL, PROCESSES * sizeof *published, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (published == MAP_FAILED) abort();
  hf_builder *b = lay(s);
  if (run.child) sync_child(true);
  for (unsigned i = 0; i < PROCESSES; i++) wait_for(i);
  if (run.next_trial != count)
    abort(); /* a trial that begins with a variable that is no hint and not computed */
  hf_builder_destroy(&b);
  forget_run();
  munmap(published, PROCESSES * sizeof *published);
  free(dirty);
  free(is_dirty);
}

/* ---- help ---- */

void shape_scope(const shape *s, uint32_t scope, char path[128]) {
  const hf_scope_rows *tree = s->circuit->notes->tree;
  uint32_t chain[16];
  size_t depth = 0, length = 0;
  path[0] = 0;
  for (; scope != 0 && depth < 16; scope = tree[scope].parent) chain[depth++] = scope;
  while (depth-- > 0 && length < 120) {
    int wrote = snprintf(path + length, 128 - length, "%s%s", length ? "/" : "", tree[chain[depth]].name);
    length += wrote > 0 ? (size_t)wrote : 0;
  }
}

uint32_t shape_var_at(const shape *s, uint32_t row, unsigned wire) {
  return row < s->rows ? s->cell[row][wire] : HF_NO_VAR;
}

const shape_hint *shape_hint_of(const shape *s, uint32_t var) {
  uint32_t low = 0, high = s->hint_count;
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    if (s->hints[middle].var < var)
      low = middle + 1;
    else
      high = middle;
  }
  return low < s->hint_count && s->hints[low].var == var ? &s->hints[low] : NULL;
}
