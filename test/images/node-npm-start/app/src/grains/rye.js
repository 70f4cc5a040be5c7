import { readFileSync } from "node:fs";
const text = readFileSync(new URL("rye.txt", import.meta.url), "utf8");
export const grind = () => text.trim().toUpperCase();
