import { describe, expect, it } from "vitest";
import { aRootfs } from "../stages/select.builder.ts";
import { homeOf, identity } from "./identity.ts";

it("keeps what tells the distribution and its version, whichever it is", () => {
  const tree = {
    "/etc/os-release": "-> ../usr/lib/os-release",
    "/usr/lib/os-release": "ID=x",
    "/etc/debian_version": "12.5",
    "/etc/alpine-release": "3.20.0",
    "/etc/system-release": "-> redhat-release",
    "/etc/redhat-release": "x",
    "/etc/system-release-cpe": "x",
    "/etc/lsb-release": "x",
    "/etc/SuSE-release": "x",
    "/etc/slackware-version": "x",
  };
  const others = { "/etc/release-notes": "x", "/etc/app/x-release": "x", "/opt/x-release": "x", "/etc/version": "x" };
  const config = { user: "", workdir: "", env: [], volumes: [] };
  const paths = identity(aRootfs({ ...tree, ...others }), config, undefined).map(({ path }) => path);
  // What a link leads to is kept with it.
  expect(paths.filter((path) => path in tree || path in others).sort()).toEqual(
    Object.keys(tree)
      .filter((path) => path.startsWith("/etc/"))
      .sort(),
  );
});

describe("homeOf", () => {
  const passwd =
    "root:x:0:0:root:/root:/bin/sh\nweb:x:33:33::/srv/web:/bin/false\n77:x:5:5::/digits:/bin/sh\nodd:x:77\n";
  it.each([
    ["", "/root"],
    ["root", "/root"],
    ["web", "/srv/web"],
    ["33", "/srv/web"],
    ["web:adm", "/srv/web"],
    ["33:0", "/srv/web"],
    ["77", "/digits"],
    ["nobody", undefined],
    ["1234", undefined],
    ["odd", undefined],
  ])("of USER %j is %s", (user, home) => {
    expect(homeOf(passwd, user)).toBe(home);
  });
});
