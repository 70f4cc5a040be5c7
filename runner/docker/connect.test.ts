import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { clientOptions, connectEngine, findAddress, negotiate, readFacts } from "./connect.ts";
import { enginesUnderTest } from "./engine-under-test.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "winnow-connect-"));
});
afterEach(() => rmSync(home, { recursive: true }));

function writeContext(name: string, endpoint: object, directory = join(home, ".docker")): string {
  const id = createHash("sha256").update(name).digest("hex");
  mkdirSync(join(directory, "contexts", "meta", id), { recursive: true });
  writeFileSync(
    join(directory, "contexts", "meta", id, "meta.json"),
    JSON.stringify({ Name: name, Endpoints: { docker: endpoint } }),
  );
  return id;
}

describe("which engine is meant", () => {
  test("flags come before the environment", () => {
    const env = { DOCKER_HOST: "tcp://env:1", HOME: home };
    expect(findAddress({ host: "unix:///flag.sock", env })).toMatchObject({
      host: "unix:///flag.sock",
      from: "--host",
    });
    expect(findAddress({ env })).toMatchObject({ host: "tcp://env:1", tls: false, from: "DOCKER_HOST" });
  });

  test("DOCKER_TLS_VERIFY asks for verified TLS with the certificates of DOCKER_CERT_PATH", () => {
    const env = { DOCKER_HOST: "tcp://env:1", DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: "/certs", HOME: home };
    expect(findAddress({ env })).toMatchObject({ tls: true, verify: true, certDir: "/certs" });
    expect(findAddress({ env: { ...env, DOCKER_TLS_VERIFY: "" } })).toMatchObject({ tls: false, verify: false });
    expect(findAddress({ env: { ...env, DOCKER_CERT_PATH: undefined } })).toMatchObject({
      certDir: join(home, ".docker"),
    });
  });

  test("--tls alone does not verify, an https address does", () => {
    expect(findAddress({ host: "tcp://a:1", tls: true, env: {} })).toMatchObject({ tls: true, verify: false });
    expect(findAddress({ host: "https://a:1", env: {} })).toMatchObject({ tls: true, verify: true });
  });

  test("DOCKER_CONTEXT and the current context lead to the endpoint and its certificates", () => {
    const id = writeContext("far", { Host: "tcp://far:2376", SkipTLSVerify: false });
    mkdirSync(join(home, ".docker", "contexts", "tls", id, "docker"), { recursive: true });
    const expected = {
      host: "tcp://far:2376",
      tls: true,
      verify: true,
      certDir: join(home, ".docker", "contexts", "tls", id, "docker"),
    };
    expect(findAddress({ env: { HOME: home, DOCKER_CONTEXT: "far" } })).toMatchObject(expected);
    writeFileSync(join(home, ".docker", "config.json"), JSON.stringify({ currentContext: "far" }));
    expect(findAddress({ env: { HOME: home } })).toMatchObject(expected);
    expect(findAddress({ env: { HOME: home, DOCKER_CONTEXT: "default" } }).host).toBe("unix:///var/run/docker.sock");
  });

  test("DOCKER_CONFIG moves the client's directory", () => {
    const other = join(home, "other");
    writeContext("near", { Host: "unix:///near.sock" }, other);
    expect(findAddress({ env: { HOME: home, DOCKER_CONFIG: other, DOCKER_CONTEXT: "near" } })).toMatchObject({
      host: "unix:///near.sock",
      tls: false,
    });
  });

  test("a context that is not there and a broken file are faults of the configuration", () => {
    expect(() => findAddress({ env: { HOME: home, DOCKER_CONTEXT: "nowhere" } })).toThrow(
      expect.objectContaining({ code: "config.invalid" }),
    );
    mkdirSync(join(home, ".docker"));
    writeFileSync(join(home, ".docker", "config.json"), "{");
    expect(() => findAddress({ env: { HOME: home } })).toThrow(expect.objectContaining({ code: "config.invalid" }));
  });
});

describe("how an address is reached", () => {
  const plain = { tls: false, verify: false, from: "--host" };
  test.each([
    ["unix:///var/run/docker.sock", { protocol: "http", socketPath: "/var/run/docker.sock", host: undefined }],
    ["tcp://build:2375", { protocol: "http", host: "build", port: "2375", socketPath: undefined }],
    ["tcp://build", { protocol: "http", host: "build", port: "2375" }],
    ["build:99", { protocol: "http", host: "build", port: "99" }],
    ["http://10.0.0.1:80", { protocol: "http", host: "10.0.0.1" }],
    ["tcp://[::1]:2375", { protocol: "http", host: "::1", port: "2375" }],
    ["https://build", { protocol: "https", host: "build", port: "2376" }],
  ])("%s", (host, options) => {
    expect(clientOptions({ ...plain, host })).toMatchObject(options);
  });

  test("certificates are read from the directory, and none is needed", () => {
    writeFileSync(join(home, "ca.pem"), "CA");
    const options = clientOptions({ host: "tcp://a:1", tls: true, verify: true, certDir: home, from: "" });
    expect(options).toMatchObject({ protocol: "https", ca: "CA", cert: undefined, key: undefined, agent: undefined });
    expect(
      clientOptions({ host: "tcp://a:1", tls: true, verify: false, from: "" }).agent?.options.rejectUnauthorized,
    ).toBe(false);
  });

  test("ssh is refused with the way around it", () => {
    expect(() => clientOptions({ ...plain, host: "ssh://me@build" })).toThrow(
      expect.objectContaining({ code: "config.invalid", hint: expect.stringContaining("ssh -nNT -L") }),
    );
  });

  test.each(["npipe:////./pipe/docker_engine", "ftp://x", "tcp://", "tcp://a:b:c"])("%s is refused", (host) => {
    expect(() => clientOptions({ ...plain, host })).toThrow(expect.objectContaining({ code: "config.invalid" }));
  });
});

describe("the version of the API", () => {
  test.each([
    ["1.40", "1.12", "1.40"],
    ["1.41", "1.12", "1.41"],
    ["1.51", "1.24", "1.51"],
    ["1.56", "1.40", "1.51"],
    ["1.41", "", "1.41"],
  ])("newest %s, oldest %s: %s", (newest, oldest, agreed) => {
    expect(negotiate(newest, oldest)).toBe(agreed);
  });

  test.each([
    ["1.39", "1.12"],
    ["1.60", "1.52"],
    ["", ""],
    ["2.0", "2.0"],
  ])("newest %s, oldest %s: none", (newest, oldest) => {
    expect(() => negotiate(newest, oldest)).toThrow(expect.objectContaining({ code: "docker.unavailable" }));
  });
});

test("the image store, the machine and a rootless engine are told by the engine's answer", () => {
  const info = {
    Driver: "overlayfs",
    DriverStatus: [["driver-type", "io.containerd.snapshotter.v1"]],
    Architecture: "aarch64",
    KernelVersion: "6.1",
    OSType: "linux",
    CgroupVersion: "2",
    SecurityOptions: ["name=seccomp,profile=default", "name=rootless"],
  };
  expect(readFacts("29.0", "1.51", info)).toEqual({
    version: "29.0",
    apiVersion: "1.51",
    storage: "containerd",
    kernel: "6.1",
    architecture: "arm64",
    os: "linux",
    cgroup: "2",
    rootless: true,
    securityOptions: info.SecurityOptions,
  });
  const graph = {
    Driver: "overlay2",
    DriverStatus: [["Backing Filesystem", "extfs"]],
    Architecture: "x86_64",
    SecurityOptions: null,
  };
  expect(readFacts("20.10", "1.41", graph)).toMatchObject({
    storage: "overlay2",
    architecture: "amd64",
    cgroup: "1",
    rootless: false,
  });
});

test("every engine under test answers with its facts, in the version that was agreed", async () => {
  for (const engine of await enginesUnderTest(process.env)) {
    expect(engine.facts.os).toBe("linux");
    expect(Number(engine.facts.apiVersion.split(".")[1])).toBeGreaterThanOrEqual(40);
    expect(engine.facts.storage).not.toBe("");
  }
});

describe("an engine that does not answer", () => {
  test("no socket: the message names it and who asked for it", async () => {
    const host = `unix://${home}/none.sock`;
    await expect(connectEngine({ host, env: {} })).rejects.toMatchObject({
      code: "docker.unavailable",
      message: expect.stringContaining(`${host} (--host)`),
      hint: expect.stringContaining("Start Docker"),
    });
  });

  test("something else that listens there", async () => {
    const server = createServer((_request, response) => response.end("hello")).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo; // a TCP server's address is an object
    await expect(connectEngine({ host: `tcp://127.0.0.1:${port}`, env: {} })).rejects.toMatchObject({
      code: "docker.unavailable",
    });
    server.close();
  });
});
