import { type KeepSet, reasonChain } from "../keep-set.ts";
import type { Rootfs } from "../rootfs.ts";

/**
 * `files.jsonl`: one line for every entry of the fat image, in the order of its index.
 * Kept: `{path, type, size, kept: true, reasons: [{path, kind, by, detail?}]}`, the chain from the entry to where it began.
 * Removed: `{path, type, size, kept: false}`.
 */
export function* filesList(rootfs: Rootfs, kept: KeepSet): Generator<string> {
  for (const { path, type, size } of rootfs.values()) {
    if (!kept.has(path)) {
      yield `${JSON.stringify({ path, type, size, kept: false })}\n`;
      continue;
    }
    const reasons = reasonChain(kept, path).map(({ path: at, reason }) => ({ path: at, ...reason }));
    yield `${JSON.stringify({ path, type, size, kept: true, reasons })}\n`;
  }
}
