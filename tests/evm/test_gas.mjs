// Gas by mined transactions, on both EVMs: what a record adds to settle, and what its posted data adds to that.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { TYPE, seal, settleData } from './model.mjs'
import { backends, operator, operator2, settlementAbi, settlementWorld, smallSeals } from './world.mjs'

const SLOPE_MOST = 12_000

let small, chains
before(async () => {
  small = await smallSeals()
  chains = await backends()
})
after(async () => {
  await small?.prover.stop()
  for (const chain of chains ?? []) await chain.stop()
})

// Records of two chains in turn, each with one slot that is a no-op; settled by a stranger to the second chain, after each
// chain has settled once (its slots in storage are not zero then, as later in its life).
async function used (chain, m, slots = 1n, rows = []) {
  const w = await settlementWorld(chain, small.code, { slots })
  await w.settlement.send(operator2, 'setSettler', [w.validium.id, operator.address, true])
  const settle = async batches => w.settlement.sendData(operator, settleData(settlementAbi, await seal(small.prover, batches)))
  await settle([w.rollup.next([]), w.validium.next([])])
  const batches = Array.from({ length: m }, (_, i) => (i % 2 === 0 ? w.rollup : w.validium).next(rows))
  return (await settle(batches)).gasUsed
}

test('a record costs at most 12,000 gas besides its data', async () => {
  const table = {}
  for (const chain of chains) {
    const gas = {}
    for (const m of [1, 2, 32, 64]) gas[m] = await used(chain, m)
    const slope = Math.round((gas[64] - gas[2]) / 62)
    table[chain.name] = { ...gas, slope }
    assert.ok(slope <= SLOPE_MOST, `${slope} gas a record`)
    assert.ok((gas[32] - gas[2]) / 30 <= SLOPE_MOST)
  }
  console.log('settle of 1, 2, 32, 64 records, gas:', JSON.stringify(table))
  // proofs differ in their zero bytes, so the figures differ by a few hundred
  for (const m of [1, 2, 32, 64]) assert.ok(Math.abs(table.anvil[m] - table.ethereumjs[m]) < 1500)
})

// Verifiers that return false when a precompile runs out of gas make eth_estimateGas find far too little.
test('the gas that a node estimates is enough', async () => {
  const chain = chains.find(c => c.name === 'anvil')
  const w = await settlementWorld(chain, small.code)
  const s = await seal(small.prover, [w.rollup.next([])])
  const verify = w.verifier.data('verify', [s.inputs, s.proof])
  for (const [to, data] of [[w.verifier.address, verify], [w.settlement.address, settleData(settlementAbi, s)]]) {
    const estimate = BigInt(await chain.rpc('eth_estimateGas', { from: operator.address, to, data }))
    const less = await chain.send(operator, to, data, 0n, estimate - estimate / 20n)
    assert.equal(less.ok, false)
    const enough = await chain.send(operator, to, data, 0n, estimate)
    assert.ok(enough.ok, `${estimate} gas: ${enough.revert}`)
  }
})

test('posted data: a slot of each kind', async () => {
  const rows = {
    'no-op': { type: TYPE.noop },
    transfer: { type: TYPE.transfer, from: 0x123456n, to: 0x234567n, amount: 0x1122334455n, fee: 0x1234n }
  }
  const [chain] = chains
  const slots = 64n
  for (const [name, row] of Object.entries(rows)) {
    const many = await used(chain, 1, slots, Array(64).fill(row))
    const none = await used(chain, 1, 1n, [])
    console.log(`${name}: ${Math.round((many - none) / 63)} gas a slot`)
    assert.ok((many - none) / 63 < 1000)
  }
})
