/** Mel spectra of frames of sound, as in `gtzan_lib/signal/dsp.py`. */

import { PowerSpectrum } from "./fft";

/** The front end of a model. */
export interface MelSettings {
  sampleRate: number;
  nFft: number;
  nMels: number;
}

/** The mel power of single frames, weighted with a periodic Hann window. */
export class MelFrames {
  private readonly spectrum: PowerSpectrum;
  private readonly window: Float64Array;
  private readonly filters: Filter[];
  private readonly frame: Float64Array;
  private readonly power: Float64Array;

  constructor(readonly settings: MelSettings) {
    const { nFft } = settings;
    this.spectrum = new PowerSpectrum(nFft);
    this.window = hann(nFft);
    this.filters = melFilters(settings);
    this.frame = new Float64Array(nFft);
    this.power = new Float64Array(nFft / 2 + 1);
  }

  /**
   * Write the power of the bands of one frame.
   *
   * @param y The sound; zeros before and after it.
   * @param start The frame's first sample, which may be outside of `y`.
   * @param out Takes `nMels` values from `at` on, lowest band first.
   */
  write(y: Float32Array, start: number, out: Float32Array, at: number): void {
    const { frame, window, power, filters } = this;
    for (let i = 0; i < frame.length; i++) {
      const place = start + i;
      frame[i] = place >= 0 && place < y.length ? y[place] * window[i] : 0;
    }
    this.spectrum.write(frame, power);
    for (let band = 0; band < filters.length; band++) {
      const { first, weights } = filters[band];
      let sum = 0;
      for (let i = 0; i < weights.length; i++) {
        sum += weights[i] * power[first + i];
      }
      out[at + band] = sum;
    }
  }
}

/** A periodic Hann window. */
function hann(size: number): Float64Array {
  const turn = (2 * Math.PI) / size;
  return Float64Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos(turn * i));
}

/** The weights of a mel band for frequencies from number `first` on. */
interface Filter {
  first: number;
  weights: Float64Array;
}

// Slaney's scale: 3 mel for 200 Hz up to 1 kHz, then 27 mel for a factor of 6.4.
const HZ_PER_MEL = 200 / 3;
const KNEE_HZ = 1000;
const LOG_STEP = Math.log(6.4) / 27;

function hzToMel(hz: number): number {
  return Math.min(hz, KNEE_HZ) / HZ_PER_MEL + Math.log(Math.max(hz / KNEE_HZ, 1)) / LOG_STEP;
}

function melToHz(mel: number): number {
  const knee = KNEE_HZ / HZ_PER_MEL;
  return mel < knee ? mel * HZ_PER_MEL : KNEE_HZ * Math.exp(LOG_STEP * (mel - knee));
}

/** Triangular filters of unit area in Hz; equal to `mel_weights` without zeros. */
function melFilters({ sampleRate, nFft, nMels }: MelSettings): Filter[] {
  const top = hzToMel(sampleRate / 2);
  const edges = Array.from({ length: nMels + 2 }, (_, i) => melToHz((top * i) / (nMels + 1)));
  return Array.from({ length: nMels }, (_, band) => {
    const [low, middle, high] = edges.slice(band, band + 3);
    const weights: number[] = [];
    let first = 0;
    for (let k = 0; k <= nFft / 2; k++) {
      const hz = (k * sampleRate) / nFft;
      const weight = Math.min((hz - low) / (middle - low), (high - hz) / (high - middle));
      if (weight > 0) {
        first = weights.length ? first : k;
        weights.push((weight * 2) / (high - low));
      }
    }
    return { first, weights: Float64Array.from(weights) };
  });
}
