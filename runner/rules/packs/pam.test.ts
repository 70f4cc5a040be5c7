import fc from "fast-check";
import { expect, it } from "vitest";
import { aPackContext, keptBy } from "./pack.builder.ts";
import { pam, parsePamService } from "./pam.ts";

const lib = "/usr/lib/x86_64-linux-gnu";
const tree = {
  [`${lib}/libpam.so.0.85.1`]: "elf",
  [`${lib}/security/pam_unix.so`]: "elf",
  [`${lib}/security/pam_env.so`]: "elf",
  [`${lib}/security/pam_deny.so`]: "elf",
  [`${lib}/security/pam_rootok.so`]: "elf",
  [`${lib}/security/pam_timestamp.so`]: "elf",
  "/etc/pam.d/ejabberd": "#%PAM-1.0\n@include common-auth\n",
  "/etc/pam.d/common-auth": "auth [success=1 default=ignore] pam_unix.so nullok\n-auth\toptional pam_env.so\n",
  "/etc/pam.d/common-session": "session required pam_timestamp.so\n",
  "/etc/pam.d/other": "auth required pam_deny.so",
  "/etc/pam.d/su": "auth sufficient pam_rootok.so\n",
  "/etc/security/pam_env.conf": "",
  "/usr/sbin/unix_chkpwd": Buffer.from("elf"),
  "/usr/bin/su": Buffer.from("elf"),
  "/etc/shadow": "secret",
};

it("keeps the services, their includes, and the modules these name", () => {
  expect(keptBy(pam, aPackContext(tree), [`${lib}/libpam.so.0.85.1`])).toEqual([
    "/etc/pam.d/common-auth",
    "/etc/pam.d/ejabberd",
    "/etc/pam.d/other",
    "/etc/security/pam_env.conf",
    `${lib}/security/pam_deny.so`,
    `${lib}/security/pam_env.so`,
    `${lib}/security/pam_unix.so`,
    "/usr/sbin/unix_chkpwd",
  ]);
});

it("keeps the service of a user command with that command alone", () => {
  expect(keptBy(pam, aPackContext(tree), ["/usr/bin/su"], "run")).toEqual([
    "/etc/pam.d/su",
    `${lib}/security/pam_rootok.so`,
  ]);
  expect(keptBy(pam, aPackContext(tree), ["/usr/bin/su"], "exist")).toEqual([]);
});

it("reads long lines, substacks, modules by path, and no path that leads out", () => {
  const text =
    "auth required \\\n /opt/pam_x.so\nauth substack system-auth\nauth include ../../etc/shadow\nbogus line\n";
  expect(parsePamService(text)).toEqual({ includes: ["system-auth"], modules: ["/opt/pam_x.so"] });
});

it("reads any text", () => {
  fc.assert(fc.property(fc.string({ maxLength: 400 }), (text) => void parsePamService(text)));
});
