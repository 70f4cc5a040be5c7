import { createHash } from "node:crypto";
import type { Answer } from "#contract/report.ts";
import type { Ending } from "../observation.ts";

/** How much of a body an answer carries, bytes. */
const sampleBytes = 64 << 10;

/**
 * The main command itself as an answer: its exit code and what it wrote when it ended by itself. What a server writes until it
 * is stopped is its log, which no two runs share; and the code with which it stops depends on what the signal found it doing.
 */
export function commandAnswer(scenario: string, argv: string[], ending: Ending, output: Buffer): Answer {
  const body = ending.how === "ended" ? output : Buffer.alloc(0);
  return {
    scenario,
    probe: { kind: "exec", argv: argv.length > 0 ? argv : ["(none)"], expectExit: 0 },
    target: "command",
    status: null,
    contentType: null,
    exitCode: ending.how === "ended" ? ending.code : null,
    bodyBytes: body.length,
    bodySha256: createHash("sha256").update(body).digest("hex"),
    bodySample: body.subarray(0, sampleBytes).toString("utf8"),
    error: null,
    durationMs: 0,
  };
}
