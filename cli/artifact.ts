import type { Readable } from "node:stream";
import { readReport } from "#api/db/read-report.ts";
import { WinnowError } from "#contract/error.ts";
import type { State } from "./state.ts";

/** What the lists of entries are called in an error. */
const nouns = { "files.jsonl": "list of files", "graph.json": "file graph" } as const;

/** Opens an artifact of a job that has ended. Throws `job.not-found` when the job has none of that name. */
export async function openArtifact({ db, store }: State, jobId: string, name: keyof typeof nouns): Promise<Readable> {
  const found = readReport(db, jobId).artifacts.find((each) => each.name === name && each.removedAt === null);
  if (found) return await store.get(found.key);
  throw new WinnowError(
    "job.not-found",
    `${jobId} has no ${nouns[name]}.`,
    "It ended before there was one, it is an info job, it ran with --remove-file-artifacts, or its time was over.",
  );
}
