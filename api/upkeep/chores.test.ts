import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import Database from "better-sqlite3";
import pino from "pino";
import { afterAll, describe, expect, it, vi } from "vitest";
import { aRequest } from "../db/builders.ts";
import { openDatabase } from "../db/open.ts";
import { idempotency } from "../db/schema.ts";
import { submitJob } from "../db/submit-job.ts";
import { checkpointWhenIdle } from "./checkpoint.ts";
import { every } from "./every.ts";
import { forgetAnswers } from "./idempotency.ts";

const root = mkdtempSync(join(tmpdir(), "winnow-upkeep-"));
afterAll(() => rmSync(root, { recursive: true }));

/** A logger that keeps what it was told. */
function listening() {
  const lines: string[] = [];
  return { lines, log: pino({}, { write: (line: string) => void lines.push(line) }) };
}

describe("a chore", () => {
  it("is done again after it failed, never twice at a time", async () => {
    const { lines, log } = listening();
    let turns = 0;
    let atWork = 0;
    const chore = every(
      {
        name: "sweep",
        everyMs: 1,
        run: async () => {
          expect(++atWork).toBe(1);
          await delay(3);
          atWork--;
          if (++turns === 1) throw new Error("no room");
        },
      },
      log,
    );
    await vi.waitUntil(() => turns >= 4, { timeout: 10_000 });
    await chore.stop();
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ chore: "sweep", err: { message: "no room" } }]);
  });

  it("has ended when it was stopped", async () => {
    let state = "waiting";
    const chore = every(
      {
        name: "long",
        everyMs: 1,
        run: async (signal) => {
          state = "at work";
          while (!signal.aborted) await delay(1);
          await delay(5);
          state = "ended";
        },
      },
      listening().log,
    );
    await vi.waitUntil(() => state === "at work", { timeout: 10_000 });
    await chore.stop();
    expect(state).toBe("ended");
  });
});

describe("the log of the database", () => {
  it("is written back when nothing happens, and not in the midst of work", () => {
    const file = join(mkdtempSync(join(root, "wal-")), "winnow.db");
    const db = openDatabase(file);
    const turn = checkpointWhenIdle(db);
    for (let n = 0; n < 300; n++) submitJob(db, { request: aRequest(), now: n });
    expect(statSync(`${file}-wal`).size).toBeGreaterThan(500_000);
    expect(turn()).toBe("busy");
    expect(turn()).toBe("done");
    expect(statSync(`${file}-wal`).size).toBe(0);
    expect(turn()).toBe("idle");
    db.close();
  });

  it("is left alone while another process reads, without waiting", () => {
    const file = join(mkdtempSync(join(root, "wal-")), "winnow.db");
    const db = openDatabase(file);
    const turn = checkpointWhenIdle(db);
    const reader = new Database(file, { readonly: true });
    reader.exec("begin; select * from jobs");
    submitJob(db, { request: aRequest(), now: 1 });
    expect(turn()).toBe("busy");
    const before = performance.now();
    expect(turn()).toBe("idle");
    expect(performance.now() - before).toBeLessThan(2_000); // a wait would be the busy time-out of 5 s
    reader.exec("rollback");
    expect(turn()).toBe("done");
    reader.close();
    db.close();
  });
});

describe("answers kept for a repeated request", () => {
  it("are forgotten after a day", () => {
    const db = openDatabase(":memory:");
    const dayMs = 86_400_000;
    const row = (key: string, createdAt: number) => ({
      ...{ actor: "t", route: "POST /jobs", key, requestHash: "0", status: 201, body: "{}" },
      createdAt,
    });
    const old = Array.from({ length: 1500 }, (_, n) => row(`old-${n}`, n));
    db.insert(idempotency).values(old).run();
    db.insert(idempotency)
      .values(row("young", 2 * dayMs))
      .run();
    expect(forgetAnswers(db, 2 * dayMs + 1)).toBe(1500);
    expect(
      db
        .select()
        .from(idempotency)
        .all()
        .map(({ key }) => key),
    ).toEqual(["young"]);
  });
});
