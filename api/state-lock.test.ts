import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { projectRoot } from "./root.ts";
import { lockState } from "./state-lock.ts";

const root = mkdtempSync(join(tmpdir(), "winnow-lock-"));
afterAll(() => rmSync(root, { recursive: true }));
const place = () => join(mkdtempSync(join(root, "case-")), "state");

/** A process that takes the lock and keeps it until it is ended. */
async function holder(path: string) {
  const module = pathToFileURL(join(projectRoot(), "api/state-lock.ts")).href;
  const script = `
    const { lockState } = await import(${JSON.stringify(module)});
    lockState(process.argv[1]).say({ pid: process.pid, url: "http://127.0.0.1:7480" });
    console.log("held");
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script, path], {
    cwd: projectRoot(),
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  return child;
}

describe("the lock of a state directory", () => {
  it("is held by one process, which is named to the next", async () => {
    const path = place();
    const child = await holder(path);
    try {
      expect(() => lockState(path)).toThrow(
        expect.objectContaining({
          code: "config.invalid",
          message: `The state at ${path} is in use by the server at http://127.0.0.1:7480 (process ${child.pid}).`,
        }),
      );
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  });

  it("is free again when its holder was killed", async () => {
    const path = place();
    const child = await holder(path);
    child.kill("SIGKILL");
    await once(child, "exit");
    lockState(path).release();
  });

  it("is free again when it was released, and keeps the directory to its owner", () => {
    const path = place();
    lockState(path).release();
    const second = lockState(path);
    expect(() => lockState(path)).toThrow(/in use by another process/);
    second.release();
    expect(statSync(path).mode & 0o777).toBe(0o700);
  });
});
