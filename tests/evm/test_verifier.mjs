// The generated verifier on two EVMs: true proofs are accepted, everything else reverts with the error that names why.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { EthereumJs } from './backends.mjs'
import { Q, R, word } from './model.mjs'
import { Contract, backends, deploy, program, smallSeals, verifierAbi, wallets } from './world.mjs'

const GAS_MOST = 280_000
const SELECTOR = verifierAbi.getFunction('verify').selector
let small, chains, contracts, good, other

before(async () => {
  small = await smallSeals()
  good = await small.prover.prove([11n, 2n, 22n, 33n])
  other = await small.prover.prove([11n, 2n, 22n, 33n])
  chains = await backends()
  contracts = []
  for (const chain of chains) contracts.push(new Contract(chain, verifierAbi, await deploy(chain, small.code)))
})

after(async () => {
  await small?.prover.stop()
  for (const chain of chains ?? []) await chain.stop()
})

const encode = (inputs, proof) => SELECTOR + [...inputs, ...proof].map(v => word(v).slice(2)).join('')
const changed = (list, i, value) => list.map((v, k) => k === i ? value : v)

// Every contract, one after the other, as calls: no block is mined.
async function refused (error, inputs, proof) {
  for (const c of contracts) await c.refusesCall(wallets[0], error, encode(inputs, proof))
}

test('a true proof is accepted, at the same price everywhere', async () => {
  const used = []
  for (const c of contracts) used.push((await c.sendData(wallets[1], encode(good.inputs, good.proof))).gasUsed)
  assert.equal(used[0], used[1])
  console.log(`verifier alone, a transaction: ${used[0]} gas`)
  assert.ok(used[0] <= GAS_MOST, `${used[0]} gas`)
  for (const c of contracts) await c.sendData(wallets[1], encode(other.inputs, other.proof))
})

test('the digest and the mark of a development setup are in the contract', async () => {
  const digest = execFileSync(program('evm_prover'), ['--digest', small.key], { encoding: 'utf8' }).trim()
  for (const c of contracts) {
    assert.equal(await c.call('verifyingKeyDigest'), BigInt('0x' + digest))
    assert.equal(await c.call('isDevelopment'), true)
  }
})

test('each public input is bound', async () => {
  for (let i = 0; i < 4; i++) await refused('IdentityFailed', changed(good.inputs, i, (good.inputs[i] + 1n) % R), good.proof)
})

test('each word of the proof is bound', async () => {
  const points = [0, 1, 2, 3, 4, 5, 55, 56, 57, 58]
  const unused = 50 // m at zeta omega: opened with its pack, but no constraint looks at it
  for (let i = 0; i < 59; i++) {
    if (points.includes(i)) await refused('PointNotOnCurve', good.inputs, changed(good.proof, i, (good.proof[i] + 1n) % Q))
    else await refused(i === unused ? 'PairingFailed' : 'IdentityFailed', good.inputs, changed(good.proof, i, (good.proof[i] + 1n) % R))
  }
})

test('each point is bound: another point of the curve in its place', async () => {
  for (const i of [0, 2, 4]) {
    const proof = [...good.proof]
    ;[proof[i], proof[i + 1]] = [1n, 2n]
    await refused('IdentityFailed', good.inputs, proof)
    ;[proof[i], proof[i + 1]] = [good.proof[i], Q - good.proof[i + 1]]
    await refused('IdentityFailed', good.inputs, proof)
  }
  for (const i of [55, 57]) {
    const proof = [...good.proof]
    ;[proof[i], proof[i + 1]] = [1n, 2n]
    await refused('PairingFailed', good.inputs, proof)
    ;[proof[i], proof[i + 1]] = [good.proof[i], Q - good.proof[i + 1]]
    await refused('PairingFailed', good.inputs, proof)
  }
})

test('parts of another proof of the same statement do not fit', async () => {
  for (const [from, to, error] of [[0, 6, 'IdentityFailed'], [6, 55, 'IdentityFailed'], [55, 57, 'PairingFailed'], [57, 59, 'PairingFailed'], [55, 59, 'PairingFailed']])
    await refused(error, good.inputs, good.proof.map((v, i) => i >= from && i < to ? other.proof[i] : v))
})

test('no word is reduced silently', async () => {
  const top = (1n << 256n) - 1n
  for (let i = 0; i < 12; i++) {
    await refused('InputNotCanonical', changed(good.inputs, i, good.inputs[i] + R), good.proof)
    await refused('InputNotCanonical', changed(good.inputs, i, R), good.proof)
    await refused('InputNotCanonical', changed(good.inputs, i, top), good.proof)
  }
  for (let i = 6; i < 55; i++) {
    await refused('EvaluationNotCanonical', good.inputs, changed(good.proof, i, good.proof[i] + R))
    await refused('EvaluationNotCanonical', good.inputs, changed(good.proof, i, R))
  }
  for (const i of [0, 1, 2, 3, 4, 5, 55, 56, 57, 58]) {
    await refused('PointNotCanonical', good.inputs, changed(good.proof, i, good.proof[i] + Q))
    await refused('PointNotCanonical', good.inputs, changed(good.proof, i, Q))
    await refused('PointNotCanonical', good.inputs, changed(good.proof, i, top))
  }
})

test('the point at infinity is refused', async () => {
  for (const i of [0, 2, 4, 55, 57])
    await refused('PointAtInfinity', good.inputs, good.proof.map((v, k) => k === i || k === i + 1 ? 0n : v))
})

test('a true proof of a bad accumulator is refused', async () => {
  const acc = good.inputs.slice(4)
  const prove = accumulator => small.prover.prove([11n, 2n, 22n, 33n, ...accumulator])
  const low = v => v & ((1n << 128n) - 1n)
  const split = p => p.flatMap(v => [low(v), v >> 128n])
  const tries = [
    ['PairingFailed', [...acc.slice(4), ...acc.slice(0, 4)]], // L and R exchanged
    ['PairingFailed', [...acc.slice(0, 4), ...acc.slice(0, 4)]],
    ['PairingFailed', [...acc.slice(0, 4), ...split([1n, Q - 2n])]],
    ['PointAtInfinity', [...acc.slice(0, 4), 0n, 0n, 0n, 0n]],
    ['PointAtInfinity', [0n, 0n, 0n, 0n, ...acc.slice(4)]],
    ['PointAtInfinity', Array(8).fill(0n)],
    ['PointNotOnCurve', [...acc.slice(0, 4), ...split([1n, 3n])]],
    ['PointNotOnCurve', [...split([2n, 2n]), ...acc.slice(4)]],
    ['AccumulatorNotCanonical', [...acc.slice(0, 4), ...split([1n + Q, 2n])]], // coordinates above q
    ['AccumulatorNotCanonical', [...acc.slice(0, 4), ...split([1n, 2n + Q])]],
    ['AccumulatorNotCanonical', [...split([Q, 2n]), ...acc.slice(4)]],
    ['AccumulatorNotCanonical', [...acc.slice(0, 4), 1n + (1n << 128n), 0n, 2n, 0n]] // a part of more than 128 bits
  ]
  for (const [error, accumulator] of tries) {
    const p = await prove(accumulator)
    await refused(error, p.inputs, p.proof)
  }
  // (L, R) and (k L, k R) are both accumulators: the good one is no accident of the words
  const p = await prove(acc)
  for (const c of contracts) await c.sendData(wallets[1], encode(p.inputs, p.proof))
})

test('a chain without the precompiled contracts refuses everything', async () => {
  for (const address of [5, 6, 7, 8]) {
    const chain = await EthereumJs.start({ without: [address] })
    const c = new Contract(chain, verifierAbi, await deploy(chain, small.code))
    await c.refusesCall(wallets[0], 'PrecompileFailed', encode(good.inputs, good.proof))
  }
})

test('the calldata has one length', async () => {
  const data = encode(good.inputs, good.proof)
  for (const c of contracts) {
    await c.refusesCall(wallets[0], 'WrongLength', data + '00')
    await c.refusesCall(wallets[0], 'WrongLength', data + '00'.repeat(32))
    for (const cut of [1, 32, 64]) {
      const result = await c.chain.call(wallets[0].address, c.address, data.slice(0, -2 * cut))
      assert.equal(result.ok, false)
    }
    assert.equal((await c.chain.call(wallets[0].address, c.address, SELECTOR)).ok, false)
    assert.equal((await c.chain.call(wallets[0].address, c.address, '0x')).ok, false)
    assert.equal((await c.chain.call(wallets[0].address, c.address, data, 1n)).ok, false, 'ether came along')
  }
})

test('too little gas never looks like an acceptance or a silent refusal', async () => {
  const data = encode(good.inputs, good.proof)
  for (const c of contracts)
    for (let gas = 120_000n; gas < 260_000n; gas += 9_973n) { // the calldata alone costs 110,000
      const result = await c.chain.send(wallets[2], c.address, data, 0n, gas)
      assert.equal(result.ok, false, `${gas} gas`)
    }
})
