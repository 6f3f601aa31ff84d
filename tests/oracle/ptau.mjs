// Makes vectors/powers7.ptau with snarkjs: a powers-of-tau file of power 7 (255 powers in G1), from a new
// ceremony and one beacon, so that every run gives the same bytes.
//   node ptau.mjs vectors/powers7.ptau [power]
import { powersOfTau } from "snarkjs";
import { getCurveFromName } from "ffjavascript";
import { rmSync } from "node:fs";

const [out, power = "7"] = process.argv.slice(2);
const curve = await getCurveFromName("bn128");
const start = `${out}.start`;
await powersOfTau.newAccumulator(curve, Number(power), start);
await powersOfTau.beacon(start, out, "test", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 10);
rmSync(start);
await curve.terminate();
