import type { ApiSpecs, HttpProbe } from "#contract/job.ts";
import { type Found, holdPages, type Page, type SendPage } from "../page.ts";
import { parseApiDocument } from "./document.ts";
import { requestsOf } from "./requests.ts";

/** Where frameworks serve their documents: FastAPI, springdoc, Swashbuckle, NestJS, Quarkus, SmallRye, drf-spectacular, Springfox, go-swagger. */
const wellKnown = [
  "/openapi.json",
  "/openapi.yaml",
  "/openapi.yml",
  "/swagger.json",
  "/swagger.yaml",
  "/v3/api-docs",
  "/v2/api-docs",
  "/swagger/v1/swagger.json",
  "/api-docs",
  "/api-docs.json",
  "/api-json",
  "/api/openapi.json",
  "/api/swagger.json",
  "/api/schema/",
  "/q/openapi",
  "/openapi",
];

/** `endsAt` is when to stop, on the clock of `performance`. */
type Calling = { asked: ApiSpecs; pages: readonly Page[]; send: SendPage; endsAt: number };

type Place = { port: number; protocol: "http" | "https" };

/**
 * Fetches the documents that the application serves on the ports that have answered, and sends one request for each of
 * their operations, in order. Looks at well-known paths only where no named document was found. A document that was asked
 * for and is none is a warning.
 */
export async function callApiSpecs({ asked, pages, send, endsAt }: Calling): Promise<Found> {
  const held = holdPages<Found["pages"][number]>();
  const found: Found = { pages: held.pages, warnings: [] };
  const warn = (code: string, text: string) => void found.warnings.push({ code, text });
  const places = placesOf(pages);
  const unfound = new Set(asked.documents.map(({ resource }) => resource));
  let isAnyFound = false;
  for (const place of places) {
    let hasDocument = false;
    for (const { resource, prefix } of asked.documents) {
      const fetched = await fetchDocument(place, resource, send);
      if (!fetched) continue;
      hasDocument = true;
      unfound.delete(resource);
      await callAll({ place, ...fetched, prefix }, asked, { held, send, warn, endsAt });
    }
    for (const resource of asked.wellKnown && !hasDocument ? wellKnown : []) {
      const fetched = await fetchDocument(place, resource, send);
      if (!fetched) continue;
      hasDocument = true;
      await callAll({ place, ...fetched }, asked, { held, send, warn, endsAt });
      break;
    }
    isAnyFound ||= hasDocument;
  }
  const missed = [...unfound, ...(asked.wellKnown && !isAnyFound ? ["the well-known paths"] : [])];
  if (missed.length > 0) {
    const why =
      places.length === 0 ? "no port answered over HTTP" : `no OpenAPI 2 or 3 document is at ${missed.join(", ")}`;
    warn("api-spec.not-found", `Operations of the API were not called: ${why}.`);
  }
  return found;
}

/** The ports that speak HTTP, in the order in which they answered. */
function placesOf(pages: readonly Page[]): Place[] {
  const places = new Map<number, Place>();
  for (const { port, outcome } of pages) {
    if (outcome.status !== null && !places.has(port)) places.set(port, { port, protocol: outcome.protocol });
  }
  return [...places.values()];
}

type Fetched = { page: Awaited<ReturnType<SendPage>>; document: NonNullable<ReturnType<typeof parseApiDocument>> };

async function fetchDocument(
  { port, protocol }: Place,
  resource: string,
  send: SendPage,
): Promise<Fetched | undefined> {
  const page = await send({ kind: "http", protocol, method: "GET", resource, port, headers: [] }, port);
  const document = page.outcome.status === 200 ? parseApiDocument(page.outcome.body.toString("utf8")) : undefined;
  return document && { page, document };
}

type Sending = Pick<Calling, "send" | "endsAt"> & {
  held: ReturnType<typeof holdPages<Found["pages"][number]>>;
  warn(code: string, text: string): void;
};

async function callAll(
  { place, page, document, prefix }: Fetched & { place: Place; prefix?: string },
  { mutating, maxRequests }: ApiSpecs,
  { held, send, warn, endsAt }: Sending,
): Promise<void> {
  held.hold(page);
  const left = Math.max(0, maxRequests - held.pages.length + 1);
  const requests = requestsOf(document, { prefix, mutating, maxRequests: left });
  let unanswered = 0;
  for (const [index, probe] of requests.probes.entries()) {
    if (performance.now() >= endsAt || held.isFull()) {
      requests.over += requests.probes.length - index;
      break;
    }
    const placed: HttpProbe = { ...probe, ...place };
    const sent = await send(placed, place.port);
    if (sent.answer.error === null) held.hold(sent);
    else unanswered++;
  }
  const at = `${page.probe.resource} on port ${place.port}`;
  if (requests.mutating > 0) {
    const text = `${requests.mutating} operations of ${at} may change something and were not called (--http-probe-apispec-mutating).`;
    warn("api-spec.mutating", text);
  }
  if (requests.over > 0)
    warn(
      "api-spec.bounded",
      `${requests.over} operations of ${at} were not called: there are too many, their answers are too long, or the time was over.`,
    );
  if (requests.unusable > 0) warn("api-spec.unusable", `${requests.unusable} operations of ${at} cannot be called.`);
  if (unanswered > 0) warn("api-spec.unanswered", `${unanswered} operations of ${at} gave no whole answer.`);
}
