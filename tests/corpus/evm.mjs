// The corpus of attacks before the contracts: every case of a seal goes to the generated verifier, and what a seal says about
// records to the settlement contract, on two implementations of the EVM.
//   node --test evm.mjs        HF_EVM_BIN as in ../evm/world.mjs; HF_CORPUS_RECORDED: M, for the recorded seal of M batches
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { verifier as compileVerifier } from '../../verifier/evm/compile.mjs'
import { backends, nameOf, program, settlementAbi, settlementWorld, sourceOf, verifierAbi, wallets } from '../evm/world.mjs'

const SELECTOR = verifierAbi.getFunction('verify').selector
const SENT = [...Array(7).keys(), ...Array.from({ length: 11 }, (_, i) => 23 + i)] // the words of a record without its imports
const folder = mkdtempSync(join(tmpdir(), 'hf-corpus-evm-'))
let chains, worlds, cases

before(async () => {
  const m = process.env.HF_CORPUS_RECORDED
  execFileSync(program('corpus_write'), [folder, ...(m ? [new URL('recorded', import.meta.url).pathname, m] : [])])
  cases = readFileSync(join(folder, 'cases.jsonl'), 'utf8').split('\n').filter(Boolean).map(line => JSON.parse(line)).filter(c => c.kind === 'seal')
  const good = cases.find(c => c.name === 'good/as it is')
  const { bytecode } = compileVerifier(sourceOf(join(folder, good.key)))
  chains = await backends()
  worlds = []
  for (const chain of chains) worlds.push(await settlementWorld(chain, bytecode))
})

after(async () => {
  rmSync(folder, { recursive: true, force: true })
  for (const chain of chains ?? []) await chain.stop()
})

const wordsOf = hex => hex.slice(2).match(/.{64}/g) ?? []

// Calldata of settle, laid out by hand: the ABI coder would refuse words of more than 256 bits, and lengths that are not.
function settleCalldata (c) {
  const all = wordsOf(c.calldata), words = c.records.flatMap(r => { const w = wordsOf(r.words); return SENT.map(i => BigInt('0x' + w[i])) })
  const numbers = all.map(w => BigInt('0x' + w))
  return settlementAbi.encodeFunctionData('settle', [0n, words, '0x', numbers.slice(0, 12), numbers.slice(12)])
}

async function said (world, c) {
  const settle = 'settle' in c.evm
  const to = settle ? world.settlement.address : world.verifier.address
  const data = settle ? settleCalldata(c) : SELECTOR + c.calldata.slice(2)
  const result = await world.chain.call(wallets[0].address, to, data)
  if (result.ok) return 'ok'
  if (result.revert === '0x') return 'AbiDecoder' // what solc puts before the function: calldata too short
  return String(nameOf(settlementAbi, result.revert)).replace(/\(.*$/s, '')
}

test('every case of a seal', async () => {
  const tally = { accepted: 0, refused: 0, none: 0, wrong: [] }
  for (const [i, c] of cases.entries()) {
    if ('none' in c.evm) {
      assert.ok(c.evm.none.length > 0, `${c.name}: no reason`)
      tally.none++
      continue
    }
    const expected = c.evm.verify ?? c.evm.settle
    expected === 'ok' ? tally.accepted++ : tally.refused++
    for (const [k, world] of worlds.entries()) {
      if (k === 0 && i % 4 !== 0 && expected !== 'ok') continue // the slow one sees every fourth
      const answer = await said(world, c)
      if (answer !== expected) tally.wrong.push(`${c.name} (${world.chain.name}): ${answer}, expected ${expected}`)
    }
  }
  console.log(`corpus, ${cases[0].subject} seal before the contracts: ${tally.accepted} accepted, ${tally.refused} refused, ${tally.none} not asked, ${tally.wrong.length} disagreements`)
  assert.deepEqual(tally.wrong, [])
  assert.ok(tally.accepted >= 4 && tally.refused > 400)
})
