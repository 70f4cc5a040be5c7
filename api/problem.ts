import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { ZodError } from "zod";
import { type ErrorCode, errors, WinnowError } from "#contract/error.ts";
import type { Problem } from "#contract/service/problem.ts";
import type { AppDeps } from "./app-deps.ts";
import type { AppEnv } from "./app-env.ts";

/** How long to wait before the same request may do better, when nothing better is known, ms. */
const retryAfterMs = 1000;

type Fault = NonNullable<Problem["errors"]>[number];

/** A request that does not fit its schema. */
export class InvalidRequest extends WinnowError {
  readonly faults: Fault[];
  constructor(faults: Fault[], code: ErrorCode = "request.invalid") {
    super(code, summarise(faults), "Correct what `errors` names; /docs describes each request.");
    this.faults = faults;
  }
}

/** A refusal that ends by itself after a time that is known. */
export class TryLater extends WinnowError {
  readonly afterMs: number;
  constructor(code: ErrorCode, message: string, hint: string, afterMs: number) {
    super(code, message, hint);
    this.afterMs = afterMs;
  }
}

/** For `defaultHook`: throws `request.invalid` for what a schema refused. */
export function refuseInvalid(result: { success: boolean; target: string; error?: ZodError }): void {
  if (!result.success && result.error) throw new InvalidRequest(faultsOf(result.target, result.error));
}

/** Every error becomes a problem document; what nobody foresaw is `internal`, with its details in the log alone. */
export function answerError(deps: AppDeps) {
  return (thrown: unknown, c: Context<AppEnv>): Response => {
    const error = toPublicError(thrown, c.req.path);
    const line = { requestId: c.var.requestId, method: c.req.method, path: c.req.path, code: error.code };
    if (errors[error.code].status < 500) deps.log.debug(line, "request refused");
    else if (passing.has(error.code)) deps.log.info(line, "request refused for now");
    else deps.log.error({ ...line, err: thrown }, "request failed");
    return answerProblem(c, error);
  };
}

/** Come and go by themselves while nothing is broken: a restart, a backup. */
const passing: ReadonlySet<ErrorCode> = new Set(["service.draining", "database.busy"]);

export function answerProblem(c: Context<AppEnv>, error: WinnowError): Response {
  const { status, retryable } = errors[error.code];
  const wait = error instanceof TryLater ? error.afterMs : retryable && status >= 500 ? retryAfterMs : undefined;
  const problem: Problem = {
    type: `/problems/${error.code}`,
    code: error.code,
    title: titleOf(error.code),
    status,
    detail: error.message,
    hint: error.hint,
    instance: c.req.path,
    ...(error instanceof InvalidRequest && { errors: error.faults }),
    requestId: c.var.requestId,
    ...(wait !== undefined && { retryAfterMs: wait }),
  };
  c.set("problem", error.code);
  c.header("content-type", "application/problem+json");
  if (wait !== undefined) c.header("retry-after", String(Math.max(1, Math.ceil(wait / 1000))));
  if (status === 401) c.header("www-authenticate", 'Bearer realm="winnow"');
  return c.body(JSON.stringify(problem), status as ContentfulStatusCode); // the catalogue has only statuses that carry a body
}

/** `job.not-found` as `Job not found`. */
export function titleOf(code: ErrorCode): string {
  const words = code.replaceAll(/[.-]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function notFound(path: string): WinnowError {
  return new WinnowError("route.not-found", `There is nothing at ${path}.`, "/docs lists all paths.");
}

function toPublicError(thrown: unknown, path: string): WinnowError {
  if (thrown instanceof WinnowError) return thrown.code === "internal" ? internal() : thrown;
  if (thrown instanceof HTTPException) return fromHttpException(thrown, path);
  if (isOfSqlite(thrown, "SQLITE_BUSY")) {
    const hint = "Try again in a second; if it lasts, see what else writes to the database.";
    return new WinnowError("database.busy", "Another process holds the database.", hint);
  }
  if (isOfSqlite(thrown, "SQLITE_FULL"))
    return new WinnowError("disk.full", "The server's disk is full.", "Free space where its state directory lies.");
  return internal();
}

function internal(): WinnowError {
  return new WinnowError("internal", "The server failed on this request.", "Report it with the request's id.");
}

/** What Hono itself throws: in its body parsers and validators. */
function fromHttpException({ status }: HTTPException, path: string): WinnowError {
  switch (status) {
    case 400:
      return new WinnowError("request.malformed", "The body is not JSON.", "Send one JSON document, in UTF-8.");
    case 404:
      return notFound(path);
    case 413:
      return new WinnowError("request.too-large", "The body is too large.", "Send less at a time.");
    case 415: {
      const hint = "Send JSON with the header `Content-Type: application/json`.";
      return new WinnowError("request.wrong-type", "The body is of a type that is not taken here.", hint);
    }
    default:
      return internal();
  }
}

/** A result code of SQLite in its variants, also below what drizzle wraps around it. */
function isOfSqlite(thrown: unknown, code: string): boolean {
  for (let at = thrown; at instanceof Error; at = at.cause)
    if ("code" in at && typeof at.code === "string" && at.code.startsWith(code)) return true;
  return false;
}

/** What a schema refused: of a body by JSON pointers, elsewhere by names. */
export function faultsOf(target: string, error: ZodError): Fault[] {
  return error.issues.slice(0, 50).map(({ path, message }) => ({
    pointer: target === "json" ? pointerTo(path) : path.map(String).join("."),
    detail: message,
  }));
}

/** RFC 6901. */
function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

function summarise(faults: Fault[]): string {
  const [first, ...more] = faults;
  if (!first) return "The request is not as it should be.";
  const rest = more.length > 0 ? ` (and ${more.length} more)` : "";
  return `${first.pointer || "The body"}: ${first.detail}${rest}`;
}
