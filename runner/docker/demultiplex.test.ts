import { PassThrough, Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { demultiplex, passThrough } from "./demultiplex.ts";

function frame(stream: number, payload: Buffer | string): Buffer {
  const bytes = Buffer.from(payload);
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}

const from = (chunks: Buffer[]): Readable => Readable.from(chunks, { objectMode: false });

test("outputs arrive whole however the frames are cut", async () => {
  const frames = fc.array(fc.tuple(fc.constantFrom(1, 2), fc.uint8Array({ maxLength: 300 })), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(frames, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), async (sent, cuts) => {
      const all = Buffer.concat(sent.map(([stream, payload]) => frame(stream, Buffer.from(payload))));
      const chunks: Buffer[] = [];
      for (let at = 0, cut = 0; at < all.length; cut += 1) {
        const size = cuts[cut % cuts.length] ?? 1;
        chunks.push(all.subarray(at, at + size));
        at += size;
      }
      const { stdout, stderr } = demultiplex(from(chunks));
      const [out, err] = await Promise.all([buffer(stdout), buffer(stderr)]);
      const of = (wanted: number) =>
        Buffer.concat(sent.filter(([stream]) => stream === wanted).map(([, bytes]) => bytes));
      expect(out.equals(of(1))).toBe(true);
      expect(err.equals(of(2))).toBe(true);
    }),
    { numRuns: 200 },
  );
});

test("a header cut after each of its bytes is read", async () => {
  const all = Buffer.concat([frame(1, "one"), frame(2, "two"), frame(1, ""), frame(1, "three")]);
  for (let cut = 1; cut < all.length; cut += 1) {
    const { stdout, stderr } = demultiplex(from([all.subarray(0, cut), all.subarray(cut)]));
    expect(await Promise.all([text(stdout), text(stderr)])).toEqual(["onethree", "two"]);
  }
});

test("the source is not read further than a slow reader wants", async () => {
  const payload = Buffer.alloc(64 << 10);
  let given = 0;
  const source = new Readable({
    read() {
      given += 1;
      this.push(given > 1000 ? null : frame(1, payload));
    },
  });
  const { stdout, stderr } = demultiplex(source);
  stderr.resume();
  await sleep(100);
  // Buffers of three streams, 64 KiB each at most, plus one frame in flight; without back-pressure it would be all 1000.
  expect(given).toBeLessThan(12);
  expect((await buffer(stdout)).length).toBe(1000 * payload.length);
});

test("a reader that leaves does not stop the other output", async () => {
  const frames = Array.from({ length: 200 }, () => [frame(1, Buffer.alloc(32 << 10)), frame(2, "x")]).flat();
  const { stdout, stderr } = demultiplex(from(frames));
  stdout.destroy();
  expect(await text(stderr)).toBe("x".repeat(200));
});

test("an end within a frame is an error of both outputs", async () => {
  const { stdout, stderr } = demultiplex(from([frame(1, "whole"), frame(2, "broken").subarray(0, 11)]));
  const results = await Promise.allSettled([text(stdout), text(stderr)]);
  for (const result of results)
    expect(result).toMatchObject({ status: "rejected", reason: { code: "docker.unavailable" } });
});

test("a source destroyed between frames ends the outputs, one that fails breaks them", async () => {
  const quiet = new PassThrough();
  const ended = demultiplex(quiet);
  quiet.write(frame(1, "hi"));
  setImmediate(() => quiet.destroy());
  expect(await Promise.all([text(ended.stdout), text(ended.stderr)])).toEqual(["hi", ""]);

  const failing = new PassThrough();
  const broken = demultiplex(failing);
  setImmediate(() => failing.destroy(new Error("reset")));
  const results = await Promise.allSettled([text(broken.stdout), text(broken.stderr)]);
  for (const result of results) expect(result).toMatchObject({ status: "rejected", reason: { message: "reset" } });
});

test.each([
  ["no frame at all", Buffer.from("plain text of a terminal")],
  ["an error of the engine", frame(3, "log driver failed")],
])("%s is refused", async (_what, bytes) => {
  const { stdout } = demultiplex(from([bytes]));
  await expect(text(stdout)).rejects.toMatchObject({ code: "docker.failed" });
});

test("a terminal's stream passes as it is", async () => {
  const { stdout, stderr } = passThrough(from([Buffer.from("\u001b[1mhi"), Buffer.from("\r\n")]));
  expect(await Promise.all([text(stdout), text(stderr)])).toEqual(["\u001b[1mhi\r\n", ""]);
});
