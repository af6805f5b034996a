/** Workers that predict windows side by side. */

import type { ModelDescription, Predicted } from "./model";
import type { Task } from "./predictor";
import { SoundError } from "./protocol";

/** What a worker is asked. */
export type Request = { id: number } & (
  | { kind: "start"; binary: WebAssembly.Module }
  | { kind: "load"; description: ModelDescription; bytes: ArrayBuffer }
  | { kind: "predict"; task: Task }
);

/** What a worker answers. */
export interface Reply {
  id: number;
  result?: Predicted;
  error?: { name: string; message: string };
}

type Content = Request extends infer One ? (One extends unknown ? Omit<One, "id"> : never) : never;

/** One worker, and what it still has to answer. */
class Colleague {
  private readonly worker: Worker;
  private readonly waiting = new Map<
    number,
    { resolve: (result?: Predicted) => void; reject: (error: Error) => void }
  >();
  private nextId = 0;

  constructor(url: string) {
    this.worker = new Worker(url);
    this.worker.onmessage = ({ data: { id, result, error } }: MessageEvent<Reply>) => {
      const asked = this.waiting.get(id);
      this.waiting.delete(id);
      if (error) {
        const isOurs = error.name === "SoundError";
        asked?.reject(new (isOurs ? SoundError : Error)(error.message));
      } else {
        asked?.resolve(result);
      }
    };
    this.worker.onerror = () => {
      const stopped = new SoundError("The model has stopped; reload the page.");
      this.waiting.forEach(({ reject }) => reject(stopped));
      this.waiting.clear();
    };
  }

  /** The number of requests without an answer. */
  get load(): number {
    return this.waiting.size;
  }

  ask(content: Content, transfer: Transferable[] = []): Promise<Predicted | undefined> {
    return new Promise((resolve, reject) => {
      const id = this.nextId++;
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, ...content }, transfer);
    });
  }
}

export class Pool {
  private readonly colleagues: Colleague[];

  /**
   * @param source The script of a worker.
   * @param size Number of workers.
   */
  constructor(source: string, readonly size: number) {
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    this.colleagues = Array.from({ length: size }, () => new Colleague(url));
  }

  /** Give all workers the compiled binary of the matrix library. */
  async start(binary: WebAssembly.Module): Promise<void> {
    await Promise.all(this.colleagues.map((one) => one.ask({ kind: "start", binary })));
  }

  /** Give all workers a model. */
  async load(description: ModelDescription, bytes: ArrayBuffer): Promise<void> {
    const content = { kind: "load", description, bytes } as const;
    await Promise.all(this.colleagues.map((one) => one.ask(content)));
  }

  /** Have a window predicted by the worker that has the least to do; its samples are moved. */
  async run(task: Task): Promise<Predicted> {
    const idle = this.colleagues.reduce((best, one) => (one.load < best.load ? one : best));
    return (await idle.ask({ kind: "predict", task }, [task.piece.buffer])) as Predicted;
  }
}
