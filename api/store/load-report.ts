import { text } from "node:stream/consumers";
import { WinnowError } from "#contract/error.ts";
import { Report, reportSchemaVersion } from "#contract/report.ts";
import { artifactKey } from "./key.ts";
import type { Store } from "./store.ts";

/** The name under which every job that makes a report stores it. */
export const reportName = "report.json";

/** Reads a job's report document. Throws `store.failed` when it is not there or is not a report that this version knows. */
export async function loadReport(
  store: Store,
  { jobId, attempt }: { jobId: string; attempt: number },
): Promise<Report> {
  const key = artifactKey(jobId, attempt, reportName);
  const parsed = Report.safeParse(parseJson(await text(await store.get(key))));
  if (parsed.success) return parsed.data;
  throw new WinnowError(
    "store.failed",
    `${key} is not a report of schema version ${reportSchemaVersion}.`,
    "Read it with the version of Winnow that wrote it.",
    parsed.error,
  );
}

function parseJson(document: string): unknown {
  try {
    return JSON.parse(document);
  } catch {
    return undefined; // the schema refuses it
  }
}
