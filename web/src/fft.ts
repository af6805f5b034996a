/** Fourier transform of real frames. */

/** Power spectrum of frames of one length, a power of two; equals `power` of dsp.py. */
export class PowerSpectrum {
  private readonly half: number;
  private readonly reversed: Uint32Array;
  /** Cosine and sine of `2 pi i / size` for each `i` below `size / 2`. */
  private readonly cosine: Float64Array;
  private readonly sine: Float64Array;
  private readonly real: Float64Array;
  private readonly imaginary: Float64Array;

  constructor(readonly size: number) {
    const half = (this.half = size / 2);
    const bits = Math.log2(half);
    this.reversed = new Uint32Array(half);
    for (let i = 0; i < half; i++) {
      for (let bit = 0; bit < bits; bit++) {
        this.reversed[i] |= ((i >> bit) & 1) << (bits - 1 - bit);
      }
    }
    const turns = Float64Array.from({ length: half }, (_, i) => (2 * Math.PI * i) / size);
    this.cosine = turns.map(Math.cos);
    this.sine = turns.map(Math.sin);
    this.real = new Float64Array(half);
    this.imaginary = new Float64Array(half);
  }

  /** Write the squared magnitudes of the `size / 2 + 1` frequencies of a frame. */
  write(frame: ArrayLike<number>, power: Float64Array): void {
    const { half, real, imaginary, cosine, sine, reversed } = this;
    // Even samples are the real and odd ones the imaginary part of a signal of half the length.
    for (let i = 0; i < half; i++) {
      real[reversed[i]] = frame[2 * i];
      imaginary[reversed[i]] = frame[2 * i + 1];
    }
    this.transform();
    for (let k = 0; k <= half / 2; k++) {
      const mirrored = (half - k) % half;
      const evenReal = (real[k] + real[mirrored]) / 2;
      const evenImaginary = (imaginary[k] - imaginary[mirrored]) / 2;
      const oddReal = (imaginary[k] + imaginary[mirrored]) / 2;
      const oddImaginary = (real[mirrored] - real[k]) / 2;
      const turnedReal = oddReal * cosine[k] + oddImaginary * sine[k];
      const turnedImaginary = oddImaginary * cosine[k] - oddReal * sine[k];
      power[k] = (evenReal + turnedReal) ** 2 + (evenImaginary + turnedImaginary) ** 2;
      power[half - k] = (evenReal - turnedReal) ** 2 + (evenImaginary - turnedImaginary) ** 2;
    }
  }

  /** Transform `real` and `imaginary` in place, from bit-reversed order. */
  private transform(): void {
    const { half, real, imaginary, cosine, sine } = this;
    for (let width = 1; width < half; width *= 2) {
      const stride = half / width;
      for (let start = 0; start < half; start += 2 * width) {
        for (let i = 0; i < width; i++) {
          const [a, b] = [start + i, start + i + width];
          const [c, s] = [cosine[i * stride], sine[i * stride]];
          const turnedReal = real[b] * c + imaginary[b] * s;
          const turnedImaginary = imaginary[b] * c - real[b] * s;
          real[b] = real[a] - turnedReal;
          imaginary[b] = imaginary[a] - turnedImaginary;
          real[a] += turnedReal;
          imaginary[a] += turnedImaginary;
        }
      }
    }
  }
}
