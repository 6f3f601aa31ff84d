// Rebuilds a chain from its posted data, from the text of proto/include/hyperfold/rollup.h
// alone, over the permutation and the Keccak of npm packages; tests/sequencer runs it.
//   node rollup.mjs DATA_FILE STATEMENTS TRANSACTIONS
// DATA_FILE: container of kind PDAT. STATEMENTS: the statement of each batch, a line of hex each. TRANSACTIONS: lines of
// JSON, each of which must carry a good signature.
import { readFileSync } from "node:fs";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { poseidon2, sponge } from "./hash.mjs";
import { r, l, mod, inverse, power, big, bigLE, bytesBE, concat } from "./field.mjs";

const fail = (text) => {
  console.error(`rollup: ${text}`);
  process.exit(1);
};
const same = (what, a, b) => a === b || fail(`${what}: ${a} is not ${b}`);

const [dataPath, statementsPath, transactionsPath] = process.argv.slice(2);
const file = readFileSync(dataPath);
same("magic", file.subarray(0, 12).toString("latin1"), "HYPERFLDPDAT");
let at = 64;
const u32 = () => file.readUInt32LE((at += 4) - 4);
const word = () => bigLE(file.subarray((at += 32) - 32, at));
const depth = u32(), slots = u32(), complete = u32(), count = u32();

// ---- the tree: all of it at once, from the leaves ----
const compress = (x) => mod(poseidon2(x)[0] + x[0], r);
const leaf = (a) => compress([a.x, a.y, a.balance + (a.nonce << 64n), 2n]);
const nobody = { x: 0n, y: 0n, balance: 0n, nonce: 0n };
function rootOf(accounts) {
  let level = accounts.map(leaf), blank = leaf(nobody);
  for (let k = 0; k < depth / 2; k++) {
    while (level.length % 4 || level.length === 0) level.push(blank);
    const up = [];
    for (let i = 0; i < level.length; i += 4) up.push(compress(level.slice(i, i + 4)));
    level = up;
    blank = compress([blank, blank, blank, blank]);
  }
  return level[0];
}

// ---- the batches ----
const bits = (v, from, n) => (v >> BigInt(from)) & ((1n << BigInt(n)) - 1n);
const accounts = [];
const statements = readFileSync(statementsPath, "utf8").trim().split("\n");
let root = rootOf(accounts), operations = 0, deposits = 0n, chain = null;
same("batches", statements.length, count);
for (let b = 1; b <= count; b++) {
  const record = [0n, ...Array.from({ length: 33 }, word)];
  const words = Array.from({ length: 3 * slots }, word);
  chain ??= record[1];
  same("chain id", record[1], chain);
  same("batch number", record[2], BigInt(b));
  same("old root", record[4], root);
  same("outbox root", record[6], sponge(9, [record[1], record[2], 0n]));
  for (let i = 7; i < 23; i++) same(`import word ${i}`, record[i], 0n);
  same("deposit start", record[23], deposits);
  let fees = 0n, taken = 0n, transfers = 0n, withdrawals = 0n, into = 0n, out = 0n, refused = 0n;
  const posted = [];
  for (let s = 0; s < slots; s++) {
    const [w0, w1, w2] = words.slice(3 * s, 3 * s + 3);
    const type = Number(bits(w0, 0, 8)), i = Number(bits(w0, 8, 24)), j = Number(bits(w0, 32, 24));
    const amount = bits(w0, 56, 64), fee = bits(w0, 120, 64);
    const x = w1 + (bits(w0, 184, 6) << 248n), y = w2 + (bits(w0, 190, 6) << 248n);
    same("stray bits", w0 >> 196n, 0n);
    posted.push(...(record[3] === 1n && type < 2 ? [0n, 0n, 0n] : [w0, w1, w2]));
    if (type) operations++;
    if (type === 1 || type === 2) {
      accounts[i].balance -= amount + fee;
      accounts[i].nonce += 1n;
      fees += fee;
      if (accounts[i].balance < 0n) fail(`batch ${b}, slot ${s}: overdraft`);
    }
    if (type === 1) {
      if (i === j) fail("self-transfer");
      accounts[j].balance += amount;
      transfers++;
    } else if (type === 2) {
      withdrawals++;
      out += amount;
      if (x >> 160n || y) fail("not an address");
    } else if (type === 3 || type === 4) {
      taken++;
      into += amount;
      if (type === 4) refused += amount;
      else {
        if (j === accounts.length) {
          if (accounts.some((a) => a.x === x && a.y === y)) fail("a second account for one key");
          accounts.push({ ...nobody, x, y });
        }
        if (accounts[j].x !== x || accounts[j].y !== y) fail("deposit to another key");
        accounts[j].balance += amount;
      }
    } else if (w0 || w1 || w2) fail(`batch ${b}, slot ${s}: operation ${type}`);
  }
  if (fees) accounts[Number(record[33])].balance += fees;
  root = rootOf(accounts);
  same("new root", record[5], root);
  same("deposits", record[24], taken);
  deposits += taken;
  const d = sponge(3, posted);
  same("D", record[25], d);
  const tag = new TextEncoder().encode("hyperfold.data.v1");
  const point = big(keccak_256(concat(tag, bytesBE(d), ...posted.map((w) => bytesBE(w))))) % r;
  same("x_d", record[26], point);
  same("y_d", record[27], posted.reduceRight((v, w) => (v * point + w) % r, 0n));
  same("transfers", record[28], transfers);
  same("withdrawals", record[29], withdrawals);
  same("total in", record[30], into);
  same("total out", record[31], out);
  same("total refused", record[32], refused);
  same("statement", bigLE(Buffer.from(statements[b - 1], "hex")), sponge(4, record.slice(1)));
}
same("length", at, file.length);

// ---- signatures: S B = R + h A on a x^2 + y^2 = 1 + d x^2 y^2 ----
const [A, D] = [168700n, 168696n];
const add = ([x1, y1], [x2, y2]) => {
  const t = mod(D * x1 * x2 * y1 * y2, r);
  return [mod((x1 * y2 + y1 * x2) * inverse(1n + t, r), r), mod((y1 * y2 - A * x1 * x2) * inverse(1n - t, r), r)];
};
const times = (p, k) => {
  let z = [0n, 1n];
  for (; k; k >>= 1n, p = add(p, p)) if (k & 1n) z = add(z, p);
  return z;
};
const base = [
  5299619240641551281634865583518297030282874472190772894086521144482721001553n,
  16950150798460657717958625567821834550301663161624707787222815936182638968203n,
];
// Tonelli and Shanks; r - 1 = 2^28 m, 5 is no square.
function squareRoot(v) {
  const m = (r - 1n) >> 28n;
  let z = power(5n, m, r), x = power(v, (m + 1n) / 2n, r), t = power(v, m, r), e = 28;
  while (t !== 1n) {
    let i = 0, u = t;
    while (u !== 1n) {
      u = (u * u) % r;
      i++;
    }
    if (i >= e) fail("not a point of the curve");
    let f = z;
    for (let k = 0; k < e - i - 1; k++) f = (f * f) % r;
    z = (f * f) % r;
    x = (x * f) % r;
    t = (t * z) % r;
    e = i;
  }
  return x;
}
function point(hexText) {
  const bytes = Buffer.from(hexText, "hex"), sign = bytes[31] >> 7;
  bytes[31] &= 127;
  const y = bigLE(bytes);
  let x = squareRoot(mod((1n - y * y) * inverse(mod(A - D * y * y, r), r), r));
  if ((x > (r - 1n) / 2n) !== (sign === 1)) x = mod(-x, r);
  return [x, y];
}
let signatures = 0;
for (const line of readFileSync(transactionsPath, "utf8").trim().split("\n")) {
  const t = JSON.parse(line), transfer = t.type === "transfer";
  const key = point(t.from), R = point(t.signature.slice(0, 64));
  const S = bigLE(Buffer.from(t.signature.slice(64), "hex"));
  const to = transfer ? point(t.to) : [BigInt(t.address), 0n];
  const m = [BigInt(t.chain_id) + (transfer ? 1n : 2n) * 2n ** 128n + BigInt(t.nonce) * 2n ** 136n,
             BigInt(t.amount) + BigInt(t.fee) * 2n ** 64n + BigInt(t.account) * 2n ** 128n, ...to];
  const h = sponge(1, [...R, ...key, ...m]);
  const left = times(base, S), right = add(R, times(key, h));
  if (S >= l || left[0] !== right[0] || left[1] !== right[1]) fail(`signature: ${line}`);
  signatures++;
}
console.log(`rollup: ok batches=${count} operations=${operations} accounts=${accounts.length} complete=${complete} signatures=${signatures}`);
