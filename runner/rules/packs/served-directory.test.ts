import { describe, expect, it } from "vitest";
import { aPackContext, keptBy } from "./pack.builder.ts";
import { servedDirectory } from "./served-directory.ts";

describe("the served-directory pack", () => {
  const tree = {
    "/srv/static/index.html": "",
    "/srv/static/css/site.css": "",
    "/srv/static/site.key": "",
    "/srv/other/index.html": "",
    "/usr/share/nginx/html/index.html": "",
    "/usr/share/nginx/html/50x.html": "",
    "/usr/share/doc/x/index.html": "",
    "/usr/share/doc/x/more.html": "",
    "/app/node_modules/ui/a.css": "",
    "/app/node_modules/ui/b.css": "",
    "/var/lib/x/state.db": "",
    "/var/lib/x/other.db": "",
  };
  const kept = (seen: string[], entries = {}) => keptBy(servedDirectory, aPackContext(tree, { seen, entries }));

  it("keeps the neighbours of a static file that was read, without keys", () => {
    expect(kept(["/srv/static/index.html"])).toEqual([
      "/srv/static",
      "/srv/static/css/site.css",
      "/srv/static/index.html",
    ]);
    expect(kept(["/usr/share/nginx/html/index.html"])).toContain("/usr/share/nginx/html/50x.html");
  });

  it("keeps nothing for documents of the system, files of packages and data", () => {
    expect(kept(["/usr/share/doc/x/index.html", "/app/node_modules/ui/a.css", "/var/lib/x/state.db"])).toEqual([]);
  });

  it("keeps nothing of a directory that is too large", () => {
    expect(kept(["/srv/static/index.html"], { "/srv/static/css/site.css": { size: 17 << 20 } })).toEqual([]);
  });
});
