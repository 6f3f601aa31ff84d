// The recorded seals before the verifier of their key on two EVMs: accepted by real transactions, at the price of two batches
// however many there are.
//   node --test recorded.mjs      HF_EVM_BIN as in ../evm/world.mjs
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { verifier as compileVerifier } from '../../verifier/evm/compile.mjs'
import { Contract, backends, deploy, sourceOf, verifierAbi, wallets } from '../evm/world.mjs'

const folder = new URL('recorded/', import.meta.url).pathname
const SELECTOR = verifierAbi.getFunction('verify').selector
const SIZES = [2, 32, 64], GAS_MOST = 350_000
let chains, contracts

before(async () => {
  const { bytecode } = compileVerifier(sourceOf(folder + 'seal.vkey'))
  chains = await backends()
  contracts = []
  for (const chain of chains) contracts.push(new Contract(chain, verifierAbi, await deploy(chain, bytecode)))
})

after(async () => { for (const chain of chains ?? []) await chain.stop() })

// The payload of a "PROF" container: kappa, digest, count, then 71 little-endian words.
function calldataOf (m) {
  const words = readFileSync(`${folder}seal-${m}.proof`).subarray(64 + 40)
  assert.equal(words.length, 71 * 32)
  const turned = []
  for (let at = 0; at < words.length; at += 32) turned.push(Buffer.from(words.subarray(at, at + 32)).reverse())
  return SELECTOR + Buffer.concat(turned).toString('hex')
}

// What calldata costs by itself: 4 gas a zero byte, 16 another one. It differs from proof to proof.
const priceOf = data => Buffer.from(data.slice(2), 'hex').reduce((gas, byte) => gas + (byte ? 16 : 4), 0)

test('accepted, at one price', async () => {
  const work = []
  for (const m of SIZES) {
    const data = calldataOf(m)
    for (const c of contracts) {
      const { gasUsed } = await c.sendData(wallets[1], data)
      console.log(`a seal of ${m}, ${c.chain.name}: ${gasUsed} gas`)
      assert.ok(gasUsed <= GAS_MOST, `${gasUsed} gas`)
      work.push(Number(gasUsed) - priceOf(data))
    }
  }
  assert.ok(Math.max(...work) - Math.min(...work) <= 100, `gas without calldata: ${work}`)
})

test('each is about its own batches', async () => {
  const inputs = SELECTOR.length + 64 * 12
  for (const m of SIZES)
    for (const other of SIZES.filter(k => k !== m))
      for (const c of contracts)
        await c.refusesCall(wallets[0], 'IdentityFailed', calldataOf(other).slice(0, inputs) + calldataOf(m).slice(inputs))
})
