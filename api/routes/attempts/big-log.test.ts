import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { maxLogChunkBytes } from "#contract/service/runner-protocol.ts";
import { readReport } from "../../db/read-report.ts";
import { attemptLogs, maxLogBytes } from "../../logs/attempt-logs.ts";
import { failed, protocolUnderTest } from "../runner/protocol.builder.ts";

const directory = mkdtempSync(join(tmpdir(), "winnow-big-log-"));
afterAll(() => rmSync(directory, { recursive: true }));

const chunks = 400;

it.each([
  ["kept whole where there is room for it", 2 * maxLogBytes, chunks * maxLogChunkBytes],
  ["cut where there is not", maxLogBytes, maxLogBytes],
])("a log of 100 MiB is taken in bounded memory, and %s", async (_what, maxBytes, atLeast) => {
  const at = protocolUnderTest({ logs: attemptLogs(join(directory, String(maxBytes)), { maxBytes }) });
  const own = await at.attempt();
  const chunk = randomBytes(maxLogChunkBytes);
  const digest = createHash("sha256");
  const before = process.memoryUsage.rss();
  let highest = before;
  const note = () => {
    highest = Math.max(highest, process.memoryUsage.rss());
  };
  for (let n = 0; n < chunks; n += 1) {
    chunk.writeUInt32BE(n);
    digest.update(chunk);
    expect((await own.log(n * chunk.length, chunk)).status).toBe(202);
    note();
  }
  const watch = setInterval(note, 5);
  const log = { bytes: chunks * chunk.length, sha256: digest.digest("hex") };
  expect((await own.post("finish", { ...failed("app.exited"), log })).status).toBe(200);
  clearInterval(watch);
  expect(highest - before).toBeLessThan(80 << 20);
  const [stored] = readReport(at.db, own.job.jobId).artifacts;
  expect(stored?.name).toBe("job.log");
  expect(stored?.bytes).toBeGreaterThanOrEqual(atLeast);
  expect(stored?.bytes).toBeLessThan(atLeast + 200);
});
