// The settlement contract on two EVMs: registry, deposits, settle, claims, and every refusal by its name.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { AbiCoder } from 'ethers'
import { R, TYPE, UNIT, chainIdOf, depositHash, fingerprint, seal, settleData } from './model.mjs'
import { Contract, DELAY, alice, backends, bob, deploy, operator, operator2, owner, relayer, settlementAbi, settlementCode,
  settlementWorld, smallSeals } from './world.mjs'

let small, chains
before(async () => {
  small = await smallSeals()
  chains = await backends()
})
after(async () => {
  await small?.prover.stop()
  for (const chain of chains ?? []) await chain.stop()
})

const transfer = (from, to, amount, fee = 1n) => ({ type: TYPE.transfer, from, to, amount, fee })
const withdraw = (from, wallet, amount, fee = 1n) => ({ type: TYPE.withdraw, from, amount, fee, to1: BigInt(wallet.address) })
const applied = d => ({ type: d.refuse ? TYPE.refused : TYPE.deposit, to: 5n, amount: d.amount, to1: d.x, to2: d.y, owner: d.owner })
const KEY = { x: R - 5n, y: 1n << 253n } // both with bits above 248

async function makeDeposit (w, chain, wallet, amount, key = KEY) {
  const r = await w.settlement.send(wallet, 'deposit', [chain.id, key.x, key.y], amount * UNIT)
  const { args } = r.events[0]
  assert.equal(args.chainId, chain.id)
  return { index: args.index, owner: args.owner, x: args.keyX, y: args.keyY, amount: args.amount }
}

const settle = (w, s, wallet = operator) => w.settlement.sendData(wallet, settleData(settlementAbi, s))
const refuses = (w, error, s, wallet = operator) => w.settlement.refusesCall(wallet, error, settleData(settlementAbi, s))

// Runs on every EVM, each time with contracts of its own.
function everywhere (name, options, body) {
  if (body === undefined) [options, body] = [{}, options]
  test(name, async () => {
    for (const chain of chains) await body(await settlementWorld(chain, small.code, options))
  })
}

describe('registry', () => {
  everywhere('chains have the ids that anybody can compute, and start as they were registered', async w => {
    assert.equal(await w.settlement.call('chainCount'), 2n)
    for (const i of [0, 1]) assert.equal(await w.settlement.call('chainIdOf', [i]), chainIdOf(w.chain.chainId, w.settlement.address, i))
    const c = await w.settlement.call('chain', [w.validium.id])
    assert.deepEqual([...c], [2000n, 0n, 0n, 0n, operator2.address, 1n, 0n])
    assert.deepEqual([...await w.settlement.call('leafKey', [w.rollup.id, 77n])].slice(1), [4n, 24n, false])
    assert.equal((await w.settlement.call('leafKey', [w.rollup.id, 88n])).activeFrom, 0n)
  })

  everywhere('only the owner registers, and only what makes sense', async w => {
    const key = [0n, 4n, 24n, false]
    const data = (...args) => w.settlement.data('registerChain', args)
    await w.settlement.refuses(operator, 'NotOwner', data(operator.address, 0, 1n, [], []))
    for (const bad of [[operator.address, 2, 1n, [], []], [operator.address, 0, R, [], []], [operator.address, 0, 1n, [1n], []],
      ['0x' + '0'.repeat(40), 0, 1n, [], []], [operator.address, 0, 1n, [R], [key]], [operator.address, 0, 1n, [0n], [key]],
      [operator.address, 0, 1n, [5n], [[0n, 0n, 24n, false]]], [operator.address, 0, 1n, [5n], [[0n, 601n, 24n, false]]],
      [operator.address, 0, 1n, [5n], [[0n, 4n, 25n, false]]], [operator.address, 0, 1n, [5n], [[0n, 4n, 0n, false]]]])
      await w.settlement.refusesCall(owner, 'BadArgument', data(...bad))
    await w.settlement.refusesCall(owner, 'AlreadyThere', data(operator.address, 0, 1n, [5n, 5n], [key, key]))
    await w.settlement.send(owner, 'registerChain', [operator.address, 1, R - 1n, [R - 1n, 1n], [[0n, 600n, 24n, true], [0n, 1n, 1n, false]]])
    for (const [name, args] of [['addLeafKey', [w.rollup.id, 5n, key]], ['removeLeafKey', [w.rollup.id, 77n]], ['addVerifier', [w.verifier.address]],
      ['removeVerifier', [0n]], ['setPaused', [true]], ['offerOwnership', [operator.address]]])
      await w.settlement.refusesCall(operator, 'NotOwner', w.settlement.data(name, args))
    await w.settlement.refusesCall(owner, 'UnknownChain', w.settlement.data('addLeafKey', [5n, 5n, key]))
    await w.settlement.refusesCall(owner, 'AlreadyThere', w.settlement.data('addLeafKey', [w.rollup.id, 77n, key]))
    await w.settlement.refusesCall(owner, 'BadArgument', w.settlement.data('removeLeafKey', [w.rollup.id, 5n]))
    await w.settlement.refusesCall(owner, 'BadArgument', w.settlement.data('addVerifier', [alice.address]))
    await w.settlement.refusesCall(owner, 'UnknownVerifier(1)', w.settlement.data('removeVerifier', [1n]))
    await w.settlement.refusesCall(owner, 'UnknownVerifier(1)', w.settlement.data('verifierAt', [1n]))
  })

  everywhere('ownership moves in two steps', async w => {
    await w.settlement.send(owner, 'offerOwnership', [alice.address])
    await w.settlement.refuses(bob, 'NotOwner', w.settlement.data('takeOwnership', []))
    assert.equal(await w.settlement.call('owner'), owner.address)
    await w.settlement.send(alice, 'takeOwnership')
    assert.equal(await w.settlement.call('owner'), alice.address)
    await w.settlement.refuses(owner, 'NotOwner', w.settlement.data('setPaused', [true]))
    await w.settlement.refuses(alice, 'NotOwner', w.settlement.data('takeOwnership', []))
  })

  everywhere('later leaf keys and verifiers wait, removals are at once', async w => {
    const s = await seal(small.prover, [w.rollup.batch([])])
    const wait = async () => w.chain.warp(DELAY + 60)
    await w.settlement.send(owner, 'addVerifier', [w.verifier.address])
    await w.settlement.refusesCall(operator, 'NotActiveYet', settleData(settlementAbi, s, 1n))
    await w.settlement.send(owner, 'removeLeafKey', [w.rollup.id, 77n])
    await refuses(w, 'UnknownLeafKey(0, 77)', s)
    await w.settlement.send(owner, 'addLeafKey', [w.rollup.id, 77n, [0n, 4n, 24n, false]])
    await refuses(w, 'NotActiveYet', s)
    await wait()
    await w.settlement.refusesCall(operator, 'UnknownVerifier(2)', settleData(settlementAbi, s, 2n))
    await w.settlement.send(owner, 'removeVerifier', [0n])
    await refuses(w, 'UnknownVerifier(0)', s)
    await w.settlement.refusesCall(owner, 'UnknownVerifier(0)', w.settlement.data('removeVerifier', [0n]))
    await w.settlement.sendData(operator, settleData(settlementAbi, s, 1n))
  })

  test('a contract for real setups takes no development verifier', async () => {
    for (const chain of chains) {
      const w = await settlementWorld(chain, small.code)
      const args = AbiCoder.defaultAbiCoder().encode(['address', 'uint64', 'bool'], [owner.address, DELAY, false])
      const strict = new Contract(chain, settlementAbi, await deploy(chain, settlementCode() + args.slice(2)))
      const nobody = AbiCoder.defaultAbiCoder().encode(['address', 'uint64', 'bool'], ['0x' + '0'.repeat(40), DELAY, false])
      assert.equal((await chain.send(owner, null, '0x' + settlementCode() + nobody.slice(2))).ok, false)
      await strict.refuses(owner, 'DevelopmentVerifier', strict.data('addVerifier', [w.verifier.address]))
    }
  })
})

describe('deposits', () => {
  everywhere('are queued under a rolling hash', async w => {
    let hash = '0x' + '0'.repeat(64)
    for (const [i, amount] of [5n, 1n, (1n << 64n) / UNIT].entries()) {
      const d = await makeDeposit(w, w.rollup, i === 1 ? bob : alice, amount)
      assert.equal(d.index, BigInt(i))
      hash = depositHash(hash, d)
      assert.equal(await w.settlement.call('depositHash', [w.rollup.id, i + 1]), hash)
    }
    assert.equal((await w.settlement.call('chain', [w.rollup.id])).depositsQueued, 3n)
    assert.equal((await w.settlement.call('chain', [w.validium.id])).depositsQueued, 0n)
  })

  everywhere('are refused when no batch could take them', async w => {
    const data = (id, x, y) => w.settlement.data('deposit', [id, x, y])
    await w.settlement.refuses(alice, 'UnknownChain(5)', data(5n, 1n, 1n), UNIT)
    for (const value of [0n, 1n, UNIT - 1n, UNIT + 1n]) await w.settlement.refuses(alice, 'NotWholeUnits', data(w.rollup.id, 1n, 1n), value)
    for (const [x, y] of [[0n, 1n], [R, 1n], [1n, R]]) await w.settlement.refuses(alice, 'BadKey', data(w.rollup.id, x, y), UNIT)
    await w.settlement.send(owner, 'setPaused', [true])
    await w.settlement.refuses(alice, 'IsPaused', data(w.rollup.id, 1n, 1n), UNIT)
    assert.equal((await w.chain.send(alice, w.settlement.address, '0x', UNIT)).ok, false, 'ether without a call')
  })
})

describe('settle', () => {
  everywhere('moves roots, money and claims; once', async w => {
    const d = [await makeDeposit(w, w.rollup, alice, 1000n), await makeDeposit(w, w.rollup, bob, 50n), await makeDeposit(w, w.rollup, alice, 7n)]
    const v = await makeDeposit(w, w.validium, bob, 300n)
    d[1].refuse = true
    const a1 = w.rollup.next([applied(d[0]), applied(d[1]), transfer(5n, 6n, 10n), applied(d[2])])
    const b1 = w.validium.next([transfer(1n, 2n, 3n), applied(v), transfer(3n, 4n, 5n)])
    const a2 = w.rollup.next([withdraw(5n, alice, 400n), transfer(1n, 2n, (1n << 64n) - 1n, (1n << 64n) - 1n)])
    const s = await seal(small.prover, [a1, b1, a2])
    await w.settlement.refuses(operator, 'NotSettler', settleData(settlementAbi, s)) // the validium is another's
    await w.settlement.send(operator2, 'setSettler', [w.validium.id, operator.address, true])
    const r = await settle(w, s)
    const names = r.events.map(e => e.name)
    assert.deepEqual(names, ['Credited', 'Credited', 'BatchSettled', 'BatchSettled', 'Sealed'])
    assert.deepEqual(r.events[0].args, { chainId: w.rollup.id, account: bob.address, amount: 50n, refusedDeposit: true })
    assert.deepEqual(r.events[1].args, { chainId: w.rollup.id, account: alice.address, amount: 400n, refusedDeposit: false })
    assert.deepEqual(r.events[2].args, { chainId: w.validium.id, batchNumber: 1n, newRoot: b1.record[5] })
    assert.deepEqual(r.events[3].args, { chainId: w.rollup.id, batchNumber: 2n, newRoot: a2.record[5] })
    assert.deepEqual(r.events[4].args, { statement: 4711n, records: 3n, settler: operator.address })
    const c = await w.settlement.call('chain', [w.rollup.id])
    assert.deepEqual([...c].slice(0, 4), [a2.record[5], 2n, 3n, 607n])
    const b = await w.settlement.call('chain', [w.validium.id])
    assert.deepEqual([...b].slice(0, 4), [b1.record[5], 1n, 1n, 300n])

    await w.settlement.refuses(operator, `WrongBatchNumber(0, 2, 1)`, settleData(settlementAbi, s))
    for (const [wallet, amount] of [[alice, 400n], [bob, 50n]]) {
      assert.equal(await w.settlement.call('claimable', [wallet.address]), amount * UNIT)
      const target = '0x' + (0xbeefn + amount).toString(16).padStart(40, '0')
      const before = await w.chain.balance(target)
      await w.settlement.send(wallet, 'claim', [target])
      assert.equal(await w.chain.balance(target) - before, amount * UNIT)
      await w.settlement.refuses(wallet, 'NothingToClaim', w.settlement.data('claim', [target]))
    }
  })

  everywhere('goes on over several seals, and claims add up even when paused', async w => {
    const d = await makeDeposit(w, w.rollup, alice, 100n)
    await settle(w, await seal(small.prover, [w.rollup.next([applied(d), withdraw(1n, bob, 10n), withdraw(2n, bob, 5n)])]))
    await settle(w, await seal(small.prover, [w.rollup.next([withdraw(1n, bob, 1n)]), w.rollup.next([])]))
    assert.equal((await w.settlement.call('chain', [w.rollup.id])).escrow, 84n)
    await w.settlement.send(owner, 'setPaused', [true])
    await refuses(w, 'IsPaused', await seal(small.prover, [w.rollup.batch([])]))
    assert.equal(await w.settlement.call('claimable', [bob.address]), 16n * UNIT)
    await w.settlement.refuses(operator, 'NothingToClaim', w.settlement.data('claimFor', [operator.address]))
    await w.settlement.send(operator, 'claimFor', [bob.address])
    await w.settlement.send(owner, 'setPaused', [false])
    await settle(w, await seal(small.prover, [w.rollup.next([])]))
  })

  everywhere('rows may stand anywhere among many', { slots: 131n }, async w => {
    const d = await makeDeposit(w, w.rollup, alice, 1000n)
    const v = await makeDeposit(w, w.validium, alice, 1000n)
    const place = (rows, slots = 131) => Array.from({ length: slots }, (_, k) => rows[k] ?? { type: TYPE.noop })
    await w.settlement.send(operator2, 'setSettler', [w.validium.id, operator.address, true])
    await settle(w, await seal(small.prover, [
      w.rollup.next(place({ 0: transfer(1n, 2n, 3n), 31: applied(d), 33: withdraw(1n, bob, 2n), 66: transfer(5n, 6n, 7n), 130: withdraw(1n, bob, 4n) })),
      w.validium.next(place({ 1: transfer(1n, 2n, 3n), 32: applied(v), 97: withdraw(1n, bob, 8n), 130: transfer(1n, 2n, 3n) })),
      w.rollup.next(place({ 98: withdraw(1n, bob, 16n) })), w.rollup.next(place({ 99: withdraw(1n, bob, 32n) })), w.rollup.next([])]))
    assert.equal(await w.settlement.call('claimable', [bob.address]), 62n * UNIT)
  })

  everywhere('a receiver that refuses ether does not lose the claim', async w => {
    const d = await makeDeposit(w, w.rollup, alice, 100n)
    await settle(w, await seal(small.prover, [w.rollup.next([applied(d), withdraw(1n, bob, 10n)])]))
    await w.settlement.refuses(bob, 'TransferFailed', w.settlement.data('claim', [w.verifier.address]))
    assert.equal(await w.settlement.call('claimable', [bob.address]), 10n * UNIT)
  })

  everywhere('who may: the operator and those that the operator names, for every chain of the seal', async w => {
    const one = await seal(small.prover, [w.rollup.batch([])])
    const both = await seal(small.prover, [w.rollup.batch([]), w.validium.batch([])])
    await refuses(w, 'NotSettler', one, relayer)
    await refuses(w, 'NotSettler', one, owner)
    await w.settlement.refuses(relayer, 'NotOperator', w.settlement.data('setSettler', [w.rollup.id, relayer.address, true]))
    await w.settlement.send(operator, 'setSettler', [w.rollup.id, relayer.address, true])
    assert.equal(await w.settlement.call('isSettler', [w.rollup.id, relayer.address]), true)
    await refuses(w, `NotSettler(${w.validium.id})`, both, relayer)
    await w.settlement.send(operator2, 'setSettler', [w.validium.id, relayer.address, true])
    await w.settlement.acceptsCall(relayer, settleData(settlementAbi, both))
    await w.settlement.send(operator, 'setSettler', [w.rollup.id, relayer.address, false])
    await refuses(w, `NotSettler(${w.rollup.id})`, both, relayer)
    await w.settlement.send(operator, 'setSettler', [w.rollup.id, bob.address, true])
    await w.settlement.send(operator, 'setOperator', [w.rollup.id, relayer.address])
    assert.equal(await w.settlement.call('isSettler', [w.rollup.id, bob.address]), false)
    await refuses(w, 'NotSettler', one, bob)
    await refuses(w, 'NotSettler', one, operator)
    await w.settlement.refusesCall(operator, 'NotOperator', w.settlement.data('setOperator', [w.rollup.id, operator.address]))
    await w.settlement.refusesCall(relayer, 'BadArgument', w.settlement.data('setOperator', [w.rollup.id, '0x' + '0'.repeat(40)]))
    await settle(w, both, relayer)
  })

  everywhere('outbox roots are kept for leaf keys that send messages', { outbox: true }, async w => {
    const a = w.rollup.next([])
    await settle(w, await seal(small.prover, [a]))
    assert.equal(await w.settlement.call('outbox', [w.rollup.id, 1n]), a.record[6])
    assert.equal(await w.settlement.call('outbox', [w.rollup.id, 2n]), 0n)
  })
})

describe('settle refuses', () => {
  // A seal over batches whose records were changed before it was made: a true proof of other records.
  const change = (batch, index, value) => ({ ...batch, record: batch.record.map((v, k) => k === index ? value : v) })

  everywhere('a record that does not continue its chain', async w => {
    const good = w.rollup.batch([])
    const tries = [[1, 5n, 'UnknownChain(5)'], [0, 88n, 'UnknownLeafKey(0, 88)'], [2, 2n, 'WrongBatchNumber(0, 0, 2)'], [2, 0n, 'WrongBatchNumber(0, 0, 0)'],
      [3, 1n, 'WrongMode(0)'], [4, 1001n, 'WrongOldRoot(0)'], [23, 1n, 'WrongDepositStart(0, 0, 1)'], [24, 1n, 'DepositsNotQueued(0)'],
      [28, 5n, 'CountsDiffer(0)'], [29, 1n, 'CountsDiffer(0)'], [30, 1n, 'TotalsDiffer(0)'], [31, 1n, 'TotalsDiffer(0)'], [32, 1n, 'TotalsDiffer(0)'],
      [25, 9n, 'DataFingerprint(0)'], [26, 9n, 'DataFingerprint(0)'], [27, 9n, 'DataFingerprint(0)']]
    for (const [index, value, error] of tries) await refuses(w, error, await seal(small.prover, [change(good, index, value)]))
    // imports are not sent: the contract's fingerprint has zeros in their place
    for (let index = 7; index < 23; index++) await refuses(w, 'FingerprintX', await seal(small.prover, [change(good, index, 1n)]))
    // the second record of the same seal must start where the first one ends
    const next = w.rollup
    const first = next.next([])
    await refuses(w, 'WrongBatchNumber(1, 1, 1)', await seal(small.prover, [first, first]))
    await refuses(w, 'WrongOldRoot(1)', await seal(small.prover, [first, change(next.batch([]), 4, 1000n)]))
    await settle(w, await seal(small.prover, [first, next.batch([])]))
  })

  everywhere('a word outside its type', async w => {
    const limits = Array(34).fill(R)
    const set = (bits, ...indices) => indices.forEach(i => { limits[i] = 1n << BigInt(bits) })
    set(128, 1, 30, 31, 32)
    set(64, 2, 23)
    set(32, 24, 28, 29)
    set(23, 33)
    set(1, 3)
    const good = w.rollup.batch([])
    const s = await seal(small.prover, [good, w.validium.batch([])])
    for (const record of [0, 1])
      for (const i of limits.keys())
        for (const value of i > 6 && i < 23 ? [] : new Set([limits[i], (1n << 256n) - 1n, R, R + s.words[34 * record + i]]))
          await refuses(w, `WordOutOfRange(${record}, ${i})`, { ...s, words: s.words.map((v, k) => k === 34 * record + i ? value : v) })
    // a true proof does not help, where there can be one
    await refuses(w, 'WordOutOfRange(0, 33)', await seal(small.prover, [change(good, 33, 1n << 23n)]))
  })

  test('an operator account that the tree of the leaf key does not have', async () => {
    for (const chain of chains) {
      const w = await settlementWorld(chain, small.code)
      await w.settlement.send(owner, 'registerChain', [operator.address, 0, 5n, [77n], [[0n, 4n, 6n, false]]])
      w.rollup.id = chainIdOf(chain.chainId, w.settlement.address, 2)
      w.rollup.root = 5n
      await refuses(w, 'WordOutOfRange(0, 33)', await seal(small.prover, [change(w.rollup.batch([]), 33, 32n)]))
      await settle(w, await seal(small.prover, [change(w.rollup.batch([]), 33, 31n)]))
    }
  })

  everywhere('other words than those that were proven', async w => {
    const s = await seal(small.prover, [w.rollup.next([transfer(1n, 2n, 3n)]), w.rollup.next([]), w.validium.next([])])
    await w.settlement.send(operator2, 'setSettler', [w.validium.id, operator.address, true])
    const moved = (...order) => ({ ...s, words: order.flatMap(i => s.words.slice(34 * i, 34 * i + 34)), data: order.map(i => s.data[i]) })
    await refuses(w, 'FingerprintX', moved(1, 0, 2))
    await refuses(w, 'FingerprintX', moved(0, 2, 1))
    for (const i of [0, 4, 5, 25, 33, 34 + 6, 68 + 1, 101]) // each alone
      await refuses(w, 'FingerprintX', { ...s, words: s.words.map((v, k) => k === i ? v + 1n : v) })
    for (const m of [2n, 4n]) await refuses(w, 'WrongRecordCount', { ...s, inputs: s.inputs.map((v, k) => k === 1 ? m : v) })
    await refuses(w, 'FingerprintX', { ...s, inputs: s.inputs.map((v, k) => k === 0 ? v + 1n : v) })
    await refuses(w, 'FingerprintX', { ...s, inputs: s.inputs.map((v, k) => k === 2 ? v + 1n : v) })
    await refuses(w, 'FingerprintY', { ...s, inputs: s.inputs.map((v, k) => k === 3 ? v + 1n : v) })
    await refuses(w, 'FingerprintX', { ...s, inputs: s.inputs.map((v, k) => k === 0 || k === 2 || k === 3 ? v + R : v) })
    // words and public inputs that fit each other, but not the proof
    const words = s.words.map((v, k) => k === 5 ? v + 1n : k === 38 ? v + 1n : v)
    const { x, y } = fingerprint(4711n, words)
    await refuses(w, 'IdentityFailed', { ...s, words, inputs: [4711n, 3n, x, y, ...s.inputs.slice(4)] })
    await settle(w, s)
  })

  everywhere('a proof of a lie about x and y, and a bad accumulator under a true proof', async w => {
    const batch = w.rollup.batch([])
    const { x, y } = fingerprint(4711n, batch.record)
    const lie = async inputs => ({ words: batch.record, data: [batch.data], ...(await small.prover.prove(inputs)) })
    await refuses(w, 'FingerprintY', await lie([4711n, 1n, x, (y + 1n) % R]))
    await refuses(w, 'FingerprintX', await lie([4711n, 1n, (x + 1n) % R, y]))
    await refuses(w, 'WrongRecordCount', await lie([4711n, 2n, x, y]))
    const s = await lie([4711n, 1n, x, y])
    const acc = s.inputs.slice(4)
    await refuses(w, 'PairingFailed', await lie([4711n, 1n, x, y, ...acc.slice(4), ...acc.slice(0, 4)]))
    await refuses(w, 'IdentityFailed', { ...s, inputs: [...s.inputs.slice(0, 4), ...acc.slice(4), ...acc.slice(0, 4)] })
    await settle(w, s)
  })

  everywhere('the seal of another contract, and a mutated proof', async w => {
    const there = await settlementWorld(w.chain, small.code)
    const s = await seal(small.prover, [there.rollup.batch([])])
    await refuses(w, 'UnknownChain', s)
    await settle(there, s)
    const own = await seal(small.prover, [w.rollup.batch([])])
    await refuses(w, 'IdentityFailed', { ...own, proof: own.proof.map((v, i) => i === 20 ? v + 1n : v) })
    await refuses(w, 'IdentityFailed', { ...own, proof: s.proof })
    await settle(w, own)
  })

  everywhere('wrong lengths', async w => {
    const s = await seal(small.prover, [w.rollup.batch([])])
    await refuses(w, 'WrongLength', { ...s, words: s.words.slice(0, 33) })
    await refuses(w, 'WrongLength', { ...s, words: [...s.words, 0n] })
    await refuses(w, 'WrongRecordCount', { ...s, words: [...s.words, ...s.words] })
    await refuses(w, 'WrongLength', { ...s, words: [], data: [] })
    const many = Array.from({ length: 65 }, () => s.data[0])
    await refuses(w, 'WrongLength', { ...s, words: many.flatMap(() => s.words), data: many })
    // calldata that ends before its arrays do
    const data = settleData(settlementAbi, s)
    for (const cut of [33, 600]) assert.equal((await w.chain.call(operator.address, w.settlement.address, data.slice(0, -2 * cut))).ok, false)
  })

  everywhere('data of another form', async w => {
    const d = await makeDeposit(w, w.rollup, alice, 9n)
    const batch = w.rollup.batch([transfer(1n, 2n, 3n), applied(d), withdraw(1n, bob, 2n)])
    const s = await seal(small.prover, [batch])
    const data = batch.data
    const cut = n => data.slice(0, -2 * n)
    for (const bad of ['0x', cut(1), cut(2), data + '00', data + '00'.repeat(32), '0x05' + data.slice(4), '0xff' + data.slice(4), data.slice(0, 60)])
      await refuses(w, 'DataMalformed(0)', { ...s, data: [bad] })
    const flip = i => '0x' + data.slice(2).replace(/../g, (h, at) => at === 2 * i ? (parseInt(h, 16) ^ 1).toString(16).padStart(2, '0') : h)
    const row = [0, 23, 130, 173]
    for (const [i, error] of [[row[0] + 1, 'DataFingerprint(0)'], [row[0] + 16, 'DataFingerprint(0)'], // fee and amount of a transfer
      [row[1] + 16, 'DataFingerprint(0)'], [row[1] + 23, 'DataFingerprint(0)'], [row[1] + 54, 'DataFingerprint(0)'], [row[1] + 86, 'DataFingerprint(0)'],
      [row[2] + 16, 'DataFingerprint(0)'], [row[2] + 42, 'DataFingerprint(0)'], [row[2] + 22, 'DataFingerprint(0)']])
      await refuses(w, error, { ...s, data: [flip(i)] })
    await refuses(w, 'DepositsDiffer(0)', { ...s, data: [flip(row[1] + 106)] }) // the owner is bound by the queue alone
    await settle(w, s)
  })

  everywhere('deposits that are not those of the queue', async w => {
    const d = [await makeDeposit(w, w.rollup, alice, 9n), await makeDeposit(w, w.rollup, bob, 9n), await makeDeposit(w, w.rollup, bob, 8n)]
    const made = async slots => seal(small.prover, [w.rollup.batch(slots)])
    await refuses(w, 'DepositsDiffer(0)', await made([applied(d[1])]))
    await refuses(w, 'DepositsDiffer(0)', await made([applied(d[1]), applied(d[0])]))
    await refuses(w, 'DepositsDiffer(0)', await made([applied(d[0]), applied(d[2])]))
    await refuses(w, 'DepositsDiffer(0)', await made([applied({ ...d[0], amount: 10n })]))
    await refuses(w, 'DepositsDiffer(0)', await made([applied({ ...d[0], x: 5n })]))
    await refuses(w, 'DepositsDiffer(0)', await made([applied({ ...d[0], y: 5n })]))
    await refuses(w, 'DepositsDiffer(0)', await made([applied({ ...d[0], owner: bob.address, refuse: true })]))
    await refuses(w, 'DepositsNotQueued(0)', await made([applied(d[0]), applied(d[1]), applied(d[2]), applied(d[2])]))
    await settle(w, await seal(small.prover, [w.rollup.next([applied(d[0])]), w.rollup.next([]), w.rollup.next([applied(d[1]), applied(d[2])])]))
  })

  everywhere('more leaving than is there, also between chains', async w => {
    const d = await makeDeposit(w, w.validium, alice, 100n)
    await w.settlement.send(operator2, 'setSettler', [w.validium.id, operator.address, true])
    await refuses(w, 'EscrowTooLow(0)', await seal(small.prover, [w.rollup.batch([withdraw(1n, bob, 1n)])]))
    const taken = w.validium.batch([applied(d)])
    await refuses(w, 'EscrowTooLow(1)', await seal(small.prover, [taken, w.rollup.batch([withdraw(1n, bob, 1n)])]))
    await refuses(w, 'EscrowTooLow(0)', await seal(small.prover, [w.validium.batch([applied(d), withdraw(1n, bob, 101n)])]))
    await settle(w, await seal(small.prover, [w.validium.batch([applied(d), withdraw(1n, bob, 100n)])]))
    assert.equal((await w.settlement.call('chain', [w.validium.id])).escrow, 0n)
  })
})
