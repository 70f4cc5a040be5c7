import type { Progress } from "#runner/deps.ts";
import { escapeControl, escapeLines } from "./escape.ts";
import { formatDuration } from "./format.ts";

/** Where progress goes. `columns` is the width of the terminal. */
export type Output = { write(text: string): unknown; isTTY?: boolean; columns?: number };

export type Screen = {
  progress(event: Progress): void;
  /** A line that stays, above the stages at work. The text must be safe to print. */
  line(text: string): void;
  /** Leaves the terminal as a person can use it. No more calls after this. */
  close(): void;
};

type Options = { isColor: boolean; showContainerLogs: boolean; now(): number };

const frameMs = 100;
const nameWidth = 10;

/**
 * Shows the stages of a job: on a terminal one line for each that is at work, with its time, updated in place; elsewhere
 * one plain line when a stage starts and one when it is done.
 */
export function openScreen(output: Output, { isColor, showContainerLogs, now }: Options): Screen {
  const isLive = output.isTTY === true;
  const paint = (code: number, text: string) => (isColor && isLive ? `\x1b[${code}m${text}\x1b[0m` : text);
  const running = new Map<string, number>();
  let drawn = 0; // lines of the live part that stand on the terminal

  const clear = () => {
    if (drawn > 0) output.write(`\x1b[${drawn}A\r\x1b[J`);
    drawn = 0;
  };
  const draw = () => {
    if (!isLive) return;
    for (const [stage, startedAt] of running) {
      const text = `  … ${stage.padEnd(nameWidth)} ${formatDuration(now() - startedAt)}`;
      output.write(`${paint(36, text.slice(0, (output.columns ?? 80) - 1))}\n`);
    }
    drawn = running.size;
  };
  const line = (text: string) => {
    clear();
    output.write(`${text}\n`);
    draw();
  };
  const timer = isLive ? setInterval(redraw, frameMs) : undefined;
  timer?.unref();
  function redraw() {
    if (running.size === 0) return;
    clear();
    draw();
  }

  return {
    line,
    progress(event) {
      switch (event.kind) {
        case "stage":
          if (event.state === "started") {
            running.set(event.stage, now());
            if (isLive) redraw();
            else line(`${event.stage} …`);
          } else {
            running.delete(event.stage);
            const detail = event.detail === "" ? "" : `  ${escapeControl(event.detail)}`;
            line(
              `${isLive ? `  ${paint(32, "✓")} ` : ""}${event.stage.padEnd(nameWidth)} ${formatDuration(event.durationMs)}${detail}`,
            );
          }
          return;
        case "note":
          return line(`  ${escapeControl(event.text)}`);
        case "container-log":
          if (showContainerLogs) {
            const prefix = `${event.run} | `;
            line(escapeLines(event.text.replace(/\r?\n$/, "")).replace(/^/gm, prefix));
          }
          return;
      }
    },
    close() {
      clearInterval(timer);
      clear();
      running.clear();
    },
  };
}
