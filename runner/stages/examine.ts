import { elfHeadBytes, readElf } from "../rules/elf.ts";
import type { FileFacts } from "../rules/file-facts.ts";
import { isIndexFile } from "../rules/index-files.ts";
import { parseShebang } from "../rules/script.ts";

export type { FileFacts } from "../rules/file-facts.ts";

/** Reads parts of files of the pristine rootfs: `length` bytes from `offset`, all of it by default; undefined when it cannot. */
export type FileSession = { read(path: string, offset?: number, length?: number): Promise<Buffer | undefined> };

/** Enough to fill the pipe to the container, few enough that an image of a million files does not fill the memory. */
const inFlight = 256;

/** An index file larger than this is none. */
const maxContentBytes = 16 << 20;

/**
 * Looks at files by their real paths: of most it reads the first kilobyte, of ELF files a few small parts more. Reads of
 * different files go out together. Every path that is asked for has an answer, also one that cannot be read.
 */
export async function examine(paths: readonly string[], session: FileSession): Promise<Map<string, FileFacts>> {
  return askForAll(paths, (path) => examineFile(path, session));
}

/** Reads whole files, as packs ask for them; null for one that cannot be read. */
export async function readWhole(paths: readonly string[], session: FileSession): Promise<Map<string, Buffer | null>> {
  return askForAll(paths, async (path) => (await session.read(path)) ?? null);
}

async function askForAll<T>(paths: readonly string[], ask: (path: string) => Promise<T>): Promise<Map<string, T>> {
  const found = new Map<string, T>();
  const left = new Set(paths).values();
  const work = async () => {
    for (const path of left) found.set(path, await ask(path));
  };
  await Promise.all(Array.from({ length: Math.min(inFlight, paths.length) }, work));
  return found;
}

async function examineFile(path: string, session: FileSession): Promise<FileFacts> {
  const head = await session.read(path, 0, elfHeadBytes);
  if (!head) return { elf: undefined, shebang: undefined, content: undefined, readable: false };
  let readable = true;
  const elf = await readElf(async (offset, length) => {
    if (offset === 0 && length === elfHeadBytes) return head;
    const part = await session.read(path, offset, length);
    readable &&= part !== undefined;
    return part ?? Buffer.alloc(0);
  });
  const content = isIndexFile(path) ? await session.read(path, 0, maxContentBytes) : undefined;
  return { elf, shebang: parseShebang(head), content, readable };
}
