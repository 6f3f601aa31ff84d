// A verifier of hyperfold's proofs that shares no code with hyperfold: files, transcript, constraints and opening
// written from the texts of verifier/{layout,proof,verifying_key}.h, kernels/arith/relation.h and the transcript's
// header, over big integers and the curve of npm packages.
//   node proof.mjs < LIST      lines "KEY PROOF"; prints "ok" or "refused: why" for each
import { readFileSync } from "node:fs";
import { blake2b } from "@noble/hashes/blake2.js";
import { bn254 } from "@noble/curves/bn254.js";
import { r, q, mod, power, inverse, bigLE, concat } from "./field.mjs";
import { sponge, g1Words, PoseidonTranscript, KeccakTranscript } from "./hash.mjs";
import { MAT_INTERNAL4 } from "./node_modules/@zkpassport/poseidon2/dist/esm/bn254/constants.js";

class Refused extends Error {}
const require = (holds, why) => { if (!holds) throw new Refused(why); };
const G1 = bn254.G1.Point, G2 = bn254.G2.Point;

// ---- files ----
class Reader {
  constructor(bytes) { this.bytes = bytes; this.at = 0; }
  take(n) {
    require(this.at + n <= this.bytes.length, "too short");
    return this.bytes.subarray(this.at, (this.at += n));
  }
  number(n) { return Number(bigLE(this.take(n))); }
  below(m) {
    const v = bigLE(this.take(32));
    require(v < m, "not canonical");
    return v;
  }
  fr() { return this.below(r); }
  g1() {
    const p = [this.below(q), this.below(q)];
    require(mod(p[1] * p[1] - p[0] ** 3n - 3n, q) === 0n, "not on the curve");
    return p;
  }
  g2() {
    const c = [0, 0, 0, 0].map(() => this.below(q));
    const p = G2.fromAffine({ x: { c0: c[0], c1: c[1] }, y: { c0: c[2], c1: c[3] } });
    p.assertValidity();
    return { words: c, point: p };
  }
  many(n, what) { return Array.from({ length: n }, () => this[what]()); }
  end() { require(this.at === this.bytes.length, "bytes behind the end"); }
}

function container(bytes, kind) {
  const text = (a, b) => Buffer.from(bytes.subarray(a, b)).toString("latin1");
  require(bytes.length >= 64 && text(0, 8) === "HYPERFLD" && text(8, 12) === kind, "not a " + kind);
  const sum = blake2b(concat(bytes.subarray(0, 32), bytes.subarray(64)), { dkLen: 32 });
  require(Buffer.compare(Buffer.from(sum), Buffer.from(bytes.subarray(32, 64))) === 0, "checksum");
  require(bigLE(bytes.subarray(12, 16)) === 1n && bigLE(bytes.subarray(16, 24)) === BigInt(bytes.length - 64), "header");
  return new Reader(bytes.subarray(64));
}

// ---- layout ----
const WITNESS = 6, SUMS = 4, QUOTIENT = 5, FIXED = 24, NEXT = WITNESS + SUMS, ALL = NEXT + QUOTIENT + FIXED;
const groups = [WITNESS, SUMS, QUOTIENT, FIXED];
const packCount = (n, kappa) => Math.ceil(n / kappa);
const fixedNames = ("q1 q2 q3 q4 q5 qab qcd qn qc arithmetic merkle full partial middle edwards nonnative range rom " +
  "sigma1 sigma2 sigma3 sigma4 sigma5 table").split(" ");

function readKey(bytes) {
  const f = container(bytes, "VKEY");
  const key = { logN: f.number(1), kappa: f.number(1), transcript: f.number(1), flags: f.number(1), publicCount: f.number(4) };
  require(key.kappa >= 1 && key.kappa <= 8 && key.transcript <= 1 && key.flags <= 7, "parameters");
  key.foldable = key.flags & 1;
  key.tau = f.g2();
  key.fixed = f.many(packCount(FIXED, key.kappa), "g1");
  f.end();
  const fq = (x) => [x & ((1n << 128n) - 1n), x >> 128n];
  const head = [1, key.transcript, key.kappa, key.foldable + 2 * (key.flags >> 2), (key.flags >> 1) & 1, key.publicCount].map(BigInt);
  key.digest = sponge(7, [...head, ...key.tau.words.flatMap(fq), BigInt(key.logN), ...key.fixed.flatMap(g1Words)]);
  return key;
}

function readProof(bytes) {
  const f = container(bytes, "PROF");
  const kappa = f.number(4), digest = f.fr(), instance = f.many(f.number(4), "fr");
  const [witness, sums, quotient] = groups.map((n) => f.many(n === FIXED ? 0 : packCount(n, kappa), "g1"));
  const atZeta = f.many(ALL, "fr"), atNext = f.many(NEXT, "fr"), w = f.g1(), wPrime = f.g1();
  f.end();
  return { kappa, digest, instance, witness, sums, quotient, atZeta, atNext, w, wPrime };
}

// ---- transcript ----
function challenges(key, p) {
  const t = new (key.transcript ? KeccakTranscript : PoseidonTranscript)(8);
  const c = {};
  const draw = (...names) => names.forEach((n) => (c[n] = t.squeeze()));
  t.fr(1, [key.digest]);
  t.fr(2, p.instance);
  t.g1(3, p.witness);
  draw("beta", "gamma", "lambda", "eta", "chi");
  t.g1(4, p.sums);
  draw("alpha");
  t.g1(5, p.quotient);
  draw("zeta");
  t.fr(6, p.atZeta);
  t.fr(7, p.atNext);
  c.v = [];
  const packs = groups.reduce((s, n) => s + packCount(n, key.kappa), 0);
  while (c.v.length < packs) c.v.push(...t.short());
  t.g1(8, [p.w]);
  draw("y");
  return c;
}

// ---- constraints ----
const F = (x) => mod(x, r), pow5 = (x) => power(x, 5n, r);
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

function constraints(row, c) {
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
    const carry = [a, b, cc].reduce((s, x, i) => s + (x - (1n << 67n)) * power(Y, BigInt(i), r), 0n);
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

function identity(key, p, c) {
  const n = 1n << BigInt(key.logN), omega = power(power(5n, (r - 1n) >> 28n, r), 1n << (28n - BigInt(key.logN)), r);
  const zn = power(c.zeta, n, r), zh = F(zn - 1n);
  require(zh !== 0n, "zeta is a row");
  const lagrange = (i) => {
    const w = power(omega, BigInt(i), r);
    return F(w * zh * inverse(F(n * (c.zeta - w)), r));
  };
  const [a, nx] = [p.atZeta, p.atNext], fixed = a.slice(NEXT + QUOTIENT);
  const row = {
    w: a.slice(0, 5), n: nx.slice(0, 5), m: a[5], f: Object.fromEntries(fixedNames.map((name, i) => [name, fixed[i]])),
    z: a[6], zn: nx[6], range: a[7], rangen: nx[7], rom: a[8], romn: nx[8], rho: a[9], rhon: nx[9],
    x: c.zeta, l1: lagrange(0), pi: F(-p.instance.reduce((s, v, i) => s + v * lagrange(i), 0n)),
  };
  const left = constraints(row, c).reduce((s, v, i) => s + v * power(c.alpha, BigInt(i), r), 0n);
  const t = a.slice(NEXT, NEXT + QUOTIENT).reduce((s, v, i) => s + v * power(zn, BigInt(i), r), 0n);
  require(F(left - zh * t) === 0n, "identity");
  return omega;
}

// ---- opening: sum_k v_k (f_k - R_k) / Z_k = W as polynomials, checked at y by W' = (...) / (X - y) ----
function opening(key, p, c, omega) {
  const kappa = key.kappa, yk = power(c.y, BigInt(kappa), r), next = F(c.zeta * omega);
  const z = [F(yk - c.zeta), F(yk - next)];
  const mul = (point, k) => (F(k) === 0n ? G1.ZERO : G1.fromAffine({ x: point[0], y: point[1] }).multiply(F(k)));
  // the remainder of a pack at a point: sum_j p_j(point) y^j
  const remainder = (values) => values.reduce((s, v, j) => s + v * power(c.y, BigInt(j), r), 0n);
  let left = G1.ZERO, constant = 0n, pack = 0, first = 0;
  for (const [g, points] of [p.witness, p.sums, p.quotient, key.fixed].entries()) {
    for (let i = 0; i < points.length; i++, pack++) {
      const from = first + i * kappa, to = Math.min(from + kappa, first + groups[g]);
      const atZeta = remainder(p.atZeta.slice(from, to));
      let weight, value;
      if (g < 2) {
        // R = atZeta (X^kappa - next)/(zeta - next) + atNext (X^kappa - zeta)/(next - zeta)
        const span = inverse(c.zeta - next, r), atNext = remainder(p.atNext.slice(from, to));
        value = F(atZeta * z[1] * span - atNext * z[0] * span);
        weight = c.v[pack];
      } else {
        value = atZeta;
        weight = F(c.v[pack] * z[1]);
      }
      left = left.add(mul(points[i], weight));
      constant += weight * value;
    }
    first += groups[g];
  }
  left = left.add(mul(p.w, -z[0] * z[1])).add(mul([1n, 2n], -constant)).add(mul(p.wPrime, c.y));
  const right = G1.fromAffine({ x: p.wPrime[0], y: p.wPrime[1] });
  const e = (a, b) => (a.is0() ? bn254.fields.Fp12.ONE : bn254.pairing(a, b));
  require(bn254.fields.Fp12.eql(e(left, G2.BASE), e(right, key.tau.point)), "opening");
}

function verify(keyPath, proofPath) {
  const key = readKey(readFileSync(keyPath)), p = readProof(readFileSync(proofPath));
  require(p.digest === key.digest && p.kappa === key.kappa && p.instance.length === key.publicCount, "another key");
  if (key.foldable) require(p.instance.slice(1).every((x) => x === 0n), "instance");
  const c = challenges(key, p);
  opening(key, p, c, identity(key, p, c));
}

for (const line of readFileSync(0, "utf8").split("\n")) {
  if (!line) continue;
  try {
    verify(...line.split(" "));
    console.log("ok");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    console.log("refused: " + error.message);
  }
}
