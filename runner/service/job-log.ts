import pino, { type Logger } from "pino";

/**
 * The log of one job: JSON lines, from `debug` up, without secrets. Written synchronously: what is uploaded is what was said, and
 * the last line before a crash is the one that matters. Lines after `close` are dropped.
 */
export function openJobLog(file: string, redact: (text: string) => string): { log: Logger; close(): void } {
  const destination = pino.destination({ dest: file, sync: true, mode: 0o600 });
  let isOpen = true;
  const stream = { write: (line: string) => void (isOpen && destination.write(redact(line))) };
  const log = pino({ level: "debug", base: null, timestamp: pino.stdTimeFunctions.isoTime }, stream);
  return {
    log,
    close: () => {
      if (!isOpen) return;
      isOpen = false;
      destination.end();
    },
  };
}
