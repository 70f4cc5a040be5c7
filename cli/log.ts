import pino, { type Level, type Logger, type StreamEntry } from "pino";
import { z } from "zod";
import { escapeControl } from "./escape.ts";

export type LogFormat = "text" | "json";

export type LogTarget = { level: Level; write(line: string): void };

export type JobLog = { log: Logger; close(): void };

/** What our own lines hold; pino adds the rest. */
const Line = z.looseObject({
  level: z.number(),
  msg: z.string().default(""),
  stage: z.string().optional(),
  err: z.looseObject({ message: z.string() }).optional(),
});

/**
 * A logger of JSON lines into `files` (from `debug` up, so that a failed job need not be run again to be understood) and to `targets`.
 * Files are written synchronously: the last line before a crash is the one that matters.
 */
export function openJobLog({ files, targets }: { files: string[]; targets: LogTarget[] }): JobLog {
  const destinations = files.map((dest) => pino.destination({ dest, sync: true, mkdir: true, mode: 0o600 }));
  let isOpen = true;
  const streams: StreamEntry[] = [
    // A stray line after the end (a heartbeat, a late event of a socket) must not bring the process down.
    ...destinations.map(
      (to): StreamEntry => ({ level: "debug", stream: { write: (line) => isOpen && to.write(line) } }),
    ),
    ...targets.map(({ level, write }): StreamEntry => ({ level, stream: { write } })),
  ];
  const log = pino({ level: "debug", base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.multistream(streams));
  return {
    log,
    close: () => {
      isOpen = false;
      for (const destination of destinations) destination.end();
    },
  };
}

/** A JSON line as a person reads it: `warn observe: the probe waited (connection refused)`. */
export function toTextLine(line: string): string {
  const { level, msg, stage, err } = Line.parse(JSON.parse(line));
  const name = pino.levels.labels[level] ?? String(level);
  return escapeControl(`${name} ${stage ? `${stage}: ` : ""}${msg}${err ? ` (${err.message})` : ""}`);
}

/** The stage that a JSON line belongs to. */
export function stageOf(line: string): string | undefined {
  return Line.parse(JSON.parse(line)).stage;
}
