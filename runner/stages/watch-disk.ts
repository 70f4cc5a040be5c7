import { WinnowError } from "#contract/error.ts";
import { pause } from "../probes/time-limit.ts";
import type { DiskSpace } from "../sensor/relay-client.ts";

/** How often the disk is looked at, ms: at a gigabyte a second, a run is ended half a gigabyte late. */
const lookMs = 500;

/** What an engine needs to go on working: a gibibyte, or a twentieth of a small disk. */
const floorOf = ({ total }: DiskSpace): number => Math.min(2 ** 30, total * 0.05);

const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;

/**
 * Why a run must end, by what was free when it began and is now, in bytes; undefined while it may go on. The numbers are
 * the whole disk's: nobody can say who wrote what, so only a run that took most of what there was is blamed for the end of it.
 */
export function diskFault(start: DiskSpace, now: DiskSpace, limitBytes: number): WinnowError | undefined {
  const written = Math.max(0, start.available - now.available);
  const told = `${megabytes(written)} written, ${megabytes(now.available)} left`;
  const isLow = now.available < floorOf(now);
  if (written > limitBytes || (isLow && written > now.available)) {
    return new WinnowError(
      "limit.exceeded",
      `The application filled the engine's disk: ${told}, ${megabytes(limitBytes)} allowed.`,
      "Give the application less to write, or raise the job's disk limit (diskBytes).",
    );
  }
  if (!isLow) return undefined;
  return new WinnowError(
    "disk.full",
    `The engine's disk is nearly full: ${told}.`,
    "Free space where the engine keeps its images (`docker system df`).",
  );
}

type Watch = {
  /** Asks for the space of the engine's disk. */
  free(): Promise<DiskSpace>;
  limitBytes: number;
  /** Ends the watch. */
  signal: AbortSignal;
};

/** Looks at the disk until `signal` aborts, then returns. Rejects with what `diskFault` finds, and with what `free` rejects with. */
export async function watchDisk({ free, limitBytes, signal }: Watch): Promise<void> {
  let start = await free();
  for (let now = start; !signal.aborted; now = await free()) {
    // Room that others make meanwhile is not the run's to fill.
    if (now.available > start.available) start = now;
    const fault = diskFault(start, now, limitBytes);
    if (fault) throw fault;
    await pause(lookMs, signal).catch(() => {});
    if (signal.aborted) return;
  }
}
