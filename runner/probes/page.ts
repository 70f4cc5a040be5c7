import type { HttpProbe } from "#contract/job.ts";
import type { Answer } from "#contract/report.ts";
import type { HttpOutcome } from "./http-probe.ts";

/** A request and what came of it, whole and as it came: what an answer no longer is. */
export type Page = { probe: HttpProbe; port: number; outcome: HttpOutcome };

/** Sends one request of our own finding. The probe's port and protocol are set. Rejects only on abort. */
export type SendPage = (probe: HttpProbe, port: number) => Promise<Page & { answer: Answer }>;

/** Requests that were found by looking at answers, and their answers in the same order: other runs repeat them as probes. */
export type Found = { pages: (Page & { answer: Answer })[]; warnings: { code: string; text: string }[] };
