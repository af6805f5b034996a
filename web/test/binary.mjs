/** The matrix library for tests, which run in the folder `web`. */

import fs from "node:fs";
import { Matrices } from "../src/matrices";

const FILE = "node_modules/@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm";

export async function startMatrices() {
  return Matrices.start(await WebAssembly.compile(fs.readFileSync(FILE)));
}
