import type { Logger } from "pino";
import { ProgressAnswer, type Progress as Told } from "#contract/service/runner-protocol.ts";
import type { Progress } from "../deps.ts";
import type { AttemptCalls } from "./attempt-calls.ts";

export type ProgressUpload = {
  add(event: Progress): void;
  /** Sends what has come. A failure is left for the next time. */
  pump(): Promise<void>;
};

/** 50 events of 2000 characters, each six bytes when JSON escapes it, stay below what the server reads of a body (1 MiB). */
const batchSize = 50;
/** A job that has more to tell tells no more: its log has it all. */
const mostEvents = 10_000;

/** Sends the job's progress in numbered batches; `redact` takes secrets out of texts. */
export function progressUpload(
  redact: (text: string) => string,
  { calls, log }: { calls: AttemptCalls; log: Logger },
): ProgressUpload {
  const events: Told[] = [];
  let next = 0;
  let sending: Promise<void> | undefined;
  const sendAll = async (): Promise<void> => {
    while (next < events.length) {
      const batch = { from: next, events: events.slice(next, next + batchSize) };
      const answer = await calls.once({ method: "POST", path: "/progress", body: batch }, ProgressAnswer);
      // What the server says counts, but never leads back for ever: a batch that it does not take is passed over.
      next = Math.min(Math.max(answer.next, next + 1), events.length);
    }
  };
  return {
    add: (event) => {
      const told = toTold(event, redact);
      if (told && events.length < mostEvents) events.push(told);
    },
    pump: async () => {
      sending ??= sendAll().finally(() => {
        sending = undefined;
      });
      await sending.catch((thrown: unknown) => log.debug({ err: thrown }, "progress could not be told now"));
    },
  };
}

/** What the container writes goes into `fat.log`, not here. */
function toTold(event: Progress, redact: (text: string) => string): Told | undefined {
  if (event.kind === "container-log") return undefined;
  if (event.kind === "note") return { kind: "note", text: cut(redact(event.text), 2000) };
  const stage = cut(event.stage, 60);
  if (event.state === "started") return { kind: "stage", stage, state: "started" };
  const durationMs = Math.max(0, event.durationMs);
  return { kind: "stage", stage, state: "done", durationMs, detail: cut(redact(event.detail), 2000) };
}

const cut = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length - 1)}…` : text);
