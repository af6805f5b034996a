/** Bundles the tests in `test/`, since they import TypeScript, and runs them: `npm test`. */

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));
const tests = fs.readdirSync(path.join(here, "test")).filter((name) => name.endsWith(".test.mjs"));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "gtzan-web-"));
try {
  await build({
    absWorkingDir: here,
    entryPoints: tests.map((name) => `test/${name}`),
    bundle: true,
    platform: "node",
    format: "esm",
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    logLevel: "warning",
  });
  const files = tests.map((name) => path.join(folder, name));
  const { status } = spawnSync(process.execPath, ["--test", ...files], {
    cwd: here,
    stdio: "inherit",
  });
  process.exitCode = status ?? 1;
} finally {
  fs.rmSync(folder, { recursive: true });
}
