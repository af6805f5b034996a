/** Numbers as Python makes them. */

/** Round to the nearest whole number, halves to the even one, as Python's `round`. */
export function round(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest === 0.5) {
    return floor % 2 ? floor + 1 : floor;
  }
  return rest < 0.5 ? floor : floor + 1;
}

/** The largest common divisor of two whole numbers. */
export function gcd(a: number, b: number): number {
  return b ? gcd(b, a % b) : a;
}

/** The place of the largest value, the first of several. */
export function largest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) {
    best = values[i] > values[best] ? i : best;
  }
  return best;
}

/** Probabilities with the given logits. */
export function softmax(logits: ArrayLike<number>): Float32Array {
  const top = logits[largest(logits)];
  const weights = Float64Array.from(logits, (logit) => Math.exp(logit - top));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return Float32Array.from(weights, (weight) => weight / total);
}
