import { expect, it } from "vitest";
import { aPackContext } from "./pack.builder.ts";
import { isCollected } from "./python-static.ts";

const admin = "/usr/lib/python3/dist-packages/web/admin/static/admin";
const tree = {
  [`${admin}/page.css`]: "body {}",
  [`${admin}/old.css`]: "body { color: red }",
  [`${admin}/only.css`]: "a {}",
  [`${admin}/lib.js`]: "-> /usr/share/javascript/lib.js",
  "/usr/lib/python3/dist-packages/web/admin/static/x/y.css": "y {}",
  "/usr/lib/python3/dist-packages/web/admin/page.css": "body {}",
  "/usr/share/javascript/lib.js": "lib()",
  "/srv/collected/admin/page.css": "body {}",
  "/srv/collected/admin/old.css": "body {}",
  "/srv/collected/admin/lib.js": "lib()",
  "/usr/share/other/x/y.css": "y {}",
};
const given = { application: ["/srv"] };

it.each([
  [`${admin}/page.css`, true],
  [`${admin}/lib.js`, true],
  [`${admin}/old.css`, false],
  [`${admin}/only.css`, false],
  ["/usr/lib/python3/dist-packages/web/admin/static/x/y.css", false],
  ["/usr/lib/python3/dist-packages/web/admin/page.css", false],
])("%s has a copy of the same size in the application: %j", (path, answer) => {
  expect(isCollected(path, aPackContext(tree, given))).toBe(answer);
});

it("leaves what was read to the observation, and counts no copy outside the application", () => {
  const path = `${admin}/page.css`;
  expect(isCollected(path, aPackContext(tree, { ...given, seen: [path] }))).toBe(false);
  expect(isCollected(path, aPackContext(tree))).toBe(false);
});

it("takes no file of an application that is itself a package for a copy", () => {
  const application = ["/usr/lib/python3/dist-packages/web"];
  const context = aPackContext(tree, { application });
  for (const path of [`${admin}/page.css`, "/usr/lib/python3/dist-packages/web/admin/static/x/y.css"])
    expect(isCollected(path, context), path).toBe(false);
});
