import type { Answer, Difference } from "#contract/report.ts";
import { sampleLength } from "./answer.ts";
import { bodyDifferences, pathOf } from "./compare-body.ts";

/**
 * What the slim image answered differently, in the fat answers' order, then what it answered besides. Answers belong
 * together by scenario, target (http or https alike) and probe; of equal probes the first to the first. Status, content
 * type, exit code, error and body (normalised; JSON by its values) are compared; what `noise` names is left out. A 5xx from
 * both is equal here.
 */
export function compareAnswers(
  fat: readonly Answer[],
  slim: readonly Answer[],
  noise: readonly Difference[] = [],
): Difference[] {
  const left = new Map<string, Answer[]>();
  for (const answer of slim) {
    const key = keyOf(answer);
    left.set(key, [...(left.get(key) ?? []), answer]);
  }
  const found = fat.flatMap((answer) => {
    const other = left.get(keyOf(answer))?.shift();
    return other ? differences(answer, other) : [differ(answer, "missing", summary(answer), "no answer")];
  });
  const extra = [...left.values()].flat().map((answer) => differ(answer, "extra", "no answer", summary(answer)));
  const isNoise = noiseFilter(noise);
  return [...found, ...extra].filter((difference) => !isNoise(difference));
}

/** The differences between two runs of the fat image: what they name means nothing in a comparison. */
export function noiseOf(first: readonly Answer[], second: readonly Answer[]): Difference[] {
  return compareAnswers(first, second);
}

/** The scheme is not part of it: an answer over http where there was https is an error or a status, not another probe. */
function keyOf({ scenario, target, probe }: Answer): string {
  return JSON.stringify([scenario, withoutScheme(target), probe]);
}

function withoutScheme(target: string): string {
  return target.replace(/^([A-Z]+ )?https?:/, "$1http:");
}

function differ(answer: Answer, field: Difference["field"], fat: string, slim: string): Difference {
  return { scenario: answer.scenario, target: answer.target, field, fat, slim };
}

function summary({ status, exitCode, error, bodyBytes }: Answer): string {
  const what =
    error ?? (status === null ? (exitCode === null ? "answer" : `exit code ${exitCode}`) : `status ${status}`);
  return `${what}, ${bodyBytes} bytes`;
}

function differences(fat: Answer, slim: Answer): Difference[] {
  const found: Difference[] = [];
  if (fat.error !== slim.error)
    found.push(differ(fat, "error", fat.error ?? summary(fat), slim.error ?? summary(slim)));
  // Without an answer there are no fields to compare: the error has said it all.
  if (isFailure(fat) || isFailure(slim)) return found;
  if (fat.status !== slim.status) found.push(differ(fat, "status", String(fat.status), String(slim.status)));
  if (fat.exitCode !== slim.exitCode) found.push(differ(fat, "exit", String(fat.exitCode), String(slim.exitCode)));
  if (mediaType(fat.contentType) !== mediaType(slim.contentType)) {
    found.push(differ(fat, "content-type", fat.contentType ?? "none", slim.contentType ?? "none"));
  }
  // What a health check writes (a meter, a duration) is for people; its exit code is what it says.
  if (fat.probe.kind === "exec" && fat.probe.health) return found;
  // A body that was cut off by an error ends anywhere.
  if (fat.error === null && slim.error === null) {
    for (const { fat: a, slim: b } of bodyDifferences(bodyOf(fat), bodyOf(slim))) found.push(differ(fat, "body", a, b));
  }
  return found;
}

function isFailure({ error, status, exitCode }: Answer): boolean {
  return error !== null && status === null && exitCode === null;
}

function bodyOf(answer: Answer) {
  return {
    sha256: answer.bodySha256,
    bytes: answer.bodyBytes,
    sample: answer.bodySample,
    whole: answer.bodySample.length < sampleLength,
    text: !answer.bodySample.includes("\ufffd") && !answer.bodySample.includes("\0"),
  };
}

/** Type, subtype and charset in lower case; other parameters (a multipart boundary) are not compared. RFC 9110, 8.3.1. */
function mediaType(contentType: string | null): string {
  if (contentType === null) return "";
  const [type = "", ...parameters] = contentType.toLowerCase().split(";");
  const charset = parameters
    .map((parameter) => /^\s*charset\s*=\s*"?([^"\s]*)"?\s*$/.exec(parameter)?.[1])
    .find(Boolean);
  return charset ? `${type.trim()};${charset}` : type.trim();
}

function noiseFilter(noise: readonly Difference[]): (difference: Difference) => boolean {
  const fields = new Set<string>();
  const key = ({ scenario, target, field }: Difference, path: string | null) =>
    JSON.stringify([scenario, withoutScheme(target), field, path]);
  for (const one of noise) fields.add(key(one, one.field === "body" ? pathOf(one.fat) : null));
  return (difference) => {
    if (fields.has(key(difference, null))) return true;
    return difference.field === "body" && fields.has(key(difference, pathOf(difference.fat)));
  };
}
