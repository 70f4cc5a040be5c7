CREATE TABLE `artifacts` (
	`job_id` text NOT NULL,
	`attempt` integer NOT NULL,
	`name` text NOT NULL,
	`key` text NOT NULL,
	`bytes` integer NOT NULL,
	`sha256` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`job_id`, `attempt`, `name`),
	FOREIGN KEY (`job_id`) REFERENCES `jobs`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `attempts` (
	`job_id` text NOT NULL,
	`number` integer NOT NULL,
	`state` text NOT NULL,
	`runner` text NOT NULL,
	`lease` integer NOT NULL,
	`claimed_at` integer NOT NULL,
	`finished_at` integer,
	`error_code` text,
	`error_message` text,
	PRIMARY KEY(`job_id`, `number`),
	FOREIGN KEY (`job_id`) REFERENCES `jobs`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `events` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`job_id` text NOT NULL,
	`attempt` integer,
	`at` integer NOT NULL,
	`kind` text NOT NULL,
	`detail` text NOT NULL,
	FOREIGN KEY (`job_id`) REFERENCES `jobs`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `events_job` ON `events` (`job_id`,`seq`);--> statement-breakpoint
CREATE TABLE `jobs` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`id` text NOT NULL,
	`kind` text NOT NULL,
	`state` text NOT NULL,
	`image` text NOT NULL,
	`request` text NOT NULL,
	`priority` integer DEFAULT 0 NOT NULL,
	`dedupe_key` text,
	`run_after_at` integer NOT NULL,
	`attempt` integer DEFAULT 0 NOT NULL,
	`max_attempts` integer NOT NULL,
	`runner` text,
	`lease` integer DEFAULT 0 NOT NULL,
	`lease_expires_at` integer,
	`submitted_at` integer NOT NULL,
	`started_at` integer,
	`finished_at` integer,
	`error_code` text,
	`error_message` text,
	`error_hint` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `jobs_id_unique` ON `jobs` (`id`);--> statement-breakpoint
CREATE INDEX `jobs_queue` ON `jobs` ("priority" desc,`seq`) WHERE "jobs"."state" = 'queued';--> statement-breakpoint
CREATE INDEX `jobs_lease` ON `jobs` (`lease_expires_at`) WHERE "jobs"."state" in ('running', 'canceling');--> statement-breakpoint
CREATE UNIQUE INDEX `jobs_dedupe` ON `jobs` (`dedupe_key`) WHERE "jobs"."state" in ('queued', 'running', 'canceling');--> statement-breakpoint
CREATE INDEX `jobs_image` ON `jobs` (`image`,`seq`);--> statement-breakpoint
CREATE TABLE `reports` (
	`job_id` text PRIMARY KEY NOT NULL,
	`attempt` integer NOT NULL,
	`schema_version` integer NOT NULL,
	`image` text NOT NULL,
	`fat_chain_id` text NOT NULL,
	`slim_chain_id` text,
	`architecture` text NOT NULL,
	`fat_bytes` integer NOT NULL,
	`slim_bytes` integer,
	`ratio` real,
	`verdict` text,
	`verdict_reason` text,
	`duration_ms` integer NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`job_id`) REFERENCES `jobs`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `reports_image` ON `reports` (`image`,`created_at`);