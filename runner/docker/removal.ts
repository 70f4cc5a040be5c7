import { engineError, hasStatus } from "./errors.ts";

const tries = 4;

/** A refusal that took longer than this is no moment's: engine 20.10 waits 10 s for a container that cannot be killed. */
const momentMs = 3_000;

/**
 * Removes something of ours from the engine. A mount or a layer that is still busy (status 500) lets go within moments, so it
 * is tried again; a dead engine does not come back within them. False when there was nothing (any more) to remove.
 */
export async function removing(doing: string, remove: () => Promise<unknown>): Promise<boolean> {
  for (let failed = 1; ; failed += 1) {
    const askedAt = performance.now();
    try {
      await remove();
      return true;
    } catch (thrown) {
      if (hasStatus(thrown, 404)) return false;
      if (failed === tries || !hasStatus(thrown, 500) || performance.now() - askedAt > momentMs)
        throw engineError(thrown, doing);
    }
    await new Promise((resolve) => setTimeout(resolve, 150 * failed));
  }
}
