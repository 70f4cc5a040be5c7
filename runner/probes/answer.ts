import { createHash } from "node:crypto";
import type { ExecProbe, HttpProbe, Probe } from "#contract/job.ts";
import type { Answer } from "#contract/report.ts";
import type { HttpOutcome } from "./http-probe.ts";
import { normalise } from "./normalise.ts";
import type { TcpOutcome } from "./tcp-probe.ts";

/** Length of `bodySample`, in UTF-16 units of the normalised text. */
export const sampleLength = 64 << 10;

type Body = Pick<Answer, "bodyBytes" | "bodySha256" | "bodySample">;

/**
 * A body as an answer holds it. Text is normalised first, so that its hash compares what the sample compares; anything
 * else is hashed as it is. `mask` are the container's own names, see `normalise`.
 */
export function bodyOf(body: Buffer, contentType: string | null, mask: readonly string[]): Body {
  const text = textOf(body, contentType);
  const normal = text === undefined ? undefined : normalise(text, mask);
  return {
    bodyBytes: body.length,
    bodySha256: createHash("sha256")
      .update(normal ?? body)
      .digest("hex"),
    bodySample: (normal ?? body.toString("utf8", 0, sampleLength)).slice(0, sampleLength),
  };
}

/** UTF-8 if it is that, Latin-1 if the type says text; undefined for what is not text. */
function textOf(body: Buffer, contentType: string | null): string | undefined {
  if (body.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return contentType && /^\s*text\/|[/+](json|xml|javascript)\b/i.test(contentType)
      ? body.toString("latin1")
      : undefined;
  }
}

/** The name of where a probe goes: `http://:8080/`, `POST https://:443/x`, `tcp :6379`, `exec redis-cli ping`. */
export function targetOf(probe: Probe, port: number | null, protocol: "http" | "https" = "http"): string {
  if (probe.kind === "exec" && probe.health) return "healthcheck";
  if (probe.kind === "exec") return `exec ${probe.argv.map(quoted).join(" ")}`;
  const at = `:${port ?? "?"}`;
  if (probe.kind === "tcp") return `tcp ${at}`;
  const url = `${probe.protocol ?? protocol}://${at}${probe.resource}`;
  return probe.method === "GET" ? url : `${probe.method} ${url}`;
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word);
}

const noBody: Body = { bodyBytes: 0, bodySha256: createHash("sha256").digest("hex"), bodySample: "" };

export function httpAnswer(
  scenario: string,
  probe: HttpProbe,
  port: number,
  outcome: HttpOutcome,
  mask: readonly string[],
): Answer {
  return {
    scenario,
    probe,
    target: targetOf(probe, port, outcome.protocol),
    status: outcome.status,
    contentType: outcome.contentType,
    exitCode: null,
    ...bodyOf(outcome.body, outcome.contentType, mask),
    error: outcome.error,
    durationMs: outcome.durationMs,
  };
}

/** `send` is what was sent in the end: a greeting of ours when the probe was the default one. */
export function tcpAnswer(
  scenario: string,
  port: number,
  send: string | undefined,
  outcome: TcpOutcome,
  mask: readonly string[],
): Answer {
  const probe: Probe = { kind: "tcp", port, send };
  return {
    scenario,
    probe,
    target: targetOf(probe, port),
    status: null,
    contentType: null,
    exitCode: null,
    ...bodyOf(outcome.body, null, mask),
    error: outcome.error,
    durationMs: outcome.durationMs,
  };
}

/** The body is stdout, then stderr: how the two interleave depends on time. */
export function execAnswer(
  scenario: string,
  probe: ExecProbe,
  result: { exitCode: number; stdout: Buffer; stderr: Buffer },
  durationMs: number,
  mask: readonly string[],
): Answer {
  return {
    scenario,
    probe,
    target: targetOf(probe, null),
    status: null,
    contentType: null,
    exitCode: result.exitCode,
    ...bodyOf(Buffer.concat([result.stdout, result.stderr]), null, mask),
    error: null,
    durationMs,
  };
}

/** The answer of a probe that got none. */
export function failedAnswer(
  scenario: string,
  probe: Probe,
  port: number | null,
  error: string,
  durationMs: number,
): Answer {
  return {
    scenario,
    probe,
    target: targetOf(probe, port),
    status: null,
    contentType: null,
    exitCode: null,
    ...noBody,
    error,
    durationMs,
  };
}
