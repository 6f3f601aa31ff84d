// What is committed under verifier/evm/generated is what the sources give, with the compiler that package-lock.json pins.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { generated } from '../../verifier/evm/compile.mjs'
import { program, sourceOf } from './world.mjs'

const folder = new URL('../../verifier/evm/generated/', import.meta.url)
const read = name => readFileSync(new URL(name, folder), 'utf8')
const CODE_MOST = 24576

test('the compiler is the pinned one', () => {
  const require = createRequire(import.meta.url)
  const { version } = require('solc/package.json')
  assert.equal(version, JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')).dependencies.solc)
  assert.ok(require('solc').version().startsWith(version + '+'))
})

test('contracts compile to what is committed, without warnings, and fit', () => {
  const files = generated()
  for (const [name, text] of Object.entries(files)) assert.ok(read(name) === text, `${name} differs: node verifier/evm/compile.mjs`)
  const known = [...Object.keys(files), 'HyperfoldVerifier.sol', 'seal.vkey']
  assert.deepEqual(readdirSync(folder).filter(n => !known.includes(n)), [])
  for (const name of Object.keys(files).filter(n => n.endsWith('.bin'))) assert.ok(files[name].length / 2 < CODE_MOST + 500, name)
})

test('the key is that of the recorded seals', t => { // which test_recorded compares with the present circuits'
  const recorded = new URL('../corpus/recorded/seal.vkey', import.meta.url)
  if (!existsSync(recorded)) return t.skip('no recorded seals')
  assert.ok(readFileSync(recorded).equals(readFileSync(new URL('seal.vkey', folder))), 'run verifier/evm/regenerate')
})

test('the verifier is that of the committed key', () => {
  const key = new URL('seal.vkey', folder)
  assert.equal(sourceOf(key.pathname), read('HyperfoldVerifier.sol'))
  assert.match(execFileSync(program('evm_prover'), ['--digest', key.pathname], { encoding: 'utf8' }), /^[0-9a-f]{64}\n$/)
})
