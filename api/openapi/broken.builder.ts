// For tests: failures that the real thing does not produce on demand.
import Database from "better-sqlite3";
import type { Db } from "../db/open.ts";

/** A database that works until it is told to throw. */
export function breakableDb(db: Db): { db: Db; breakWith(thrown: Error | undefined): void } {
  let fault: Error | undefined;
  const broken = new Proxy(db, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...given: unknown[]) => {
        if (fault) throw fault;
        return Reflect.apply(value, target, given);
      };
    },
  });
  return {
    db: broken,
    breakWith: (thrown) => {
      fault = thrown;
    },
  };
}

export const busyError = () => new Database.SqliteError("database is locked", "SQLITE_BUSY");
export const fullError = () => new Database.SqliteError("database or disk is full", "SQLITE_FULL");
