type Rule = { pattern: RegExp; by: string };

const month = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)";
const day = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
const clock = "\\d{2}:\\d{2}:\\d{2}(?:[.,]\\d{1,9})?";
const zone = "(?:[ ]?(?:GMT|UTC|Z|[+-]\\d{2}:?\\d{2}))?";

/**
 * What changes from run to run without meaning anything, in the order in which it is replaced. Each rule wants a form that
 * hardly stands for anything else: what these rules leave is caught by comparing two runs of the fat image. Numbers
 * become 0 and nothing else, so that JSON stays JSON.
 */
const rules: readonly Rule[] = [
  // RFC 1123 and RFC 5322 dates, asctime and `date`, common log format, ISO 8601 with a time
  { pattern: new RegExp(`\\b${day},? \\d{1,2}[ -]${month}[ -]\\d{2,4} ${clock}${zone}`, "g"), by: "<date>" },
  { pattern: new RegExp(`\\b${day} ${month} {1,2}\\d{1,2} ${clock}(?: [A-Z]{3,4})? \\d{4}\\b`, "g"), by: "<date>" },
  { pattern: new RegExp(`\\b\\d{2}/${month}/\\d{4}:${clock}${zone}`, "g"), by: "<date>" },
  { pattern: new RegExp(`\\b\\d{4}-\\d{2}-\\d{2}[T ]${clock}${zone}`, "g"), by: "<date>" },
  { pattern: new RegExp(`(?<![\\w:.])${clock}(?![\\w:])`, "g"), by: "<time>" },

  { pattern: /(?<![\w-])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![\w-])/gi, by: "<uuid>" },
  { pattern: /(?<!\w)0x[0-9a-f]{6,16}(?!\w)/gi, by: "<address>" },
  // at least one letter and one digit: long numbers mean something, and one E in it may be an exponent
  { pattern: /(?<![\w.])(?=[0-9]*[a-f])(?=[a-f]*[0-9])(?!\d+e\d+\b)[0-9a-f]{16,}(?!\w)/g, by: "<hex>" },
  { pattern: /(?<![\w.])(?=[0-9]*[A-F])(?=[A-F]*[0-9])(?!\d+E\d+\b)[0-9A-F]{16,}(?!\w)/g, by: "<hex>" },
  {
    pattern: /(\betag\\?["']?\s?[:=]\s?(?:\\?["'])?(?:W\/)?\\?["'])[\w+/=.:-]{2,128}/gi,
    by: "$1<etag>",
  },

  // seconds or milliseconds since 1970, between 2001 and 2286, where the word before says time
  {
    pattern:
      /((?:time|stamp|\bts|date|epoch|\bnow|expires|expiry|\bexp|\biat|\bnbf|(?:created|updated|modified|started)(?:_?at|_?on)?|_at)["']?\s?[:=]\s?["']?)[1-9]\d{9}(?:\d{3})?(?:\.\d{1,9})?(?![\w.])/gi,
    by: "$10",
  },
  {
    pattern: /((?:uptime|elapsed|duration|took|latency)\w{0,8}["']?\s?[:=]\s?["']?)\d+(?:\.\d+)?(?![\w.])/gi,
    by: "$10",
  },
  { pattern: /(?<![\w.])\d+(?:\.\d+)?( ?(?:ns|\u00b5s|\u03bcs|us|ms|msecs?))\b/g, by: "0$1" },
  { pattern: /(?<![\w.])\d+\.\d+( ?(?:s|secs?|seconds))\b/g, by: "0$1" },

  // process ids as logs and status pages write them, and the client's end of a connection
  { pattern: /(\bpid["']?\s?[:= ]\s?["']?#?)\d{1,7}(?![\w.])/gi, by: "$10" },
  { pattern: /(\b[A-Za-z][\w.-]{0,30}\[)\d{1,7}(\]:)/g, by: "$10$2" },
  { pattern: /(\b(?:\d{1,3}\.){3}\d{1,3}:)(?:3[2-9]\d{3}|[45]\d{4}|6[0-5]\d{3})(?!\d)/g, by: "$10" },
];

/**
 * A text with what differs from run to run replaced: dates, times, UUIDs, hex ids, addresses, durations, process ids and
 * client ports in the forms above, and the words in `mask` (the container's host name, id, addresses) as `<self>`. JSON stays
 * JSON, and normalising twice is the same as once.
 */
export function normalise(text: string, mask: readonly string[] = []): string {
  const own = mask.filter((word) => word !== "").toSorted((a, b) => b.length - a.length || (a < b ? -1 : 1));
  let normal = text;
  if (own.length > 0) {
    const words = own.map((word) => word.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join("|");
    normal = normal.replace(new RegExp(`(?<![A-Za-z0-9_])(?:${words})(?![A-Za-z0-9_])`, "g"), "<self>");
  }
  for (const { pattern, by } of rules) normal = normal.replace(pattern, by);
  return normal;
}
