/** Logistic regression on standardised inputs; as models/heads.py. */

import { softmax } from "./numbers";
import type { Weights } from "./weights";

export class LogisticHead {
  private readonly mean: Float32Array;
  private readonly deviation: Float32Array;
  private readonly temperature: number;
  private readonly linear: Linear;

  constructor(weights: Weights) {
    this.mean = weights("mean").values;
    this.deviation = weights("deviation").values;
    this.temperature = weights("temperature").values[0];
    this.linear = new Linear(weights, "linear");
  }

  /** Return the probabilities of the genres. */
  probabilities(inputs: Float32Array): Float32Array {
    const standardised = inputs.map((value, i) => (value - this.mean[i]) / this.deviation[i]);
    return softmax(this.linear.apply(standardised).map((logit) => logit / this.temperature));
  }
}

/** A linear layer. */
export class Linear {
  private readonly weight: Float32Array;
  private readonly bias: Float32Array;

  constructor(weights: Weights, name: string) {
    this.weight = weights(`${name}.weight`).values;
    this.bias = weights(`${name}.bias`).values;
  }

  /** Return one value per output. */
  apply(inputs: Float32Array): Float32Array {
    return this.bias.map((bias, row) => {
      let sum = bias;
      const start = row * inputs.length;
      for (let i = 0; i < inputs.length; i++) {
        sum += this.weight[start + i] * inputs[i];
      }
      return sum;
    });
  }
}
