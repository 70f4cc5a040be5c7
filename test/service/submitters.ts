import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { Submitted } from "#contract/service/job-view.ts";
import type { Timings } from "#contract/service/timings.ts";
import type { ApiClient } from "./api-client.ts";
import { insist, unexpected } from "./insist.ts";
import { between, type Random } from "./random.ts";

type Network = { client: ApiClient; random: Random; timings: Pick<Timings, "retryMs" | "maxRetryMs"> };

/**
 * Submits jobs evenly over that time, each until it has an answer and with an `Idempotency-Key`; cancels one in twenty a while
 * later. Gives the ids.
 */
export async function submitJobs(
  network: Network,
  { token, jobs, overMs }: { token: string; jobs: number; overMs: number },
): Promise<string[]> {
  const { random } = network;
  const never = new AbortController().signal;
  setMaxListeners(0, never);
  const submitOne = async (index: number): Promise<string> => {
    await delay((overMs * index) / jobs);
    const body = { request: { kind: "info", image: `chaos.example/job-${index}:1` }, priority: index % 3 };
    const headers = { "idempotency-key": randomUUID() };
    const answer = await insist(network, { method: "POST", path: "/jobs", token, body, headers }, never);
    if (answer.status !== 201) throw unexpected(`job ${index}`, answer);
    const { id } = Submitted.parse(answer.content).job;
    if (random() < 0.05) {
      await delay(between(random, 0, 1_000));
      const canceled = await insist(network, { method: "POST", path: `/jobs/${id}/cancel`, token }, never);
      if (canceled.status >= 300 && canceled.status !== 409) throw unexpected(`canceling job ${index}`, canceled);
    }
    return id;
  };
  return await Promise.all(Array.from({ length: jobs }, (_, index) => submitOne(index)));
}
