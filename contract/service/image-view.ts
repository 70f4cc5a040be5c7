import { z } from "zod";
import { Verdict } from "../report.ts";
import { JobId, JobSummary, ReportSummary } from "./job-view.ts";

/** One repository, with its newest report. */
export const ImageSummary = z.object({
  repository: z.string(),
  jobs: z.int(),
  lastJobAt: z.int(),
  last: ReportSummary.extend({ jobId: JobId, image: z.string() }).nullable(),
});
export type ImageSummary = z.infer<typeof ImageSummary>;
export const ImageList = z.object({ images: z.array(ImageSummary), next: z.string().nullable() });

/** One point of the size trend: a report. Oldest first. */
export const TrendPoint = z.object({
  jobId: JobId,
  at: z.int(),
  image: z.string(),
  architecture: z.string(),
  fatBytes: z.int(),
  slimBytes: z.int().nullable(),
  ratio: z.number().nullable(),
  verdict: Verdict.nullable(),
});
export type TrendPoint = z.infer<typeof TrendPoint>;
export const ImageView = ImageSummary.extend({ recent: z.array(JobSummary), trend: z.array(TrendPoint) });
export type ImageView = z.infer<typeof ImageView>;

/** One figure of two reports; `change` is to/from - 1, null when there is nothing to divide by. */
const Change = z.object({ from: z.number().nullable(), to: z.number().nullable(), change: z.number().nullable() });

/** `GET /compare?from=JOB&to=JOB`: what became of an image between two jobs. Lists are cut at 1000 and say so. */
export const Comparison = z.object({
  from: JobSummary,
  to: JobSummary,
  figures: z.object({ fatBytes: Change, slimBytes: Change, ratio: Change, entries: Change, durationMs: Change }),
  /** Paths that only one of the slim images has, with their sizes in bytes. */
  added: z.array(z.object({ path: z.string(), bytes: z.int() })),
  removed: z.array(z.object({ path: z.string(), bytes: z.int() })),
  isCut: z.boolean(),
});
export type Comparison = z.infer<typeof Comparison>;
