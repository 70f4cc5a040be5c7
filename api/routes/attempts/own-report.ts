import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { WinnowError } from "#contract/error.ts";
import { Report, reportSchemaVersion } from "#contract/report.ts";
import type { AppDeps } from "../../app-deps.ts";
import type { Held } from "../../db/held-by.ts";
import { committedUploads } from "../../db/offer-upload.ts";
import { mismatch } from "../../store/exactly.ts";
import { artifactKey } from "../../store/key.ts";
import { reportName } from "../../store/load-report.ts";

/** It is read into memory as a whole. */
const maxReportBytes = 64 << 20;

/**
 * The report that an attempt committed; null when it has none. Throws `request.invalid` when it is none, or is that of another job,
 * `artifact.mismatch` when it was replaced since, `store.failed` when the store does not answer.
 */
export async function readOwnReport({ db, store }: AppDeps, { jobId, attempt }: Held): Promise<Report | null> {
  const upload = committedUploads(db, { jobId, attempt }).find(({ name }) => name === reportName);
  if (!upload) return null;
  if (upload.bytes > maxReportBytes) throw noReport(jobId, `it has more than ${maxReportBytes} bytes`);
  const bytes = await buffer(await store.get(artifactKey(jobId, attempt, reportName)));
  if (createHash("sha256").update(bytes).digest("hex") !== upload.sha256)
    throw mismatch(reportName, "it was replaced after it was committed");
  const { data: report, error } = Report.safeParse(parseJson(bytes.toString()));
  if (!report) throw noReport(jobId, `it is none of schema version ${reportSchemaVersion}`, error);
  if (report.job.id !== jobId) throw noReport(jobId, `it is that of ${JSON.stringify(report.job.id)}`);
  return report;
}

function parseJson(document: string): unknown {
  try {
    return JSON.parse(document);
  } catch {
    return undefined; // the schema refuses it
  }
}

function noReport(jobId: string, why: string, cause?: unknown): WinnowError {
  return new WinnowError(
    "request.invalid",
    `The report.json of ${jobId} is no report of it: ${why}.`,
    "Run the same version of Winnow on the server and on its runners.",
    cause,
  );
}
