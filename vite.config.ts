import { readdirSync } from "node:fs";
import { defineConfig } from "vite";

// Every file in entries/ becomes a bundle of its own; templates name it by its source path in the manifest.
const folder = "static/src/entries";
const names = readdirSync(folder)
  .filter((name) => name.endsWith(".ts"))
  .map((name) => name.slice(0, -".ts".length));

export default defineConfig({
  base: "/static/",
  publicDir: false,
  worker: { format: "es" },
  build: {
    outDir: "static/dist",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the content security policy allows no data: scripts or fonts
    manifest: "manifest.json",
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 5000,
    rolldownOptions: {
      input: Object.fromEntries(names.map((name) => [name, `${folder}/${name}.ts`])),
      output: {
        entryFileNames: "[name]-[hash].js",
        chunkFileNames: "chunks/[name]-[hash].js",
        assetFileNames: "assets/[name]-[hash][extname]",
      },
    },
  },
});
