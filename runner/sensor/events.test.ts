import { describe, expect, test } from "vitest";
import { parseEvents } from "./events.ts";
import { siphash } from "./siphash.ts";
import { syscallName } from "./syscall-names.ts";

const key = "000102030405060708090a0b0c0d0e0f";
const head = "H\tversion=1\tarch=x86_64\tlevel=full\tmem=vm\nE\t0\t\nE\t1\t/usr/bin/app\n";

function sealed(text: string | Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(text), Buffer.from("Z\tstops=3\tlost=0\t")]);
  return Buffer.concat([body, Buffer.from(`mac=${siphash(Buffer.from(key, "hex"), body)}\n`)]);
}

describe("an event file", () => {
  test("is complete when its last line is an end mark with the right code", () => {
    const run = parseEvents(sealed(head), key);
    expect(run).toMatchObject({ complete: true, level: "full", exes: ["", "/usr/bin/app"] });
    expect(run.counters).toEqual({ stops: 3, lost: 0, malformed: 0 });
  });

  test("is not complete when a byte was changed, added or taken away", () => {
    const good = sealed(`${head}F\tr\t1\t/etc/app.conf\tok\n`);
    const changed = Buffer.from(good);
    changed[good.indexOf("conf")] = 0x43;
    const forged = Buffer.from(good.toString().replace("F\tr\t1\t/etc/app.conf\tok\n", ""));
    for (const bytes of [
      changed,
      forged,
      good.subarray(0, -1),
      Buffer.concat([good, Buffer.from("F\tr\t1\t/x\tok\n")]),
    ])
      expect(parseEvents(bytes, key).complete).toBe(false);
  });

  test("is not complete under another key", () => {
    expect(parseEvents(sealed(head), `ff${key.slice(2)}`).complete).toBe(false);
  });

  test("may have several end marks; the last one counts", () => {
    const run = parseEvents(sealed(Buffer.concat([sealed(head), Buffer.from("F\tr\t1\t/late\tok\n")])), key);
    expect(run.complete).toBe(true);
    expect(run.files).toHaveLength(1);
  });

  test("that is still written to gives the records it has, without its cut last line", () => {
    const run = parseEvents(Buffer.from(`${head}F\tr\t1\t/etc/app.conf\tok\nF\tr\t1\t/etc/ap`), key);
    expect(run.files).toEqual([{ kind: "read", exe: "/usr/bin/app", path: "/etc/app.conf", result: "ok" }]);
    expect(run.complete).toBe(false);
  });

  test("that is empty is a run of which nothing is known", () => {
    expect(parseEvents(Buffer.alloc(0), key)).toMatchObject({ complete: false, files: [], counters: { malformed: 0 } });
  });
});

describe("a record", () => {
  test("of every kind is read", () => {
    const run = parseEvents(
      sealed(
        `${head}P\t7\t1\t1\t1\tapp\t--name=a\\x09b\t\nL\t/lib\tusr/lib\nI\t/lib/ld.so\nN\tb\tinet6\t::\t8080\n` +
          "N\tc\tunix\t@abstract\t0\nS\tx86_64\tbpf\t0,1\nS\ti386\trare\t5\nS\tx86_64\tbpf\t0,1,59\nT\t15\tuncaught\nW\tno-bpf\tdenied\n",
      ),
      key,
    );
    expect(run.complete).toBe(true);
    expect(run.processes).toEqual([
      { pid: 7, ppid: 1, exe: "/usr/bin/app", argv: ["app", "--name=a\tb", ""], cut: true },
    ]);
    expect(run.links).toEqual([{ path: "/lib", target: "usr/lib" }]);
    expect(run.interpreters).toEqual(["/lib/ld.so"]);
    expect(run.sockets).toEqual([
      { op: "bind", family: "inet6", address: "::", port: 8080 },
      { op: "connect", family: "unix", address: "@abstract", port: 0 },
    ]);
    expect(run.syscalls).toEqual([
      { arch: "i386", how: "rare", numbers: [5] },
      { arch: "x86_64", how: "bpf", numbers: [0, 1, 59] },
    ]);
    expect(run.signals).toEqual([{ signal: 15, how: "uncaught" }]);
    expect(run.warnings).toEqual([{ code: "no-bpf", text: "denied" }]);
  });

  test("keeps a path that is not UTF-8", () => {
    const bytes = sealed(
      Buffer.concat([Buffer.from(`${head}F\ts\t1\t/srv/`), Buffer.from([0xe9]), Buffer.from("\tnoent\n")]),
    );
    expect(parseEvents(bytes, key).files[0]?.path).toBe("/srv/\udce9");
  });

  test.each(["F\tr\t9\t/unknown-executable\tok", "F\tq\t1\t/unknown-kind\tok", "Q\twhat", "E\t5\t/out-of-order", ""])(
    "that is malformed (%j) is counted, and the run is not complete",
    (line) => {
      expect(parseEvents(sealed(`${head}${line}\n`), key)).toMatchObject({
        complete: false,
        counters: { malformed: 1 },
        files: [],
      });
    },
  );
});

test("system calls have names in each ABI", () => {
  expect(syscallName("x86_64", 59)).toBe("execve");
  expect(syscallName("i386", 5)).toBe("open");
  expect(syscallName("aarch64", 221)).toBe("execve");
  expect(syscallName("x86_64", 452)).toBe("fchmodat2");
  expect(syscallName("x86_64", 400)).toBeUndefined();
  expect(syscallName("riscv64", 1)).toBeUndefined();
});
