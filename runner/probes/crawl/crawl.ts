import type { Crawl, HttpProbe } from "#contract/job.ts";
import type { Found, Page, SendPage } from "../page.ts";
import { type Frontier, frontier } from "./frontier.ts";
import { referencesIn } from "./links.ts";
import { type Origin, resourceOf } from "./origin.ts";

type Crawling = {
  bounds: Crawl;
  /** What the probes got: where the crawl starts. */
  pages: readonly Page[];
  /** Names that the application may call itself by. */
  hosts: readonly string[];
  send: SendPage;
  now?: () => number;
};

/**
 * Follows what the pages refer to on their own origin, breadth first and one request at a time, so that every run of it
 * finds the same in the same order. Ends at the bounds and when the application no longer takes connections, and says so.
 * Requests without a whole answer are not part of what was found.
 */
export async function crawl({ bounds, pages, hosts, send, now = () => performance.now() }: Crawling): Promise<Found> {
  const endsAt = now() + bounds.maxMs;
  const queue = frontier(
    bounds.maxDepth,
    pages.filter(isGet).map(({ port, probe }) => ({ port, resource: probe.resource })),
  );
  const found: Found = { pages: [], warnings: [] };
  const stop = (why: string) => {
    const text = `The crawl ended after ${found.pages.length} requests: ${why}. ${queue.waiting() + 1} links were not followed.`;
    found.warnings.push({ code: "crawl.bounded", text });
  };
  for (const page of pages) addLinks(queue, page, 1, hosts);
  let bytes = 0;
  let unanswered = 0;
  for (let visit = queue.next(); visit; visit = queue.next()) {
    if (found.pages.length >= bounds.maxPages) return ended(stop, `that is its limit`, found);
    if (bytes >= bounds.maxBytes) return ended(stop, `their answers had ${bytes} bytes`, found);
    if (now() >= endsAt) return ended(stop, `its ${bounds.maxMs / 1000} s were over`, found);
    const page = await send(visit.probe, visit.port);
    if (page.outcome.fault === "refused") return ended(stop, "the application took no more connections", found);
    bytes += page.outcome.body.length;
    if (page.answer.error !== null) {
      unanswered++;
      continue;
    }
    addLinks(queue, page, visit.depth + 1, hosts);
    found.pages.push({ ...page, outcome: { ...page.outcome, body: Buffer.alloc(0) } }); // its links are all that it was for
  }
  if (queue.refused() > 0) {
    const text = `${queue.refused()} links were not followed: they are too far from the probes, or too many of one path.`;
    found.warnings.push({ code: "crawl.bounded", text });
  }
  if (unanswered > 0) {
    const text = `${unanswered} links that the crawl followed got no whole answer, and are not repeated.`;
    found.warnings.push({ code: "crawl.unanswered", text });
  }
  return found;
}

function ended(stop: (why: string) => void, why: string, found: Found): Found {
  stop(why);
  return found;
}

const isGet = ({ probe }: Page): boolean => probe.method === "GET";

/** Queues what an answer leads to. A request that found links lends them its headers and credentials. */
function addLinks(queue: Frontier, { probe, port, outcome }: Page, depth: number, hosts: readonly string[]): void {
  if (outcome.status === null) return;
  const ownHosts = probe.headers.filter(([name]) => name.toLowerCase() === "host").map(([, host]) => hostName(host));
  const origin: Origin = { protocol: outcome.protocol, port, hosts: new Set([...hosts, ...ownHosts]) };
  const { references, base } = referencesIn(outcome.body, outcome.contentType);
  const from = (base && resourceOf(base, probe.resource, origin)) || probe.resource;
  const toRedirect = outcome.location === null ? [] : [resourceOf(outcome.location, probe.resource, origin)];
  for (const resource of [...toRedirect, ...references.map((reference) => resourceOf(reference, from, origin))]) {
    if (resource !== undefined) queue.add({ probe: visitOf(probe, resource, origin), port, depth });
  }
}

function visitOf({ headers, username, password }: HttpProbe, resource: string, { protocol, port }: Origin): HttpProbe {
  const kept = headers.filter(([name]) => !/^(?:content-|if-|range$|accept$)/i.test(name));
  return { kind: "http", protocol, method: "GET", resource, port, headers: kept, username, password };
}

/** A Host header as URLs show it: lower case, without the port. */
const hostName = (host: string): string => host.toLowerCase().replace(/:\d+$/, "");
