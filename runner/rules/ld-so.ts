import { posix } from "node:path";
import { type Rootfs, resolvePath } from "../rootfs.ts";
import type { ElfFacts } from "./elf.ts";
import type { CacheEntry } from "./ld-so-files.ts";

/** What the loaders of an image search, besides what each file says itself. */
export type LibrarySystem = {
  rootfs: Rootfs;
  /** What is known of a file of the rootfs: null is "not ELF", undefined "not looked at yet". */
  factsOf(path: string): ElfFacts | null | undefined;
  /** LD_LIBRARY_PATH, as set. */
  libraryPath: string;
  workdir: string;
  /** Undefined: the image has none that can be read; then `confDirectories` stand in for it. */
  cache: readonly CacheEntry[] | undefined;
  confDirectories: readonly string[];
  /** Contents of /etc/ld-musl-ARCH.path. */
  muslPath: readonly string[] | undefined;
};

/** A loaded file that needs libraries. */
export type Needer = {
  facts: ElfFacts;
  /** Directories that $ORIGIN may stand for: the one it was loaded by and, where links lead elsewhere, the real one. */
  origins: readonly string[];
  /** Directories that the RPATHs of the files which loaded it add, nearest first. */
  inherited: readonly string[];
  libc: "glibc" | "musl";
};

/**
 * `paths`: the library as the loader spells it, and its variants for other processors. `wants`: files of the rootfs that must be
 * looked at before the answer is known (then `paths` is empty). `builtin`: the loader is that library itself. All empty: not found.
 */
export type Found = { paths: string[]; wants: string[]; builtin: boolean };

/** Directory names of Debian's multiarch, by machine, bits and byte order. */
const multiarch: Record<string, string[]> = {
  "3-32-little": ["i386-linux-gnu"],
  "62-64-little": ["x86_64-linux-gnu"],
  "62-32-little": ["x86_64-linux-gnux32"],
  "40-32-little": ["arm-linux-gnueabihf", "arm-linux-gnueabi"],
  "183-64-little": ["aarch64-linux-gnu"],
  "21-64-little": ["powerpc64le-linux-gnu"],
  "22-64-big": ["s390x-linux-gnu"],
  "243-64-little": ["riscv64-linux-gnu"],
  "258-64-little": ["loongarch64-linux-gnu"],
  "8-64-little": ["mips64el-linux-gnuabi64"],
  "8-32-little": ["mipsel-linux-gnu"],
};

const platforms: Record<number, string[]> = {
  3: ["i686", "i386"],
  62: ["x86_64", "haswell"],
  183: ["aarch64"],
  40: ["v7l"],
  21: ["power8"],
  22: ["z13"],
};

// `glibc-hwcaps` since glibc 2.33; the others are what older versions look for on the two common machines.
const variantDirectories = [
  ...["x86-64-v4", "x86-64-v3", "x86-64-v2", "power10", "power9", "z16", "z15", "z14", "z13"].map(
    (name) => `glibc-hwcaps/${name}`,
  ),
  ...[
    "haswell/avx512_1",
    "haswell/x86_64",
    "haswell",
    "avx512_1",
    "x86_64",
    "tls/haswell",
    "tls/x86_64",
    "tls",
    "atomics",
  ],
];

/** musl takes these names for itself, whatever follows the dot (ldso/dynlink.c, `load_library`). */
const muslBuiltin = /^lib(c|pthread|rt|m|dl|util|xnet)\./;
/** The kernel maps these into every process: no file. */
const kernelLibraries = new Set(["linux-vdso.so.1", "linux-vdso32.so.1", "linux-vdso64.so.1", "linux-gate.so.1"]);

/**
 * The library search of ld.so(8) and of musl over an image at rest.
 * `find` answers where a DT_NEEDED or dlopen() name leads; `passedOn` what the needer's own RPATH adds for the libraries it
 * loads; `variants` the same library for other processors, beside a path that is used: the slim image may run elsewhere.
 */
export function librarySearch(system: LibrarySystem) {
  const directories = new Map<string, string[]>();
  /** The directory and those below it with variants for some processors, as far as they exist. */
  const withVariants = (directory: string): string[] => {
    let known = directories.get(directory);
    if (!known) {
      const exists = (path: string) => "path" in resolvePath(system.rootfs, path);
      known = exists(directory)
        ? [...variantDirectories.map((name) => `${directory}/${name}`).filter(exists), directory]
        : [];
      directories.set(directory, known);
    }
    return known;
  };

  /** Whether the loader takes `path` for `needer`: the path of a file that it must see first, when that is not known. */
  const judge = (path: string, needer: ElfFacts): boolean | string => {
    const found = resolvePath(system.rootfs, path);
    if ("missing" in found || found.entry.type !== "file") return false;
    const facts = system.factsOf(found.path);
    return facts === undefined ? found.path : facts !== null && fits(facts, needer);
  };

  function search(candidates: Iterable<{ path: string; plain: boolean }>, needer: ElfFacts): Found {
    const paths = new Set<string>();
    const wants: string[] = [];
    for (const { path, plain } of candidates) {
      const verdict = judge(path, needer);
      if (typeof verdict === "string") wants.push(verdict);
      else if (verdict) paths.add(path);
      if (verdict === true && plain) break;
    }
    return { paths: wants.length > 0 ? [] : [...paths], wants, builtin: false };
  }

  function* below(searched: Iterable<string>, name: string) {
    for (const directory of searched)
      for (const each of withVariants(directory)) yield { path: `${each}/${name}`, plain: each === directory };
  }

  function* cached(name: string, { facts }: Needer) {
    const defaults = facts.noDefaultLibraries ? new Set(defaultDirectories(facts)) : undefined;
    for (const entry of cacheByName.get(name) ?? [])
      if (!defaults?.has(posix.dirname(entry.path))) yield { path: entry.path, plain: !entry.hwcap };
  }

  const cacheByName = new Map<string, CacheEntry[]>();
  for (const entry of system.cache ?? []) {
    const same = cacheByName.get(entry.name);
    if (same) same.push(entry);
    else cacheByName.set(entry.name, [entry]);
  }
  const lists = new Map<string, string[]>();
  /** The directories of a list that exist, each once: an image decides how long the list is, and it is gone through for each name. */
  const split = (list: string, needer: Needer): string[] => {
    if (list === "") return [];
    const { machine, bits, endian } = needer.facts;
    const key = [list, machine, bits, endian, ...needer.origins].join("\0");
    let known = lists.get(key);
    if (!known) {
      known = [...new Set(spellings(list, needer, system.workdir))].filter((each) => withVariants(each).length > 0);
      lists.set(key, known);
    }
    return known;
  };

  function* glibc(name: string, needer: Needer) {
    const { facts } = needer;
    if (facts.runpath === undefined) {
      yield* below(split(facts.rpath ?? "", needer), name);
      yield* below(needer.inherited, name);
    }
    yield* below(split(system.libraryPath.replaceAll(";", ":"), needer), name);
    yield* below(split(facts.runpath ?? "", needer), name);
    yield* cached(name, needer);
    if (!facts.noDefaultLibraries) yield* below(defaultDirectories(facts), name);
    if (!system.cache) yield* below(system.confDirectories, name);
  }

  function* musl(name: string, needer: Needer) {
    yield* below(split(system.libraryPath.replaceAll("\n", ":"), needer), name);
    yield* below(split(needer.facts.runpath ?? needer.facts.rpath ?? "", needer), name);
    yield* below(needer.inherited, name);
    yield* below(system.muslPath ?? ["/lib", "/usr/local/lib", "/usr/lib"], name);
  }

  return {
    find(name: string, needer: Needer): Found {
      if (kernelLibraries.has(name) || (needer.libc === "musl" && muslBuiltin.test(name)))
        return { paths: [], wants: [], builtin: true };
      if (name.includes("/")) {
        const spelled = spellings(name, needer, system.workdir).map((path) => ({ path, plain: true }));
        return search(spelled, needer.facts);
      }
      return search(needer.libc === "musl" ? musl(name, needer) : glibc(name, needer), needer.facts);
    },

    passedOn(needer: Needer): string[] {
      const { rpath, runpath } = needer.facts;
      const own = needer.libc === "musl" ? (runpath ?? rpath) : runpath === undefined ? rpath : undefined;
      return [...new Set([...split(own ?? "", needer), ...needer.inherited])];
    },

    variants(path: string, facts: ElfFacts): Found {
      const directory = posix.dirname(path);
      const names = new Set([posix.basename(path), facts.soname ?? posix.basename(path)]);
      // A used variant may itself be the special one: the plain library stands above it.
      const own = variantDirectories.find((name) => directory.endsWith(`/${name}`));
      const plain = own ? directory.slice(0, -own.length - 1) || "/" : directory;
      const others = withVariants(plain).filter((each) => each !== directory);
      return search(
        others.flatMap((each) => [...names].map((name) => ({ path: `${each}/${name}`, plain: false }))),
        facts,
      );
    },
  };
}

/** The C library whose loader this file asks for; undefined when it does not say. */
export function libcOf({ interp, needed }: ElfFacts): "glibc" | "musl" | undefined {
  const loader = interp === undefined ? undefined : posix.basename(interp);
  if (loader?.startsWith("ld-musl-") || needed.some((name) => name.startsWith("libc.musl-"))) return "musl";
  if (loader?.startsWith("ld-linux") || loader?.startsWith("ld64.so") || loader?.startsWith("ld.so")) return "glibc";
  return needed.some((name) => name === "libc.so.6") ? "glibc" : needed.includes("libc.so") ? "musl" : undefined;
}

/** Where the musl loader `interp` looks for its list of directories: `/lib/ld-musl-x86_64.so.1` reads `/etc/ld-musl-x86_64.path`. */
export function muslPathFile(interp: string): string | undefined {
  const match = /^(.*)\/[^/]*\/(ld-musl-[^/]+)\.so\.1$/.exec(interp);
  return match ? `${match[1]}/etc/${match[2]}.path` : undefined;
}

/** Whether the loader of `needer` accepts this library: it skips those of other machines. */
export function fits(library: ElfFacts, needer: ElfFacts): boolean {
  return (
    library.type === 3 &&
    library.bits === needer.bits &&
    library.endian === needer.endian &&
    library.machine === needer.machine
  );
}

function multiarchOf({ machine, bits, endian }: ElfFacts): string[] {
  return multiarch[`${machine}-${bits}-${endian}`] ?? [];
}

/** Debian and its kin build glibc with the multiarch directories, Fedora and its kin with lib64; an image has one of them. */
function defaultDirectories(facts: ElfFacts): string[] {
  return [
    ...multiarchOf(facts).flatMap((name) => [`/lib/${name}`, `/usr/lib/${name}`]),
    ...(facts.bits === 64 ? ["/lib64", "/usr/lib64"] : []),
    "/lib",
    "/usr/lib",
  ];
}

/**
 * The paths of a list separated by colons, with its $ORIGIN, $LIB and $PLATFORM replaced; relative ones, and the empty one,
 * start at `workdir`.
 */
function spellings(list: string, { facts, origins }: Needer, workdir: string): string[] {
  const values: Record<string, readonly string[]> = {
    ORIGIN: origins,
    LIB: [...multiarchOf(facts).map((name) => `lib/${name}`), ...(facts.bits === 64 ? ["lib64"] : []), "lib"],
    PLATFORM: platforms[facts.machine] ?? [],
  };
  return list.split(":").flatMap((directory) => {
    let spelled = [directory];
    for (const [token, choices] of Object.entries(values)) {
      const pattern = new RegExp(`\\$(?:${token}(?![A-Za-z0-9_])|\\{${token}\\})`, "g");
      spelled = spelled.flatMap((each) =>
        each.search(pattern) >= 0 ? choices.map((choice) => each.replace(pattern, () => choice)) : [each],
      );
    }
    // Not normalised: behind a symbolic link, `..` is not the directory that the text says.
    return spelled.map((each) => (each.startsWith("/") ? each : `${workdir}/${each}`));
  });
}
