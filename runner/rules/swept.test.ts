import { describe, expect, it } from "vitest";
import { aRun, selected, type Tree } from "../stages/select.builder.ts";

const directory = "/usr/lib/x86_64-linux-gnu";
const numbers = Array.from({ length: 30 }, (_, each) => each);
const tree: Tree = {
  ...Object.fromEntries(
    numbers.flatMap((each) => [
      [`${directory}/lib${each}.so.1`, `-> lib${each}.so.1.2`],
      [`${directory}/lib${each}.so.1.2`, "library"],
    ]),
  ),
  [`${directory}/barn/ebin/barn.beam`]: "code",
  [`${directory}/notes.txt`]: "text",
};
const looks = numbers.map((each) => `stat ${directory}/lib${each}.so.1.2`);
const sweep = [`list ${directory}`, `stat ${directory}/barn`, `stat ${directory}/notes.txt`, ...looks];
const links = numbers.map((each) => ({ path: `${directory}/lib${each}.so.1`, target: `lib${each}.so.1.2` }));

async function kept(events: string[], profile: "exact" | "safe" = "safe", in_: Tree = tree): Promise<string[]> {
  const selection = await selected(in_, events, { keep: { profile }, run: aRun(events, { links }) });
  return [...selection.kept.keys()].filter((path) => path.startsWith(`${directory}/`)).sort();
}

describe("libraries that a program came across", () => {
  it("go, with the links to them, and directories and other files stay", async () => {
    expect(await kept(sweep)).toEqual([`${directory}/barn`, `${directory}/notes.txt`]);
  });

  it("stay when they were read too, also through a link", async () => {
    const names = ["lib3.so.1", "lib3.so.1.2"].map((name) => `${directory}/${name}`);
    expect(await kept([...sweep, `read ${directory}/lib3.so.1.2`])).toEqual(expect.arrayContaining(names));
    expect(await kept([...sweep, `read ${directory}/lib3.so.1.2`])).toHaveLength(4);
  });

  it("stay in the profile exact, which keeps what was observed", async () => {
    expect(await kept(sweep, "exact")).toHaveLength(62);
  });

  it("stay when the directory was not listed, or only some of them were looked at", async () => {
    expect(await kept(sweep.slice(1))).toHaveLength(62);
    expect(await kept(sweep.slice(0, 10))).toContain(`${directory}/lib2.so.1.2`);
  });

  it("stay in a directory that is not the system's", async () => {
    const own = (text: string) => text.replaceAll(directory, "/opt/barn/lib");
    const moved = Object.fromEntries(Object.entries(tree).map(([path, what]) => [own(path), what]));
    const selection = await selected(moved, sweep.map(own), { keep: { profile: "safe" } });
    expect([...selection.kept.keys()].filter((path) => path.endsWith(".so.1.2"))).toHaveLength(30);
  });
});
