// A verifier of hyperfold's proofs that shares no code with hyperfold: see files.mjs, relation.mjs and verify.mjs.
//   node proof.mjs < LIST      lines "KEY PROOF" or "KEY SEALED"; prints "ok" or "refused: class: why" for each
import { readFileSync } from "node:fs";
import { judge } from "./judge.mjs";

for (const line of readFileSync(0, "utf8").split("\n")) {
  if (!line) continue;
  const said = judge(...line.split(" "));
  console.log(said === "ok" ? said : `refused: ${said}`);
}
