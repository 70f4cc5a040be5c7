import { expect, it } from "vitest";
import { JobRequest } from "#contract/job.ts";
import { commandOf } from "../stages/instrument.ts";
import { asEdited, editedConfig, editWarnings } from "./edit-config.ts";
import type { ImageConfig } from "./source.ts";

const config: ImageConfig = {
  Entrypoint: ["/entry"],
  Cmd: ["serve"],
  Env: ["PATH=/bin", "A=1"],
  WorkingDir: "/srv",
  User: "www",
  ExposedPorts: { "80/tcp": {} },
  Volumes: { "/data": {} },
  Labels: { a: "1", b: "2" },
  StopSignal: "SIGINT",
  Healthcheck: { Test: ["CMD", "true"] },
};

const aRequest = (asked: Partial<Parameters<typeof JobRequest.decode>[0]>) =>
  JobRequest.parse({ image: "x", ...asked });
const edited = (asked: Parameters<typeof aRequest>[0]) => editedConfig(config, aRequest(asked));

it("changes nothing unless asked", () => {
  expect(edited({ scenarios: [{ cmd: ["x"], env: ["A=2"], user: "0" }], run: { expose: ["81"] } })).toEqual(config);
  expect(editedConfig({}, aRequest({}))).toEqual({});
});

it("adds, replaces and takes away", () => {
  const output = {
    cmd: ["run", "--all"],
    workdir: "/",
    env: ["A=2=3", "B=4"],
    expose: ["53/udp", "81"],
    volumes: ["/logs"],
    labels: ["c=3", "a=9"],
    removeEnv: ["PATH"],
    removeExpose: ["80"],
    removeVolumes: ["/data"],
    removeLabels: ["b"],
  };
  expect(edited({ output })).toEqual({
    ...config,
    Cmd: ["run", "--all"],
    WorkingDir: "/",
    Env: ["A=2=3", "B=4"],
    ExposedPorts: { "53/udp": {}, "81/tcp": {} },
    Volumes: { "/logs": {} },
    Labels: { a: "9", c: "3" },
  });
});

it("drops the command with a new entrypoint, as a Dockerfile does, and whole fields that become empty", () => {
  const { Cmd: _, ...rest } = config;
  expect(edited({ output: { entrypoint: ["/new"] } })).toEqual({ ...rest, Entrypoint: ["/new"] });
  expect(edited({ output: { entrypoint: ["/new"], cmd: ["go"] } })).toMatchObject({
    Entrypoint: ["/new"],
    Cmd: ["go"],
  });
  expect(edited({ output: { removeVolumes: ["/data"], cmd: [] } })).not.toHaveProperty("Volumes");
  expect(edited({ keep: { includeHealthcheck: false } })).not.toHaveProperty("Healthcheck");
});

it("keeps the overrides of the run that are named, and no others", () => {
  const given = {
    scenarios: [{ entrypoint: ["/other"], cmd: ["x"], env: ["A=2"], user: "0", workdir: "/tmp" }],
    run: { expose: ["81"], mounts: ["vol:/mnt:ro"] },
  };
  expect(edited({ ...given, output: { keepOverrides: ["cmd", "user"] } })).toEqual({
    ...config,
    Cmd: ["x"],
    User: "0",
  });
  expect(edited({ ...given, output: { keepOverrides: ["all"] } })).toEqual({
    ...config,
    Entrypoint: ["/other"],
    Cmd: ["x"],
    Env: ["PATH=/bin", "A=2"],
    WorkingDir: "/tmp",
    User: "0",
    ExposedPorts: { "80/tcp": {}, "81/tcp": {} },
    Volumes: { "/data": {}, "/mnt": {} },
  });
});

it.each([["all"], ["cmd"], ["entrypoint"], ["env", "cmd"], ["workdir", "user"]] as const)(
  "runs the slim image by its own config for what it holds, to the same effect: %s",
  (...keepOverrides) => {
    const whole = { entrypoint: ["/e"], cmd: ["c"], workdir: "/w", user: "u", env: ["A=9"] };
    for (const scenario of [whole, { cmd: ["c"] }, { entrypoint: ["/e"] }, {}]) {
      const request = aRequest({ scenarios: [scenario], output: { keepOverrides: [...keepOverrides] } });
      const [asked] = request.scenarios;
      if (!asked) throw new Error("a request has a scenario");
      const before = commandOf(config, asked);
      const after = commandOf(editedConfig(config, request), asEdited(asked, request.output));
      expect({ ...after, env: [] }).toEqual({ ...before, env: [] });
    }
  },
);

it("says which edits change nothing", () => {
  const output = {
    removeEnv: ["NONE", "A"],
    removeExpose: ["80", "81"],
    keepOverrides: ["label", "cmd", "all"] as const,
  };
  const request = aRequest({
    scenarios: [{ cmd: ["x"] }],
    output: { ...output, keepOverrides: [...output.keepOverrides] },
  });
  expect(editWarnings(config, request).map(({ text }) => text.replace(/ changes.*/, ""))).toEqual([
    "--remove-env NONE",
    "--remove-expose 81/tcp",
    "--image-overrides label",
  ]);
});

it.each([
  [{ output: { env: ["A=1"], removeEnv: ["A"] } }, "output.removeEnv.0"],
  [{ output: { expose: ["80"], removeExpose: ["80/tcp"] } }, "output.removeExpose.0"],
  [{ output: { volumes: ["/a/"], removeVolumes: ["/a"] } }, "output.removeVolumes.0"],
  [{ output: { labels: ["a=1", "a=2"] } }, "output.labels.1"],
  [{ output: { cmd: ["a"], keepOverrides: ["cmd"] } }, "output.keepOverrides"],
  [
    { scenarios: [{ cmd: ["a"] }, { name: "b", cmd: ["b"] }], output: { keepOverrides: ["all"] } },
    "output.keepOverrides",
  ],
])("refuses edits that contradict: %j", (asked, path) => {
  const parsed = JobRequest.safeParse({ image: "x", ...asked });
  expect(parsed.error?.issues.map((issue) => issue.path.join("."))).toEqual([path]);
});
