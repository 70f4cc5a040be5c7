import { randomBytes } from "node:crypto";

// Crockford's base 32: no i, l, o and u, so an id survives being read aloud; digits sort before letters as in ASCII.
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
const timeLength = 9; // 45 bits of milliseconds last until the year 3084
const randomLength = 7; // 35 bits: with 1,000 jobs in one millisecond a clash has odds of 1 in 70,000, and the table refuses it

/** A job's id: `job_`, nine characters of time (so that text order is time order), seven of chance. A clock before 1970 counts as 1970. */
export function newJobId(now: number): string {
  let time = "";
  let rest = Math.max(0, Math.floor(now));
  for (let place = 0; place < timeLength; place++) {
    time = alphabet.charAt(rest % 32) + time;
    rest = Math.floor(rest / 32);
  }
  const chance = [...randomBytes(randomLength)].map((byte) => alphabet.charAt(byte % 32)).join("");
  return `job_${time}${chance}`;
}
