/** A worker: loads models, and predicts windows. */

import { Matrices } from "./matrices";
import type { Reply, Request } from "./pool";
import { Predictor } from "./predictor";

/** The part of a worker's scope that is used here. */
interface Scope {
  onmessage: (event: MessageEvent<Request>) => void;
  postMessage(reply: Reply, transfer?: Transferable[]): void;
}

const scope = self as unknown as Scope;

let predictor: Promise<Predictor>;

async function answer(request: Request): Promise<Reply> {
  const { id } = request;
  try {
    if (request.kind === "start") {
      predictor = Matrices.start(request.binary).then((matrices) => new Predictor(matrices));
    } else if (request.kind === "load") {
      (await predictor).load(request.description, request.bytes);
    } else {
      return { id, result: (await predictor).predict(request.task) };
    }
    await predictor;
    return { id };
  } catch (error) {
    const { name, message } = error as Error;
    return { id, error: { name, message } };
  }
}

scope.onmessage = async ({ data }) => {
  const reply = await answer(data);
  scope.postMessage(reply, reply.result ? [reply.result.mel.levels.buffer] : []);
};
