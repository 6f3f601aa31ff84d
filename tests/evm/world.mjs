// What the tests share: contracts deployed on a chain of backends.mjs, calls by name, and reverts as text.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AbiCoder, Interface } from 'ethers'
import { verifier as compileVerifier } from '../../verifier/evm/compile.mjs'
import { Anvil, EthereumJs, wallets } from './backends.mjs'
import { Hyperchain, Prover, chainIdOf } from './model.mjs'

const generated = new URL('../../verifier/evm/generated/', import.meta.url)
const json = name => JSON.parse(readFileSync(new URL(name, generated), 'utf8'))

export const settlementAbi = new Interface([...json('HyperfoldSettlement.abi.json'), ...json('HyperfoldVerifier.abi.json').filter(e => e.type === 'error')])
export const verifierAbi = new Interface(json('HyperfoldVerifier.abi.json'))
export const settlementCode = () => readFileSync(new URL('HyperfoldSettlement.bin', generated), 'utf8').trim()

// Where the build put its programs: HF_EVM_BIN, two folders.
if (!process.env.HF_EVM_BIN) throw new Error('HF_EVM_BIN is not set: BUILD/tests:BUILD/bin')
const [tests, bin] = process.env.HF_EVM_BIN.split(':')
const scratch = mkdtempSync(join(tmpdir(), 'hf-evm-'))
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }))

export const program = name => join(name.startsWith('hf_') ? bin : tests, name)
export const sourceOf = key => execFileSync(program('hf_evm_generate'), [key], { encoding: 'utf8' })

// The prover of small seals, and the verifier of its key: { prover, key, source, code }.
export async function smallSeals () {
  const key = join(scratch, 'small.vkey')
  const prover = new Prover(program('evm_prover'), key)
  await prover.prove([1n, 1n, 0n, 0n])
  const source = sourceOf(key)
  return { prover, key, source, code: compileVerifier(source).bytecode }
}

export async function backends () {
  return [await EthereumJs.start(), await Anvil.start()]
}

export const nameOf = (abi, revert) => {
  if (revert === null || revert.length < 10) return revert
  const error = abi.parseError(revert)
  return error === null ? revert : `${error.name}(${error.args.join(', ')})`
}

export async function deploy (chain, code, wallet = wallets[0]) {
  const result = await chain.send(wallet, null, code.startsWith('0x') ? code : '0x' + code)
  assert.ok(result.ok, `deployment: ${result.revert} ${result.error ?? ''}`)
  return result.address
}

// A contract: send, fails, call.
export class Contract {
  constructor (chain, abi, address) { Object.assign(this, { chain, abi, address }) }

  data (name, args) { return this.abi.encodeFunctionData(name, args) }

  // A transaction that must succeed; its receipt with the events by name.
  async send (wallet, name, args = [], value = 0n) { return this.sendData(wallet, this.data(name, args), value) }

  async sendData (wallet, data, value = 0n) {
    const result = await this.chain.send(wallet, this.address, data, value)
    assert.ok(result.ok, `${this.chain.name}: ${nameOf(this.abi, result.revert)} ${result.error ?? ''}`)
    result.events = result.logs.map(l => this.abi.parseLog(l)).map(e => ({ name: e.name, args: e.args.toObject() }))
    return result
  }

  // A transaction that must be mined and refused with this error: "Name(arguments)", or a name alone.
  async refuses (wallet, error, data, value = 0n) {
    const result = await this.chain.send(wallet, this.address, data, value)
    assert.equal(result.ok, false, `${this.chain.name}: accepted, expected ${error}`)
    this.expect(result.revert, error)
    return result
  }

  // The same without a transaction.
  async refusesCall (wallet, error, data, value = 0n) {
    const result = await this.chain.call(wallet.address, this.address, data, value)
    assert.equal(result.ok, false, `${this.chain.name}: accepted, expected ${error}`)
    this.expect(result.revert, error)
  }

  async acceptsCall (wallet, data, value = 0n) {
    const result = await this.chain.call(wallet.address, this.address, data, value)
    assert.ok(result.ok, `${this.chain.name}: ${nameOf(this.abi, result.revert)}`)
  }

  expect (revert, error) {
    const name = nameOf(this.abi, revert)
    assert.equal(error.includes('(') ? name : name?.replace(/\(.*$/s, ''), error, this.chain.name)
  }

  async call (name, args = [], wallet = wallets[0]) {
    const result = await this.chain.call(wallet.address, this.address, this.data(name, args))
    assert.ok(result.ok, `${this.chain.name}: ${name}: ${nameOf(this.abi, result.revert)}`)
    const values = this.abi.decodeFunctionResult(name, result.result)
    return values.length === 1 ? values[0] : values
  }
}

export { wallets }

export const DELAY = 3600
export const [owner, operator, operator2, relayer, alice, bob] = wallets

// A settlement contract with one verifier of small seals and two chains: rollup (operator) and validium (operator2).
export async function settlementWorld (chain, code, { slots = 4n, outbox = false } = {}) {
  const verifier = new Contract(chain, verifierAbi, await deploy(chain, code))
  const create = '0x' + settlementCode() + AbiCoder.defaultAbiCoder().encode(['address', 'uint64', 'bool'], [owner.address, DELAY, true]).slice(2)
  const settlement = new Contract(chain, settlementAbi, await deploy(chain, create))
  await settlement.send(owner, 'addVerifier', [verifier.address])
  const key = [0n, slots, 24n, outbox]
  await settlement.send(owner, 'registerChain', [operator.address, 0, 1000n, [77n], [key]])
  await settlement.send(owner, 'registerChain', [operator2.address, 1, 2000n, [88n], [key]])
  const id = i => chainIdOf(chain.chainId, settlement.address, i)
  const rollup = new Hyperchain({ id: id(0), mode: 0n, digest: 77n, slots: Number(slots), root: 1000n })
  const validium = new Hyperchain({ id: id(1), mode: 1n, digest: 88n, slots: Number(slots), root: 2000n })
  return { chain, verifier, settlement, rollup, validium }
}
