import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { envProgram, parseShebang } from "./script.ts";

const shebang = (text: string) => parseShebang(Buffer.from(text));

describe("parseShebang", () => {
  it.each([
    ["#!/bin/sh\n", ["/bin/sh"]],
    ["#! \t/bin/sh -e \t\nrest", ["/bin/sh", "-e"]],
    ["#!/usr/bin/env -S node --x  y\n", ["/usr/bin/env", "-S node --x  y"]],
    ["#!/bin/sh", ["/bin/sh"]],
    ["#!/bin/sh\0x\n", ["/bin/sh"]],
    ["#!/bin/sh\r\n", ["/bin/sh\r"]],
    ["#!\n", undefined],
    ["#!   \n", undefined],
    [" #!/bin/sh\n", undefined],
    ["", undefined],
    [`#!/bin/sh ${"a".repeat(300)}\n`, ["/bin/sh", "a".repeat(246)]],
    [`#!/${"a".repeat(300)}\n`, undefined],
  ])("%j", (text, expected) => {
    expect(shebang(text)).toEqual(expected);
  });

  it("splits as the kernel of this machine does", () => {
    const directory = mkdtempSync(join(tmpdir(), "winnow-script-"));
    try {
      const script = join(directory, "script");
      for (const argument of ["", "a", "a b  c", "\ta\t ", "-x y"]) {
        const text = `#! /bin/echo ${argument}\n`;
        writeFileSync(script, text);
        chmodSync(script, 0o755);
        // echo joins its arguments with one blank: the kernel's single argument comes out with its own blanks.
        const said = execFileSync(script).toString();
        expect(said).toBe(`${[...(shebang(text) ?? []).slice(1), script].join(" ")}\n`);
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe("envProgram", () => {
  it.each([
    [["/usr/bin/env", "node"], "node"],
    [["/usr/bin/env", "-S node --x"], "node"],
    [["/usr/bin/env", "-vS  A=1 -u B python3 -I"], "python3"],
    [["/usr/bin/env", "--split-string=-i perl -w"], "perl"],
    [["/usr/bin/env", "-S 'ruby' -x"], "ruby"],
    // Without -S the argument is one word, blanks included: env fails to find it, as it does in the fat image.
    [["/usr/bin/env", "node --x"], "node --x"],
    [["/usr/bin/env", "-i"], undefined],
    [["/usr/bin/env"], undefined],
    [["/bin/sh", "node"], undefined],
    [[], undefined],
  ])("%j", (words, expected) => {
    expect(envProgram(words)).toBe(expected);
  });
});
