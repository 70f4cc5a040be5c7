import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { backupDatabase } from "#api/db/backup.ts";
import type { DatabaseFacts } from "#api/db/check-database.ts";
import { restoreDatabase, verifyBackup } from "#api/db/restore.ts";
import { lockState } from "#api/state-lock.ts";
import { count, formatBytes } from "../format.ts";
import type { World } from "../world.ts";

type Around = { statePath: string; world: World; json: boolean };

/** `winnow backup FILE`: the database as it is at one moment, also while a server writes it. Artifacts are not in it. */
export async function backup(
  file: string,
  { statePath, world, json, gzip }: Around & { gzip: boolean },
): Promise<number> {
  const target = resolve(file);
  const facts = await backupDatabase(join(statePath, "winnow.db"), target, { gzip });
  tell(world, json, { file: target, ...facts }, `${target}: ${describe(facts)}`);
  const artifacts = join(statePath, "store");
  if (!json && existsSync(artifacts)) world.stderr.write(`artifacts are not in it: copy ${artifacts} as well\n`);
  return 0;
}

/** `winnow restore FILE`: puts a backup in the place of the database, which is kept beside it. With `verify` it is only read. */
export async function restore(
  file: string,
  { statePath, world, json, verify }: Around & { verify: boolean },
): Promise<number> {
  if (verify) {
    const facts = await verifyBackup(file);
    tell(world, json, { file, ...facts }, `${file} is in order: ${describe(facts)}`);
    return 0;
  }
  const lock = lockState(statePath);
  try {
    const { facts, keptAs } = await restoreDatabase(file, join(statePath, "winnow.db"), world.now());
    const kept = keptAs ? `; the database before is kept as ${keptAs}` : "";
    tell(world, json, { file, keptAs, ...facts }, `${file} was restored: ${describe(facts)}${kept}`);
    return 0;
  } finally {
    lock.release();
  }
}

function describe({ bytes, rows, migrations }: DatabaseFacts): string {
  const older = migrations.pending > 0 ? `, ${count(migrations.pending, "migration")} older than this version` : "";
  const parts = [
    count(rows.jobs ?? 0, "job"),
    count(rows.reports ?? 0, "report"),
    count(rows.artifacts ?? 0, "artifact row"),
  ];
  return `${formatBytes(bytes)}, ${parts.join(", ")}${older}`;
}

function tell({ stdout }: World, json: boolean, document: object, line: string): void {
  stdout.write(json ? `${JSON.stringify(document, null, 2)}\n` : `${line}\n`);
}
