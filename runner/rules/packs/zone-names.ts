/** Longer names no zone has (America/Argentina/ComodRivadavia has 32 characters). */
const maxNameLength = 48;

const chunkBytes = 1 << 20;

/**
 * The names among `zones` that stand in `content`. In a text a name is a whole token; one without a slash (`CET`) counts only in
 * quotes and in capitals, since `Japan` is a word of many texts. In a binary names may stand without anything between them, as
 * Go has its strings, so the longest name that starts at a place counts.
 */
export function zoneNamesIn(content: Buffer, zones: ReadonlySet<string>): Set<string> {
  const areas = new Set([...zones].filter((name) => name.includes("/")).map((name) => name.replace(/\/.*/s, "")));
  const found = new Set<string>();
  const plain = [...areas].filter((area) => /^[\w-]+$/.test(area));
  if (plain.length === 0) return found;
  const isBinary = content.subarray(0, 8192).includes(0);
  const start = new RegExp(`(?:${plain.join("|")})/|(["'\`])[A-Z][A-Z0-9+-]{2,}\\1`, "g");
  for (let at = 0; at < content.length; at += chunkBytes) {
    // One character before, to see what a name follows on, and a name's length behind.
    const from = Math.max(at - 1, 0);
    const text = content.toString("latin1", from, at + chunkBytes + maxNameLength);
    for (const match of text.matchAll(start)) {
      const index = match.index;
      if (match[1] !== undefined) {
        const name = match[0].slice(1, -1);
        if (zones.has(name)) found.add(name);
        continue;
      }
      const token = /^[\w+/-]*/.exec(text.slice(index, index + maxNameLength))?.[0] ?? "";
      const name = isBinary ? longestZone(token, zones) : token.replace(/\/+$/, "");
      const isWhole = isBinary || !/[\w-]/.test(text[index - 1] ?? " ");
      if (name !== undefined && isWhole && zones.has(name)) found.add(name);
    }
  }
  return found;
}

function longestZone(token: string, zones: ReadonlySet<string>): string | undefined {
  for (let length = token.length; length > 3; length--)
    if (zones.has(token.slice(0, length))) return token.slice(0, length);
  return undefined;
}

/**
 * Calls that list zones, and calls that take a zone from a variable: what they open is not in the code. Libraries that bring
 * zones of their own (pytz, ICU, Java, moment) are not among them.
 */
const listsZones = new RegExp(
  [
    "\\bavailable_timezones\\b",
    "\\btimezone_identifiers_list\\b",
    "\\bDateTimeZone::listIdentifiers\\b",
    "\\bTZInfo::Timezone\\.all\\b",
    "\\b(?:us|country)_zones\\b",
    "\\bActiveSupport::TimeZone\\b",
    "\\bGetSystemTimeZones\\b",
    "\\b(?:ZoneInfo|DateTimeZone|date_default_timezone_set|FindSystemTimeZoneById|LoadLocation|in_time_zone|tz\\.gettz|get_timezone|pytz\\.timezone)\\(\\s{0,9}[^\"'\\s)]",
    "\\bTZInfo::Timezone\\.get\\(\\s{0,9}[^\"'\\s)]",
    "\\bpg_timezone_names\\b",
    // An environment's TZ that is set from a variable: Perl, Ruby, Python, Node, PHP.
    "\\bENV\\{[\"']?TZ[\"']?\\}\\s{0,9}=\\s{0,9}[^\"'\\s=~]",
    "\\b(?:ENV|environ)\\[[\"']TZ[\"']\\]\\s{0,9}=\\s{0,9}[^\"'\\s=]",
    "\\bprocess\\.env\\.TZ\\s{0,9}=\\s{0,9}[^\"'`\\s=]",
    "\\bputenv\\(\\s{0,9}[\"']TZ=(?:[\"']\\s{0,9}[.+]|\\{?\\$)",
    "\\bzone(?:1970)?\\.tab\\b",
  ].join("|"),
);

/** Whether a program's text asks for zones that it does not name. */
export function asksForAnyZone(text: string): boolean {
  return listsZones.test(text);
}
