/** Log-mel images of windows by the recipe of `gtzan-scratch`; as signal/spectrograms.py. */

import { type MelSettings, MelFrames } from "./mel";
import { round } from "./numbers";
import type { Part } from "./windows";

/** The recipe of the images; as signal/recipes.py. */
export interface ImageSettings extends MelSettings {
  hop: number;
  columns: number;
  columnsPerSecond: number;
  topDb: number;
  before: number;
  after: number;
  seconds: number;
}

// The least power, as in librosa.power_to_db.
const FLOOR = 1e-10;

/** Columns of the spectrogram of the whole sound, which are scaled window by window. */
export class Images {
  private readonly frames: MelFrames;

  constructor(private readonly settings: ImageSettings) {
    this.frames = new MelFrames(settings);
  }

  /**
   * Return the grey levels of a window, from 0 to 255, column by column.
   *
   * @param y The window with its context.
   */
  draw(y: Float32Array, part: Part): Uint8Array {
    const { nMels, topDb } = this.settings;
    const levels = new Float32Array(this.settings.columns * nMels);
    this.firstSamples(part).forEach((first, column) => {
      this.frames.write(y, first - part.from, levels, column * nMels);
    });
    let top = -Infinity;
    for (let i = 0; i < levels.length; i++) {
      levels[i] = Math.log(Math.max(levels[i], FLOOR));
      top = Math.max(top, levels[i]);
    }
    let bottom = top - (topDb * Math.log(10)) / 10;
    bottom = Math.max(bottom, levels.reduce((least, level) => Math.min(least, level)));
    const scale = top > bottom ? 255 / (top - bottom) : 0;
    return Uint8Array.from(levels, (level) =>
      Math.trunc((Math.max(level, bottom) - bottom) * scale),
    );
  }

  /** Return the first sample of the frame of each column of a window. */
  private firstSamples({ startS, from, to }: Part): number[] {
    const { sampleRate, columns, columnsPerSecond, hop, nFft } = this.settings;
    const first = Math.trunc(round(startS * columnsPerSecond * 1e6) / 1e6);
    const samples = to - from - this.settings.before - this.settings.after;
    const isShort = samples < round(this.settings.seconds * sampleRate);
    const whole = Math.max(1, Math.trunc((samples / sampleRate) * columnsPerSecond + 0.5));
    const framesPerColumn = sampleRate / hop / columnsPerSecond;
    return Array.from({ length: columns }, (_, i) => {
      const column = isShort ? (first + i) % whole : first + i;
      // As in the shared file of log-mels; 1e-6 is for rounding.
      const frame = Math.ceil((column + 0.5) * framesPerColumn - 1e-6) - 1;
      return frame * hop - nFft / 2;
    });
  }
}
