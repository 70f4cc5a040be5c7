import { readFileSync } from "node:fs";
import { z } from "zod";
import { S3Settings } from "#api/store/s3-settings.ts";
import { WinnowError } from "#contract/error.ts";
import { nearest } from "#contract/nearest.ts";
import type { Environment } from "./config.ts";

const s3Variables = {
  WINNOW_S3_ENDPOINT: "endpoint",
  WINNOW_S3_PUBLIC_ENDPOINT: "publicEndpoint",
  WINNOW_S3_REGION: "region",
  WINNOW_S3_BUCKET: "bucket",
  WINNOW_S3_PREFIX: "prefix",
  WINNOW_S3_ACCESS_KEY_ID: "accessKeyId",
  WINNOW_S3_SECRET_ACCESS_KEY: "secretAccessKey",
  WINNOW_S3_FORCE_PATH_STYLE: "forcePathStyle",
  WINNOW_S3_CHECKSUM: "checksum",
} as const satisfies Record<string, keyof S3Settings>;

/** Secrets may stand in a file instead, named by the variable with this at its end: files can be kept from other processes. */
const secrets = ["WINNOW_S3_ACCESS_KEY_ID", "WINNOW_S3_SECRET_ACCESS_KEY"];
const fileEnd = "_FILE";

export const Yes = z.stringbool({
  truthy: ["true", "1", "yes", "on"],
  falsy: ["false", "0", "no", "off"],
  error: "write true or false",
});

/** The S3 settings of the environment; undefined when it has none. Throws `config.invalid` that names all faults. */
export function loadS3Settings(env: Environment): S3Settings | undefined {
  const faults: string[] = [];
  const s3 = readS3(env, faults);
  if (faults.length > 0) throw refuse(faults);
  return s3;
}

/** For settings that are wrong: one line for each fault. */
export const refuse = (faults: readonly string[]) =>
  new WinnowError("config.invalid", faults.join("\n"), "docs/running.md lists all settings of the service.");

/** The S3 settings of the environment, if it has any that are right; what is wrong is added to `faults`. */
export function readS3(env: Environment, faults: string[]): S3Settings | undefined {
  const names = Object.keys(s3Variables);
  const known = [...names, ...secrets.map((name) => `${name}${fileEnd}`)];
  const given = Object.keys(env).filter((name) => name.startsWith("WINNOW_S3_") && env[name]);
  // A slip in a name would mean the default, and nobody would see it.
  for (const name of given)
    if (!known.includes(name)) faults.push(`${name}: there is no such setting${nearest(name, known)}`);
  if (given.length === 0) return undefined;
  const values = names.map((name) => [name, secretOf(env, name, faults) ?? (env[name] || undefined)] as const);
  const candidate: Record<string, unknown> = Object.fromEntries(
    values.map(([name, value]) => [s3Variables[name as keyof typeof s3Variables], value]), // names are its keys
  );
  const style = Yes.optional().safeParse(candidate.forcePathStyle);
  if (!style.success)
    faults.push(`WINNOW_S3_FORCE_PATH_STYLE ${JSON.stringify(candidate.forcePathStyle)}: write true or false`);
  const parsed = S3Settings.safeParse({ ...candidate, forcePathStyle: style.data });
  if (parsed.success) return parsed.data;
  for (const { path, message } of parsed.error.issues) {
    const name = names.find((one) => s3Variables[one as keyof typeof s3Variables] === path[0]) ?? "WINNOW_S3_*"; // names are its keys
    if (faults.some((fault) => fault.startsWith(`${name}${fileEnd}`))) continue; // its file is the fault
    const value = candidate[String(path[0])];
    faults.push(
      value === undefined
        ? `${name}: is missing`
        : `${name}${secrets.includes(name) ? "" : ` ${JSON.stringify(value)}`}: ${message}`,
    );
  }
  return undefined;
}

function secretOf(env: Environment, name: string, faults: string[]): string | undefined {
  const file = secrets.includes(name) ? env[`${name}${fileEnd}`] : undefined;
  if (!file) return undefined;
  if (env[name]) faults.push(`${name}${fileEnd}: ${name} is set too; say it once`);
  try {
    const text = readFileSync(file, "utf8").trim();
    if (text === "") faults.push(`${name}${fileEnd} ${JSON.stringify(file)}: the file is empty`);
    return text;
  } catch (thrown) {
    faults.push(`${name}${fileEnd}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    return undefined;
  }
}
