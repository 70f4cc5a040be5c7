import { describe, expect, test } from "vitest";
import { Crawl, type HttpProbe } from "#contract/job.ts";
import { httpAnswer } from "../answer.ts";
import type { HttpOutcome } from "../http-probe.ts";
import type { Page, SendPage } from "../page.ts";
import { crawl } from "./crawl.ts";
import { loopbackHosts } from "./origin.ts";

const outcome = (change: Partial<HttpOutcome> = {}): HttpOutcome => ({
  protocol: "http",
  status: 200,
  contentType: "text/html",
  location: null,
  body: Buffer.alloc(0),
  fault: null,
  error: null,
  said: Buffer.alloc(0),
  durationMs: 1,
  ...change,
});
const get = (resource: string, change: Partial<HttpProbe> = {}): HttpProbe => ({
  kind: "http",
  method: "GET",
  resource,
  headers: [],
  ...change,
});
const page = (html: string, change: Partial<HttpProbe> = {}): Page => ({
  probe: get("/", change),
  port: 80,
  outcome: outcome({ body: Buffer.from(html) }),
});

/** Crawls from `start` over an application that `answer` stands for; gives the requests that it got. */
async function visits(
  start: Page[],
  answer: (resource: string) => Partial<HttpOutcome> | string,
  bounds: object = {},
  now?: () => number,
) {
  const sent: HttpProbe[] = [];
  const send: SendPage = async (probe, port) => {
    sent.push(probe);
    const given = answer(probe.resource);
    const end = outcome(typeof given === "string" ? { body: Buffer.from(given) } : given);
    return { probe, port, outcome: end, answer: httpAnswer("default", probe, port, end, []) };
  };
  const found = await crawl({ bounds: Crawl.parse(bounds), pages: start, hosts: loopbackHosts, send, now });
  return {
    sent,
    resources: sent.map(({ resource }) => resource),
    found,
    warnings: found.warnings.map(({ text }) => text),
  };
}

describe("a crawl", () => {
  test("goes breadth first, asks nothing twice and nothing that a probe has asked", async () => {
    const tree: Record<string, string> = { "/a": "<a href=/a1><a href=/b>", "/b": "<a href=/b1><a href=/><a href=/a>" };
    const { resources, warnings } = await visits([page("<a href=/a><a href=/b><a href=/>")], (at) => tree[at] ?? "");
    expect(resources).toEqual(["/a", "/b", "/a1", "/b1"]);
    expect(warnings).toEqual([]);
  });

  test("of pages without end stays within its depth, and within a few queries of one path", async () => {
    const deep = await visits([page("<a href=/1>")], (at) => `<a href=${at}1>`, { maxDepth: 4 });
    expect(deep.resources).toEqual(["/1", "/11", "/111", "/1111"]);
    const days = Array.from({ length: 50 }, (_, n) => `<a href='/?day=${n}'>`).join("");
    expect((await visits([page(days)], () => days)).resources).toHaveLength(20);
    expect(deep.warnings).toEqual([expect.stringMatching(/^1 links were not followed/)]);
  });

  test("ends at its number of requests, bytes and milliseconds", async () => {
    const start = [page(Array.from({ length: 50 }, (_, n) => `<a href=/${n}>`).join(""))];
    const pages = await visits(start, () => "", { maxPages: 7 });
    expect([pages.sent.length, pages.warnings[0]]).toEqual([7, expect.stringContaining("after 7 requests")]);
    const bytes = await visits(start, () => "x".repeat(100), { maxBytes: 250 });
    expect(bytes.sent).toHaveLength(3);
    let clock = 0;
    const time = await visits(
      start,
      () => "",
      { maxMs: 100 },
      () => (clock += 10),
    );
    expect(time.sent.length).toBeLessThan(10);
    expect(time.warnings[0]).toContain("0.1 s were over");
  });

  test("ends when the application takes no more connections, and repeats nothing that was not answered", async () => {
    const start = [page("<a href=/a><a href=/slow><a href=/b><a href=/dead><a href=/c>")];
    const { resources, found } = await visits(start, (at) => {
      if (at === "/slow") return { status: null, fault: "timeout", error: "no answer" };
      return at === "/dead" ? { status: null, fault: "refused", error: "ECONNREFUSED" } : "";
    });
    expect(resources).toEqual(["/a", "/slow", "/b", "/dead"]);
    expect(found.pages.map(({ probe }) => probe.resource)).toEqual(["/a", "/b"]);
    expect(found.warnings[0]?.text).toContain("took no more connections");
  });

  test("follows redirects, links relative to a base, and keeps what its probe was sent with", async () => {
    const headers: [string, string][] = [
      ["Host", "shop.example:8080"],
      ["If-None-Match", "x"],
      ["X-Tenant", "t"],
    ];
    const start = page('<base href="/app/"><a href="x"><a href="http://shop.example/y">', {
      headers,
      username: "ada",
      password: "p",
    });
    const { sent, resources } = await visits([start], (at) =>
      at === "/app/x" ? { status: 302, location: "../z" } : "",
    );
    expect(resources).toEqual(["/app/x", "/y", "/z"]);
    expect(sent[2]).toEqual({
      kind: "http",
      protocol: "http",
      method: "GET",
      resource: "/z",
      port: 80,
      headers: [headers[0], headers[2]],
      username: "ada",
      password: "p",
    });
  });
});
