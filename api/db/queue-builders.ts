// Builders for tests of the queue: runners, and jobs in the hands of one.
import { randomBytes, randomUUID } from "node:crypto";
import { Registration } from "#contract/service/runner-protocol.ts";
import { aRequest } from "./builders.ts";
import { type ClaimedLease, claimJobs } from "./claim-jobs.ts";
import type { Db } from "./open.ts";
import { registerRunner } from "./register-runner.ts";
import { startAttempt } from "./start-attempt.ts";
import { type Submission, submitJob } from "./submit-job.ts";

export const leaseMs = 60_000;

/** A host with room for four jobs on amd64. */
export function aRegistration(change: Partial<Registration> = {}): Registration {
  return Registration.parse({
    name: "host-a",
    systemId: randomUUID(),
    bootId: randomUUID(),
    version: "0.1.0",
    slots: 4,
    engine: { version: "27.0", storage: "overlay2", kernel: "6.1", architectures: ["amd64"] },
    ...change,
  });
}

/** Gives the id of a runner that is registered and online at 1000. */
export function aRunner(db: Db, change: Partial<Registration> = {}): string {
  return registerRunner(db, { registration: aRegistration(change), tokenHash: aToken().hash, now: 1000 }).id;
}

export type ClaimChange = { claimId?: string; slots?: number; now?: number };

/** What the runner gets at 2000, for one slot. */
export function claimFor(db: Db, runnerId: string, change: ClaimChange = {}): ClaimedLease[] {
  return claimJobs(db, {
    runnerId,
    claimId: randomUUID(),
    slots: 1,
    now: 2000,
    leaseMs,
    makeToken: aToken,
    ...change,
  });
}

/** A new job that was claimed at 2000, not started. */
export function aClaim(
  db: Db,
  { runnerId, ...change }: Partial<Submission> & { runnerId?: string } = {},
): ClaimedLease {
  const { id } = submitJob(db, { request: aRequest(), now: 1000, priority: 9, ...change });
  const [lease] = claimFor(db, runnerId ?? aRunner(db));
  if (lease?.jobId !== id) throw new Error("the job was not handed out");
  return lease;
}

/** A new job at work since 2000. */
export function anAttempt(db: Db, change: Partial<Submission> & { runnerId?: string } = {}): ClaimedLease {
  const lease = aClaim(db, change);
  startAttempt(db, lease, { now: 2000, leaseMs });
  return lease;
}

function aToken(): { token: string; hash: string } {
  const token = randomBytes(16).toString("hex");
  return { token, hash: `hash of ${token}` };
}
