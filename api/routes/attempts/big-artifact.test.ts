import { createHash, randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { protocolHeader } from "#contract/service/runner-protocol.ts";
import { listen, type Server } from "../../server.ts";
import { type ProtocolUnderTest, protocolUnderTest } from "../runner/protocol.builder.ts";

const chunk = randomBytes(1 << 20);
const chunks = 200;
const offer = { name: "big", bytes: chunks * chunk.length, sha256: sha256OfChunks(chunks) };

let at: ProtocolUnderTest;
let own: Awaited<ReturnType<ProtocolUnderTest["attempt"]>>;
let server: Server;
beforeEach(async () => {
  at = protocolUnderTest();
  own = await at.attempt();
  server = await listen(at.app, { host: "127.0.0.1", port: 0 });
  expect((await own.post("artifacts", offer)).status).toBe(200);
});
afterEach(async () => {
  await server.stop(0);
});

function sha256OfChunks(count: number): string {
  const digest = createHash("sha256");
  for (let n = 0; n < count; n += 1) digest.update(chunk);
  return digest.digest("hex");
}

/** Without a length: the server has to count. */
function put(content: AsyncIterable<Buffer>, signal?: AbortSignal): Promise<Response> {
  const headers = { authorization: `Bearer ${own.job.token}`, [protocolHeader]: "1" };
  const request = { method: "PUT", headers, body: ReadableStream.from(content), duplex: "half", signal };
  return fetch(`${server.url}/api/v1${own.path}/artifacts/big`, request as RequestInit); // lib.dom knows no duplex
}

it("an artifact of 200 MiB is streamed into the store in bounded memory", async () => {
  const before = process.memoryUsage.rss();
  let highest = before;
  async function* content() {
    for (let n = 0; n < chunks; n += 1) {
      highest = Math.max(highest, process.memoryUsage.rss());
      yield chunk;
    }
  }
  expect((await put(content())).status).toBe(204);
  expect(highest - before).toBeLessThan(120 << 20);
  expect(await at.deps.store.list("jobs/")).toEqual([{ key: `jobs/${own.job.jobId}/1/big`, bytes: offer.bytes }]);
});

it("a sender that hangs up leaves nothing, and may send it again", async () => {
  const hangUp = new AbortController();
  async function* content() {
    for (let n = 0; n < 10; n += 1) yield chunk;
    hangUp.abort();
    await delay(10_000, undefined, { ref: false });
  }
  await expect(put(content(), hangUp.signal)).rejects.toThrow();
  await vi.waitUntil(() => at.logged.length > 0, { timeout: 5_000 }); // the call has ended
  expect(await at.deps.store.list("jobs/")).toEqual([]);
  expect((await own.post("artifacts/big/commit")).status).toBe(422);
});

it("a sender that sends more than it offered is stopped", async () => {
  let sent = 0;
  async function* content() {
    for (; sent < 2 * chunks; sent += 1) yield chunk;
  }
  const status = await put(content()).then(
    (answer) => answer.status,
    () => 422, // the answer came while it still sent, and the connection was closed
  );
  expect(status).toBe(422);
  expect(sent).toBeLessThan(2 * chunks);
  expect(await at.deps.store.list("jobs/")).toEqual([]);
});
