/** Kernels of MusiCNN over many frames of one band. */

import { type FrontBlock, FrontEnd } from "./layers";
import type { Matrices, Matrix } from "./matrices";
import type { Weights } from "./weights";

// Frames whose outputs are computed from the same inputs; they divide 187.
const BLOCK = 11;

export class TallKernels implements FrontBlock {
  readonly filters: number;
  private readonly end: FrontEnd;
  private readonly length: number;
  /** From the inputs of a block to its outputs, frame by frame. */
  private readonly kernels: Matrix;
  /** A row per block: all blocks of the lowest band, then those of the next. */
  private readonly inputs: Matrix;
  private readonly outputs: Matrix;
  /** The same memory with a row per band. */
  private readonly outputsOfBands: Matrix;
  private readonly highest: Matrix;

  constructor(
    private readonly frames: number, private readonly bands: number, weights: Weights,
    name: string, private readonly matrices: Matrices,
  ) {
    const { shape, values } = weights(`${name}.conv.weight`);
    const [filters, , length] = shape;
    this.end = new FrontEnd(weights, name);
    [this.filters, this.length] = [filters, length];
    this.kernels = matrices.create(length + BLOCK - 1, BLOCK * filters);
    const kernels = matrices.data(this.kernels);
    for (let frame = 0; frame < BLOCK; frame++) {
      for (let filter = 0; filter < filters; filter++) {
        const [column, sign] = [frame * filters + filter, this.end.sign(filter)];
        for (let i = 0; i < length; i++) {
          kernels[(frame + i) * BLOCK * filters + column] = values[filter * length + i] * sign;
        }
      }
    }
    const blocks = (bands * frames) / BLOCK;
    this.inputs = matrices.create(blocks, length + BLOCK - 1);
    this.outputs = matrices.create(blocks, BLOCK * filters);
    this.outputsOfBands = matrices.view(this.outputs, 0, bands, frames * filters);
    this.highest = matrices.create(1, frames * filters);
  }

  apply(image: Float32Array, out: Float32Array, at: number, stride: number): void {
    const { matrices, frames, bands, length } = this;
    // Of the padding of an even kernel, the larger half comes last.
    const before = (length - 1) >> 1;
    const padded = new Float32Array(frames + length - 1);
    const inputs = matrices.data(this.inputs);
    for (let band = 0, place = 0; band < bands; band++) {
      for (let frame = 0; frame < frames; frame++) {
        padded[before + frame] = image[frame * bands + band];
      }
      for (let first = 0; first < frames; first += BLOCK) {
        for (let i = first; i < first + length + BLOCK - 1; i++) {
          inputs[place++] = padded[i];
        }
      }
    }
    matrices.multiply(this.inputs, this.kernels, this.outputs);
    matrices.columnMaxima(this.outputsOfBands, this.highest);
    this.end.write(matrices.data(this.highest), out, at, stride);
  }
}
