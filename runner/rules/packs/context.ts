import type { Rootfs } from "../../rootfs.ts";
import { childrenOf } from "../../rootfs.ts";
import { decodeBytes } from "../../sensor/byte-text.ts";
import type { SensorRun } from "../../sensor/events.ts";
import type { Wanted } from "../wanted.ts";
import { applicationTest } from "./application.ts";
import type { PackContext } from "./pack.ts";
import { mainUnits } from "./python-named.ts";

/** Content of files that packs asked for, by real path; null for one that could not be read. */
export type Contents = ReadonlyMap<string, Buffer | null>;

type Input = {
  rootfs: Rootfs;
  runs: readonly { run: SensorRun }[];
  seen: readonly Wanted[];
  config: {
    env: readonly string[];
    workdir: string;
    user?: string;
    entrypoint: readonly string[];
    cmd: readonly string[];
  };
  contents: Contents;
};

const defaultMaxBytes = 4 << 20;

/** What packs know in this wave, and, once they have run, the files whose content they asked for and did not get yet. */
export function packContext({ rootfs, runs, seen, config, contents }: Input): {
  context: PackContext;
  reads: ReadonlySet<string>;
} {
  const used = new Set(seen.filter(({ use }) => use !== "exist").map(({ path }) => path));
  const reads = new Set<string>();
  const content = (path: string, maxBytes = defaultMaxBytes): Buffer | undefined => {
    const entry = rootfs.get(path);
    if (entry?.type !== "file" || entry.size > maxBytes) return undefined;
    if (!contents.has(path)) reads.add(path);
    return contents.get(path) ?? undefined;
  };
  const texts = new Map<string, string>();
  const text = (path: string, maxBytes?: number): string | undefined => {
    const known = texts.get(path);
    if (known !== undefined) return known;
    const bytes = content(path, maxBytes);
    if (bytes) texts.set(path, decodeBytes(bytes));
    return texts.get(path);
  };
  const base: PackContext = {
    rootfs,
    children: childrenOf(rootfs),
    env: config.env,
    workdir: config.workdir || "/",
    commands: [[...config.entrypoint, ...config.cmd]],
    user: config.user,
    listens: runs.some(({ run }) => run.sockets.some(({ op, port }) => op === "bind" && port > 0)),
    processes: runs.flatMap(({ run }) => run.processes),
    isSeen: (path) => used.has(path),
    isApplication: () => false,
    content,
    text,
  };
  const isOwn = applicationTest(base);
  const units = mainUnits({ ...base, isApplication: isOwn });
  const isUnit = (path: string) => units.some((unit) => path === unit || path.startsWith(`${unit}/`));
  return { context: { ...base, isApplication: (path) => isOwn(path) || isUnit(path) }, reads };
}
