import { posix } from "node:path";
import { readShell } from "./shell-text.ts";

/** One program start, as far as a command line tells it: its words, and the directory in which it happens. */
export type Start = { words: readonly string[]; directory: string };

/** Options of wrappers that take the next word as their value. */
const valued: Readonly<Record<string, RegExp>> = {
  env: /^(-u|--unset|-C|--chdir|-S)$/,
  exec: /^-a$/,
  nice: /^(-n|--adjustment)$/,
  ionice: /^-[cnpPu]$/,
  timeout: /^(-k|-s|--kill-after|--signal)$/,
  xargs: /^(-[IiLnPsadE]|--replace|--max-args|--max-procs|--delimiter|--arg-file)$/,
  sudo: /^(-[ugCDhprtU]|--user|--group)$/,
  doas: /^-[uC]$/,
  runuser: /^(-[ugGs]|--user|--group|--shell)$/,
  chroot: /^$/,
  setpriv: /^$/,
  stdbuf: /^-[ioe]$/,
  chpst: /^-[uUbemdoprfct/]$/,
  tini: /^-[pe]$/,
  "tini-static": /^-[pe]$/,
  catatonit: /^$/,
  "dumb-init": /^(-r|--rewrite)$/,
  time: /^-[fo]$/,
  flock: /^(-[wE]|--timeout|--wait|--conflict-exit-code)$/,
  strace: /^-[eopsuEP]$/,
  watch: /^(-n|--interval)$/,
};

/** Words between the options of a wrapper and the command: a user, a time, a lock file, a directory. */
const operands: Readonly<Record<string, number>> = {
  timeout: 1,
  gosu: 1,
  "su-exec": 1,
  "s6-setuidgid": 1,
  setuidgid: 1,
  flock: 1,
  chroot: 1,
};

const plain =
  /^(gosu|su-exec|s6-setuidgid|setuidgid|setsid|nohup|builtin|command|catchsegv|with-contenv|unbuffer|bundle|npx|pm2-runtime|cron-run|torsocks|authbind|fakeroot|busybox)$/;

const maxDepth = 8;

/**
 * The programs that a command line starts: itself, and what it hands on to, through `exec`, `env`, `timeout`, `gosu`, `tini`,
 * `xargs`, `sh -c` and the like. In order from outside to inside; the last one is what really runs.
 */
export function startsOf(
  words: readonly string[],
  directory: string,
  variables: ReadonlyMap<string, string> = new Map(),
): Start[] {
  return starts(words, directory, variables, 0);
}

/** The same of the text of a shell script; `cd` to a known directory counts for what follows. */
export function startsOfScript(
  text: string,
  directory: string,
  variables: ReadonlyMap<string, string> = new Map(),
  script?: string,
): { starts: Start[]; functions: ReadonlySet<string> } {
  return scriptStarts(text, directory, variables, script, 0);
}

function scriptStarts(
  text: string,
  directory: string,
  variables: ReadonlyMap<string, string>,
  script: string | undefined,
  depth: number,
): { starts: Start[]; functions: ReadonlySet<string> } {
  const { commands, functions } = readShell(text, variables, script);
  const found: Start[] = [];
  let at = directory;
  for (const words of commands) {
    const [name, target] = words[1] === "--" ? [words[0], words[2]] : words;
    if (name !== "cd" && name !== "pushd") found.push(...starts(words, at, variables, depth));
    else if (target !== undefined && !target.includes("\0") && !target.startsWith("-")) at = posix.resolve(at, target);
  }
  return { starts: found, functions };
}

function starts(
  words: readonly string[],
  directory: string,
  variables: ReadonlyMap<string, string>,
  depth: number,
): Start[] {
  const [first] = words;
  if (first === undefined || depth > maxDepth) return [];
  const own: Start = { words, directory };
  const name = posix.basename(first);
  const text = shellText(name, words);
  if (text !== undefined) return [own, ...scriptStarts(text, directory, variables, undefined, depth + 1).starts];
  if (name === "find") return [own, ...foundStarts(words, directory, variables, depth)];
  const inner = handedOn(name, words);
  return inner.length === 0 ? [own] : [own, ...starts(inner, directory, variables, depth + 1)];
}

/** The script in a word of this command: `sh -c TEXT`, `su -c TEXT`, `eval TEXT`, `trap TEXT`. */
function shellText(name: string, words: readonly string[]): string | undefined {
  if (name === "eval") return words.slice(1).join(" ");
  if (name === "trap") return words[1];
  if (!/^(sh|bash|dash|ash|zsh|ksh|su|runuser|flock|script)$/.test(name)) return undefined;
  const at = words.findIndex((word, index) => index > 0 && (/^-[a-z]*c$/.test(word) || word === "--command"));
  return at < 0 ? undefined : words[at + 1];
}

function foundStarts(
  words: readonly string[],
  directory: string,
  variables: ReadonlyMap<string, string>,
  depth: number,
): Start[] {
  return words.flatMap((word, at) => {
    if (!/^-(exec|execdir|ok)$/.test(word)) return [];
    const rest = words.slice(at + 1);
    const end = rest.findIndex((each) => each === ";" || each === "+");
    return starts(end < 0 ? rest : rest.slice(0, end), directory, variables, depth + 1);
  });
}

/** What a wrapper hands on to, without its own options. Empty for a program that is no wrapper. */
function handedOn(name: string, words: readonly string[]): readonly string[] {
  const takesValue = valued[name];
  // `wait-for-it host:5432 -- command`, `entrypoint -- command`
  const dashes = words.indexOf("--");
  if (!takesValue && !plain.test(name)) return dashes > 0 ? words.slice(dashes + 1) : [];
  if (name === "bundle" && words[1] !== "exec") return [];
  let at = name === "bundle" ? 2 : 1;
  for (; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "--") {
      at++;
      break;
    }
    const isAssignment = /^(env|sudo)$/.test(name) && /^\w+=/.test(word);
    if (takesValue?.test(word)) at++;
    else if (!word.startsWith("-") && !isAssignment) break;
  }
  return words.slice(at + (operands[name] ?? 0));
}
