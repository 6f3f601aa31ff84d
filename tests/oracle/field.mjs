// Numbers for the oracles: big integers modulo the primes involved, bytes, and a
// deterministic stream of test values. Nothing here is fast or secret.
import { keccak_256 } from "@noble/hashes/sha3.js";

export const r = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
export const q = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;
export const l = 2736030358979909402780800718157159386076813972158567259200215660948447373041n;

export const mod = (a, m) => ((a % m) + m) % m;

export function power(a, e, m) {
  let z = 1n;
  for (a = mod(a, m); e > 0n; e >>= 1n) {
    if (e & 1n) z = (z * a) % m;
    a = (a * a) % m;
  }
  return z;
}
export const inverse = (a, m) => power(a, m - 2n, m);

// 64 hex digits, most significant first.
export const hex = (a) => a.toString(16).padStart(64, "0");
export const toHex = (bytes) => Buffer.from(bytes).toString("hex");
export const big = (bytes) => BigInt("0x" + (toHex(bytes) || "0"));
export const bytesBE = (a, n = 32) => Uint8Array.from(Buffer.from(a.toString(16).padStart(2 * n, "0"), "hex"));
export const bytesLE = (a, n = 32) => bytesBE(a, n).reverse();
export const bigLE = (bytes) => big(Uint8Array.from(bytes).reverse());
export const concat = (...parts) => Uint8Array.from(Buffer.concat(parts.map((p) => Buffer.from(p))));

// A stream of values that depends on its name alone.
export function stream(name) {
  let counter = 0;
  const block = () => keccak_256(new TextEncoder().encode(`${name}/${counter++}`));
  return {
    bytes: (n) => {
      let out = new Uint8Array(0);
      while (out.length < n) out = concat(out, block());
      return out.slice(0, n);
    },
    fr: () => big(block()) % r,
    fq: () => big(block()) % q,
    integer: () => big(block()),
  };
}
