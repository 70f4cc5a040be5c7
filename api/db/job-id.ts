import { randomBytes } from "node:crypto";

// Crockford's base 32: no i, l, o and u, so an id survives being read aloud; digits sort before letters as in ASCII.
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
const timeLength = 9; // 45 bits of milliseconds last until the year 3084
const randomLength = 7; // 35 bits: with 1,000 jobs in one millisecond a clash has odds of 1 in 70,000, and the table refuses it

/** A job's id: `job_`, nine characters of time (so that text order is time order), seven of chance. */
export function newJobId(now: number): string {
  let time = "";
  for (let rest = now; time.length < timeLength; rest = Math.floor(rest / 32)) time = alphabet.charAt(rest % 32) + time;
  const chance = [...randomBytes(randomLength)].map((byte) => alphabet.charAt(byte % 32)).join("");
  return `job_${time}${chance}`;
}
