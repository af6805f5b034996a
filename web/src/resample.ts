/** Change of sample rate with windowed sincs, of any part of a sound. */

import type { Matrices, Matrix } from "./matrices";
import { gcd } from "./numbers";

/** A sinc in a Kaiser window. */
export interface Sinc {
  /** Zero crossings on each side, counted as those of a sinc without `rolloff`. */
  crossings: number;
  /** Cut-off as a share of half the rate. */
  rolloff: number;
  beta: number;
}

/** How a model's sound is resampled: with one filter, or as soxr does. */
export interface FilterSettings {
  /** At the lower of the two rates. */
  sharp: Sinc;
  /** How the number of samples at the new rate is rounded. */
  count: "ceil" | "round";
  /** What soxr's way needs beside. */
  soxr?: {
    /** Other sharp filters for some rates of the sound, in Hz. */
    rates: Record<string, Sinc>;
    /** Halves a rate; at the lower one. */
    half: Sinc;
    /** Follows the sharp one; at the rate before it. */
    wide: Sinc;
  };
}

/** A change of rate with one filter. */
interface Stage {
  source: number;
  target: number;
  filter: Sinc;
  /** The rate of the filter as a share of the source's. */
  ratio: number;
}

/** What is known of a change of rate without any sound. */
export class Rates {
  readonly stages: Stage[];

  /**
   * @param source Rate of the sound in Hz.
   * @param target The new rate.
   */
  constructor(
    private readonly source: number, private readonly target: number,
    private readonly filter: FilterSettings,
  ) {
    this.stages = source === target ? [] : stagesOf(source, target, filter);
  }

  /** Return the number of samples at the new rate of a sound with `samples` samples. */
  length(samples: number): number {
    // Multiplied first, so that whole numbers stay whole.
    const length = (samples * this.target) / this.source;
    return this.filter.count === "ceil" ? Math.ceil(length) : Math.floor(length + 0.5);
  }

  /** Return which samples, from the first to before the last, others at the new rate need. */
  range(from: number, to: number): [number, number] {
    return this.stages.reduceRight((range, stage) => stageRange(stage, ...range), [from, to]);
  }
}

/** Return the changes of rate, one after the other, as soxr combines them. */
function stagesOf(source: number, target: number, { sharp, soxr }: FilterSettings): Stage[] {
  if (!soxr) {
    return [{ source, target, filter: sharp, ratio: Math.min(1, target / source) }];
  }
  const stages: Stage[] = [];
  let rate = source;
  for (; rate >= 4 * target; rate /= 2) {
    stages.push({ source: rate, target: rate / 2, filter: soxr.half, ratio: 1 / 2 });
  }
  const isOctave = rate === 2 * target || target === 2 * rate;
  const between = isOctave ? target : rate < 2 * target ? 2 * rate : rate;
  const filter = soxr.rates[source] ?? sharp;
  stages.push({ source: rate, target: between, filter, ratio: Math.min(1, target / rate) });
  if (!isOctave) {
    stages.push({ source: between, target, filter: soxr.wide, ratio: 1 });
  }
  return stages;
}

/** Return the range of one stage; before zero there is nothing. */
function stageRange(
  { source, target, filter, ratio }: Stage, from: number, to: number,
): [number, number] {
  const reach = Math.ceil(filter.crossings / ratio);
  const step = source / target;
  return [Math.max(0, Math.floor(from * step) - reach), Math.ceil((to - 1) * step) + reach + 1];
}

// Samples of a block of the source, at least, and blocks that are filtered at a time.
const BLOCK = 128;
const BLOCKS = 64;
// Rates with a larger ratio have too many different weights for a matrix.
const LARGEST_RATIO = 1000;
// Weights per zero crossing in a table, between which is interpolated.
const PER_CROSSING = 512;

/** Changes the rate of parts of a sound. */
export class Resampler {
  private readonly filters: StageFilter[];

  constructor(private readonly rates: Rates, matrices: Matrices) {
    this.filters = rates.stages.map((stage) => {
      const { source, target } = stage;
      const isWhole = Number.isInteger(source) && Number.isInteger(target);
      const isSmall = isWhole && Math.max(source, target) / gcd(source, target) <= LARGEST_RATIO;
      return isSmall ? new BlockFilter(stage, matrices) : new TableFilter(stage);
    });
  }

  /**
   * Return samples at the new rate, equal to those of the whole sound.
   *
   * @param piece The part of the sound that `Rates.range` tells; what is missing is zero.
   * @param first Position of the piece's first sample in the sound.
   * @param from Position of the first sample to return, at the new rate.
   * @param to Position after the last one.
   */
  resample(piece: Float32Array, first: number, from: number, to: number): Float32Array {
    const { stages } = this.rates;
    if (!stages.length) {
      return piece.slice(from - first, to - first);
    }
    // What each stage has to give to the next.
    const ranges = [[from, to] as [number, number]];
    for (const stage of stages.slice(1).reverse()) {
      ranges.unshift(stageRange(stage, ...ranges[0]));
    }
    return this.filters.reduce((y, filter, i) => {
      const start = i ? ranges[i - 1][0] : first;
      return filter.apply(y, start, ...ranges[i]);
    }, piece);
  }

  /** Give back its memory. */
  free(): void {
    this.filters.forEach((filter) => filter.free());
  }
}

/** The filter of a stage. */
interface StageFilter {
  apply(piece: Float32Array, first: number, from: number, to: number): Float32Array;
  free(): void;
}

/** Blocks of samples times a matrix of weights; equals `KaiserResampler` of musicnn.py. */
class BlockFilter implements StageFilter {
  private readonly up: number;
  private readonly down: number;
  private readonly reach: number;
  private readonly weights: Matrix;
  private readonly blocks: Matrix;
  private readonly filtered: Matrix;

  constructor({ source, target, filter, ratio }: Stage, private readonly matrices: Matrices) {
    const divisor = gcd(source, target);
    const factor = Math.ceil(BLOCK / (source / divisor));
    this.up = (factor * target) / divisor;
    this.down = (factor * source) / divisor;
    this.reach = Math.ceil(filter.crossings / ratio);
    const width = this.down + 2 * this.reach;
    const weight = filterWeight(filter, ratio);
    this.weights = matrices.create(width, this.up);
    const weights = matrices.data(this.weights);
    for (let i = 0; i < width; i++) {
      for (let j = 0; j < this.up; j++) {
        weights[i * this.up + j] = weight(i - this.reach - (j * source) / target);
      }
    }
    this.blocks = matrices.create(BLOCKS, width);
    this.filtered = matrices.create(BLOCKS, this.up);
  }

  apply(piece: Float32Array, first: number, from: number, to: number): Float32Array {
    const { matrices, up, down, reach } = this;
    const y = new Float32Array(to - from);
    const width = this.blocks.columns;
    for (let block = Math.floor(from / up); block * up < to; block += BLOCKS) {
      const blocks = matrices.data(this.blocks);
      for (let row = 0; row < BLOCKS; row++) {
        const start = (block + row) * down - reach - first;
        copyPart(piece, start, width, blocks, row * width);
      }
      matrices.multiply(this.blocks, this.weights, this.filtered);
      copyPart(matrices.data(this.filtered), from - block * up, y.length, y, 0, true);
    }
    return y;
  }

  free(): void {
    [this.weights, this.blocks, this.filtered].forEach((matrix) => this.matrices.free(matrix));
  }
}

/** Sums of weighted samples, one by one; for rates without a small ratio. */
class TableFilter implements StageFilter {
  private readonly table: Float64Array;

  constructor(private readonly stage: Stage) {
    const { filter, ratio } = stage;
    const weight = filterWeight(filter, ratio);
    const length = Math.ceil(filter.crossings * PER_CROSSING) + 2;
    this.table = Float64Array.from({ length }, (_, i) => weight(i / PER_CROSSING / ratio));
  }

  apply(piece: Float32Array, first: number, from: number, to: number): Float32Array {
    const { source, target, filter, ratio } = this.stage;
    const [reach, scale, table] = [filter.crossings / ratio, ratio * PER_CROSSING, this.table];
    return Float32Array.from({ length: to - from }, (_, i) => {
      const centre = ((from + i) * source) / target - first;
      const last = Math.min(piece.length - 1, Math.floor(centre + reach));
      let sum = 0;
      for (let place = Math.max(0, Math.ceil(centre - reach)); place <= last; place++) {
        const position = Math.abs(place - centre) * scale;
        const lower = Math.floor(position);
        const weight = table[lower] + (position - lower) * (table[lower + 1] - table[lower]);
        sum += piece[place] * weight;
      }
      return sum;
    });
  }

  free(): void {}
}

/** Return the weight of a sample by its distance in samples of the source. */
function filterWeight(filter: Sinc, ratio: number): (distance: number) => number {
  const { crossings, rolloff, beta } = filter;
  const scale = ratio * rolloff;
  const peak = bessel(beta);
  return (distance) => {
    const place = distance * ratio;
    const inside = 1 - (place / crossings) ** 2;
    if (inside <= 0) {
      return 0;
    }
    const angle = Math.PI * rolloff * place;
    const sinc = angle === 0 ? 1 : Math.sin(angle) / angle;
    return (scale * sinc * bessel(beta * Math.sqrt(inside))) / peak;
  };
}

/** The modified Bessel function of the first kind and order zero. */
function bessel(x: number): number {
  const quarter = (x * x) / 4;
  let [sum, term] = [1, 1];
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= quarter / (k * k);
    sum += term;
  }
  return sum;
}

/**
 * Copy `length` elements from `start` on, which may reach beyond both ends of `source`.
 *
 * What is missing is zero in `target`, or stays as it is if `keep` is true.
 */
function copyPart(
  source: Float32Array, start: number, length: number, target: Float32Array, at: number,
  keep = false,
): void {
  const first = Math.min(length, Math.max(0, -start));
  const last = Math.max(first, Math.min(length, source.length - start));
  if (!keep) {
    target.fill(0, at, at + length);
  }
  target.set(source.subarray(start + first, start + last), at + first);
}
