// One proof before the verifier of this folder: "ok", or the class of the refusal and why.
import { readFileSync } from "node:fs";
import { Refused, container, readKey, readProof, readSealed } from "./files.mjs";
import { verify, records } from "./verify.mjs";

export function judge(keyPath, proofPath) {
  try {
    const key = readKey(readFileSync(keyPath)), bytes = readFileSync(proofPath);
    if (container(bytes).kind === "SLED") {
      const sealed = readSealed(bytes);
      verify(key, sealed.proof);
      records(key, sealed.proof, sealed.records, sealed.data);
    } else verify(key, readProof(bytes));
    return "ok";
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return `${error.kind}: ${error.message}`;
  }
}
