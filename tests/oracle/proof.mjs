// A verifier of hyperfold's proofs that shares no code with hyperfold: see files.mjs, relation.mjs and verify.mjs.
//   node proof.mjs < LIST      lines "KEY PROOF" or "KEY SEALED"; prints "ok" or "refused: class: why" for each
import { readFileSync } from "node:fs";
import { Refused, container, readKey, readProof, readSealed } from "./files.mjs";
import { verify, records } from "./verify.mjs";

function judge(keyPath, path) {
  const key = readKey(readFileSync(keyPath)), bytes = readFileSync(path);
  if (container(bytes).kind !== "SLED") return verify(key, readProof(bytes));
  const sealed = readSealed(bytes);
  verify(key, sealed.proof);
  records(key, sealed.proof, sealed.records, sealed.data);
}

for (const line of readFileSync(0, "utf8").split("\n")) {
  if (!line) continue;
  try {
    judge(...line.split(" "));
    console.log("ok");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    console.log(`refused: ${error.kind}: ${error.message}`);
  }
}
