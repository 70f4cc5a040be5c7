import { WinnowError } from "#contract/error.ts";
import type { Warning } from "#contract/report.ts";
import type { Container } from "../docker/container.ts";
import { getFile } from "../docker/files.ts";
import { parseEvents, type SensorRun } from "../sensor/events.ts";
import type { SensorPlace } from "./instrument.ts";
import type { JobDeps } from "./job-deps.ts";

/**
 * Fetches what the sensor wrote about the main process and about each executed command.
 * Throws `observation.incomplete` when the main process's events have no valid end mark: something was lost, or changed.
 */
export async function readEvents(
  target: Container,
  place: SensorPlace,
  execs: number,
  deps: JobDeps,
): Promise<{ runs: SensorRun[]; raw: Buffer[]; warnings: Warning[] }> {
  const names = ["events", ...Array.from({ length: execs }, (_, index) => `exec-${index + 1}`)];
  const files = await Promise.all(names.map((name) => getFile(target, `${place.directory}/${name}`)));
  const raw = files.map((file) => file ?? Buffer.alloc(0));
  const runs = raw.map((file) => parseEvents(file, place.key));
  const broken = names.filter((_, index) => !runs[index]?.complete);
  if (broken.length > 0) {
    deps.log.warn({ broken, bytes: raw.map((file) => file.length) }, "event files without a valid end mark");
    throw new WinnowError(
      "observation.incomplete",
      `The sensor's record has no valid end mark (${broken.join(", ")}): it was killed, or the application changed its file.`,
      "Run the job again. If it stays, the application kills foreign processes or writes to foreign files, and cannot be observed.",
    );
  }
  return {
    runs,
    raw,
    warnings: runs.flatMap((run) => run.warnings.map(({ code, text }) => ({ code: `sensor.${code}`, text }))),
  };
}
