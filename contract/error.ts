/** The closed list of what can go wrong. Status, retry and blame live here and never at a call site. */
export const errors = {
  "request.invalid": { status: 422, retryable: false, blame: "request", exit: 2 },
  "request.malformed": { status: 400, retryable: false, blame: "request", exit: 2 },
  "request.timeout": { status: 408, retryable: true, blame: "request", exit: 1 },
  "request.too-large": { status: 413, retryable: false, blame: "request", exit: 2 },
  "request.wrong-type": { status: 415, retryable: false, blame: "request", exit: 2 },
  "request.out-of-range": { status: 416, retryable: false, blame: "request", exit: 2 },
  "request.rate-limited": { status: 429, retryable: true, blame: "request", exit: 1 },
  "idempotency.mismatch": { status: 422, retryable: false, blame: "request", exit: 2 },
  "token.missing": { status: 401, retryable: false, blame: "request", exit: 2 },
  "token.invalid": { status: 401, retryable: false, blame: "request", exit: 2 },
  "token.denied": { status: 403, retryable: false, blame: "request", exit: 2 },
  "route.not-found": { status: 404, retryable: false, blame: "request", exit: 2 },
  "method.not-allowed": { status: 405, retryable: false, blame: "request", exit: 2 },
  "protocol.too-old": { status: 426, retryable: false, blame: "system", exit: 1 },
  "config.invalid": { status: 500, retryable: false, blame: "system", exit: 2 },
  "job.not-found": { status: 404, retryable: false, blame: "request", exit: 2 },
  "job.wrong-state": { status: 409, retryable: false, blame: "request", exit: 1 },
  "report.not-found": { status: 404, retryable: false, blame: "request", exit: 1 },
  "artifact.not-found": { status: 404, retryable: false, blame: "request", exit: 1 },
  "artifact.mismatch": { status: 422, retryable: true, blame: "system", exit: 1 },
  "image.unknown": { status: 404, retryable: false, blame: "request", exit: 1 },
  "runner.not-found": { status: 404, retryable: false, blame: "request", exit: 2 },
  "runner.busy": { status: 409, retryable: false, blame: "request", exit: 1 },
  "token.not-found": { status: 404, retryable: false, blame: "request", exit: 2 },
  "token.last": { status: 409, retryable: false, blame: "request", exit: 1 },
  "entry.not-found": { status: 404, retryable: false, blame: "request", exit: 2 },
  "image.not-found": { status: 404, retryable: false, blame: "request", exit: 1 },
  "image.pull-failed": { status: 502, retryable: true, blame: "request", exit: 1 },
  "image.nothing-to-run": { status: 422, retryable: false, blame: "image", exit: 1 },
  "image.wrong-platform": { status: 422, retryable: false, blame: "image", exit: 1 },
  "image.unsupported": { status: 422, retryable: false, blame: "image", exit: 1 },
  "app.start-failed": { status: 422, retryable: false, blame: "image", exit: 1 },
  "app.exited": { status: 422, retryable: false, blame: "image", exit: 1 },
  "app.never-listened": { status: 422, retryable: false, blame: "image", exit: 1 },
  "probe.failed": { status: 422, retryable: false, blame: "image", exit: 1 },
  "observation.incomplete": { status: 500, retryable: true, blame: "system", exit: 1 },
  "observation.empty": { status: 422, retryable: false, blame: "image", exit: 1 },
  "result.not-smaller": { status: 422, retryable: false, blame: "image", exit: 3 },
  "fidelity.lost": { status: 500, retryable: false, blame: "system", exit: 4 },
  "verify.failed": { status: 422, retryable: false, blame: "image", exit: 4 },
  "limit.exceeded": { status: 422, retryable: false, blame: "image", exit: 1 },
  "disk.full": { status: 507, retryable: true, blame: "system", exit: 1 },
  "docker.unavailable": { status: 503, retryable: true, blame: "system", exit: 5 },
  "docker.failed": { status: 502, retryable: true, blame: "system", exit: 1 },
  "job.canceled": { status: 409, retryable: false, blame: "request", exit: 130 },
  "job.expired": { status: 409, retryable: false, blame: "system", exit: 1 },
  "job.poisonous": { status: 409, retryable: false, blame: "image", exit: 1 },
  "log.gap": { status: 416, retryable: true, blame: "system", exit: 1 },
  "runner.lost": { status: 409, retryable: true, blame: "system", exit: 1 },
  "service.unreachable": { status: 503, retryable: true, blame: "system", exit: 5 },
  "service.draining": { status: 503, retryable: true, blame: "system", exit: 5 },
  "database.busy": { status: 503, retryable: true, blame: "system", exit: 1 },
  "database.damaged": { status: 500, retryable: false, blame: "system", exit: 1 },
  "lease.lost": { status: 409, retryable: false, blame: "system", exit: 1 },
  "store.failed": { status: 503, retryable: true, blame: "system", exit: 1 },
  "database.newer": { status: 500, retryable: false, blame: "system", exit: 1 },
  internal: { status: 500, retryable: false, blame: "system", exit: 1 },
} as const satisfies Record<string, ErrorKind>;

type ErrorKind = { status: number; retryable: boolean; blame: "request" | "image" | "system"; exit: number };
export type ErrorCode = keyof typeof errors;

/** An error whose `message` (what happened to what) and `hint` (what to do now) may be shown to anyone; `cause` is for the log. */
export class WinnowError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;
  constructor(code: ErrorCode, message: string, hint: string, cause?: unknown) {
    super(message, { cause });
    this.name = "WinnowError";
    this.code = code;
    this.hint = hint;
  }
}

/** Turns whatever was thrown into a WinnowError, so that the two places that catch have one shape to handle. */
export function asWinnowError(thrown: unknown): WinnowError {
  if (thrown instanceof WinnowError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new WinnowError("internal", message, "This is a fault of Winnow: report it with the job's log.", thrown);
}
