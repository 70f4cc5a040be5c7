import { type KeepSet, reasonChain } from "../keep-set.ts";
import type { Rootfs } from "../rootfs.ts";

/** Characters of one piece: as a stream of single lines, a large image's list takes longer than its rebuild. */
const pieceLength = 64 << 10;

/**
 * `files.jsonl`: one line for every entry of the fat image, in the order of its index; in pieces of many lines.
 * Kept: `{path, type, size, kept: true, reasons: [{path, kind, by, detail?}]}`, the chain from the entry to where it began.
 * Removed: `{path, type, size, kept: false}`.
 */
export function* filesList(rootfs: Rootfs, kept: KeepSet): Generator<string> {
  let piece = "";
  for (const { path, type, size } of rootfs.values()) {
    if (kept.has(path)) {
      const reasons = reasonChain(kept, path).map(({ path: at, reason }) => ({ path: at, ...reason }));
      piece += `${JSON.stringify({ path, type, size, kept: true, reasons })}\n`;
    } else {
      piece += `${JSON.stringify({ path, type, size, kept: false })}\n`;
    }
    if (piece.length < pieceLength) continue;
    yield piece;
    piece = "";
  }
  if (piece !== "") yield piece;
}
