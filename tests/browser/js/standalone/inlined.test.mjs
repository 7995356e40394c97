import assert from "node:assert/strict";
import { test } from "node:test";
import { inlined } from "../../../../browser/standalone/inlined.js";

const addressOf = (source) => `data:text/javascript;charset=utf-8,${encodeURIComponent(source)}`;

test("a module with its imports, and theirs, is one address", async () => {
  const imports = {
    "a/deep.js": addressOf('export const name = "50 % \\"#1\\" – ü";\nexport let loads = 0;\nloads += 1;\n'),
    "a/middle.js": addressOf('import { name } from "a/deep.js";\nexport const twice = `${name}${name}`;\n'),
    "a/first.js": addressOf(
      '/** One. */\nimport { loads, name } from "a/deep.js";\nimport { twice } from "a/middle.js";\n'
      + 'export const told = [name, twice, loads];\nexport const text = "AGF";\n'),
  };
  const { told } = await import(inlined(imports, "a/first.js"));
  assert.deepEqual(told, ['50 % "#1" – ü', '50 % "#1" – ü50 % "#1" – ü', 1]);
});
