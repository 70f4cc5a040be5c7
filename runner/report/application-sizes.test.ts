import { expect, test } from "vitest";
import { aScenarioRun } from "../observation.builder.ts";
import { aRootfs, aRun } from "../stages/select.builder.ts";
import { applicationSizes } from "./application-sizes.ts";

test("the application's directories have their size, without packages, caches and version control", () => {
  const tree = {
    "/srv/shop/server.js": "12345",
    "/srv/shop/views/late.ejs": "123",
    "/srv/shop/node_modules/left/index.js": "left",
    "/srv/shop/.git/HEAD": "ref",
    "/srv/shop/.cache/compiled": "compiled",
    "/usr/bin/node": Buffer.from("\x7fELF"),
  };
  const found = applicationSizes({
    index: { rootfs: aRootfs(tree) },
    observed: { runs: [aScenarioRun({ sensor: [aRun(["exec /usr/bin/node", "read /srv/shop/server.js"])] })] },
    source: { config: { WorkingDir: "/srv/shop", Cmd: ["node", "server.js"], Env: ["PATH=/usr/bin"] } },
    contents: new Map(),
  });
  expect(found).toEqual([{ path: "/srv/shop", reason: expect.any(String), files: 2, bytes: 8 }]);
});
