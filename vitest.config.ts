import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    environment: "happy-dom",
    include: ["tests/web/**/*.test.ts"],
    restoreMocks: true,
    sequence: { shuffle: true },
  },
});
