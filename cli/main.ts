import { readFileSync } from "node:fs";
import { connectEngine } from "#runner/docker/connect.ts";
import { sweep } from "#runner/docker/sweep.ts";
import { slim } from "#runner/pipeline.ts";
import { info } from "#runner/stages/info.ts";
import { byteArguments } from "./byte-args.ts";
import { loadConfig } from "./config.ts";
import { runCli } from "./program.ts";

// A reader that has seen enough (`winnow jobs | head -1`) is no fault.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

const args = byteArguments(process.argv.slice(2), () => readFileSync("/proc/self/cmdline"));
const exitCode = await runCli(args, {
  config: loadConfig(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  signals: process,
  exit: (code) => process.exit(code),
  backend: { connectEngine, sweep, slim, info },
  now: Date.now,
});
// Not left to an empty event loop: a kept connection to the engine would hold the process for its idle time.
process.exit(exitCode);
