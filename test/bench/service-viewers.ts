import { get, type IncomingMessage } from "node:http";
import { createInterface } from "node:readline";
import { JobEvent } from "#contract/service/job-view.ts";

/** What viewers saw: ms from each event to its sight, and the statuses of streams that were not given. */
export type Viewed = { lags: number[]; refused: number[] };

/**
 * Watches jobs by their streams of events, each viewer one job after the other, as `nextJob` names them. Ends with the signal.
 * Events from before a stream began have no lag.
 */
export async function watchJobs(
  { origin, tokens, viewers }: { origin: string; tokens: readonly string[]; viewers: number },
  nextJob: () => string | undefined,
  end: AbortSignal,
): Promise<Viewed> {
  const seen: Viewed = { lags: [], refused: [] };
  const watch = async (token: string) => {
    while (!end.aborted) {
      const job = nextJob();
      if (job) await watchOne(`${origin}/api/v1/jobs/${job}/events`, token, seen, end).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await Promise.all(Array.from({ length: viewers }, (_, index) => watch(tokens[index % tokens.length] ?? "")));
  return seen;
}

async function watchOne(url: string, token: string, { lags, refused }: Viewed, end: AbortSignal): Promise<void> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { headers: { authorization: `Bearer ${token}` }, signal: end, agent: false }, resolve).on("error", reject);
  });
  if (response.statusCode !== 200) {
    refused.push(response.statusCode ?? 0);
    response.resume();
    return;
  }
  const openedAt = Date.now();
  for await (const line of createInterface({ input: response })) {
    if (!line.startsWith("data:")) continue;
    const event = JobEvent.safeParse(JSON.parse(line.slice(5)));
    if (event.success && event.data.at >= openedAt) lags.push(Date.now() - event.data.at);
    if (event.success && isLast(event.data)) response.destroy();
  }
}

const isLast = ({ kind, detail }: JobEvent): boolean =>
  kind === "state" && ["succeeded", "failed", "canceled"].includes(String(detail.state));
