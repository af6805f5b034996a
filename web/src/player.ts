/** Plays the sound that was asked about. */

import { element, icon, show } from "./dom";

const PLAY = "M8 5v14l11-7z";
const PAUSE = "M6 5h4v14H6zM14 5h4v14h-4z";

export class Player {
  readonly button = element("button", { type: "button", class: "try-play" });
  private readonly audio = new Audio();
  private url = "";
  private frame = 0;

  /** `onTime` is told where the sound is, while it plays. */
  constructor(private readonly onTime: (timeS: number) => void) {
    this.audio.onplay = () => this.changed();
    this.audio.onpause = () => this.changed();
    this.audio.onended = () => this.changed();
    this.audio.onerror = () => show(this.button, false);
    this.button.addEventListener("click", () => this.toggle());
    this.changed();
  }

  /** Take a sound; null takes the last one away. */
  load(file: Blob | null): void {
    this.audio.pause();
    URL.revokeObjectURL(this.url);
    this.url = file ? URL.createObjectURL(file) : "";
    if (file) {
      this.audio.src = this.url;
    } else {
      this.audio.removeAttribute("src");
    }
    show(this.button, file !== null);
  }

  /** Play from the beginning, if the browser allows it. */
  play(): void {
    this.audio.play().catch(() => this.changed());
  }

  pause(): void {
    this.audio.pause();
  }

  toggle(): void {
    if (this.audio.paused) {
      this.play();
    } else {
      this.pause();
    }
  }

  seek(timeS: number): void {
    this.audio.currentTime = timeS;
  }

  private changed(): void {
    const paused = this.audio.paused;
    this.button.replaceChildren(icon(paused ? PLAY : PAUSE));
    this.button.setAttribute("aria-label", paused ? "Play" : "Pause");
    cancelAnimationFrame(this.frame);
    if (!paused) {
      this.follow();
    }
  }

  private follow(): void {
    this.onTime(this.audio.currentTime);
    this.frame = requestAnimationFrame(() => this.follow());
  }
}
