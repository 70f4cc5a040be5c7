import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { createRoute } from "@hono/zod-openapi";
import { WinnowError } from "#contract/error.ts";
import { ArtifactName, ArtifactOffer, ArtifactTicket } from "#contract/service/runner-protocol.ts";
import type { AppDeps } from "../../app-deps.ts";
import { asAttempt } from "../../auth/attempt.ts";
import { assertHeld } from "../../db/assert-held.ts";
import { commitUpload } from "../../db/commit-upload.ts";
import type { Held } from "../../db/held-by.ts";
import { findUpload, offerUpload, type Upload } from "../../db/offer-upload.ts";
import { logName } from "../../logs/seal-log.ts";
import { assertStored, exactly, mismatch } from "../../store/exactly.ts";
import { artifactKey } from "../../store/key.ts";
import { answer, jsonBody, type Routes } from "../route.ts";
import { AttemptParams, attemptPath, attemptRefusals } from "./attempt.ts";
import { binary } from "./binary.ts";

/** How long a ticket is good: 5 GiB over 20 Mbit/s are half an hour. */
const ticketMs = 3_600_000;

const NamedParams = AttemptParams.extend({ name: ArtifactName });

/** `POST …/artifacts`: says where the bytes of an artifact may go. */
export function addOfferArtifact(routes: Routes, deps: AppDeps): void {
  const route = createRoute({
    method: "post",
    path: `${attemptPath}/artifacts`,
    tags: ["attempts"],
    summary: "Offer an artifact",
    description: "The answer is a PUT of exactly these bytes: to the store itself, or to this API.",
    ...asAttempt(deps),
    request: {
      params: AttemptParams,
      body: jsonBody(ArtifactOffer, { name: "report.json", bytes: 20_480, sha256: "c".repeat(64) }),
    },
    responses: {
      200: answer(ArtifactTicket, "Where to, and until when.", {
        url: "/api/v1/attempts/job_01m2q4x9z3f8d6sk/1/artifacts/report.json",
        headers: { "content-type": "application/octet-stream" },
        expiresAt: 1_795_003_600_000,
      }),
      ...attemptRefusals(["store.failed"], { hasBody: true }),
    },
  });
  routes.openapi(route, async (c) => {
    const offer = c.req.valid("json");
    if (offer.name === logName) throw reserved();
    const upload = offerUpload(deps.db, c.var.held, { ...offer, now: deps.now() });
    const own = {
      url: `${c.req.path}/${offer.name}`,
      headers: { "content-type": "application/octet-stream" },
    };
    const theirs = await deps.store.presignPut?.(keyOf(upload), { ...offer, expiresMs: ticketMs });
    return c.json({ ...(theirs ?? own), expiresAt: deps.now() + ticketMs }, 200);
  });
}

/** `PUT …/artifacts/NAME`: the bytes, where the store cannot presign. What is stored of them is right, or not there. */
export function addPutArtifact(routes: Routes, deps: AppDeps): void {
  const route = createRoute({
    method: "put",
    path: `${attemptPath}/artifacts/{name}`,
    tags: ["attempts"],
    summary: "Send the bytes of an artifact",
    ...asAttempt(deps),
    request: { params: NamedParams, body: binary },
    responses: {
      204: { description: "They are stored." },
      ...attemptRefusals(["artifact.not-found", "artifact.mismatch", "disk.full", "store.failed"], { hasBody: true }),
    },
  });
  routes.openapi(route, async (c) => {
    const { held } = c.var;
    assertHeld(deps.db, held); // before the store is bothered
    const upload = findUpload(deps.db, held, c.req.valid("param").name);
    const length = c.req.header("content-length");
    if (length !== undefined && Number(length) !== upload.bytes)
      throw mismatch(upload.name, `there are ${length} bytes of ${upload.bytes}`);
    // The web's and Node's types of the same stream differ.
    const source = c.req.raw.body ? Readable.fromWeb(c.req.raw.body as ReadableStream) : Readable.from([]);
    await deps.store.put(
      keyOf(upload),
      exactly(source, upload, () => assertStillOffered(deps, held, upload)),
    );
    commitUpload(deps.db, held, { ...upload, now: deps.now() });
    return c.body(null, 204);
  });
}

/** `POST …/artifacts/NAME/commit`: the bytes are where they belong. */
export function addCommitArtifact(routes: Routes, deps: AppDeps): void {
  const route = createRoute({
    method: "post",
    path: `${attemptPath}/artifacts/{name}/commit`,
    tags: ["attempts"],
    summary: "Commit an artifact",
    ...asAttempt(deps),
    request: { params: NamedParams },
    responses: {
      204: { description: "The store has exactly what was offered." },
      ...attemptRefusals(["artifact.not-found", "artifact.mismatch", "store.failed"]),
    },
  });
  routes.openapi(route, async (c) => {
    const { held } = c.var;
    assertHeld(deps.db, held); // before the store is bothered
    const upload = findUpload(deps.db, held, c.req.valid("param").name);
    if (upload.committedAt === null) {
      await assertStored(deps.store, keyOf(upload), upload);
      commitUpload(deps.db, held, { ...upload, now: deps.now() });
    }
    return c.body(null, 204);
  });
}

function keyOf({ jobId, attempt, name }: Upload): string {
  return artifactKey(jobId, attempt, name);
}

/** A sender that was slow must not replace what was offered, or even named in the job's result, since. */
function assertStillOffered({ db }: AppDeps, held: Held, { name, bytes, sha256 }: Upload): void {
  assertHeld(db, held);
  const now = findUpload(db, held, name);
  if (now.bytes !== bytes || now.sha256 !== sha256) throw mismatch(name, "another offer replaced it meanwhile");
}

function reserved(): WinnowError {
  const hint = `Send the log to …/log; it becomes ${logName} when the attempt ends.`;
  return new WinnowError("request.invalid", `${logName} is the attempt's log.`, hint);
}
