import { type ErrorCode, errors, WinnowError } from "#contract/error.ts";
import { Problem } from "#contract/service/problem.ts";
import { logNextHeader } from "#contract/service/runner-protocol.ts";

/** A call that was not answered as it should be. `status` is null when there was no answer, or none of the API's. */
export class Refusal extends WinnowError {
  readonly status: number | null;
  readonly retryAfterMs: number | null;
  /** The log offset that the server wants, with `log.gap`. */
  readonly logNext: number | null;
  constructor(
    about: { code: ErrorCode; message: string; hint: string },
    {
      status = null,
      retryAfterMs = null,
      logNext = null,
    }: Partial<Pick<Refusal, "status" | "retryAfterMs" | "logNext">>,
    cause?: unknown,
  ) {
    super(about.code, about.message, about.hint, cause);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
    this.logNext = logNext;
  }
}

/** Whether the same call may succeed later: nobody answered, somebody was busy, or the server itself is at fault. */
export const isWorthRetrying = (thrown: unknown): boolean =>
  thrown instanceof Refusal &&
  (thrown.status === null || thrown.status >= 500 || [408, 425, 429].includes(thrown.status));

/** What a status means when whoever answered it speaks no problem documents (a proxy, another server). */
const codeOfStatus = (status: number): ErrorCode => {
  if (status >= 500) return "service.unreachable";
  const known: Partial<Record<number, ErrorCode>> = {
    401: "token.missing",
    403: "token.denied",
    408: "request.timeout",
    409: "lease.lost",
    413: "request.too-large",
    416: "log.gap",
    426: "protocol.too-old",
    429: "request.rate-limited",
  };
  return known[status] ?? "route.not-found";
};

/** Reads an answer that is no success. */
export async function refusalOf(response: Response, call: string): Promise<Refusal> {
  const { status } = response;
  const text = await response.text().catch(() => "");
  const facts = {
    status,
    retryAfterMs: retryAfterOf(response),
    logNext: numberIn(response.headers.get(logNextHeader)),
  };
  const problem = Problem.safeParse(parsed(text)).data;
  if (!problem) {
    const message = `${call} was answered with status ${status}, and not by a Winnow server.`;
    return new Refusal(
      { code: codeOfStatus(status), message, hint: "Check the server's address, and what stands before it." },
      facts,
    );
  }
  const { code, detail, hint } = problem;
  return new Refusal(
    { code, message: detail, hint },
    { ...facts, retryAfterMs: problem.retryAfterMs ?? facts.retryAfterMs },
  );
}

/** For what came back without an answer: a broken connection, a time-out, or text that is none of ours. */
export const unanswered = (call: string, thrown: unknown): Refusal =>
  new Refusal(
    {
      code: "service.unreachable",
      message: `${call} got no answer: ${reasonOf(thrown)}.`,
      hint: "Check that the server runs and can be reached from here.",
    },
    {},
    thrown,
  );

/** Whether the error is one that no later call of this runner will be spared. */
export const endsRunner = (thrown: unknown): boolean =>
  thrown instanceof Refusal && (thrown.status === 401 || thrown.status === errors["protocol.too-old"].status);

function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const { cause } = thrown; // fetch says "fetch failed", and why in the cause
  return cause instanceof Error ? cause.message || thrown.message : thrown.message;
}

/** Seconds or a date (RFC 9110, 10.2.3); null when there is none. */
function retryAfterOf({ headers }: Response): number | null {
  const value = headers.get("retry-after");
  if (value === null) return null;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, at - Date.now());
}

const numberIn = (text: string | null): number | null =>
  text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
