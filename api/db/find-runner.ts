import { and, eq, isNull, type SQL, sql } from "drizzle-orm";
import { WinnowError } from "#contract/error.ts";
import type { Db } from "./open.ts";
import { prepared } from "./prepared.ts";
import { runners } from "./schema.ts";

export type Runner = typeof runners.$inferSelect;

/** Undefined for one that is unknown or was removed. */
export function findRunner(db: Db, id: string): Runner | undefined {
  return byId(db).get({ id });
}

/** The runner whose token has this SHA-256 (hex). Undefined when there is none, or it was removed. */
export function findRunnerByToken(db: Db, tokenHash: string): Runner | undefined {
  return byToken(db).get({ tokenHash });
}

const byId = prepared((db) => ofCondition(db, eq(runners.id, sql.placeholder("id"))));
const byToken = prepared((db) => ofCondition(db, eq(runners.tokenHash, sql.placeholder("tokenHash"))));

function ofCondition(db: Db, condition: SQL) {
  return db
    .select()
    .from(runners)
    .where(and(condition, isNull(runners.removedAt)))
    .prepare();
}

/** Whether a runner may be given jobs at all. */
export function canTakeJobs(runner: Pick<Runner, "isDraining" | "drainAskedAt" | "paused">): boolean {
  return !runner.isDraining && runner.drainAskedAt === null && runner.paused === null;
}

/** For an id that no runner has. */
export function runnerNotFound(id: string): WinnowError {
  return new WinnowError(
    "runner.not-found",
    `There is no runner ${JSON.stringify(id)}.`,
    "List the runners with `winnow runners`, or register it again.",
  );
}
