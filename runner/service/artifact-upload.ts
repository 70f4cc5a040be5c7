import { createHash, randomUUID } from "node:crypto";
import { createWriteStream, openAsBlob } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Logger } from "pino";
import { asWinnowError, WinnowError } from "#contract/error.ts";
import { type ArtifactOffer, ArtifactTicket } from "#contract/service/runner-protocol.ts";
import type { ArtifactSink, StoredArtifact } from "../deps.ts";
import type { AttemptCalls } from "./attempt-calls.ts";
import { type Pace, pause, pauseAfter } from "./back-off.ts";
import type { Fetch } from "./client.ts";
import type { Lease } from "./lease.ts";
import { isWorthRetrying, Refusal, refusalOf, unanswered } from "./refusal.ts";

export type ArtifactUploadDeps = {
  calls: AttemptCalls;
  lease: Lease;
  /** For addresses that are not the server's. */
  fetchForeign: Fetch;
  tmpDir: string;
  pace: Pace;
  log: Logger;
  /** How long a store that is down is waited for. */
  storeMs: number;
};

/**
 * Artifacts of a job at work. Each is written to a file first: the server wants its size and SHA-256 before its bytes, and a store
 * that is down wants it again. Throws `store.failed` when that does not come back, `disk.full`, or why the job has to end.
 */
export const uploadSink = (deps: ArtifactUploadDeps): ArtifactSink => ({
  put: async (name, content) => {
    const file = join(deps.tmpDir, `artifact-${randomUUID()}`);
    try {
      const size = await spool(content, file);
      await upload({ name, ...size }, file, deps);
      return { name, ...size };
    } finally {
      await rm(file, { force: true });
    }
  },
});

async function spool(content: Readable | Buffer | string, file: string): Promise<Omit<StoredArtifact, "name">> {
  const hash = createHash("sha256");
  let bytes = 0;
  const count = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      hash.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  const source = content instanceof Readable ? content : Readable.from([Buffer.from(content)]);
  try {
    await pipeline(source, count, createWriteStream(file, { flags: "wx", mode: 0o600 }));
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && (thrown.code === "ENOSPC" || thrown.code === "EDQUOT")) {
      const hint = "Free space in the runner's state directory.";
      throw new WinnowError("disk.full", "No space was left while storing an artifact.", hint, thrown);
    }
    throw thrown;
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** Offer, bytes and commit, from the beginning again when any of them fails: a ticket may have run out meanwhile. */
async function upload(offer: ArtifactOffer, file: string, deps: ArtifactUploadDeps): Promise<void> {
  const { lease, pace, log, storeMs } = deps;
  const startedAt = performance.now();
  for (let failed = 1; ; failed += 1) {
    try {
      await tryUpload(offer, file, deps);
      return;
    } catch (thrown) {
      lease.signal.throwIfAborted();
      const isLate = performance.now() - startedAt > storeMs;
      if (isLate || !isPassing(thrown)) throw storeError(offer.name, thrown);
      log.warn({ err: thrown, artifact: offer.name, failed }, "an artifact could not be stored yet");
      await pause(pauseAfter(failed, pace), thrown, lease.signal);
    }
  }
}

async function tryUpload(offer: ArtifactOffer, file: string, { calls, lease, fetchForeign }: ArtifactUploadDeps) {
  const { signal } = lease;
  const ticket = await calls.once({ method: "POST", path: "/artifacts", body: offer }, ArtifactTicket, signal);
  const bytes = await openAsBlob(file);
  // A store that takes less than 1 MiB/s is taken for one that hangs.
  const how = { bytes, headers: ticket.headers, timeoutMs: 60_000 + Math.ceil(bytes.size / 1024), signal };
  if (ticket.url.startsWith("/")) await calls.put(ticket.url, how);
  else await putForeign(ticket.url, how, fetchForeign);
  await lease.mayBegin();
  await calls.tellOnce({ method: "POST", path: `/artifacts/${offer.name}/commit` }, signal);
}

/** Bytes to an address that carries its own permission. Ours is not for others: the token stays here. */
async function putForeign(
  url: string,
  {
    bytes,
    headers,
    timeoutMs,
    signal,
  }: { bytes: Blob; headers: Record<string, string>; timeoutMs: number; signal: AbortSignal },
  fetchForeign: Fetch,
): Promise<void> {
  const until = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const name = `PUT ${new URL(url).host}`; // the rest of the address is a permission
  try {
    const request = new Request(url, { method: "PUT", headers, body: bytes, signal: until, redirect: "error" });
    const response = await fetchForeign(request);
    if (!response.ok) throw await refusalOf(response, name);
    await response.body?.cancel().catch(() => {});
  } catch (thrown) {
    throw thrown instanceof Refusal ? new StoreRefusal(thrown) : unanswered(name, thrown);
  }
}

/** A status of the store means nothing of what it would from the server: 403 is a ticket that has run out. */
class StoreRefusal extends WinnowError {
  constructor(refusal: Refusal) {
    super("store.failed", `The store answered with status ${refusal.status}.`, "Check the store.", refusal);
  }
}

const isPassing = (thrown: unknown): boolean =>
  thrown instanceof StoreRefusal ||
  isWorthRetrying(thrown) ||
  (thrown instanceof Refusal && thrown.code === "artifact.mismatch");

function storeError(name: string, thrown: unknown): WinnowError {
  const { code, message } = asWinnowError(thrown);
  if (code !== "store.failed" && !isPassing(thrown)) return asWinnowError(thrown);
  const hint = "Check the server's store; the job is tried again.";
  return new WinnowError("store.failed", `The artifact ${name} could not be stored: ${message}`, hint, thrown);
}
