/** How far a window is from everything that a model was trained on; models/familiarity.py. */

import type { Weights } from "./weights";

const NEIGHBOURS = 5;

export class Familiarity {
  private readonly mean: Float32Array;
  private readonly whitening: Float32Array;
  private readonly references: Float32Array;

  constructor(weights: Weights) {
    this.mean = weights("familiarity.mean").values;
    this.whitening = weights("familiarity.whitening").values;
    this.references = weights("familiarity.references").values;
  }

  /** Return the mean distance of a window to its nearest training windows. */
  distance(represented: ArrayLike<number>): number {
    const { mean, whitening, references } = this;
    const size = mean.length;
    const white = new Float64Array(size);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        white[j] += (represented[i] - mean[i]) * whitening[i * size + j];
      }
    }
    const squares = new Float64Array(references.length / size);
    for (let row = 0; row < squares.length; row++) {
      for (let i = 0; i < size; i++) {
        squares[row] += (white[i] - references[row * size + i]) ** 2;
      }
    }
    const nearest = squares.sort().subarray(0, NEIGHBOURS);
    return nearest.reduce((sum, square) => sum + Math.sqrt(square), 0) / nearest.length;
  }
}
