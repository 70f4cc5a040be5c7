import { constants } from "node:os";

/** First real-time signal as glibc and the engine count it (signal(7)). */
const rtMin = 34;

/** Number of a STOPSIGNAL as an image may write it: `SIGTERM`, `TERM`, `15`, `RTMIN+3`. Without one, or unknown: SIGTERM. */
export function signalNumber(signal: string | undefined): number {
  const name = (signal ?? "").toUpperCase().replace(/^SIG/, "");
  if (/^\d+$/.test(name)) return Number(name);
  const realTime = /^RTMIN(?:\+(\d+))?$/.exec(name);
  if (realTime) return rtMin + Number(realTime[1] ?? 0);
  const known = Object.entries(constants.signals).find(([key]) => key === `SIG${name}`);
  return known?.[1] ?? constants.signals.SIGTERM;
}
