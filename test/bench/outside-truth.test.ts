import Docker from "dockerode";
import { expect, test } from "vitest";
import { parseIndex, type Rootfs } from "#runner/rootfs.ts";
import { buildSample, buildSettings } from "../images/build.ts";
import { buildRecorder, openedFiles, parseRecord, recordingDocker, requireWhole } from "./outside-truth.ts";

function aRootfs(files: Record<string, string>): Rootfs {
  const lines = Object.entries(files).map(
    ([path, target]) =>
      `${target === "directory" ? "d" : target ? "l" : "f"}\t755\t0\t0\t1\t0\t0\t${path}\t1\t-\t-\t${path}\t${target}\n`,
  );
  return parseIndex(lines.join(""));
}

const aRecord = (...events: string[]): Buffer => Buffer.from(events.map((event) => `${event}\0`).join(""), "latin1");
const opened = (...paths: string[]) => paths.map((path) => ({ path, isExec: false }));

test("a record holds what was opened from the first execution on", () => {
  expect(parseRecord(aRecord("r", "o /etc/passwd", "x /bin/app", "o /etc/a b\n", "o /etc/passwd"))).toEqual([
    { path: "/bin/app", isExec: true },
    { path: "/etc/a b\n", isExec: false },
    { path: "/etc/passwd", isExec: false },
  ]);
});

test("a record of nothing is no record", () => {
  expect(() => parseRecord(aRecord())).toThrow("never mounted");
});

test("a record without an execution holds nothing of the application", () => {
  expect(parseRecord(aRecord("r", "o /etc/passwd"))).toEqual([]);
});

test("opened files are the image's regular files, each once", () => {
  const rootfs = aRootfs({ "/": "directory", "/d": "directory", "/d/a": "", "/d/link": "a" });
  expect(openedFiles(rootfs, opened("/d/a", "/d", "/d/new", "/d/link", "/d/a"))).toEqual(["/d/a"]);
});

test("a file that the application removed was opened all the same, and a name may end like a removed one", () => {
  const rootfs = aRootfs({ "/": "directory", "/gone": "", "/odd (deleted)": "", "/odd": "" });
  expect(openedFiles(rootfs, opened("/gone (deleted)", "/odd (deleted)"))).toEqual(["/gone", "/odd (deleted)"]);
});

test("a record that begins with another program than the application's is refused", () => {
  const rootfs = aRootfs({ "/": "directory", "/bin": "usr/bin", "/usr": "directory", "/usr/bin": "directory" });
  const whole = new Map([...rootfs, ...aRootfs({ "/usr/bin/python3": "python3.11", "/usr/bin/python3.11": "" })]);
  const record = parseRecord(aRecord("r", "x /usr/bin/python3.11"));
  expect(() => requireWhole(whole, record, "/bin/python3")).not.toThrow();
  expect(() => requireWhole(whole, parseRecord(aRecord("r", "x /usr/bin/sed")), "/bin/python3")).toThrow("begins with");
  expect(() => requireWhole(whole, [], "/bin/python3")).toThrow("begins with nothing");
  expect(() => requireWhole(whole, record, undefined)).toThrow();
});

test("files that a container reads are seen from its first process on, and no others", {
  timeout: 900_000,
}, async () => {
  const docker = new Docker();
  const image = await buildSample("busybox-static", docker, buildSettings(process.env));
  const recorder = await buildRecorder();
  const recordings: ReturnType<typeof recorder.record>[] = [];
  const recorded = recordingDocker(docker, (merged) => recordings.push(recorder.record(merged)));
  const command = "test -e /www/table.csv && echo new >/tmp/new && cat /www/deep/words.txt /tmp/new";
  const container = await recorded.createContainer({
    Image: image,
    Cmd: ["sh", "-c", command],
    Labels: { "dev.winnow.test": "bench" },
    HostConfig: { NetworkMode: "none" },
  });
  try {
    await container.start();
    await container.wait();
    const openings = (await Promise.all(recordings.map((recording) => recording.stop()))).flat();
    const paths = openings.map(({ path }) => path);
    expect(openings[0]?.isExec).toBe(true);
    expect(paths).toContain("/tmp/new");
    expect(paths.filter((path) => path.startsWith("/www/"))).toEqual(["/www/deep/words.txt"]);
  } finally {
    await container.remove({ force: true });
    recorder.close();
  }
});

test("a container that only joins a network is not recorded", async () => {
  const started: string[] = [];
  const made: unknown[] = [];
  const fake = { createContainer: async (options: unknown) => made.push(options) } as unknown as Docker;
  const docker = recordingDocker(fake, (merged) => started.push(merged));
  await docker.createContainer({ HostConfig: { NetworkMode: "container:abc" } });
  expect(made).toHaveLength(1);
  expect(started).toEqual([]);
});
