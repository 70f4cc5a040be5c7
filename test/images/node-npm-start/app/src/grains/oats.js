import { createRequire } from "node:module";
const shared = createRequire(import.meta.url)("./shared.cjs");
export const grind = () => shared.flake("oats");
