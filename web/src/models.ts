/** Loads the models of the page, and starts the workers that they share. */

import { SoundEngine } from "./engine";
import type { ModelFile } from "./model";
import { Pool } from "./pool";
import { type Engine, type EngineScript, type LoadEngine, SoundError } from "./protocol";
import { decodeBase64, weightsBytes } from "./weights";
// The build makes these two of the library's binary, compressed, and of `worker.ts`.
import binary from "binary:matrices";
import workerSource from "script:worker";

declare global {
  /** Models by name, each set by a script of its own. */
  var gtzanModels: Record<string, ModelFile> | undefined;
  var gtzanEngine: EngineScript | undefined;
}

const MOST_WORKERS = 4;

let pool: Promise<Pool> | undefined;
const engines = new Map<string, Promise<Engine>>();

/** Load a model whose script is in the page. */
export const loadEngine: LoadEngine = (name) => {
  let engine = engines.get(name);
  if (!engine) {
    engine = load(name);
    engines.set(name, engine);
    // What failed may be tried again.
    engine.catch(() => engines.delete(name));
  }
  return engine;
};

async function load(name: string): Promise<Engine> {
  const file = globalThis.gtzanModels?.[name];
  if (!file) {
    throw new SoundError(`The file of the model ${name} is missing; reload the page.`);
  }
  pool ??= startPool().catch((error) => {
    pool = undefined;
    throw error;
  });
  const { data, ...description } = file;
  const [workers, bytes] = await Promise.all([pool, weightsBytes(file)]);
  await workers.load(description, bytes);
  return new SoundEngine(file, (task) => workers.run(task), 2 * workers.size);
}

async function startPool(): Promise<Pool> {
  const compiled = await compile();
  const size = Math.min(MOST_WORKERS, navigator.hardwareConcurrency || 1);
  const workers = new Pool(workerSource, size);
  await workers.start(compiled);
  return workers;
}

/** Compile the library's binary, which needs SIMD. */
async function compile(): Promise<WebAssembly.Module> {
  try {
    const compressed = new Blob([await decodeBase64(binary)]).stream();
    const stream = compressed.pipeThrough(new DecompressionStream("gzip"));
    return await WebAssembly.compile(await new Response(stream).arrayBuffer());
  } catch {
    throw new SoundError(
      "This browser lacks WebAssembly with SIMD, which the models need; use a current browser, " +
        "or `gtzan predict`.",
    );
  }
}
