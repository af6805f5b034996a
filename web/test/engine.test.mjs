import assert from "node:assert/strict";
import { test } from "node:test";
import { SoundEngine } from "../src/engine";
import { cutWindow, starts, windowPart } from "../src/windows";
import { Rates, Resampler } from "../src/resample";
import { startMatrices } from "./binary.mjs";

const FILTER = { sharp: { crossings: 64, rolloff: 0.95, beta: 14 }, count: "ceil" };
const SETTINGS = {
  sampleRate: 16000, seconds: 3, step: 3, before: 256, after: 100, shortest: 1, filter: FILTER,
};
const MODEL = {
  info: { name: "model", genres: ["a", "b"], distanceLimits: [2, 1] },
  settings: SETTINGS, smallest: 1e-6, lowestRate: 8000,
};
const MEL = { bands: 1, frames: 1, levels: new Float32Array(1) };

/** Predicts the first sample of a window, a little later where the window is earlier. */
const run = async (task) => {
  await new Promise((resolve) => setTimeout(resolve, 20 - task.part.startS));
  const share = task.piece[Math.min(task.piece.length - 1, 1000)];
  return share ? { probabilities: Float32Array.of(share, 1 - share), distance: share, mel: MEL }
    : { probabilities: null, distance: NaN, mel: MEL };
};
const sound = (seconds, rate = 44100) => ({
  rate,
  channels: [Float32Array.from({ length: seconds * rate }, (_, i) => 0.1 + (i / rate % 7) / 10)],
});

test("windows begin where those of the package do", () => {
  assert.deepEqual(starts(29.93, SETTINGS), [0, 3, 6, 9, 12, 15, 18, 21, 24, 26.93]);
  assert.deepEqual(starts(4.4, SETTINGS), [0]);
  assert.deepEqual(starts(4.5, SETTINGS), [0, 1.5]);
  assert.deepEqual(starts(1, SETTINGS), [0]);
  assert.deepEqual(starts(0.99, SETTINGS), []);
  assert.deepEqual(starts(5, SETTINGS, 1), [0, 1, 2]);
});

test("a window has its context, and zeros beyond the sound", async () => {
  const rates = new Rates(16000, 16000, FILTER);
  const resampler = new Resampler(rates, await startMatrices());
  const y = Float32Array.from({ length: 50000 }, (_, i) => i + 1);
  const part = windowPart(0, SETTINGS, 16000, y.length);
  const window = cutWindow(part, y.slice(part.first, part.last), resampler);
  assert.equal(window.length, 256 + 48000 + 100);
  assert.deepEqual([window[255], window[256], window.at(-1)], [0, 1, 48100]);
  const end = windowPart(0.125, SETTINGS, 16000, y.length);
  const last = cutWindow(end, y.slice(end.first, end.last), resampler);
  assert.deepEqual([last[0], last.at(-101), last.at(-1)], [1745, 50000, 0]);
});

test("windows are told in order, and no more than a few are under way", async () => {
  let [most, now] = [0, 0];
  const engine = new SoundEngine(MODEL, async (task) => {
    most = Math.max(most, ++now);
    return run(task).finally(() => now--);
  }, 4);
  const told = [];
  const answer = await engine.predict(sound(30), {
    onWindow: (window, _mel, done, total) => told.push([window.startS, done, total]),
  });
  assert.deepEqual(told, Array.from({ length: 10 }, (_, i) => [3 * i, i + 1, 10]));
  assert.equal(most, 4);
  assert.equal(answer.windows.length, 10);
  assert.equal(answer.probabilities.a + answer.probabilities.b, 1);
  assert.equal(answer.distanceLimit, 1);
});

test("a stream has the windows of the whole sound", async () => {
  const engine = new SoundEngine(MODEL, run, 4);
  for (const [seconds, rate] of [[12.7, 44100], [1.5, 48000], [9, 8000]]) {
    const whole = sound(seconds, rate);
    const expected = await engine.predict(whole, { stepS: 1 });
    const stream = engine.stream(rate, () => {}, 1);
    for (let start = 0; start < whole.channels[0].length; start += 999) {
      stream.push(whole.channels[0].subarray(start, start + 999));
    }
    assert.deepEqual(await stream.finish(), expected);
  }
});

test("channels are averaged, and silent windows are left out", async () => {
  const engine = new SoundEngine(MODEL, run, 2);
  const mono = sound(6);
  const [left] = mono.channels;
  const stereo = { rate: 44100, channels: [left.map((y) => 1.5 * y), left.map((y) => 0.5 * y)] };
  const [one, two] = [await engine.predict(mono), await engine.predict(stereo)];
  assert.ok(Math.abs(one.probabilities.a - two.probabilities.a) < 1e-6);
  left.fill(0, 3 * 44100);
  const half = await engine.predict(mono);
  assert.deepEqual(half.windows.map(({ probabilities }) => probabilities !== null), [true, false]);
  assert.deepEqual(half.decisive, [0]);
});

test("what cannot be predicted is refused in one sentence", async () => {
  const engine = new SoundEngine(MODEL, run, 2);
  const refused = { name: "SoundError" };
  const silent = { rate: 44100, channels: [new Float32Array(200000)] };
  await assert.rejects(engine.predict(sound(0.5)), { ...refused, message: /lasts 0.50 s/ });
  await assert.rejects(engine.predict(sound(5, 7000)), { ...refused, message: /7000 Hz/ });
  await assert.rejects(engine.predict(silent), { ...refused, message: /silent/ });
  assert.throws(() => engine.stream(4000, () => {}, 1), refused);
  await assert.rejects(engine.stream(8000, () => {}, 1).finish(), refused);
});

test("an error of a window ends the prediction, and so does its caller", async () => {
  const failing = new SoundEngine(MODEL, async () => { throw new Error("broken"); }, 2);
  await assert.rejects(failing.predict(sound(9)), /broken/);
  const stream = failing.stream(44100, () => {}, 1);
  stream.push(sound(9).channels[0]);
  await assert.rejects(stream.finish(), /broken/);
  const abort = new AbortController();
  let told = 0;
  const engine = new SoundEngine(MODEL, run, 2);
  const stopped = engine.predict(sound(60), {
    signal: abort.signal, onWindow: () => { told += 1; abort.abort(); },
  });
  await assert.rejects(stopped, { name: "AbortError" });
  assert.equal(told, 1);
});
