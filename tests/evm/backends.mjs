// Two implementations of the EVM behind one door: anvil, a node of its own process spoken to over JSON-RPC, and
// the VM of ethereumjs in this process. Both get the same signed transactions.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createBlock } from '@ethereumjs/block'
import { Common, Hardfork, Mainnet } from '@ethereumjs/common'
import { createTxFromRLP } from '@ethereumjs/tx'
import { Account, createAddressFromString, hexToBytes, bytesToHex } from '@ethereumjs/util'
import { createVM, runTx } from '@ethereumjs/vm'
import { Wallet } from 'ethers'

const GAS_LIMIT = 16_000_000n // below the limit of one transaction (EIP-7825)
const RICH = 10n ** 24n

// Wallets of fixed keys, so that addresses are the same on every run.
export const wallets = Array.from({ length: 6 }, (_, i) => new Wallet('0x' + (i + 1).toString(16).padStart(64, '5')))

class Chain {
  constructor (chainId) {
    this.chainId = chainId
    this.nonces = new Map()
  }

  async signed (wallet, to, data, value, gasLimit = GAS_LIMIT) {
    const nonce = this.nonces.get(wallet.address) ?? 0
    this.nonces.set(wallet.address, nonce + 1)
    return wallet.signTransaction({ type: 2, chainId: this.chainId, nonce, to, data, value: value ?? 0n, gasLimit,
      maxFeePerGas: 100_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n })
  }
}

// The port that the node chose, as its output says; what it says later is read and let go.
function portOf (process) {
  return new Promise((resolve, reject) => {
    let text = ''
    const late = setTimeout(() => reject(new Error('anvil does not listen')), 60000)
    const end = (done, value) => { clearTimeout(late); done(value) }
    process.on('error', error => end(reject, error))
    process.on('exit', () => end(reject, new Error('anvil ended')))
    process.stdout.on('data', part => {
      if (text === null) return
      const found = (text += part).match(/^Listening on 127\.0\.0\.1:(\d+)\n/m)
      if (found !== null) { text = null; end(resolve, Number(found[1])) }
    })
  })
}

export class Anvil extends Chain {
  name = 'anvil'

  static binary () {
    const path = new URL('node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil', import.meta.url).pathname
    return existsSync(path) ? path : null
  }

  static async start () {
    const chain = new Anvil(31337)
    chain.process = spawn(Anvil.binary(), ['--host', '127.0.0.1', '--port', '0', '--hardfork', 'osaka', '--disable-console-log'],
      { stdio: ['ignore', 'pipe', 'ignore'] })
    chain.url = `http://127.0.0.1:${await portOf(chain.process)}`
    for (const w of wallets) await chain.rpc('anvil_setBalance', w.address, '0x' + RICH.toString(16))
    return chain
  }

  async rpc (method, ...params) {
    const response = await fetch(this.url, { method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }) })
    const answer = await response.json()
    if (answer.error) throw Object.assign(new Error(`${method}: ${answer.error.message}`), { data: answer.error.data })
    return answer.result
  }

  // A mined transaction: { ok, gasUsed, logs, address, revert }.
  async send (wallet, to, data, value, gasLimit) {
    const raw = await this.signed(wallet, to, data, value, gasLimit)
    const hash = await this.rpc('eth_sendRawTransaction', raw)
    let receipt = null
    for (let i = 0; receipt === null && i < 6000; i++) {
      receipt = await this.rpc('eth_getTransactionReceipt', hash)
      if (receipt === null) await sleep(10)
    }
    const ok = receipt.status === '0x1'
    // a failed transaction's reason: the same call on the state before it
    const revert = ok ? null : (await this.call(wallet.address, to, data, value, BigInt(receipt.blockNumber) - 1n)).revert
    return { ok, gasUsed: Number(receipt.gasUsed), logs: receipt.logs, address: receipt.contractAddress, revert }
  }

  // Without a transaction: { ok, result, revert }.
  async call (from, to, data, value = 0n, block) {
    try {
      const result = await this.rpc('eth_call', { from, to, data, value: '0x' + value.toString(16), gas: '0x' + GAS_LIMIT.toString(16) },
        block === undefined ? 'latest' : '0x' + block.toString(16))
      return { ok: true, result, revert: null }
    } catch (error) {
      if (typeof error.data !== 'string') return { ok: false, result: null, revert: '0x', message: error.message }
      return { ok: false, result: null, revert: error.data }
    }
  }

  async balance (address) { return BigInt(await this.rpc('eth_getBalance', address, 'latest')) }

  async warp (seconds) {
    await this.rpc('evm_increaseTime', seconds)
    await this.rpc('evm_mine')
  }

  async stop () {
    this.process.kill('SIGINT')
    await new Promise(resolve => this.process.on('exit', resolve))
  }
}

export class EthereumJs extends Chain {
  name = 'ethereumjs'

  // `without`: addresses whose precompiled contracts this chain does not have.
  static async start ({ without = [] } = {}) {
    const chain = new EthereumJs(31337)
    const customPrecompiles = without.map(a => ({ address: createAddressFromString(`0x${a.toString(16).padStart(40, '0')}`) }))
    chain.common = new Common({ chain: { ...Mainnet, chainId: 31337 }, hardfork: Hardfork.Osaka })
    chain.vm = await createVM({ common: chain.common, evmOpts: { customPrecompiles } })
    chain.time = 1_800_000_000n
    for (const w of wallets)
      await chain.vm.stateManager.putAccount(createAddressFromString(w.address), new Account(0n, RICH))
    return chain
  }

  block () {
    this.time += 12n
    return createBlock({ header: { number: 1n, timestamp: this.time, gasLimit: 60_000_000n, baseFeePerGas: 7n } },
      { common: this.common, skipConsensusFormatValidation: true })
  }

  async send (wallet, to, data, value, gasLimit) {
    const raw = await this.signed(wallet, to, data, value, gasLimit)
    const tx = createTxFromRLP(hexToBytes(raw), { common: this.common })
    const result = await runTx(this.vm, { tx, block: this.block(), skipHardForkValidation: true })
    const { execResult } = result
    const ok = execResult.exceptionError === undefined
    return { ok, gasUsed: Number(result.totalGasSpent), revert: ok ? null : bytesToHex(execResult.returnValue),
      address: result.createdAddress?.toString() ?? null, error: execResult.exceptionError?.error,
      logs: (execResult.logs ?? []).map(([address, topics, log]) => ({ address: bytesToHex(address), topics: topics.map(bytesToHex), data: bytesToHex(log) })) }
  }

  async call (from, to, data, value = 0n) {
    const checkpoint = await this.snapshot()
    const { execResult } = await this.vm.evm.runCall({ caller: createAddressFromString(from), to: createAddressFromString(to),
      data: hexToBytes(data), value, gasLimit: GAS_LIMIT, block: this.block(), isStatic: false })
    await this.revertTo(checkpoint)
    const ok = execResult.exceptionError === undefined
    const bytes = bytesToHex(execResult.returnValue)
    return { ok, result: ok ? bytes : null, revert: ok ? null : bytes }
  }

  async balance (address) { return (await this.vm.stateManager.getAccount(createAddressFromString(address)))?.balance ?? 0n }

  async warp (seconds) { this.time += BigInt(seconds) }

  async snapshot () {
    await this.vm.evm.journal.cleanup()
    return { root: await this.vm.stateManager.getStateRoot(), nonces: new Map(this.nonces), time: this.time }
  }

  async revertTo (snapshot) {
    await this.vm.evm.journal.cleanup()
    await this.vm.stateManager.setStateRoot(snapshot.root)
    this.nonces = new Map(snapshot.nonces)
    this.time = snapshot.time
  }

  async stop () {}
}
