import { expect, it } from "vitest";
import { openScreen } from "./screen.ts";

function aScreen({ isTTY = false, isColor = false, showContainerLogs = false } = {}) {
  const written: string[] = [];
  let time = 0;
  const pass = (ms: number) => {
    time += ms;
  };
  const output = { write: (text: string) => written.push(text), isTTY, columns: 40 };
  const screen = openScreen(output, { isColor, showContainerLogs, now: () => time });
  return { screen, text: () => written.join(""), pass };
}

it("elsewhere than on a terminal every stage has plain lines, without a control character", () => {
  const { screen, text } = aScreen({ isColor: true });
  screen.progress({ kind: "stage", stage: "observe", state: "started" });
  screen.progress({ kind: "stage", stage: "observe", state: "done", durationMs: 2100, detail: "3 answers\x1b[2J" });
  screen.progress({ kind: "note", text: "pulling web:1" });
  screen.close();
  expect(text()).toBe(`observe …\nobserve    2.1 s  3 answers${String.raw`\x1b[2J`}\n  pulling web:1\n`);
});

it("on a terminal the line of a stage is replaced in place by its end", () => {
  const { screen, text, pass } = aScreen({ isTTY: true });
  screen.progress({ kind: "stage", stage: "index", state: "started" });
  screen.progress({ kind: "stage", stage: "observe", state: "started" });
  pass(1500);
  screen.progress({ kind: "stage", stage: "index", state: "done", durationMs: 1500, detail: "" });
  screen.close();
  expect(replay(text())).toEqual(["  ✓ index      1.5 s"]);
  expect(text()).toContain("  … observe    1.5 s\n");
});

it("without colour nothing is painted", () => {
  for (const isColor of [true, false]) {
    const { screen, text } = aScreen({ isTTY: true, isColor });
    screen.progress({ kind: "stage", stage: "index", state: "started" });
    screen.close();
    expect(text().includes("\x1b[36m")).toBe(isColor);
  }
});

it("container logs are shown when asked for, each line with its run and escaped", () => {
  for (const showContainerLogs of [true, false]) {
    const { screen, text } = aScreen({ showContainerLogs });
    screen.progress({ kind: "container-log", run: "fat", text: "ready\r\n\x1b]0;title\x07\n" });
    expect(text()).toBe(showContainerLogs ? `fat | ready\nfat | ${String.raw`\x1b]0;title\x07`}\n` : "");
  }
});

/** What stands on a terminal after this output: of all sequences only "up N lines" and "erase below" occur. */
function replay(text: string): string[] {
  let lines: string[] = [];
  for (const part of text.split("\n")) {
    let rest = part;
    for (let jump = /^\x1b\[(\d+)A\r\x1b\[J/.exec(rest); jump; jump = /^\x1b\[(\d+)A\r\x1b\[J/.exec(rest)) {
      lines = lines.slice(0, lines.length - Number(jump[1]));
      rest = rest.slice(jump[0].length);
    }
    if (rest !== "") lines.push(rest);
  }
  return lines;
}
