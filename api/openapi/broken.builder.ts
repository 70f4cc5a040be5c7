// For tests: failures that the real thing does not produce on demand.
import Database from "better-sqlite3";
import type { Db } from "../db/open.ts";

/** A database that works until it is told to throw, also for queries that were prepared before. */
export function breakableDb(db: Db): { db: Db; breakWith(thrown: Error | undefined): void } {
  let fault: Error | undefined;
  const breakable = <T extends object>(whole: T): T =>
    new Proxy(whole, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        return (...given: unknown[]) => {
          if (fault) throw fault;
          const result: unknown = Reflect.apply(value, target, given);
          return isQuery(result) ? breakable(result) : result;
        };
      },
    });
  return {
    db: breakable(db),
    breakWith: (thrown) => {
      fault = thrown;
    },
  };
}

/** A query that is being put together, or was prepared; rows and promises are none. */
const isQuery = (value: unknown): value is object =>
  typeof value === "object" && value !== null && ("prepare" in value || "getQuery" in value || "from" in value);

export const busyError = () => new Database.SqliteError("database is locked", "SQLITE_BUSY");
export const fullError = () => new Database.SqliteError("database or disk is full", "SQLITE_FULL");
