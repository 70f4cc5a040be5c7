CREATE TABLE `audit` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`at` integer NOT NULL,
	`actor` text NOT NULL,
	`address` text,
	`action` text NOT NULL,
	`object` text,
	`status` integer NOT NULL,
	`request_id` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `audit_at` ON `audit` (`at`);--> statement-breakpoint
CREATE TABLE `idempotency` (
	`actor` text NOT NULL,
	`route` text NOT NULL,
	`key` text NOT NULL,
	`request_hash` text NOT NULL,
	`status` integer NOT NULL,
	`body` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`actor`, `route`, `key`)
);
--> statement-breakpoint
CREATE INDEX `idempotency_age` ON `idempotency` (`created_at`);--> statement-breakpoint
CREATE TABLE `runners` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`system_id` text NOT NULL,
	`boot_id` text NOT NULL,
	`token_hash` text NOT NULL,
	`labels` text NOT NULL,
	`slots` integer NOT NULL,
	`version` text NOT NULL,
	`engine` text NOT NULL,
	`registered_at` integer NOT NULL,
	`last_seen_at` integer NOT NULL,
	`drain_asked_at` integer,
	`is_draining` integer DEFAULT false NOT NULL,
	`disk_free_bytes` integer,
	`paused` text,
	`removed_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `runners_system_id_unique` ON `runners` (`system_id`);--> statement-breakpoint
CREATE UNIQUE INDEX `runners_token_hash_unique` ON `runners` (`token_hash`);--> statement-breakpoint
CREATE TABLE `tokens` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`scope` text NOT NULL,
	`hash` text NOT NULL,
	`last_four` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`revoked_at` integer,
	`last_used_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `tokens_hash_unique` ON `tokens` (`hash`);--> statement-breakpoint
CREATE TABLE `uploads` (
	`job_id` text NOT NULL,
	`attempt` integer NOT NULL,
	`name` text NOT NULL,
	`bytes` integer NOT NULL,
	`sha256` text NOT NULL,
	`offered_at` integer NOT NULL,
	`committed_at` integer,
	PRIMARY KEY(`job_id`, `attempt`, `name`),
	FOREIGN KEY (`job_id`) REFERENCES `jobs`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
ALTER TABLE `attempts` ADD `claim_id` text;--> statement-breakpoint
ALTER TABLE `attempts` ADD `started_at` integer;--> statement-breakpoint
ALTER TABLE `attempts` ADD `token_hash` text;--> statement-breakpoint
ALTER TABLE `attempts` ADD `log_bytes` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `attempts` ADD `progress_next` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `attempts` ADD `finish_hash` text;--> statement-breakpoint
CREATE UNIQUE INDEX `attempts_token` ON `attempts` (`token_hash`);--> statement-breakpoint
CREATE INDEX `attempts_claim` ON `attempts` (`claim_id`);--> statement-breakpoint
ALTER TABLE `jobs` ADD `repository` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `jobs` ADD `needs` text DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE `jobs` ADD `architecture` text;--> statement-breakpoint
ALTER TABLE `jobs` ADD `uncounted` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `jobs` ADD `request_hash` text;--> statement-breakpoint
ALTER TABLE `jobs` ADD `source_key` text;--> statement-breakpoint
ALTER TABLE `jobs` ADD `work_version` text;--> statement-breakpoint
ALTER TABLE `jobs` ADD `force` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `jobs` ADD `cached_from` text;--> statement-breakpoint
ALTER TABLE `jobs` ADD `finish_asked_at` integer;--> statement-breakpoint
ALTER TABLE `jobs` ADD `cancel_asked_at` integer;--> statement-breakpoint
ALTER TABLE `jobs` ADD `submitter` text;--> statement-breakpoint
ALTER TABLE `jobs` ADD `stage` text;--> statement-breakpoint
CREATE INDEX `jobs_repository` ON `jobs` (`repository`,`seq`);--> statement-breakpoint
CREATE INDEX `jobs_result` ON `jobs` (`source_key`,`request_hash`) WHERE "jobs"."state" = 'succeeded';--> statement-breakpoint
CREATE INDEX `jobs_request` ON `jobs` (`request_hash`) WHERE "jobs"."state" = 'succeeded';--> statement-breakpoint
ALTER TABLE `reports` ADD `repository` text DEFAULT '' NOT NULL;--> statement-breakpoint
CREATE INDEX `reports_repository` ON `reports` (`repository`,`created_at`);