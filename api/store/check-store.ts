import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { WinnowError } from "#contract/error.ts";
import { artifactKey, attemptPrefix } from "./key.ts";
import type { Store } from "./store.ts";

/** `ok` says whether the store did what Winnow needs; `message` says what it did, or what to check. */
export type StoreCheck = { operation: string; ok: boolean; message: string };

/** A store, and an attempt in it that is nobody's. */
type Trial = { store: Store; prefix: string; keyOf(name: string): string };

const small = Buffer.from("winnow storage check");
const partsMiB = 12;
const grantMs = 60_000;
const answerMs = 30_000;

/** Tries all that Winnow asks of a store, one after the other, with objects of its own, and removes them. Never throws. */
export async function checkStore(store: Store): Promise<StoreCheck[]> {
  const jobId = `job_check${randomBytes(8).toString("hex")}`;
  const trial = { store, prefix: attemptPrefix(jobId, 1), keyOf: (name: string) => artifactKey(jobId, 1, name) };
  const probes = { ...objectProbes, ...(store.presignPut && store.presignGet ? grantProbes : {}), ...lastProbes };
  const checks: StoreCheck[] = [];
  for (const [operation, probe] of Object.entries(probes)) checks.push(await outcomeOf(operation, () => probe(trial)));
  return checks;
}

const objectProbes = {
  async put({ store, keyOf }: Trial) {
    const { bytes } = await store.put(keyOf("small"), small);
    return `${bytes} bytes stored`;
  },
  async head({ store, keyOf }: Trial) {
    expectEqual("the size of the object", (await store.stat(keyOf("small")))?.bytes, small.length);
    expectEqual("a missing object", await store.stat(keyOf("none")), undefined);
    return "the size is right, and what is missing is missing";
  },
  async get({ store, keyOf }: Trial) {
    expectEqual("the content", String(await buffer(await store.get(keyOf("small")))), String(small));
    return "the content came back";
  },
  async range({ store, keyOf }: Trial) {
    const part = await buffer(await store.get(keyOf("small"), { start: 7, end: 13 }));
    expectEqual("bytes 7 to 13", String(part), String(small.subarray(7, 14)));
    return "a part of the content came back";
  },
  async list({ store, keyOf, prefix }: Trial) {
    const found = await store.list(prefix);
    expectEqual("the keys", found.map(({ key }) => key).join(" "), keyOf("small"));
    return "the object is in the list";
  },
  async multipart({ store, keyOf }: Trial) {
    const piece = randomBytes(1 << 20);
    const stored = await store.put(keyOf("parts"), Readable.from(Array.from({ length: partsMiB }, () => piece)));
    const digest = createHash("sha256");
    for await (const chunk of await store.get(keyOf("parts"))) digest.update(chunk);
    expectEqual("the digest", digest.digest("hex"), stored.sha256);
    return `${stored.bytes} bytes stored in parts came back`;
  },
};

const grantProbes = {
  async "presigned put"({ store, keyOf }: Trial) {
    const { url, headers } = await grantFor(store, keyOf("granted"));
    const { status } = await ask(url, { method: "PUT", headers, body: small });
    expectEqual("the answer's status", status, 200);
    expectEqual("the object's size", (await store.stat(keyOf("granted")))?.bytes, small.length);
    return "the bearer of the URL stored what was agreed";
  },
  async "presigned put of other content"({ store, keyOf }: Trial) {
    const { url, headers } = await grantFor(store, keyOf("other"));
    const { status } = await ask(url, { method: "PUT", headers, body: Buffer.alloc(small.length) });
    return await refused(store, keyOf("other"), status);
  },
  async "presigned put of another length"({ store, keyOf }: Trial) {
    const { url, headers } = await grantFor(store, keyOf("longer"));
    const { "content-length": _, ...rest } = headers;
    const { status } = await ask(url, { method: "PUT", headers: rest, body: Buffer.concat([small, small]) });
    return await refused(store, keyOf("longer"), status);
  },
  async "presigned get"({ store, keyOf }: Trial) {
    const grant = { expiresMs: grantMs, fileName: "check.txt", mediaType: "text/plain" };
    const url = await store.presignGet?.(keyOf("small"), grant);
    const answer = await ask(url, { headers: { range: "bytes=7-13" } });
    expectEqual("the answer's status", answer.status, 206);
    expectEqual("bytes 7 to 13", await answer.text(), String(small.subarray(7, 14)));
    return "the bearer of the URL read a part";
  },
};

const lastProbes = {
  async delete({ store, prefix }: Trial) {
    await store.remove(prefix);
    expectEqual("what is left", (await store.list(prefix)).length, 0);
    return "the objects are gone";
  },
};

async function outcomeOf(operation: string, tried: () => Promise<string>): Promise<StoreCheck> {
  try {
    return { operation, ok: true, message: await tried() };
  } catch (thrown) {
    const hint = thrown instanceof WinnowError ? ` ${thrown.hint}` : "";
    return { operation, ok: false, message: `${thrown instanceof Error ? thrown.message : String(thrown)}${hint}` };
  }
}

async function grantFor(store: Store, key: string): Promise<{ url: string; headers: Record<string, string> }> {
  const sha256 = createHash("sha256").update(small).digest("hex");
  const grant = await store.presignPut?.(key, { bytes: small.length, sha256, expiresMs: grantMs });
  if (!grant) throw new Error("The store gives no URL.");
  return grant;
}

async function ask(url: string | undefined, request: RequestInit): Promise<Response> {
  if (!url) throw new Error("The store gives no URL.");
  try {
    return await fetch(url, { ...request, signal: AbortSignal.timeout(answerMs) });
  } catch (thrown) {
    const { origin } = new URL(url);
    throw new WinnowError("store.failed", `No answer from ${origin}.`, "Check the public endpoint.", thrown);
  }
}

async function refused(store: Store, key: string, status: number): Promise<string> {
  if (status >= 400 && (await store.stat(key)) === undefined) return `refused with ${status}`;
  throw new WinnowError(
    "store.failed",
    `The server took it with ${status}.`,
    "It does not check what was signed: let runners upload through the API.",
  );
}

function expectEqual(what: string, found: unknown, wanted: unknown): void {
  if (found !== wanted) throw new Error(`For ${what} the store gave ${String(found)} and not ${String(wanted)}.`);
}
