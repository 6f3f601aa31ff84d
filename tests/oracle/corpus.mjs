// The cases of tests/corpus before the verifier of this folder.
//   node corpus.mjs FOLDER     prints "ok" or "class: why" for each line of FOLDER/cases.jsonl
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { judge } from "./judge.mjs";

const folder = process.argv[2];
for (const line of readFileSync(join(folder, "cases.jsonl"), "utf8").split("\n")) {
  if (!line) continue;
  const c = JSON.parse(line);
  console.log(judge(join(folder, c.key), join(folder, c.proof)));
}
