// Prints vectors/host.txt: what tests/host compares the library with. One case a
// line: a name, then words of 64 hex digits (numbers), hex of any length (bytes; "-"
// if none), decimal counts, and names of statuses.
//   node host.mjs > vectors/host.txt
import { keccak_256 } from "@noble/hashes/sha3.js";
import { blake2b } from "@noble/hashes/blake2.js";
import { bn254 } from "@noble/curves/bn254.js";
import { buildBabyjub } from "circomlibjs";
import { r, q, l, mod, power, inverse, hex, toHex, big, bytesBE, bytesLE, bigLE, concat, stream } from "./field.mjs";
import { sponge, poseidon2, PoseidonTranscript, KeccakTranscript } from "./hash.mjs";

const out = [];
const say = (name, ...words) =>
  out.push([name, ...words.flat(9).map((w) => (typeof w === "bigint" ? hex(w) : w instanceof Uint8Array ? toHex(w) || "-" : String(w)))].join(" "));

// ---- Keccak-256 ----
{
  const s = stream("keccak");
  for (const n of [0, 1, 31, 32, 135, 136, 137, 200, 271, 272, 273, 500]) {
    const input = s.bytes(n);
    say("keccak", input, keccak_256(input));
  }
}

// ---- Poseidon2 and the sponge ----
{
  const s = stream("poseidon2");
  const states = [[0n, 0n, 0n, 0n], [0n, 1n, 2n, 3n], Array(4).fill(r - 1n)];
  for (let i = 0; i < 4; i++) states.push([s.fr(), s.fr(), s.fr(), s.fr()]);
  for (const state of states) say("permute", state, poseidon2(state));
  for (const n of [0, 1, 2, 3, 4, 5, 6, 7, 9, 20]) {
    const words = Array.from({ length: n }, () => s.fr());
    say("sponge", String(n + 1), String(n), words, sponge(n + 1, words));
  }
  // Trailing zeros and another domain are other inputs.
  say("sponge", "1", "2", [5n, 0n], sponge(1, [5n, 0n]));
  say("sponge", "1", "1", [5n], sponge(1, [5n]));
  say("sponge", "2", "1", [5n], sponge(2, [5n]));
  say("sponge", "4294967297", "1", [5n], sponge(4294967297, [5n]));
}

// ---- Transcripts: a script of calls, each line replayed in order ----
{
  const G = bn254.G1.Point.BASE;
  const s = stream("transcript");
  for (const [kind, make] of [["poseidon2", PoseidonTranscript], ["keccak", KeccakTranscript]]) {
    const t = new make(8);
    const fr = (tag, n, values) => {
      const words = values ?? Array.from({ length: n }, () => s.fr());
      t.fr(tag, words);
      say("t_fr", String(tag), String(words.length), words);
    };
    const g1 = (tag, points) => {
      t.g1(tag, points);
      say("t_g1", String(tag), String(points.length), points);
    };
    const squeeze = () => say("t_squeeze", t.squeeze());
    const short = () => say("t_short", t.short());
    const point = () => {
      const p = G.multiply(s.fr()).toAffine();
      return [p.x, p.y];
    };
    say("t_init", kind, "8");
    squeeze(); // nothing absorbed
    squeeze(); // and again
    fr(1, 1);
    squeeze();
    fr(2, 2); // a full block
    squeeze();
    fr(2, 2);
    fr(3, 2);
    short();
    fr(4, 0); // a header alone
    squeeze();
    g1(5, [point()]);
    short();
    short();
    g1(6, [point(), point(), [0n, 0n]]);
    fr(7, 3, [0n, r - 1n, 1n]);
    squeeze();
    fr(4294967295, 7);
    g1(8, [[q - 1n, q - 2n]]); // any coordinates below q: transcripts do not judge
    short();
    squeeze();
    for (let i = 0; i < 6; i++) short();
  }
}

// ---- BabyJubJub ----
const babyjub = await buildBabyjub();
const F = babyjub.F;
const jub = {
  in: (p) => p.map((v) => F.e(v)),
  out: (p) => p.map((v) => F.toObject(v)),
  add: (a, b) => jub.out(babyjub.addPoint(jub.in(a), jub.in(b))),
  mul: (a, k) => jub.out(babyjub.mulPointEscalar(jub.in(a), k)),
  pack: (a) => babyjub.packPoint(jub.in(a)),
  base: [F.toObject(babyjub.Base8[0]), F.toObject(babyjub.Base8[1])],
  generator: [F.toObject(babyjub.Generator[0]), F.toObject(babyjub.Generator[1])],
  neg: ([x, y]) => [mod(-x, r), y],
};
const small = Array.from({ length: 8 }, (_, i) => jub.mul(jub.generator, BigInt(i) * l)); // the points of order 1, 2, 4, 8
{
  const s = stream("babyjub");
  const point = () => jub.mul(jub.generator, s.integer());
  const p = point(), o = [0n, 1n];
  const pairs = [[p, point()], [p, p], [p, jub.neg(p)], [p, o], [o, o], [p, small[1]], [small[3], small[5]], [small[4], small[4]]];
  for (const [a, b] of pairs) say("jub_add", a, b, jub.add(a, b));
  const all = (1n << 256n) - 1n;
  for (const k of [0n, 1n, 2n, 8n, 15n, 16n, l - 1n, l, l + 1n, 8n * l, r - 1n, all, s.integer(), s.integer()]) {
    const a = jub.add(jub.base, k & 1n ? small[1] : small[0]); // with and without a part of small order
    say("jub_mul", a, k, jub.mul(a, k));
  }
  small.forEach((a) => say("jub_small", a));
  const points = [jub.base, jub.generator, jub.neg(jub.base), p, point(), point(), ...small];
  for (const a of points) say("jub_pack", a, jub.pack(a));
  const flip = (bytes) => {
    const b = Uint8Array.from(bytes);
    b[31] ^= 0x80;
    return b;
  };
  // Encodings that must be refused: y = r, y = 2^255 - 1, y with no point, sign on x = 0.
  say("jub_unpack_bad", bytesLE(r), "RANGE");
  say("jub_unpack_bad", bytesLE((1n << 255n) - 1n), "RANGE");
  say("jub_unpack_bad", flip(bytesLE(1n)), "RANGE");
  say("jub_unpack_bad", flip(bytesLE(r - 1n)), "RANGE");
  let y = 2n, refused = 0;
  for (; refused < 3; y++) {
    const x2 = mod((1n - y * y) * inverse(168700n - 168696n * y * y, r), r);
    if (power(x2, (r - 1n) / 2n, r) === r - 1n) {
      say("jub_unpack_bad", bytesLE(y), "CURVE");
      refused++;
    }
  }
  say("jub_subgroup", jub.base, "1");
  say("jub_subgroup", jub.generator, "0");
  say("jub_subgroup", jub.add(jub.base, small[4]), "0");
  say("jub_subgroup", o, "1");
  // Integers modulo l.
  for (let i = 0; i < 4; i++) {
    const wide = i == 0 ? new Uint8Array(64).fill(255) : s.bytes(64), a = s.integer() % l, b = s.integer() % l;
    say("scalar", wide, bigLE(wide) % l, a, b, (a + b) % l, (a * b) % l);
  }
  say("scalar", bytesLE(l, 64), 0n, l - 1n, l - 1n, l - 2n, 1n);
}

// ---- EdDSA ----
{
  const s = stream("eddsa");
  const personal = (name) => concat(new TextEncoder().encode(name), new Uint8Array(16)).slice(0, 16);
  const blake = (name, bytes, dkLen) => blake2b(bytes, { dkLen, personalization: personal(name) });
  const challenge = (R, A, m) => sponge(1, [...R, ...A, ...m]);
  const key = (seed) => {
    const scalar = bigLE(blake("hf-eddsa-scalar", seed, 64)) % l;
    return { scalar, prefix: blake("hf-eddsa-prefix", seed, 32), A: jub.mul(jub.base, scalar) };
  };
  const sign = ({ scalar, prefix, A }, m) => {
    const nonce = bigLE(blake("hf-eddsa-nonce", concat(prefix, ...m.map((w) => bytesLE(w))), 64)) % l;
    const R = jub.mul(jub.base, nonce);
    return { R, S: (nonce + challenge(R, A, m) * scalar) % l };
  };
  const verify = (A, m, R, S) => {
    const left = jub.mul(jub.base, S), right = jub.add(R, jub.mul(A, challenge(R, A, m)));
    return left[0] === right[0] && left[1] === right[1];
  };
  const messages = [[0n, 0n, 0n, 0n], Array(4).fill(r - 1n)];
  for (let i = 0; i < 3; i++) messages.push([s.fr(), s.fr(), s.fr(), s.fr()]);
  for (const m of messages) {
    const seed = s.bytes(32), k = key(seed), g = sign(k, m);
    if (!verify(k.A, m, g.R, g.S)) throw new Error("the oracle refuses its own signature");
    say("eddsa_sign", seed, m, k.A, g.R, g.S);
  }
  // Verification: status and verdict.
  const m = [s.fr(), s.fr(), s.fr(), s.fr()], k = key(s.bytes(32)), g = sign(k, m);
  const judge = (status, A, msg, R, S) => say("eddsa_verify", A, msg, R, S, status, status === "OK" && verify(A, msg, R, S) ? "1" : "0");
  judge("OK", k.A, m, g.R, g.S);
  judge("OK", k.A, m, g.R, (g.S + 1n) % l);
  judge("OK", k.A, m, jub.neg(g.R), g.S);
  judge("OK", jub.neg(k.A), m, g.R, g.S);
  for (let i = 0; i < 4; i++) judge("OK", k.A, m.map((w, j) => (i === j ? (w + 1n) % r : w)), g.R, g.S);
  judge("RANGE", k.A, m, g.R, g.S + l);
  judge("RANGE", k.A, m, g.R, l);
  judge("OK", k.A, m, g.R, 0n);
  judge("CURVE", [k.A[0], (k.A[1] + 1n) % r], m, g.R, g.S);
  judge("CURVE", k.A, m, [g.R[0], (g.R[1] + 1n) % r], g.S);
  judge("CURVE", [0n, 0n], m, g.R, g.S);
  // A key of small order: with R = S B - h A the equation holds for every S.
  for (const A of small) {
    judge("REFUSED", A, m, g.R, g.S);
    judge("REFUSED", A, m, jub.base, 1n);
  }
  // A key with a part of small order: the equation holds when h is a multiple of 8,
  // which a signer can search for; it fails otherwise. No cofactor, no reduction of h.
  const mixed = { ...k, A: jub.add(k.A, small[1]) };
  let good = 0, bad = 0;
  for (let i = 0n; good < 2 || bad < 2; i++) {
    const msg = [i, 0n, 0n, 0n], sig = sign(mixed, msg);
    if (verify(mixed.A, msg, sig.R, sig.S) ? good++ < 2 : bad++ < 2) judge("OK", mixed.A, msg, sig.R, sig.S);
  }
  // R with a part of small order: refused by the equation, accepted by a cofactored one.
  {
    const R = jub.add(g.R, small[4]), h = challenge(R, k.A, m);
    const nonce = bigLE(blake("hf-eddsa-nonce", concat(k.prefix, ...m.map((w) => bytesLE(w))), 64)) % l;
    judge("OK", k.A, m, R, (nonce + h * k.scalar) % l);
  }
}

// ---- G1, G2, pairing ----
{
  const G1 = bn254.G1.Point, G2 = bn254.G2.Point, { Fp2 } = bn254.fields;
  const s = stream("pairing");
  const xy1 = (p) => (p.is0() ? [0n, 0n] : [p.toAffine().x, p.toAffine().y]);
  const xy2 = (p) => (p.is0() ? [0n, 0n, 0n, 0n] : ((a) => [a.x.c0, a.x.c1, a.y.c0, a.y.c1])(p.toAffine()));
  const mul = (p, k) => (k % r === 0n ? p.subtract(p) : p.multiply(k % r));
  const p1 = mul(G1.BASE, s.fr()), p2 = mul(G2.BASE, s.fr());
  for (const b of [mul(G1.BASE, s.fr()), p1, p1.negate(), G1.ZERO]) say("g1_add", xy1(p1), xy1(b), xy1(p1.add(b)));
  for (const b of [mul(G2.BASE, s.fr()), p2, p2.negate(), G2.ZERO]) say("g2_add", xy2(p2), xy2(b), xy2(p2.add(b)));
  for (const k of [0n, 1n, 2n, r - 1n, s.fr(), s.fr()]) {
    say("g1_mul", xy1(p1), k, xy1(mul(p1, k)));
    say("g2_mul", xy2(p2), k, xy2(mul(p2, k)));
  }
  const gt = (e) => [e.c0.c0, e.c0.c1, e.c0.c2, e.c1.c0, e.c1.c1, e.c1.c2].flatMap((c) => [c.c0, c.c1]);
  say("pairing", xy1(G1.BASE), xy2(G2.BASE), gt(bn254.pairing(G1.BASE, G2.BASE)));
  say("pairing", xy1(p1), xy2(p2), gt(bn254.pairing(p1, p2)));
  say("pairing", xy1(p1.negate()), xy2(p2), gt(bn254.pairing(p1.negate(), p2)));
  // Points of the twist outside the group: x counted up until x^3 + b is a square.
  const bTwist = Fp2.fromBigTuple([
    19485874751759354771024239261021720505790618469301721065564631296452457478373n,
    266929791119991161246907387137283842545076965332900288569378510910307636690n,
  ]);
  const h2 = 2n * q - r;
  const double = (p, k) => { let z = G2.ZERO; for (let i = k.toString(2), j = 0; j < i.length; j++) { z = z.double(); if (i[j] === "1") z = z.add(p); } return z; };
  for (let x = 1n, found = 0; found < 3; x++) {
    const X = Fp2.fromBigTuple([x, found === 1 ? 5n : 0n]);
    let Y;
    try { Y = Fp2.sqrt(Fp2.add(Fp2.mul(Fp2.sqr(X), X), bTwist)); } catch { continue; }
    const p = G2.fromAffine({ x: X, y: Y });
    found++;
    const orderR = double(p, h2); // in the group
    const cofactorOnly = double(p, r); // its order divides 2q - r
    const order10069 = double(cofactorOnly, h2 / 10069n); // order 10069 or 1
    say("g2_group", xy2(orderR), "OK");
    say("g2_group", xy2(p), "SUBGROUP");
    say("g2_group", xy2(cofactorOnly), "SUBGROUP");
    if (!order10069.is0()) {
      say("g2_group", xy2(order10069), "SUBGROUP");
      say("g2_group", xy2(order10069.add(orderR)), "SUBGROUP");
    }
  }
  say("g2_group", [1n, 2n, 3n, 4n], "CURVE");
  say("g2_group", [0n, 0n, 0n, 0n], "INFINITY");
  for (let i = 0; i < 4; i++) {
    const c = xy2(p2).map((v, j) => (i === j ? v + q : v)); // not canonical
    say("g2_group", c, "RANGE");
  }
  say("g1_read", xy1(p1), "OK");
  say("g1_read", [1n, 3n], "CURVE");
  say("g1_read", [0n, 0n], "INFINITY");
  say("g1_read", [xy1(p1)[0] + q, xy1(p1)[1]], "RANGE");
  say("g1_read", [xy1(p1)[0], xy1(p1)[1] + q], "RANGE");
  say("g1_read", [0n, q], "RANGE");
}

process.stdout.write(out.join("\n") + "\n");
