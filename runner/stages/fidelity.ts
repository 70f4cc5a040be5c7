import { canonicalJson } from "#contract/canonical-json.ts";
import { runConfig, sourceLabel } from "../image/archive.ts";
import { isEngineMade } from "../image/engine-made.ts";
import type { ImageConfig } from "../image/source.ts";
import type { Entry, Rootfs } from "../rootfs.ts";

/** One property that the rebuild did not carry over. `path` is an entry's, or `config.FIELD`. */
export type FidelityFault = { path: string; field: string; fat: string; slim: string };

/** Host policy writes this one anew for every container (SELinux categories); it is no part of the image. */
const foreignXattrs = new Set(["security.selinux"]);

/**
 * Compares every kept entry of the slim rootfs with the original's: type, mode, owner, mtime (seconds), size, link target,
 * hard links among the kept, device number, extended attributes; and finds entries that nobody asked for. `mountPoints`:
 * directories that the engine makes for the mounts of the container that was looked at.
 */
export function compareEntries(
  fat: Rootfs,
  slim: Rootfs,
  kept: Iterable<string>,
  mountPoints: Iterable<string> = [],
): FidelityFault[] {
  const wanted = new Set(kept);
  const grown = new Set([...mountPoints].flatMap((path) => grownBy(path, wanted)));
  const faults: FidelityFault[] = [];
  const present: string[] = [];
  for (const path of wanted) {
    const original = fat.get(path);
    const copy = slim.get(path);
    if (original && copy) {
      present.push(path);
      faults.push(...compareEntry(path, original, copy).filter(({ field }) => field !== "mtime" || !grown.has(path)));
    } else if (original || copy) {
      faults.push({ path, field: "presence", fat: original?.type ?? "absent", slim: copy?.type ?? "absent" });
    }
  }
  for (const fault of compareHardLinks(fat, slim, present)) faults.push(fault);
  const made = withParents(mountPoints);
  for (const [path, { type }] of slim) {
    if (!wanted.has(path) && !isEngineMade(path) && !made.has(path))
      faults.push({ path, field: "presence", fat: "not asked for", slim: type });
  }
  return faults;
}

function compareEntry(path: string, fat: Entry, slim: Entry): FidelityFault[] {
  if (fat.type !== slim.type) return [{ path, field: "type", fat: fat.type, slim: slim.type }];
  const before = propertiesOf(path, fat);
  const after = propertiesOf(path, slim);
  return Object.keys(before)
    .filter((field) => before[field] !== after[field])
    .map((field) => ({ path, field, fat: before[field] ?? "", slim: after[field] ?? "" }));
}

function propertiesOf(path: string, entry: Entry): Record<string, string> {
  const { type } = entry;
  const xattrs = [...entry.xattrs].filter(([name]) => !foreignXattrs.has(name)).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    // The kernel gives every symbolic link mode 0777.
    mode: type === "symlink" ? "" : (entry.mode & 0o7777).toString(8),
    owner: `${entry.uid}:${entry.gid}`,
    // The engine writes into these whenever it creates a container.
    mtime: isEngineMade(path) ? "" : String(entry.mtime),
    // A directory's size is the file system's affair.
    size: type === "file" ? String(entry.size) : "",
    target: entry.target ?? "",
    rdev: type === "character" || type === "block" ? String(entry.rdev) : "",
    xattrs: xattrs.map(([name, value]) => `${name}=${value}`).join(","),
  };
}

/** Names that were one file must still be one file, and no others. Each is compared with the first of its group, on both sides. */
function compareHardLinks(fat: Rootfs, slim: Rootfs, paths: readonly string[]): FidelityFault[] {
  const files = paths.filter((path) => fat.get(path)?.type !== "directory");
  const before = firstNames(fat, files);
  const after = firstNames(slim, files);
  return files
    .filter((path) => before.get(path) !== after.get(path))
    .map((path) => ({ path, field: "hard link", fat: before.get(path) ?? "", slim: after.get(path) ?? "" }));
}

/** Each path to the first of the paths that share its inode. */
function firstNames(rootfs: Rootfs, paths: readonly string[]): Map<string, string> {
  const first = new Map<string, string>();
  const names = new Map<string, string>();
  for (const path of paths) {
    const inode = rootfs.get(path)?.inode ?? "";
    if (!first.has(inode)) first.set(inode, path);
    names.set(path, first.get(inode) ?? path);
  }
  return names;
}

/** The directory in which the engine makes a mount point that is not kept: its time is then that of the container. */
function grownBy(mountPoint: string, wanted: ReadonlySet<string>): string[] {
  let at = mountPoint.replace(/\/+$/, "");
  if (wanted.has(at)) return [];
  while (at !== "" && !wanted.has(at)) at = at.slice(0, at.lastIndexOf("/"));
  return [at || "/"];
}

function withParents(paths: Iterable<string>): Set<string> {
  const all = new Set<string>();
  for (const path of paths) {
    for (let at = path.replace(/\/+$/, ""); at !== ""; at = at.slice(0, at.lastIndexOf("/"))) all.add(at);
  }
  return all;
}

/** Compares the configs field by field, all but our own label and what engines record about containers. */
export function compareConfig(fat: ImageConfig, slim: ImageConfig): FidelityFault[] {
  const before = fieldsOf(fat);
  const after = fieldsOf(slim);
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((field) => before.get(field) !== after.get(field))
    .sort()
    .map((field) => ({
      path: `config.${field}`,
      field,
      fat: before.get(field) ?? "unset",
      slim: after.get(field) ?? "unset",
    }));
}

function fieldsOf(config: ImageConfig): Map<string, string> {
  const { [sourceLabel]: _ours, ...labels } = config.Labels ?? {};
  const fields = { ...runConfig(config), Labels: Object.keys(labels).length > 0 ? labels : undefined };
  return new Map(
    Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([field, value]) => [field, canonicalJson(value)]),
  );
}
