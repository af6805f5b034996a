import assert from "node:assert/strict";
import { test } from "node:test";
import { startMatrices } from "./binary.mjs";

test("products, exchanged axes and maxima", async () => {
  const matrices = await startMatrices();
  const a = matrices.create(2, 3, [1, 2, 3, 4, 5, 6]);
  const b = matrices.create(3, 2, [1, 0, 0, 1, 1, 1]);
  const [product, row] = [matrices.create(2, 2), matrices.create(1, 3)];
  matrices.multiply(a, b, product);
  assert.deepEqual([...matrices.data(product)], [4, 5, 10, 11]);
  matrices.transpose(a, b);
  assert.deepEqual([...matrices.data(b)], [1, 4, 2, 5, 3, 6]);
  matrices.columnMaxima(a, row);
  assert.deepEqual([...matrices.data(row)], [4, 5, 6]);
  const last = matrices.view(a, 3, 1, 3);
  assert.deepEqual([...matrices.data(last)], [4, 5, 6]);
});

test("memory is used again", async () => {
  const matrices = await startMatrices();
  const round = () => {
    const all = [1, 2, 3].map((n) => matrices.create(300 * n, 300 * n));
    matrices.multiply(all[0], all[0], all[0]);
    all.forEach((matrix) => matrices.free(matrix));
    return matrices.backend.memory.buffer.byteLength;
  };
  const first = round();
  for (let i = 0; i < 20; i++) {
    assert.equal(round(), first);
  }
});
