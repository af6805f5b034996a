/** What the two models have in common. */

import { EnsembleModel, type EnsembleSettings } from "./ensemble_model";
import type { Matrices } from "./matrices";
import { MusicnnModel, type MusicnnSettings } from "./musicnn_model";
import type { Mel, ModelInfo } from "./protocol";
import { type WeightsFile, weightsOf } from "./weights";
import type { Part, WindowSettings } from "./windows";

/** What is known of a model beside its weights. */
export interface ModelDescription {
  info: ModelInfo & { distanceLimits: number[] };
  settings: (MusicnnSettings | EnsembleSettings) & WindowSettings;
  /** Lower bound of a probability in the geometric mean of windows. */
  smallest: number;
  /** The lowest sample rate in Hz of sound that is predicted. */
  lowestRate: number;
  tensors: WeightsFile["tensors"];
}

/** A model as `gtzan_lib/runner/browser_models.py` exports it. */
export interface ModelFile extends ModelDescription, WeightsFile {}

/** What a model says of a window; nothing of a silent one. */
export interface Predicted {
  probabilities: Float32Array | null;
  distance: number;
  mel: Mel;
}

/** A model in a worker. */
export interface WindowModel {
  /** Predict a window, which is given with its context. */
  predict(y: Float32Array, part: Part): Predicted;
}

/** Return a model. */
export function makeModel(
  { settings, tensors }: ModelDescription, bytes: ArrayBuffer, matrices: Matrices,
): WindowModel {
  const weights = weightsOf(tensors, bytes);
  return settings.kind === "musicnn"
    ? new MusicnnModel(settings, weights, matrices)
    : new EnsembleModel(settings, weights);
}
