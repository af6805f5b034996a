/** MusiCNN, which predicts tags from log-mel spectrograms of 3 s; as models/musicnn.py. */

import { Linear } from "./head";
import { Affine, type FrontBlock, MiddleBlock } from "./layers";
import type { Matrices } from "./matrices";
import { TallKernels } from "./tall_kernels";
import type { Weights } from "./weights";
import { FrameSpectra, WideKernels } from "./wide_kernels";

export class MusiCNN {
  private readonly norm: Affine;
  private readonly spectra: FrameSpectra;
  private readonly front: FrontBlock[];
  private readonly middle: MiddleBlock[];
  private readonly pooledNorm: Affine;
  private readonly hidden: Linear;
  private readonly hiddenNorm: Affine;
  private readonly output: Linear;

  constructor(
    private readonly frames: number, bands: number, weights: Weights, matrices: Matrices,
  ) {
    this.norm = new Affine(weights, "norm");
    const [, , wide] = weights("front.0.conv.weight").shape;
    this.spectra = new FrameSpectra(frames, bands, wide, matrices);
    this.front = [0, 1, 2, 3, 4].map((i) => {
      const name = `front.${i}`;
      return weights(`${name}.conv.weight`).shape[3] > 1
        ? new WideKernels(this.spectra, weights, name, matrices)
        : new TallKernels(frames, bands, weights, name, matrices);
    });
    this.middle = [0, 1, 2].map((i) => new MiddleBlock(frames, weights, `middle.${i}`, matrices));
    this.pooledNorm = new Affine(weights, "pooled_norm");
    this.hidden = new Linear(weights, "hidden");
    this.hiddenNorm = new Affine(weights, "hidden_norm");
    this.output = new Linear(weights, "output");
  }

  /**
   * Return the logits of the tags.
   *
   * @param levels From `MusicnnModel.logMel`: `frames` times `bands`, frame by frame.
   */
  tags(levels: Float32Array): Float32Array {
    const image = levels.map((level) => this.norm.of(level, 0));
    this.spectra.set(image);
    const channels = this.front.reduce((sum, block) => sum + block.filters, 0);
    let features: Float32Array = new Float32Array(this.frames * channels);
    let at = 0;
    for (const block of this.front) {
      block.apply(image, features, at, channels);
      at += block.filters;
    }
    const pooled = [this.pool(features)];
    this.middle.forEach((block, i) => {
      const output = block.apply(features);
      // Residual connections, after the first.
      features = i ? output.map((value, place) => value + features[place]) : output;
      pooled.push(this.pool(features));
    });
    const hidden = this.hidden.apply(
      Float32Array.from(pooled.flat()).map((value, i) => this.pooledNorm.of(value, i)),
    );
    return this.output.apply(hidden.map((value, i) => this.hiddenNorm.of(Math.max(0, value), i)));
  }

  /** Return maximum and mean over time of each channel, one after the other. */
  private pool(features: Float32Array): number[] {
    const channels = features.length / this.frames;
    const pooled: number[] = [];
    for (let channel = 0; channel < channels; channel++) {
      let [highest, sum] = [-Infinity, 0];
      for (let place = channel; place < features.length; place += channels) {
        highest = Math.max(highest, features[place]);
        sum += features[place];
      }
      pooled.push(highest, sum / this.frames);
    }
    return pooled;
  }
}
