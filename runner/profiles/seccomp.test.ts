import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import Docker from "dockerode";
import fc from "fast-check";
import { pack } from "tar-stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { refusedSyscalls, seccompProfile } from "./seccomp.ts";

const label = "dev.winnow.test";
const image = "winnow-test-profiles-seccomp:latest";

/** Static, without a libc's start-up surprises: what it calls is known to the last system call. */
const program = `
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell(const char *what, long result)
{
    char line[64];
    int length = snprintf(line, sizeof line, "%s=%d\\n", what, result < 0 ? errno : 0);
    (void) !write(1, line, (size_t) length);
}

int main(int argc, char **argv)
{
    (void) argv;
    if (argc > 1) { /* stays until its stdin ends, so that something can be executed beside it */
        char byte;
        while (read(0, &byte, 1) > 0)
            continue;
        return 0;
    }
    tell("getpriority", syscall(SYS_getpriority, 0, 0));
    tell("unshare", syscall(SYS_unshare, CLONE_NEWUSER));
    uint64_t no_args[11] = {0};
    no_args[4] = SIGCHLD;
    long child = syscall(SYS_clone3, no_args, sizeof no_args);
    if (child == 0)
        _exit(0);
    tell("clone3", child);
    child = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (child == 0)
        _exit(0);
    tell("clone-newuser", child);
    child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (child == 0)
        _exit(0);
    tell("clone", child);
    int status;
    tell("wait4", wait4((pid_t) child, &status, 0, NULL));
    return 7;
}
`;
const called = ["arch_prctl", "set_tid_address", "write", "unshare", "clone", "wait4", "exit_group"];
const architecture = process.arch === "arm64" ? "arm64" : "amd64";

const docker = new Docker();

beforeAll(async () => {
  const dir = mkdtempSync(join(tmpdir(), "winnow-seccomp-"));
  try {
    writeFileSync(join(dir, "app.c"), program);
    execFileSync("musl-gcc", ["-static", "-Os", "-s", "-o", join(dir, "app"), join(dir, "app.c")]);
    const tar = pack();
    tar.entry({ name: "app", mode: 0o755 }, readFileSync(join(dir, "app")));
    tar.finalize();
    const [repo, tag] = image.split(":");
    const progress = await docker.importImage(Readable.from(tar), { repo, tag, changes: [`LABEL ${label}=profiles`] });
    await new Promise((resolve, reject) =>
      docker.modem.followProgress(progress, (error) => (error ? reject(error) : resolve(null))),
    );
  } finally {
    rmSync(dir, { recursive: true });
  }
});

afterAll(async () => {
  for (const { Id } of await docker.listContainers({
    all: true,
    filters: { label: [`${label}=profiles`], ancestor: [image] },
  })) {
    await docker.getContainer(Id).remove({ force: true });
  }
  await docker.getImage(image).remove({ force: true });
});

/** Runs the program under a profile, as `docker run --security-opt seccomp=FILE` does. */
async function run(profile: object, host: Docker.HostConfig = {}, more: Docker.ContainerCreateOptions = {}) {
  const container = await docker.createContainer({
    Image: image,
    Cmd: ["/app"],
    Labels: { [label]: "profiles" },
    ...more,
    HostConfig: {
      NetworkMode: "none",
      ...host,
      SecurityOpt: [`seccomp=${JSON.stringify(profile)}`, ...(host.SecurityOpt ?? [])],
    },
  });
  try {
    await container.start();
    const { StatusCode } = await container.wait();
    const log = await container.logs({ stdout: true, stderr: true });
    const results = [...log.toString("latin1").matchAll(/([a-z0-9-]+)=(\d+)\r?\n/g)].map(([, name, errno]) => [
      name,
      Number(errno),
    ]);
    return { exitCode: StatusCode, results: Object.fromEntries(results) };
  } finally {
    await container.remove({ force: true });
  }
}

describe("on the engine", () => {
  const profile = seccompProfile({ syscalls: called, architecture });
  const asWanted = {
    exitCode: 7,
    results: { getpriority: 1, unshare: 1, clone3: 38, "clone-newuser": 1, clone: 0, wait4: 0 },
  };

  test.each([
    ["plainly", {}, {}],
    ["as another user", {}, { User: "1000:1000" }],
    ["in another directory", {}, { WorkingDir: "/somewhere" }],
    ["on a terminal", {}, { Tty: true }],
    ["without new privileges", { SecurityOpt: ["no-new-privileges"] }, {}],
    ["without capabilities, read-only", { CapDrop: ["ALL"], ReadonlyRootfs: true }, { User: "1000" }],
    ["under the engine's init", { Init: true }, {}],
  ])("a container starts %s, does what was observed and is refused the rest", async (_how, host, more) => {
    expect(await run(profile, host, more)).toEqual(asWanted);
  });

  test("what is allowed besides is really decided by the profile", async () => {
    const wider = seccompProfile({ syscalls: [...called, "getpriority"], architecture });
    expect((await run(wider)).results).toMatchObject({ getpriority: 0, unshare: 1 });
  });

  test("a command can be started in a running container", async () => {
    const container = await docker.createContainer({
      Image: image,
      Cmd: ["/app", "stay"],
      Labels: { [label]: "profiles" },
      OpenStdin: true,
      HostConfig: { NetworkMode: "none", SecurityOpt: [`seccomp=${JSON.stringify(profile)}`] },
    });
    try {
      await container.start();
      const command = await container.exec({
        Cmd: ["/app"],
        User: "1000:1000",
        AttachStdout: true,
        AttachStderr: true,
      });
      const output = await command.start({});
      let text = "";
      for await (const chunk of output) text += chunk.toString("latin1");
      expect(text).toContain("clone=0\n");
      expect((await command.inspect()).ExitCode).toBe(7);
    } finally {
      await container.remove({ force: true });
    }
  });
});

describe("seccompProfile", () => {
  const allowed = (...args: Parameters<typeof seccompProfile>) => seccompProfile(...args).syscalls[0]?.names ?? [];

  test("what the predecessor forgot is always there", () => {
    expect(allowed({ syscalls: [], architecture: "amd64" })).toEqual(
      expect.arrayContaining([
        "fstatfs",
        "fstat",
        "newfstatat",
        "faccessat2",
        "execve",
        "capset",
        "futex",
        "getdents64",
      ]),
    );
  });

  test("the same set in any order gives the same bytes, names sorted and once", () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray(["read", "statx", "socket", "bind", "personality", "clone3", "mount"]),
        (syscalls) => {
          const json = (names: string[]) => JSON.stringify(seccompProfile({ syscalls: names, architecture: "arm64" }));
          expect(json([...syscalls, ...syscalls])).toBe(json(syscalls.toSorted()));
          const names = allowed({ syscalls, architecture: "arm64" });
          expect(names).toEqual([...new Set(names)].toSorted());
        },
      ),
    );
  });

  test("another libc's way of doing the same is allowed, nothing else is", () => {
    expect(allowed({ syscalls: ["accept4", "renameat2"], architecture: "amd64" })).toEqual(
      expect.arrayContaining(["accept", "rename", "renameat"]),
    );
    expect(allowed({ syscalls: ["accept4"], architecture: "amd64" })).not.toContain("rename");
  });

  test("what was tried in vain stays refused, unless the container holds the capability", () => {
    const tried = ["mount", "bpf", "keyctl", "uselib", "read"];
    expect(refusedSyscalls(tried)).toEqual(["bpf", "keyctl", "mount", "uselib"]);
    expect(allowed({ syscalls: tried, architecture: "amd64" })).not.toContain("mount");
    const admin = seccompProfile({ syscalls: tried, architecture: "amd64", capabilities: ["CAP_SYS_ADMIN"] });
    expect(admin.syscalls).toHaveLength(1);
    expect(admin.syscalls[0]?.names).toEqual(expect.arrayContaining(["mount", "bpf", "clone", "clone3"]));
    expect(admin.syscalls[0]?.names).not.toContain("keyctl");
  });

  test("clone and personality are allowed only with the arguments that the engine's profile allows", () => {
    const { syscalls } = seccompProfile({ syscalls: ["personality"], architecture: "amd64" });
    expect(syscalls[0]?.names).not.toEqual(expect.arrayContaining(["clone"]));
    expect(syscalls.filter(({ names }) => names.includes("personality"))).toHaveLength(5);
    expect(syscalls.find(({ names }) => names.includes("clone3"))).toMatchObject({
      action: "SCMP_ACT_ERRNO",
      errnoRet: 38,
    });
  });

  test("both architectures carry their 32-bit ABIs unless told not to", () => {
    const archMap = (arch: "amd64" | "arm64", compat?: boolean) =>
      seccompProfile({ syscalls: [], architecture: arch, compat }).archMap;
    expect(archMap("amd64")).toEqual([
      { architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86", "SCMP_ARCH_X32"] },
    ]);
    expect(archMap("arm64")).toEqual([{ architecture: "SCMP_ARCH_AARCH64", subArchitectures: ["SCMP_ARCH_ARM"] }]);
    expect(archMap("amd64", false)).toEqual([{ architecture: "SCMP_ARCH_X86_64", subArchitectures: [] }]);
  });
});
