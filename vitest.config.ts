import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{contract,api,runner,cli,test}/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", "test/images/*/**", "test/real/**"],
    globalSetup: ["test/engines.ts"],
    // A forked process per file: an engine test that dies must not take its neighbours' database or sockets with it.
    pool: "forks",
    // Two, because the smallest machine we build on has two cores and engine tests mostly wait for the engine.
    maxWorkers: 2,
    // Engine tests load images and start containers; a slow engine is not a failed test.
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
});
