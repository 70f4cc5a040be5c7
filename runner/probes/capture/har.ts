import { z } from "zod";
import { WinnowError } from "#contract/error.ts";
import type { HttpProbe } from "#contract/job.ts";
import { collect } from "./collect.ts";
import { redactBody, redactResource } from "./redact.ts";

/** What is read of a HAR file (version 1.2 of the format); all else in it is not looked at. */
const Har = z.object({
  log: z.object({
    entries: z.array(
      z.object({
        request: z.object({
          method: z.string(),
          url: z.string(),
          headers: z.array(z.object({ name: z.string(), value: z.string() })).default([]),
          postData: z
            .object({
              mimeType: z.string().default(""),
              text: z.string().optional(),
              params: z.array(z.object({ name: z.string(), value: z.string().default("") })).optional(),
            })
            .optional(),
        }),
      }),
    ),
  }),
});
type Request = z.infer<typeof Har>["log"]["entries"][number]["request"];

/** Headers that change what the application does and hold no credentials. All others are not sent. */
const keptHeaders = ["accept", "accept-language", "content-type", "x-requested-with", "soapaction"];

const maxBodyLength = 1 << 20;

/**
 * The requests of a HAR file to one host (by default that of its first request), in their order, each once. Credentials are
 * neither sent nor recorded: only a few headers stay, and values that look secret are replaced. `fileName` is for messages.
 * Throws WinnowError `request.invalid` when the file is none or has no request to the host.
 */
export function parseHar(text: string, fileName: string, host?: string): HttpProbe[] {
  const parsed = Har.safeParse(jsonOf(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue && issue.path.length > 0 ? ` at ${issue.path.join(".")}: ${issue.message}` : "";
    throw refuse(fileName, `it is no HAR file${where}`, "Export it with the network tools of a browser.");
  }
  const requests = parsed.data.log.entries.map(({ request }) => request);
  const own = host?.toLowerCase() ?? requests.map(hostOf).find((one) => one !== undefined);
  const probes = collect(requests.filter((request) => hostOf(request) === own).flatMap(toProbe));
  if (probes.length > 0) return probes;
  const hosts = [...new Set(requests.flatMap((request) => hostOf(request) ?? []))].slice(0, 5).join(", ");
  const what = own === undefined ? "it has no HTTP request" : `it has no request to ${own}`;
  throw refuse(
    fileName,
    what,
    hosts === "" ? "" : `It has requests to ${hosts}: name yours with --http-probe-har-host.`,
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    return undefined;
  }
}

/** The host of a request, with its port unless that is the scheme's own. */
function hostOf({ url }: Request): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, host } = new URL(url);
  return protocol === "http:" || protocol === "https:" ? host : undefined;
}

function toProbe({ method, url, headers, postData }: Request): HttpProbe[] {
  if (!/^[A-Za-z]+$/.test(method) || method.toUpperCase() === "CONNECT") return [];
  const { pathname, search } = new URL(url);
  const kept = headers
    .map(({ name, value }): [string, string] => [name.toLowerCase(), value])
    .filter(([name, value]) => keptHeaders.includes(name) && /^[\x20-\x7e]*$/.test(value));
  const body = postData && bodyOf(postData);
  if (body !== undefined && body.length > maxBodyLength) return [];
  const isTyped = kept.some(([name]) => name === "content-type");
  if (body !== undefined && !isTyped && postData?.mimeType) kept.push(["content-type", postData.mimeType]);
  return [
    {
      kind: "http",
      method: method.toUpperCase(),
      resource: redactResource(`${pathname}${search}`),
      headers: kept,
      body,
    },
  ];
}

function bodyOf({ mimeType, text, params }: NonNullable<Request["postData"]>): string | undefined {
  if (text !== undefined && text !== "") return redactBody(text, mimeType);
  if (!params || !/^application\/x-www-form-urlencoded\b/i.test(mimeType)) return undefined;
  const pairs = new URLSearchParams(params.map(({ name, value }): [string, string] => [name, value]));
  return redactBody(pairs.toString(), mimeType);
}

const refuse = (fileName: string, why: string, hint: string): WinnowError =>
  new WinnowError("request.invalid", `HAR file ${fileName}: ${why}.`, hint);
