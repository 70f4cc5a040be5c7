export type ComparedBody = {
  /** Of the whole body, normalised when it is text. */
  sha256: string;
  bytes: number;
  /** The beginning, normalised. */
  sample: string;
  /** The sample is the whole body. */
  whole: boolean;
  /** The sample shows all bytes: it is not the lossy picture of something that is not text. */
  text: boolean;
};

/** Both values begin with the same place when the difference has one: `$.a.b = 1`, `word 12 = "x"`. */
type BodyDifference = { fat: string; slim: string };

/** More places than this are one difference: nobody reads them, and nothing is left to compare. */
const maxPlaces = 100;

/**
 * How two bodies differ. JSON: by value, whatever the order of the keys, one difference per path. Other text: by words,
 * when both have as many. Everything else, and what differs in more than 100 places: one difference without a place.
 */
export function bodyDifferences(fat: ComparedBody, slim: ComparedBody): BodyDifference[] {
  if (fat.sha256 === slim.sha256) return [];
  if (!fat.text || !slim.text || !fat.whole || !slim.whole) return [asWhole(fat, slim)];
  const values = jsonOf(fat.sample, slim.sample);
  const places = values ? jsonPlaces(values.fat, values.slim) : wordPlaces(fat.sample, slim.sample);
  if (places === undefined || places.length > maxPlaces) return [asWhole(fat, slim)];
  return places;
}

/**
 * The place that a value of a body difference begins with, or null when it has none. Places in lists count as one
 * (`$.list[*].id`): which of its items changes from run to run is chance.
 */
export function pathOf(value: string): string | null {
  const place =
    /^(\$(?:\.[A-Za-z_]\w*|\[\d+\]|\["(?:[^"\\]|\\.)*"\])*(?:\.length\(\))?|word \d+)(?= (?:=|is missing))/.exec(
      value,
    )?.[1];
  // quoted keys stay as they are, also those that look like an index
  return place?.replace(/("(?:[^"\\]|\\.)*")|\[\d+\]/g, (_match, key?: string) => key ?? "[*]") ?? null;
}

function asWhole(fat: ComparedBody, slim: ComparedBody): BodyDifference {
  const start = firstDifference(fat.sample, slim.sample);
  const show = (body: ComparedBody) => {
    const head = `${body.bytes} bytes, sha256 ${body.sha256.slice(0, 12)}`;
    return body.text ? `${head}: ${JSON.stringify(body.sample.slice(Math.max(0, start - 40), start + 160))}` : head;
  };
  return { fat: show(fat), slim: show(slim) };
}

function firstDifference(a: string, b: string): number {
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at++;
  return at;
}

/** Only objects and lists: a bare number or string is as well compared as text. */
function jsonOf(fat: string, slim: string): { fat: unknown; slim: unknown } | undefined {
  if (!/^\s*[[{]/.test(fat) || !/^\s*[[{]/.test(slim)) return undefined;
  try {
    return { fat: JSON.parse(fat), slim: JSON.parse(slim) };
  } catch {
    return undefined;
  }
}

function jsonPlaces(fat: unknown, slim: unknown): BodyDifference[] {
  const found: BodyDifference[] = [];
  const open: { path: string; fat: unknown; slim: unknown }[] = [{ path: "$", fat, slim }];
  for (let next = open.pop(); next && found.length <= maxPlaces; next = open.pop()) {
    const { path, fat: a, slim: b } = next;
    if (Array.isArray(a) && Array.isArray(b)) {
      if (a.length !== b.length)
        found.push({ fat: `${path}.length() = ${a.length}`, slim: `${path}.length() = ${b.length}` });
      for (let index = Math.min(a.length, b.length) - 1; index >= 0; index--) {
        open.push({ path: `${path}[${index}]`, fat: a[index], slim: b[index] });
      }
    } else if (isObject(a) && isObject(b)) {
      for (const key of new Set([...Object.keys(a), ...Object.keys(b)].toSorted().reverse())) {
        open.push({ path: `${path}${step(key)}`, fat: own(a, key), slim: own(b, key) });
      }
    } else if (a !== b) {
      found.push({ fat: shown(path, a), slim: shown(path, b) });
    }
  }
  return found;
}

function own(object: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function step(key: string): string {
  return /^[A-Za-z_]\w*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function shown(path: string, value: unknown): string {
  return value === undefined ? `${path} is missing` : `${path} = ${cut(JSON.stringify(value))}`;
}

function cut(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`;
}

/** Undefined when the texts have different numbers of words: then no place means the same in both. */
function wordPlaces(fat: string, slim: string): BodyDifference[] | undefined {
  const a = fat.split(/([\s"'<>]+)/);
  const b = slim.split(/([\s"'<>]+)/);
  if (a.length !== b.length) return undefined;
  const found: BodyDifference[] = [];
  for (const [index, word] of a.entries()) {
    const other = b[index] ?? "";
    if (word === other) continue;
    found.push({
      fat: `word ${index} = ${cut(JSON.stringify(word))}`,
      slim: `word ${index} = ${cut(JSON.stringify(other))}`,
    });
    if (found.length > maxPlaces) break;
  }
  return found;
}
