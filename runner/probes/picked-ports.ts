import type { Listener } from "./readiness.ts";

/** What Linux picks from for a socket bound to port 0, by default and in a new network namespace (ip-sysctl, `ip_local_port_range`). */
const firstPicked = 32_768;
const lastPicked = 60_999;

export const isPicked = (port: number) => port >= firstPicked && port <= lastPicked;

/**
 * The listeners of a later run under the port numbers of the earlier one. A port that the application has picked anew takes,
 * in the order of the numbers, the place of one that it had before and lacks now. One without such a place is left out: the
 * earlier run was not asked on it, so there is nothing to compare.
 * @param before the ports of the earlier run  @param exposed the ports that keep their numbers, whether they were served before or not
 */
export function namedAsBefore(
  listeners: readonly Listener[],
  before: readonly number[],
  exposed: readonly number[],
): Listener[] {
  const open = new Set(listeners.map((listener) => listener.port));
  const isKnown = (port: number) => before.includes(port) || exposed.includes(port) || !isPicked(port);
  const anew = [...open].filter((port) => !isKnown(port)).toSorted((a, b) => a - b);
  const gone = before.filter((port) => isPicked(port) && !open.has(port)).toSorted((a, b) => a - b);
  const names = new Map(anew.map((port, i) => [port, gone[i]]));
  return listeners.flatMap((listener) => {
    const { port } = listener;
    if (isKnown(port)) return [listener];
    const name = names.get(port);
    return name === undefined ? [] : [{ ...listener, port: name, boundPort: port }];
  });
}
