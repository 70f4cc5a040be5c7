const pageHead = 26;
const hashMeta = 8;
const overflow = 7;
/** Types of pages that hold buckets, with and without order. */
const bucketTypes: readonly (number | undefined)[] = [2, 13];
const itemOnPage = 1;
const itemOffPage = 3;

type Bdb = { file: Buffer; pageBytes: number; count: number; isBig: boolean };

/** Whether a file is a hash table of Berkeley DB, and of how many pages of how many bytes. */
export function bdbPages(file: Buffer): Bdb | undefined {
  if (file.length < 512 || file[25] !== hashMeta) return undefined;
  const isBig = file.readUInt32BE(12) === 0x061561;
  if (!isBig && file.readUInt32LE(12) !== 0x061561) return undefined;
  const pageBytes = word({ file, isBig }, 20);
  if (pageBytes < 512 || pageBytes > 65536 || (pageBytes & (pageBytes - 1)) !== 0) return undefined;
  return { file, pageBytes, count: word({ file, isBig }, 32) + 1, isBig };
}

/**
 * The values of a hash table of Berkeley DB, in no order: rpm's `Packages` before 4.16, whose values are headers and one counter.
 * The table is not walked: each page tells what it is (Berkeley DB's db_page.h), and those with buckets hold all items. A file that
 * is torn gives the values that can be read.
 */
export function bdbValues(file: Buffer): Buffer[] {
  const db = bdbPages(file);
  if (!db) return [];
  const values: Buffer[] = [];
  // Items of a hostile file may all lead to the same long chain.
  const budget = { bytes: 2 * file.length };
  for (let start = db.pageBytes; start + pageHead <= file.length; start += db.pageBytes)
    if (bucketTypes.includes(file[start + 25])) values.push(...valuesOn(db, start, budget));
  return values;
}

/** Items stand from the end of the page backwards, keys and values by turns; one ends where that before it begins. */
function valuesOn(db: Bdb, start: number, budget: { bytes: number }): Buffer[] {
  const { file, pageBytes } = db;
  const offset = (item: number) => {
    const at = start + pageHead + 2 * item;
    return at + 2 <= file.length ? half(db, at) : 0;
  };
  const found: Buffer[] = [];
  const entries = Math.min(half(db, start + 20), (pageBytes - pageHead) / 2);
  for (let item = 1; item < entries; item += 2) {
    const [at, end] = [start + offset(item), start + offset(item - 1)];
    const value = file[at] === itemOffPage ? chain(db, at, budget.bytes) : inline(file, at, end);
    budget.bytes -= value?.length ?? 0;
    if (budget.bytes < 0) break;
    if (value) found.push(value);
  }
  return found;
}

const inline = (file: Buffer, at: number, end: number) =>
  file[at] === itemOnPage ? file.subarray(at + 1, end) : undefined;

/** A value that does not fit on its page: its first page and its length, then page by page. */
function chain(db: Bdb, at: number, maxBytes: number): Buffer | undefined {
  const { file, pageBytes } = db;
  if (at + 12 > file.length) return undefined;
  const bytes = word(db, at + 8);
  if (bytes > maxBytes) return undefined;
  const parts: Buffer[] = [];
  let left = bytes;
  for (let page = word(db, at + 4); left > 0; ) {
    const start = page * pageBytes;
    if (page === 0 || start + pageHead > file.length || file[start + 25] !== overflow) return undefined;
    const part = file.subarray(start + pageHead, start + pageHead + Math.min(left, half(db, start + 22)));
    // `left` shrinks with every page, so a chain that is a ring ends too
    if (part.length === 0) return undefined;
    parts.push(part);
    left -= part.length;
    page = word(db, start + 16);
  }
  return Buffer.concat(parts);
}

type Ordered = Pick<Bdb, "file" | "isBig">;
const word = ({ file, isBig }: Ordered, at: number) => (isBig ? file.readUInt32BE(at) : file.readUInt32LE(at));
const half = ({ file, isBig }: Ordered, at: number) => (isBig ? file.readUInt16BE(at) : file.readUInt16LE(at));
