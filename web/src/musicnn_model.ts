/** `gtzan-musicnn`: a head on the tags of MusiCNN; as inference/musicnn_model.py. */

import { Familiarity } from "./familiarity";
import { LogisticHead } from "./head";
import type { Matrices } from "./matrices";
import { type MelSettings, MelFrames } from "./mel";
import type { Predicted, WindowModel } from "./model";
import { MusiCNN } from "./musicnn";
import type { Weights } from "./weights";
import type { Part } from "./windows";

export interface MusicnnSettings extends MelSettings {
  kind: "musicnn";
  hop: number;
  /** Frames of a window. */
  frames: number;
  before: number;
  /** Windows with a lower root mean square are amplified to this one. */
  lowestLevel: number;
}

// The level of full scale in pictures; music reaches 3 to 5.
const BRIGHTEST = 5;

export class MusicnnModel implements WindowModel {
  private readonly melFrames: MelFrames;
  private readonly tagger: MusiCNN;
  private readonly head: LogisticHead;
  private readonly familiarity: Familiarity;

  constructor(private readonly settings: MusicnnSettings, weights: Weights, matrices: Matrices) {
    this.melFrames = new MelFrames(settings);
    this.tagger = new MusiCNN(settings.frames, settings.nMels, weights, matrices);
    this.head = new LogisticHead(weights);
    this.familiarity = new Familiarity(weights);
  }

  predict(y: Float32Array, _part: Part): Predicted {
    const { frames, nMels } = this.settings;
    const levels = this.logMel(y);
    const mel = { bands: nMels, frames, levels: levels.map((v) => Math.min(1, v / BRIGHTEST)) };
    if (!y.some((sample) => sample !== 0)) {
      return { probabilities: null, distance: NaN, mel };
    }
    const tags = this.tagger.tags(levels);
    const probabilities = this.head.probabilities(tags);
    return { probabilities, distance: this.familiarity.distance(tags), mel };
  }

  /** Return `log10(1 + 10000 power)` of a window, frame by frame; as `patch_mel`. */
  logMel(y: Float32Array): Float32Array {
    const { frames, nMels, hop } = this.settings;
    const prepared = this.prepared(y);
    const levels = new Float32Array(frames * nMels);
    for (let frame = 0; frame < frames; frame++) {
      this.melFrames.write(prepared, frame * hop, levels, frame * nMels);
    }
    return levels.map((power) => Math.log1p(10000 * power) / Math.LN10);
  }

  /** Amplify quiet sound, and repeat what is shorter than a window until it fills one. */
  private prepared(y: Float32Array): Float32Array {
    const { frames, hop, nFft, before, lowestLevel } = this.settings;
    const length = (frames - 1) * hop + nFft;
    const samples = y.length - before;
    const filled = new Float32Array(length);
    let squares = 0;
    for (let i = 0; i < length; i++) {
      filled[i] = i < before ? y[i] : y[before + ((i - before) % samples)];
      squares += filled[i] * filled[i];
    }
    const level = Math.sqrt(squares / length);
    return 0 < level && level < lowestLevel ? filled.map((v) => (v * lowestLevel) / level) : filled;
  }
}
