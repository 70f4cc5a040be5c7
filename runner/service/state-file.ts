import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { WinnowError } from "#contract/error.ts";

/** What a runner remembers: who it is, and the token that a server gave it. For its owner alone. */
export const RunnerState = z.strictObject({
  systemId: z.uuid(),
  /** Null before the first registration. `url` is the server that gave the token: no other gets to see it. */
  registered: z.strictObject({ url: z.string(), runnerId: z.string(), token: z.string() }).nullable(),
});
export type RunnerState = z.infer<typeof RunnerState>;

const pathIn = (directory: string): string => join(directory, "runner.json");

/** Reads `runner.json`; makes it when there is none. Throws `config.invalid`. */
export function readState(directory: string): RunnerState {
  const path = pathIn(directory);
  try {
    return RunnerState.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") {
      const fresh: RunnerState = { systemId: randomUUID(), registered: null };
      writeState(directory, fresh);
      return fresh;
    }
    throw unusable(path, thrown);
  }
}

/** Writes it whole or not at all: half a file would be a runner that has forgotten who it is. */
export function writeState(directory: string, state: RunnerState): void {
  const path = pathIn(directory);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(`${path}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600, flush: true });
    renameSync(`${path}.new`, path);
  } catch (thrown) {
    throw unusable(path, thrown);
  }
}

const unusable = (path: string, thrown: unknown): WinnowError =>
  new WinnowError(
    "config.invalid",
    `The runner's state at ${path} cannot be used: ${thrown instanceof z.ZodError ? "it is not what a runner writes" : thrown instanceof Error ? thrown.message : thrown}.`,
    "Name a directory that this user may write with --state-path, or remove the file: the runner registers again.",
    thrown,
  );
