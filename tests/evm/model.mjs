// Records, posted data and calls as rollup.h, statement.h and IHyperfold.sol describe them, written once more with big
// integers and ethers' ABI coder, so that contracts and C code have something to be compared with.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { AbiCoder, concat, getBytes, keccak256, toBeHex, toUtf8Bytes, zeroPadValue } from 'ethers'

export const R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001n
export const Q = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47n
export const RECORD_WORDS = 34
export const UNIT = 10n ** 9n
export const TYPE = { noop: 0n, transfer: 1n, withdraw: 2n, deposit: 3n, refused: 4n }

export const word = v => zeroPadValue(toBeHex(v), 32)
const hash = (tag, words) => BigInt(keccak256(concat([toUtf8Bytes(tag), ...words.map(word)]))) % R
const horner = (words, x) => words.reduceRight((y, w) => (y * x + w) % R, 0n)

export const chainIdOf = (l1, contract, index) =>
  BigInt(keccak256(AbiCoder.defaultAbiCoder().encode(['uint256', 'address', 'uint256'], [l1, contract, index]))) & ((1n << 128n) - 1n)

export const depositHash = (before, d) =>
  keccak256(AbiCoder.defaultAbiCoder().encode(['bytes32', 'uint256', 'uint256', 'uint256', 'address'], [before, d.x, d.y, d.amount, d.owner]))

// ---- slots: { type, from, to, amount, fee, to1, to2, owner } ----

export function slotWords (s) {
  const low = (1n << 248n) - 1n
  const word0 = s.type | (s.from ?? 0n) << 8n | (s.to ?? 0n) << 32n | (s.amount ?? 0n) << 56n | (s.fee ?? 0n) << 120n |
    ((s.to1 ?? 0n) >> 248n) << 184n | ((s.to2 ?? 0n) >> 248n) << 190n
  return [word0, (s.to1 ?? 0n) & low, (s.to2 ?? 0n) & low]
}

const be = (v, bytes) => zeroPadValue(toBeHex(v ?? 0n), bytes)

export function slotRow (s) {
  if (s.type === TYPE.noop) return '0x00'
  const parts = [be(s.type, 1), be(s.fee, 8), be(s.amount, 8), be(s.to, 3), be(s.from, 3)]
  if (s.type === TYPE.withdraw) parts.push(be(s.to1, 20))
  if (s.type === TYPE.deposit || s.type === TYPE.refused) parts.push(be(s.to1, 32), be(s.to2, 32), s.owner)
  return concat(parts)
}

// Posted slots: what a validium keeps for itself are no-ops here.
const posted = (slots, mode) => mode === 1n ? slots.map(s => s.type === TYPE.transfer ? { type: TYPE.noop } : s) : slots

// ---- a chain that makes batches ----

export class Hyperchain {
  constructor ({ id, mode = 0n, digest = 77n, slots = 4, root = 1000n }) {
    Object.assign(this, { id, mode, digest, slots, root, number: 0n, deposits: 0n })
  }

  // The next batch: { record: 34 words, data: '0x..', words: posted }. Not settled until `advance`.
  batch (slots, change = {}) {
    const all = [...slots]
    while (all.length < this.slots) all.push({ type: TYPE.noop })
    const of = (...types) => all.filter(s => types.includes(s.type))
    const sum = list => list.reduce((a, s) => a + s.amount, 0n)
    const shown = posted(all, this.mode)
    const words = shown.flatMap(slotWords)
    const commitment = change.commitment ?? (this.root * 31n + 7n) % R // any field element: the contract cannot know
    const x = hash('hyperfold.data.v1', [commitment, ...words])
    const record = Array(RECORD_WORDS).fill(0n)
    const deposits = of(TYPE.deposit, TYPE.refused)
    record[0] = this.digest
    record[1] = this.id
    record[2] = this.number + 1n
    record[3] = this.mode
    record[4] = this.root
    record[5] = change.root ?? (this.root * 0x123456789abcdef123456789abcdefn ** 2n + 1n) % R
    record[6] = (this.root * 0xfedcba987654321fedcba987654321n ** 2n + 5n) % R
    record[23] = this.deposits
    record[24] = BigInt(deposits.length)
    record[25] = commitment
    record[26] = x
    record[27] = horner(words, x)
    record[28] = BigInt(of(TYPE.transfer).length)
    record[29] = BigInt(of(TYPE.withdraw).length)
    record[30] = sum(deposits)
    record[31] = sum(of(TYPE.withdraw))
    record[32] = sum(of(TYPE.refused))
    record[33] = 3n
    return { record, words, data: concat(shown.map(slotRow)) }
  }

  // What the batch leaves behind, for the next one to start from.
  advance (batch) {
    this.root = batch.record[5]
    this.number = batch.record[2]
    this.deposits += batch.record[24]
    return batch
  }

  next (slots, change) { return this.advance(this.batch(slots, change)) }
}

export function fingerprint (statement, words) {
  const x = hash('hyperfold.seal.v1', [statement, BigInt(words.length / RECORD_WORDS), ...words])
  return { x, y: horner(words, x) }
}

// ---- proofs ----

export class Prover {
  constructor (binary, keyPath) {
    this.process = spawn(binary, [keyPath], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]()
    this.exit = new Promise(resolve => this.process.on('exit', resolve))
  }

  // Public words -> [inputs, proof] as bigints. Four words: a true accumulator is added.
  async prove (inputs) {
    const hex = v => v.toString(16).padStart(64, '0')
    this.process.stdin.write(inputs.map(hex).join(' ') + (inputs.length === 4 ? ' -' : '') + '\n')
    const { value, done } = await this.lines.next()
    if (done) throw new Error('the prover stopped')
    const words = value.match(/.{64}/g).map(h => BigInt('0x' + h))
    return { inputs: words.slice(0, 12), proof: words.slice(12) }
  }

  async stop () {
    this.process.stdin.end()
    return this.exit
  }
}

// A seal of these batches: what settle takes after the verifier's number.
export async function seal (prover, batches, statement = 4711n) {
  const words = batches.flatMap(b => b.record)
  const { x, y } = fingerprint(statement, words)
  const { inputs, proof } = await prover.prove([statement, BigInt(batches.length), x, y])
  return { words, data: batches.map(b => b.data), inputs, proof }
}

// Words as settle takes them: without the imports.
export const sent = words => words.filter((_, k) => k % RECORD_WORDS < 7 || k % RECORD_WORDS > 22)

export const settleData = (abi, s, verifierId = 0n) =>
  abi.encodeFunctionData('settle', [verifierId, sent(s.words), concat(s.data), s.inputs, s.proof])

export const bytesOf = hex => getBytes(hex)
