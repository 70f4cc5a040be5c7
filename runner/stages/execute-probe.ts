import type { ExecProbe } from "#contract/job.ts";
import { type Container, execAttached } from "../docker/container.ts";
import { collectOutput } from "./collect-output.ts";
import { commandOf, type SensorPlace, sensorArguments } from "./instrument.ts";
import type { Run } from "./run-scenario.ts";

/** How long the outputs of an ended command may stay open, ms. */
const lingerMs = 250;

/** One command in the running container, as the image's user: under a sensor of its own, or plainly. */
export async function executeProbe(
  { scenario, subject, manner }: Pick<Run, "scenario" | "subject" | "manner">,
  place: SensorPlace,
  target: Container,
  probe: ExecProbe,
  eventsName: string,
  signal: AbortSignal,
): Promise<{ exitCode: number; stdout: Buffer; stderr: Buffer }> {
  const command = commandOf(subject.config, scenario);
  const observed = manner === "sensor";
  const argv = observed
    ? [place.binary, ...sensorArguments(command, place, eventsName), "--", ...probe.argv]
    : probe.argv;
  const process = await execAttached(target, {
    argv,
    stdin: probe.stdin !== undefined,
    tty: false,
    ...(observed ? { user: "0:0" } : command.user === "" ? {} : { user: command.user }),
  });
  if (probe.stdin !== undefined) process.stdin.end(probe.stdin);
  const stdout = collectOutput([process.stdout], () => {});
  const stderr = collectOutput([process.stderr], () => {});
  signal.addEventListener("abort", process.close, { once: true });
  try {
    const { code } = await process.exited;
    // A child that the command leaves behind may hold its outputs open for ever.
    await Promise.all([stdout.ended(lingerMs), stderr.ended(lingerMs)]);
    return { exitCode: code, stdout: stdout.taken(), stderr: stderr.taken() };
  } finally {
    signal.removeEventListener("abort", process.close);
    process.close();
  }
}
