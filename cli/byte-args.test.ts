import { describe, expect, it } from "vitest";
import { byteArguments } from "./byte-args.ts";

const never = () => {
  throw new Error("not asked for");
};
/** What the kernel shows and what Node makes of it. */
const started = (words: Buffer[]) => ({
  cmdline: () => Buffer.concat(words.flatMap((word) => [word, Buffer.from([0])])),
  args: words.slice(2).map((word) => word.toString("utf8")),
});
const program = [Buffer.from("node"), Buffer.from("bin/winnow")];

describe("arguments", () => {
  it("of UTF-8 are taken as they are", () => {
    expect(byteArguments(["why", "latest", "/grün"], never)).toEqual(["why", "latest", "/grün"]);
  });

  it("that are not UTF-8 keep their bytes", () => {
    const { args, cmdline } = started([...program, Buffer.from("why"), Buffer.from("/caf\xe9\xff/x", "latin1")]);
    expect(byteArguments(args, cmdline)).toEqual(["why", "/caf\udce9\udcff/x"]);
  });

  it("may be empty, or hold the replacement character itself", () => {
    const { args, cmdline } = started([
      ...program,
      Buffer.from(""),
      Buffer.from("/\ufffd"),
      Buffer.from("/\xe9", "latin1"),
    ]);
    expect(byteArguments(args, cmdline)).toEqual(["", "/\ufffd", "/\udce9"]);
  });

  it("stay as Node gives them when the process shows another command line", () => {
    expect(byteArguments(["/a\ufffd"], () => Buffer.from("winnow: at work\0"))).toEqual(["/a\ufffd"]);
  });
});
