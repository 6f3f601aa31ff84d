/* Arithmetic over the one linear-and-two-products gate. */
#include "circuit/builder_internal.h"
#include <string.h>

#define HF_MAX_TERMS 512

/* An equation of any length: products, then terms of distinct variables. */
typedef struct long_equation {
  hf_equation head; /* products, constant, name */
  size_t count;     /* terms */
  size_t outside;   /* terms whose variable is no factor; they stand last */
  hf_term terms[HF_MAX_TERMS];
} long_equation;

static bool is_factor(const hf_equation *e, uint32_t v) {
  for (unsigned i = 0; i < 2u * e->products; i++)
    if (e->factor[i] == v) return true;
  return false;
}

static bool gather(hf_builder *b, long_equation *l, const hf_product *products, size_t product_count,
                   const hf_term *terms, size_t term_count, hf_fr constant, const char *name, hf_fr *value) {
  if (product_count > 2 || term_count > HF_MAX_TERMS) {
    hf_builder_fail(b, HF_E_ARGUMENT, "\"%s\": at most 2 products and %d terms, not %zu and %zu", name,
                    HF_MAX_TERMS, product_count, term_count);
    return false;
  }
  memset(&l->head, 0, sizeof l->head);
  l->head.products = (uint8_t)product_count;
  l->head.name = name;
  l->head.scope = b->scope;
  l->head.constant = constant;
  *value = constant;
  for (size_t p = 0; p < product_count; p++) {
    l->head.factor[2 * p] = products[p].x.id;
    l->head.factor[2 * p + 1] = products[p].y.id;
    l->head.product_k[p] = products[p].k;
    hf_fr xy = hf_fr_mul(hf_value(b, products[p].x), hf_value(b, products[p].y));
    *value = hf_fr_add(*value, hf_fr_mul(products[p].k, xy));
  }
  l->count = l->outside = 0;
  for (int pass = 0; pass < 2; pass++)
    for (size_t t = 0; t < term_count; t++) {
      if (is_factor(&l->head, terms[t].v.id) != (pass == 0)) continue;
      *value = hf_fr_add(*value, hf_fr_mul(terms[t].k, hf_value(b, terms[t].v)));
      size_t i = 0;
      while (i < l->count && l->terms[i].v.id != terms[t].v.id) i++;
      if (i < l->count) {
        l->terms[i].k = hf_fr_add(l->terms[i].k, terms[t].k);
        continue;
      }
      l->terms[l->count++] = terms[t];
      l->outside += (size_t)pass;
    }
  return hf_builder_ok(b);
}

static void add_term(hf_equation *e, hf_term t) {
  e->variable[e->terms] = t.v.id;
  e->term_k[e->terms++] = t.k;
}

static void lay(hf_builder *b, const hf_equation *e, uint32_t next_e) {
  if (!hf_equation_lay(b, e, next_e, hf_fr_neg(hf_fr_one())))
    hf_builder_fail(b, HF_E_INTERNAL, "equation \"%s\" does not fit a row", e->name);
}

/* Lays l = 0, or l = out with `out` not HF_NO_VAR. */
static void lay_long(hf_builder *b, long_equation *l, uint32_t out) {
  hf_equation e = l->head;
  size_t room = 5 - 2u * e.products, at = 0, inside = l->count - l->outside;
  while (at < inside) add_term(&e, l->terms[at++]);
  hf_fr sum = e.constant; /* value of what is laid so far */
  for (unsigned p = 0; p < e.products; p++)
    sum = hf_fr_add(
        sum, hf_fr_mul(e.product_k[p], hf_fr_mul(b->value[e.factor[2 * p]], b->value[e.factor[2 * p + 1]])));
  for (size_t t = 0; t < inside; t++)
    sum = hf_fr_add(sum, hf_fr_mul(l->terms[t].k, hf_value(b, l->terms[t].v)));
  bool first = true;
  for (;;) {
    size_t left = l->count - at;
    bool fits_with_out = left + (out != HF_NO_VAR) <= room;
    if (fits_with_out || left <= room) {
      while (at < l->count) add_term(&e, l->terms[at++]);
      if (fits_with_out && out != HF_NO_VAR) add_term(&e, (hf_term){hf_fr_neg(hf_fr_one()), {out}});
      if (fits_with_out && first) {
        hf_equation_defer(b, &e);
      } else {
        lay(b, &e, fits_with_out ? HF_NO_VAR : out);
      }
      return;
    }
    for (size_t i = 0; i < room; i++) {
      sum = hf_fr_add(sum, hf_fr_mul(l->terms[at].k, hf_value(b, l->terms[at].v)));
      add_term(&e, l->terms[at++]);
    }
    uint32_t partial = hf_var_new(b, sum).id;
    lay(b, &e, partial);
    if (!hf_builder_ok(b)) return;
    memset(&e, 0, sizeof e);
    e.name = l->head.name;
    e.scope = l->head.scope;
    add_term(&e, (hf_term){hf_fr_one(), {partial}});
    room = 4;
    first = false;
  }
}

static hf_var compute(hf_builder *b, const hf_product *products, size_t product_count, const hf_term *terms,
                      size_t term_count, hf_fr constant, const char *name) {
  long_equation l;
  hf_fr value;
  if (!hf_builder_ok(b) || !gather(b, &l, products, product_count, terms, term_count, constant, name, &value))
    return (hf_var){0};
  hf_var out = hf_var_new(b, value);
  if (hf_builder_ok(b)) lay_long(b, &l, out.id);
  return out;
}

hf_var hf_quadratic(hf_builder *b, const hf_product *products, size_t product_count, const hf_term *terms,
                    size_t term_count, hf_fr constant) {
  return compute(b, products, product_count, terms, term_count, constant, "quadratic");
}

hf_var hf_linear(hf_builder *b, const hf_term *terms, size_t count, hf_fr constant) {
  return compute(b, NULL, 0, terms, count, constant, "linear");
}

void hf_assert_quadratic(hf_builder *b, const char *name, const hf_product *products, size_t product_count,
                         const hf_term *terms, size_t term_count, hf_fr constant) {
  long_equation l;
  hf_fr value;
  if (!hf_builder_ok(b) || !gather(b, &l, products, product_count, terms, term_count, constant, name, &value))
    return;
  lay_long(b, &l, HF_NO_VAR);
}

void hf_assert_linear(hf_builder *b, const char *name, const hf_term *terms, size_t count, hf_fr constant) {
  hf_assert_quadratic(b, name, NULL, 0, terms, count, constant);
}

static hf_fr one(void) { return hf_fr_one(); }
static hf_fr minus_one(void) { return hf_fr_neg(hf_fr_one()); }

hf_var hf_add(hf_builder *b, hf_var x, hf_var y) {
  hf_term t[2] = {{one(), x}, {one(), y}};
  return compute(b, NULL, 0, t, 2, hf_fr_zero(), "add");
}

hf_var hf_sub(hf_builder *b, hf_var x, hf_var y) {
  hf_term t[2] = {{one(), x}, {minus_one(), y}};
  return compute(b, NULL, 0, t, 2, hf_fr_zero(), "sub");
}

hf_var hf_mul(hf_builder *b, hf_var x, hf_var y) {
  hf_product p = {one(), x, y};
  return compute(b, &p, 1, NULL, 0, hf_fr_zero(), "mul");
}

hf_var hf_mul_add(hf_builder *b, hf_var x, hf_var y, hf_var z) {
  hf_product p = {one(), x, y};
  hf_term t = {one(), z};
  return compute(b, &p, 1, &t, 1, hf_fr_zero(), "mul_add");
}

hf_var hf_affine(hf_builder *b, hf_fr k, hf_var x, hf_fr c) {
  hf_term t = {k, x};
  return compute(b, NULL, 0, &t, 1, c, "affine");
}

hf_var hf_select(hf_builder *b, hf_var s, hf_var x, hf_var y) {
  hf_product p[2] = {{one(), s, x}, {minus_one(), s, y}};
  hf_term t = {one(), y};
  return compute(b, p, 2, &t, 1, hf_fr_zero(), "select");
}

hf_var hf_not(hf_builder *b, hf_var s) { return hf_affine(b, minus_one(), s, one()); }
hf_var hf_and(hf_builder *b, hf_var s, hf_var t) { return hf_mul(b, s, t); }

hf_var hf_or(hf_builder *b, hf_var s, hf_var t) {
  hf_product p = {minus_one(), s, t};
  hf_term u[2] = {{one(), s}, {one(), t}};
  return compute(b, &p, 1, u, 2, hf_fr_zero(), "or");
}

/* 0 for 0, so that values exist whatever the witness. */
static hf_fr inverse_or_zero(hf_fr x) { return hf_fr_is_zero(x) ? x : hf_fr_inv(x); }

hf_var hf_is_zero(hf_builder *b, hf_var x) {
  hf_var inverse = hf_hint(b, inverse_or_zero(hf_value(b, x)), "is_zero inverse");
  hf_product p = {minus_one(), x, inverse};
  hf_var out = compute(b, &p, 1, NULL, 0, one(), "is_zero: out = 1 - x inverse");
  hf_assert_zero_if(b, "is_zero: x out = 0", out, x);
  return out;
}

hf_var hf_is_equal(hf_builder *b, hf_var x, hf_var y) {
  /* (x - y) inverse + out = 1; (x - y) out = 0 */
  hf_fr d = hf_fr_sub(hf_value(b, x), hf_value(b, y));
  hf_var inverse = hf_hint(b, inverse_or_zero(d), "is_equal inverse");
  hf_product p[2] = {{minus_one(), x, inverse}, {one(), y, inverse}};
  hf_var out = compute(b, p, 2, NULL, 0, one(), "is_equal: out = 1 - (x - y) inverse");
  hf_assert_equal_if(b, "is_equal: (x - y) out = 0", out, x, y);
  return out;
}

void hf_assert_constant(hf_builder *b, const char *name, hf_var x, hf_fr k) {
  hf_assert_equal(b, name, x, hf_constant(b, k));
}

void hf_assert_bool(hf_builder *b, const char *name, hf_var x) {
  hf_product p = {one(), x, x};
  hf_term t = {minus_one(), x};
  hf_assert_quadratic(b, name, &p, 1, &t, 1, hf_fr_zero());
}

void hf_assert_nonzero(hf_builder *b, const char *name, hf_var x) {
  hf_var inverse = hf_hint(b, inverse_or_zero(hf_value(b, x)), "nonzero inverse");
  hf_product p = {one(), x, inverse};
  hf_assert_quadratic(b, name, &p, 1, NULL, 0, minus_one());
}

void hf_assert_equal_if(hf_builder *b, const char *name, hf_var s, hf_var x, hf_var y) {
  hf_product p[2] = {{one(), s, x}, {minus_one(), s, y}};
  hf_assert_quadratic(b, name, p, 2, NULL, 0, hf_fr_zero());
}

void hf_assert_zero_if(hf_builder *b, const char *name, hf_var s, hf_var x) {
  hf_product p = {one(), s, x};
  hf_assert_quadratic(b, name, &p, 1, NULL, 0, hf_fr_zero());
}
