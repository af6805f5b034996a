/** Parts of MusiCNN's convolutions. */

import type { Matrices, Matrix } from "./matrices";
import type { Weights } from "./weights";

/** Batch normalisation, as the export folds it: a factor and a summand of each channel. */
export class Affine {
  private readonly scale: Float32Array;
  private readonly shift: Float32Array;

  constructor(weights: Weights, name: string) {
    this.scale = weights(`${name}.scale`).values;
    this.shift = weights(`${name}.shift`).values;
  }

  of(value: number, channel: number): number {
    return value * this.scale[channel] + this.shift[channel];
  }

  /** The sign of a channel's factor, which is not zero. */
  sign(channel: number): number {
    return this.scale[channel] < 0 ? -1 : 1;
  }
}

/** A part of the front end: the maxima over bands of its kernels. */
export interface FrontBlock {
  readonly filters: number;
  /**
   * Write the outputs of all frames.
   *
   * @param image Normalised levels, frame by frame.
   * @param out Takes `filters` values of each frame, of the first at `at`.
   * @param stride From one frame to the next.
   */
  apply(image: Float32Array, out: Float32Array, at: number, stride: number): void;
}

/** What follows the maximum over bands of a front block: bias, ReLU, normalisation. */
export class FrontEnd {
  private readonly bias: Float32Array;
  private readonly norm: Affine;
  readonly filters: number;

  constructor(weights: Weights, name: string) {
    this.bias = weights(`${name}.conv.bias`).values;
    this.norm = new Affine(weights, `${name}.norm`);
    this.filters = this.bias.length;
  }

  /**
   * The sign of a filter's kernel.
   *
   * The maximum comes after ReLU and normalisation. Both are monotone, and so can follow it
   * instead, on a small part of the data; a negative factor makes it the minimum.
   */
  sign(filter: number): number {
    return this.norm.sign(filter);
  }

  /** Write the outputs for the maxima of some frames; as `FrontBlock.apply`. */
  write(highest: Float32Array, out: Float32Array, at: number, stride: number): void {
    const { filters, bias, norm } = this;
    for (let start = 0; start < highest.length; start += filters, at += stride) {
      for (let i = 0; i < filters; i++) {
        const value = highest[start + i] * norm.sign(i) + bias[i];
        out[at + i] = norm.of(Math.max(0, value), i);
      }
    }
  }
}

/** Convolution over time of all channels, ReLU, normalisation. */
export class MiddleBlock {
  private readonly bias: Float32Array;
  private readonly norm: Affine;
  private readonly channels: number;
  private readonly length: number;
  private readonly kernels: Matrix;
  private readonly inputs: Matrix;
  private readonly outputs: Matrix;

  constructor(
    private readonly frames: number, weights: Weights, name: string,
    private readonly matrices: Matrices,
  ) {
    const { shape, values } = weights(`${name}.conv.weight`);
    const [filters, channels, length] = shape;
    [this.channels, this.length] = [channels, length];
    this.bias = weights(`${name}.conv.bias`).values;
    this.norm = new Affine(weights, `${name}.norm`);
    this.kernels = matrices.create(length * channels, filters);
    const kernels = matrices.data(this.kernels);
    for (let filter = 0, place = 0; filter < filters; filter++) {
      for (let channel = 0; channel < channels; channel++) {
        for (let frame = 0; frame < length; frame++, place++) {
          kernels[(frame * channels + channel) * filters + filter] = values[place];
        }
      }
    }
    this.inputs = matrices.create(frames, length * channels);
    this.outputs = matrices.create(frames, filters);
  }

  /** Return features, frame by frame. */
  apply(features: Float32Array): Float32Array {
    const { matrices, frames, channels, length, bias, norm } = this;
    const width = length * channels;
    const padded = new Float32Array((frames + length - 1) * channels);
    padded.set(features, ((length - 1) >> 1) * channels);
    const inputs = matrices.data(this.inputs);
    for (let frame = 0; frame < frames; frame++) {
      inputs.set(padded.subarray(frame * channels, frame * channels + width), frame * width);
    }
    matrices.multiply(this.inputs, this.kernels, this.outputs);
    const outputs = matrices.data(this.outputs).slice();
    for (let place = 0; place < outputs.length; ) {
      for (let i = 0; i < bias.length; i++, place++) {
        outputs[place] = norm.of(Math.max(0, outputs[place] + bias[i]), i);
      }
    }
    return outputs;
  }
}
