import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { projectRoot } from "#api/root.ts";
import { Report } from "#contract/report.ts";

export type CliRun = { exitCode: number; report: Report | undefined; wallMs: number };

const Failure = z.object({ error: z.object({ code: z.string(), message: z.string(), hint: z.string() }) });

/**
 * Runs the command line as a user does, in a process of its own, with `--json` added, and reads its document; its progress
 * goes where `progress` says. A job that made no report has its error told on standard error. Throws when the document is
 * neither: then the bundle was not made from these sources.
 */
export async function runCli(args: readonly string[], progress: "inherit" | "ignore"): Promise<CliRun> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [join(projectRoot(), "bin", "winnow"), ...args, "--json"], {
    stdio: ["ignore", "pipe", progress],
  });
  const [document, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
  const wallMs = performance.now() - startedAt;
  const exitCode = typeof code === "number" ? code : 1;
  if (document === "" && exitCode !== 0) return { exitCode, report: undefined, wallMs };
  const content: unknown = JSON.parse(document);
  const failure = Failure.safeParse(content);
  if (failure.success) {
    const { message, hint } = failure.data.error;
    process.stderr.write(`error: ${message}\nhint:  ${hint}\n`);
    return { exitCode, report: undefined, wallMs };
  }
  const report = Report.safeParse(content);
  if (report.success) return { exitCode, report: report.data, wallMs };
  throw new Error(`the bundle's report is not one of these sources; npm run build\n${z.prettifyError(report.error)}`);
}
