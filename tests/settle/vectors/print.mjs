// Prints the vectors of this folder with ethers (https://docs.ethers.org), which shares no code with the project:
//   node print.mjs ../../evm > ethers.txt       (npm ci in tests/evm first)
// Lines are "kind field field ..."; everything is hex but names. The keys and hashes are made from counters, so the
// output is the same every time.
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const ethers = createRequire(resolve(process.argv[2] ?? '.', 'package.json'))('ethers');
const { keccak256, toUtf8Bytes, encodeRlp, Transaction, SigningKey, computeAddress, AbiCoder, id } = ethers;
const line = (...fields) => console.log(fields.join(' '));
const seed = (name) => keccak256(toUtf8Bytes(name));
const bytes = (name, length) => { // `length` bytes, a third of them zero
  let out = '';
  for (let i = 0; out.length < 2 * length; i++) out += seed(`${name}/${i}`).slice(2).replace(/[5-9]./g, '00');
  return '0x' + out.slice(0, 2 * length);
};
const number = (name, bits) => BigInt(seed(name)) & ((1n << BigInt(bits)) - 1n);

// RLP of strings, and of lists of strings
for (const length of [0, 1, 2, 54, 55, 56, 57, 255, 256, 257]) {
  const data = bytes(`rlp ${length}`, length);
  line('rlp-bytes', data, encodeRlp(data));
  line('rlp-list', data, encodeRlp([data, data]));
}
for (const length of [65535, 65536, 70000]) line('rlp-long', length, keccak256(encodeRlp('0x' + 'a5'.repeat(length))));
for (const small of ['0x00', '0x01', '0x7f', '0x80', '0xff']) line('rlp-bytes', small, encodeRlp(small));

// decimal and quantities
for (const bits of [0, 1, 8, 63, 64, 65, 128, 255, 256]) {
  const value = bits === 0 ? 0n : (1n << BigInt(bits)) - 1n;
  line('number', '0x' + value.toString(16).padStart(64, '0'), value.toString(10), '0x' + value.toString(16));
}

// addresses, with their checksum
for (let i = 0; i < 24; i++) {
  const secret = seed(`key ${i}`), address = computeAddress(secret);
  line('key', secret, address);
  const hash = seed(`hash ${i}`), s = new SigningKey(secret).sign(hash);
  line('sign', secret, hash, s.r, s.s, s.yParity);
}

// signed EIP-1559 transactions
for (let i = 0; i < 48; i++) {
  const wide = i % 3 === 0 ? 63 : 20, secret = seed(`sender ${i}`);
  const tip = number(`tip ${i}`, wide), fee = tip + number(`fee ${i}`, wide);
  const value = i % 4 === 0 ? 0n : number(`value ${i}`, i % 5 === 0 ? 90 : 40);
  const length = [0, 1, 4, 31, 55, 56, 300, 1200][i % 8], data = bytes(`data ${i}`, length);
  const to = i % 6 === 5 ? null : computeAddress(seed(`to ${i}`));
  const tx = Transaction.from({
    type: 2, chainId: i % 2 ? 1n : number(`chain ${i}`, 32), nonce: i % 7 === 0 ? 0 : Number(number(`nonce ${i}`, 24)),
    maxPriorityFeePerGas: tip, maxFeePerGas: fee, gasLimit: number(`gas ${i}`, 24), to, value, data,
  });
  tx.signature = new SigningKey(secret).sign(tx.unsignedHash);
  line('tx', secret, tx.chainId, tx.nonce, tip, fee, tx.gasLimit, to ?? '-', value, data, tx.serialized, tx.hash);
}

// calls: words; an array of words in the middle; an array of structs of four words; bytes
const coder = AbiCoder.defaultAbiCoder(), word = (name) => '0x' + number(name, 256).toString(16).padStart(64, '0');
const call = (signature, types, values) => id(signature).slice(0, 10) + coder.encode(types, values).slice(2);
for (const n of [0, 1, 2, 7]) {
  const list = Array.from({ length: n }, (_, i) => word(`list ${n} ${i}`));
  const structs = Array.from({ length: n }, (_, i) => [i, i + 1, 2n * BigInt(i), i % 2 === 0]);
  const blob = bytes(`blob ${n}`, 31 * n + (n > 1));
  const one = word(`one ${n}`), address = computeAddress(seed(`abi ${n}`));
  line('abi', n, one, address, blob, ...list, call('f(uint256,address,uint256[],(uint64,uint32,uint8,bool)[],bytes)',
    ['uint256', 'address', 'uint256[]', 'tuple(uint64,uint32,uint8,bool)[]', 'bytes'], [one, address, list, structs, blob]));
}
