// The sponge and the transcripts as kernels/host/poseidon.h and transcript.h describe
// them, over permutations from npm.
import { permute } from "@zkpassport/poseidon2";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { r, mod, big, bytesBE, concat } from "./field.mjs";

export const poseidon2 = (state) => permute([...state]).map((x) => mod(x, r));

export function sponge(domain, words) {
  let state = [0n, 0n, 0n, BigInt(domain) + (BigInt(words.length) << 64n)];
  const blocks = Math.max(1, Math.ceil(words.length / 3));
  for (let b = 0; b < blocks; b++) {
    for (let i = 0; i < 3; i++) state[i] = words[3 * b + i] ?? 0n;
    state = poseidon2(state);
  }
  return state[0];
}

const low126 = (1n << 126n) - 1n;
const header = (tag, words) => BigInt(tag) + (BigInt(words) << 32n);
const low128 = (1n << 128n) - 1n;
export const g1Words = ([x, y]) => [x & low128, x >> 128n, y & low128, y >> 128n];

// Collects whole blocks first and hashes them when a challenge is drawn.
export class PoseidonTranscript {
  constructor(domain) {
    this.capacity = BigInt(domain);
    this.open = [];
  }
  fr(tag, words) {
    this.open.push(header(tag, words.length), ...words);
  }
  g1(tag, points) {
    this.fr(tag, points.flatMap(g1Words));
  }
  draw() {
    const words = this.open;
    while (words.length === 0 || words.length % 3 !== 0) words.push(0n);
    let out;
    for (let i = 0; i < words.length; i += 3) {
      out = poseidon2([words[i], words[i + 1], words[i + 2], this.capacity]);
      this.capacity = out[3];
    }
    this.open = [];
    return out[0];
  }
  squeeze() {
    return this.draw();
  }
  short() {
    const c = this.draw();
    return [c, c >> 126n].map((x) => mod(2n * (x & low126) + 1n - (1n << 126n), r));
  }
}

export class KeccakTranscript {
  constructor(domain) {
    this.digest = bytesBE(BigInt(domain));
    this.parts = [];
  }
  fr(tag, words) {
    this.parts.push(bytesBE(header(tag, words.length), 8), ...words.map((w) => bytesBE(w)));
  }
  g1(tag, points) {
    this.fr(tag, points.flat());
  }
  draw() {
    this.digest = keccak_256(concat(this.digest, ...this.parts));
    this.parts = [];
    return big(this.digest);
  }
  squeeze() {
    return this.draw() % r;
  }
  short() {
    const c = this.draw();
    return [c, c >> 126n].map((x) => mod(2n * (x & low126) + 1n - (1n << 126n), r));
  }
}
