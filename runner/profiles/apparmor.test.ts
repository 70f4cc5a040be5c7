import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { apparmorProfile, profileName, type Seen } from "./apparmor.ts";

type File = Seen["files"][number];
const file = (kind: File["kind"], path: string, result: File["result"] = "ok"): File => ({ kind, path, result });
const seeing = (more: Partial<Seen>): Seen => ({ files: [], sockets: [], syscalls: [], ...more });
const profileOf = (files: File[], more: Partial<Seen> = {}) =>
  apparmorProfile({ image: "app:1", seen: seeing({ files, ...more }) });

/** The rules of a profile, one a line. */
const rulesOf = (profile: string) =>
  profile
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.endsWith(","));

/** Asks AppArmor's own compiler; fails, with what to install, where there is none. */
function compile(profile: string): string {
  if (spawnSync("apparmor_parser", ["--version"]).error)
    throw new Error("apparmor_parser is needed: apt-get install apparmor");
  const dir = mkdtempSync(join(tmpdir(), "winnow-apparmor-"));
  try {
    writeFileSync(join(dir, "profile"), profile);
    const { status, stderr } = spawnSync("apparmor_parser", ["-QT", "--skip-kernel-load", join(dir, "profile")], {
      encoding: "utf8",
    });
    return status === 0 ? "" : stderr || `exit code ${status}`;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** Whether a file rule of the profile gives `permission` for `path`: our reading of apparmor.d(5), apart from the writer's. */
function permits(profile: string, path: string, permission: string): boolean {
  return rulesOf(profile).some((rule) => {
    const parts = /^(?:"((?:[^"\\]|\\.)*)"|(\/\S*)) ([a-z]+),$/.exec(rule);
    if (!parts?.[3]?.includes(permission)) return false;
    const glob = parts[1] ?? parts[2] ?? "";
    let regex = "";
    for (let i = 0; i < glob.length; i++) {
      const char = glob[i] ?? "";
      if (char === "\\") regex += `\\u${glob.charCodeAt(++i).toString(16).padStart(4, "0")}`;
      else if (glob.startsWith("**", i)) {
        regex += "[^\\0]*";
        i++;
      } else if (char === "*") regex += "[^/]*";
      else if (char === "?") regex += "[^/]";
      else if (char === "{") regex += "(?:";
      else if (char === "}") regex += ")";
      else if (char === "," && /\{[^}]*$/.test(glob.slice(0, i))) regex += "|";
      else if (char === "[" || char === "]" || char === "-" || /\w/.test(char)) regex += char;
      else regex += `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
    }
    return new RegExp(`^${regex}$`).test(path);
  });
}

const many = (count: number, name: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => file("read", name(index)));

describe("apparmorProfile", () => {
  test("a web server's profile compiles and says what it may", () => {
    const profile = profileOf(
      [
        file("exec", "/usr/sbin/nginx"),
        file("read", "/usr/lib/x86_64-linux-gnu/libc.so.6"),
        file("read", "/etc/nginx/nginx.conf"),
        file("read", "/etc/missing.conf", "noent"),
        file("stat", "/var/www/never-opened.html"),
        file("list", "/etc/nginx/conf.d"),
        file("write", "/var/cache/nginx/client_temp/0001"),
        file("write", "/etc/nginx/generated.conf"),
        file("read", "/proc/4711/task/12/status", "virt"),
        file("write", "/dev/pts/0", "virt"),
      ],
      {
        sockets: [{ op: "bind", family: "inet", address: "0.0.0.0", port: 80 }],
        syscalls: ["setuid", "setgroups", "mount"],
      },
    );
    expect(compile(profile)).toBe("");
    expect(rulesOf(profile)).toEqual(
      expect.arrayContaining([
        "/usr/sbin/nginx mrix,",
        "/usr/lib/x86_64-linux-gnu/libc.so.6 mr,",
        "/etc/nginx/nginx.conf r,",
        "/etc/nginx/conf.d/ r,",
        "/var/cache/nginx/client_temp/** rwkl,",
        "/etc/nginx/generated.conf{,/} rwkl,",
        "/proc/[0-9]*/task/[0-9]*/status r,",
        "/dev/pts/0 rw,",
        "network inet stream,",
        "capability net_bind_service,",
        "capability setgid,",
        "capability setuid,",
        "deny mount,",
        "deny ptrace (trace, tracedby),",
      ]),
    );
    expect(profile).not.toContain("missing.conf");
    expect(profile).not.toContain("never-opened");
    expect(profile).not.toContain("capability sys_admin");
  });

  test("a program that does nothing has a profile that compiles and allows next to nothing", () => {
    const profile = profileOf([]);
    expect(compile(profile)).toBe("");
    expect(rulesOf(profile).filter((rule) => rule.startsWith("/"))).toEqual([
      "/dev/{null,zero,full,random,urandom,tty} rw,",
    ]);
    expect(profile).not.toContain("network");
  });

  test("2,400 files become a few rules that allow every one of them and no secret", () => {
    const files = [
      ...many(1500, (i) => `/usr/lib/python3/dist-packages/p${i % 60}/m${i}.py`),
      ...many(500, (i) => `/usr/share/zoneinfo/z${i}`),
      ...many(300, (i) => `/usr/lib/x86_64-linux-gnu/lib${i}.so.${i}`),
      ...many(90, (i) => `/etc/c${i}.conf`),
      ...many(10, (i) => `/etc/ssl/certs/${i}.pem`),
    ];
    const profile = profileOf(files);
    expect(compile(profile)).toBe("");
    expect(rulesOf(profile).filter((rule) => rule.startsWith("/")).length).toBeLessThan(100);
    for (const { path } of files) expect(permits(profile, path, "r"), path).toBe(true);
    expect(permits(profile, "/usr/lib/x86_64-linux-gnu/lib1.so.1", "m")).toBe(true);
    for (const path of ["/etc/shadow", "/etc/ssl/private/key.pem", "/root/.ssh/id_rsa", "/usr/bin/sh"]) {
      expect(permits(profile, path, "r"), path).toBe(false);
    }
    expect(permits(profile, "/usr/share/zoneinfo/z1", "m")).toBe(false);
    expect(permits(profile, "/usr/share/zoneinfo/z1", "w")).toBe(false);
  });

  test("the same observation in any order gives the same text", () => {
    const files = [
      ...many(30, (i) => `/srv/a/${i}/f`),
      file("exec", "/bin/b"),
      file("exec", "/bin/a"),
      file("write", "/tmp/x"),
      file("list", "/srv/a"),
    ];
    const profile = profileOf(files);
    fc.assert(
      fc.property(fc.shuffledSubarray(files, { minLength: files.length }), (shuffled) => {
        expect(profileOf([...shuffled, ...shuffled])).toBe(profile);
      }),
    );
  });

  test("whatever the paths, what was read, run and written stays allowed", () => {
    const name = fc.string({
      unit: fc.constantFrom(
        "a",
        "b",
        ".",
        "*",
        "{",
        "}",
        "[",
        "]",
        ",",
        "^",
        " ",
        '"',
        "\\",
        "@",
        "#",
        "!",
        "\u00e9",
        "\udcff",
        "\n",
      ),
      minLength: 1,
      maxLength: 6,
    });
    const path = fc
      .array(
        name.filter((text) => text !== "." && text !== ".."),
        { minLength: 1, maxLength: 4 },
      )
      .map((names) => `/${names.join("/")}`);
    const kind = fc.constantFrom("read", "write", "exec", "list" as const);
    fc.assert(
      fc.property(fc.array(fc.tuple(kind, path), { maxLength: 40 }), (pairs) => {
        const profile = profileOf(pairs.map(([how, where]) => file(how as File["kind"], where)));
        for (const [how, where] of pairs) {
          const permission = how === "read" || how === "list" ? "r" : how === "write" ? "w" : "x";
          expect(
            permits(profile, how === "list" ? `${where}/` : where, permission),
            `${how} ${JSON.stringify(where)}`,
          ).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });

  test("paths of every odd kind get through AppArmor's compiler", () => {
    const odd = [
      "a b",
      "*",
      "{x",
      "x}",
      "[a",
      "]",
      "a,b",
      "^",
      '"',
      "\\",
      "@{HOME}",
      "#x",
      "!x",
      "\u00e9\u4e2d",
      "\udc80\udcff",
      "\n\t",
      "$x",
      "(a)",
      "=",
      "~",
      "'",
    ];
    const files = odd.flatMap((text) => [
      file("read", `/srv/${text}/${text}`),
      file("exec", `/opt/x${text}`),
      file("write", `/data/${text}/f`),
      file("list", `/srv/${text}`),
    ]);
    expect(compile(profileOf(files))).toBe("");
  });

  test("the compiler is able to refuse", () => {
    expect(compile(profileOf([file("read", "/a")]).replace("/a r,", "/{a r,"))).not.toBe("");
  });

  test("programs are listed one by one, never by a glob", () => {
    const profile = profileOf(Array.from({ length: 40 }, (_, index) => file("exec", `/usr/bin/tool${index}`)));
    expect(rulesOf(profile).filter((rule) => rule.includes("ix"))).toHaveLength(40);
    expect(permits(profile, "/usr/bin/other", "x")).toBe(false);
  });

  test("capabilities are those that are held and needed", () => {
    const rules = (syscalls: string[], capabilities?: string[]) =>
      rulesOf(apparmorProfile({ image: "a", seen: seeing({ syscalls }), capabilities })).filter((rule) =>
        rule.startsWith("capability"),
      );
    expect(rules([])).toEqual(["capability dac_override,"]);
    expect(rules(["chown", "settimeofday"])).toEqual([
      "capability chown,",
      "capability dac_override,",
      "capability fsetid,",
    ]);
    expect(rules(["chown"], ["CAP_CHOWN", "NET_ADMIN"])).toEqual(["capability chown,"]);
    expect(rules(["chown"], [])).toEqual([]);
  });

  test("an application that traces its own processes may go on doing so", () => {
    const profile = profileOf([], { syscalls: ["ptrace"] });
    expect(compile(profile)).toBe("");
    expect(profile).toContain("ptrace (trace, tracedby, read, readby) peer=winnow-app-1,");
    expect(profile).not.toContain("deny ptrace");
  });

  test("the profile's name is the image's, in characters that a name may have", () => {
    expect(profileName("registry.example:5000/team/app:1.2@sha256:ab")).toBe(
      "winnow-registry.example-5000-team-app-1.2-sha256-ab",
    );
    expect(
      execFileSync("apparmor_parser", ["--names", "-QT"], {
        input: apparmorProfile({ image: "a/b:c", seen: seeing({}) }),
        encoding: "utf8",
      }),
    ).toContain("winnow-a-b-c");
  });
});
