/** Sound from the microphone, in blocks of one channel. */

import { SoundError } from "./protocol";

/** An open microphone; its rate is in Hz. */
export interface Microphone {
  rate: number;
  stop(): void;
}

/** Called with each block, and with its loudest sample from 0 to 1. */
export type OnBlock = (samples: Float32Array, peak: number) => void;

// About 20 ms; it adds to the latency.
const BLOCK = 1024;

// Runs in the thread of sound, whose blocks of 128 samples would be many messages.
const PROCESSOR = `
registerProcessor("gtzan-blocks", class extends AudioWorkletProcessor {
  block = new Float32Array(${BLOCK});
  filled = 0;
  process([channels]) {
    const length = channels[0]?.length ?? 0;
    for (let i = 0; i < length; i++) {
      let sum = 0;
      for (const channel of channels) sum += channel[i];
      this.block[this.filled++] = sum / channels.length;
      if (this.filled === this.block.length) {
        this.port.postMessage(this.block);
        this.filled = 0;
      }
    }
    return true;
  }
});`;

/**
 * Open the microphone, without the browser's processing for speech.
 *
 * Must be called while a click is handled. Rejects with a `SoundError` if there is no
 * microphone or it is not allowed.
 */
export async function openMicrophone(onBlock: OnBlock): Promise<Microphone> {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new SoundError(
      "This browser gives this page no microphone; open the book by https, or choose a file.",
    );
  }
  const context = new AudioContext();
  let stream: MediaStream | null = null;
  const stop = () => {
    stream?.getTracks().forEach((track) => track.stop());
    if (context.state !== "closed") {
      void context.close();
    }
  };
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    });
    await context.resume();
    const source = context.createMediaStreamSource(stream);
    const node = await blockNode(context, (samples) => onBlock(samples, peakOf(samples)));
    // Without a way to the loudspeaker, some browsers do not run it; it gives silence.
    source.connect(node).connect(context.destination);
  } catch (error) {
    stop();
    throw new SoundError(reason(error));
  }
  return { rate: context.sampleRate, stop };
}

async function blockNode(
  context: AudioContext,
  onSamples: (samples: Float32Array) => void,
): Promise<AudioNode> {
  try {
    await context.audioWorklet.addModule(`data:text/javascript,${encodeURIComponent(PROCESSOR)}`);
    const node = new AudioWorkletNode(context, "gtzan-blocks");
    node.port.onmessage = (message: MessageEvent<Float32Array>) => onSamples(message.data);
    return node;
  } catch {
    // Older, and in the page's own thread.
    const node = context.createScriptProcessor(BLOCK, 1, 1);
    node.onaudioprocess = (event) => onSamples(event.inputBuffer.getChannelData(0).slice());
    return node;
  }
}

function peakOf(samples: Float32Array): number {
  return samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0);
}

function reason(error: unknown): string {
  switch (error instanceof DOMException ? error.name : "") {
    case "NotAllowedError":
    case "SecurityError":
      return "The microphone was not allowed; allow it beside the address, and press it again.";
    case "NotFoundError":
    case "OverconstrainedError":
      return "No microphone was found; connect one, or choose a file.";
    default:
      return "The microphone cannot be used; close what else uses it, and press it again.";
  }
}
