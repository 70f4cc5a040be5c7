import type { KeepSet, Reason } from "../keep-set.ts";
import type { Rootfs } from "../rootfs.ts";
import { noOwners, type Owners, ownerName } from "./package-owners.ts";
import { pieces } from "./pieces.ts";

/** A chain in a line ends after so many links: in a hostile image each of a million entries could have a million of them. */
const maxReasons = 32;

type Facts = {
  owners: Owners;
  /** The pattern of the user that takes a path away. */
  excludedBy(path: string): string | undefined;
};

/**
 * `files.jsonl`: one line for every entry of the fat image, in the order of its index; in pieces of many lines.
 * All: `{path, type, size, target?, owner, kept}`. Kept: `reasons: [{path, kind, by, detail?}]`, the chain from the entry to
 * where it began. Removed: `excluded?`, the pattern that took it away.
 */
export function filesList(
  rootfs: Rootfs,
  kept: KeepSet,
  facts: Facts = { owners: noOwners, excludedBy: () => undefined },
): Generator<string> {
  return pieces(lines(rootfs, kept, facts));
}

function* lines(rootfs: Rootfs, kept: KeepSet, { owners, excludedBy }: Facts): Generator<string> {
  const reasons = shortChains(kept);
  for (const { path, type, size, target } of rootfs.values()) {
    const owner = owners.packages[owners.of(path)];
    const fate = kept.has(path) ? { kept: true, reasons: reasons(path) } : { kept: false, excluded: excludedBy(path) };
    yield `${JSON.stringify({ path, type, size, target, owner: owner ? ownerName(owner) : null, ...fate })}\n`;
  }
}

type Link = { path: string } & Reason;

/** Chains in which each directory leads at once to what is in it, over all directories between. */
function shortChains(kept: KeepSet): (path: string) => Link[] {
  const leads = new Map<string, string>();
  /** What a directory is kept for in the end. */
  const leadOf = (directory: string): string => {
    const passed: string[] = [];
    let at = directory;
    for (let reason = kept.get(at); reason?.kind === "parent"; reason = kept.get(at)) {
      const known = leads.get(at);
      passed.push(at);
      at = known ?? reason.by;
      if (known !== undefined) break;
    }
    for (const each of passed) leads.set(each, at);
    return at;
  };
  return (path) => {
    const links: Link[] = [];
    const seen = new Set<string>();
    for (let at = path; !seen.has(at) && links.length < maxReasons; ) {
      const reason = kept.get(at);
      if (!reason) break;
      seen.add(at);
      const by = reason.kind === "parent" ? leadOf(at) : reason.by;
      links.push({ path: at, ...reason, by });
      at = by;
    }
    return links;
  };
}
