// The free-disk floor: below it writes are refused and reads go on, so that the log, the catalog
// and the removal of data never meet a full disk. Nothing is deleted for want of space. Looked at
// by timer, so a burst may go below the floor by what two seconds can write.
import { AppError } from '../model/errors.ts';
import type { Scheduler } from '../stdx/scheduler.ts';
import { DISK_LOOK_INTERVAL_MS, DISK_RETRY_AFTER_SEC } from './limits.ts';

export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export interface DiskFloorOptions {
  /** undefined: space is not watched. */
  readonly space: (() => Promise<DiskSpace>) | undefined;
  /** Bytes that stay free on a disk of the given size. */
  readonly floorBytes: (totalBytes: number) => number;
  readonly scheduler: Scheduler;
  readonly onError: (error: unknown) => void;
}

export class DiskFloor {
  readonly #options: DiskFloorOptions;
  #last: DiskSpace | undefined = undefined;
  #cancel: (() => void) | undefined = undefined;

  constructor(options: DiskFloorOptions) {
    this.#options = options;
  }

  /** Looks once, then by timer until `stop`. */
  async start(): Promise<void> {
    if (this.#options.space === undefined) return;
    await this.look();
    this.#arm();
  }

  #arm(): void {
    this.#cancel = this.#options.scheduler.after(DISK_LOOK_INTERVAL_MS, () => {
      void this.look();
      this.#arm();
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Asks the disk; where it does not answer the last answer stays. */
  async look(): Promise<void> {
    try {
      this.#last = await this.#options.space?.();
    } catch (error) {
      this.#options.onError(error);
    }
  }

  get space(): (DiskSpace & { readonly floorBytes: number }) | undefined {
    if (this.#last === undefined) return undefined;
    return { ...this.#last, floorBytes: this.#options.floorBytes(this.#last.totalBytes) };
  }

  /** Throws AppError unavailable/disk-floor where no data is taken. */
  checkRoom(): void {
    const { space } = this;
    if (space !== undefined && space.freeBytes < space.floorBytes) throw noRoom(space);
  }

  /** May so many bytes be written without going below the floor, or without filling the disk? */
  async hasRoomFor(sizeBytes: number, above: 'floor' | 'disk'): Promise<boolean> {
    await this.look();
    const { space } = this;
    if (space === undefined) return true;
    return space.freeBytes - sizeBytes >= (above === 'floor' ? space.floorBytes : 0);
  }
}

/** AppError unavailable/disk-floor. */
export function noRoom({ freeBytes, floorBytes }: DiskSpace & { floorBytes: number }): AppError {
  return new AppError(
    'unavailable',
    'disk-floor',
    `${freeBytes} bytes are free on the disk of the data, ${floorBytes} have to stay free ` +
      '(--min-free-disk): free space or shorten the retention, then it goes on',
    { retryAfterSec: DISK_RETRY_AFTER_SEC },
  );
}
