ALTER TABLE `attempts` ADD `release_reason` text;--> statement-breakpoint
CREATE INDEX `jobs_held` ON `jobs` (`runner`) WHERE "jobs"."state" in ('running', 'canceling');