import { expect, it } from "vitest";
import { anyCommand } from "./any-command.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";

const programs = { "/bin/sh": "elf", "/bin/cat": "elf", "/usr/bin/grep": "elf", "/usr/bin/vim": "elf" };
const executable = { mode: 0o755 };
const entries = Object.fromEntries(Object.keys(programs).map((path) => [path, executable]));
const keptFor = (path: string, text: string, seen = [path]) =>
  keptBy(anyCommand, aPackContext({ ...programs, [path]: text }, { entries, seen, env: ["PATH=/usr/bin:/bin"] }), [
    path,
  ]);

const all = ["/bin/cat", "/bin/sh", "/usr/bin/grep"];

it("keeps everyday programs where a shell gets what a variable holds", () => {
  expect(keptFor("/app/run.js", "const {exec} = require('child_process');\nexec(node.command, {}, done)")).toEqual(all);
  expect(keptFor("/app/run.mjs", 'import cp from "node:child_process"; cp.execSync(line)')).toEqual(all);
  expect(
    keptFor("/srv/lib/python3.11/site-packages/q.py", "import subprocess\nsubprocess.run(\n cmd, cwd=x, shell=True)"),
  ).toEqual(all);
});

it.each([
  ["a pattern's exec", "/app/a.js", "const run = require('child_process').spawn; const m = pattern.exec(text)"],
  ["a fixed command", "/app/a.js", 'require("child_process").exec("git status")'],
  ["a program without a shell", "/app/a.js", 'require("child_process").spawn(name, args)'],
  ["a list without a shell", "/app/a.py", "import subprocess\nsubprocess.run(args, check=True)"],
  ["the language's own library", "/usr/lib/python3.11/os.py", "import subprocess\nsubprocess.Popen(cmd, shell=True)"],
])("keeps nothing for %s", (_, path, text) => {
  expect(keptFor(path, text)).toEqual([]);
});

it("keeps nothing for a file that was never loaded", () => {
  expect(keptFor("/app/a.js", "require('child_process').exec(x, y)", [])).toEqual([]);
});
