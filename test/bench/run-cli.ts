import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { projectRoot } from "#api/root.ts";
import { Report } from "#contract/report.ts";

export type CliRun = { exitCode: number; report: Report | undefined; wallMs: number };

/**
 * Runs the command line as a user does, in a process of its own, with `--json` added: its document is parsed here, and
 * its progress goes where `progress` says. The report is missing when there was none; then the document, which names the
 * error, goes to standard error.
 */
export async function runCli(args: readonly string[], progress: "inherit" | "ignore"): Promise<CliRun> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [join(projectRoot(), "bin", "winnow"), ...args, "--json"], {
    stdio: ["ignore", "pipe", progress],
  });
  const [document, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
  const wallMs = performance.now() - startedAt;
  const report = Report.safeParse(parsed(document)).data;
  if (!report) process.stderr.write(document);
  return { exitCode: typeof code === "number" ? code : 1, report, wallMs };
}

function parsed(document: string): unknown {
  try {
    return JSON.parse(document);
  } catch {
    return undefined; // what is not JSON is shown as it is
  }
}
