#include "circuit/plonk_relation.h"
#include "arith/columns.h"
#include "arith/poseidon2_constants.h"

/* A value is a linear expression: sums cost nothing until a product needs a variable. */
enum { TERMS = 8 };
typedef struct expression {
  unsigned count;
  hf_term term[TERMS];
  hf_fr constant;
} expression;

static expression of_var(hf_var v) {
  expression e = {.count = 1, .constant = hf_fr_zero()};
  e.term[0] = (hf_term){hf_fr_one(), v};
  return e;
}

static expression of_constant(hf_fr k) { return (expression){.constant = k}; }

/* One row, or none where the expression is a variable already. */
static hf_var variable_of(hf_builder *b, const expression *e) {
  if (e->count == 0) return hf_constant(b, e->constant);
  if (e->count == 1 && hf_fr_is_zero(e->constant) && hf_fr_eq(e->term[0].k, hf_fr_one())) return e->term[0].v;
  return hf_linear(b, e->term, e->count, e->constant);
}

static expression add_scaled(hf_builder *b, expression x, expression y, hf_fr k) {
  if (x.count + y.count > TERMS) {
    if (x.count > 1) x = of_var(variable_of(b, &x));
    if (x.count + y.count > TERMS) y = of_var(variable_of(b, &y));
  }
  x.constant = hf_fr_add(x.constant, hf_fr_mul(k, y.constant));
  for (unsigned i = 0; i < y.count; i++) {
    hf_fr c = hf_fr_mul(k, y.term[i].k);
    unsigned at = 0;
    while (at < x.count && x.term[at].v.id != y.term[i].v.id) at++;
    if (at < x.count) {
      x.term[at].k = hf_fr_add(x.term[at].k, c);
      if (hf_fr_is_zero(x.term[at].k)) x.term[at] = x.term[--x.count];
    } else {
      x.term[x.count++] = (hf_term){c, y.term[i].v};
    }
  }
  return x;
}

static expression scaled(expression x, hf_fr k) {
  if (hf_fr_is_zero(k)) return of_constant(k);
  for (unsigned i = 0; i < x.count; i++) x.term[i].k = hf_fr_mul(k, x.term[i].k);
  x.constant = hf_fr_mul(k, x.constant);
  return x;
}

/* (k1 u + c1)(k2 v + c2) is one equation; longer factors become variables first. */
static expression product(hf_builder *b, expression x, expression y) {
  if (x.count == 0) return scaled(y, x.constant);
  if (y.count == 0) return scaled(x, y.constant);
  if (x.count > 1) x = of_var(variable_of(b, &x));
  if (y.count > 1) y = of_var(variable_of(b, &y));
  hf_product p = {hf_fr_mul(x.term[0].k, y.term[0].k), x.term[0].v, y.term[0].v};
  hf_term t[2] = {{hf_fr_mul(x.term[0].k, y.constant), x.term[0].v}, {hf_fr_mul(y.term[0].k, x.constant), y.term[0].v}};
  return of_var(hf_quadratic(b, &p, 1, t, 2, hf_fr_mul(x.constant, y.constant)));
}

#define HF_R_T          expression
#define HF_R(name)      gadget_##name
#define HF_R_CX         hf_builder *cx,
#define HF_R_PASS       cx,
#define HF_R_ADD(x, y)  add_scaled(cx, x, y, hf_fr_one())
#define HF_R_SUB(x, y)  add_scaled(cx, x, y, hf_fr_neg(hf_fr_one()))
#define HF_R_MUL(x, y)  product(cx, x, y)
#define HF_R_CONST(i)   of_constant(hf_relation_constants[i])
#define HF_R_DIAGONAL(i) of_constant(hf_poseidon2_diagonal[i])
#define HF_R_UNROLL(i)  of_constant(hf_poseidon2_unroll[i])
#include "arith/relation.h"

hf_var hf_relation_gadget(hf_builder *b, const hf_relation_values *v, const hf_relation_scalars *c) {
  gadget_row r;
  gadget_challenges ch = {.beta = of_var(c->beta), .gamma = of_var(c->gamma), .lambda = of_var(c->lambda)};
  ch.eta = of_var(c->eta), ch.chi = of_var(c->chi), ch.alpha = of_var(c->alpha);
  for (int i = 0; i < HF_WIRES; i++) {
    r.w[i] = of_var(v->w[i]);
    r.wn[i] = of_var(v->wn[i]);
  }
  for (int i = 0; i < HF_FIXED_COUNT; i++) r.f[i] = of_var(v->f[i]);
  r.m = of_var(v->m);
  r.z = of_var(v->z), r.zn = of_var(v->zn);
  r.range = of_var(v->range), r.rangen = of_var(v->rangen);
  r.rom = of_var(v->rom), r.romn = of_var(v->romn);
  r.rho = of_var(v->rho), r.rhon = of_var(v->rhon);
  r.x = of_var(v->x), r.l1 = of_var(v->l1), r.pi = of_var(v->pi);
  hf_scope_begin(b, "constraints at zeta");
  gadget_derive(b, &ch);
  expression out = gadget_combine(b, &r, &ch);
  hf_var result = variable_of(b, &out);
  hf_scope_end(b);
  return result;
}
