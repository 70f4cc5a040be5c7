import { join } from "node:path";
import { checkStore } from "#api/store/check-store.ts";
import { directoryStore } from "#api/store/directory.ts";
import { s3Store } from "#api/store/s3.ts";
import { setupBucket } from "#api/store/setup-bucket.ts";
import { errors } from "#contract/error.ts";
import { formatTable } from "../format.ts";
import { loadS3Settings } from "../s3-config.ts";
import type { World } from "../world.ts";

/** `winnow storage check`: tries all that the server asks of the store that its environment names. 0 when it can all of it. */
export async function checkStorage({
  statePath,
  world,
  json,
}: {
  statePath: string;
  world: World;
  json: boolean;
}): Promise<number> {
  const s3 = loadS3Settings(world.config.env);
  const path = join(statePath, "store");
  const bucket = s3 && (await setupBucket(s3));
  const checks = await checkStore(s3 ? s3Store(s3) : directoryStore(path));
  const place = s3 ? `bucket ${s3.bucket} at ${s3.endpoint}` : path;
  if (json) world.stdout.write(`${JSON.stringify({ store: place, bucket, checks }, null, 2)}\n`);
  else {
    world.stdout.write(`${place}${bucket ? `: ${bucket.message}` : ""}\n`);
    const rows = checks.map(({ operation, ok, message }) => [ok ? "ok" : "FAILED", operation, message]);
    world.stdout.write(`${formatTable(rows)}\n`);
  }
  return checks.every(({ ok }) => ok) ? 0 : errors["store.failed"].exit;
}
