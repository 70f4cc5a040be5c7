import { describe, expect, it } from "vitest";
import { homeOf } from "./identity.ts";

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
