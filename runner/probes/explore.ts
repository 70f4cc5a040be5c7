import type { Limits, Scenario } from "#contract/job.ts";
import { httpAnswer } from "./answer.ts";
import { crawl } from "./crawl/crawl.ts";
import { loopbackHosts } from "./crawl/origin.ts";
import { type Connect, sendHttp } from "./http-probe.ts";
import { callApiSpecs } from "./openapi/call-api-specs.ts";
import type { Found, Page, SendPage } from "./page.ts";

type Explore = {
  scenario: Scenario;
  /** What the scenario's own probes got. */
  pages: readonly Page[];
  connect: Connect;
  limits: Limits;
  signal: AbortSignal;
  mask: readonly string[];
  /** The container's host name. */
  hostname: string;
  /** How long it may take in all, ms. */
  withinMs: number;
};

/** How long a request that nobody asked for may take, ms. */
const longestMs = 10_000;

/** How long a port that refuses is tried again: enough for a worker's restart, ms. */
const retryMs = 1000;

/**
 * Sends what the answers of the probes lead to: the operations of the API specs that the application serves, then the links of
 * its pages. Sends nothing when the scenario asks for neither. Rejects only as `sendHttp` does.
 */
export async function explore(input: Explore): Promise<Found> {
  const { scenario, pages, connect, limits, signal, mask, hostname, withinMs } = input;
  const endsAt = performance.now() + withinMs;
  const send: SendPage = async (probe, port) => {
    signal.throwIfAborted();
    const timeoutMs = Math.min(longestMs, limits.probeMs);
    const outcome = await sendHttp(probe, port, connect, { timeoutMs, signal, retryMs, unavailableMs: 0 });
    return { probe, port, outcome, answer: httpAnswer(scenario.name, probe, port, outcome, mask) };
  };
  const called = scenario.apiSpecs ? await callApiSpecs({ asked: scenario.apiSpecs, pages, send, endsAt }) : nothing;
  const crawled = scenario.crawl
    ? await crawl({
        bounds: { ...scenario.crawl, maxMs: Math.min(scenario.crawl.maxMs, Math.max(0, endsAt - performance.now())) },
        pages: [...pages, ...called.pages],
        hosts: [...loopbackHosts, hostname],
        send,
      })
    : nothing;
  return {
    pages: [...called.pages, ...crawled.pages],
    warnings: [...called.warnings, ...crawled.warnings],
  };
}

const nothing: Found = { pages: [], warnings: [] };
