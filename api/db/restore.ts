import { createReadStream, createWriteStream, existsSync, linkSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import Database from "better-sqlite3";
import { WinnowError } from "#contract/error.ts";
import { isBusy, putInPlace } from "./backup.ts";
import { checkDatabase, type DatabaseFacts } from "./check-database.ts";

/** Reads a backup from end to end, and changes nothing. Throws `request.invalid`, `database.damaged`, `database.newer`. */
export async function verifyBackup(backup: string): Promise<DatabaseFacts> {
  const directory = mkdtempSync(join(tmpdir(), "winnow-verify-"));
  try {
    const copy = join(directory, "winnow.db");
    await unpack(backup, copy);
    return checkDatabase(copy);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * Puts a backup in the place of the database in `file`, which stays beside it as `keptAs`. The caller holds the state's lock.
 * Throws as `verifyBackup` does, and `database.busy` when some process has the database open; nothing has changed then.
 */
export async function restoreDatabase(
  backup: string,
  file: string,
  now: number,
): Promise<{ facts: DatabaseFacts; keptAs: string | null }> {
  const draft = `${file}.unfinished`;
  try {
    await unpack(backup, draft);
    const facts = checkDatabase(draft);
    const keptAs = existsSync(file) ? `${file}.before-${new Date(now).toISOString().replaceAll(/[:.]/g, "-")}` : null;
    if (keptAs) putAside(file, keptAs);
    putInPlace(draft, file);
    return { facts, keptAs };
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Keeps the old database under a second name, so that there is no moment without one. A damaged one is kept as it is. */
function putAside(file: string, keptAs: string): void {
  try {
    closeUp(file);
  } catch (thrown) {
    if (isBusy(thrown)) {
      const hint = "Wait for the winnow commands that run, or end them; then restore again.";
      throw new WinnowError("database.busy", `The database at ${file} is in use.`, hint, thrown);
    }
  }
  linkSync(file, keptAs);
  // Left there, the log of the old one would be written into the new one.
  for (const end of ["-wal", "-shm"]) if (existsSync(`${file}${end}`)) renameSync(`${file}${end}`, `${keptAs}${end}`);
}

/** Writes the log of a database into its file. That needs it for oneself, and so tells whether anybody else has it open. */
function closeUp(file: string): void {
  const client = new Database(file, { timeout: 0 });
  try {
    client.pragma("journal_mode = DELETE");
  } finally {
    client.close();
  }
}

async function unpack(backup: string, target: string): Promise<void> {
  const isPacked = await hasGzipMagic(backup);
  const copy = createWriteStream(target, { mode: 0o600 });
  try {
    await (isPacked
      ? pipeline(createReadStream(backup), createGunzip(), copy)
      : pipeline(createReadStream(backup), copy));
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new WinnowError("database.damaged", `${backup} cannot be unpacked: ${why}.`, "Use another one.", thrown);
  }
}

async function hasGzipMagic(file: string): Promise<boolean> {
  try {
    const handle = await open(file, "r");
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0).finally(() => handle.close());
    return bytesRead === 2 && buffer.readUInt16BE() === 0x1f8b;
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new WinnowError(
      "request.invalid",
      `The backup cannot be read: ${why}.`,
      "Name a file that you may read.",
      thrown,
    );
  }
}
