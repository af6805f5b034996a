/** What a worker does: predict windows of sound at any rate. */

import type { Matrices } from "./matrices";
import { type ModelDescription, type Predicted, type WindowModel, makeModel } from "./model";
import { SoundError } from "./protocol";
import { Rates, Resampler } from "./resample";
import { type Part, cutWindow } from "./windows";

/** A window of a sound, with no more samples of it than its prediction needs. */
export interface Task {
  model: string;
  rate: number;
  part: Part;
  /** Samples of the sound, mono, from `part.first` to before `part.last`. */
  piece: Float32Array;
}

// Far above full scale, and far below the values whose squares overflow; as data/audio.py.
const LOUDEST = 1e6;

interface Loaded {
  description: ModelDescription;
  model: WindowModel;
  /** To the model's rate from the last one, since most sounds have the same. */
  resampler?: Resampler;
  rate?: number;
}

export class Predictor {
  private readonly models = new Map<string, Loaded>();

  constructor(private readonly matrices: Matrices) {}

  /** Take a model, with the bytes of its weights. */
  load(description: ModelDescription, bytes: ArrayBuffer): void {
    const model = makeModel(description, bytes, this.matrices);
    this.models.set(description.info.name, { description, model });
  }

  predict({ model: name, rate, part, piece }: Task): Predicted {
    const loaded = this.models.get(name) as Loaded;
    const invalid = piece.findIndex((sample) => !(Math.abs(sample) <= LOUDEST));
    if (invalid >= 0) {
      throw new SoundError(
        "The sound has samples that are not finite numbers or are too large, first at " +
          `${((part.first + invalid) / rate).toFixed(2)} s; export it again.`,
      );
    }
    const { sampleRate, filter } = loaded.description.settings;
    if (!loaded.resampler || loaded.rate !== rate) {
      loaded.resampler?.free();
      loaded.resampler = new Resampler(new Rates(rate, sampleRate, filter), this.matrices);
      loaded.rate = rate;
    }
    return loaded.model.predict(cutWindow(part, piece, loaded.resampler), part);
  }
}
