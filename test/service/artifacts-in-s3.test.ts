import { createHash, randomBytes, randomUUID } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readReport } from "#api/db/read-report.ts";
import { offerOf, protocolUnderTest, reportOf, succeeded } from "#api/routes/runner/protocol.builder.ts";
import { s3Store } from "#api/store/s3.ts";
import { sweepUploads } from "#api/upkeep/uploads.ts";
import { ArtifactTicket } from "#contract/service/runner-protocol.ts";
import { type Minio, minioBinary, startMinio } from "../minio.ts";

const content = randomBytes(3 << 20);

describe.runIf(minioBinary())("artifacts of an attempt, in S3", () => {
  let minio: Minio;
  beforeAll(async () => {
    minio = await startMinio();
    await minio.makeBucket("winnow");
  });
  afterAll(() => minio.remove());

  async function anAttempt() {
    const store = s3Store(minio.settings("winnow", { prefix: `${randomUUID()}/` }));
    const at = protocolUnderTest({ store });
    const own = await at.attempt();
    /** Straight to the store, as a runner does: with what the ticket says and no token. */
    const send = async (name: string, offered: Buffer, sent = offered) => {
      const answer = await own.post("artifacts", offerOf(name, offered));
      const { url, headers } = ArtifactTicket.parse(await answer.json());
      expect(url).toMatch(/^http:/);
      const body = new Blob([new Uint8Array(sent)]);
      return { sent: await fetch(url, { method: "PUT", headers, body }), url, headers };
    };
    const commit = async (name: string) => (await own.post(`artifacts/${name}/commit`)).status;
    return { at, own, store, send, commit };
  }

  it("go there without passing through the API, and the job ends with them", async () => {
    const { at, own, store, send, commit } = await anAttempt();
    await send("graph.json", content);
    await send("report.json", Buffer.from(reportOf(own.job.jobId)));
    expect([await commit("graph.json"), await commit("report.json")]).toEqual([204, 204]);
    await own.log(0, "all is well\n");
    const finish = await own.post("finish", succeeded("all is well\n"));
    expect(await finish.json()).toEqual({ state: "succeeded" });
    const { artifacts } = readReport(at.db, own.job.jobId);
    expect(artifacts.map(({ name }) => name)).toEqual(["graph.json", "job.log", "report.json"]);
    for (const { key, bytes, sha256 } of artifacts) {
      const stored = await buffer(await store.get(key));
      expect(stored.length).toBe(bytes);
      expect(createHash("sha256").update(stored).digest("hex")).toBe(sha256);
    }
  });

  it("are not committed before they are there, nor when others are", async () => {
    const { own, store, send, commit } = await anAttempt();
    await own.post("artifacts", offerOf("graph.json", content));
    expect(await commit("graph.json")).toBe(422);
    const { sent } = await send("graph.json", content, Buffer.alloc(content.length));
    expect(sent.ok).toBe(false);
    expect(await commit("graph.json")).toBe(422);
    // Put there by somebody who has the store's keys: without a digest of the server's, so that the API reads it.
    await store.put(`jobs/${own.job.jobId}/1/graph.json`, Buffer.alloc(content.length));
    expect(await commit("graph.json")).toBe(422);
    await store.put(`jobs/${own.job.jobId}/1/graph.json`, content);
    expect(await commit("graph.json")).toBe(204);
  });

  it("are there again after the store was down, with 503 meanwhile", async () => {
    const { own, send, commit } = await anAttempt();
    await send("graph.json", content);
    await minio.stop();
    expect(await commit("graph.json")).toBe(503);
    await minio.startAgain();
    expect(await commit("graph.json")).toBe(204);
    expect((await own.post("release", { reason: "disk" })).status).toBe(204);
  });

  it("are swept a day after nobody came to own them", async () => {
    const { at, own, store, send } = await anAttempt();
    await send("graph.json", content);
    await own.post("release", { reason: "disk" });
    expect(await sweepUploads({ ...at.deps, now: at.clock.now + 86_400_001 })).toBe(1);
    expect(await store.list("jobs/")).toEqual([]);
  });
});
