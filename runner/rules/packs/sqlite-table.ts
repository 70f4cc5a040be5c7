/** A table of more rows is no package database. */
const maxRows = 200_000;

/**
 * The rows of one table of an SQLite database, as arrays of the columns that are stored in them: the format of
 * https://www.sqlite.org/fileformat2.html, without its journals. Integers come as numbers (larger ones inexact), texts and blobs
 * as bytes. A file that is torn or is no database gives the rows that can be read.
 *
 * Not better-sqlite3: it opens files, and here all there is are bytes from an image that nobody vouches for.
 */
export function sqliteRows(file: Buffer, table: string): (number | Buffer | null)[][] {
  const { pageBytes } = sqlitePages(file) ?? {};
  if (pageBytes === undefined) return [];
  const pages = { file, pageBytes, usable: pageBytes - (file[20] ?? 0), budget: { bytes: 2 * file.length } };
  // sqlite_schema: type, name, tbl_name, rootpage, sql
  const root = tableRows(pages, 1).find(([type, name]) => asText(type) === "table" && asText(name) === table)?.[3];
  return typeof root === "number" ? tableRows(pages, root) : [];
}

/** Whether a file is an SQLite database, of how many bytes its pages are, and how many there should be (0: it does not say). */
export function sqlitePages(file: Buffer): { pageBytes: number; count: number } | undefined {
  if (file.length < 512 || file.toString("latin1", 0, 15) !== "SQLite format 3") return undefined;
  const size = file.readUInt16BE(16);
  const pageBytes = size === 1 ? 65536 : size;
  if (pageBytes < 512 || (pageBytes & (pageBytes - 1)) !== 0) return undefined;
  // The count is stale when the version it was written by is not that of the last change.
  return { pageBytes, count: file.readUInt32BE(24) === file.readUInt32BE(92) ? file.readUInt32BE(28) : 0 };
}

const asText = (value: unknown) => (Buffer.isBuffer(value) ? value.toString("utf8") : "");

type Pages = {
  file: Buffer;
  pageBytes: number;
  usable: number;
  /** Bytes of rows that may still be read: cells of a hostile file may all lead to the same large one. */
  budget: { bytes: number };
};

function tableRows(pages: Pages, root: number): (number | Buffer | null)[][] {
  const rows: (number | Buffer | null)[][] = [];
  const passed = new Set<number>();
  const todo = [root];
  // A stack, last page first: rows come in their order.
  for (let page = todo.pop(); page !== undefined && rows.length < maxRows; page = todo.pop()) {
    if (passed.has(page)) continue;
    passed.add(page);
    try {
      todo.push(...readPage(pages, page, rows).reverse());
    } catch (error) {
      if (!(error instanceof RangeError)) throw error; // a torn page: what it points at lies outside
    }
  }
  return rows;
}

/** Adds the rows of a leaf; answers the children of an interior page. */
function readPage(pages: Pages, number: number, rows: (number | Buffer | null)[][]): number[] {
  const start = (number - 1) * pages.pageBytes;
  const page = pages.file.subarray(start, start + pages.pageBytes);
  const head = number === 1 ? 100 : 0;
  const kind = page.readUInt8(head);
  const cells = page.readUInt16BE(head + 3);
  if (kind === 0x05) {
    const children: number[] = [];
    for (let cell = 0; cell < cells; cell++) children.push(page.readUInt32BE(page.readUInt16BE(head + 12 + 2 * cell)));
    return [...children, page.readUInt32BE(head + 8)];
  }
  if (kind !== 0x0d) return [];
  for (let cell = 0; cell < cells; cell++) {
    const at = page.readUInt16BE(head + 8 + 2 * cell);
    const length = varint(page, at);
    const rowid = varint(page, length.next);
    const payload = readPayload(pages, page, rowid.next, length.value);
    if (payload) rows.push(readRecord(payload));
  }
  return [];
}

/** A payload that does not fit into its page goes on in a chain of overflow pages. */
function readPayload(
  { file, pageBytes, usable, budget }: Pages,
  page: Buffer,
  at: number,
  length: number,
): Buffer | undefined {
  const most = usable - 35;
  budget.bytes -= length;
  if (budget.bytes < 0) return undefined;
  if (length <= most) return page.subarray(at, at + length);
  const least = Math.floor(((usable - 12) * 32) / 255) - 23;
  const fit = least + ((length - least) % (usable - 4));
  const local = fit <= most ? fit : least;
  const parts = [page.subarray(at, at + local)];
  let left = length - local;
  let next = page.readUInt32BE(at + local);
  while (left > 0) {
    // `left` shrinks with every page, so a chain that is a ring ends too
    if (next === 0) return undefined;
    const start = (next - 1) * pageBytes;
    const part = file.subarray(start + 4, start + 4 + Math.min(left, usable - 4));
    if (part.length === 0) return undefined;
    parts.push(part);
    left -= part.length;
    next = file.readUInt32BE(start);
  }
  return Buffer.concat(parts);
}

function readRecord(payload: Buffer): (number | Buffer | null)[] {
  const head = varint(payload, 0);
  const values: (number | Buffer | null)[] = [];
  let body = head.value;
  for (let at = head.next; at < head.value && values.length < 100; ) {
    const type = varint(payload, at);
    at = type.next;
    const bytes = storedBytes(type.value);
    values.push(column(payload, body, type.value, bytes));
    body += bytes;
  }
  return values;
}

function storedBytes(type: number): number {
  return type >= 12 ? Math.floor((type - 12) / 2) : ([0, 1, 2, 3, 4, 6, 8, 8, 0, 0][type] ?? 0);
}

function column(payload: Buffer, at: number, type: number, bytes: number): number | Buffer | null {
  if (type >= 12) return payload.subarray(at, at + bytes);
  if (type === 0) return null;
  if (type === 8 || type === 9) return type - 8;
  if (type === 7) return payload.readDoubleBE(at);
  return bytes <= 6 ? payload.readIntBE(at, bytes) : Number(payload.readBigInt64BE(at));
}

/** SQLite's varint: seven bits in each byte, the highest first; the ninth byte gives all eight. */
function varint(bytes: Buffer, at: number): { value: number; next: number } {
  let value = 0;
  for (let index = 0; index < 8; index++) {
    const byte = bytes.readUInt8(at + index);
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return { value, next: at + index + 1 };
  }
  return { value: value * 256 + bytes.readUInt8(at + 8), next: at + 9 };
}
