import { posix } from "node:path";
import type { Warning } from "#contract/report.ts";
import type { FileFacts } from "./file-facts.ts";
import { type ClosureInput, libraryClosure } from "./libraries.ts";
import type { Place } from "./place.ts";
import { findProgram } from "./program.ts";
import { envProgram } from "./script.ts";
import type { Wanted } from "./wanted.ts";

/** More warnings of one kind tell nothing more. */
const maxWarnings = 20;

/**
 * What the contents of used files ask for: the ELF closure of what is loaded or started, the interpreters of started scripts.
 * `edges` answers for one file at a time and gathers in `wants` the files that it could not answer for yet, and warnings.
 */
export function contentEdges(facts: ReadonlyMap<string, FileFacts>, closure: ClosureInput, env: readonly string[]) {
  const closureOf = libraryClosure(closure);
  const wants = new Set<string>();
  const missing = new Map<string, string>();
  const unreadable = new Set<string>();
  const cut = new Set<string>();

  function edges({ path, entry }: Place, wanted: Wanted): Wanted[] {
    // Nothing shorter than `#!x` says anything.
    if (entry.type !== "file" || wanted.use === "exist" || entry.size < 3) return [];
    const known = facts.get(path);
    if (!known) {
      wants.add(path);
      return [];
    }
    if (!known.readable) unreadable.add(path);
    const found: Wanted[] = wanted.use === "run" ? interpreters(path, known.shebang ?? []) : [];
    if (!known.elf) return found;
    const asked = closureOf(path, known.elf, wanted.origin, wanted.context);
    for (const each of asked.wants) wants.add(each);
    if (asked.isCut) cut.add(path);
    for (const name of asked.missing)
      missing.set(`${name}\0${path}`, `${name}, needed by ${path}, is not in the image.`);
    return [...found, ...asked.wanted];
  }

  function interpreters(path: string, shebang: readonly string[]): Wanted[] {
    const program = envProgram(shebang);
    const [interpreter] = shebang;
    const second =
      program === undefined ? undefined : findProgram(closure.rootfs, program, { env, workdir: closure.workdir });
    return [interpreter, second]
      .filter((each) => each !== undefined && posix.isAbsolute(each))
      .map((each) => ({ path: each ?? "", reason: { kind: "script", by: path }, use: "run" }));
  }

  function warnings(): Warning[] {
    return [
      ...some("elf.needed-not-found", [...missing.values()]),
      ...some(
        "elf.too-many-ways",
        [...cut].map(
          (path) => `${path} is loaded with too many different RPATHs: some of its libraries may be missing.`,
        ),
      ),
      ...some(
        "file.unreadable",
        [...unreadable].map((path) => `${path} could not be read: what it needs is not known.`),
      ),
    ];
  }

  return { edges, wants, warnings };
}

function some(code: string, texts: string[]): Warning[] {
  const shown = texts.slice(0, maxWarnings).map((text) => ({ code, text }));
  const rest = texts.length - shown.length;
  return rest > 0 ? [...shown, { code, text: `... and ${rest} more like these.` }] : shown;
}
