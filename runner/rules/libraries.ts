import { posix } from "node:path";
import type { ElfFacts } from "./elf.ts";
import { type Found, fits, type LibrarySystem, libcOf, librarySearch, muslPathFile, type Needer } from "./ld-so.ts";
import { byRule, type LoadContext, type Wanted } from "./wanted.ts";

/** What one loaded file asks for. `wants`: files to look at first. `missing`: needed names that lead nowhere. `isCut`:
 * not followed once more, because it was reached in too many different ways. */
export type Closure = { wanted: Wanted[]; wants: string[]; missing: string[]; isCut: boolean };

export type ClosureInput = LibrarySystem & {
  /** Real paths of the files that were read or executed, and further names (of links) by which each was reached. */
  seen: ReadonlyMap<string, readonly string[]>;
  /** The C library of files that do not tell theirs. */
  libc: "glibc" | "musl";
  /** Names from ld.so.preload; and of NSS modules, when nsswitch.conf was read. */
  preload: readonly string[];
  nss: readonly string[];
};

/** RPATHs are inherited by whatever a library loads. More different ways to one library than this are not followed. */
const maxContexts = 16;

/**
 * The ELF closure, one file at a time: interpreter, DT_NEEDED, dlopen notes, variants for other processors.
 *
 * A name that a *seen* file needs and a seen library answers to is settled: the loader has shown which one it takes. Searching
 * again would keep a second copy where an application brings its own.
 */
export function libraryClosure(input: ClosureInput) {
  const search = librarySearch(input);
  const seenByName = new Map<string, ElfFacts[]>();
  for (const [path, names] of input.seen) {
    const facts = input.factsOf(path);
    for (const name of facts ? new Set([posix.basename(path), ...names, ...(facts.soname ? [facts.soname] : [])]) : [])
      seenByName.set(name, [...(seenByName.get(name) ?? []), ...(facts ? [facts] : [])]);
  }
  const contexts = new Map<string, Set<string>>();

  /** @param path real path · @param origin the directory by which the loader found it, when it is another one */
  return (path: string, facts: ElfFacts, origin: string | undefined, context: LoadContext | undefined): Closure => {
    const closure: Closure = { wanted: [], wants: [], missing: [], isCut: false };
    const libc = libcOf(facts) ?? context?.libc ?? input.libc;
    const inherited = context?.inherited ?? [];
    const origins = [...new Set([origin ?? posix.dirname(path), posix.dirname(path)])];
    const passed = contexts.get(path) ?? new Set();
    contexts.set(path, passed.add([libc, ...origins, ...inherited].join("\0")));
    if (passed.size > maxContexts) return { ...closure, isCut: true };

    const needer: Needer = { facts, origins, inherited, libc };
    const loads: LoadContext = { libc, inherited: search.passedOn(needer) };
    const keep = (library: string, detail: string) =>
      closure.wanted.push({ path: library, reason: { kind: "needed", by: path, detail }, use: "load", context: loads });
    const isSettled = (name: string) =>
      input.seen.has(path) && (seenByName.get(posix.basename(name)) ?? []).some((library) => fits(library, facts));
    /** Whether the answer is clear: the library is kept, or has to be looked at first. */
    const settle = (name: string): boolean => {
      if (isSettled(name)) return true;
      const found: Found = search.find(name, needer);
      for (const library of found.paths) keep(library, name);
      closure.wants.push(...found.wants);
      return found.builtin || found.paths.length > 0 || found.wants.length > 0;
    };

    if (facts.interp !== undefined && posix.isAbsolute(facts.interp)) keep(facts.interp, "interpreter");
    for (const name of facts.needed) if (!settle(name)) closure.missing.push(name);
    for (const note of facts.dlopen) {
      // Alternatives in order of preference: one is enough.
      const isFound = note.sonames.some(isSettled) || note.sonames.some(settle);
      if (!isFound && note.priority === "required") closure.missing.push(...note.sonames.slice(0, 1));
    }
    if (facts.interp !== undefined) {
      closure.wanted.push(...loaderFiles(facts.interp, libc));
      for (const name of input.preload) settle(name);
    }
    if (facts.soname === "libc.so.6") for (const name of input.nss) settle(name);
    if (facts.type === 3 && (facts.soname !== undefined || facts.interp === undefined)) {
      const variants = search.variants(path, facts);
      for (const library of variants.paths) keep(library, "variant");
      closure.wants.push(...variants.wants);
    }
    return closure;
  };
}

/** What the loader itself reads. A cache that names libraries which are gone does no harm. */
function loaderFiles(interp: string, libc: "glibc" | "musl"): Wanted[] {
  const musl = muslPathFile(interp);
  const paths = libc === "glibc" ? ["/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.preload"] : musl ? [musl] : [];
  return paths.map((path) => byRule(path, "loader"));
}
