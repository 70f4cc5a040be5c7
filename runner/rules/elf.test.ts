import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { open, realpath } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { anElf } from "./elf.builder.ts";
import { type ElfFacts, type ReadAt, readElf } from "./elf.ts";

const directory = mkdtempSync(join(tmpdir(), "winnow-elf-"));
afterAll(() => rmSync(directory, { recursive: true }));

const bytesOf =
  (file: Buffer): ReadAt =>
  async (offset, length) =>
    file.subarray(Math.min(offset, file.length), Math.min(offset + length, file.length));

/** What GNU readelf says of these files, by path; files that it does not take for ELF are left out. */
function askReadelf(files: string[]): Map<string, Partial<ElfFacts>> {
  const text = execFileSync("sh", ["-c", 'LC_ALL=C readelf -W -h -d -l -- "$@" 2>/dev/null || true', "sh", ...files], {
    maxBuffer: 1 << 28,
  }).toString();
  const answers = new Map<string, Partial<ElfFacts>>();
  const parts = files.length === 1 ? [`${files[0]}\n${text}`] : text.split(/^\nFile: /m).slice(1);
  for (const part of parts) {
    const name = part.slice(0, part.indexOf("\n"));
    const all = (tag: string) =>
      [...part.matchAll(new RegExp(`\\(${tag}\\)\\s+[^\\[\\n]*\\[([^\\n]*)\\]$`, "gm"))].map((match) => match[1] ?? "");
    const bits = /Class:\s+ELF(\d+)/.exec(part)?.[1];
    if (!bits) continue;
    answers.set(name, {
      bits: bits === "64" ? 64 : 32,
      endian: /Data:.*big endian/.test(part) ? "big" : "little",
      interp: /\[Requesting program interpreter: (.*)\]$/m.exec(part)?.[1],
      needed: [...new Set(all("NEEDED"))],
      soname: all("SONAME")[0],
      rpath: all("RPATH")[0],
      runpath: all("RUNPATH")[0],
      noDefaultLibraries: /\(FLAGS_1\).*NODEFLIB/.test(part),
    });
  }
  return answers;
}

const comparable = ({
  bits,
  endian,
  interp,
  needed,
  soname,
  rpath,
  runpath,
  noDefaultLibraries,
}: Partial<ElfFacts>) => ({
  bits,
  endian,
  interp,
  needed,
  soname,
  rpath,
  runpath,
  noDefaultLibraries,
});

async function readFileFacts(path: string) {
  const file = await open(path);
  let reads = 0;
  try {
    const facts = await readElf(async (offset, length) => {
      reads++;
      const data = Buffer.alloc(length);
      const { bytesRead } = await file.read(data, 0, length, offset);
      return data.subarray(0, bytesRead);
    });
    return { facts, reads };
  } finally {
    await file.close();
  }
}

/** Distinct regular files of the machine's program and library directories, at most `limit`. */
async function systemFiles(limit: number): Promise<string[]> {
  const found = new Set<string>();
  const places = [
    "/usr/bin",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/usr/sbin",
  ];
  for (const place of places) {
    let names: string[] = [];
    try {
      names = readdirSync(place, { withFileTypes: true }).flatMap((each) => (each.isDirectory() ? [] : [each.name]));
    } catch {}
    for (const name of names) {
      if (found.size >= limit) return [...found];
      const path = await realpath(join(place, name)).catch(() => "/bin/sh");
      if (statSync(path).isFile()) found.add(path);
    }
  }
  return [...found];
}

describe("readElf", () => {
  it("agrees with readelf on the programs and libraries of this machine", async () => {
    const files = await systemFiles(2500);
    const answers = askReadelf(files);
    expect(answers.size).toBeGreaterThanOrEqual(500);
    let mostReads = 0;
    for (const path of files) {
      const { facts, reads } = await readFileFacts(path);
      const answer = answers.get(path);
      expect({ path, ...(facts && comparable(facts)) }).toEqual({ path, ...(answer && comparable(answer)) });
      mostReads = Math.max(mostReads, reads);
    }
    expect(mostReads).toBeLessThan(12);
  }, 120_000);

  it.each([
    [64, "little", 62],
    [64, "big", 22],
    [32, "little", 40],
    [32, "big", 20],
  ] as const)("agrees with readelf on a %s-bit %s-endian file", async (bits, endian, machine) => {
    const parts = {
      needed: ["libc.so.6", "libé.so"],
      soname: "libx.so.1",
      rpath: "/a:$ORIGIN/b",
      runpath: "/c",
      flags1: 0x800,
    };
    const file = anElf({ bits, endian, machine, interp: "/lib/ld.so", ...parts });
    const path = join(directory, `${bits}-${endian}`);
    writeFileSync(path, file);
    const facts = await readElf(bytesOf(file));
    expect(facts).toMatchObject({
      bits,
      endian,
      machine,
      interp: "/lib/ld.so",
      needed: parts.needed,
      noDefaultLibraries: true,
    });
    expect(comparable(facts ?? {})).toEqual(comparable(askReadelf([path]).get(path) ?? {}));
  });

  it("reads the libraries that a dlopen note requires or recommends, not those it suggests", async () => {
    const file = anElf({
      dlopen: [
        '[{"soname":["libz.so.2","libz.so.1"],"feature":"zip","priority":"required"},{"soname":["liba.so"]}]',
        '[{"soname":["libs.so"],"priority":"suggested"},{"soname":"wrong"},null]',
        "not json",
        '[{"soname":["libr.so"],"priority":"recommended"}]',
      ],
    });
    expect((await readElf(bytesOf(file)))?.dlopen).toEqual([
      { sonames: ["libz.so.2", "libz.so.1"], priority: "required" },
      { sonames: ["liba.so"], priority: "recommended" },
      { sonames: ["libr.so"], priority: "recommended" },
    ]);
  });

  it("finds the strings of a library whose string table is spread over megabytes", async () => {
    const needed = [`liba${"a".repeat(90_000)}.so`, "libb.so", `libc${"c".repeat(3000)}.so`];
    const facts = await readElf(bytesOf(anElf({ needed })));
    // The first is longer than any path can be, so no file has that name.
    expect(facts?.needed).toEqual(needed.slice(1));
  });

  it.each([
    ["a text", Buffer.from("#!/bin/sh\n".repeat(10))],
    ["an empty file", Buffer.alloc(0)],
    ["a cut header", anElf().subarray(0, 60)],
    ["cut program headers", anElf({ interp: "/lib/ld.so" }).subarray(0, 100)],
    [
      "a file that needs more libraries than any program",
      anElf({ needed: Array.from({ length: 5000 }, (_, i) => `${i}.so`) }),
    ],
    ["an unknown class", Buffer.concat([Buffer.from([0x7f, 0x45, 0x4c, 0x46, 7, 1]), Buffer.alloc(100)])],
  ])("says nothing of %s", async (_what, file) => {
    expect(await readElf(bytesOf(file))).toBeUndefined();
  });

  it("never fails on damaged files, and reads no more of them than of sound ones", async () => {
    const seeds = [
      anElf({ interp: "/lib/ld.so", needed: ["a.so", "b.so"], runpath: "/x", dlopen: ['[{"soname":["z.so"]}]'] }),
      anElf({ bits: 32, endian: "big", needed: ["a.so"], soname: "q", dlopen: ["[]", "[]"] }),
    ];
    const damage = fc.array(fc.tuple(fc.nat(700), fc.constantFrom(0, 1, 2, 0x7f, 0x80, 0xff)), {
      minLength: 1,
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...seeds), damage, fc.nat(900), async (seed, changes, cut) => {
        const file = Buffer.from(seed.subarray(0, cut > 700 ? seed.length : cut));
        for (const [at, value] of changes) if (at < file.length) file[at] = value;
        let reads = 0;
        let asked = 0;
        await readElf((offset, length) => {
          reads++;
          asked += length;
          expect(Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0).toBe(true);
          return bytesOf(Buffer.concat([file, Buffer.alloc(1024)]))(offset, length);
        });
        expect(reads).toBeLessThan(40);
        expect(asked).toBeLessThan(16 << 20);
      }),
      { numRuns: 3000 },
    );
  });
});
