import { WinnowError } from "#contract/error.ts";
import type { HttpProbe } from "#contract/job.ts";
import { collect } from "./collect.ts";
import { redactResource } from "./redact.ts";

/**
 * The requests of an access log in the common or combined format of Apache and nginx, also with the virtual host in front:
 * GET and HEAD, as a log has no bodies, in the order of their first, each once. What was answered with an error is mostly
 * other people's scans: of those one for each status is taken. Query values that look secret are replaced; users and
 * addresses are not read. `fileName` is for messages. Throws WinnowError `request.invalid` when no line has that format.
 */
export function parseAccessLog(text: string, fileName: string): HttpProbe[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const read = lines.map(parseLine);
  if (!read.some((line) => line !== undefined)) {
    const [first = ""] = lines;
    const what =
      first === ""
        ? "it is empty"
        : `no line is in the common or combined format; line 1 is ${JSON.stringify(first.slice(0, 100))}`;
    throw new WinnowError(
      "request.invalid",
      `Access log ${fileName}: ${what}.`,
      'A line looks like: 10.0.0.1 - - [01/Jan/2024:10:00:00 +0000] "GET /items HTTP/1.1" 200 512',
    );
  }
  const statuses = new Set<number>();
  const wanted = read.filter((line): line is Line => {
    // A target with a host is a request to a proxy, not to us.
    if (!line || !["GET", "HEAD"].includes(line.method) || !line.resource.startsWith("/")) return false;
    if (line.status < 400) return true;
    return !statuses.has(line.status) && Boolean(statuses.add(line.status));
  });
  return collect(wanted.map(toProbe));
}

type Line = { method: string; resource: string; status: number };

/** The time, the quoted request line and the status of one line. The time is the first thing in brackets that looks like one. */
const form = /\[\d{1,2}\/[A-Z][a-z]{2}\/\d{4}:[^\]"]{1,40}\] "((?:[^"\\]|\\.){1,8192})" (\d{3}|-)(?: |$)/;

function parseLine(line: string): Line | undefined {
  const match = form.exec(line.trimEnd());
  if (!match) return undefined;
  const [method = "", target = ""] = unescaped(match[1] ?? "").split(" ");
  return { method, resource: target, status: match[2] === "-" ? 0 : Number(match[2]) };
}

/** `\"`, `\\` and `\xHH`, as both servers write what they do not trust. */
const unescaped = (text: string): string =>
  text.replace(/\\(?:x([0-9a-fA-F]{2})|(.))/g, (_, hex?: string, plain?: string) =>
    hex ? String.fromCharCode(Number.parseInt(hex, 16)) : (plain ?? ""),
  );

const toProbe = ({ method, resource }: Line): HttpProbe => ({
  kind: "http",
  method,
  resource: redactResource(resource),
  headers: [],
});
