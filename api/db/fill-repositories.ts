import type Database from "better-sqlite3";
import { repositoryOf } from "#contract/reference.ts";

/**
 * Names the repository of jobs, and of their reports, that were written before there was such a column: a migration can only leave it
 * empty, since SQL does not parse references. Nothing to do costs one look at an index.
 */
export function fillRepositories(client: Database.Database): void {
  const unnamed = client.prepare<[], string>("select distinct image from jobs where repository = ''").pluck();
  if (unnamed.all().length === 0) return;
  client
    .transaction(() => {
      const fillJobs = client.prepare("update jobs set repository = ? where repository = '' and image = ?");
      for (const image of unnamed.all()) fillJobs.run(repositoryOf(image), image);
      client.exec(
        "update reports set repository = (select repository from jobs where id = job_id) where repository = ''",
      );
    })
    .immediate();
}
