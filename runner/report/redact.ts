import { isSecretName, redacted, redactRequest, secretsOf, textRedactor } from "#contract/redact.ts";
import { Report } from "#contract/report.ts";

/** Fields that name things or are one of few words: a secret that reads like one of them tells nothing there. */
const exact = new Set([
  "kind",
  "verdict",
  "level",
  "code",
  "field",
  "method",
  "protocol",
  "scenario",
  "name",
  "bodySha256",
]);

/** Replaces secrets in all texts of a JSON document, and values whose names say that they are secret. */
export function redactJson(document: unknown, redact: (text: string) => string): unknown {
  if (typeof document === "string") return redact(document);
  if (Array.isArray(document)) return document.map((item) => redactJson(item, redact));
  if (typeof document !== "object" || document === null) return document;
  return Object.fromEntries(
    Object.entries(document).map(([key, value]) => {
      if (typeof value === "string" && isSecretName(key)) return [key, redacted];
      return [key, exact.has(key) ? value : redactJson(value, redact)];
    }),
  );
}

/** The report as anybody may see it. What names images, entries and packages stays: it comes from the image, not from the request. */
export function redactReport(report: Report): Report {
  const secrets = secretsOf(report.job.request);
  if (secrets.length === 0) return report;
  const redact = textRedactor(secrets);
  const { verdictReason, observation, warnings, job } = report;
  return Report.parse({
    ...report,
    job: { ...job, request: redactRequest(job.request) },
    verdictReason: verdictReason && redact(verdictReason),
    observation: redactJson(observation, redact),
    warnings: redactJson(warnings, redact),
  });
}
