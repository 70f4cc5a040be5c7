import { dynamicNames, elfImage } from "./static-binary-elf.ts";

/** Bytes of the whole C strings that a program gives as the variable's name, or as `NAME=value`. */
const names = ["\0TZ\0", "\0TZ=\0", "\0TZ=%s\0"].map((text) => Buffer.from(text, "latin1"));

/**
 * Whether a dynamically linked program (ELF, 64 bits) sets the zone of its own process while it runs: it has TZ as a whole string,
 * sets variables, and asks its libc for local times. Which zone, comes from outside. One that only reads TZ sets nothing; one
 * that sets it back after `mktime` does so to convert times of UTC, the portable `timegm`. Static programs have all of this of
 * their libc, so it says nothing there.
 */
export function setsZone(bytes: Buffer): boolean {
  if (!names.some((name) => bytes.includes(name))) return false;
  const image = elfImage(bytes);
  if (image === undefined) return false;
  const imports = dynamicNames(image);
  const has = (...any: string[]) => any.some((name) => imports.has(name));
  const isConversion = has("mktime") && has("unsetenv") && has("getenv");
  return has("setenv", "putenv") && has("tzset", "localtime", "localtime_r") && !isConversion;
}

/** Whether a compiled program asks the library of C++ for zones, which reads them as text: `std::chrono::locate_zone` and its like. */
export function readsSource(bytes: Buffer): boolean {
  const image = elfImage(bytes);
  const names = image === undefined ? [] : [...dynamicNames(image)];
  return names.some((name) => /^_ZNSt6chrono\d+(?:locate_zone|get_tzdb|current_zone|reload_tzdb)/.test(name));
}
