import { posix } from "node:path";
import type { EdgeKind } from "#contract/graph.ts";
import type { KeepSet } from "../keep-set.ts";
import type { Rootfs } from "../rootfs.ts";
import { placing } from "../rules/place.ts";
import type { FileKind, SensorRun } from "../sensor/events.ts";

export type ScenarioEvents = { scenario: string; run: SensorRun };

/** One way in which a program used a kept entry. `program` is its path; empty when it is not known. */
export type Access = { path: string; program: string; scenario: string; kind: EdgeKind };

const kinds: Record<FileKind, EdgeKind> = {
  exec: "executed",
  read: "read",
  write: "written",
  list: "listed",
  readlink: "link-read",
  chdir: "entered",
  xattr: "attributes-read",
  stat: "looked-at",
  other: "touched",
};

/** What says most comes first: a file that was looked at and then read was read. */
const strength: readonly EdgeKind[] = [
  "executed",
  "read",
  "written",
  "written-in",
  "listed",
  "link-read",
  "entered",
  "attributes-read",
  "touched",
  "looked-at",
];

/** The edge for the detail of an `observed` reason (rules/observed.ts). */
export function observedKind(detail: string | undefined): EdgeKind {
  if (detail === "written-in") return detail;
  if (detail === "link") return "link-read";
  return detail !== undefined && Object.hasOwn(kinds, detail) ? kinds[detail as FileKind] : "touched"; // hasOwn says it is one
}

/** What the application did with kept entries, in the order in which it did so, each way once. */
export function* accesses(rootfs: Rootfs, kept: KeepSet, runs: readonly ScenarioEvents[]): Generator<Access> {
  const place = placing(rootfs);
  const passed = new Set<string>();
  const ways = new Set<string>();
  const isNew = (access: Access): boolean => {
    const key = `${access.kind}\0${access.program}\0${access.path}`;
    if (!kept.has(access.path) || passed.has(key)) return false;
    passed.add(key);
    ways.add(`${access.kind}\0${access.path}`);
    return true;
  };
  for (const { scenario, run } of runs) {
    for (const { kind, exe, path, result } of run.files) {
      const found = place(path);
      const isThere = result === "ok" || result === "err";
      const access = (at: string, how: EdgeKind): Access => ({ path: at, program: exe, scenario, kind: how });
      const made = found || kind !== "write" || result === "virt" ? undefined : place(posix.dirname(path));
      const event = made
        ? access(made.path, "written-in")
        : // What was refused was tried, and no more.
          found && isThere && access(found.path, result === "ok" ? kinds[kind] : "looked-at");
      if (event && isNew(event)) yield event;
    }
    // These records do not say whose doing it was: they count where no other one does.
    const unnamed = [
      ...run.links.map(({ path }) => [path, "link-read"] as const),
      ...[...run.interpreters, ...run.exes.filter(Boolean)].map((path) => [path, "executed"] as const),
    ];
    for (const [spelled, kind] of unnamed) {
      const access: Access = { path: place(spelled)?.path ?? spelled, program: "", scenario, kind };
      if (!ways.has(`${kind}\0${access.path}`) && isNew(access)) yield access;
    }
  }
}

/** Of every entry the way of its use that says most, of equal ones the first. */
export function strongest(all: Iterable<Access>): Map<string, Access> {
  const found = new Map<string, Access>();
  for (const access of all) {
    const before = found.get(access.path);
    if (!before || strength.indexOf(access.kind) < strength.indexOf(before.kind)) found.set(access.path, access);
  }
  return found;
}
