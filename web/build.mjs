/**
 * Bundles the page "Try it" into scripts: `node build.mjs [FOLDER]`.
 *
 * The folder is that of the book, unless another is named. Same sources, same bytes.
 */

import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { gzipSync } from "fflate";
import { licences, packageFiles } from "./licences.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const folder = path.resolve(process.argv[2] ?? path.join(here, "../book/_static/try"));

const options = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
};

/** The files of packages that the scripts contain. */
const contained = [];

async function bundle(special) {
  const result = await build({ ...options, ...special });
  contained.push(...packageFiles(result.metafile));
  return result;
}

/** The matrix library, and the script of the workers, as strings. */
const embedded = {
  name: "embedded",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^binary:matrices$|^script:worker$/ }, ({ path }) => ({
      path,
      namespace: "embedded",
    }));
    onLoad({ filter: /^binary:/, namespace: "embedded" }, () => {
      const folder = "node_modules/@tensorflow/tfjs-backend-wasm/wasm-out";
      const file = `${folder}/tfjs-backend-wasm-simd.wasm`;
      contained.push(file);
      const binary = fs.readFileSync(path.join(here, file));
      const compressed = gzipSync(binary, { level: 9, mtime: 0 });
      return { contents: Buffer.from(compressed).toString("base64"), loader: "text" };
    });
    onLoad({ filter: /^script:/, namespace: "embedded" }, async () => {
      const worker = { entryPoints: ["src/worker.ts"], write: false };
      const { outputFiles } = await bundle(worker);
      return { contents: outputFiles[0].text, loader: "text" };
    });
  },
};

/** A comment with the licences of what a script contains. */
function notice() {
  const licence = fs.readFileSync(path.join(here, "node_modules/ml-matrix/LICENSE"), "utf8");
  return [
    "/*!",
    "Contains TensorFlow.js 4.22.0, Copyright Google LLC and others, Apache License 2.0,",
    "https://www.apache.org/licenses/LICENSE-2.0, with XNNPACK, BSD 3-Clause License, and",
    "ml-matrix:",
    "",
    licence.trim(),
    "*/",
  ].join("\n");
}

await bundle({
  entryPoints: [{ in: "src/engine_script.ts", out: "engine" }],
  outdir: folder,
  plugins: [embedded],
  banner: { js: notice() },
});
await bundle({
  entryPoints: ["src/page.ts"],
  outdir: folder,
});
fs.writeFileSync(path.join(folder, "LICENSES.txt"), licences(here, contained));

const examples = JSON.parse(fs.readFileSync(path.join(here, "examples/examples.json"), "utf8"));
const sounds = examples.map(({ genre }) => [
  genre,
  fs.readFileSync(path.join(here, "examples", `${genre}.mp3`)).toString("base64"),
]);
fs.writeFileSync(
  path.join(folder, "examples.js"),
  `globalThis.gtzanExamples = ${JSON.stringify(Object.fromEntries(sounds))};\n`,
);
