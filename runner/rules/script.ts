import { decodeBytes } from "../sensor/byte-text.ts";

/** The kernel looks at this much of a file (BINPRM_BUF_SIZE). */
export const shebangBytes = 256;

/**
 * The interpreter of a script and its argument, split as Linux does (fs/binfmt_script.c): one argument at most, blanks inside
 * it kept. Undefined when the file does not start with `#!` or names no interpreter that the kernel would run.
 * @param head the first 256 bytes of the file, or all of it
 */
export function parseShebang(head: Buffer): string[] | undefined {
  if (head[0] !== 0x23 || head[1] !== 0x21) return undefined;
  const bytes = head.subarray(0, shebangBytes);
  const end = bytes.indexOf(0x0a);
  const line = decodeBytes(bytes.subarray(2, end < 0 ? bytes.length : end)).replace(/\0.*$/s, "");
  const text = line.replace(/^[ \t]+|[ \t]+$/g, "");
  const interpreter = /^[^ \t]+/.exec(text)?.[0];
  // Cut off inside the interpreter's own name the kernel refuses it.
  if (interpreter === undefined || (end < 0 && head.length >= shebangBytes && interpreter === text)) return undefined;
  const argument = text.slice(interpreter.length).replace(/^[ \t]+/, "");
  return argument === "" ? [interpreter] : [interpreter, argument];
}

/**
 * The program that `env` starts for `#!/usr/bin/env ARGUMENT`: after `-S` the argument is split into words, and options and
 * assignments are passed over. Undefined when the interpreter is not env or names no program.
 */
export function envProgram([interpreter, argument]: readonly string[]): string | undefined {
  if (interpreter === undefined || argument === undefined || !/(^|\/)env$/.test(interpreter)) return undefined;
  const split = /^(?:-\w*S|--split-string[= ])\s*(.*)$/s.exec(argument);
  const words = split ? (split[1] ?? "").split(/[ \t]+/) : [argument];
  for (let at = 0; at < words.length; at++) {
    const word = (words[at] ?? "").replace(/^(["'])(.*)\1$/, "$2");
    if (/^(-u|--unset|-C|--chdir)$/.test(word)) at++;
    else if (word !== "" && !word.startsWith("-") && !/^\w+=/.test(word)) return word;
  }
  return undefined;
}
