// Compiles the contracts with the solc that tests/evm pins, and writes or compares verifier/evm/generated.
//
//   node verifier/evm/compile.mjs           writes NAME.abi.json and NAME.bin (creation code, hex) of each contract
//   node verifier/evm/compile.mjs --check   compares instead; exit status 1 when something differs
//
// generated/HyperfoldVerifier.sol comes from hf_evm_generate and is compiled as it stands.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const here = new URL('.', import.meta.url)
const require = createRequire(new URL('../../tests/evm/package.json', import.meta.url))

// Cancun is the oldest rule set that the contracts run under; their code is the same on later ones. The verifier is one long
// straight line whose temporaries are laid out already: rearranging it makes the compiler run out of stack.
const settings = {
  HyperfoldVerifier: { evmVersion: 'cancun', optimizer: { enabled: true, runs: 1000000, details: { yul: false } } },
  HyperfoldSettlement: { evmVersion: 'cancun', viaIR: true, optimizer: { enabled: true, runs: 1000000 } }
}

const read = name => readFileSync(new URL(name, here), 'utf8')

// { abi, bytecode, deployed } of a contract, `source` being its file.
export function compile (contract, source) {
  const solc = require('solc')
  const file = `${contract}.sol`
  const input = {
    language: 'Solidity',
    sources: { 'IHyperfold.sol': { content: read('IHyperfold.sol') }, [file]: { content: source } },
    settings: { ...settings[contract], metadata: { appendCBOR: false, bytecodeHash: 'none' },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } } }
  }
  const output = JSON.parse(solc.compile(JSON.stringify(input)))
  const errors = (output.errors ?? []).filter(e => e.severity !== 'info')
  if (errors.length > 0) throw new Error(errors.map(e => e.formattedMessage).join('\n'))
  const c = output.contracts[file][contract]
  return { abi: c.abi, bytecode: c.evm.bytecode.object, deployed: c.evm.deployedBytecode.object }
}

export const settlement = () => compile('HyperfoldSettlement', read('HyperfoldSettlement.sol'))
export const verifier = source => compile('HyperfoldVerifier', source ?? read('generated/HyperfoldVerifier.sol'))

// What belongs into generated/: file name -> text.
export function generated () {
  const files = {}
  for (const [name, c] of [['HyperfoldSettlement', settlement()], ['HyperfoldVerifier', verifier()]]) {
    files[`${name}.abi.json`] = '[\n' + c.abi.map(e => '  ' + JSON.stringify(e)).join(',\n') + '\n]\n'
    files[`${name}.bin`] = c.bytecode + '\n'
  }
  return files
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  let differ = 0
  for (const [name, text] of Object.entries(generated())) {
    const url = new URL(`generated/${name}`, here)
    if (process.argv[2] !== '--check') {
      writeFileSync(url, text)
    } else if (!existsSync(url) || readFileSync(url, 'utf8') !== text) {
      console.error(`generated/${name} is not what the sources give: run node verifier/evm/compile.mjs`)
      differ++
    }
  }
  process.exitCode = differ === 0 ? 0 : 1
}
