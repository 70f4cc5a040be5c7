import { describe, expect, it } from "vitest";
import type { Tree } from "../../stages/select.builder.ts";
import { configuredPrograms, execCalls, externalCommands } from "./exec-calls.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";

const said = (text: string, path = "/app/x.py") =>
  execCalls(text, path).map(({ command, isShell }) => `${isShell ? "sh " : ""}${command}`);

describe("execCalls", () => {
  it.each<[string, string[]]>([
    ['subprocess.run(["convert", "-x"])', ["convert"]],
    ["subprocess.check_output(\n    ['gzip'])", ["gzip"]],
    ['subprocess.Popen(args=["a"])', ["a"]],
    ['os.system("a | b")', ["sh a | b"]],
    ['subprocess.run("a b", shell=True)', ["sh a b"]],
    ['shutil.which("a")', ["a"]],
    ["spawn('a', ['b'])", ["a"]],
    ["execFile(`a`)", ["a"]],
    ["child_process.exec('a b')", ["sh a b"]],
    ['system "a", "b"', ["sh a"]],
    ['Open3.capture3("a", x)', ["sh a"]],
    ['new ProcessBuilder(List.of("a", "b"))', ["a"]],
    ['Runtime.getRuntime().exec(new String[] {"a"})', ["a"]],
    ['Runtime.getRuntime().exec("a b")', ["sh a b"]],
    ["system(f'a {x}')", ["sh a {x}"]],
    ["run(name)", []],
    ['call("echo \\"x\\" | b", shell=True)', ['sh echo "x" | b']],
    ["promisify(execFile)('a', ['b'])", ["a"]],
    ['execFile("/bin/sh", ["-c", "a | b"])', ["/bin/sh", "sh a | b"]],
    ['subprocess.call([python, "-c", "import {0}".format(x)])', []],
    ['run([python, "-c", "from a import b; b.c()"])', []],
    ['run(["sh", "-c", "import -window root /tmp/a.png"])', ["sh", "sh import -window root /tmp/a.png"]],
  ])("%j", (text, expected) => {
    expect(said(text)).toEqual(expected);
  });

  it("reads backquotes and their like in the languages that have them", () => {
    expect(said("x = `a b`; y = %x(c); z = qx{d}", "/app/x.rb")).toEqual(["sh a b", "sh c", "sh d"]);
    expect(said("x = `a b`", "/app/x.js")).toEqual([]);
  });

  it("takes little time for hostile text", () => {
    const start = performance.now();
    for (const text of [
      "exec (".repeat(1 << 17),
      'run("'.repeat(1 << 17),
      "system".repeat(1 << 17),
      `run(${" ".repeat(1 << 19)}`,
    ])
      execCalls(text, "/app/x.rb");
    configuredPrograms("path".repeat(1 << 18));
    configuredPrograms("a-".repeat(1 << 19));
    expect(performance.now() - start).toBeLessThan(30_000);
  });
});

describe("the external-commands pack", () => {
  const elf = Buffer.from("\x7fELF");
  const tree: Tree = {
    "/bin/sh": elf,
    "/usr/bin/convert": elf,
    "/usr/bin/gzip": elf,
    "/usr/bin/tr": elf,
    "/app/a.py": 'subprocess.run(["convert"])\n',
    "/app/b.php": '<?php $x = shell_exec("tr a b");',
    "/app/c.yml": "converter: convert\nfallback_path: /usr/bin/gzip\nname: tr\npath: /usr",
    "/app/d.py": 'print("gzip")\n',
    "/usr/lib/python3/e.py": 'subprocess.run(["gzip"])\n',
  };
  const kept = (path: string) => keptBy(externalCommands, aPackContext(tree, { application: ["/app"] }), [path]);

  it("keeps the program of a call, and a shell where one runs it", () => {
    expect(kept("/app/a.py")).toEqual(["/usr/bin/convert"]);
    expect(kept("/app/b.php")).toEqual(["/bin/sh", "/usr/bin/tr"]);
  });

  it("keeps programs that stand under a telling key of the configuration", () => {
    expect(kept("/app/c.yml")).toEqual(["/usr/bin/convert", "/usr/bin/gzip"]);
  });

  it("keeps nothing for other strings and for code that is not the application's", () => {
    expect([...kept("/app/d.py"), ...kept("/usr/lib/python3/e.py")]).toEqual([]);
  });
});
