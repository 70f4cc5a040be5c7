import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { collectOutput } from "./collect-output.ts";

test("the last words count when the streams end after the container", async () => {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const heard: string[] = [];
  const output = collectOutput([out, err], (text) => heard.push(text));
  out.write("first ");
  setTimeout(() => {
    out.end("last");
    err.destroy(new Error("socket hang up"));
  }, 30);
  await output.ended(10_000);
  expect(output.taken().toString()).toBe("first last");
  expect(heard.join("")).toBe("first last");
});
