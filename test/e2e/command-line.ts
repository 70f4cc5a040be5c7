import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { projectRoot } from "#api/root.ts";

export type Ran = { code: number | null; stdout: string; stderr: string };

/** Builds what `bin/winnow` runs. */
export function buildCommandLine(): void {
  execFileSync("npm", ["run", "--silent", "build"], { cwd: projectRoot(), stdio: "pipe" });
}

/** Starts the real command line with a state of its own. `sees` resolves when a text stands on its standard error. */
export function startWinnow(args: readonly string[], { statePath, host }: { statePath: string; host: string }) {
  const child = spawn(`${projectRoot()}/bin/winnow`, ["--state-path", statePath, "--host", host, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (more: string) => {
    stderr += more;
  });
  const stdout = text(child.stdout);
  const closed = once(child, "close");
  return {
    pid: child.pid ?? 0,
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    async sees(wanted: string): Promise<void> {
      while (!stderr.includes(wanted)) {
        if (child.exitCode !== null) throw new Error(`winnow ended without "${wanted}": ${stderr}`);
        await Promise.race([once(child.stderr, "data"), closed]);
      }
    },
    async ended(): Promise<Ran> {
      await closed;
      return { code: child.exitCode, stdout: await stdout, stderr };
    },
  };
}

export const runWinnow = (...how: Parameters<typeof startWinnow>): Promise<Ran> => startWinnow(...how).ended();
