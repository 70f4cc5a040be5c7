import { expect, it } from "vitest";
import { jsPieces } from "./js-pieces.ts";

it.each([
  ['load("./cjs/dom." + mode + ".js")', ["./cjs/dom.", ".js"]],
  ["load('worker.' + name)", ["worker."]],
  ["load(`./builds/$" + "{kind}-debug.js`)", ["./builds/", "-debug.js"]],
  ["load(`$" + "{name}-$" + "{kind}.js`)", ["-", ".js"]],
  ['file.replace(/\\.js$/, ".min.js")', [".min.js"]],
  ['file.replace("wasm", "asm")', ["wasm", "asm"]],
  ['"sql-".concat(kind, ".js")', [".js"]],
  ['["sql", "asm"].join("-")', ["-"]],
  ['const plain = "sql-asm"; call("a", b)', []],
])("finds what %s puts together", (source, pieces) => {
  expect([...jsPieces(source)].sort()).toEqual([...pieces].sort());
});

it("takes time that grows with the source", () => {
  const started = performance.now();
  jsPieces('"+'.repeat(500_000));
  jsPieces("`${".repeat(300_000));
  jsPieces(".join(".repeat(200_000));
  expect(performance.now() - started).toBeLessThan(5_000);
});
