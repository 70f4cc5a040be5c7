import { readFileSync, statSync } from "node:fs";
import { WinnowError } from "#contract/error.ts";
import type { JobRequest } from "#contract/job.ts";
import { exerciseFiles } from "./exercise-options.ts";
import { requestOfFile } from "./job-file.ts";
import { keepFiles, reportedBy } from "./options/keep.ts";
import { type JobOptions, toJobRequest } from "./options.ts";

/** From the job file or from the flags. Throws `request.invalid`. */
export function requestOf(image: string | undefined, options: JobOptions): JobRequest {
  const { file, httpProbeCmdFile } = options;
  const texts = new Map(keepFiles(options).map(({ option, file: name }) => [name, readText(option, name)]));
  if (file !== undefined)
    return requestOfFile(readText("--file", file), { ...options, file, image }, reportedBy(options, texts));
  if (image === undefined) {
    throw new WinnowError(
      "request.invalid",
      "missing required argument 'image'",
      "Name an image, or a job file that does (-f).",
    );
  }
  const commands = httpProbeCmdFile === undefined ? [] : [{ option: "--http-probe-cmd-file", file: httpProbeCmdFile }];
  const named = [...commands, ...exerciseFiles(options)];
  const files = new Map([...texts, ...named.map(({ option, file: name }) => [name, readText(option, name)] as const)]);
  return toJobRequest(image, options, files);
}

/** A log or a capture that is longer is not for one job, bytes. */
const maxFileBytes = 256 << 20;

function readText(option: string, file: string): string {
  try {
    if (statSync(file).size > maxFileBytes) throw new Error(`${file} is longer than ${maxFileBytes >> 20} MiB`);
    return readFileSync(file, "utf8");
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new WinnowError("request.invalid", `${option}: ${why}.`, "Name a file that you may read.", thrown);
  }
}
