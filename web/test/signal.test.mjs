import assert from "node:assert/strict";
import { test } from "node:test";
import { PowerSpectrum } from "../src/fft";
import { MelFrames } from "../src/mel";
import { round } from "../src/numbers";
import { Rates, Resampler } from "../src/resample";
import { startMatrices } from "./binary.mjs";

const ONE = { sharp: { crossings: 64, rolloff: 0.95, beta: 14 }, count: "ceil" };
const SOXR = {
  ...ONE,
  count: "round",
  soxr: {
    rates: {},
    half: { crossings: 9, rolloff: 1, beta: 14 },
    wide: { crossings: 7, rolloff: 0.9, beta: 14 },
  },
};
const noise = (length, seed = 1) => {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647 - 0.5;
  });
};
const largestDifference = (a, b) => {
  assert.equal(a.length, b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
};

test("halves are rounded to even numbers", () => {
  assert.deepEqual([0.5, 1.5, 2.5, -0.5, -1.5, 2.4, 2.6].map(round), [0, 2, 2, 0, -2, 2, 3]);
});

test("power is that of the Fourier sum", () => {
  const frame = noise(64);
  const power = new Float64Array(33);
  new PowerSpectrum(64).write(frame, power);
  power.forEach((value, k) => {
    let [real, imaginary] = [0, 0];
    frame.forEach((sample, i) => {
      real += sample * Math.cos((2 * Math.PI * k * i) / 64);
      imaginary += sample * Math.sin((2 * Math.PI * k * i) / 64);
    });
    assert.ok(Math.abs(value - (real ** 2 + imaginary ** 2)) < 1e-9);
  });
});

test("a tone is loudest in its mel band, and frames outside of the sound are silent", () => {
  const frames = new MelFrames({ sampleRate: 16000, nFft: 512, nMels: 96 });
  const y = Float32Array.from({ length: 512 }, (_, i) => Math.sin((2 * Math.PI * i) / 16));
  const out = new Float32Array(192);
  frames.write(y, 0, out, 0);
  frames.write(y, 512, out, 96);
  const loudest = out.indexOf(Math.max(...out));
  // 1 kHz is 15 mel of 45 up to 8 kHz, in 97 steps.
  assert.ok(Math.abs(loudest - 31) <= 1);
  assert.ok(out.subarray(96).every((value) => value === 0));
});

for (const [source, target, filter] of [
  [44100, 16000, ONE],
  [16000, 22050, SOXR],
  [48000, 22050, SOXR],
  [96000, 22050, SOXR],
  [8000, 16000, ONE],
  [44056, 16000, ONE],
  [16000, 16000, ONE],
]) {
  test(`pieces of a sound are resampled as the whole: ${source} to ${target} Hz`, async () => {
    const rates = new Rates(source, target, filter);
    const resampler = new Resampler(rates, await startMatrices());
    const sound = noise(source);
    const length = rates.length(sound.length);
    const whole = resampler.resample(sound, 0, 0, length);
    for (const [from, to] of [[0, 100], [4321, 9876], [length - 500, length]]) {
      const [first, last] = rates.range(from, to);
      const piece = sound.slice(first, last);
      const part = resampler.resample(piece, first, from, to);
      assert.ok(largestDifference(part, whole.subarray(from, to)) < 1e-7);
    }
    resampler.free();
  });
}

test("a tone keeps its level and its phase at another rate", async () => {
  const matrices = await startMatrices();
  for (const source of [8000, 11025, 44100, 44056, 96000]) {
    const tone = (rate) =>
      Float32Array.from({ length: rate / 2 }, (_, i) => Math.sin((6283 * i) / rate));
    const rates = new Rates(source, 22050, SOXR);
    const sound = tone(source);
    const y = new Resampler(rates, matrices).resample(sound, 0, 4000, 6000);
    assert.ok(largestDifference(y, tone(22050).subarray(4000, 6000)) < 1e-3, `${source} Hz`);
  }
});
