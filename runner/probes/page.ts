import type { HttpProbe } from "#contract/job.ts";
import type { Answer } from "#contract/report.ts";
import type { HttpOutcome } from "./http-probe.ts";

/** A request and what came of it, whole and as it came: what an answer no longer is. */
export type Page = { probe: HttpProbe; port: number; outcome: HttpOutcome };

/** Sends one request of our own finding. The probe's port and protocol are set. Rejects only on abort. */
export type SendPage = (probe: HttpProbe, port: number) => Promise<Page & { answer: Answer }>;

/** Requests that were found by looking at answers, and their answers in the same order: other runs repeat them as probes. */
export type Found = { pages: (Page & { answer: Answer })[]; warnings: { code: string; text: string }[] };

/** An application may answer every request with the most that we read: more than this of all bodies together is not held. */
const maxHeldBytes = 256 << 20;

/** Pages whose bodies have at most 256 MiB in all; the later ones are held without, so that no links are found in them. */
export function holdPages<T extends Page>(): { pages: T[]; hold: (page: T) => void; isFull: () => boolean } {
  const pages: T[] = [];
  let bytes = 0;
  const isFull = () => bytes >= maxHeldBytes;
  return {
    pages,
    hold(page) {
      const { length } = page.outcome.body;
      const isHeld = bytes + length <= maxHeldBytes;
      pages.push(isHeld ? page : { ...page, outcome: { ...page.outcome, body: Buffer.alloc(0) } });
      bytes += length;
    },
    isFull,
  };
}
