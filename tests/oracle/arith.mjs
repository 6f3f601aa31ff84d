// Prints vectors/arith.txt: G1 and the fields by @noble/curves, for tests/arith. Same form as host.mjs.
//   node arith.mjs > vectors/arith.txt
import { bn254 } from "@noble/curves/bn254.js";
import { r, q, mod, hex, stream } from "./field.mjs";

const out = [];
const say = (name, ...words) =>
  out.push([name, ...words.flat(9).map((w) => (typeof w === "bigint" ? hex(w) : String(w)))].join(" "));

const { Fp, Fr } = bn254.fields;
const Point = bn254.G1.Point;
const G = Point.BASE;
// (0, 0) stands for infinity.
const xy = (p) => (p.is0() ? [0n, 0n] : [p.toAffine().x, p.toAffine().y]);
const times = (p, k) => (mod(k, r) === 0n || p.is0() ? Point.ZERO : p.multiply(mod(k, r)));

{
  const s = stream("arith/field");
  for (const [name, F, next] of [["fr", Fr, s.fr], ["fq", Fp, s.fq]])
    for (let i = 0; i < 12; i++) {
      const a = i === 0 ? F.ORDER - 1n : next();
      const b = i < 2 ? F.ORDER - 1n : next();
      say(name, a, b, F.add(a, b), F.sub(a, b), F.mul(a, b), F.inv(a));
    }
}

// ---- k * P for edge scalars and random ones ----
{
  const s = stream("arith/g1");
  const scalars = [0n, 1n, 2n, 3n, r - 1n, r - 2n, (r + 1n) / 2n, (r - 1n) / 2n];
  for (const k of [63n, 64n, 65n, 127n, 128n, 192n, 253n]) scalars.push(2n ** k, 2n ** k - 1n);
  for (let i = 0; i < 8; i++) scalars.push(s.fr());
  scalars.forEach((k, i) => {
    const p = i % 2 ? times(G, s.fr()) : G;
    say("g1_mul", xy(p), k, xy(times(p, k)));
  });
  // ---- sums: general, doubling, opposite, infinity on either side and both ----
  for (let i = 0; i < 6; i++) {
    const p = times(G, s.fr()), t = times(G, s.fr());
    for (const [a, b] of [[p, t], [p, p], [p, p.negate()], [p, Point.ZERO], [Point.ZERO, p], [Point.ZERO, Point.ZERO]])
      say("g1_add", xy(a), xy(b), xy(a.add(b)));
  }
}

// ---- sums of products: the points, then the scalars, then the sum ----
{
  const s = stream("arith/msm");
  for (const n of [1, 2, 3, 8, 12]) {
    const points = Array.from({ length: n }, (_, i) => (i === 5 ? Point.ZERO : times(G, s.fr())));
    if (n > 3) points[3] = points[2];
    if (n > 7) points[7] = points[6].negate();
    const scalars = Array.from({ length: n }, (_, i) => (i === 4 ? 0n : i === 1 ? r - 1n : i === 0 ? 1n : s.fr()));
    const sum = points.reduce((t, p, i) => t.add(times(p, scalars[i])), Point.ZERO);
    say("msm", String(n), points.map(xy), scalars, xy(sum));
  }
}

process.stdout.write(out.join("\n") + "\n");
