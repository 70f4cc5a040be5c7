import { WinnowError } from "#contract/error.ts";
import type { ByteRange } from "./store.ts";

const jobPattern = /^job_[0-9a-z]{1,40}$/;
const attemptPattern = /^[1-9][0-9]{0,5}$/;
// A closed set without path syntax; the first character keeps out "..", hidden files and options.
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** Where an artifact's bytes lie: `jobs/<job>/<attempt>/<name>`. */
export function artifactKey(jobId: string, attempt: number, name: string): string {
  return assertKey(`${attemptPrefix(jobId, attempt)}${name}`);
}

/** Everything that an attempt stored. */
export function attemptPrefix(jobId: string, attempt: number): string {
  return `jobs/${jobId}/${attempt}/`;
}

/** Gives the key back, or throws `store.failed` when it is not `jobs/<job>/<attempt>/<name>` in the closed character set. */
export function assertKey(key: string): string {
  const [top, job, attempt, name, ...more] = key.split("/");
  if (top === "jobs" && isPart(job, jobPattern) && isPart(attempt, attemptPattern) && isPart(name, namePattern)) {
    if (more.length === 0) return key;
  }
  throw badKey(key);
}

/** Gives the prefix back: `jobs/`, `jobs/<job>/`, `jobs/<job>/<attempt>/` or a whole key. Throws `store.failed` otherwise. */
export function assertPrefix(prefix: string): string {
  if (!prefix.endsWith("/")) return assertKey(prefix);
  const [top, ...rest] = prefix.slice(0, -1).split("/");
  const patterns = [jobPattern, attemptPattern];
  if (top === "jobs" && rest.length <= patterns.length) {
    if (rest.every((part, position) => isPart(part, patterns[position]))) return prefix;
  }
  throw badKey(prefix);
}

/** Throws `request.invalid` for positions that are none, or that are the wrong way round: a server would give everything. */
export function assertRange({ start, end }: ByteRange): void {
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end) return;
  throw new WinnowError(
    "request.invalid",
    `${start} to ${end} is no range of bytes.`,
    "Give the positions of its first and last byte.",
  );
}

function isPart(part: string | undefined, pattern: RegExp | undefined): boolean {
  return part !== undefined && pattern?.test(part) === true;
}

function badKey(key: string): WinnowError {
  return new WinnowError(
    "store.failed",
    `${JSON.stringify(key)} is not the key of an artifact.`,
    "Artifact names hold letters, digits, dots, dashes and underscores, at most 100 of them.",
  );
}
