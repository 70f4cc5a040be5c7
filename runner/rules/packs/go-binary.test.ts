import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aGoProgram, call, load } from "./go-binary.builder.ts";
import { goStarts } from "./go-binary.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";
import { staticBinary } from "./static-binary.ts";

const [AX, BX, CX, DX, DI] = [0, 3, 1, 2, 7];
const first = [AX, BX] as const;
const namesIn = (program: Buffer) => goStarts(program).map(({ name }) => name);
const library = { "os/exec.Command": [], "os/exec.CommandContext": [], "os.StartProcess": [], "fmt.Println": [] };

describe("programs that a Go program starts", () => {
  it.each([16, 20, 26] as const)("are named by calls of the library, with the table of Go 1.%i", (version) => {
    const code = {
      ...library,
      "main.main": [
        ...load("gzip", first),
        call("os/exec.Command"),
        ...load("ignored", first),
        ...load("sort", [CX, DI]),
        call("os/exec.CommandContext"),
        ...load("/bin/true", first),
        call("os.StartProcess"),
        ...load("printed", first),
        call("fmt.Println"),
      ],
    };
    expect(namesIn(aGoProgram(code, version))).toEqual(["gzip", "sort", "/bin/true"]);
  });

  it("are either of two where branches meet at the call", () => {
    const code = { "main.main": [...load("head", first), ...load("unzip", first), call("os/exec.Command")] };
    expect(namesIn(aGoProgram({ ...library, ...code }))).toEqual(["head", "unzip"]);
  });

  it("are not what an earlier call or another function was given", () => {
    const code = {
      "main.before": load("tail", first),
      "main.main": [...load("tr", first), call("fmt.Println"), call("os/exec.Command")],
    };
    expect(namesIn(aGoProgram({ ...library, ...code }))).toEqual([]);
  });

  it("are named by callers of a function that hands the name on, or whose closure does", () => {
    const code = {
      ...library,
      "main.run": [call("os/exec.Command")],
      "main.later": [call("fmt.Println")],
      "main.later.func1": [call("os/exec.Command")],
      "main.main": [
        ...load("md5sum", first),
        call("main.run"),
        ...load("cpio", [BX, CX]),
        call("main.later"),
        ...load("printed", first),
        call("fmt.Println"),
      ],
    };
    expect(namesIn(aGoProgram(code)).sort()).toEqual(["cpio", "md5sum"]);
  });

  it("come with the strings around them when they are a shell", () => {
    // MOV [SP+8], DX; MOVQ [SP+16], 7: a word of the arguments' slice.
    const text = [
      ...load("wc -l <", [DX, DI]),
      { raw: [0x48, 0x89, 0x54, 0x24, 8, 0x48, 0xc7, 0x44, 0x24, 16, 7, 0, 0, 0] },
    ];
    const code = { "main.main": [...text, ...load("sh", first), call("os/exec.Command")] };
    expect(goStarts(aGoProgram({ ...library, ...code }))).toEqual([{ name: "sh", texts: ["wc -l <"] }]);
  });

  it("are none in other files, and damaged ones are never read past their end", () => {
    expect(goStarts(Buffer.from("#!/bin/sh\n".repeat(20)))).toEqual([]);
    const program = aGoProgram({ ...library, "main.main": [...load("gzip", first), call("os/exec.Command")] });
    fc.assert(
      fc.property(fc.nat(program.length - 1), fc.nat(255), fc.nat(program.length), (at, byte, end) => {
        const damaged = Buffer.from(program);
        damaged[at] = byte;
        goStarts(damaged);
        goStarts(program.subarray(0, end));
      }),
      { numRuns: 500 },
    );
  });

  it("are kept, with those of a shell's text, where the program is the application's", () => {
    const tree = {
      "/usr/local/bin/server": aGoProgram({
        ...library,
        "main.main": [
          ...load("gzip", first),
          call("os/exec.Command"),
          ...load("sort -u | tee log", first),
          call("fmt.Println"),
          ...load("sh", first),
          call("os/exec.Command"),
        ],
      }),
      ...Object.fromEntries(
        ["dash", "gzip", "sort", "tee", "tr"].map((name) => [`/usr/bin/${name}`, Buffer.from("elf")]),
      ),
      "/usr/bin/sh": "-> dash",
    };
    const path = "/usr/local/bin/server";
    const executable = Object.fromEntries(Object.keys(tree).map((each) => [each, { mode: 0o755 }]));
    const context = (isOurs: boolean) => ({
      ...aPackContext(tree, { entries: executable, processes: [{ exe: path, argv: [path] }] }),
      isApplication: (each: string) => isOurs && each === path,
    });
    const programs = ["dash", "gzip", "sh", "sort", "tee"].map((name) => `/usr/bin/${name}`);
    expect(keptBy(staticBinary, context(true), [path])).toEqual(programs);
    expect(keptBy(staticBinary, context(false), [path])).toEqual([]);
  });
});

const go = ["/usr/local/go/bin/go", "/usr/bin/go"].find(existsSync);

describe.runIf(go)("programs that a compiled Go program starts", () => {
  let directory = "";
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "winnow-go-"));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const source = new URL("../../../test/fixtures/go-starts.go", import.meta.url).pathname;

  it.each([
    ["amd64", ["-ldflags=-s -w"]],
    ["amd64", ["-buildmode=pie"]],
    ["arm64", []],
  ])("are found on %s, built with %j", { timeout: 300_000 }, (architecture, flags) => {
    const program = join(directory, "program");
    const env = { ...process.env, GOARCH: architecture, GOOS: "linux", CGO_ENABLED: "0", GO111MODULE: "off" };
    execFileSync(go ?? "go", ["build", ...flags, "-o", program, source], { env });
    const starts = goStarts(readFileSync(program));
    const named = ["/usr/bin/cksum", "git", "gzip", "md5sum", "sh", "sort", "tr"];
    expect(starts.map(({ name }) => name)).toEqual(expect.arrayContaining(named));
    expect(starts.map(({ name }) => name)).not.toContain("printed");
    expect(starts.find(({ name }) => name === "sh")?.texts).toContain("wc -l < /etc/passwd | tee /tmp/x");
  });
});
