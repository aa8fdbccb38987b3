// What share of its thread a flush takes while writes are under way: as little as lets it end while
// the head behind it is FLUSH_END_FILL full. How far it is, is told in samples; how near the next
// one is, by whoever asks. A flush that falls behind takes more, and all of the thread where the
// next one is due.
import { FLUSH_CATCH_UP, FLUSH_END_FILL, FLUSH_SHARE_MIN } from './limits.ts';

export class FlushPace {
  #sampleCount = 1;
  #writtenCount = 0;

  /** Of the generation that is flushed. */
  begin(sampleCount: number): void {
    this.#sampleCount = Math.max(1, sampleCount);
    this.#writtenCount = 0;
  }

  wrote(sampleCount: number): void {
    this.#writtenCount += sampleCount;
  }

  /** `fill`: of what makes the next flush due, 0…1 and above. */
  share(fill: number): number {
    if (fill >= 1) return 1;
    const lag = fill / FLUSH_END_FILL - this.#writtenCount / this.#sampleCount;
    return Math.min(1, FLUSH_SHARE_MIN + Math.max(0, lag) * FLUSH_CATCH_UP);
  }
}
