import { WinnowError } from "#contract/error.ts";
import type { PathPerms } from "#contract/keep.ts";

/** A path with what may stand behind it, and where it was read: `keep.txt:3`, undefined for the command line. */
export type PathRule = { path: string; perms: PathPerms | undefined; from: string | undefined };

/** `FILE:LINE` and the text of each line that says something; `#` begins a comment. */
export function linesOf(text: string, file: string): { text: string; from: string }[] {
  return text
    .split("\n")
    .map((line, index) => ({ text: line.trim(), from: `${file}:${index + 1}` }))
    .filter((line) => line.text !== "" && !line.text.startsWith("#"));
}

/**
 * `PATH[:OCTAL][#UID[#GID]]` as docker-slim has it. A colon that belongs to the path and is followed by digits has a backslash
 * before it. Throws `request.invalid`, with the line where there is one.
 */
export function toPathRule(text: string, from?: string): PathRule {
  const [, path = text, octal, owner] = /^(.*)(?<!\\):([0-9]*)(#[^/]*)?$/s.exec(text) ?? [];
  if (!path.startsWith("/")) throw invalid(path, from, "is no absolute path", "Write it from the root: /etc/app.conf.");
  if (octal === undefined) return { path, perms: undefined, from };
  if (octal === "" && owner === undefined) throw invalid(text, from, "ends in a colon", octalHint);
  if (octal !== "" && !/^[0-7]{1,4}$/.test(octal)) throw invalid(octal, from, "is no octal mode", octalHint);
  const [, uid, gid] = /^#(\d{0,10})(?:#(\d{0,10}))?$/.exec(owner ?? "#") ?? [];
  if (uid === undefined) throw invalid(owner ?? "", from, "is no #UID#GID", "Write numbers: the layer knows no names.");
  const numberOf = (digits: string | undefined) => (digits ? Number(digits) : undefined);
  const mode = octal === "" ? undefined : Number.parseInt(octal, 8);
  return { path, perms: { path, mode, uid: numberOf(uid), gid: numberOf(gid) }, from };
}

/** The same for `--path-perms`, where there must be something behind the path. */
export function toPermsRule(text: string, from?: string): PathRule & { perms: PathPerms } {
  const { perms, ...rule } = toPathRule(text, from);
  if (perms) return { ...rule, perms };
  throw invalid(text, from, "does not say which mode or owner", octalHint);
}

const octalHint = "Write PATH:755, PATH:755#1000#1000 or PATH:#1000#1000.";

function invalid(text: string, from: string | undefined, why: string, hint: string): WinnowError {
  const place = from === undefined ? "" : `${from}: `;
  return new WinnowError("request.invalid", `${place}${JSON.stringify(text)} ${why}.`, hint);
}
