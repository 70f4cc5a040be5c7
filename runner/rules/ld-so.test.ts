import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { posix } from "node:path";
import { describe, expect, it } from "vitest";
import { Keep } from "#contract/job.ts";
import type { Entry } from "../rootfs.ts";
import { examine, type FileFacts, type FileSession } from "../stages/examine.ts";
import { aLibrary, aProgram, aRun, selected, type Tree } from "../stages/select.builder.ts";
import { select } from "../stages/select.ts";
import { anElf } from "./elf.builder.ts";
import { type ElfFacts, readElf } from "./elf.ts";
import { libcOf, muslPathFile } from "./ld-so.ts";
import { parseLdSoCache } from "./ld-so-files.ts";

/** The paths of a tree that are kept when its programs are executed, without links' own names and directories. */
async function loaded(tree: Tree, env: string[] = []): Promise<string[]> {
  const programs = Object.keys(tree).filter((path) => path.startsWith("/app/bin/"));
  const { kept } = await selected(
    tree,
    programs.map((path) => `exec ${path}`),
    { config: { env } },
  );
  return [...kept.keys()].filter((path) => path in tree && !programs.includes(path)).sort();
}

const x = aLibrary("libx.so");

describe("a needed library is searched for as ld.so does", () => {
  it.each<[string, Tree, string[], string[]]>([
    [
      "RPATH comes before LD_LIBRARY_PATH",
      { "/app/bin/a": aProgram(["libx.so"], { rpath: "/one" }), "/one/libx.so": x, "/two/libx.so": x },
      ["LD_LIBRARY_PATH=/two"],
      ["/one/libx.so"],
    ],
    [
      "LD_LIBRARY_PATH comes before RUNPATH",
      { "/app/bin/a": aProgram(["libx.so"], { runpath: "/one" }), "/one/libx.so": x, "/two/libx.so": x },
      ["LD_LIBRARY_PATH=/none:/two"],
      ["/two/libx.so"],
    ],
    [
      "RUNPATH comes before the default directories, and makes RPATH void",
      {
        "/app/bin/a": aProgram(["libx.so"], { rpath: "/two", runpath: "/one" }),
        "/one/libx.so": x,
        "/two/libx.so": x,
        "/usr/lib/libx.so": x,
      },
      [],
      ["/one/libx.so"],
    ],
    [
      "an RPATH serves the libraries of libraries",
      {
        "/app/bin/a": aProgram(["liby.so"], { rpath: "/one" }),
        "/one/liby.so": aLibrary("liby.so", ["libx.so"]),
        "/one/libx.so": x,
      },
      [],
      ["/one/libx.so", "/one/liby.so"],
    ],
    [
      "a RUNPATH does not",
      {
        "/app/bin/a": aProgram(["liby.so"], { runpath: "/one" }),
        "/one/liby.so": aLibrary("liby.so", ["libx.so"]),
        "/one/libx.so": x,
        "/lib/libx.so": x,
      },
      [],
      ["/lib/libx.so", "/one/liby.so"],
    ],
    [
      "nor does an RPATH serve a library that has a RUNPATH",
      {
        "/app/bin/a": aProgram(["liby.so"], { rpath: "/one" }),
        "/one/liby.so": aLibrary("liby.so", ["libx.so"], { runpath: "/none" }),
        "/one/libx.so": x,
        "/lib/libx.so": x,
      },
      [],
      ["/lib/libx.so", "/one/liby.so"],
    ],
    [
      "$ORIGIN, $LIB and $PLATFORM are replaced",
      {
        "/app/bin/a": aProgram(["libx.so", "liby.so", "libz.so"], {
          // biome-ignore lint/suspicious/noTemplateCurlyInString: the linker's own syntax
          runpath: "$ORIGIN/../one:/two/${LIB}:/three/$PLATFORM",
        }),
        "/app/one/libx.so": x,
        "/two/lib/x86_64-linux-gnu/liby.so": x,
        "/three/x86_64/libz.so": x,
      },
      [],
      ["/app/one/libx.so", "/three/x86_64/libz.so", "/two/lib/x86_64-linux-gnu/liby.so"],
    ],
    [
      "$ORIGIN of a library is where it was found, or where its link leads",
      {
        "/app/bin/a": aProgram(["liby.so"], { runpath: "/one" }),
        "/one/liby.so": "-> /real/liby.so.1",
        "/real/liby.so.1": aLibrary("liby.so", ["libx.so", "libw.so"], { runpath: "$ORIGIN/sub" }),
        "/one/sub/libx.so": x,
        "/real/sub/libw.so": x,
      },
      [],
      ["/one/liby.so", "/one/sub/libx.so", "/real/liby.so.1", "/real/sub/libw.so"],
    ],
    [
      "libraries of another class, byte order or machine are passed over",
      {
        "/app/bin/a": aProgram(["libx.so"], { runpath: "/one:/two:/three:/four:/five" }),
        "/one/libx.so": aLibrary("libx.so", [], { bits: 32, machine: 3 }),
        "/two/libx.so": aLibrary("libx.so", [], { endian: "big" }),
        "/three/libx.so": aLibrary("libx.so", [], { machine: 183 }),
        "/four/libx.so": "INPUT(libx.a)",
        "/five/libx.so": x,
      },
      [],
      ["/five/libx.so"],
    ],
    [
      "a name with a slash is a path",
      { "/app/bin/a": aProgram(["/opt/libx.so"]), "/opt/libx.so": x, "/lib/libx.so": x },
      [],
      ["/opt/libx.so"],
    ],
    [
      "NODEFLIB leaves the default directories out",
      { "/app/bin/a": aProgram(["libx.so"], { flags1: 0x800 }), "/lib/libx.so": x },
      [],
      [],
    ],
    [
      "multiarch and lib64 are default directories",
      {
        "/app/bin/a": aProgram(["libx.so", "liby.so"]),
        "/usr/lib/x86_64-linux-gnu/libx.so": x,
        "/usr/lib64/liby.so": x,
        "/usr/lib/aarch64-linux-gnu/libx.so": aLibrary("libx.so", [], { machine: 183 }),
      },
      [],
      ["/usr/lib/x86_64-linux-gnu/libx.so", "/usr/lib64/liby.so"],
    ],
    [
      "the directories of ld.so.conf stand in for a cache that is not there",
      {
        "/app/bin/a": aProgram(["libx.so"]),
        "/etc/ld.so.conf": "include ld.so.conf.d/*.conf\n",
        "/etc/ld.so.conf.d/own.conf": "# comment\n/opt/own/lib\ninclude /etc/ld.so.conf\n",
        "/opt/own/lib/libx.so": x,
      },
      [],
      ["/etc/ld.so.conf", "/opt/own/lib/libx.so"],
    ],
  ])("%s", async (_rule, tree, env, expected) => {
    expect(await loaded(tree, env)).toEqual(expected);
  });

  it("the cache comes before the default directories; its variants are all taken", async () => {
    const tree = {
      "/app/bin/a": aProgram(["libx.so"]),
      "/opt/lib/libx.so": x,
      "/opt/v3/libx.so": x,
      "/lib/libx.so": x,
      "/etc/ld.so.cache": aCache([
        ["libx.so", "/opt/v3/libx.so", true],
        ["libx.so", "/opt/lib/libx.so", false],
        ["libx.so", "/lib/libx.so", false],
      ]),
    };
    expect(await loaded(tree)).toEqual(["/etc/ld.so.cache", "/opt/lib/libx.so", "/opt/v3/libx.so"]);
  });
});

describe("a needed library is searched for as musl does", () => {
  const musl = (needed: string[], more: Parameters<typeof anElf>[0] = {}) =>
    anElf({ interp: "/lib/ld-musl-x86_64.so.1", needed: [...needed, "libc.musl-x86_64.so.1"], ...more });
  const system = { "/lib/ld-musl-x86_64.so.1": anElf({ soname: "libc.musl-x86_64.so.1" }) };
  const kept = async (tree: Tree, env: string[] = []) =>
    (await loaded({ ...system, ...tree }, env)).filter((path) => !path.includes("ld-musl"));

  it("in /lib, /usr/local/lib and /usr/lib; libc is the loader itself and not missing", async () => {
    const tree = { ...system, "/app/bin/a": musl(["libx.so"]), "/usr/local/lib/libx.so": x, "/usr/lib/libx.so": x };
    const selection = await selected(tree, ["exec /app/bin/a"]);
    expect(selection.warnings).toEqual([]);
    expect([...selection.kept.keys()]).toEqual(
      expect.arrayContaining(["/lib/ld-musl-x86_64.so.1", "/usr/local/lib/libx.so"]),
    );
    expect(selection.kept.has("/usr/lib/libx.so")).toBe(false);
  });

  it("in the directories of its path file instead, which is kept", async () => {
    const tree = {
      "/app/bin/a": musl(["libx.so"]),
      "/opt/lib/libx.so": x,
      "/lib/libx.so": x,
      "/etc/ld-musl-x86_64.path": "/none\n/opt/lib\n",
    };
    expect(await loaded({ ...system, ...tree })).toEqual([
      "/etc/ld-musl-x86_64.path",
      "/lib/ld-musl-x86_64.so.1",
      "/opt/lib/libx.so",
    ]);
  });

  it("with LD_LIBRARY_PATH before RPATH and RUNPATH, which both serve the libraries of libraries", async () => {
    const tree = {
      "/app/bin/a": musl(["liby.so"], { runpath: "/one" }),
      "/one/liby.so": aLibrary("liby.so", ["libx.so"]),
      "/one/libx.so": x,
      "/two/libx.so": x,
    };
    expect(await kept(tree)).toEqual(["/one/libx.so", "/one/liby.so"]);
    expect(await kept(tree, ["LD_LIBRARY_PATH=/two"])).toEqual(["/one/liby.so", "/two/libx.so"]);
  });

  it("never by ld.so.cache", async () => {
    const cache = aCache([["libx.so", "/opt/libx.so", false]]);
    expect(await kept({ "/app/bin/a": musl(["libx.so"]), "/opt/libx.so": x, "/etc/ld.so.cache": cache })).toEqual([]);
  });
});

describe("libcOf", () => {
  it.each<[string, Partial<ElfFacts>, string | undefined]>([
    ["the musl loader", { interp: "/lib/ld-musl-aarch64.so.1" }, "musl"],
    ["the glibc loader", { interp: "/lib64/ld-linux-x86-64.so.2" }, "glibc"],
    ["the glibc loader of POWER", { interp: "/lib64/ld64.so.2" }, "glibc"],
    ["Alpine's name for libc", { needed: ["libc.musl-x86_64.so.1"] }, "musl"],
    ["glibc's name for libc", { needed: ["libm.so.6", "libc.so.6"] }, "glibc"],
    ["nothing", {}, undefined],
  ])("knows %s", (_what, facts, expected) => {
    expect(libcOf({ needed: [], ...facts } as ElfFacts)).toBe(expected); // libcOf looks at these two fields only
  });

  it("finds the path file beside the loader, as musl does", () => {
    expect(muslPathFile("/lib/ld-musl-x86_64.so.1")).toBe("/etc/ld-musl-x86_64.path");
    expect(muslPathFile("/opt/musl/lib/ld-musl-x86_64.so.1")).toBe("/opt/musl/etc/ld-musl-x86_64.path");
    expect(muslPathFile("/lib/ld-linux.so.2")).toBeUndefined();
  });
});

describe("parseLdSoCache", () => {
  it.skipIf(!existsSync("/etc/ld.so.cache"))("agrees with ldconfig on this machine", () => {
    const listed = execFileSync("sh", ["-c", "LC_ALL=C /sbin/ldconfig -p"], { maxBuffer: 1 << 26 }).toString();
    const expected = [...listed.matchAll(/^\t(\S+) \((.*)\) => (.*)$/gm)].map(([, name, flags, path]) => ({
      name,
      path,
      hwcap: /hwcap/.test(flags ?? ""),
    }));
    expect(expected.length).toBeGreaterThan(50);
    expect(parseLdSoCache(readFileSync("/etc/ld.so.cache"))).toEqual(expected);
  });

  it("reads the newer format behind the older one, and the other byte order", () => {
    const entries: [string, string, boolean][] = [["liba.so", "/lib/liba.so", false]];
    const old = Buffer.alloc(32);
    old.write("ld.so-1.7.0");
    old.writeUInt32LE(1, 12);
    const expected = [{ name: "liba.so", path: "/lib/liba.so", hwcap: false }];
    expect(parseLdSoCache(Buffer.concat([old, aCache(entries)]))).toEqual(expected);
    expect(parseLdSoCache(aCache(entries, "big"))).toEqual(expected);
  });

  it("says nothing of other files, and leaves entries out that point outside", () => {
    expect(parseLdSoCache(Buffer.from("ld.so-1.7.0 only"))).toBeUndefined();
    expect(parseLdSoCache(aCache([]).subarray(0, 40))).toBeUndefined();
    const cut = aCache([["liba.so", "/lib/liba.so", false]]);
    cut.writeUInt32LE(0xfffffff0, 48 + 8);
    expect(parseLdSoCache(cut)).toEqual([]);
    cut.writeUInt32LE(0x7fffffff, 20);
    expect(parseLdSoCache(cut)).toBeUndefined();
  });
});

/** A cache in the newer format. */
function aCache(entries: [name: string, path: string, hwcap: boolean][], endian: "little" | "big" = "little"): Buffer {
  const texts = entries.map(([name, path]) => `${name}\0${path}\0`);
  const cache = Buffer.alloc(48 + entries.length * 24 + Buffer.byteLength(texts.join("")));
  const u32 = (value: number, at: number) =>
    endian === "little" ? cache.writeUInt32LE(value, at) : cache.writeUInt32BE(value, at);
  cache.write("glibc-ld.so.cache1.1");
  u32(entries.length, 20);
  cache[28] = endian === "little" ? 2 : 3;
  let text = 48 + entries.length * 24;
  for (const [index, [name, , hwcap]] of entries.entries()) {
    const at = 48 + index * 24;
    u32(0x303, at);
    u32(text, at + 4);
    u32(text + name.length + 1, at + 8);
    u32(hwcap ? 0x40000000 : 0, at + 20);
    cache.write(texts[index] ?? "", text);
    text += Buffer.byteLength(texts[index] ?? "");
  }
  return cache;
}

/** The machine's own files as a rootfs; entries are looked up when they are asked for. */
class LiveRootfs extends Map<string, Entry> {
  override get(path: string): Entry | undefined {
    if (super.has(path)) return super.get(path);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    // An index holds real paths only: nothing stands below a link.
    if (!stat || realpathSync(posix.dirname(path)) !== posix.dirname(path)) return undefined;
    const type = stat.isSymbolicLink() ? "symlink" : stat.isDirectory() ? "directory" : "file";
    const target = type === "symlink" ? readlinkSync(path) : undefined;
    const times = { mtime: 0, mtimeNs: 0, rdev: undefined, xattrs: new Map(), links: 1, uid: 0, gid: 0 };
    const entry: Entry = {
      path,
      type,
      mode: stat.mode & 0o7777,
      size: stat.size,
      inode: `1:${stat.ino}`,
      target,
      ...times,
    };
    super.set(path, entry);
    return entry;
  }
  override has(path: string): boolean {
    return this.get(path) !== undefined;
  }
}

const liveFiles: FileSession = {
  async read(path, offset = 0, length) {
    const file = await open(path);
    try {
      const data = Buffer.alloc(Math.min(length ?? 1 << 24, 1 << 24));
      const { bytesRead } = await file.read(data, 0, data.length, offset);
      return data.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  },
};

/** What ldd says that each program loads: real paths. Programs that it cannot tell about are left out. */
function askLdd(programs: string[]): Map<string, string[]> {
  const text = execFileSync("sh", ["-c", 'LC_ALL=C ldd -- "$@" 2>/dev/null || true', "sh", ...programs], {
    maxBuffer: 1 << 26,
  });
  const answers = new Map<string, string[]>();
  for (const part of text.toString().split(/^(?=\/.*:$)/m)) {
    const program = part.slice(0, part.indexOf(":\n"));
    const libraries = [...part.matchAll(/^\t(?:\S+ => )?(\/\S+) \(0x/gm)].map((match) => realpathSync(match[1] ?? ""));
    if (libraries.length > 0 && !/not found/.test(part)) answers.set(program, [...new Set(libraries)].sort());
  }
  return answers;
}

it.skipIf(!existsSync("/usr/bin/ldd"))(
  "the closure of the machine's own programs is what ldd lists for each",
  async () => {
    const candidates = (await readdir("/usr/bin")).map((name) => realpathSync(posix.join("/usr/bin", name), "utf8"));
    const programs: string[] = [];
    for (const path of new Set(candidates)) {
      if (programs.length >= 250) break;
      if (!lstatSync(path).isFile()) continue;
      const facts = await readElf(
        async (offset, length) => (await liveFiles.read(path, offset, length)) ?? Buffer.alloc(0),
      );
      if (facts?.interp && libcOf(facts) === "glibc") programs.push(path);
    }
    const answers = askLdd(programs);
    expect(answers.size).toBeGreaterThan(100);

    const rootfs = new LiveRootfs();
    const facts = new Map<string, FileFacts>();
    const config = { entrypoint: [], cmd: [], user: "", workdir: "", env: [], volumes: [], healthcheck: undefined };
    for (const [program, expected] of answers) {
      const runs = [{ scenario: "s", run: aRun([`exec ${program}`]) }];
      const once = () =>
        select({
          rootfs,
          runs,
          config,
          keep: Keep.parse({ profile: "exact" }),
          repairs: [],
          facts,
          contents: new Map(),
        });
      let selection = once();
      for (let wave = 0; wave < 20 && selection.wants.length > 0; wave++, selection = once())
        for (const [path, found] of await examine(selection.wants, liveFiles)) facts.set(path, found);
      const found = [...selection.kept.keys()].filter((path) => path !== program && facts.get(path)?.elf).sort();
      expect({ program, found }).toEqual({ program, found: expected });
    }
  },
  120_000,
);
