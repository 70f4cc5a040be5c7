import type { Keep } from "#contract/job.ts";
import { permsText, ruleName } from "#contract/keep.ts";
import type { Warning } from "#contract/report.ts";
import type { KeepSet } from "../keep-set.ts";
import type { Entry, Rootfs } from "../rootfs.ts";
import { namedBy } from "./named-by.ts";

/** What the layer is to say of an entry. A mode is of what a symbolic link leads to, never of the link. */
export type Permission = Pick<Entry, "mode" | "uid" | "gid">;

/**
 * Owners and modes that the user wants otherwise, by path: of kept entries, and of all kept names of one file. The last rule for
 * an entry stands. `rules` that change no kept entry are a warning.
 */
export function permissionsOf(
  rootfs: Rootfs,
  kept: KeepSet,
  { pathPerms, readFrom }: Pick<Keep, "pathPerms" | "readFrom">,
): { permissions: Map<string, Permission>; warnings: Warning[] } {
  const permissions = new Map<string, Permission>();
  const warnings: Warning[] = [];
  if (pathPerms.length === 0) return { permissions, warnings };
  const names = hardLinks(rootfs, kept);
  for (const rule of pathPerms) {
    const { path, mode, uid, gid } = rule;
    const meant = [...namedBy(rootfs, path).paths].filter((each) => kept.has(each));
    for (const each of meant.flatMap((one) => names.get(rootfs.get(one)?.inode ?? "") ?? [one])) {
      const entry = rootfs.get(each);
      if (!entry) continue;
      const before = permissions.get(each) ?? entry;
      const isLink = entry.type === "symlink";
      permissions.set(each, {
        mode: isLink ? before.mode : (mode ?? before.mode),
        uid: uid ?? before.uid,
        gid: gid ?? before.gid,
      });
    }
    const name = ruleName("path-perms", permsText(rule));
    const place = readFrom[name] === undefined ? "" : ` (${readFrom[name]})`;
    if (meant.length === 0)
      warnings.push({
        code: "perms.match-nothing",
        text: `The rule ${name}${place} stands for nothing that is kept.`,
      });
  }
  return { permissions, warnings };
}

/** The kept names of each file that has several. */
function hardLinks(rootfs: Rootfs, kept: KeepSet): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const path of kept.keys()) {
    const entry = rootfs.get(path);
    if (!entry || entry.type === "directory" || entry.links < 2) continue;
    names.set(entry.inode, [...(names.get(entry.inode) ?? []), path]);
  }
  return names;
}

/** The rootfs with these permissions: what the slim image is measured by. */
export function withPermissions(rootfs: Rootfs, permissions: ReadonlyMap<string, Permission>): Rootfs {
  if (permissions.size === 0) return rootfs;
  return new Map([...rootfs].map(([path, entry]) => [path, { ...entry, ...permissions.get(path) }]));
}
