import { createHash, randomUUID } from "node:crypto";
import { createReadStream, type Dirent } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { WinnowError } from "#contract/error.ts";
import { codeOf, isFull, unlessMissing } from "../file-fault.ts";
import { toStream } from "./content.ts";
import { assertKey, assertPrefix, assertRange } from "./key.ts";
import type { Store } from "./store.ts";

/** Begins the names of files that are still being written; no key can have it. */
const unfinished = ".unfinished-";

const gatherBytes = 256 << 10;

/** The embedded store: one file per object below `root`, for its owner alone. */
export function directoryStore(root: string): Store {
  const pathOf = (key: string) => join(root, ...key.split("/"));
  return {
    async put(key, content) {
      const path = pathOf(assertKey(key));
      return await guarded(key, () => writeWhole(path, toStream(content)));
    },
    async get(key, range) {
      const path = pathOf(assertKey(key));
      if (range) assertRange(range);
      // Opened here, so that a missing object is this call's error and not one of a stream that nobody listens to yet.
      const file = await guarded(key, () => open(path, "r"));
      return createReadStream(path, { fd: file, ...range });
    },
    async stat(key) {
      const path = pathOf(assertKey(key));
      const found = await guarded(key, () => unlessMissing(stat(path)));
      return found?.isFile() ? { bytes: found.size } : undefined;
    },
    async list(prefix) {
      const path = pathOf(assertPrefix(prefix));
      if (!prefix.endsWith("/")) {
        const found = await guarded(prefix, () => unlessMissing(stat(path)));
        return found?.isFile() ? [{ key: prefix, bytes: found.size }] : [];
      }
      const entries = await guarded(prefix, () =>
        unlessMissing(readdir(path, { withFileTypes: true, recursive: true })),
      );
      const files = (entries ?? []).filter((entry) => entry.isFile() && !entry.name.startsWith(unfinished));
      const sized = files.map(async (entry) => {
        const found = await unlessMissing(stat(join(entry.parentPath, entry.name)));
        return found && { key: keyOf(root, entry), bytes: found.size };
      });
      return (await Promise.all(sized)).filter((one) => one !== undefined).sort((a, b) => (a.key < b.key ? -1 : 1));
    },
    async remove(prefix) {
      const path = pathOf(assertPrefix(prefix));
      await guarded(prefix, () => rm(path, { recursive: true, force: true }));
    },
  };
}

function keyOf(root: string, entry: Dirent): string {
  return join(entry.parentPath, entry.name).slice(join(root, "/").length);
}

/** Writes beside the target and renames, so that readers see all of it or nothing, whatever stops us on the way. */
async function writeWhole(path: string, content: Readable): Promise<{ bytes: number; sha256: string }> {
  const directory = dirname(path);
  const draft = join(directory, `${unfinished}${randomUUID()}`);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const file = await open(draft, "wx", 0o600);
    const written = await closing(file, async () => {
      const digest = createHash("sha256");
      let bytes = 0;
      for await (const chunk of gathered(content)) {
        digest.update(chunk);
        await writeAll(file, chunk);
        bytes += chunk.length;
      }
      await file.sync();
      return { bytes, sha256: digest.digest("hex") };
    });
    await rename(draft, path);
    // The rename itself must survive a power cut before a database row says that the object is there.
    const folder = await open(directory, "r");
    await closing(folder, () => folder.sync());
    return written;
  } catch (thrown) {
    content.destroy();
    await rm(draft, { force: true });
    throw thrown;
  }
}

/** Joins small pieces: a list of 50,000 lines must not be as many system calls. */
async function* gathered(content: Readable): AsyncGenerator<Buffer> {
  let pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of content) {
    const chunk = Buffer.isBuffer(piece) ? piece : Buffer.from(piece);
    pieces.push(chunk);
    bytes += chunk.length;
    if (bytes < gatherBytes) continue;
    yield Buffer.concat(pieces);
    pieces = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(pieces);
}

/** One write may take only a part of a chunk: on a disk that is nearly full it does. */
async function writeAll(file: FileHandle, chunk: Buffer): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, done);
    done += bytesWritten;
  }
}

async function closing<T>(file: FileHandle, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await file.close();
  }
}

async function guarded<T>(key: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof WinnowError) throw thrown; // from the stream that was to be stored
    const code = codeOf(thrown);
    if (isFull(code)) {
      throw new WinnowError(
        "disk.full",
        `There is no room to store ${key}.`,
        "Free space, or choose another --state-path.",
        thrown,
      );
    }
    const what = code === "ENOENT" ? "it is not there" : thrown instanceof Error ? thrown.message : String(thrown);
    throw new WinnowError(
      "store.failed",
      `The store could not handle ${key}: ${what}.`,
      "Look at the rights and the health of the state directory.",
      thrown,
    );
  }
}
