ALTER TABLE `artifacts` ADD `removed_at` integer;--> statement-breakpoint
CREATE INDEX `artifacts_removable` ON `artifacts` (`created_at`) WHERE "artifacts"."removed_at" is null and "artifacts"."name" not in ('report.json', 'seccomp.json', 'apparmor.profile');--> statement-breakpoint
CREATE INDEX `jobs_cached` ON `jobs` (`cached_from`) WHERE "jobs"."cached_from" is not null;