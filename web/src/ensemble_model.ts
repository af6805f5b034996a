/** `gtzan-scratch`: logistic regressions on statistics; as inference/ensemble_model.py. */

import { Familiarity } from "./familiarity";
import { Linear } from "./head";
import { type ImageSettings, Images } from "./images";
import { softmax } from "./numbers";
import { type Groups, statistics } from "./statistics";
import type { Predicted, WindowModel } from "./model";
import type { Weights } from "./weights";
import type { Part } from "./windows";

export interface EnsembleSettings extends ImageSettings {
  kind: "logmel-statistics";
  groups: Groups;
  /** The groups of each member; the first represents windows. */
  members: readonly (readonly [name: string, groups: string[]])[];
  /** Standardised statistics are limited to this many deviations. */
  largest: number;
}

export class EnsembleModel implements WindowModel {
  private readonly images: Images;
  private readonly familiarity: Familiarity;
  private readonly mean: Float32Array;
  private readonly deviation: Float32Array;
  private readonly temperature: number;
  private readonly projection: Float32Array;
  private readonly members: { columns: number[]; linear: Linear }[];

  constructor(private readonly settings: EnsembleSettings, weights: Weights) {
    this.images = new Images(settings);
    this.familiarity = new Familiarity(weights);
    this.mean = weights("mean").values;
    this.deviation = weights("deviation").values;
    this.temperature = weights("temperature").values[0];
    this.projection = weights("projection").values;
    const groupOf = settings.groups.flatMap(([name, size]) => Array<string>(size).fill(name));
    this.members = settings.members.map(([name, groups]) => ({
      columns: groupOf.flatMap((group, column) => (groups.includes(group) ? [column] : [])),
      linear: new Linear(weights, `members.${name}`),
    }));
  }

  predict(y: Float32Array, part: Part): Predicted {
    const { nMels, columns, groups, largest } = this.settings;
    const image = this.images.draw(y, part);
    const mel = { bands: nMels, frames: columns, levels: Float32Array.from(image, (v) => v / 255) };
    if (!image.some((level) => level > 0)) {
      return { probabilities: null, distance: NaN, mel };
    }
    const rows = statistics(image, nMels, groups).map((value, i) => {
      const standardised = (value - this.mean[i]) / this.deviation[i];
      return Math.min(Math.max(standardised, -largest), largest);
    });
    const inputs = this.members.map((member) => Float32Array.from(member.columns, (i) => rows[i]));
    const logits = this.members.map((member, i) => member.linear.apply(inputs[i]));
    const scale = this.temperature * this.members.length;
    const whole = logits[0].map(
      (_, genre) => logits.reduce((sum, row) => sum + row[genre], 0) / scale,
    );
    const distance = this.familiarity.distance(this.represent(inputs[0]));
    return { probabilities: softmax(whole), distance, mel };
  }

  /** Return the principal components of the first member's statistics. */
  private represent(rows: Float32Array): Float64Array {
    const components = new Float64Array(this.projection.length / rows.length);
    rows.forEach((value, row) => {
      for (let i = 0; i < components.length; i++) {
        components[i] += value * this.projection[row * components.length + i];
      }
    });
    return components;
  }
}
