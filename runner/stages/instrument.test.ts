import { describe, expect, test } from "vitest";
import { JobRequest, Scenario } from "#contract/job.ts";
import type { ImageConfig } from "../image/source.ts";
import {
  bare,
  commandOf,
  filesServer,
  guardedPlace,
  relaySidecar,
  sensorPlace,
  tracerEnder,
  underSensor,
  volumesOf,
  withReadOnlyRoot,
  withVolumesFrom,
} from "./instrument.ts";

const key = "00112233445566778899aabbccddeeff";
const place = guardedPlace("0a1b2c", key);
const config: ImageConfig = {
  Entrypoint: ["/entry"],
  Cmd: ["serve"],
  User: "app",
  WorkingDir: "/srv",
  Env: ["PATH=/bin"],
  Volumes: { "/data": {} },
  ExposedPorts: { "80/tcp": {} },
  Healthcheck: { Test: ["CMD", "true"] },
};
const subject = { image: "sha256:feed", config };
const aScenario = (change: object = {}): Scenario => Scenario.parse(change);
const aRequest = (change: object = {}): JobRequest => JobRequest.parse({ image: "app:1", ...change });

/** What is the same for every run of the image's own code. A change here is a change of what an image may do to a host. */
const isolation = {
  NetworkMode: "none",
  Binds: [],
  ExtraHosts: [],
  Dns: [],
  DnsSearch: [],
  Links: [],
  Memory: 2 * 2 ** 30,
  MemorySwap: 2 * 2 ** 30,
  NanoCpus: 2_000_000_000,
  PidsLimit: 2048,
  Privileged: false,
  LogConfig: { Type: "none", Config: {} },
};

/** What is the same for every container in which only our own program runs. */
const helperIsolation = {
  CapDrop: ["ALL"],
  Memory: 512 * 2 ** 20,
  PidsLimit: 16,
  Privileged: false,
  LogConfig: { Type: "none", Config: {} },
};
const tmpfs = { Type: "tmpfs", Target: "/data", Source: "", ReadOnly: false };
const helper = {
  Image: "sha256:feed",
  User: "0:0",
  WorkingDir: "/",
  Tty: false,
  AttachStdin: true,
  AttachStdout: true,
  AttachStderr: true,
  OpenStdin: true,
  StdinOnce: true,
  Healthcheck: { Test: ["NONE"] },
};

describe("every option of a container", () => {
  test("that runs the image under the sensor", () => {
    expect(underSensor(subject, aRequest(), aScenario(), place, 15)).toEqual({
      Image: "sha256:feed",
      Hostname: "winnow",
      WorkingDir: "/srv",
      ExposedPorts: {},
      Tty: false,
      AttachStdout: true,
      AttachStderr: true,
      OpenStdin: false,
      Healthcheck: { Test: ["NONE"] },
      User: "0:0",
      Env: [`WINNOW_SENSOR_KEY=${key}`],
      Entrypoint: ["/.winnow-0a1b2c-program/sensor"],
      Cmd: [
        "observe",
        ...["--dir", "/.winnow-0a1b2c", "--name", "events", "--user", "app", "--caps", "a80425fb"],
        ...["--set-home", "--hide", "/.winnow-0a1b2c-program", "--kill-uncaught", "15", "--", "/entry", "serve"],
      ],
      HostConfig: {
        ...isolation,
        Mounts: [{ Type: "volume", Source: "winnow-0a1b2c", Target: "/.winnow-0a1b2c-program", ReadOnly: true }],
        CapAdd: ["SYS_ADMIN", "SYS_PTRACE"],
      },
    });
  });

  test("that runs the image as it is", () => {
    expect(bare(subject, aRequest(), aScenario())).toEqual({
      Image: "sha256:feed",
      Hostname: "winnow",
      WorkingDir: "/srv",
      ExposedPorts: {},
      Tty: false,
      AttachStdout: true,
      AttachStderr: true,
      OpenStdin: false,
      Healthcheck: { Test: ["NONE"] },
      User: "app",
      Env: [],
      HostConfig: isolation,
    });
  });

  test("whose root cannot be written: its events go to a volume, and /tmp and /run are free unless they are taken", () => {
    const readOnly = guardedPlace("0a1b2c", key, true);
    const spec = underSensor(subject, aRequest(), aScenario(), readOnly, 15);
    const mounts = [
      { Type: "volume", Source: "winnow-0a1b2c", Target: "/.winnow-0a1b2c-program", ReadOnly: true },
      { Type: "volume", Source: "winnow-0a1b2c-events", Target: "/.winnow-0a1b2c", ReadOnly: false },
    ];
    expect(withReadOnlyRoot(spec, config)).toEqual({
      ...spec,
      HostConfig: { ...spec.HostConfig, Mounts: mounts, ReadonlyRootfs: true, Tmpfs: { "/tmp": "", "/run": "" } },
    });
    const taken = underSensor(subject, aRequest({ run: { mounts: ["state:/run"] } }), aScenario(), readOnly, 15);
    expect(withReadOnlyRoot(taken, { Volumes: { "/tmp": {} } }).HostConfig?.Tmpfs).toEqual({});
    expect(volumesOf(readOnly)).toEqual(["winnow-0a1b2c", "winnow-0a1b2c-events"]);
    expect(volumesOf(sensorPlace("0a1b2c", key))).toEqual([]);
  });

  test("that starts again on the volumes of another", () => {
    const spec = bare(subject, aRequest(), aScenario());
    expect(withVolumesFrom(spec, undefined)).toEqual(spec);
    expect(withVolumesFrom(spec, "c0ffee")).toEqual({ ...spec, HostConfig: { ...isolation, VolumesFrom: ["c0ffee"] } });
  });

  test("that serves the image's files", () => {
    expect(filesServer(subject, sensorPlace("0a1b2c", key))).toEqual({
      ...helper,
      Entrypoint: ["/.winnow-0a1b2c/sensor"],
      Cmd: ["files", "--umount"],
      HostConfig: {
        ...helperIsolation,
        Mounts: [tmpfs],
        NetworkMode: "none",
        CapAdd: ["SYS_ADMIN", "DAC_READ_SEARCH", "DAC_OVERRIDE"],
      },
    });
  });

  test("that relays into a network, which fills the volume that its target reads", () => {
    expect(relaySidecar(subject, place, "c0ffee")).toEqual({
      ...helper,
      Entrypoint: ["/.winnow-0a1b2c-program/sensor"],
      Cmd: ["relay"],
      HostConfig: {
        ...helperIsolation,
        Mounts: [
          tmpfs,
          { Type: "volume", Source: "winnow-0a1b2c", Target: "/.winnow-0a1b2c-program", ReadOnly: false },
        ],
        NetworkMode: "container:c0ffee",
      },
    });
  });

  test("that ends tracers", () => {
    const options = tracerEnder(subject, place, "c0ffee");
    expect(options).toMatchObject({ ...helper, Cmd: ["release"] });
    expect({ ...options.HostConfig, Mounts: [] }).toEqual({
      ...helperIsolation,
      Mounts: [],
      NetworkMode: "none",
      PidMode: "container:c0ffee",
      CapAdd: ["KILL"],
    });
  });

  test("follows what the request and the scenario ask for", () => {
    const request = aRequest({
      run: {
        network: "shop",
        hostname: "shop-1",
        etcHosts: ["db:10.0.0.2"],
        dns: ["10.0.0.3"],
        dnsSearch: ["shop.test"],
        links: ["db"],
        expose: ["9000", "53/udp"],
        mounts: ["seed:/seed:ro"],
      },
      limits: { memoryBytes: 64 * 2 ** 20, cpus: 0.5, pids: 32 },
    });
    const scenario = aScenario({ cmd: ["once"], env: ["A=b"], user: "0:0", workdir: "/tmp", stdin: "yes" });
    expect(bare(subject, request, scenario)).toMatchObject({
      Hostname: "shop-1",
      WorkingDir: "/tmp",
      User: "0:0",
      Env: ["A=b"],
      Cmd: ["once"],
      ExposedPorts: { "9000/tcp": {}, "53/udp": {} },
      AttachStdin: true,
      OpenStdin: true,
      StdinOnce: true,
      HostConfig: {
        NetworkMode: "shop",
        Binds: ["seed:/seed:ro"],
        ExtraHosts: ["db:10.0.0.2"],
        Dns: ["10.0.0.3"],
        DnsSearch: ["shop.test"],
        Links: ["db"],
        Memory: 64 * 2 ** 20,
        MemorySwap: 64 * 2 ** 20,
        NanoCpus: 500_000_000,
        PidsLimit: 32,
      },
    });
  });

  test.each(["host", "container:c0ffee"])("leaves the host name out in the network %s, which has one", (network) => {
    expect(bare(subject, aRequest({ run: { network } }), aScenario())).not.toHaveProperty("Hostname");
  });

  test("never mounts the engine's socket or asks for privileges, whatever the image says", () => {
    const hostile = { ...config, Labels: { privileged: "true" }, Volumes: { "/var/run/docker.sock": {} } };
    for (const options of [
      underSensor({ ...subject, config: hostile }, aRequest(), aScenario(), place, 15),
      bare({ ...subject, config: hostile }, aRequest(), aScenario()),
      filesServer({ ...subject, config: hostile }, place),
      relaySidecar({ ...subject, config: hostile }, place, "c0ffee"),
    ]) {
      expect(options.HostConfig?.Privileged).toBe(false);
      expect(options.HostConfig?.Binds ?? []).toEqual([]);
      expect((options.HostConfig?.Mounts ?? []).map(({ Type }) => Type)).not.toContain("bind");
      expect(options.HostConfig).not.toHaveProperty("SecurityOpt");
    }
  });
});

describe("the command of a scenario", () => {
  const image = { Entrypoint: ["/entry"], Cmd: ["serve"] };
  test.each([
    ["is the image's", {}, ["/entry", "serve"]],
    ["takes another CMD", { cmd: ["once", "more"] }, ["/entry", "once", "more"]],
    ["takes an empty CMD", { cmd: [] }, ["/entry"]],
    ["drops the image's CMD with another ENTRYPOINT", { entrypoint: ["/bin/sh"] }, ["/bin/sh"]],
    ["takes both", { entrypoint: ["/bin/sh"], cmd: ["-c", "id"] }, ["/bin/sh", "-c", "id"]],
    ["takes no ENTRYPOINT at all", { entrypoint: [], cmd: ["id"] }, ["id"]],
  ])("%s", (_, change, argv) => {
    expect(commandOf(image, aScenario(change)).argv).toEqual(argv);
  });

  test("of an image that says nothing is empty, as root, in no directory", () => {
    expect(commandOf({}, aScenario())).toEqual({ argv: [], user: "", workdir: "", env: [], homeFromUser: true });
  });

  test.each([
    ["the user's entry when nobody sets it", [], [], true],
    ["the image's", ["HOME=/root"], [], false],
    ["the scenario's", [], ["HOME=/tmp"], false],
    ["the user's entry when only another name begins so", ["HOMEPAGE=a"], [], true],
  ])("has HOME from %s", (_, imageEnv, env, fromUser) => {
    expect(commandOf({ Env: imageEnv }, aScenario({ env })).homeFromUser).toBe(fromUser);
  });

  test.each([
    ["User", {}, "app"],
    ["User", { user: "0:0" }, "0:0"],
    ["User", { user: "" }, ""],
  ])("runs as the %s of the image unless the scenario %j says otherwise", (_, change, user) => {
    expect(commandOf({ User: "app" }, aScenario(change)).user).toBe(user);
  });
});

describe("an original that is run by another config than its own", () => {
  const made: ImageConfig = { Entrypoint: ["/entry"], Cmd: ["serve"], Env: ["PATH=/bin", "A=1", "B=2"] };
  const edited: ImageConfig = {
    Entrypoint: ["/other"],
    Env: ["PATH=/bin", "A=9", "C=3"],
    Volumes: { "/new": {} },
    WorkingDir: "/srv",
  };
  const other = { image: "sha256:feed", config: edited, made };

  test("is told what differs: variables to set and to take away, volumes, directory, command", () => {
    const spec = bare(other, aRequest(), aScenario({ env: ["D=4"] }));
    expect(spec).toMatchObject({
      Entrypoint: ["/other"],
      Cmd: [],
      Env: ["B", "A=9", "C=3", "D=4"],
      Volumes: { "/new": {} },
      WorkingDir: "/srv",
    });
    expect(bare(other, aRequest(), aScenario({ cmd: ["x"] }))).toMatchObject({ Entrypoint: ["/other"], Cmd: ["x"] });
    expect(underSensor(other, aRequest(), aScenario(), place, 15)).toMatchObject({
      Env: ["B", "A=9", "C=3", expect.stringContaining("WINNOW_SENSOR_KEY=")],
      Volumes: { "/new": {} },
    });
  });

  test("has its own volumes hidden from our helpers, and no others", () => {
    const helped = filesServer({ ...other, made: { ...made, Volumes: { "/data": {} } } }, sensorPlace("0a1b2c", key));
    expect(helped.HostConfig?.Mounts).toEqual([tmpfs]);
  });
});
