// What verifier/evm/words.c and revert.c make of bytes, against ethers and the compiler's own account of the contracts.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { Interface, concat } from 'ethers'
import { Hyperchain, R, TYPE, chainIdOf, settleData, slotRow, slotWords, word } from './model.mjs'
import { program, settlementAbi, smallSeals, verifierAbi } from './world.mjs'

let tool, lines, small
before(async () => {
  tool = spawn(program('evm_encode'), [], { stdio: ['pipe', 'pipe', 'inherit'] })
  lines = createInterface({ input: tool.stdout })[Symbol.asyncIterator]()
  small = await smallSeals()
})
after(async () => {
  tool.stdin.end()
  await small?.prover.stop()
})

const hex = v => v.toString(16)
const words = list => list.map(v => word(v).slice(2)).join('')
async function ask (...line) {
  tool.stdin.write(line.join(' ') + '\n')
  const { value, done } = await lines.next()
  assert.ok(!done, 'the tool stopped')
  return value
}

// Reproducible numbers of any size.
let state = 1n
const random = bits => {
  let v = 0n
  for (let i = 0; i < bits; i += 32) {
    state = (state * 6364136223846793005n + 1442695040888963407n) & ((1n << 64n) - 1n)
    v = v << 32n | state >> 32n
  }
  return v & ((1n << BigInt(bits)) - 1n)
}
const address = () => '0x' + hex(random(160)).padStart(40, '0')

function slot () {
  const type = random(32) % 5n
  if (type === TYPE.noop) return { type }
  const s = { type, from: random(24), to: random(24), amount: random(64), fee: random(64), to1: 0n, to2: 0n }
  if (type === TYPE.withdraw) s.to1 = random(160)
  if (type === TYPE.deposit || type === TYPE.refused) Object.assign(s, { to1: random(256) % R, to2: random(256) % R, owner: address() })
  return s
}

test('chain ids', async () => {
  for (let i = 0; i < 20; i++) {
    const [l1, contract, index] = [random(64), address(), random(64)]
    assert.equal(await ask('chain', hex(l1), contract.slice(2), hex(index)), words([chainIdOf(l1, contract, index)]))
  }
})

test('rows of a batch', async () => {
  for (let round = 0; round < 40; round++) {
    const slots = Array.from({ length: 1 + Number(random(4)) }, slot)
    const owners = slots.filter(s => s.owner).map(s => s.owner.slice(2)).join('') || '-'
    const line = [hex(slots.length), words(slots.flatMap(slotWords)), owners]
    assert.equal(await ask('data', ...line), concat(slots.map(slotRow)).slice(2))
  }
})

test('rows that cannot be', async () => {
  const d = { type: TYPE.deposit, to: 1n, amount: 2n, to1: 3n, to2: 4n }
  const [w0, w1, w2] = slotWords(d)
  const [v0, v1] = slotWords({ type: TYPE.withdraw, from: 1n, amount: 2n, to1: 3n })
  const tries = [[words([w0, w1, w2]), '-'], [words([w0, w1, w2]), '11'.repeat(40)], [words([5n, 0n, 0n]), '-'], [words([0n, 1n, 0n]), '-'],
    [words([1n << 192n, 0n, 0n]), '-'], [words([v0, v1 | 1n << 160n, 0n]), '-'], [words([v0, v1, 1n]), '-'], [words([1n << 8n, 0n, 0n]), '-'],
    [words([w0 | 63n << 184n, w1, w2]), '22'.repeat(20)]]
  for (const [list, owners] of tries) assert.match(await ask('data', '1', list, owners), /^refused: /)
  assert.doesNotMatch(await ask('data', '1', words([w0, w1, w2]), '22'.repeat(20)), /^refused/)
})

test('calldata of settle', async () => {
  const { inputs, proof } = await small.prover.prove([1n, 2n, 3n, 4n])
  const send = (records, data) => ask('settle', '5', hex(records.length), words(records.flat()), ...data.map(d => d.slice(2)), words([...inputs, ...proof]))
  for (const m of [1, 2, 3, 64]) {
    const chain = new Hyperchain({ id: random(128), slots: 5 })
    const batches = Array.from({ length: m }, () => chain.next([slot(), slot(), slot()]))
    const s = { words: batches.flatMap(b => b.record), data: batches.map(b => b.data), inputs, proof }
    assert.equal('0x' + await send(batches.map(b => b.record), s.data), settleData(settlementAbi, s, 5n))
  }
  const { record, data } = new Hyperchain({ id: 1n }).next([])
  assert.match(await send([record.map((v, i) => i === 9 ? 1n : v)], [data]), /^refused: .*import/)
  assert.match(await send([record.map((v, i) => i === 5 ? R : v)], [data]), /^refused: /)
})

test('every error of the contracts has a text', async () => {
  const seen = new Set()
  for (const abi of [settlementAbi, verifierAbi])
    abi.forEachError(error => {
      seen.add(error.format('sighash'))
    })
  assert.ok(seen.size > 35)
  for (const signature of seen) {
    const abi = new Interface([`error ${signature}`])
    const [error] = abi.fragments
    const values = error.inputs.map((_, i) => i === 1 ? (1n << 256n) - 1n : random(60))
    const narrow = values.map((v, i) => error.inputs[i].type === 'uint64' ? v & ((1n << 64n) - 1n) : v)
    const data = abi.encodeErrorResult(error, narrow)
    assert.equal(await ask('revert', data.slice(2)), `${error.name}(${narrow.join(', ')})`)
    assert.match(await ask('revert', data.slice(2) + '00'), /^unknown: 0x/)
  }
})

test('other reverts', async () => {
  const standard = new Interface(['error Error(string)', 'error Panic(uint256)'])
  assert.equal(await ask('revert', standard.encodeErrorResult('Error', ['ran out of "luck"\n']).slice(2)), 'Error: ran out of "luck"?')
  assert.equal(await ask('revert', standard.encodeErrorResult('Panic', [0x11]).slice(2)), 'Panic(17)')
  assert.equal(await ask('revert', '-'), 'unknown: 0x')
  assert.equal(await ask('revert', 'abcdef'), 'unknown: 0xabcdef')
  assert.equal(await ask('revert', '12345678' + '9a'.repeat(100)), 'unknown: 0x12345678' + '9a'.repeat(64))
  // a string that claims to be longer than it is
  const lie = standard.encodeErrorResult('Error', ['x']).slice(2).replace(/^(.{8}.{64}.{56}).{8}/, '$1ffffffff')
  assert.match(await ask('revert', lie), /^unknown: 0x/)
})

test('topics', async () => {
  for (const abi of [settlementAbi])
    for (const event of abi.fragments.filter(f => f.type === 'event'))
      assert.equal('0x' + await ask('topic', event.format('sighash')), event.topicHash)
})

