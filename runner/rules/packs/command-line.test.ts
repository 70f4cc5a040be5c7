import { describe, expect, it } from "vitest";
import { startsOf, startsOfScript } from "./command-line.ts";

const said = (words: string) => startsOf(words.split(" "), "/app").map((start) => start.words.join(" "));

describe("startsOf", () => {
  it.each<[string, string[]]>([
    ["node server.js", []],
    ["tini -g -- node x.js", ["node x.js"]],
    ["/sbin/tini -s node x.js", ["node x.js"]],
    [
      "dumb-init -r 15:3 gosu app env A=1 -u B node x.js",
      ["gosu app env A=1 -u B node x.js", "env A=1 -u B node x.js", "node x.js"],
    ],
    ["su-exec 1000:1000 python3 -m pkg", ["python3 -m pkg"]],
    ["setpriv --reuid=1 --clear-groups redis-server", ["redis-server"]],
    [
      "nice -n 5 timeout -k 3 10s xargs -0 -n 1 gzip -9",
      ["timeout -k 3 10s xargs -0 -n 1 gzip -9", "xargs -0 -n 1 gzip -9", "gzip -9"],
    ],
    ["exec -a name java -jar x.jar", ["java -jar x.jar"]],
    ["bundle exec puma -C x.rb", ["puma -C x.rb"]],
    ["bundle install", []],
    ["wait-for-it.sh db:5432 -t 30 -- npm start", ["npm start"]],
    ["find . -name x -exec gzip {} ; -execdir rm {} +", ["gzip {}", "rm {}"]],
    ["xargs", []],
  ])("%s", (words, inner) => {
    expect(said(words)).toEqual([words, ...inner]);
  });

  it("reads the text of a shell command, and follows its cd", () => {
    expect(
      startsOf(["sh", "-ec", "cd /srv/x && exec gosu app ./run --port $PORT"], "/", new Map([["PORT", "80"]])).slice(1),
    ).toEqual([
      { words: ["exec", "gosu", "app", "./run", "--port", "80"], directory: "/srv/x" },
      { words: ["gosu", "app", "./run", "--port", "80"], directory: "/srv/x" },
      { words: ["./run", "--port", "80"], directory: "/srv/x" },
    ]);
  });

  it("ends on commands nested without end", () => {
    expect(startsOf(Array(5000).fill("env"), "/").length).toBeLessThan(20);
    expect(startsOf(["sh", "-c", "eval ".repeat(5000)], "/").length).toBeLessThan(20);
  });
});

describe("startsOfScript", () => {
  it("follows cd, and leaves alone one that is not known", () => {
    const { starts } = startsOfScript('cd "$X"\na\ncd lib\nb\ncd /c\nd', "/app");
    expect(starts.map(({ words, directory }) => `${directory}: ${words.join(" ")}`)).toEqual([
      "/app: a",
      "/app/lib: b",
      "/c: d",
    ]);
  });
});
