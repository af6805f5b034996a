/** Where windows begin, and which part of a sound each depends on; as data/windows.py. */

import { type FilterSettings, Rates, type Resampler } from "./resample";
import { round } from "./numbers";

/** The windows of a model. */
export interface WindowSettings {
  sampleRate: number;
  seconds: number;
  step: number;
  /** Samples before and after a window on which its prediction depends. */
  before: number;
  after: number;
  /** The shortest sound in seconds that is repeated until it fills a window. */
  shortest: number;
  filter: FilterSettings;
}

/** The part of a sound on which the prediction of a window depends. */
export interface Part {
  startS: number;
  /** The window with its context: from its first sample to before its last, at the model's rate. */
  from: number;
  to: number;
  /** Length of the whole sound at the model's rate; infinite if it goes on. */
  total: number;
  /** The samples that are needed of the sound at its own rate, in the same way. */
  first: number;
  last: number;
}

// A sound as long as n windows must have n in spite of rounding.
const TOLERANCE = 1e-6;

/** Return the starts of the windows of a sound in seconds; equal to `WindowGrid.starts`. */
export function starts(
  durationS: number, settings: WindowSettings, stepS = settings.step,
): number[] {
  const { seconds, shortest } = settings;
  if (durationS + TOLERANCE < seconds) {
    return durationS >= Math.min(shortest, seconds) ? [0] : [];
  }
  const count = Math.floor((durationS - seconds + TOLERANCE) / stepS) + 1;
  const found = Array.from({ length: count }, (_, i) => i * stepS);
  if (durationS - (found[count - 1] + seconds) + TOLERANCE >= stepS / 2) {
    found.push(round((durationS - seconds) * 1e6) / 1e6);
  }
  return found;
}

/**
 * Return the part of a sound on which a window depends.
 *
 * @param samples Length of the sound at its own rate; infinite if it goes on.
 */
export function windowPart(
  startS: number, settings: WindowSettings, rate: number, samples: number,
): Part {
  const { sampleRate, seconds, before, after, filter } = settings;
  const rates = new Rates(rate, sampleRate, filter);
  const total = rates.length(samples);
  const start = round(startS * sampleRate);
  const from = start - before;
  const to = start + Math.min(round(seconds * sampleRate), total) + after;
  const [first, last] = rates.range(Math.max(0, from), Math.min(to, total));
  return { startS, from, to, total, first, last: Math.min(last, samples) };
}

/** Return the samples of a window with its context, zeros beyond the sound; as `WindowCutter`. */
export function cutWindow(part: Part, piece: Float32Array, resampler: Resampler): Float32Array {
  const y = new Float32Array(part.to - part.from);
  const [from, to] = [Math.max(0, part.from), Math.min(part.to, part.total)];
  y.set(resampler.resample(piece, part.first, from, to), from - part.from);
  return y;
}
