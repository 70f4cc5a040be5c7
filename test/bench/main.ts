import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { projectRoot, projectVersion } from "#api/root.ts";
import { JobRequest, KeepProfile } from "#contract/job.ts";
import { connectEngine } from "#runner/docker/connect.ts";
import { sampleNames } from "../images/build.ts";
import type { Bench, Group, Section } from "./bench.ts";
import { heldOut } from "./held-out.ts";
import { describeMachine, machineFacts } from "./machine.ts";
import { real, realNames } from "./real.ts";
import { realProof } from "./real-proof.ts";
import { rebuild } from "./rebuild.ts";
import { samples } from "./samples.ts";
import { service } from "./service.ts";
import { slowdown } from "./slowdown.ts";

/** One more group is one more line here. */
const groups: Readonly<Record<string, Group>> = {
  samples,
  slowdown,
  rebuild,
  real,
  "real-proof": realProof,
  "held-out": heldOut,
  service,
};
/** The rest only runs when it is named: it takes too long. */
const unasked = ["samples", "slowdown", "rebuild"];

const defaultProfile = JobRequest.parse({ image: "-" }).keep.profile;

const usage = `npm run bench -- [GROUP...] [SAMPLE...] [options]

Measures Winnow on this machine and engine. Nothing fails for being slow; the exit code is 1 when something could not be
measured. Groups: ${Object.keys(groups).join(", ")}
(by default ${unasked.join(", ")}). Samples: ${sampleNames().join(", ")}.
Real applications: ${realNames().join(", ")}.

  --repeat N     how often each job runs (1; for the group rebuild 3)
  --pairs N      pairs of runs, bare and under the sensor, that measure the slow-down (5)
  --requests N   requests of a run that measures serving (2000)
  --keep PROFILE what the groups real (${defaultProfile}) and held-out (exact, safe) keep: ${KeepProfile.options.join(", ")}
  --json FILE    where the figures go (.cache/bench/DATE.json)
`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      repeat: { type: "string" },
      pairs: { type: "string", default: "5" },
      requests: { type: "string", default: "2000" },
      keep: { type: "string" },
      json: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const known = [...sampleNames(), ...realNames()];
  const unknown = positionals.filter((name) => !groups[name] && !known.includes(name));
  if (unknown.length > 0) throw new Error(`neither a group nor a sample: ${unknown.join(", ")}\n\n${usage}`);
  const named = positionals.filter((name) => groups[name]);
  const byDefault = positionals.some((name) => realNames().includes(name)) ? ["real"] : unasked;

  const startedAt = new Date();
  const file =
    values.json ?? join(projectRoot(), ".cache", "bench", `${startedAt.toISOString().replaceAll(":", "")}.json`);
  const engine = await connectEngine({ env: process.env });
  const machine = await machineFacts(engine);
  const abort = new AbortController();
  // Ends the job at work, which removes its containers; a second one ends the process.
  for (const [signal, exitCode] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)
    process.once(signal, () => {
      process.exitCode = exitCode;
      abort.abort(new Error("interrupted"));
    });
  const bench: Omit<Bench, "repeat" | "samples"> = {
    engine,
    docker: engine.docker,
    pairs: positive("pairs", values.pairs),
    requests: positive("requests", values.requests),
    keep: KeepProfile.parse(values.keep ?? defaultProfile),
    profiles: values.keep === undefined ? ["exact", "safe"] : [KeepProfile.parse(values.keep)],
    signal: abort.signal,
    say: (line) => process.stderr.write(`${line}\n`),
  };
  process.stdout.write(`${describeMachine(machine)}\n`);
  const found: Record<string, Section> = {};
  for (const name of named.length > 0 ? named : byDefault) {
    const group = groups[name];
    if (!group) continue;
    const repeat = positive("repeat", values.repeat ?? (group === rebuild ? "3" : "1"));
    const theirs = group === real || group === realProof ? realNames() : sampleNames();
    const section = await group({ ...bench, repeat, samples: positionals.filter((name) => theirs.includes(name)) });
    found[name] = section;
    if (section.unmeasured > 0) process.exitCode = 1;
    process.stdout.write(
      `\n${section.title}\n\n${section.text}\n\n${section.notes.map((note) => `  * ${note}\n`).join("")}`,
    );
    // After each group, so that an interrupted run keeps what it measured.
    mkdirSync(dirname(file), { recursive: true });
    const data = Object.fromEntries(Object.entries(found).map(([group, { data }]) => [group, data]));
    const document = { version: projectVersion(), startedAt, machine, groups: data };
    writeFileSync(file, `${JSON.stringify(document, null, 2)}\n`);
  }
  process.stdout.write(`\nfigures: ${file}\n`);
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${option}: ${text} is not a whole number above 0`);
  return value;
}

try {
  await main();
} catch (error) {
  if (!process.exitCode) process.exitCode = 1;
  const isInterrupted = process.exitCode === 130 || process.exitCode === 143;
  process.stderr.write(
    `error: ${isInterrupted ? "interrupted" : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
}
