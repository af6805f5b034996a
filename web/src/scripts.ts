/** Scripts beside `page.js` that are loaded on first use; nothing can be fetched from files. */

import { type Engine, type EngineScript, SoundError } from "./protocol";

/** A piece of composed music: an MP3 file in base64. */
export interface ExampleScript {
  [genre: string]: string;
}

declare global {
  var gtzanEngine: EngineScript | undefined;
  var gtzanExamples: ExampleScript | undefined;
}

const FOLDER = new URL(".", (document.currentScript as HTMLScriptElement | null)?.src);

const scripts = new Map<string, Promise<void>>();

/** Add a script to the page, once; what could not be loaded may be tried again. */
function load(name: string): Promise<void> {
  const known = scripts.get(name);
  if (known) {
    return known;
  }
  const loaded = new Promise<void>((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL(name, FOLDER).href;
    script.onload = () => resolve();
    script.onerror = () => {
      scripts.delete(name);
      script.remove();
      reject(new SoundError("A part of this page could not be loaded; reload the page."));
    };
    document.head.append(script);
  });
  scripts.set(name, loaded);
  return loaded;
}

const engines = new Map<string, Promise<Engine>>();

/** Load a model by its name, once. */
export function loadModel(name: string): Promise<Engine> {
  let engine = engines.get(name);
  if (!engine) {
    engine = start(name);
    engines.set(name, engine);
    engine.catch(() => engines.delete(name));
  }
  return engine;
}

async function start(name: string): Promise<Engine> {
  if (typeof WebAssembly === "undefined") {
    throw new SoundError(
      "This browser has no WebAssembly, which the models need; allow it, or use `gtzan predict`.",
    );
  }
  await Promise.all([load("engine.js"), load(`${name}.js`)]);
  if (!globalThis.gtzanEngine) {
    throw new SoundError("A part of this page is damaged; build the book again.");
  }
  return globalThis.gtzanEngine.loadEngine(name);
}

/** Load a model and the examples, should they be needed; failures are told when they are. */
export function prepare(name: string): void {
  loadModel(name).catch(() => {});
  load("examples.js").catch(() => {});
}

/** Load the example of a genre: an MP3 file. */
export async function loadExample(genre: string): Promise<Blob> {
  await load("examples.js");
  const text = globalThis.gtzanExamples?.[genre] ?? "";
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Blob([bytes], { type: "audio/mpeg" });
}
