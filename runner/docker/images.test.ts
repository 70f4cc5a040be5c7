import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseReference } from "#contract/reference.ts";
import { findCredentials } from "./credentials.ts";
import { depsFor, enginesUnderTest, loadTestImage } from "./engine-under-test.ts";
import { inspectImage, loadImage, pullError, pullImage, removeImage, tagImage } from "./images.ts";
import { readMessages } from "./json-lines.ts";

const engines = await enginesUnderTest(process.env);
const reference = `winnow-test-images-${process.pid}:1`;

describe.each(engines)("images of $host", (engine) => {
  test("a name that is taken away leaves the others, the last one takes the image along", async () => {
    const deps = depsFor(engine);
    const image = await loadTestImage(deps, reference, [], { Cmd: ["x", String(process.pid)] });
    await tagImage(deps, reference, parseReference(`${reference}.also`));
    await tagImage(deps, image.id, parseReference("localhost:1/winnow-test/images"));
    expect(await removeImage(deps, reference)).toBe(true);
    expect(await removeImage(deps, reference)).toBe(false);
    expect((await inspectImage(deps, `${reference}.also`)).id).toBe(image.id);
    expect((await inspectImage(deps, "localhost:1/winnow-test/images:latest")).id).toBe(image.id);
    await removeImage(deps, `${reference}.also`);
    await removeImage(deps, "localhost:1/winnow-test/images");
    await expect(inspectImage(deps, image.id)).rejects.toMatchObject({ code: "image.not-found" });
  });

  test("an image in use is not removed", async () => {
    const deps = depsFor(engine);
    await loadTestImage(deps, reference, [], { Cmd: ["x", String(process.pid)] });
    const container = await engine.docker.createContainer({ Image: reference });
    await expect(removeImage(deps, reference)).rejects.toMatchObject({ code: "docker.failed" });
    await container.remove({ force: true, v: true });
    expect(await removeImage(deps, reference)).toBe(true);
  });

  test("what is no archive, and an archive that breaks off, are refused", async () => {
    const from = (chunks: Buffer[]): Readable => Readable.from(chunks, { objectMode: false });
    await expect(loadImage(depsFor(engine), from([Buffer.from("no tar at all".repeat(100))]))).rejects.toMatchObject({
      code: "docker.failed",
    });
    const broken = Readable.from(
      (async function* () {
        yield Buffer.alloc(4096);
        throw new Error("the disk is gone");
      })(),
      { objectMode: false },
    );
    await expect(loadImage(depsFor(engine), broken)).rejects.toThrow("the disk is gone");
  });

  test("a registry that cannot be reached is a failed pull", async () => {
    const pull = pullImage(depsFor(engine), parseReference("127.0.0.1:1/winnow/app:1"));
    await expect(pull).rejects.toMatchObject({
      code: "image.pull-failed",
      message: expect.stringContaining("127.0.0.1:1/winnow/app:1"),
    });
  });
});

describe("a registry", () => {
  let server: Server;
  let seen: { url: string; authorization: string | undefined }[];
  let answer: number;
  beforeEach(async () => {
    seen = [];
    server = createServer((request, response) => {
      seen.push({ url: request.url ?? "", authorization: request.headers.authorization });
      if (request.url === "/v2/" && request.headers.authorization === undefined)
        response.setHeader("WWW-Authenticate", 'Basic realm="test"');
      const isOpen = request.url === "/v2/" && request.headers.authorization !== undefined;
      response.writeHead(request.headers.authorization === undefined ? 401 : isOpen ? 200 : answer, {
        "Content-Type": "application/json",
      });
      response.end(
        JSON.stringify({
          errors: [
            {
              code: answer === 404 ? "MANIFEST_UNKNOWN" : "DENIED",
              message: answer === 404 ? "manifest unknown" : "denied",
            },
          ],
        }),
      );
    });
    server.listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
  });
  afterEach(() => {
    server.close();
    server.closeAllConnections();
  });

  // The first engine shares our network; others may have one of their own, where this registry is not.
  const [engine] = engines;
  test.each([
    [404, "image.not-found"],
    [403, "image.pull-failed"],
  ])("that answers %i to the right credentials", async (status, code) => {
    if (!engine) throw new Error("no engine under test");
    answer = status;
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`; // a TCP server's address is an object
    const configDir = mkdtempSync(join(tmpdir(), "winnow-images-"));
    const auth = Buffer.from("me:secret").toString("base64");
    writeFileSync(join(configDir, "config.json"), JSON.stringify({ auths: { [host]: { auth } } }));
    const deps = depsFor({ ...engine, configDir });
    await expect(pullImage(deps, parseReference(`${host}/team/app:7`))).rejects.toMatchObject({ code });
    expect(
      seen.some(({ url, authorization }) => url === "/v2/team/app/manifests/7" && authorization === `Basic ${auth}`),
    ).toBe(true);
    rmSync(configDir, { recursive: true });
  });
});

test.each([
  ["manifest for x:1 not found: manifest unknown: manifest unknown", "image.not-found"],
  ["pull access denied for x, repository does not exist or may require 'docker login': denied", "image.pull-failed"],
  ["Get https://registry/v2/: net/http: request canceled while waiting for connection", "image.pull-failed"],
  ["toomanyrequests: You have reached your pull rate limit", "image.pull-failed"],
  ["write /var/lib/docker/tmp/x: no space left on device", "disk.full"],
])("a pull that ends with %j", (message, code) => {
  expect(pullError(new Error(message), "x:1", false).code).toBe(code);
});

test("progress messages are read whole, and an error among them is thrown", async () => {
  const lines =
    '{"status":"a"}\r\n\nplain text\n{"status":"ü","id":"1"}\n{"errorDetail":{"message":"bad"},"error":"bad"}';
  for (const size of [1, 2, 7, 1000]) {
    const bytes = Buffer.from(lines);
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_chunk, at) =>
      bytes.subarray(at * size, (at + 1) * size),
    );
    const seen: unknown[] = [];
    const reading = (async () => {
      for await (const message of readMessages(Readable.from(chunks, { objectMode: false }))) seen.push(message);
    })();
    await expect(reading).rejects.toThrow("bad");
    expect(seen).toEqual([{ status: "a" }, { status: "ü", id: "1" }]);
  }
});

describe("credentials", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "winnow-credentials-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));
  const write = (config: object): void => writeFileSync(join(directory, "config.json"), JSON.stringify(config));
  const auth = Buffer.from("me:se:cret").toString("base64");
  const never = (): Promise<string> => Promise.reject(new Error("asked"));
  const helper = async (program: string, server: string): Promise<string> =>
    JSON.stringify({ Username: program, Secret: server });

  test("there are none without a file", async () => {
    expect(await findCredentials(directory, "registry.example", never)).toBeUndefined();
  });

  test.each(["registry.example:5000", "https://registry.example:5000", "https://registry.example:5000/v2/"])(
    "written for %s are found",
    async (key) => {
      write({ auths: { "other.example": { auth: "" }, [key]: { auth } } });
      const found = { username: "me", password: "se:cret", serveraddress: "registry.example:5000" };
      expect(await findCredentials(directory, "registry.example:5000", never)).toEqual(found);
      expect(await findCredentials(directory, "registry.example", never)).toBeUndefined();
    },
  );

  test("of the Docker Hub have a name of their own", async () => {
    write({ auths: { "https://index.docker.io/v1/": { auth } } });
    expect(await findCredentials(directory, "docker.io", never)).toMatchObject({ username: "me" });
  });

  test("a token takes the place of a password", async () => {
    write({ auths: { "a.example": { auth, identitytoken: "token" } } });
    expect(await findCredentials(directory, "a.example", never)).toEqual({
      identitytoken: "token",
      serveraddress: "a.example",
    });
    write({ credsStore: "x" });
    const answer = async (): Promise<string> => JSON.stringify({ Username: "<token>", Secret: "token" });
    expect(await findCredentials(directory, "a.example", answer)).toEqual({
      identitytoken: "token",
      serveraddress: "a.example",
    });
  });

  test("a registry's own helper comes before the store, and both before the file", async () => {
    write({
      credHelpers: { "a.example": "own" },
      credsStore: "all",
      auths: { "a.example": { auth }, "b.example": { auth } },
    });
    expect(await findCredentials(directory, "a.example", helper)).toMatchObject({
      username: "docker-credential-own",
      password: "a.example",
    });
    expect(await findCredentials(directory, "b.example", helper)).toMatchObject({ username: "docker-credential-all" });
    const empty = (): Promise<string> => Promise.reject(new Error("credentials not found in native keychain"));
    expect(await findCredentials(directory, "b.example", empty)).toMatchObject({ username: "me" });
  });

  test("a helper that fails or is no program is a fault of the configuration, told without its output", async () => {
    write({ credsStore: "all" });
    const leaking = (): Promise<string> => Promise.reject(new Error("the secret is hunter2"));
    const failed = findCredentials(directory, "a.example", leaking);
    await expect(failed).rejects.toMatchObject({
      code: "config.invalid",
      message: expect.not.stringContaining("hunter2"),
    });
    write({ credsStore: "../../bin/sh" });
    await expect(findCredentials(directory, "a.example", helper)).rejects.toMatchObject({ code: "config.invalid" });
    write({ credsStore: "winnow-test-that-is-not-there" });
    await expect(findCredentials(directory, "a.example")).rejects.toMatchObject({ code: "config.invalid" });
  });
});
