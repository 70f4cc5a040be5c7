import { EventEmitter } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, it } from "vitest";
import { FakeServer } from "#runner/service/fake-server.ts";
import { anEngine, until } from "#runner/service/runner.builder.ts";
import { runCli } from "../program.ts";
import type { World } from "../world.ts";
import { exitCodeOf } from "./runner.ts";

let server: FakeServer;
let statePath: string;
beforeEach(async () => {
  server = await new FakeServer().open();
  statePath = mkdtempSync(join(tmpdir(), "winnow-runner-cli-"));
});
afterEach(async () => {
  await server.close();
  rmSync(statePath, { recursive: true });
});

/** A command line whose engine only says that it is there. */
function aCommandLine(env: Record<string, string> = {}) {
  const said: string[] = [];
  const output = { write: (text: string) => said.push(text) > 0 };
  const engine = {
    ...anEngine(),
    docker: {
      info: async () => ({}),
      listContainers: none,
      listNetworks: none,
      listVolumes: async () => ({}),
      listImages: none,
    },
  };
  const signals = new EventEmitter();
  const world = {
    ...{ signals, stdin: new PassThrough(), stdout: output, stderr: output, exit: () => {}, now: Date.now },
    config: { statePath, isColorWanted: false, env },
    backend: { connectEngine: async () => engine },
  } as unknown as World; // what a runner without jobs does not touch is left out
  return { run: (...args: string[]) => runCli(["runner", ...args], world), signals, said };
}
const none = async () => [];

it("a runner that is asked to end drains, and ends with 0", async () => {
  const { run, signals, said } = aCommandLine({ WINNOW_TOKEN: "wreg_1" });
  const ended = run("--server", `${server.url}/`, "--labels", "zone=b", "--slots", "2", "--disk-floor", "0");
  await until("it claims", () => server.count("claim") > 0);
  expect(server.seen.find(({ step }) => step === "register")).toMatchObject({
    token: "wreg_1",
    body: { labels: { zone: "b" }, slots: 2 },
  });
  signals.emit("SIGTERM");
  expect(await ended).toBe(0);
  expect(signals.listenerCount("SIGTERM")).toBe(0);
  const lines = said.join("").trimEnd().split("\n");
  // With heartbeats of moments a busy machine misses one now and then.
  const told = lines.map((line) => JSON.parse(line).msg).filter((text) => text !== "heartbeat failed");
  expect(told).toEqual(["registered", "ready for jobs", "draining"]);
});

it("wrong settings are told all at once, with 2", async () => {
  const { run, said } = aCommandLine();
  expect(await run("--slots", "0")).toBe(2);
  expect(said.join("")).toMatch(/WINNOW_SERVER: is missing[\s\S]*--slots "0"/);
});

it("a server that refuses the token ends it with 2, one that is too new with 1", async () => {
  for (const [code, exit] of [
    ["token.missing", 2],
    ["protocol.too-old", 1],
  ] as const) {
    server.fate = () => ({ code });
    const { run, said } = aCommandLine({ WINNOW_TOKEN: "wreg_1" });
    expect(await run("--server", server.url)).toBe(exit);
    expect(said.join("")).toContain(`It said ${code}.`);
  }
});

it("a job that was left behind is no success", () => {
  expect(exitCodeOf({ left: 1, error: null })).toBe(1);
  expect(exitCodeOf({ left: 0, error: null })).toBe(0);
});
