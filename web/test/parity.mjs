/**
 * Predicts sounds that Python wrote, for a comparison with its predictions.
 *
 * node parity.mjs SOUNDS MODELS BINARY: `SOUNDS/sounds.json` lists sounds, whose channels
 * follow each other in `SOUNDS/<name>.f32`; `MODELS` has the scripts of the models; `BINARY`
 * is that of TensorFlow.js. What is found is written beside the sounds.
 */

import fs from "node:fs";
import path from "node:path";
import { SoundEngine } from "../src/engine";
import { Matrices } from "../src/matrices";
import { Predictor } from "../src/predictor";
import { weightsBytes } from "../src/weights";

const [sounds, models, binary] = process.argv.slice(2);
const predictor = new Predictor(
  await Matrices.start(await WebAssembly.compile(fs.readFileSync(binary))),
);

async function engine(name) {
  // The scripts are those of the page.
  (0, eval)(fs.readFileSync(path.join(models, `${name}.js`), "utf8"));
  const file = globalThis.gtzanModels[name];
  predictor.load(file, await weightsBytes(file));
  return new SoundEngine(file, async (task) => predictor.predict(task), 2);
}

function channelsOf({ name, channels }) {
  const all = new Float32Array(
    Uint8Array.from(fs.readFileSync(path.join(sounds, `${name}.f32`))).buffer,
  );
  const length = all.length / channels;
  return Array.from({ length: channels }, (_, i) => all.subarray(i * length, (i + 1) * length));
}

/** Predict a sound as a stream, in blocks of 20 ms. */
async function streamed(engine, { rate, channels }, stepS) {
  const stream = engine.stream(rate, () => {}, stepS);
  const block = Math.round(rate / 50);
  for (let start = 0; start < channels[0].length; start += block) {
    stream.push(channels[0].subarray(start, start + block));
  }
  return stream.finish();
}

async function answer(engine, sound, entry) {
  const levels = [];
  try {
    const found = entry.stream
      ? await streamed(engine, sound, entry.step)
      : await engine.predict(sound, {
          stepS: entry.step,
          onWindow: (_window, mel) => levels.push(...mel.levels),
        });
    const windows = found.windows.map((window) => ({
      ...window,
      probabilities: window.probabilities && [...window.probabilities],
    }));
    const { byteLength } = predictor.matrices.backend.memory.buffer;
    return { ...found, windows, levels, memory: byteLength };
  } catch (error) {
    if (error.name !== "SoundError") {
      throw error;
    }
    return { error: error.message };
  }
}

const entries = JSON.parse(fs.readFileSync(path.join(sounds, "sounds.json"), "utf8"));
for (const name of ["gtzan-musicnn", "gtzan-scratch"]) {
  const loaded = await engine(name);
  for (const entry of entries) {
    const sound = { rate: entry.rate, channels: channelsOf(entry) };
    const { levels = [], ...found } = await answer(loaded, sound, entry);
    const stem = path.join(sounds, `${entry.name}.${name}`);
    fs.writeFileSync(`${stem}.json`, JSON.stringify(found));
    fs.writeFileSync(`${stem}.f32`, Float32Array.from(levels));
  }
}
