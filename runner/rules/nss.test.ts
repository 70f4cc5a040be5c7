import { expect, it } from "vitest";
import { nssLibraries } from "./nss.ts";

it("names the modules of users, groups and hosts once each, without actions and comments", () => {
  const text = [
    "# passwd: never",
    "passwd:   files systemd # more",
    " group: files [SUCCESS=merge] systemd",
    "hosts: files mdns4_minimal [NOTFOUND=return] dns",
    "netgroup: nis",
    "rpc: db files",
    "passwd ../evil",
    "shadow: ../evil",
  ].join("\n");
  expect(nssLibraries(text)).toEqual([
    "libnss_files.so.2",
    "libnss_systemd.so.2",
    "libnss_mdns4_minimal.so.2",
    "libnss_dns.so.2",
  ]);
});

it("names nothing for an empty file", () => {
  expect(nssLibraries("")).toEqual([]);
});
