#include "yul.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { CONSTANT, CALLDATA, MEMORY, ADD, SUB, MUL };

#define BOUND_MOST 5
/* How deep the operands of one statement may lie on the stack: r and r5 must stay within the reach of DUP16.
 */
#define DEPTH_MOST 9
#define TABLE      4096 /* buckets */
#define NO_PLACE   UINT32_MAX

typedef struct node {
  enum kind kind;
  hf_fr value;    /* CONSTANT */
  uint32_t place; /* CALLDATA, MEMORY */
  uint32_t a, b;  /* operands, always older nodes */
  uint32_t next;  /* in the same bucket */
  uint64_t hash;  /* of the expression, whatever the order in which nodes were made */
  /* while writing */
  uint32_t uses, left; /* all uses; those still to come */
  uint32_t bound;      /* the value is at most this many times r */
  uint32_t depth;      /* stack slots while it is computed */
  uint32_t address;    /* of the value once it is kept, else NO_PLACE */
  bool kept;
} node;

struct hf_yul_graph {
  node *nodes;
  uint32_t count, capacity;
  uint32_t bucket[TABLE]; /* node + 1 */
  hf_status status;
};

hf_status hf_yul_create(hf_yul_graph **out) {
  *out = calloc(1, sizeof **out);
  return *out ? HF_OK : hf_fail(HF_E_MEMORY, "no memory for a graph of expressions");
}

void hf_yul_destroy(hf_yul_graph **graph) {
  if (!*graph) return;
  free((*graph)->nodes);
  free(*graph);
  *graph = NULL;
}

hf_status hf_yul_status(const hf_yul_graph *graph) { return graph->status; }

static uint64_t hash_of(const hf_yul_graph *g, const node *n) {
  bool leaf = n->kind < ADD;
  uint64_t parts[] = {n->kind,
                      n->place,
                      leaf ? 0 : g->nodes[n->a].hash,
                      leaf ? 0 : g->nodes[n->b].hash,
                      n->value.l[0],
                      n->value.l[1],
                      n->value.l[2],
                      n->value.l[3]};
  uint64_t h = 0;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    h = (h ^ parts[i]) * 0x9e3779b97f4a7c15u, h ^= h >> 29;
  return h;
}

/* The node that says the same, or a new one. */
static hf_yul intern(hf_yul_graph *g, node n) {
  n.hash = hash_of(g, &n);
  uint32_t bucket = (uint32_t)(n.hash % TABLE);
  for (uint32_t i = g->bucket[bucket]; i != 0; i = g->nodes[i - 1].next) {
    const node *m = &g->nodes[i - 1];
    if (m->kind == n.kind && m->place == n.place && m->a == n.a && m->b == n.b && hf_fr_eq(m->value, n.value))
      return (hf_yul){i - 1};
  }
  if (g->count == g->capacity) {
    uint32_t more = g->capacity ? 2 * g->capacity : 1024;
    node *nodes = realloc(g->nodes, more * sizeof *nodes);
    if (!nodes) {
      if (g->status == HF_OK) g->status = hf_fail(HF_E_MEMORY, "no memory for %u expressions", more);
      return (hf_yul){0};
    }
    g->nodes = nodes;
    g->capacity = more;
  }
  n.next = g->bucket[bucket];
  g->nodes[g->count] = n;
  g->bucket[bucket] = ++g->count;
  return (hf_yul){g->count - 1};
}

hf_yul hf_yul_constant(hf_yul_graph *g, hf_fr value) {
  return intern(g, (node){.kind = CONSTANT, .value = value});
}
hf_yul hf_yul_calldata(hf_yul_graph *g, uint32_t offset) {
  return intern(g, (node){.kind = CALLDATA, .place = offset});
}
hf_yul hf_yul_memory(hf_yul_graph *g, uint32_t address) {
  return intern(g, (node){.kind = MEMORY, .place = address});
}

static bool is_constant(const hf_yul_graph *g, hf_yul x, uint64_t k) {
  const node *n = &g->nodes[x.node];
  return n->kind == CONSTANT && hf_fr_eq(n->value, hf_fr_from_u64(k));
}

/* Both constants: the result is one. */
static bool folded(const hf_yul_graph *g, hf_yul x, hf_yul y, hf_fr *a, hf_fr *b) {
  if (g->count == 0 || g->nodes[x.node].kind != CONSTANT || g->nodes[y.node].kind != CONSTANT) return false;
  *a = g->nodes[x.node].value;
  *b = g->nodes[y.node].value;
  return true;
}

/* Operands of a sum or product in one order, so that x y and y x are one node. The order is that of the
 * hashes: the text must not depend on the order in which a compiler evaluates a function's arguments. */
static hf_yul commutative(hf_yul_graph *g, enum kind kind, hf_yul x, hf_yul y) {
  bool swap = g->nodes[x.node].hash > g->nodes[y.node].hash;
  return intern(g, (node){.kind = kind, .a = swap ? y.node : x.node, .b = swap ? x.node : y.node});
}

hf_yul hf_yul_add(hf_yul_graph *g, hf_yul x, hf_yul y) {
  hf_fr a, b;
  if (g->status != HF_OK) return x;
  if (folded(g, x, y, &a, &b)) return hf_yul_constant(g, hf_fr_add(a, b));
  if (is_constant(g, x, 0)) return y;
  if (is_constant(g, y, 0)) return x;
  return commutative(g, ADD, x, y);
}

hf_yul hf_yul_sub(hf_yul_graph *g, hf_yul x, hf_yul y) {
  hf_fr a, b;
  if (g->status != HF_OK) return x;
  if (folded(g, x, y, &a, &b)) return hf_yul_constant(g, hf_fr_sub(a, b));
  if (is_constant(g, y, 0)) return x;
  return intern(g, (node){.kind = SUB, .a = x.node, .b = y.node});
}

hf_yul hf_yul_mul(hf_yul_graph *g, hf_yul x, hf_yul y) {
  hf_fr a, b;
  if (g->status != HF_OK) return x;
  if (folded(g, x, y, &a, &b)) return hf_yul_constant(g, hf_fr_mul(a, b));
  if (is_constant(g, x, 0) || is_constant(g, y, 1)) return x;
  if (is_constant(g, y, 0) || is_constant(g, x, 1)) return y;
  return commutative(g, MUL, x, y);
}

/* ---- writing ---- */

static bool is_leaf(const node *n) { return n->kind < ADD; }

/* Everything that the node needs, operands first, into order[]; counts uses. */
static void visit(hf_yul_graph *g, uint32_t index, uint32_t *order, uint32_t *count) {
  node *n = &g->nodes[index];
  if (n->uses++ > 0) return;
  if (!is_leaf(n)) {
    visit(g, n->a, order, count);
    visit(g, n->b, order, count);
  }
  order[(*count)++] = index;
}

/* Bounds, depths and what is kept in memory. */
static void plan(hf_yul_graph *g, const uint32_t *order, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    node *n = &g->nodes[order[i]];
    n->address = NO_PLACE;
    n->left = n->uses;
    n->bound = n->depth = 1;
    n->kept = false;
    if (is_leaf(n)) continue;
    node *a = &g->nodes[n->a], *b = &g->nodes[n->b];
    /* r lies below the operands of mulmod and addmod; the deeper operand is computed first, one slot lower */
    for (;;) {
      uint32_t deep = a->depth > b->depth ? a->depth : b->depth,
               flat = a->depth > b->depth ? b->depth : a->depth;
      if (n->kind == SUB) deep = b->depth + 1 > a->depth + 2 ? b->depth + 1 : a->depth + 2, flat = 0;
      n->depth = deep + 1 > flat + 2 ? deep + 1 : flat + 2;
      if (n->depth <= DEPTH_MOST) break;
      node *deepest = a->depth > b->depth ? a : b;
      deepest->kept = true;
      deepest->depth = 1;
    }
    uint32_t sum = n->kind == ADD ? a->bound + b->bound : b->bound == 1 ? a->bound + 1 : BOUND_MOST + 1;
    if (n->kind != MUL && sum <= BOUND_MOST) n->bound = sum;
    if (n->uses > 1) n->kept = true, n->depth = 1;
  }
}

typedef struct places {
  uint32_t *free; /* addresses to use again */
  uint32_t free_count, next;
} places;

static void write_node(hf_yul_graph *g, uint32_t index, places *p, hf_writer *w);

/* An operand: its place when it is kept, else its expression. */
static void write_operand(hf_yul_graph *g, uint32_t index, places *p, hf_writer *w) {
  node *n = &g->nodes[index];
  if (n->address == NO_PLACE) {
    write_node(g, index, p, w);
    return;
  }
  hf_yul_text(w, "mload(0x%x)", n->address);
  if (--n->left == 0) p->free[p->free_count++] = n->address;
}

static void write_node(hf_yul_graph *g, uint32_t index, places *p, hf_writer *w) {
  const node *n = &g->nodes[index];
  char number[68];
  switch (n->kind) {
  case CONSTANT:
    hf_yul_number(n->value, number);
    hf_yul_text(w, "%s", number);
    return;
  case CALLDATA:
    hf_yul_text(w, "calldataload(0x%x)", n->place);
    return;
  case MEMORY:
    hf_yul_text(w, "mload(0x%x)", n->place);
    return;
  default:
    break;
  }
  uint32_t a = n->a, b = n->b;
  bool modulo = n->kind == MUL || n->bound == 1;
  if (n->kind != SUB && g->nodes[a].depth > g->nodes[b].depth) a = n->b, b = n->a;
  hf_yul_text(w, n->kind == MUL ? "mulmod(" : modulo ? "addmod(" : "add(");
  write_operand(g, a, p, w);
  hf_yul_text(w, ", ");
  if (n->kind == SUB) hf_yul_text(w, g->nodes[b].bound == 1 ? "sub(r, " : "sub(r5, ");
  write_operand(g, b, p, w);
  if (n->kind == SUB) hf_yul_text(w, ")");
  hf_yul_text(w, modulo ? ", r)" : ")");
}

hf_status hf_yul_write(hf_yul_graph *g, hf_yul value, const char *name, uint32_t scratch, uint32_t *end,
                       hf_writer *w) {
  if (g->status != HF_OK) return g->status;
  uint32_t *order = malloc(2 * g->count * sizeof *order), count = 0;
  if (!order) return hf_fail(HF_E_MEMORY, "no memory for the order of %u expressions", g->count);
  places p = {.free = order + g->count, .next = scratch};
  for (uint32_t i = 0; i < g->count; i++) g->nodes[i].uses = 0;
  visit(g, value.node, order, &count);
  plan(g, order, count);
  for (uint32_t i = 0; i + 1 < count; i++) {
    node *n = &g->nodes[order[i]];
    if (!n->kept) continue;
    /* The expression is written first: a place that it frees can be its own. */
    hf_writer expression = {0};
    write_node(g, order[i], &p, &expression);
    if (p.free_count > 0) {
      n->address = p.free[--p.free_count];
    } else {
      n->address = p.next;
      p.next += 32;
    }
    hf_yul_text(w, "            mstore(0x%x, ", n->address);
    hf_write_bytes(w, expression.data, expression.length);
    hf_yul_text(w, ")\n");
    if (expression.failed) w->failed = true;
    hf_writer_free(&expression);
  }
  hf_yul_text(w, "            let %s := addmod(", name);
  write_node(g, value.node, &p, w);
  hf_yul_text(w, ", 0, r)\n");
  *end = p.next;
  free(order);
  return hf_writer_status(w);
}

hf_status hf_yul_value(const hf_yul_graph *g, hf_yul value, hf_yul_leaf leaf, void *context, hf_fr *out) {
  if (g->status != HF_OK) return g->status;
  hf_fr *v = malloc(g->count * sizeof *v);
  if (!v) return hf_fail(HF_E_MEMORY, "no memory for %u values", g->count);
  for (uint32_t i = 0; i <= value.node; i++) {
    const node *n = &g->nodes[i];
    switch (n->kind) {
    case CONSTANT:
      v[i] = n->value;
      break;
    case CALLDATA:
      v[i] = leaf(context, true, n->place);
      break;
    case MEMORY:
      v[i] = leaf(context, false, n->place);
      break;
    case ADD:
      v[i] = hf_fr_add(v[n->a], v[n->b]);
      break;
    case SUB:
      v[i] = hf_fr_sub(v[n->a], v[n->b]);
      break;
    case MUL:
      v[i] = hf_fr_mul(v[n->a], v[n->b]);
      break;
    }
  }
  *out = v[value.node];
  free(v);
  return HF_OK;
}

/* ---- text ---- */

void hf_yul_text(hf_writer *w, const char *format, ...) {
  char text[2048];
  va_list list;
  va_start(list, format);
  int length = vsnprintf(text, sizeof text, format, list);
  va_end(list);
  if (length < 0 || (size_t)length >= sizeof text)
    w->failed = true;
  else
    hf_write_bytes(w, text, (size_t)length);
}

void hf_yul_number(hf_fr value, char out[68]) {
  uint8_t bytes[32];
  hf_fr_to_bytes_be(value, bytes);
  char hex[65];
  hf_hex(bytes, sizeof bytes, hex);
  size_t zeros = strspn(hex, "0");
  if (zeros == 64) zeros = 63;
  if (zeros % 2) zeros--; /* whole bytes */
  snprintf(out, 68, "0x%s", hex + zeros);
}
