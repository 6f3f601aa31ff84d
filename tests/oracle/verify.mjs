// A verifier of leaves, nodes and seals, and of what a seal says about records, written from the texts of
// verifier/{layout,verify,statement}.h and the transcript's header over big integers and the curve of npm packages.
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bn254 } from "@noble/curves/bn254.js";
import { r, power, inverse, big, bytesBE, concat } from "./field.mjs";
import { sponge, PoseidonTranscript, KeccakTranscript } from "./hash.mjs";
import { require, point, groups, packCount, WITNESS, SUMS, QUOTIENT, NEXT, RECORD, RECORDS_MAX } from "./files.mjs";
import { F, constraints } from "./relation.mjs";

const G1 = bn254.G1.Point, G2 = bn254.G2.Point;
const affine = ([x, y]) => G1.fromAffine({ x, y });
const fixedNames = ("q1 q2 q3 q4 q5 qab qcd qn qc arithmetic merkle full partial middle edwards nonnative range rom " +
  "sigma1 sigma2 sigma3 sigma4 sigma5 table").split(" ");

// e(left, [1]) = e(right, [tau])
function pairs(left, right, tau) {
  const e = (a, b) => (a.is0() ? bn254.fields.Fp12.ONE : bn254.pairing(a, b));
  return bn254.fields.Fp12.eql(e(left, G2.BASE), e(right, tau.point));
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

// ---- identity at zeta ----
function identity(key, p, c) {
  const n = 1n << BigInt(key.logN), omega = power(power(5n, (r - 1n) >> 28n, r), 1n << (28n - BigInt(key.logN)), r);
  const zn = power(c.zeta, n, r), zh = F(zn - 1n);
  require(zh !== 0n, "identity", "zeta is a row");
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
  require(F(left - zh * t) === 0n, "identity", "the constraints do not hold at zeta");
  return omega;
}

// ---- opening: sum_k v_k (f_k - R_k) / Z_k = W as polynomials, checked at y by W' = (...) / (X - y) ----
function opening(key, p, c, omega) {
  const kappa = key.kappa, yk = power(c.y, BigInt(kappa), r), next = F(c.zeta * omega);
  const z = [F(yk - c.zeta), F(yk - next)];
  const mul = (point, k) => (F(k) === 0n ? G1.ZERO : affine(point).multiply(F(k)));
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
  const right = affine(p.wPrime);
  require(pairs(left, right, key.tau), "opening", "the pairing does not hold");
}

// ---- instances ----
function instance(key, p) {
  if (!key.foldable || p.instance[1] === key.digest) return;
  require(p.instance[1] === 0n, "instance", "a foreign node");
  require(p.instance.slice(2).every((x) => x === 0n), "instance", "a leaf with an accumulator");
}

function accumulator(key, p) {
  if (!key.seal && !(key.foldable && p.instance[1] !== 0n)) return;
  const half = p.instance.slice(key.seal ? 4 : 2);
  require(half.every((x) => x >> 128n === 0n), "range:accumulator", "a half of more than 128 bits");
  const coordinate = [0, 2, 4, 6].map((i) => half[i] + (half[i + 1] << 128n));
  const [left, right] = [0, 2].map((i) => affine(point("accumulator", coordinate[i], coordinate[i + 1])));
  require(pairs(left, right, key.tau), "accumulator", "the accumulator's pairing does not hold");
}

export function verify(key, p) {
  require(p.digest === key.digest && p.kappa === key.kappa && p.instance.length === key.publicCount, "mismatch", "another key");
  const c = challenges(key, p);
  instance(key, p);
  opening(key, p, c, identity(key, p, c));
  accumulator(key, p);
}

// ---- what a seal says ----
const leafEntry = (digest, statement) => sponge(5, [digest, statement]);
const parent = (a, b) => (a === 0n && b === 0n ? 0n : sponge(6, [a, b]));
const horner = (words, x) => words.reduceRight((s, w) => F(s * x + w), 0n);
const fingerprint = (tag, words) => big(keccak_256(concat(new TextEncoder().encode(tag), ...words.map((w) => bytesBE(w))))) % r;

export function records(key, p, list, data) {
  require(key.seal, "mismatch", "the key is none of a seal");
  let level = Array.from({ length: RECORDS_MAX }, (_, i) =>
    i < list.length ? leafEntry(list[i][0], sponge(4, list[i].slice(1, RECORD))) : 0n);
  while (level.length > 1) level = Array.from({ length: level.length / 2 }, (_, i) => parent(level[2 * i], level[2 * i + 1]));
  const [root, words] = [level[0], list.flat()], x = fingerprint("hyperfold.seal.v1", [root, BigInt(list.length), ...words]);
  const stated = [root, BigInt(list.length), x, horner(words, x)];
  require(stated.every((v, i) => v === p.instance[i]), "records", "the seal is about other records");
  list.forEach((record, i) => {
    const xd = fingerprint("hyperfold.data.v1", [record[25], ...data[i]]);
    require(record[26] === xd && record[27] === horner(data[i], xd), "data", `record ${i}: other posted words`);
  });
}
