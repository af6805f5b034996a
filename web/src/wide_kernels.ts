/**
 * Kernels of MusiCNN over some frames and many bands; as `_highest` of musicnn.py.
 *
 * The convolution over bands is a product of Fourier transforms. Of its outputs only those
 * that need no padding are transformed back, in pairs: with the transform turned so that they
 * lie around zero, outputs `d` and `-d` are the sum and the difference of a sum of cosines and
 * one of sines, and the larger of both is the first plus the magnitude of the second.
 */

import { type FrontBlock, FrontEnd } from "./layers";
import type { Matrices, Matrix } from "./matrices";
import type { Weights } from "./weights";

// Frames at a time, which stay in the processor's cache; they divide 187.
const FRAMES = 17;

/** Spectra over bands of frames, of which several blocks of kernels make use. */
export class FrameSpectra {
  readonly bins: number;
  /** Number of groups of `FRAMES` frames. */
  readonly groups: number;
  /** From bands to the real and imaginary parts of the spectrum of a frame. */
  private readonly transform: Matrix;
  private readonly padded: Matrix;
  private readonly spectra: Matrix;
  /** Of each bin: real parts of the frames on which an output depends, imaginary parts. */
  private readonly inputs: Matrix[];
  private readonly inputsOfGroups: Matrix[][];

  /**
   * @param frames Number of frames, and of outputs.
   * @param length Frames of a kernel.
   */
  constructor(
    readonly frames: number, readonly bands: number, readonly length: number,
    private readonly matrices: Matrices,
  ) {
    const bins = (this.bins = bands / 2 + 1);
    this.groups = frames / FRAMES;
    this.transform = matrices.create(bands, 2 * bins);
    const transform = matrices.data(this.transform);
    for (let band = 0, place = 0; band < bands; band++) {
      for (let i = 0; i < 2 * bins; i++) {
        const angle = (2 * Math.PI * (i % bins) * band) / bands;
        transform[place++] = i < bins ? Math.cos(angle) : -Math.sin(angle);
      }
    }
    this.padded = matrices.create(frames + length - 1, bands);
    this.spectra = matrices.create(frames + length - 1, 2 * bins);
    this.inputs = Array.from({ length: bins }, () => matrices.create(frames, 2 * length));
    this.inputsOfGroups = this.inputs.map((inputs) =>
      Array.from({ length: this.groups }, (_, group) =>
        matrices.view(inputs, group * FRAMES * 2 * length, FRAMES, 2 * length),
      ),
    );
  }

  /** Compute the spectra of an image, frame by frame. */
  set(image: Float32Array): void {
    const { matrices, frames, bands, length, bins } = this;
    matrices.data(this.padded).set(image, ((length - 1) >> 1) * bands);
    matrices.multiply(this.padded, this.transform, this.spectra);
    const spectra = matrices.data(this.spectra);
    for (let k = 0; k < bins; k++) {
      const inputs = matrices.data(this.inputs[k]);
      for (let frame = 0, place = 0; frame < frames; frame++, place += length) {
        for (let i = 0; i < length; i++, place++) {
          const row = (frame + i) * 2 * bins;
          inputs[place] = spectra[row + k];
          inputs[place + length] = spectra[row + bins + k];
        }
      }
    }
  }

  /** Return the inputs of a group of outputs for one bin. */
  of(bin: number, group: number): Matrix {
    return this.inputsOfGroups[bin][group];
  }
}

/** The real or the imaginary part of products of spectra, and what becomes of it. */
interface Part {
  /** Of each bin, what spectra are multiplied by. */
  kernels: Matrix[];
  /** The products, bin by bin; each bin of them; the same with the bins last. */
  products: Matrix;
  productsOfBins: Matrix[];
  turned: Matrix;
  /** From bins to half of the outputs. */
  inverse: Matrix;
  outputs: Matrix;
}

export class WideKernels implements FrontBlock {
  readonly filters: number;
  private readonly end: FrontEnd;
  private readonly parts: Part[];

  /** @param spectra Of the image that is given to `apply`; they are set before. */
  constructor(
    private readonly spectra: FrameSpectra, weights: Weights, name: string,
    private readonly matrices: Matrices,
  ) {
    const { bins, bands, length } = spectra;
    const { shape, values } = weights(`${name}.conv.weight`);
    const height = shape[3];
    this.filters = shape[0];
    this.end = new FrontEnd(weights, name);
    const outputs = bands - height + 1;
    const centre = (outputs - 1) / 2;
    const distances = Array.from({ length: Math.ceil(outputs / 2) }, (_, i) => (centre % 1) + i);
    const [real, imaginary] = [Math.cos, Math.sin].map((turn) => {
      const angles = new Float32Array(height * bins);
      for (let band = 0; band < height; band++) {
        for (let k = 0; k < bins; k++) {
          angles[band * bins + k] = turn((2 * Math.PI * k * (band + centre)) / bands);
        }
      }
      return this.kernelSpectra(values, height, angles);
    });
    const negative = imaginary.map((value) => -value);
    this.parts = [
      this.part(length, real, negative, Math.cos, distances),
      this.part(length, imaginary, real, Math.sin, distances),
    ];
  }

  apply(_image: Float32Array, out: Float32Array, at: number, stride: number): void {
    const { matrices, spectra, filters } = this;
    const highest = new Float32Array(FRAMES * filters);
    for (let group = 0; group < spectra.groups; group++) {
      for (const { kernels, products, productsOfBins, turned, inverse, outputs } of this.parts) {
        for (let k = 0; k < kernels.length; k++) {
          matrices.multiply(spectra.of(k, group), kernels[k], productsOfBins[k]);
        }
        matrices.transpose(products, turned);
        matrices.multiply(turned, inverse, outputs);
      }
      const [sums, differences] = this.parts.map(({ outputs }) => matrices.data(outputs));
      const pairs = this.parts[0].outputs.columns;
      for (let i = 0; i < highest.length; i++) {
        let best = -Infinity;
        for (let place = i * pairs; place < (i + 1) * pairs; place++) {
          best = Math.max(best, sums[place] + Math.abs(differences[place]));
        }
        highest[i] = best;
      }
      this.end.write(highest, out, at + group * FRAMES * stride, stride);
    }
  }

  /** Return a part of the spectra of the kernels: filters by frames by bins. */
  private kernelSpectra(kernels: Float32Array, height: number, angles: Float32Array): Float32Array {
    const { matrices } = this;
    const rows = kernels.length / height;
    const bins = angles.length / height;
    const left = matrices.create(rows, height, kernels);
    const right = matrices.create(height, bins, angles);
    const product = matrices.create(rows, bins);
    matrices.multiply(left, right, product);
    const spectra = matrices.data(product).slice();
    [left, right, product].forEach((matrix) => matrices.free(matrix));
    return spectra;
  }

  /**
   * Return the real or the imaginary part.
   *
   * @param first Multiplies the real parts of the frames' spectra.
   * @param second Multiplies the imaginary ones.
   * @param turn Gives the outputs at some distances from the centre.
   */
  private part(
    length: number, first: Float32Array, second: Float32Array,
    turn: (angle: number) => number, distances: number[],
  ): Part {
    const { matrices, filters } = this;
    const { bins, bands } = this.spectra;
    const kernels = Array.from({ length: bins }, (_, k) => {
      const matrix = matrices.create(2 * length, filters);
      const kernel = matrices.data(matrix);
      for (let filter = 0; filter < filters; filter++) {
        const sign = this.end.sign(filter);
        for (let frame = 0; frame < length; frame++) {
          const place = (filter * length + frame) * bins + k;
          kernel[frame * filters + filter] = sign * first[place];
          kernel[(length + frame) * filters + filter] = sign * second[place];
        }
      }
      return matrix;
    });
    const inverse = matrices.create(bins, distances.length);
    const turns = matrices.data(inverse);
    for (let k = 0, place = 0; k < bins; k++) {
      // Each but the first and the last bin stands for two.
      const share = (k % (bins - 1) ? 2 : 1) / bands;
      for (const distance of distances) {
        turns[place++] = share * turn((2 * Math.PI * k * distance) / bands);
      }
    }
    const products = matrices.create(bins, FRAMES * filters);
    return {
      kernels,
      products,
      productsOfBins: kernels.map((_, k) =>
        matrices.view(products, k * FRAMES * filters, FRAMES, filters),
      ),
      turned: matrices.create(FRAMES * filters, bins),
      inverse,
      outputs: matrices.create(FRAMES * filters, distances.length),
    };
  }
}
