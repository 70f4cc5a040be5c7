import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WinnowError } from "#contract/error.ts";
import {
  type ContainerSpec,
  createContainer,
  execAttached,
  inspectContainer,
  removeContainer,
  startAttached,
  stopContainer,
  waitForExit,
  withContainer,
} from "./container.ts";
import { depsFor, enginesUnderTest, loadTestImage, testLabels } from "./engine-under-test.ts";
import { fileSize, getFile, putFiles } from "./files.ts";
import { removeImage } from "./images.ts";
import { leftovers } from "./sweep.ts";

const engines = await enginesUnderTest(process.env);
const busybox = readFileSync("/bin/busybox");
const reference = `winnow-test-container-${process.pid}:1`;

describe.each(engines)("containers of $host", (engine) => {
  beforeAll(async () => {
    const file = { mode: 0o755, uid: 0, gid: 0, content: busybox };
    const files = ["bin/busybox", "bin/sh", "bin/cat", "bin/sleep"].map((name) => ({ name, ...file }));
    await loadTestImage(depsFor(engine), reference, files, { Env: ["PATH=/bin"], Cmd: ["sh"] });
  });
  afterAll(() => removeImage({ engine }, reference));

  const spec = (script: string, more: Partial<ContainerSpec> = {}): ContainerSpec => ({
    Image: reference,
    Cmd: ["sh", "-c", script],
    Labels: testLabels,
    HostConfig: { NetworkMode: "none" },
    ...more,
  });
  const stdin = { OpenStdin: true, StdinOnce: true, AttachStdin: true };

  test("no byte of a short command's output is lost, and the outputs stay apart", async () => {
    const deps = depsFor(engine);
    for (let round = 0; round < 3; round += 1) {
      const seen = await withContainer(deps, spec("echo out; echo err >&2; exit 7"), async (container) => {
        const { stdout, stderr, exited } = await startAttached(container, { stdin: false, tty: false });
        return Promise.all([text(stdout), text(stderr), exited]);
      });
      expect(seen).toEqual(["out\n", "err\n", { code: 7, oomKilled: false, error: "" }]);
    }
    expect(await leftovers(engine, deps.jobId)).toEqual({ containers: [], networks: [], volumes: [], images: [] });
  });

  test("stdin reaches the command and its end does too", async () => {
    const big = "0123456789abcdef".repeat(1 << 16);
    const out = await withContainer(depsFor(engine), spec("cat", stdin), async (container) => {
      const attached = await startAttached(container, { stdin: true, tty: false });
      attached.stderr.resume();
      attached.stdin.end(big);
      return text(attached.stdout);
    });
    expect(out.length).toBe(big.length);
    expect(out === big).toBe(true);
  });

  test("a command that does not read its stdin breaks nothing", async () => {
    const exit = await withContainer(depsFor(engine), spec("exit 3", stdin), async (container) => {
      const attached = await startAttached(container, { stdin: true, tty: false });
      attached.stdout.resume();
      attached.stderr.resume();
      for (let chunk = 0; chunk < 50; chunk += 1) attached.stdin.write(Buffer.alloc(64 << 10));
      attached.stdin.end();
      return attached.exited;
    });
    expect(exit.code).toBe(3);
  });

  test("a terminal has one stream", async () => {
    const out = await withContainer(
      depsFor(engine),
      spec("echo out; echo err >&2", { Tty: true }),
      async (container) => {
        const attached = await startAttached(container, { stdin: false, tty: true });
        return Promise.all([text(attached.stdout), text(attached.stderr)]);
      },
    );
    expect(out).toEqual(["out\r\nerr\r\n", ""]);
  });

  test.each([
    ["is not there", { Cmd: ["/nope"] }],
    ["is a directory", { Cmd: ["/bin"] }],
    ["wants an unknown user", { User: "nobody-here" }],
    ["wants a file as its directory", { WorkingDir: "/bin/sh" }],
  ])("a command that %s is the image's fault", async (_what, more) => {
    const deps = depsFor(engine);
    const run = withContainer(deps, spec("", more), (container) =>
      startAttached(container, { stdin: false, tty: false }),
    );
    await expect(run).rejects.toMatchObject({ code: "app.start-failed" });
    expect((await leftovers(engine, deps.jobId)).containers).toEqual([]);
  });

  test("an image that is not there is named as such", async () => {
    const run = createContainer(depsFor(engine), { Image: "winnow-test:nowhere" });
    await expect(run).rejects.toMatchObject({ code: "image.not-found" });
  });

  test("more commands run beside the first, with their own user, directory, variables and exit code", async () => {
    await withContainer(depsFor(engine), spec("sleep 60"), async (container) => {
      const main = await startAttached(container, { stdin: false, tty: false });
      main.stdout.resume();
      const script = 'echo "$(busybox id -u) $PWD $EXTRA $(cat)"; exit 9';
      const argv = ["sh", "-c", script];
      const exec = await execAttached(container, {
        argv,
        user: "12:34",
        env: ["EXTRA=1"],
        workdir: "/bin",
        stdin: true,
        tty: false,
      });
      exec.stdin.end("input");
      expect(await Promise.all([text(exec.stdout), text(exec.stderr), exec.exited])).toEqual([
        "12 /bin 1 input\n",
        "",
        { code: 9 },
      ]);
      const bad = await execAttached(container, { argv: ["/nope"], stdin: false, tty: false });
      expect([126, 127]).toContain((await bad.exited).code);
      expect(await text(bad.stdout)).toContain("/nope");
    });
  });

  test("SIGTERM ends what listens to it, SIGKILL what does not, in the time given", async () => {
    const polite = "trap 'exit 5' TERM; echo up; while :; do sleep 0.05; done";
    const stop = { signal: "SIGTERM", timeoutMs: 5000 };
    const ends = await withContainer(depsFor(engine), spec(polite), async (container) => {
      const { stdout, stderr } = await startAttached(container, { stdin: false, tty: false });
      stderr.resume();
      await new Promise((resolve) => stdout.once("data", resolve));
      return [await stopContainer(container, stop), await stopContainer(container, stop)];
    });
    const exit = { code: 5, killed: false, oomKilled: false, error: "" };
    expect(ends).toEqual([exit, exit]);
    const deaf = await withContainer(
      depsFor(engine),
      spec("trap '' TERM; echo up; while :; do sleep 1; done"),
      async (container) => {
        const { stdout } = await startAttached(container, { stdin: false, tty: false });
        await new Promise((resolve) => stdout.once("data", resolve));
        return stopContainer(container, { signal: "SIGTERM", timeoutMs: 300 });
      },
    );
    expect(deaf).toMatchObject({ code: 137, killed: true });
  });

  test("what needs more memory than it may have is told apart", async () => {
    const hungry = spec("busybox tail /dev/zero", {
      HostConfig: { NetworkMode: "none", Memory: 16 << 20, MemorySwap: 16 << 20 },
    });
    const exit = await withContainer(depsFor(engine), hungry, async (container) => {
      const { stdout, stderr } = await startAttached(container, { stdin: false, tty: false });
      stdout.resume();
      stderr.resume();
      return waitForExit(container);
    });
    expect(exit).toMatchObject({ code: 137, oomKilled: true });
  });

  test("an abort ends streams and waiting at once, and leaves nothing on the engine", async () => {
    const deps = depsFor(engine);
    let output: Promise<string> | undefined;
    const startedAt = performance.now();
    const run = withContainer(deps, spec("echo up; sleep 60"), async (container) => {
      const { stdout, exited } = await startAttached(container, { stdin: false, tty: false });
      output = text(stdout);
      output.catch(() => {});
      setTimeout(() => deps.abort(), 50);
      await exited;
    });
    await expect(run).rejects.toMatchObject({ code: "job.canceled" });
    await expect(output).rejects.toMatchObject({ code: "job.canceled" });
    expect(performance.now() - startedAt).toBeLessThan(20_000);
    expect((await leftovers(engine, deps.jobId)).containers).toEqual([]);
  });

  test("an abort while the container is being created leaves nothing, and the reason comes through", async () => {
    const deps = depsFor(engine);
    const lost = new WinnowError("lease.lost", "gone", "");
    const creating = createContainer(deps, spec("sleep 60"));
    deps.abort(lost);
    await expect(creating).rejects.toBe(lost);
    expect((await leftovers(engine, deps.jobId)).containers).toEqual([]);
    await expect(createContainer(deps, spec("sleep 60"))).rejects.toBe(lost);
  });

  test("a container that is gone may be removed again, and its anonymous volume goes with it", async () => {
    const deps = depsFor(engine);
    const container = await createContainer(deps, spec("sleep 60", { Volumes: { "/data": {} } }));
    const { Mounts, Config } = await inspectContainer(container);
    expect(Config.Labels).toMatchObject({ ...testLabels, "dev.winnow.job": deps.jobId, "dev.winnow.runner": "test" });
    await Promise.all([removeContainer(container), removeContainer(container)]);
    await removeContainer(container);
    const volume = engine.docker.getVolume(Mounts[0]?.Name ?? "none").inspect();
    await expect(volume).rejects.toMatchObject({ statusCode: 404 });
  });

  test("a slow reader gets all of a large output", async () => {
    const size = await withContainer(
      depsFor(engine),
      spec("busybox dd if=/dev/zero bs=65536 count=800 2>/dev/null"),
      async (container) => {
        const { stdout, stderr } = await startAttached(container, { stdin: false, tty: false });
        stderr.resume();
        let bytes = 0;
        for await (const chunk of stdout) {
          if (bytes % (4 << 20) < chunk.length) await sleep(5);
          bytes += chunk.length;
        }
        return bytes;
      },
    );
    expect(size).toBe(800 * 65536);
  });

  test("files go in with mode and owner and come back as they are", async () => {
    await withContainer(
      depsFor(engine),
      spec("busybox stat -c '%a %u %g %n' /x /x/secret; cat /x/secret; sleep 60"),
      async (container) => {
        const content = Buffer.from("schön\0\n");
        await putFiles(container, [
          { type: "directory", name: "/x", mode: 0o711, uid: 5, gid: 6 },
          { name: "/x/secret", mode: 0o4750, uid: 7, gid: 8, content },
        ]);
        const { stdout, stderr } = await startAttached(container, { stdin: false, tty: false });
        stderr.resume();
        let out = "";
        for await (const chunk of stdout) {
          out += chunk;
          if (out.includes("sch")) break;
        }
        expect(out).toContain("711 5 6 /x\n4750 7 8 /x/secret\n");
        expect(await getFile(container, "/x/secret")).toEqual(content);
        expect(await fileSize(container, "/x/secret")).toBe(content.length);
        expect(await getFile(container, "/x")).toBeUndefined();
        expect(await getFile(container, "/nowhere")).toBeUndefined();
        expect(await fileSize(container, "/nowhere")).toBe(0);
        expect((await getFile(container, "/bin/busybox"))?.equals(busybox)).toBe(true);
        await expect(getFile(container, "/bin/busybox", 1000)).rejects.toMatchObject({ code: "limit.exceeded" });
      },
    );
  });

  test("a file of a container that is gone is a failure, not an absent file", async () => {
    const container = await createContainer(depsFor(engine), spec(""));
    await removeContainer(container);
    await expect(getFile(container, "/bin/sh")).rejects.toMatchObject({ code: "docker.failed" });
  });
});
