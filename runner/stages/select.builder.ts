import { posix } from "node:path";
import { Keep } from "#contract/job.ts";
import type { Entry, Rootfs } from "../rootfs.ts";
import { anElf } from "../rules/elf.builder.ts";
import type { SensorRun } from "../sensor/events.ts";
import { examine, type FileSession, readWhole } from "./examine.ts";
import { type SelectInput, type Selection, select } from "./select.ts";

/**
 * For tests: what stands at a path. A string is a file's content, except that `-> target` is a symbolic link, `dir` a directory
 * and `socket` a socket; a buffer is the content of an executable file.
 */
export type Tree = Record<string, string | Buffer>;

const noXattrs: Entry["xattrs"] = new Map();

/** For tests: the index of a tree, with the directories that its paths imply. */
export function aRootfs(tree: Tree): Rootfs {
  const rootfs = new Map<string, Entry>();
  const add = (path: string, part: Partial<Entry>) => {
    if (path !== "/" && !rootfs.has(posix.dirname(path))) add(posix.dirname(path), {});
    const inode = `1:${rootfs.size}`;
    const base = {
      path,
      type: "directory",
      mode: 0o755,
      uid: 0,
      gid: 0,
      size: 0,
      mtime: 0,
      mtimeNs: 0,
      links: 1,
    } as const;
    rootfs.set(path, { ...base, inode, rdev: undefined, xattrs: noXattrs, target: undefined, ...part });
  };
  add("/", {});
  for (const [path, what] of Object.entries(tree)) {
    if (what === "dir") add(path, {});
    else if (what === "socket") add(path, { type: "socket" });
    else if (typeof what === "string" && what.startsWith("-> ")) add(path, { type: "symlink", target: what.slice(3) });
    else {
      const executable = typeof what !== "string" || what.startsWith("#!");
      add(path, { type: "file", mode: executable ? 0o755 : 0o644, size: Buffer.byteLength(what) });
    }
  }
  return rootfs;
}

/** For tests: `KIND PATH` or `KIND PATH RESULT`, result `ok` unless given. */
export function aRun(events: string[], parts: Partial<SensorRun> = {}): SensorRun {
  const files = events.map((event) => {
    const [kind = "", path = "", result = "ok"] = event.split(" ");
    return { kind, exe: "", path, result } as SensorRun["files"][number]; // the tests write kinds and results of the protocol
  });
  const empty = {
    processes: [],
    exes: [],
    links: [],
    interpreters: [],
    sockets: [],
    syscalls: [],
    signals: [],
    warnings: [],
  };
  return { header: {}, level: "full", counters: {}, complete: true, ...empty, files, ...parts };
}

type Given = Partial<Omit<SelectInput, "config" | "keep" | "facts" | "rootfs" | "runs">> & {
  config?: Partial<SelectInput["config"]>;
  keep?: Partial<Keep>;
  run?: SensorRun;
};

/** For tests: selects and examines until nothing is wanted, as the pipeline does. */
export async function selected(
  tree: Tree,
  events: string[],
  given: Given = {},
): Promise<Selection & { waves: number }> {
  const rootfs = aRootfs(tree);
  const config = { entrypoint: [], cmd: [], user: "", workdir: "", env: [], volumes: [], healthcheck: undefined };
  const input: SelectInput = {
    rootfs,
    runs: [{ scenario: "default", run: given.run ?? aRun(events) }],
    config: { ...config, ...given.config },
    keep: Keep.parse({ profile: "exact", ...given.keep }),
    mounts: given.mounts ?? [],
    layers: given.layers ?? [],
    repairs: given.repairs ?? [],
    facts: new Map(),
    contents: new Map(),
  };
  for (let waves = 1; waves < 20; waves++) {
    const selection = select(input);
    if (selection.wants.length + selection.reads.length === 0) return { ...selection, waves };
    const session: FileSession = {
      read: async (path, offset = 0, length) => {
        const content = tree[path];
        return content === undefined ? undefined : Buffer.from(content).subarray(offset, length && offset + length);
      },
    };
    input.facts = new Map([...input.facts, ...(await examine(selection.wants, session))]);
    input.contents = new Map([...input.contents, ...(await readWhole(selection.reads, session))]);
  }
  throw new Error("the selection wants ever more");
}

/** For tests: a glibc program; its interpreter is the usual one of x86-64. */
export const aProgram = (needed: string[] = [], more: Parameters<typeof anElf>[0] = {}) =>
  anElf({ interp: "/lib64/ld-linux-x86-64.so.2", needed, ...more });

/** For tests: a library. */
export const aLibrary = (soname: string, needed: string[] = [], more: Parameters<typeof anElf>[0] = {}) =>
  anElf({ soname, needed, ...more });
