import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { gunzipSync, gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { redactingSink } from "./redacting-sink.ts";

const secret = "hunter2secret";

async function stored(name: string, content: Readable | Buffer | string, secrets = [secret]): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  const sink = redactingSink(
    {
      put: async (_name, given) => {
        bytes = given instanceof Readable ? await buffer(given) : Buffer.from(given);
        return { name, bytes: bytes.length, sha256: "" };
      },
    },
    secrets,
  );
  await sink.put(name, content);
  return bytes;
}

it("logs lose secrets, whatever else is in them", async () => {
  const log = Buffer.concat([Buffer.from([0xff, 0x00]), Buffer.from(` ${secret} `), Buffer.from([0xc3])]);
  const expected = Buffer.concat([Buffer.from([0xff, 0x00]), Buffer.from(" [redacted] "), Buffer.from([0xc3])]);
  expect(await stored("fat.log", log)).toEqual(expected);
  expect(await stored("fat.log", Readable.from([log.subarray(0, 8), log.subarray(8)]))).toEqual(expected);
});

it("records lose them in their archive", async () => {
  const bytes = await stored("events.txt.gz", gzipSync(`exec /bin/a --p=${secret}\n`));
  expect(String(gunzipSync(bytes))).toBe("exec /bin/a --p=[redacted]\n");
});

it("requests lose passwords by their name, however short", async () => {
  const document = { commands: [{ resource: "/", username: "a", password: "abc", headers: [`X: ${secret}`] }] };
  expect(JSON.parse(String(await stored("exercise.json", JSON.stringify(document))))).toEqual({
    commands: [{ resource: "/", username: "a", password: "[redacted]", headers: ["X: [redacted]"] }],
  });
});

it("paths stay what they are, in lists and in the graph; commands do not", async () => {
  const list = `{"path":"/usr/share/${secret}"}\n`;
  expect(String(await stored("files.jsonl", list))).toBe(list);
  const graph = `"entries":[\n[0,"${secret}","f"]\n],\n"processes":[\n{"pid":1,"argv":["a","${secret}"]}\n]`;
  const cut = Readable.from([Buffer.from(graph.slice(0, 60)), Buffer.from(graph.slice(60))]);
  expect(String(await stored("graph.json", cut))).toBe(graph.replace(`"a","${secret}"`, '"a","[redacted]"'));
});

it("a source that breaks breaks what is stored of it", async () => {
  const broken = new Readable({ read: () => {} });
  const storing = stored("slim.log", broken);
  broken.destroy(new Error("the disk is gone"));
  await expect(storing).rejects.toThrow("the disk is gone");
});

it("without secrets nothing is touched", async () => {
  const source = Readable.from([Buffer.from("as it is")]);
  const sink = redactingSink(
    { put: async (name, content) => ({ name, bytes: 0, sha256: await text(content as Readable) }) },
    [],
  );
  expect((await sink.put("fat.log", source)).sha256).toBe("as it is");
});
