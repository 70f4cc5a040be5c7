import { maxPathLength, type Package } from "./package-record.ts";

const tags = {
  name: 1000,
  group: 1016,
  sourceRpm: 1044,
  provideName: 1047,
  requireName: 1049,
  dirIndexes: 1116,
  baseNames: 1117,
  dirNames: 1118,
} as const;

/** No header has more items of one kind: the largest packages have a hundred thousand files. */
const maxItems = 1_000_000;

/**
 * A header as rpm stores it: two counts, an index of 16-byte entries (tag, type, offset, count; all big-endian), and the data.
 * https://rpm.org/docs/latest/manual/format_header.html. Undefined when it names no package.
 */
export function parseRpmHeader(blob: Buffer): Package | undefined {
  if (blob.length < 8) return undefined;
  const entries = blob.readUInt32BE(0);
  const dataAt = 8 + entries * 16;
  if (dataAt > blob.length) return undefined;
  const index = new Map<number, { offset: number; count: number }>();
  for (let entry = 0; entry < entries; entry++) {
    const at = 8 + entry * 16;
    const count = Math.min(blob.readUInt32BE(at + 12), maxItems);
    index.set(blob.readUInt32BE(at), { offset: dataAt + blob.readUInt32BE(at + 8), count });
  }
  const strings = (tag: number) => readStrings(blob, index.get(tag));
  const [name] = strings(tags.name);
  if (name === undefined || name === "") return undefined;
  const directoriesOf = strings(tags.dirNames);
  const numbers = readNumbers(blob, index.get(tags.dirIndexes));
  const files = strings(tags.baseNames).flatMap((base, at) => {
    const directory = directoriesOf[numbers[at] ?? -1];
    return directory?.startsWith("/") && directory.length < maxPathLength ? [`${directory}${base}`] : [];
  });
  const [sourceRpm = ""] = strings(tags.sourceRpm);
  return {
    system: "rpm",
    name,
    // nginx-1.24.0-1.fc39.src.rpm: version and release hold no dash
    source: /^(.+)-[^-]+-[^-]+$/.exec(sourceRpm)?.[1] ?? name,
    section: strings(tags.group)[0] ?? "",
    priority: "",
    isEssential: false,
    depends: [...new Set(strings(tags.requireName))],
    provides: [...new Set(strings(tags.provideName))],
    listedIn: [],
    files,
  };
}

type Where = { offset: number; count: number } | undefined;

function readStrings(blob: Buffer, where: Where): string[] {
  const found: string[] = [];
  let at = where?.offset ?? 0;
  for (let item = 0; item < (where?.count ?? 0); item++) {
    const end = blob.indexOf(0, at);
    if (end < 0 || at > blob.length) break;
    found.push(blob.toString("utf8", at, end));
    at = end + 1;
  }
  return found;
}

function readNumbers(blob: Buffer, where: Where): number[] {
  const found: number[] = [];
  const start = where?.offset ?? 0;
  for (let item = 0; item < (where?.count ?? 0) && start + item * 4 + 4 <= blob.length; item++)
    found.push(blob.readUInt32BE(start + item * 4));
  return found;
}
