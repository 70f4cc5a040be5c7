import { decodeBytes } from "#runner/sensor/byte-text.ts";

/**
 * The arguments as byte text (sensor/byte-text.ts): Node makes U+FFFD of every byte that is not UTF-8, and no path could be
 * found by that. `cmdline` is /proc/self/cmdline, asked for only when it is needed.
 */
export function byteArguments(args: readonly string[], cmdline: () => Buffer): string[] {
  if (!args.some((each) => each.includes("\ufffd"))) return [...args];
  const whole = cmdline();
  const words: string[] = [];
  for (let at = 0; at < whole.length; ) {
    const end = whole.indexOf(0, at) < 0 ? whole.length : whole.indexOf(0, at);
    words.push(decodeBytes(whole.subarray(at, end)));
    at = end + 1;
  }
  const own = words.slice(words.length - args.length);
  // A process that renamed itself shows another command line.
  const isSame = own.length === args.length && own.every((each, at) => lossy(each) === lossy(args[at] ?? ""));
  return isSame ? own : [...args];
}

const lossy = (text: string): string => text.replace(/[\udc80-\udcff]+/g, "\ufffd").replace(/\ufffd+/g, "\ufffd");
