/**
 * Matrices in the memory of TensorFlow.js's WebAssembly backend, and their products by XNNPACK.
 *
 * Its exported functions are called directly, so that results are written where the next
 * product reads them: nothing is copied or allocated while windows are predicted.
 */

/** A matrix of single precision, row by row, in the memory of the backend. */
export interface Matrix {
  readonly id: number;
  /** Of its first element in bytes. */
  readonly offset: number;
  /** Of its shape, as functions of the backend take it. */
  readonly shape: number;
  readonly rows: number;
  readonly columns: number;
}

/** The functions of the backend's binary that are used here. */
interface Backend {
  memory: WebAssembly.Memory;
  __wasm_call_ctors(): void;
  init_with_threads_count(threads: number): void;
  malloc(bytes: number): number;
  free(offset: number): void;
  register_tensor(id: number, size: number, offset: number): void;
  dispose_data(id: number): void;
  BatchMatMul(
    a: number, shapeA: number, axesA: number,
    b: number, shapeB: number, axesB: number,
    transposeA: number, transposeB: number, out: number,
  ): void;
  Transpose(
    x: number, shape: number, axes: number, type: number,
    out: number, order: number, orderAxes: number,
  ): void;
  MaxPool(
    x: number, batch: number, height: number, width: number,
    poolHeight: number, poolWidth: number,
    top: number, right: number, bottom: number, left: number,
    dilationHeight: number, dilationWidth: number, strideHeight: number, strideWidth: number,
    channels: number, outChannels: number, out: number,
  ): void;
}

const PAGE = 65536;
const FLOAT32 = 1;

export class Matrices {
  private nextId = 1;
  /** The order of exchanged axes. */
  private readonly exchanged: number;

  private constructor(private readonly backend: Backend) {
    this.exchanged = this.integers(1, 0);
  }

  /** Start the backend from its compiled binary, on one thread. */
  static async start(binary: WebAssembly.Module): Promise<Matrices> {
    let backend: Backend | undefined;
    const memory = () => (backend as Backend).memory;
    const host = {
      abort: () => {
        throw new Error("the matrix library stopped");
      },
      emscripten_get_heap_max: () => 2 ** 31,
      emscripten_memcpy_big: (to: number, from: number, bytes: number) => {
        new Uint8Array(memory().buffer).copyWithin(to, from, from + bytes);
      },
      emscripten_resize_heap: (bytes: number) => {
        memory().grow(Math.ceil((bytes - memory().buffer.byteLength) / PAGE));
        return 1;
      },
      fd_close: () => 0,
      fd_seek: () => 0,
      fd_write: () => 0,
    };
    const instance = await WebAssembly.instantiate(binary, {
      env: host,
      wasi_snapshot_preview1: host,
    });
    backend = instance.exports as unknown as Backend;
    backend.__wasm_call_ctors();
    backend.init_with_threads_count(1);
    return new Matrices(backend);
  }

  /** Return a new matrix; it is zero without `values`. */
  create(rows: number, columns: number, values?: ArrayLike<number>): Matrix {
    const matrix = this.register(this.backend.malloc(4 * rows * columns), rows, columns);
    const data = this.data(matrix);
    if (values) {
      data.set(values);
    } else {
      data.fill(0);
    }
    return matrix;
  }

  /** Return a matrix that shares the memory of another, from its element `start` on. */
  view(matrix: Matrix, start: number, rows: number, columns: number): Matrix {
    return this.register(matrix.offset + 4 * start, rows, columns);
  }

  /** Give back the memory of a matrix that has no views. */
  free(matrix: Matrix): void {
    this.backend.dispose_data(matrix.id);
    this.backend.free(matrix.offset);
    this.backend.free(matrix.shape);
  }

  /** Return the elements, to read or write; valid until the next call, which may move them. */
  data(matrix: Matrix): Float32Array {
    const length = matrix.rows * matrix.columns;
    return new Float32Array(this.backend.memory.buffer, matrix.offset, length);
  }

  /**
   * Write the product of two matrices into a third.
   *
   * `b` is constant: it is brought into another order once, and that copy is kept.
   */
  multiply(a: Matrix, b: Matrix, out: Matrix): void {
    this.backend.BatchMatMul(a.id, a.shape, 3, b.id, b.shape, 3, 0, 0, out.id);
  }

  /** Write a matrix with its axes exchanged into another. */
  transpose(matrix: Matrix, out: Matrix): void {
    const shape = matrix.shape + Int32Array.BYTES_PER_ELEMENT;
    this.backend.Transpose(matrix.id, shape, 2, FLOAT32, out.id, this.exchanged, 2);
  }

  /** Write the maximum of each column of a matrix into a row. */
  columnMaxima(matrix: Matrix, out: Matrix): void {
    const { rows, columns } = matrix;
    // An image of one pixel a row, with a channel per column.
    this.backend.MaxPool(
      matrix.id, 1, rows, 1, rows, 1, 0, 0, 0, 0, 1, 1, 1, 1, columns, columns, out.id,
    );
  }

  private register(offset: number, rows: number, columns: number): Matrix {
    const id = this.nextId++;
    this.backend.register_tensor(id, rows * columns, offset);
    return { id, offset, shape: this.integers(1, rows, columns), rows, columns };
  }

  private integers(...values: number[]): number {
    const offset = this.backend.malloc(values.length * Int32Array.BYTES_PER_ELEMENT);
    new Int32Array(this.backend.memory.buffer, offset, values.length).set(values);
    return offset;
  }
}
