import type { Readable } from "node:stream";
import { z } from "zod";

/** One message of the engine's progress streams (pull, load). */
export const EngineMessage = z.looseObject({
  status: z.string().optional(),
  stream: z.string().optional(),
  id: z.string().optional(),
  error: z.string().optional(),
  errorDetail: z.looseObject({ message: z.string().optional() }).optional(),
  progressDetail: z.looseObject({ current: z.number().optional(), total: z.number().optional() }).optional(),
});
export type EngineMessage = z.infer<typeof EngineMessage>;

/** The engine reports a failure of a started pull or load with status 200 and an error in the stream. */
export class StreamedError extends Error {}

const longestLine = 1 << 20;

/** Reads the messages of a progress stream. Throws `StreamedError` at the first that is an error; lines that are no JSON are passed over. */
export async function* readMessages(answer: Readable): AsyncGenerator<EngineMessage> {
  let rest = "";
  answer.setEncoding("utf8");
  for await (const text of answer) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > longestLine) throw new StreamedError("the engine sent a line without end");
    for (const line of lines) yield* parseMessage(line);
  }
  yield* parseMessage(rest);
}

function* parseMessage(line: string): Generator<EngineMessage> {
  if (line.trim() === "") return;
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return; // engines mix plain text in, e.g. warnings of old versions
  }
  const message = EngineMessage.safeParse(json);
  if (!message.success) return;
  const error = message.data.errorDetail?.message ?? message.data.error;
  if (error !== undefined) throw new StreamedError(error);
  yield message.data;
}
