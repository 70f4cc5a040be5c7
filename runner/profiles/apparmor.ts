import { foldPaths } from "./fold-paths.ts";

/** What an observation says that a profile needs. Paths are canonical, absolute, and text as the sensor's reader decodes it. */
export type Seen = {
  files: {
    kind: "read" | "write" | "exec" | "stat" | "readlink" | "list" | "chdir" | "xattr" | "other";
    path: string;
    result: "ok" | "noent" | "notdir" | "err" | "virt";
  }[];
  sockets: { op: "bind" | "connect"; family: string; address: string; port: number }[];
  syscalls: string[];
};

type AppArmorInput = {
  /** Image reference, for the profile's name. */
  image: string;
  seen: Seen;
  /** The capabilities that the container holds, `CAP_CHOWN` or `CHOWN`; the engine's default set when absent. */
  capabilities?: readonly string[];
};

/** What a container holds by default (moby `oci/caps`). */
const defaultCapabilities = [
  ...["AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "NET_RAW"],
  ...["SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"],
];

/** The capability that a system call may need. What needs it for some arguments only is given it too: they are not observed. */
const needs: readonly (readonly [capability: string, syscalls: readonly string[]])[] = [
  ["CHOWN", ["chown", "fchown", "lchown", "fchownat"]],
  [
    "FOWNER",
    [
      "chmod",
      "fchmod",
      "fchmodat",
      "fchmodat2",
      "utime",
      "utimes",
      "utimensat",
      "futimesat",
      "setxattr",
      "unlink",
      "unlinkat",
      "rename",
    ],
  ],
  ["FSETID", ["chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat"]],
  ["IPC_LOCK", ["mlock", "mlock2", "mlockall"]],
  ["KILL", ["kill", "tkill", "tgkill", "pidfd_send_signal"]],
  ["MKNOD", ["mknod", "mknodat"]],
  ["SETFCAP", ["setxattr", "fsetxattr", "lsetxattr"]],
  ["SETGID", ["setgid", "setregid", "setresgid", "setfsgid", "setgroups"]],
  ["SETPCAP", ["capset"]],
  ["SETUID", ["setuid", "setreuid", "setresuid", "setfsuid"]],
  ["SYS_CHROOT", ["chroot"]],
  [
    "SYS_NICE",
    ["setpriority", "sched_setscheduler", "sched_setparam", "sched_setattr", "sched_setaffinity", "ioprio_set"],
  ],
  ["SYS_RESOURCE", ["setrlimit", "prlimit64"]],
  ["SYS_TIME", ["settimeofday", "clock_settime", "clock_adjtime", "adjtimex"]],
];

/** Files whose pages get executed: libraries, add-ons, archives of compiled code. `tail` is the glob after a file's stem. */
const mapped: readonly { tail: string; name: RegExp }[] = [
  { tail: ".so*", name: /\.so(\.[^/]*)?$/ },
  { tail: ".node", name: /\.node$/ },
  { tail: ".jsa", name: /\.jsa$/ },
  { tail: ".dll", name: /\.dll$/ },
];

/** Directories in which a written file is a name of its own, not one of many to come. */
const fixedDirectories = /^\/(?:(?:etc|usr|bin|sbin|boot|lib|lib32|lib64|libx32)(?:\/.*)?)?$/;

/**
 * An AppArmor profile for the container, complete in itself: it includes nothing, so it loads on any host. Reading
 * is folded into globs (more than 8 files of a directory, or 24 below one, become one rule); programs are listed one by one
 * and inherit the profile; where files were written, their directory may be written. The same observation in any order
 * gives the same text. Looking at files needs no rule: AppArmor does not restrict stat, readlink and chdir.
 */
export function apparmorProfile({ image, seen, capabilities = defaultCapabilities }: AppArmorInput): string {
  const name = profileName(image);
  const sections: [string, string[]][] = [
    ["capabilities that the container holds and the application may need", capabilityRules(seen, capabilities)],
    ["network", networkRules(seen)],
    ["signals from the engine and among the container's own processes", signalRules(name)],
    ["programs", execRules(seen)],
    ["files", [...readRules(seen), ...writeRules(seen)]],
    ["devices that every program may take for granted", ["/dev/{null,zero,full,random,urandom,tty} rw,"]],
    ["never", ["deny mount,", "deny umount,", "deny pivot_root,", ...ptraceRules(seen, name)]],
  ];
  const body = sections
    .filter(([, rules]) => rules.length > 0)
    .map(([title, rules]) => [`  # ${title}`, ...rules.map((rule) => `  ${rule}`)].join("\n"));
  return `profile ${name} flags=(attach_disconnected,mediate_deleted) {\n${body.join("\n\n")}\n}\n`;
}

/** `winnow-` and the image reference with what a profile's name may not hold as `-`. */
export function profileName(image: string): string {
  return `winnow-${image.replace(/[^A-Za-z0-9._-]+/g, "-")}`;
}

function capabilityRules({ syscalls, sockets }: Seen, held: readonly string[]): string[] {
  const called = new Set(syscalls);
  const wanted = new Set(
    needs.filter(([, names]) => names.some((name) => called.has(name))).map(([capability]) => capability),
  );
  if (sockets.some(({ op, family, port }) => op === "bind" && family !== "unix" && port > 0 && port < 1024))
    wanted.add("NET_BIND_SERVICE");
  // Which file was opened only thanks to it cannot be seen in a system call.
  wanted.add("DAC_OVERRIDE");
  const names = new Set(held.map((capability) => capability.replace(/^CAP_/, "").toUpperCase()));
  return [...wanted]
    .filter((capability) => names.has(capability))
    .toSorted()
    .map((capability) => `capability ${capability.toLowerCase()},`);
}

function networkRules({ sockets, syscalls }: Seen): string[] {
  const rules: string[] = [];
  if (sockets.some(({ family }) => family === "inet" || family === "inet6")) {
    // Resolvers and language runtimes try both families, and ask netlink which addresses there are.
    for (const family of ["inet", "inet6"]) rules.push(`network ${family} stream,`, `network ${family} dgram,`);
    rules.push("network netlink raw,");
  }
  if (
    sockets.some(({ family }) => family === "unix") ||
    syscalls.some((name) => name === "socket" || name === "socketpair")
  ) {
    rules.push("network unix stream,", "network unix dgram,", "network unix seqpacket,", "unix,");
  }
  return rules;
}

function signalRules(name: string): string[] {
  return [
    "signal (receive) peer=unconfined,",
    "signal (receive) peer=runc,",
    "signal (receive) peer=crun,",
    `signal (send, receive) peer=${name},`,
  ];
}

function ptraceRules({ syscalls }: Seen, name: string): string[] {
  // ps and its like read /proc of their neighbours
  if (!syscalls.includes("ptrace")) return ["deny ptrace (trace, tracedby),", `ptrace (read, readby) peer=${name},`];
  return [`ptrace (trace, tracedby, read, readby) peer=${name}, # the application traces its own processes`];
}

function execRules({ files }: Seen): string[] {
  const paths = new Set(files.filter(({ kind, result }) => kind === "exec" && result === "ok").map(({ path }) => path));
  return [...paths].toSorted().map((path) => `${quote(escapePath(path))} mrix,`);
}

function readRules({ files }: Seen): string[] {
  const read = new Set<string>();
  for (const { kind, path, result } of files) {
    if (result !== "ok" && result !== "virt") continue;
    if (kind === "read") read.add(anyProcess(path));
    if (kind === "list") read.add(`${anyProcess(path).replace(/\/$/, "")}/`);
  }
  const isMapped = (path: string) => mapped.find(({ name }) => name.test(path));
  const rules = new Set<string>();
  for (const kind of mapped) {
    for (const glob of foldPaths([...read].filter((path) => isMapped(path) === kind).map(escapePath), kind.tail))
      rules.add(`${quote(glob)} mr,`);
  }
  for (const glob of foldPaths([...read].filter((path) => !isMapped(path)).map(escapePath)))
    rules.add(`${quote(glob)} r,`);
  return [...rules].toSorted();
}

function writeRules({ files }: Seen): string[] {
  const rules = new Set<string>();
  for (const { kind, path, result } of files) {
    if (kind !== "write" || (result !== "ok" && result !== "virt")) continue;
    const directory = path.slice(0, path.lastIndexOf("/"));
    if (result === "virt" && !path.startsWith("/dev/shm/")) rules.add(`${quote(escapePath(anyProcess(path)))} rw,`);
    else if (fixedDirectories.test(directory || "/")) rules.add(`${quote(`${escapePath(path)}{,/}`)} rwkl,`);
    else rules.add(`${quote(`${escapePath(directory)}/**`)} rwkl,`).add(`${quote(`${escapePath(directory)}/`)} rw,`);
  }
  return [...rules].toSorted();
}

/** Marks process and thread numbers below /proc, which are others in the next run; `escapePath` makes globs of them. */
function anyProcess(path: string): string {
  return path
    .replace(/^\/proc\/\d+(?=\/|$)/, `/proc/${anyNumber}`)
    .replace(/(^\/proc\/[^/]+\/task\/)\d+(?=\/|$)/, `$1${anyNumber}`);
}

/** A character that no path holds, so that it cannot be mistaken for a part of one. */
const anyNumber = "\0";

/**
 * A path as AppArmor writes it: glob characters escaped. Quotes, backslashes, control characters and bytes that are not
 * UTF-8 (U+DC80 to U+DCFF here), at whose escapes its lexer stumbles, become `?`, which stands for exactly one byte.
 */
function escapePath(path: string): string {
  return path
    .replace(/[*?[\]{}^,]|["\\\x01-\x1f\x7f]|[\udc80-\udcff]/gu, (found) =>
      /[*?[\]{}^,]/.test(found) ? `\\${found}` : "?",
    )
    .replaceAll(anyNumber, "[0-9]*");
}

function quote(glob: string): string {
  return /^[\w./*+\-[\]{},]+$/.test(glob) ? glob : `"${glob}"`;
}
