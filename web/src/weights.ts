/** Weights of the models, as `gtzan_lib` exports them. */

import { SoundError } from "./protocol";

/** A tensor in the bytes of a file of weights. */
export interface TensorEntry {
  shape: number[];
  type: "float16" | "float32";
  /** Of its first byte. */
  offset: number;
}

/** Tensors, little-endian, row by row. */
export interface WeightsFile {
  tensors: Record<string, TensorEntry>;
  /** Digest of the bytes. */
  sha256: string;
  /** The bytes in base64. */
  data: string;
}

/** A tensor in single precision. */
export interface Tensor {
  shape: number[];
  values: Float32Array;
}

/** Tensors by name. */
export type Weights = (name: string) => Tensor;

/** Return the bytes of a file of weights; reject with a `SoundError` if they are damaged. */
export async function weightsBytes(file: WeightsFile): Promise<ArrayBuffer> {
  const damaged = new SoundError("The file of the model is damaged; load the page again.");
  const bytes = await decodeBase64(file.data).catch(() => {
    throw damaged;
  });
  // Pages that come by plain HTTP from another machine have no digests.
  if (globalThis.crypto?.subtle) {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    const digits = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
    if (digits !== file.sha256) {
      throw damaged;
    }
  }
  return bytes;
}

/** Return the tensors in the bytes of a file. */
export function weightsOf(tensors: WeightsFile["tensors"], bytes: ArrayBuffer): Weights {
  return (name) => {
    const { shape, type, offset } = tensors[name];
    const length = shape.reduce((product, side) => product * side, 1);
    const values =
      type === "float32"
        ? new Float32Array(bytes, offset, length)
        : single(new Uint16Array(bytes, offset, length));
    return { shape, values };
  };
}

/** Decode base64; no request leaves the page. */
export async function decodeBase64(text: string): Promise<ArrayBuffer> {
  const response = await fetch(`data:application/octet-stream;base64,${text}`);
  return response.arrayBuffer();
}

/** Convert finite numbers of half precision, given by their bits. */
function single(halves: Uint16Array): Float32Array {
  const values = new Float32Array(halves.length);
  const bits = new Uint32Array(values.buffer);
  for (let i = 0; i < halves.length; i++) {
    bits[i] = ((halves[i] & 0x8000) << 16) | ((halves[i] & 0x7fff) << 13);
    // The exponent has another bias; this also converts subnormal numbers.
    values[i] *= 2 ** 112;
  }
  return values;
}
