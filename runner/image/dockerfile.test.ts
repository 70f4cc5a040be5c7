import { describe, expect, test } from "vitest";
import { healthcheckLine, quote, reversedDockerfile } from "./dockerfile.ts";
import { readInstruction, readPairs, readWords } from "./history-step.ts";
import { type HistoryStep, ImageConfig } from "./source.ts";

const nop = "/bin/sh -c #(nop) ";

describe("a recorded step", () => {
  test.each([
    [`${nop} CMD ["nginx" "-g" "daemon off;"]`, "CMD", '["nginx" "-g" "daemon off;"]', ""],
    [`${nop} ADD file:0a1b in / `, "ADD", "file:0a1b /", ""],
    [`${nop}COPY dir:99 in /app `, "COPY", "dir:99 /app", ""],
    [`${nop} ENV A=b c`, "ENV", "A=b c", ""],
    [`|1 X=1 ${nop} LABEL a=b`, "LABEL", "a=b", ""],
    ["/bin/sh -c apt-get update && echo ok", "RUN", "apt-get update && echo ok", "/bin/sh -c"],
    ["|2 A=1 B=two words /bin/sh -c make $A", "RUN", "make $A", "/bin/sh -c"],
    ["RUN /bin/sh -c npm ci # buildkit", "RUN", "npm ci", "/bin/sh -c"],
    ["RUN |1 V=1 /bin/sh -c npm ci # buildkit", "RUN", "npm ci", "/bin/sh -c"],
    ["RUN /bin/bash -o pipefail -c curl x | sh # buildkit", "RUN", "curl x | sh", "/bin/bash -o pipefail -c"],
    ["COPY package.json /app/ # buildkit", "COPY", "package.json /app/", ""],
    ["EXPOSE map[8080/tcp:{}]", "EXPOSE", "map[8080/tcp:{}]", ""],
    ["WORKDIR /app", "WORKDIR", "/app", ""],
    ["RUN apt-get update", "RUN", "apt-get update", ""],
    ["ENTRYPOINT", "ENTRYPOINT", "", ""],
  ])("%s", (createdBy, name, text, shell) => {
    expect(readInstruction(createdBy)).toEqual({ name, text, shell: shell === "" ? [] : shell.split(" ") });
  });

  test.each(["", "bazel build ...", "# debian.sh --arch 'amd64' out/ 'bookworm'", "winnow", "FROMAGE x", "buildpacks"])(
    "%j is no instruction",
    (createdBy) => {
      expect(readInstruction(createdBy)).toBeUndefined();
    },
  );

  test.each([
    ['["a" "b c"]', ["a", "b c"]],
    ['["a", "b"]', ["a", "b"]],
    ["[/bin/bash -c]", ["/bin/bash", "-c"]],
    ["[]", []],
    ['["say \\"hi\\"" "tab\\t" "\\x00"]', ['say "hi"', "tab\t", "\0"]],
  ])("the words of %s", (text, words) => {
    expect(readWords(text)).toEqual(words);
  });

  test.each<[string, string[], [string, string][]]>([
    ["A=b c", ["A"], [["A", "b c"]]],
    [
      "A=1 B=2 3",
      ["A", "B"],
      [
        ["A", "1"],
        ["B", "2 3"],
      ],
    ],
    ["A=x y=z", ["A"], [["A", "x y=z"]]],
    ["A value here", ["A"], [["A", "value here"]]],
    ['A="quoted \\"x\\""', ["A"], [["A", 'quoted "x"']]],
    ["A=", ["A"], [["A", ""]]],
  ])("the pairs of %s", (text, known, pairs) => {
    expect(readPairs(text, new Set(known))).toEqual(pairs);
  });
});

test.each([
  ["plain/1.0:x", "plain/1.0:x"],
  ["two words", '"two words"'],
  ['say "hi"', '"say \\"hi\\""'],
  ["$HOME", '"\\$HOME"'],
  ["back\\slash", '"back\\\\slash"'],
  ["line\nbreak", '"line break"'],
])("the value %j is written %s", (value, written) => {
  expect(quote(value)).toBe(written);
});

test("a health check has its times in seconds", () => {
  const Test = ["CMD-SHELL", "curl -f localhost || exit 1"];
  expect(healthcheckLine({ Test, Interval: 5e9, Timeout: 1.5e9, StartPeriod: 6e10, Retries: 2 })).toBe(
    "HEALTHCHECK --interval=5s --timeout=1.5s --start-period=60s --retries=2 CMD curl -f localhost || exit 1",
  );
  expect(healthcheckLine({ Test: ["CMD", "a b", 'c"'] })).toBe('HEALTHCHECK CMD ["a b", "c\\""]');
  expect(healthcheckLine({ Test: ["NONE"] })).toBe("HEALTHCHECK NONE");
});

const step = (createdBy: string, size = 0): HistoryStep => ({
  created: Date.UTC(2024, 1, 3),
  createdBy,
  size,
  comment: "",
  empty: size === 0,
});
const reverse = (steps: HistoryStep[], config: object): string =>
  reversedDockerfile({ reference: "app:1", history: steps, config: ImageConfig.parse(config) });

test("a web server of two stages of history is written as one would write it", () => {
  const text = reverse(
    [
      step("/bin/sh -c #(nop) ADD file:0a1b in / ", 1000),
      step('/bin/sh -c #(nop)  CMD ["bash"]'),
      step("/bin/sh -c #(nop)  ENV NAME=two words OTHER=$x"),
      step("/bin/sh -c apt-get update && apt-get install -y x", 500),
      step("COPY --chown=1:1 site /srv # buildkit", 20),
      step("EXPOSE map[80/tcp:{} 443/tcp:{}]"),
      step("VOLUME [/data /var/lib/app]"),
      step('HEALTHCHECK &{["CMD-SHELL" "curl -f localhost"] "5s" "0s" "0s" "0s" \'\\x00\'}'),
      step("SHELL [/bin/bash -o pipefail -c]"),
      step("RUN /bin/bash -o pipefail -c curl x | sh # buildkit", 7),
      step('ENTRYPOINT ["/entry.sh"]'),
      step('CMD ["serve" "a b"]'),
    ],
    {
      Env: ["NAME=two words", "OTHER=$x", "LATE=1"],
      ExposedPorts: { "80/tcp": {}, "443/tcp": {}, "53/udp": {} },
      Volumes: { "/data": {}, "/var/lib/app": {}, "/more": {} },
      Healthcheck: { Test: ["CMD-SHELL", "curl -f localhost"], Interval: 5e9 },
      Shell: ["/bin/bash", "-o", "pipefail", "-c"],
      Entrypoint: ["/entry.sh"],
      Cmd: ["serve", "a b"],
      User: "web",
      Labels: { "a.b": "x y" },
    },
  );
  expect(text).toMatchInlineSnapshot(`
    "# Reversed from the history and config of app:1. Base images and copied files are not in it.
    FROM scratch

    # 1000 bytes, 2024-02-03
    ADD file:0a1b /
    CMD ["bash"]

    # A base image may end here.
    ENV NAME="two words"
    ENV OTHER="\\$x"

    # 500 bytes, 2024-02-03
    RUN apt-get update && apt-get install -y x

    # 20 bytes, 2024-02-03
    COPY --chown=1:1 site /srv
    EXPOSE 80/tcp 443/tcp
    VOLUME ["/data", "/var/lib/app"]
    HEALTHCHECK --interval=5s CMD curl -f localhost
    SHELL ["/bin/bash", "-o", "pipefail", "-c"]

    # 7 bytes, 2024-02-03
    RUN ["/bin/bash", "-o", "pipefail", "-c", "curl x | sh"]
    ENTRYPOINT ["/entry.sh"]
    CMD ["serve", "a b"]

    # Said by the config alone:
    ENV LATE=1
    LABEL a.b="x y"
    EXPOSE 53/udp
    VOLUME ["/more"]
    USER web
    "
  `);
});

test("a script over several lines is a here-document whose mark is not in it", () => {
  const text = reverse([step("RUN /bin/sh -c set -e\nEOT\necho hi # buildkit", 1)], {});
  expect(text).toContain('RUN <<"EOT_"\nset -e\nEOT\necho hi\nEOT_\n');
  expect(text.startsWith("# syntax=docker/dockerfile:1\n")).toBe(true);
});

test("a CMD that the final config no longer has is only a remark", () => {
  expect(reverse([step('CMD ["bash"]'), step('ENTRYPOINT ["/x"]')], { Entrypoint: ["/x"] })).toContain(
    '# CMD ["bash"] (not in the config)\n',
  );
});

test("an image without history has all of its config", () => {
  const config = {
    Env: ["A=1"],
    Cmd: ["x"],
    WorkingDir: "/w",
    User: "u",
    StopSignal: "SIGQUIT",
    OnBuild: ["RUN make"],
  };
  const text = reverse([step("bazel build ...", 5)], config);
  for (const line of [
    "ENV A=1",
    'CMD ["x"]',
    "WORKDIR /w",
    "USER u",
    "STOPSIGNAL SIGQUIT",
    "ONBUILD RUN make",
    "# bazel build ...",
  ]) {
    expect(text.split("\n")).toContain(line);
  }
});

test("nothing that an image says starts a line of its own", () => {
  const evil = "x\nRUN rm -rf /";
  const text = reverse(
    [
      step(evil),
      step(`ENV A=${evil}`),
      step(`LABEL a=${evil}`),
      step(`CMD ["${evil}"]`),
      step("CMD []"),
      step(`HEALTHCHECK &{${evil}}`),
    ],
    { Env: [`A=${evil}`, `B=${evil}`], Labels: { [evil]: evil }, Cmd: [evil] },
  );
  expect(text.split("\n").filter((line) => line.startsWith("RUN"))).toEqual([]);
});
