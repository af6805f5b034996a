/** Statistics of log-mel images; as `logmel_statistics` of signal/logmel_statistics.py. */

import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { round } from "./numbers";

/** The names of groups with their sizes, in the order of the columns. */
export type Groups = readonly (readonly [name: string, size: number])[];

// The constants of logmel_statistics.py, with the same meaning.
const QUANTILES = [0.1, 0.25, 0.5, 0.75, 0.9];
const BANDS_PER_QUANTILE = 4;
const CEPSTRA = 40;
const LAGGED_CEPSTRA = 28;
const LAGS = [0, 1, 3];
const RIDGE = 3e-3;
const SMALLEST = 1e-3;
const LARGEST_SKEWNESS = 4;
const LARGEST_KURTOSIS = 12;

/**
 * Return the statistics of an image.
 *
 * @param image Grey levels from 0 to 255, column by column.
 * @param bands Their number.
 */
export function statistics(image: Uint8Array, bands: number, groups: Groups): Float32Array {
  const columns = image.length / bands;
  const levels = Array.from({ length: bands }, (_, band) =>
    Float32Array.from({ length: columns }, (_, column) => image[column * bands + band] / 255),
  );
  const cepstra = cosineTransform(levels);
  const values: Record<string, number[]> = {
    ...ofBands(levels),
    ...ofCepstra("cepstrum", cepstra),
    ...ofCepstra("delta", cepstra.map(differences)),
    lagged_covariance: logCovariance(cepstra.slice(0, LAGGED_CEPSTRA)),
  };
  return Float32Array.from(groups.flatMap(([name]) => values[name]));
}

function ofBands(levels: Float32Array[]): Record<string, number[]> {
  const columns = levels[0].length;
  const all = levels.map(moments);
  const wide: Float32Array[] = [];
  for (let band = 0; band < levels.length; band += BANDS_PER_QUANTILE) {
    const several = levels.slice(band, band + BANDS_PER_QUANTILE);
    wide.push(several[0].map((_, column) => mean(several.map((row) => row[column]))).sort());
  }
  const roughness = levels.slice(2).map((row, band) => {
    const [below, middle] = [levels[band], levels[band + 1]];
    return mean(row.map((level, column) => Math.abs(level - 2 * middle[column] + below[column])));
  });
  return {
    band_mean: all.map((row) => row.mean),
    band_deviation: all.map((row) => row.deviation),
    band_skewness: all.map((row) => row.skewness),
    band_quantile: QUANTILES.flatMap((share) =>
      wide.map((sorted) => sorted[round(share * (columns - 1))]),
    ),
    band_roughness: roughness,
    band_rise: levels.map((row) => mean(differences(row).map((change) => Math.max(change, 0)))),
  };
}

function ofCepstra(name: string, curves: Float32Array[]): Record<string, number[]> {
  const all = curves.map(moments);
  return {
    [`${name}_deviation`]: all.map(({ deviation }) => Math.log(deviation + SMALLEST)),
    [`${name}_skewness`]: all.map(({ skewness }) => skewness),
    [`${name}_kurtosis`]: all.map(({ kurtosis }) => kurtosis),
  };
}

/** Return the upper triangle of the logarithm of the covariance with later columns. */
function logCovariance(cepstra: Float32Array[]): number[] {
  const length = cepstra[0].length - Math.max(...LAGS);
  const rows = LAGS.flatMap((lag) => cepstra.map((curve) => curve.subarray(lag, lag + length)));
  const centred = rows.map((row) => {
    const middle = mean(row);
    return row.map((value) => value - middle);
  });
  const size = rows.length;
  const covariance = new Matrix(size, size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0; k < length; k++) {
        sum += centred[i][k] * centred[j][k];
      }
      covariance.set(i, j, sum / length).set(j, i, sum / length);
    }
  }
  const eigen = new EigenvalueDecomposition(covariance, { assumeSymmetric: true });
  const logs = eigen.realEigenvalues.map((value) => Math.log(Math.max(value, 0) + RIDGE));
  const vectors = eigen.eigenvectorMatrix.to2DArray();
  const triangle: number[] = [];
  for (let i = 0; i < size; i++) {
    const weighted = vectors[i].map((value, k) => value * logs[k]);
    for (let j = i; j < size; j++) {
      let sum = 0;
      for (let k = 0; k < size; k++) {
        sum += weighted[k] * vectors[j][k];
      }
      // The norm of the triangle is that of the matrix.
      triangle.push(i === j ? sum : sum * Math.SQRT2);
    }
  }
  return triangle;
}

/** Return the first coefficients of the orthonormal cosine transform across the bands. */
function cosineTransform(levels: Float32Array[]): Float32Array[] {
  const bands = levels.length;
  return Array.from({ length: CEPSTRA }, (_, k) => {
    const curve = new Float64Array(levels[0].length);
    levels.forEach((row, band) => {
      const cosine = Math.cos((k * (band + 0.5) * Math.PI) / bands);
      const weight = cosine * Math.sqrt((k ? 2 : 1) / bands);
      for (let column = 0; column < curve.length; column++) {
        curve[column] += weight * row[column];
      }
    });
    return Float32Array.from(curve);
  });
}

function differences(row: Float32Array): Float32Array {
  return row.subarray(1).map((value, i) => value - row[i]);
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    sum += values[i];
  }
  return sum / values.length;
}

function moments(curve: Float32Array) {
  const middle = mean(curve);
  const deviation = Math.sqrt(mean(curve.map((value) => (value - middle) ** 2)));
  const scaled = curve.map((value) => (value - middle) / (deviation + SMALLEST));
  const skewness = mean(scaled.map((value) => value ** 3));
  return {
    mean: middle,
    deviation,
    skewness: Math.min(Math.max(skewness, -LARGEST_SKEWNESS), LARGEST_SKEWNESS),
    kurtosis: Math.min(mean(scaled.map((value) => value ** 4)), LARGEST_KURTOSIS),
  };
}
