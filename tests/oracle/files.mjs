// Files, keys, proofs and records, read as strictly as verifier/{proof,verifying_key,sealed}.h say. What is refused is
// thrown as Refused, whose class is one of those of tests/corpus/README.md.
import { blake2b } from "@noble/hashes/blake2.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bn254 } from "@noble/curves/bn254.js";
import { r, q, mod, big, bigLE, concat } from "./field.mjs";
import { sponge, g1Words } from "./hash.mjs";

export class Refused extends Error {
  constructor(kind, why) {
    super(why);
    this.kind = kind;
  }
}
export const require = (holds, kind, why) => { if (!holds) throw new Refused(kind, why); };
const G2 = bn254.G2.Point;

export const WITNESS = 6, SUMS = 4, QUOTIENT = 5, FIXED = 24, NEXT = WITNESS + SUMS, ALL = NEXT + QUOTIENT + FIXED;
export const groups = [WITNESS, SUMS, QUOTIENT, FIXED];
export const packCount = (n, kappa) => Math.ceil(n / kappa);
export const INSTANCE = 10, SEAL = 12, RECORD = 34, RECORDS_MAX = 64;

// A point of the curve that is not infinity; `what` names the part of the input in the class.
export function point(what, x, y) {
  require(x < q && y < q, `range:${what}`, "a coordinate is not below q");
  require(x !== 0n || y !== 0n, `infinity:${what}`, "infinity");
  require(mod(y * y - x ** 3n - 3n, q) === 0n, `curve:${what}`, "not on the curve");
  return [x, y];
}

class Reader {
  constructor(bytes) { this.bytes = bytes; this.at = 0; }
  take(n) {
    require(this.at + n <= this.bytes.length, "format", "too short");
    return this.bytes.subarray(this.at, (this.at += n));
  }
  number(n) { return Number(bigLE(this.take(n))); }
  word() { return bigLE(this.take(32)); }
  fr(what) {
    const v = this.word();
    require(v < r, `range:${what}`, "not below r");
    return v;
  }
  g1(what) { return point(what, this.word(), this.word()); }
  many(n, one) { return Array.from({ length: n }, one); }
  end() { require(this.at === this.bytes.length, "format", "bytes behind the end"); }
}

// Kind and payload of a container.
export function container(bytes) {
  const text = (a, b) => Buffer.from(bytes.subarray(a, b)).toString("latin1");
  require(bytes.length >= 64 && text(0, 8) === "HYPERFLD", "format", "no container");
  const sum = blake2b(concat(bytes.subarray(0, 32), bytes.subarray(64)), { dkLen: 32 });
  require(Buffer.compare(Buffer.from(sum), Buffer.from(bytes.subarray(32, 64))) === 0, "checksum", "checksum");
  require(bigLE(bytes.subarray(12, 16)) === 1n && bigLE(bytes.subarray(16, 24)) === BigInt(bytes.length - 64), "format", "header");
  return { kind: text(8, 12), reader: new Reader(bytes.subarray(64)) };
}

function open(bytes, kind) {
  const c = container(bytes);
  require(c.kind === kind, "format", "not a " + kind);
  return c.reader;
}

// [tau]_2 of the setup whose secret is public.
const developmentTau = G2.BASE.multiply(
  big(keccak_256(new TextEncoder().encode("hyperfold development setup 1: this secret is public"))) & ((1n << 253n) - 1n));

function readTau(f) {
  const words = f.many(4, () => f.word());
  require(words.every((x) => x < q), "range:key", "a coordinate of [tau]_2 is not below q");
  require(words.some((x) => x !== 0n), "infinity:key", "[tau]_2 is infinity");
  const tau = G2.fromAffine({ x: { c0: words[0], c1: words[1] }, y: { c0: words[2], c1: words[3] } });
  const Fp2 = bn254.fields.Fp2, b = Fp2.div(Fp2.fromBigTuple([3n, 0n]), Fp2.fromBigTuple([9n, 1n]));
  const { x, y } = tau.toAffine();
  require(Fp2.eql(Fp2.sqr(y), Fp2.add(Fp2.mul(Fp2.sqr(x), x), b)), "curve:key", "[tau]_2 is not on the curve");
  // r [tau]_2, by a ladder of our own: the library multiplies by canonical scalars only
  let sum = G2.ZERO;
  for (const bit of r.toString(2)) {
    sum = sum.double();
    if (bit === "1") sum = sum.add(tau);
  }
  require(sum.is0(), "subgroup:key", "[tau]_2 is not in the group");
  return { words, point: tau };
}

export function readKey(bytes) {
  const f = open(bytes, "VKEY");
  const key = { logN: f.number(1), kappa: f.number(1), transcript: f.number(1), flags: f.number(1), publicCount: f.number(4) };
  const parameter = (holds, why) => require(holds, "range:key", why);
  parameter(key.kappa >= 1 && key.kappa <= 8, "kappa");
  parameter(key.transcript <= 1, "transcript");
  parameter(key.flags <= 7, "flags");
  [key.foldable, key.development, key.seal] = [1, 2, 4].map((bit) => (key.flags & bit) !== 0);
  parameter(key.logN >= 4 && key.logN <= 26, "rows");
  parameter(key.publicCount <= 1024 && key.publicCount + 10 <= 2 ** key.logN, "public inputs");
  parameter(!key.foldable || key.publicCount === INSTANCE, "foldable");
  parameter(!key.seal || (!key.foldable && key.publicCount === SEAL), "seal");
  key.tau = readTau(f);
  require(!key.tau.point.equals(G2.BASE) && !key.tau.point.equals(G2.BASE.negate()), "key:tau", "tau is 1 or -1");
  require(key.development || !key.tau.point.equals(developmentTau), "key:development", "the development setup, unmarked");
  key.fixed = f.many(packCount(FIXED, key.kappa), () => f.g1("key"));
  require(new Set(key.fixed.map((p) => p[0])).size === key.fixed.length, "key:equal", "equal or opposite commitments");
  f.end();
  const fq = (x) => [x & ((1n << 128n) - 1n), x >> 128n];
  const head = [1, key.transcript, key.kappa, key.foldable + 2 * key.seal, +key.development, key.publicCount].map(BigInt);
  key.digest = sponge(7, [...head, ...key.tau.words.flatMap(fq), BigInt(key.logN), ...key.fixed.flatMap(g1Words)]);
  return key;
}

function proofFrom(f) {
  const kappa = f.number(4);
  require(kappa >= 1 && kappa <= 8, "format", "kappa");
  const digest = f.fr("digest"), count = f.number(4);
  require(count <= 1024, "format", "public inputs");
  const instance = f.many(count, () => f.fr("input"));
  const [witness, sums, quotient] = [WITNESS, SUMS, QUOTIENT].map((n) => f.many(packCount(n, kappa), () => f.g1("point")));
  const atZeta = f.many(ALL, () => f.fr("evaluation")), atNext = f.many(NEXT, () => f.fr("evaluation"));
  const w = f.g1("point"), wPrime = f.g1("point");
  return { kappa, digest, instance, witness, sums, quotient, atZeta, atNext, w, wPrime };
}

export function readProof(bytes) {
  const f = open(bytes, "PROF"), proof = proofFrom(f);
  f.end();
  return proof;
}

// Bits of a record's words; 254 stands for "below r" (hyperfold/rollup.h).
const FIELD = 254, imports = [128, 64, FIELD, 8];
const wordBits = [FIELD, 128, 64, 1, FIELD, FIELD, FIELD, ...imports, ...imports, ...imports, ...imports, 64, 32, FIELD, FIELD, FIELD,
  32, 32, 128, 128, 128, 23];

// A seal, its records and their posted words.
export function readSealed(bytes) {
  const f = open(bytes, "SLED"), proof = proofFrom(f), m = f.number(4);
  require(m >= 1 && m <= RECORDS_MAX, "format", "number of records");
  const records = [], data = [];
  for (let i = 0; i < m; i++) {
    const words = f.many(RECORD, () => f.word());
    const slots = f.number(4);
    require(slots >= 1 && slots <= 4096, "format", "slots");
    data.push(f.many(3 * slots, () => f.word()));
    words.forEach((w, j) => require(wordBits[j] === FIELD ? w < r : w >> BigInt(wordBits[j]) === 0n, "range:record", `word ${j}`));
    require(data[i].every((w) => w >> 248n === 0n), "range:data", "a word of more than 248 bits");
    records.push(words);
  }
  f.end();
  return { proof, records, data };
}
