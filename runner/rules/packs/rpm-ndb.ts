const headBytes = 32;
const slotBytes = 16;
const pageBytes = 4096;
/** Blocks, by which slots count. */
const blockBytes = 16;

const hasMagic = (file: Buffer, at: number, magic: string) => file.toString("latin1", at, at + 4) === magic;

/**
 * The headers in rpm's own database format (`Packages.db`, rpm's lib/backend/ndb): pages of slots, each with the first block of a
 * blob, all words little-endian. `lost`: how many blobs the file should hold and does not.
 */
export function ndbBlobs(file: Buffer): { isNdb: boolean; blobs: Buffer[]; lost: number } {
  if (file.length < headBytes || !hasMagic(file, 0, "RpmP")) return { isNdb: false, blobs: [], lost: 0 };
  const slotsEnd = file.readUInt32LE(12) * pageBytes;
  const blobs: Buffer[] = [];
  let lost = slotsEnd > file.length ? 1 : 0;
  // Slots of a hostile file may all lead to the same blob.
  let bytes = 0;
  for (let at = headBytes; at + slotBytes <= Math.min(slotsEnd, file.length); at += slotBytes) {
    const start = file.readUInt32LE(at + 8) * blockBytes;
    if (start === 0 || !hasMagic(file, at, "Slot")) continue;
    const blob = blobAt(file, start);
    bytes += blob?.length ?? 0;
    if (bytes > file.length) break;
    if (blob) blobs.push(blob);
    else lost++;
  }
  return { isNdb: true, blobs, lost };
}

function blobAt(file: Buffer, start: number): Buffer | undefined {
  if (start + 16 > file.length || !hasMagic(file, start, "BlbS")) return undefined;
  const end = start + 16 + file.readUInt32LE(start + 12);
  return end > file.length ? undefined : file.subarray(start + 16, end);
}
