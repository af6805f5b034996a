/** The log-mel spectrogram of a sound, put together from pictures of its windows. */

import { LEVEL_COLORS } from "./colors";
import type { Mel } from "./protocol";

// Columns per second that are kept: 20 minutes of 128 bands are 5 MB.
const RATE = 32;

export class Spectrogram {
  private bands = 0;
  private columns = 0;
  // Level of band b at column c, from 1 to 255, at c * bands + b; 0 where none is known.
  private levels = new Uint8Array(0);

  /** Forget everything. */
  clear(): void {
    this.bands = this.columns = 0;
    this.levels = new Uint8Array(0);
  }

  /** Put the picture of the sound from `startS` to `endS` in its place, up to `limitS`. */
  put(startS: number, endS: number, limitS: number, mel: Mel): void {
    if (mel.bands !== this.bands) {
      this.clear();
      this.bands = mel.bands;
    }
    const first = Math.round(RATE * startS);
    const last = Math.round(RATE * Math.min(endS, limitS));
    this.reserve(last);
    const framesPerColumn = mel.frames / (RATE * (endS - startS));
    for (let column = first; column < last; column++) {
      const from = Math.min(Math.floor((column - first) * framesPerColumn), mel.frames - 1);
      const to = Math.max(from + 1, Math.floor((column - first + 1) * framesPerColumn));
      const count = Math.min(to, mel.frames) - from;
      for (let band = 0; band < this.bands; band++) {
        let sum = 0;
        for (let frame = from; frame < from + count; frame++) {
          sum += mel.levels[frame * this.bands + band] ?? 0;
        }
        const level = Math.max(0, Math.min(1, sum / count));
        this.levels[column * this.bands + band] = 1 + Math.round(254 * level);
      }
    }
    this.columns = Math.max(this.columns, last);
  }

  private reserve(columns: number): void {
    if (columns * this.bands > this.levels.length) {
      const larger = new Uint8Array(2 * columns * this.bands);
      larger.set(this.levels);
      this.levels = larger;
    }
  }

  /** Return the picture from `startS` to `endS`, `width` pixels wide; null if there is none. */
  image(startS: number, endS: number, width: number): ImageData | null {
    if (!this.bands || width < 1) {
      return null;
    }
    const image = new ImageData(width, this.bands);
    const pixels = new Uint32Array(image.data.buffer);
    for (let x = 0; x < width; x++) {
      const column = Math.floor(RATE * (startS + ((x + 0.5) / width) * (endS - startS)));
      if (column < 0 || column >= this.columns) {
        continue;
      }
      // The highest band is the first row.
      let place = (this.bands - 1) * width + x;
      for (let band = 0; band < this.bands; band++, place -= width) {
        const level = this.levels[column * this.bands + band];
        if (level > 0) {
          pixels[place] = LEVEL_COLORS[level];
        }
      }
    }
    return image;
  }
}
