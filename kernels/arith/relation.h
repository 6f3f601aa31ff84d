/* Every constraint of the arithmetization, written once, as a template over the
 * type of a value. Instances: over Fr (relation_fr.h) for the quotient on every
 * device, for the verifier at zeta and for the checker of witnesses; over circuit
 * variables for the verifier inside a circuit.
 *
 * Include with these defined:
 *   HF_R_T                   the type of a value
 *   HF_R(name)               pastes the instance's prefix
 *   HF_R_CX                  leading parameter of every function ("cx_t *cx," or nothing)
 *   HF_R_PASS                how it is passed on ("cx," or nothing)
 *   HF_R_ADD(x,y) HF_R_SUB(x,y) HF_R_MUL(x,y)
 *   HF_R_CONST(i)            hf_relation_constants[i] as a value
 *   HF_R_DIAGONAL(i), HF_R_UNROLL(i)   Poseidon2 tables as values
 *   HF_R_SQR(x)              HF_R_MUL(x, x), of something without effects; may be left out
 *   HF_R_LOOP                what stands before a loop, for compilers that must be told to unroll it; may be left out
 *
 * and, where a sum of products costs less than its products and additions:
 *   HF_R_SUM_T                   the type of a sum
 *   HF_R_SUM_OF(s, x)            s = x
 *   HF_R_SUM_PRODUCT(s, x, y)    s = x y
 *   HF_R_SUM_ADD(s, x, y)        s = s + x y
 *   HF_R_SUM_BEFORE(s, x, y)     s = x y + s
 *   HF_R_SUM_VALUE(s)            the sum as a value
 * A sum has at most HF_R_SUM_MOST terms, and an instance that has none of these takes them one after the other.
 *
 * Where operations lay rows (circuits) or write code, their order is part of a key: no expression in here has two operands
 * that are operations, since C leaves the order of those to the compiler.
 *
 * All constraints have degree at most 6 in the columns. Gates (a ' marks the next row):
 *
 * arithmetic  q1 a + q2 b + q3 c + q4 d + q5 e + qab ab + qcd cd + qn e' + qc = 0 (public inputs are added outside)
 * double      (arithmetic selector 3) (c,d) = 2 (a,b) and (a',b') = 2 (c,d) on BabyJubJub, for points of the curve
 * update      (arithmetic selector 2) a'..d' = a..d but for one of them, which grew by e' - e
 * merkle      children a b c d; e = child number e' of them, e' in {0,1,2,3};
 *             a'..d' = the state after the external matrix and the first full round (constants q1..q4)
 * full        a'..d' = a full round of a..d (constants q1..q4)
 * partial     a'..d' = five partial rounds of a..d (constants q1..q5); e = the first s-box output
 * middle      a'..d' = a partial round (q1), then a full round (q2..q5) of a..d; e = the partial s-box output
 * edwards     (a',b') = (a,b) + (c,d) on BabyJubJub, the complete law
 * range       a, b, c, d are in the range table
 * ROM         read: (qc; e; c, d, a, b) was written; write: (qc; q5; c, d, a, b), e = how often it is read.
 *             Where the edwards gate is on as well, a and b are the running point and count as zeros in the tuple.
 * nonnative   rho' = rho + term, where a row of limbs v = (a,b,c,d) of 64 bits weight stands for the polynomial
 *             (a + c Y) + X (b + d Y) with X = 2^64, Y = chi, reduced by pairing powers (see nonnative_term);
 *             rho is 0 where an identity starts (q4) and on every row outside the gate.
 *
 * Selectors are 0/1, but for the arithmetic one, where 2 selects the update gate and 3 the double gate. merkle,
 * full, partial, middle, edwards, update and double are mutually exclusive (the builder checks both), so these seven
 * share powers of alpha.
 */

#define HF_R_TERMS    13 /* that the powers of alpha keep apart */
#define HF_R_SUM_MOST (HF_R_TERMS - 1)

#ifndef HF_R_SQR
#define HF_R_SQR(x) HF_R_MUL(x, x)
#define HF_R_SQR_PLAIN
#endif
#ifndef HF_R_LOOP
#define HF_R_LOOP
#define HF_R_LOOP_PLAIN
#endif
#ifndef HF_R_SUM_T
#define HF_R_SUM_PLAIN
#define HF_R_SUM_T                HF_R_T
#define HF_R_SUM_OF(s, x)         ((s) = (x))
#define HF_R_SUM_PRODUCT(s, x, y) ((s) = HF_R_MUL(x, y))
#define HF_R_SUM_ADD(s, x, y)     ((s) = HF_R_ADD(s, HF_R_MUL(x, y)))
#define HF_R_SUM_BEFORE(s, x, y)  ((s) = HF_R_ADD(HF_R_MUL(x, y), s))
#define HF_R_SUM_VALUE(s)         (s)
#endif

typedef struct HF_R(row) {
  HF_R_T w[HF_WIRES], wn[HF_WIRES]; /* wires on this row and the next */
  HF_R_T f[HF_FIXED_COUNT];         /* fixed columns */
  HF_R_T m;                         /* multiplicities of the range table */
  HF_R_T z, zn;                     /* permutation product */
  HF_R_T range, rangen;             /* running sum of the range lookups */
  HF_R_T rom, romn;                 /* running sum of the ROM lookups */
  HF_R_T rho, rhon;                 /* running sum of the non-native identities */
  HF_R_T x;                         /* the point: omega^i on row i */
  HF_R_T l1;                        /* the first Lagrange polynomial at x */
  HF_R_T pi;                        /* minus the interpolated public inputs at x */
} HF_R(row);

typedef struct HF_R(challenges) {
  HF_R_T beta, gamma;   /* permutation */
  HF_R_T lambda;        /* denominators of both lookups */
  HF_R_T eta;           /* ROM tuples */
  HF_R_T chi;           /* non-native identities */
  HF_R_T alpha;         /* constraints */
  /* what `derive` makes of them, once for all rows */
  HF_R_T eta2, eta3, eta5;            /* powers */
  HF_R_T quotient_by[3], carry_by[4]; /* what limbs of quotients and carries count in non-native identities */
#ifndef HF_R_SUM_PLAIN
  HF_R_T alpha_power[HF_R_TERMS]; /* the first is 1 */
#endif
} HF_R(challenges);

/* From the challenges that were drawn: those of a proof's second round are enough for the running sums. */
HF_FN void HF_R(derive)(HF_R_CX HF_R(challenges) *ch) {
  HF_R_T chi = ch->chi, x = HF_R_CONST(HF_RC_2_64), one = HF_R_CONST(HF_RC_ONE), zero = HF_R_SUB(one, one), t;
  ch->eta2 = HF_R_SQR(ch->eta);
  ch->eta3 = HF_R_MUL(ch->eta2, ch->eta);
  ch->eta5 = HF_R_MUL(ch->eta3, ch->eta2);
  /* of (v - 2^256) q, where q is the modulus of the non-native field: see nonnative_term */
  HF_R_T even = HF_R_ADD(HF_R_CONST(HF_RC_Q0), HF_R_MUL(HF_R_CONST(HF_RC_Q2), chi));
  HF_R_T odd = HF_R_ADD(HF_R_CONST(HF_RC_Q1), HF_R_MUL(HF_R_CONST(HF_RC_Q3), chi));
  ch->quotient_by[0] = HF_R_ADD(even, HF_R_MUL(x, odd));
  t = HF_R_MUL(x, even);
  ch->quotient_by[1] = HF_R_ADD(HF_R_MUL(chi, odd), t);
  t = HF_R_MUL(x, ch->quotient_by[1]);
  ch->quotient_by[2] = HF_R_SUB(zero, HF_R_MUL(chi, t));
  /* of (2^128 - Y)(a + bY + cY^2), and of the offset of all three */
  ch->carry_by[0] = HF_R_SUB(HF_R_CONST(HF_RC_2_128), chi);
  ch->carry_by[1] = HF_R_MUL(chi, ch->carry_by[0]);
  ch->carry_by[2] = HF_R_MUL(chi, ch->carry_by[1]);
  t = HF_R_ADD(HF_R_ADD(ch->carry_by[0], ch->carry_by[1]), ch->carry_by[2]);
  ch->carry_by[3] = HF_R_SUB(zero, HF_R_MUL(HF_R_CONST(HF_RC_2_67), t));
#ifndef HF_R_SUM_PLAIN
  ch->alpha_power[0] = one;
  HF_R_LOOP for (int i = 1; i < HF_R_TERMS; i++) ch->alpha_power[i] = HF_R_MUL(ch->alpha_power[i - 1], ch->alpha);
#endif
}

HF_FN HF_R_T HF_R(pow5)(HF_R_CX HF_R_T x) {
  HF_R_T x2 = HF_R_SQR(x), x4 = HF_R_SQR(x2);
  return HF_R_MUL(x4, x);
}

/* y = external matrix * x */
HF_FN void HF_R(external)(HF_R_CX HF_R_T x0, HF_R_T x1, HF_R_T x2, HF_R_T x3, HF_R_T *y) {
  HF_R_T t0 = HF_R_ADD(x0, x1), t1 = HF_R_ADD(x2, x3);
  HF_R_T t2 = HF_R_ADD(HF_R_ADD(x1, x1), t1), t3 = HF_R_ADD(HF_R_ADD(x3, x3), t0);
  HF_R_T d0 = HF_R_ADD(t0, t0), d1 = HF_R_ADD(t1, t1);
  y[3] = HF_R_ADD(HF_R_ADD(d1, d1), t3);
  y[1] = HF_R_ADD(HF_R_ADD(d0, d0), t2);
  y[0] = HF_R_ADD(t3, y[1]);
  y[2] = HF_R_ADD(t2, y[3]);
}

/* x = internal matrix * x, the first `count` of them */
HF_FN void HF_R(internal)(HF_R_CX HF_R_T *x, int count) {
  HF_R_T high = HF_R_ADD(x[2], x[3]), sum = HF_R_ADD(HF_R_ADD(x[0], x[1]), high);
  HF_R_LOOP for (int i = 0; i < count; i++) x[i] = HF_R_ADD(HF_R_MUL(HF_R_DIAGONAL(i), x[i]), sum);
}

HF_FN HF_R_T HF_R(gate_arithmetic)(HF_R_CX const HF_R(row) *r) {
  HF_R_SUM_T t;
  HF_R_SUM_OF(t, r->f[HF_QC]);
  HF_R_LOOP for (int i = 0; i < HF_WIRES; i++) HF_R_SUM_ADD(t, r->f[HF_Q1 + i], r->w[i]);
  HF_R_SUM_ADD(t, r->f[HF_QAB], HF_R_MUL(r->w[0], r->w[1]));
  HF_R_SUM_ADD(t, r->f[HF_QCD], HF_R_MUL(r->w[2], r->w[3]));
  HF_R_SUM_ADD(t, r->f[HF_QN], r->wn[4]);
  return HF_R_SUM_VALUE(t);
}

/* out[0..3] = external((s + k)^5) - (a'..d') for the state s and constants k */
HF_FN void HF_R(full_round)(HF_R_CX const HF_R(row) *r, const HF_R_T *s, int first_constant, HF_R_T *out) {
  HF_R_T t[4];
  HF_R_LOOP for (int i = 0; i < 4; i++) t[i] = HF_R(pow5)(HF_R_PASS HF_R_ADD(s[i], r->f[first_constant + i]));
  HF_R(external)(HF_R_PASS t[0], t[1], t[2], t[3], out);
  HF_R_LOOP for (int i = 0; i < 4; i++) out[i] = HF_R_SUB(out[i], r->wn[i]);
}

/* out[0..3]: the round; out[4]: the chosen child; out[5]: the child's number */
HF_FN void HF_R(gate_merkle)(HF_R_CX const HF_R(row) *r, HF_R_T *out) {
  HF_R_T s[4], one = HF_R_CONST(HF_RC_ONE);
  HF_R_T p = r->wn[4], p1 = HF_R_SUB(p, one), p2 = HF_R_SUB(p1, one), p3 = HF_R_SUB(p2, one);
  HF_R(external)(HF_R_PASS r->w[0], r->w[1], r->w[2], r->w[3], s);
  HF_R(full_round)(HF_R_PASS r, s, HF_Q1, out);
  /* Newton on {0,1,2,3}: the differences, p, p (p-1)/2, p (p-1)(p-2)/6 times them */
  HF_R_T first = HF_R_SUB(r->w[1], r->w[0]), next = HF_R_SUB(r->w[2], r->w[1]), last = HF_R_SUB(r->w[3], r->w[2]);
  HF_R_T second = HF_R_SUB(next, first), third = HF_R_SUB(HF_R_SUB(last, next), second);
  third = HF_R_MUL(HF_R_CONST(HF_RC_INV6), third);
  HF_R_SUM_T from_second;
  HF_R_SUM_PRODUCT(from_second, HF_R_CONST(HF_RC_INV2), second);
  HF_R_SUM_ADD(from_second, p2, third);
  second = HF_R_SUM_VALUE(from_second);
  first = HF_R_ADD(first, HF_R_MUL(p1, second));
  first = HF_R_ADD(r->w[0], HF_R_MUL(p, first));
  out[4] = HF_R_SUB(first, r->w[4]);
  first = HF_R_MUL(p, p1);
  out[5] = HF_R_MUL(HF_R_MUL(p2, p3), first);
}

HF_FN void HF_R(gate_full)(HF_R_CX const HF_R(row) *r, HF_R_T *out) {
  HF_R(full_round)(HF_R_PASS r, r->w, HF_Q1, out);
}

/* out[0..4]: the five s-boxes. The outputs y2..y5 of the later ones follow linearly from the next row. */
HF_FN void HF_R(gate_partial)(HF_R_CX const HF_R(row) *r, HF_R_T *out) {
  HF_R_T s[4];
  s[0] = r->w[0];
  s[1] = r->w[1];
  s[2] = r->w[2];
  s[3] = r->w[3];
  HF_R_LOOP for (int i = 0; i < 5; i++) {
    HF_R_T y;
    if (i == 0) {
      y = r->w[4];
    } else {
      int u = 8 * (i - 1);
      HF_R_SUM_T sum;
      HF_R_SUM_PRODUCT(sum, HF_R_UNROLL(u + 4), r->w[4]);
      HF_R_LOOP for (int j = 0; j < 4; j++) HF_R_SUM_ADD(sum, HF_R_UNROLL(u + j), r->wn[j]);
      HF_R_LOOP for (int j = 1; j < 4; j++) HF_R_SUM_ADD(sum, HF_R_UNROLL(u + 4 + j), r->w[j]);
      y = HF_R_SUM_VALUE(sum);
    }
    out[i] = HF_R_SUB(HF_R(pow5)(HF_R_PASS HF_R_ADD(s[0], r->f[HF_Q1 + i])), y);
    if (i < 4) {
      s[0] = y;
      HF_R(internal)(HF_R_PASS s, i < 3 ? 4 : 1);
    }
  }
}

/* out[0]: the partial s-box; out[1..4]: the full round */
HF_FN void HF_R(gate_middle)(HF_R_CX const HF_R(row) *r, HF_R_T *out) {
  HF_R_T s[4];
  s[0] = r->w[4];
  s[1] = r->w[1];
  s[2] = r->w[2];
  s[3] = r->w[3];
  HF_R(internal)(HF_R_PASS s, 4);
  HF_R(full_round)(HF_R_PASS r, s, HF_Q2, out + 1);
  out[0] = HF_R_SUB(HF_R(pow5)(HF_R_PASS HF_R_ADD(r->w[0], r->f[HF_Q1])), r->w[4]);
}

/* out[0..3]: each child stays or takes the whole change; out[4]: the changes sum to e' - e. So at most one child
 * changes, and by e' - e; two merkle rows that choose the same child number from a..d as e and from a'..d' as e'
 * make it theirs. */
HF_FN void HF_R(gate_update)(HF_R_CX const HF_R(row) *r, HF_R_T *out) {
  HF_R_T change = HF_R_SUB(r->wn[4], r->w[4]);
  HF_R_LOOP for (int i = 0; i < 4; i++) {
    HF_R_T d = HF_R_SUB(r->wn[i], r->w[i]);
    out[i] = HF_R_MUL(d, HF_R_SUB(d, change));
    out[4] = i == 0 ? HF_R_SUB(d, change) : HF_R_ADD(out[4], d);
  }
}

/* (x3, y3) = 2 (x, y): x3 (a x^2 + y^2) = 2 x y and y3 (2 - a x^2 - y^2) = y^2 - a x^2, which is the complete law
 * with 1 + d x^2 y^2 = a x^2 + y^2; on the curve neither factor is 0, as d is no square. */
HF_FN void HF_R(doubled)(HF_R_CX HF_R_T x, HF_R_T y, HF_R_T x3, HF_R_T y3, HF_R_T *out) {
  HF_R_T axx = HF_R_MUL(HF_R_CONST(HF_RC_EDWARDS_A), HF_R_SQR(x)), yy = HF_R_SQR(y);
  HF_R_T xy = HF_R_MUL(x, y), sum = HF_R_ADD(axx, yy), xy2 = HF_R_ADD(xy, xy), rest = HF_R_SUB(yy, axx);
  out[0] = HF_R_SUB(HF_R_MUL(x3, sum), xy2);
  out[1] = HF_R_SUB(HF_R_MUL(y3, HF_R_SUB(HF_R_CONST(HF_RC_TWO), sum)), rest);
}

HF_FN void HF_R(gate_double)(HF_R_CX const HF_R(row) *r, HF_R_T *out) {
  HF_R(doubled)(HF_R_PASS r->w[0], r->w[1], r->w[2], r->w[3], out);
  HF_R(doubled)(HF_R_PASS r->w[2], r->w[3], r->wn[0], r->wn[1], out + 2);
}

/* x3 (1 + d x1x2y1y2) = x1y2 + y1x2;  y3 (1 - d x1x2y1y2) = y1y2 - a x1x2 */
HF_FN void HF_R(gate_edwards)(HF_R_CX const HF_R(row) *r, HF_R_T *out) {
  HF_R_T xx = HF_R_MUL(r->w[0], r->w[2]), yy = HF_R_MUL(r->w[1], r->w[3]);
  HF_R_SUM_T xy;
  HF_R_SUM_PRODUCT(xy, r->w[1], r->w[2]);
  HF_R_SUM_BEFORE(xy, r->w[0], r->w[3]);
  HF_R_T t = HF_R_MUL(HF_R_CONST(HF_RC_EDWARDS_D), HF_R_MUL(xx, yy)), one = HF_R_CONST(HF_RC_ONE);
  out[0] = HF_R_SUB(HF_R_MUL(r->wn[0], HF_R_ADD(one, t)), HF_R_SUM_VALUE(xy));
  HF_R_T rest = HF_R_SUB(yy, HF_R_MUL(HF_R_CONST(HF_RC_EDWARDS_A), xx));
  out[1] = HF_R_SUB(HF_R_MUL(r->wn[1], HF_R_SUB(one, t)), rest);
}

/* What one row adds to an identity, v = (a,b,c,d):
 *   qab v*v' + qcd v*v + q1 v + q2 (v - 2^256)*q + q3 (2^128 - Y)(carry polynomial a + bY + cY^2, offset 2^67 q5 each)
 * An identity holds over the integers at Y = 2^128 when its sum is zero as a polynomial in Y: the limbs and
 * carries are range checked so that no coefficient wraps modulo r. The offsets make quotients and carries
 * signed: 2^256 is 2^64 in the top limb.
 *
 * A product u*v is the polynomial in Y whose Y^k coefficient is p_2k + 2^64 p_2k+1, where p_i are the coefficients of the
 * product in powers of 2^64. With even and odd parts (u = a + c Y and b + d Y), at Y = chi it is
 *   u_even (v_even + 2^64 v_odd) + u_odd (2^64 v_even + chi v_odd),
 * so all that is multiplied by v shares these two factors, and a constant v has them in `derive`. */
HF_FN HF_R_T HF_R(nonnative_term)(HF_R_CX const HF_R(row) *r, const HF_R(challenges) *ch) {
  HF_R_T chi = ch->chi, x = HF_R_CONST(HF_RC_2_64);
  HF_R_T even = HF_R_ADD(r->w[0], HF_R_MUL(chi, r->w[2])), odd = HF_R_ADD(r->w[1], HF_R_MUL(chi, r->w[3]));
  HF_R_T evenn = HF_R_ADD(r->wn[0], HF_R_MUL(chi, r->wn[2])), oddn = HF_R_ADD(r->wn[1], HF_R_MUL(chi, r->wn[3]));
  HF_R_T by_even = HF_R_ADD(even, HF_R_MUL(x, odd)), others, quotient;
  HF_R_SUM_T by_odd, other_even, other_odd, value, carry, t;
  HF_R_SUM_PRODUCT(by_odd, chi, odd);
  HF_R_SUM_ADD(by_odd, x, even);
  HF_R_SUM_PRODUCT(other_even, r->f[HF_QAB], evenn);
  HF_R_SUM_ADD(other_even, r->f[HF_QCD], even);
  HF_R_SUM_PRODUCT(other_odd, r->f[HF_QAB], oddn);
  HF_R_SUM_ADD(other_odd, r->f[HF_QCD], odd);
  HF_R_SUM_PRODUCT(value, ch->quotient_by[0], even);
  HF_R_SUM_ADD(value, ch->quotient_by[1], odd);
  HF_R_SUM_PRODUCT(carry, ch->carry_by[0], r->w[0]);
  HF_R_LOOP for (int i = 1; i < 3; i++) HF_R_SUM_ADD(carry, ch->carry_by[i], r->w[i]);
  HF_R_SUM_ADD(carry, ch->carry_by[3], r->f[HF_Q5]);
  others = HF_R_ADD(HF_R_SUM_VALUE(other_even), r->f[HF_Q1]); /* times 1, which is even */
  quotient = HF_R_ADD(HF_R_SUM_VALUE(value), ch->quotient_by[2]);
  HF_R_SUM_PRODUCT(t, others, by_even);
  others = HF_R_SUM_VALUE(other_odd);
  HF_R_SUM_ADD(t, others, HF_R_SUM_VALUE(by_odd));
  HF_R_SUM_ADD(t, r->f[HF_Q2], quotient);
  HF_R_SUM_ADD(t, r->f[HF_Q3], HF_R_SUM_VALUE(carry));
  return HF_R_SUM_VALUE(t);
}

/* The compressed tuple of a ROM row plus lambda; *numerator = 1 on a read, -e on a write, 0 elsewhere. */
HF_FN HF_R_T HF_R(rom_denominator)(HF_R_CX const HF_R(row) *r, const HF_R(challenges) *ch, HF_R_T *numerator) {
  HF_R_T u = r->f[HF_ROM], one = HF_R_CONST(HF_RC_ONE), inv2 = HF_R_CONST(HF_RC_INV2);
  HF_R_T uu = HF_R_SQR(u);
  HF_R_T read = HF_R_MUL(inv2, HF_R_ADD(uu, u)), write = HF_R_MUL(inv2, HF_R_SUB(uu, u));
  HF_R_T point = HF_R_ADD(r->w[0], HF_R_MUL(ch->eta, r->w[1]));
  point = HF_R_MUL(HF_R_SUB(one, r->f[HF_S_EDWARDS]), point);
  HF_R_SUM_T tuple; /* powers of eta: address, c, d, a, b, table */
  HF_R_SUM_PRODUCT(tuple, write, r->f[HF_Q5]);
  HF_R_SUM_ADD(tuple, read, r->w[4]);
  HF_R_SUM_ADD(tuple, ch->eta, r->w[2]);
  HF_R_SUM_ADD(tuple, ch->eta2, r->w[3]);
  HF_R_SUM_ADD(tuple, ch->eta3, point);
  HF_R_SUM_ADD(tuple, ch->eta5, r->f[HF_QC]);
  *numerator = HF_R_SUB(read, HF_R_MUL(write, r->w[4]));
  return HF_R_ADD(ch->lambda, HF_R_SUM_VALUE(tuple));
}

/* sum_k alpha^k x[k] */
HF_FN HF_R_T HF_R(fold)(HF_R_CX const HF_R(challenges) *ch, const HF_R_T *x) {
#ifdef HF_R_SUM_PLAIN
  HF_R_T sum = x[HF_R_TERMS - 1];
  HF_R_LOOP for (int i = HF_R_TERMS - 2; i >= 0; i--) sum = HF_R_ADD(x[i], HF_R_MUL(ch->alpha, sum));
  return sum;
#else
  HF_R_SUM_T sum;
  HF_R_SUM_PRODUCT(sum, ch->alpha, x[1]);
  HF_R_LOOP for (int i = 2; i < HF_R_TERMS; i++) HF_R_SUM_ADD(sum, ch->alpha_power[i], x[i]);
  return HF_R_ADD(HF_R_SUM_VALUE(sum), x[0]);
#endif
}

/* All constraints of a row, combined by powers of alpha; 0 on every row of a satisfied circuit (with the
 * running columns of an honest prover). The quotient is this over Z_H. `ch` is derived. */
HF_FN HF_R_T HF_R(combine)(HF_R_CX const HF_R(row) *r, const HF_R(challenges) *ch) {
  HF_R_T one = HF_R_CONST(HF_RC_ONE), terms[HF_R_TERMS], *rest = terms + 6, o[6], t;
  HF_R_SUM_T gates[6];
  /* arithmetic selector s, Lagrange on {0,1,2,3}: s(s-2)(s-3)/2, -s(s-1)(s-3)/2, s(s-1)(s-2)/6, by s(s-1)(s-2)/2 */
  HF_R_T s = r->f[HF_S_ARITHMETIC], s2 = HF_R_SUB(s, HF_R_CONST(HF_RC_TWO));
  HF_R_T ss2 = HF_R_MUL(s, s2), ss1 = HF_R_ADD(ss2, s), ss1s2 = HF_R_MUL(ss1, s2);
  HF_R_T cubic = HF_R_MUL(HF_R_CONST(HF_RC_INV2), ss1s2);
  HF_R_T arithmetic = HF_R_SUB(cubic, ss2);
  HF_R_T update = HF_R_SUB(HF_R_MUL(HF_R_CONST(HF_RC_INV2), ss1), cubic);
  HF_R_T twice = HF_R_MUL(HF_R_CONST(HF_RC_INV6), ss1s2);
  /* the seven exclusive gates share alpha^0..alpha^5 */
  HF_R(gate_merkle)(HF_R_PASS r, o);
  HF_R_LOOP for (int i = 0; i < 6; i++) HF_R_SUM_PRODUCT(gates[i], r->f[HF_S_MERKLE], o[i]);
  HF_R(gate_full)(HF_R_PASS r, o);
  HF_R_LOOP for (int i = 0; i < 4; i++) HF_R_SUM_ADD(gates[i], r->f[HF_S_FULL], o[i]);
  HF_R(gate_partial)(HF_R_PASS r, o);
  HF_R_LOOP for (int i = 0; i < 5; i++) HF_R_SUM_ADD(gates[i], r->f[HF_S_PARTIAL], o[i]);
  HF_R(gate_middle)(HF_R_PASS r, o);
  HF_R_LOOP for (int i = 0; i < 5; i++) HF_R_SUM_ADD(gates[i], r->f[HF_S_MIDDLE], o[i]);
  HF_R(gate_edwards)(HF_R_PASS r, o);
  HF_R_LOOP for (int i = 0; i < 2; i++) HF_R_SUM_ADD(gates[i], r->f[HF_S_EDWARDS], o[i]);
  HF_R(gate_update)(HF_R_PASS r, o);
  HF_R_LOOP for (int i = 0; i < 5; i++) HF_R_SUM_ADD(gates[i], update, o[i]);
  HF_R(gate_double)(HF_R_PASS r, o);
  HF_R_LOOP for (int i = 0; i < 4; i++) HF_R_SUM_ADD(gates[i], twice, o[i]);
  HF_R_LOOP for (int i = 0; i < 6; i++) terms[i] = HF_R_SUM_VALUE(gates[i]);

  /* 0: arithmetic and public inputs */
  rest[0] = HF_R_ADD(HF_R_MUL(arithmetic, HF_R(gate_arithmetic)(HF_R_PASS r)), r->pi);
  /* 1, 2: non-native */
  t = HF_R(nonnative_term)(HF_R_PASS r, ch);
  t = HF_R_SUB(HF_R_SUB(r->rhon, r->rho), t);
  rest[1] = HF_R_MUL(r->f[HF_S_NONNATIVE], t);
  t = HF_R_SUB(one, HF_R_MUL(r->f[HF_S_NONNATIVE], HF_R_SUB(one, r->f[HF_Q4])));
  rest[2] = HF_R_MUL(t, r->rho);
  /* 3: range: range' - range = s sum 1/(lambda + w) - m/(lambda + T), denominators cleared */
  {
    HF_R_T d0 = HF_R_ADD(ch->lambda, r->w[0]), d1 = HF_R_ADD(ch->lambda, r->w[1]);
    HF_R_T d2 = HF_R_ADD(ch->lambda, r->w[2]), d3 = HF_R_ADD(ch->lambda, r->w[3]);
    HF_R_T dt = HF_R_ADD(ch->lambda, r->f[HF_TABLE_RANGE]);
    HF_R_T d01 = HF_R_MUL(d0, d1), d23 = HF_R_MUL(d2, d3), all = HF_R_MUL(d01, d23);
    HF_R_SUM_T sum, both;
    HF_R_SUM_PRODUCT(sum, d01, HF_R_ADD(d2, d3));
    HF_R_SUM_BEFORE(sum, d23, HF_R_ADD(d0, d1));
    t = HF_R_MUL(r->f[HF_S_RANGE], HF_R_SUM_VALUE(sum));
    t = HF_R_SUB(HF_R_MUL(HF_R_SUB(r->rangen, r->range), all), t);
    HF_R_SUM_PRODUCT(both, r->m, all);
    HF_R_SUM_BEFORE(both, dt, t);
    rest[3] = HF_R_SUM_VALUE(both);
  }
  /* 4: ROM */
  {
    HF_R_T numerator, denominator = HF_R(rom_denominator)(HF_R_PASS r, ch, &numerator);
    rest[4] = HF_R_SUB(HF_R_MUL(HF_R_SUB(r->romn, r->rom), denominator), numerator);
  }
  /* 5: permutation; 6: it starts at one */
  {
    HF_R_T left = r->zn, right = r->z, bx = HF_R_MUL(ch->beta, r->x);
    HF_R_LOOP for (int i = 0; i < HF_WIRES; i++) {
      HF_R_T wg = HF_R_ADD(r->w[i], ch->gamma);
      left = HF_R_MUL(left, HF_R_ADD(wg, HF_R_MUL(ch->beta, r->f[HF_SIGMA1 + i])));
      t = i == 0 ? bx : HF_R_MUL(HF_R_CONST(HF_RC_K1 + i - 1), bx);
      right = HF_R_MUL(right, HF_R_ADD(wg, t));
    }
    rest[5] = HF_R_SUB(left, right);
  }
  rest[6] = HF_R_MUL(r->l1, HF_R_SUB(r->z, one));
  return HF_R(fold)(HF_R_PASS ch, terms);
}

#ifdef HF_R_SUM_PLAIN
#undef HF_R_SUM_PLAIN
#undef HF_R_SUM_T
#undef HF_R_SUM_OF
#undef HF_R_SUM_PRODUCT
#undef HF_R_SUM_ADD
#undef HF_R_SUM_BEFORE
#undef HF_R_SUM_VALUE
#endif
#ifdef HF_R_SQR_PLAIN
#undef HF_R_SQR_PLAIN
#undef HF_R_SQR
#endif
#ifdef HF_R_LOOP_PLAIN
#undef HF_R_LOOP_PLAIN
#undef HF_R_LOOP
#endif
