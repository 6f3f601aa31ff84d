// The constraints of kernels/arith/relation.h at one row, written from its text over big integers.
import { r, q, mod, power, inverse } from "./field.mjs";
import { MAT_INTERNAL4 } from "./node_modules/@zkpassport/poseidon2/dist/esm/bn254/constants.js";

export const F = (x) => mod(x, r);
const pow5 = (x) => power(x, 5n, r);
const external = (x) => [[5n, 7n, 1n, 3n], [4n, 6n, 1n, 1n], [1n, 3n, 5n, 7n], [1n, 1n, 4n, 6n]].map((row) => dot(row, x));
const dot = (a, b) => F(a.reduce((s, v, i) => s + v * b[i], 0n));
const internal = (x) => MAT_INTERNAL4.map((row) => dot(row, x));

// Solves M y = b, four unknowns.
function solve(M, b) {
  const rows = M.map((row, i) => [...row, b[i]]);
  for (let c = 0; c < 4; c++) {
    const p = rows.findIndex((row, i) => i >= c && F(row[c]) !== 0n);
    [rows[c], rows[p]] = [rows[p], rows[c]];
    const inv = inverse(rows[c][c], r);
    rows[c] = rows[c].map((x) => F(x * inv));
    rows.forEach((row, i) => { if (i !== c) rows[i] = row.map((x, j) => F(x - row[c] * rows[c][j])); });
  }
  return rows.map((row) => row[4]);
}

// Five partial rounds from (a, b, c, d) with the s-box outputs y1 = e and y2..y5 to be found so that the state at the
// end is the next row: the end is an affine function of them.
function partialRounds(w, next) {
  const run = (y) => {
    let s = [0n, w[1], w[2], w[3]];
    const before = [];
    for (let i = 0; i < 5; i++) {
      before.push(i === 0 ? w[0] : s[0]);
      s = internal([y[i], s[1], s[2], s[3]]);
    }
    return { end: s, before };
  };
  const at = (y) => run([w[4], ...y]).end;
  const zero = at([0n, 0n, 0n, 0n]);
  const columns = [0, 1, 2, 3].map((k) => at([0, 1, 2, 3].map((i) => (i === k ? 1n : 0n))).map((x, i) => F(x - zero[i])));
  const M = [0, 1, 2, 3].map((i) => columns.map((col) => col[i]));
  const y = [w[4], ...solve(M, next.slice(0, 4).map((x, i) => F(x - zero[i])))];
  return { y, before: run(y).before };
}

// The thirteen values that vanish; row: wires w and n (next), fixed columns f, running columns; c: challenges.
export function constraints(row, c) {
  const { w, n, f } = row, [a, b, cc, d, e] = w, k = [f.q1, f.q2, f.q3, f.q4, f.q5];
  const minus = (x, y) => F(x - y), out = Array(13).fill(0n);
  const add = (selector, values) => values.forEach((v, i) => (out[i] = F(out[i] + selector * v)));
  const fullRound = (s, constants) => external(s.map((x, i) => pow5(x + constants[i]))).map((x, i) => minus(x, n[i]));
  { // merkle: Lagrange interpolation of the children on 0..3
    const p = n[4];
    let child = 0n;
    for (let j = 0n; j < 4n; j++) {
      let l = 1n;
      for (let m = 0n; m < 4n; m++) if (m !== j) l = F(l * (p - m) * inverse(j - m, r));
      child += l * w[Number(j)];
    }
    add(f.merkle, [...fullRound(external(w.slice(0, 4)), k), minus(child, e), F(p * (p - 1n) * (p - 2n) * (p - 3n))]);
  }
  add(f.full, fullRound(w.slice(0, 4), k));
  {
    const { y, before } = partialRounds(w, n);
    add(f.partial, y.map((v, i) => minus(pow5(before[i] + k[i]), v)));
  }
  add(f.middle, [minus(pow5(a + k[0]), e), ...fullRound(internal([e, b, cc, d]), k.slice(1))]);
  {
    const t = F(168696n * F(a * cc) * F(b * d));
    add(f.edwards, [minus(n[0] * (1n + t), a * d + b * cc), minus(n[1] * (1n - t), b * d - 168700n * a * cc)]);
  }
  // the arithmetic selector is 0 (none), 1 (arithmetic), 2 (update) or 3 (double): Lagrange on these
  const chosen = (v) => [0n, 1n, 2n, 3n].filter((u) => u !== v).reduce((l, u) => F(l * (f.arithmetic - u) * inverse(v - u, r)), 1n);
  {
    const d = [0, 1, 2, 3].map((i) => n[i] - w[i]), change = n[4] - e;
    add(chosen(2n), [...d.map((x) => F(x * (x - change))), F(d.reduce((s, x) => s + x, 0n) - change)]);
  }
  { // two doublings; on the curve 1 + d x^2 y^2 = a x^2 + y^2
    const twice = (x, y, x2, y2) => {
      const axx = F(168700n * x * x), yy = F(y * y);
      return [F(x2 * (axx + yy) - 2n * x * y), F(y2 * (2n - axx - yy) - (yy - axx))];
    };
    add(chosen(3n), [...twice(a, b, cc, d), ...twice(cc, d, n[0], n[1])]);
  }
  out[6] = F(chosen(1n) * (dot(k, w) + f.qab * a * b + f.qcd * cc * d + f.qn * n[4] + f.qc) + row.pi);
  { // non-native: polynomials in X = 2^64 with X^2 = Y = chi
    const X = 1n << 64n, Y = c.chi;
    const product = (u, v) => {
      let s = 0n;
      for (let i = 0; i < 4; i++) for (let j = 0; j < 4; j++) s += u[i] * v[j] * ((i + j) % 2 ? X : 1n) * power(Y, BigInt((i + j) >> 1), r);
      return F(s);
    };
    const v = w.slice(0, 4), qLimbs = [0n, 64n, 128n, 192n].map((s) => (q >> s) & (X - 1n));
    const offset = [a, b, cc, d - X];
    const carry = [a, b, cc].reduce((s, x, i) => s + (x - (f.q5 << 67n)) * power(Y, BigInt(i), r), 0n);
    const term = f.qab * product(v, n) + f.qcd * product(v, v) + f.q1 * product(v, [1n, 0n, 0n, 0n]) +
      f.q2 * product(offset, qLimbs) + f.q3 * ((1n << 128n) - Y) * carry;
    out[7] = F(f.nonnative * (row.rhon - row.rho - term));
    out[8] = F((1n - f.nonnative * (1n - f.q4)) * row.rho);
  }
  { // range, with its denominators multiplied out
    const dens = [a, b, cc, d].map((x) => F(c.lambda + x)), dt = F(c.lambda + f.table), all = dens.reduce((s, x) => F(s * x), 1n);
    const sum = dens.reduce((s, _, i) => s + dens.reduce((p, x, j) => (i === j ? p : F(p * x)), 1n), 0n);
    out[9] = F((row.rangen - row.range) * dt * all - f.range * sum * dt + row.m * all);
  }
  { // ROM
    const half = inverse(2n, r), u = f.rom, read = F(half * (u * u + u)), write = F(half * (u * u - u));
    const address = read * e + write * f.q5;
    const tuple = [address, cc, d, (1n - f.edwards) * a, (1n - f.edwards) * b, f.qc];
    const den = c.lambda + tuple.reduce((s, x, i) => s + x * power(c.eta, BigInt(i), r), 0n);
    out[10] = F((row.romn - row.rom) * F(den) - (read - write * e));
  }
  { // permutation
    let left = row.zn, right = row.z;
    for (let i = 0; i < 5; i++) {
      left = F(left * (w[i] + c.beta * f[`sigma${i + 1}`] + c.gamma));
      right = F(right * (w[i] + c.beta * power(5n, BigInt(i), r) * row.x + c.gamma));
    }
    out[11] = F(left - right);
    out[12] = F(row.l1 * (row.z - 1n));
  }
  return out;
}
