import { describe, expect, test } from "vitest";
import { WinnowError } from "#contract/error.ts";
import { calling, canceled, engineError } from "./errors.ts";

const http = (statusCode: number, message: string): Error =>
  Object.assign(new Error(`(HTTP code ${statusCode}) unexpected - ${message} `), { statusCode, json: { message } });
const network = (code: string, message = code): Error => Object.assign(new Error(message), { code });
const runc =
  "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process:";

describe("what a failed call means", () => {
  const cases: [string, Error, boolean, string][] = [
    [
      "a full disk of the engine",
      http(500, "write /var/lib/docker/tmp/x: no space left on device"),
      false,
      "disk.full",
    ],
    [
      "a full disk while starting",
      http(500, "mkdir /var/lib/docker/overlay2/x: no space left on device"),
      true,
      "disk.full",
    ],
    ["a full quota", http(500, "Error processing tar file: disk quota exceeded"), false, "disk.full"],
    ["a full disk of ours", network("ENOSPC", "write"), false, "disk.full"],
    ["no engine listening", network("ECONNREFUSED"), false, "docker.unavailable"],
    ["no socket", network("ENOENT", "connect ENOENT /var/run/docker.sock"), false, "docker.unavailable"],
    ["an engine that was killed", network("ECONNRESET", "socket hang up"), false, "docker.unavailable"],
    ["an upload to a dead engine", network("EPIPE", "write EPIPE"), false, "docker.unavailable"],
    ["an answer cut short", network("ERR_STREAM_PREMATURE_CLOSE", "Premature close"), false, "docker.unavailable"],
    ["a host without name", network("ENOTFOUND"), false, "docker.unavailable"],
    ["no such image", http(404, "No such image: nope:nope"), false, "image.not-found"],
    ["no such image, containerd", http(404, "image not found: nope"), false, "image.not-found"],
    ["no such container", http(404, "No such container: 0123"), false, "docker.failed"],
    ["no such network", http(404, "network nope not found"), true, "request.invalid"],
    [
      "no such command, 20.10",
      http(400, `${runc} exec: "/nope": stat /nope: no such file or directory: unknown`),
      true,
      "app.start-failed",
    ],
    [
      "a command not in PATH",
      http(400, `${runc} exec: "nope": executable file not found in $PATH: unknown`),
      true,
      "app.start-failed",
    ],
    ["a directory as command", http(400, `${runc} exec: "/bin": permission denied: unknown`), true, "app.start-failed"],
    [
      "a directory as command, moby 2",
      http(400, `${runc} error during container init: exec: "/bin": is a directory: permission denied`),
      true,
      "app.start-failed",
    ],
    [
      "a script without interpreter",
      http(500, `${runc} exec /entry.sh: no such file or directory`),
      true,
      "app.start-failed",
    ],
    ["a foreign binary", http(400, `${runc} exec /app: exec format error`), true, "app.start-failed"],
    [
      "an unknown user",
      http(400, "unable to find user www: no matching entries in passwd file"),
      true,
      "app.start-failed",
    ],
    [
      "an unknown group",
      http(400, "unable to find group www: no matching entries in group file"),
      true,
      "app.start-failed",
    ],
    ["a file as directory", http(400, "Cannot mkdir: /bin/sh is not a directory"), true, "app.start-failed"],
    [
      "the same words of another call",
      http(500, "unable to find user www: no matching entries"),
      false,
      "docker.failed",
    ],
    [
      "cgroups that fail",
      http(500, `${runc} unable to apply cgroup configuration: mountpoint for devices not found`),
      true,
      "docker.failed",
    ],
    ["a conflict", http(409, "Conflict. The container name is already in use"), false, "docker.failed"],
    ["a fault of ours", new TypeError("x is not a function"), false, "docker.failed"],
  ];
  test.each(cases)("%s", (_what, thrown, starting, code) => {
    const error = engineError(thrown, "creating a container", { starting });
    expect(error).toMatchObject({ code, cause: thrown });
    expect(error.hint).not.toBe("");
  });

  test("the message says what was going on when the engine went away", () => {
    expect(engineError(network("ECONNREFUSED"), "loading an image").message).toBe(
      "The engine stopped answering while loading an image (ECONNREFUSED).",
    );
  });

  test("the engine's words stand without what client and runtime put around them", () => {
    const error = engineError(http(400, `${runc} exec: "/nope": stat /nope: no such file or directory`), "starting", {
      starting: true,
    });
    expect(error.message).toBe(
      'The engine could not start the command: exec: "/nope": stat /nope: no such file or directory',
    );
  });

  test("an error of ours passes as it is", () => {
    const ours = new WinnowError("limit.exceeded", "too big", "smaller");
    expect(engineError(ours, "anything")).toBe(ours);
  });
});

describe("a canceled job", () => {
  test("has the reason of the abort when that is one of ours", () => {
    const lost = new WinnowError("lease.lost", "the lease ran out", "nothing");
    expect(canceled(lost)).toBe(lost);
    expect(canceled(new Error("ctrl-c")).code).toBe("job.canceled");
  });

  test("makes no further call", async () => {
    let calls = 0;
    const call = async (): Promise<void> => {
      calls += 1;
    };
    await expect(calling("trying", AbortSignal.abort(), call)).rejects.toMatchObject({ code: "job.canceled" });
    expect(calls).toBe(0);
  });

  test("is canceled whatever the broken call says", async () => {
    const aborter = new AbortController();
    const broken = calling("trying", aborter.signal, async () => {
      aborter.abort();
      throw network("ECONNRESET");
    });
    await expect(broken).rejects.toMatchObject({ code: "job.canceled" });
  });
});
