import { expect, it } from "vitest";
import { names, nssServices } from "./names.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";

const lib = "/usr/lib/x86_64-linux-gnu";
const tree = {
  [`${lib}/libc.so.6`]: "elf",
  [`${lib}/libpam.so.0.85.1`]: "elf",
  [`${lib}/libnss_files.so.2`]: "elf",
  [`${lib}/libnss_dns.so.2`]: "elf",
  [`${lib}/libnss_ldap.so.2`]: "elf",
  [`${lib}/libnss_hesiod.so.2`]: "elf",
  [`${lib}/libresolv.so.2`]: "elf",
  "/lib": "-> usr/lib",
  "/etc/nsswitch.conf": "passwd: files ldap # hesiod\nhosts: files [!UNAVAIL=return] dns\nnetgroup: hesiod\n",
  "/etc/host.conf": "multi on",
  "/etc/services": "http 80/tcp",
  "/etc/protocols": "tcp 6 TCP",
  "/etc/gai.conf": "#",
  "/etc/login.defs": "",
  "/etc/environment": "",
  "/etc/shadow": "secret",
  "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\nwww:x:33:33::/:/usr/sbin/nologin\ntorn:x",
  "/bin/bash": Buffer.from("elf"),
  "/bin/dash": Buffer.from("elf"),
  "/usr/sbin/nologin": Buffer.from("elf"),
  "/bin/su": Buffer.from("elf"),
};

it("keeps the resolver's files and the modules that nsswitch.conf names for every program with a libc", () => {
  expect(keptBy(names, aPackContext(tree), [`${lib}/libc.so.6`])).toEqual([
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/protocols",
    "/etc/services",
    "/lib",
    `${lib}/libnss_dns.so.2`,
    `${lib}/libnss_files.so.2`,
    `${lib}/libnss_ldap.so.2`,
    `${lib}/libresolv.so.2`,
  ]);
});

it("keeps what a session needs, shells of users that log in, and no secret", () => {
  for (const [path, use] of [
    [`${lib}/libpam.so.0.85.1`, "load"],
    ["/bin/su", "run"],
  ] as const)
    expect(keptBy(names, aPackContext(tree), [path], use)).toEqual([
      "/bin/bash",
      "/etc/environment",
      "/etc/login.defs",
    ]);
});

it("keeps no shell for a server that only checks passwords, unless a program beside it starts sessions", () => {
  const shellsOf = (...programs: string[]) => {
    const processes = programs.map((exe) => ({ exe, argv: [exe] }));
    const opens = { "/usr/sbin/desk": Buffer.from("\x7fELF pam_start pam_open_session"), "/usr/sbin/nginx": "elf" };
    const context = aPackContext({ ...tree, ...opens }, { processes });
    return keptBy(names, context, [`${lib}/libpam.so.0.85.1`]).filter((path) => path === "/bin/bash");
  };
  expect(shellsOf("/bin/dash", "/usr/sbin/nginx")).toEqual([]);
  expect(shellsOf("/usr/sbin/sshd", "/usr/sbin/nginx")).toEqual(["/bin/bash"]);
  expect(shellsOf("/usr/sbin/desk", "/usr/sbin/nginx")).toEqual(["/bin/bash"]);
  expect(shellsOf("/usr/sbin/other")).toEqual(["/bin/bash"]);
});

it("keeps nothing for a static program", () => {
  expect(keptBy(names, aPackContext(tree), ["/bin/dash"], "run")).toEqual([]);
});

it.each([
  ["", ["files", "dns"]],
  ["hosts: files mdns4_minimal [NOTFOUND=return] dns\n\npasswd:compat", ["files", "dns", "mdns4_minimal", "compat"]],
  ["hosts: ../../evil", ["files", "dns"]],
  ["hosts", ["files", "dns"]],
])("reads the services of %j", (text, services) => {
  expect(nssServices(text)).toEqual(services);
});
