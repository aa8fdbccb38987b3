// Segment files as things: which stretch of the log each holds, making zero-filled ones, freeing
// them. A freed file's header is overwritten with zeros and synced before anything else happens to
// it.
import { type Files, makeDirectoryDurable, type OpenFile } from '../stdx/files.ts';
import { SEGMENT_POOL_MAX, ZERO_CHUNK_BYTES } from './limits.ts';
import { frameSeed, HEADER_BLOCK_BYTES, type SegmentHeader } from './segment.ts';

export const SEGMENT_NAME = /^segment-(\d{10})\.log$/;

export function segmentName(number: number): string {
  return `segment-${String(number).padStart(10, '0')}.log`;
}

export interface FreeFile {
  readonly path: string;
  readonly file: OpenFile;
}

/** A live segment. Mutable fields belong to the log that owns it. */
export interface Segment extends FreeFile {
  readonly header: SegmentHeader;
  readonly seed: number;
  /** Where the next frame goes. */
  usedBytes: number;
  /** Offset after its last record. */
  endOffset: number;
  /** Holds bytes that no datasync() has covered yet. */
  dirty: boolean;
  /** Its file is free, or another segment, by now. */
  released: boolean;
}

export function newSegment(from: FreeFile, header: SegmentHeader): Segment {
  return {
    path: from.path,
    file: from.file,
    header,
    seed: frameSeed(header),
    usedBytes: HEADER_BLOCK_BYTES,
    endOffset: header.firstOffset,
    dirty: false,
    released: false,
  };
}

export class SegmentFiles {
  readonly #files: Files;
  readonly #directory: string;
  readonly #segmentSizeBytes: number;
  readonly #zeros: Uint8Array;
  #free: FreeFile[] = [];
  /** Reads in flight per file: a descriptor is closed only when there are none. */
  readonly #readers = new Map<OpenFile, number>();
  readonly #closeWhenIdle = new Set<OpenFile>();
  #nextNumber = 1;

  constructor(files: Files, directory: string, segmentSizeBytes: number) {
    this.#files = files;
    this.#directory = directory;
    this.#segmentSizeBytes = segmentSizeBytes;
    this.#zeros = new Uint8Array(Math.min(ZERO_CHUNK_BYTES, segmentSizeBytes));
  }

  /** Opens every segment file of the folder, which is created where missing. */
  async openAll(): Promise<readonly FreeFile[]> {
    await makeDirectoryDurable(this.#files, this.#directory);
    const opened: FreeFile[] = [];
    for (const name of await this.#files.list(this.#directory)) {
      const matched = SEGMENT_NAME.exec(name);
      if (matched === null) continue;
      this.#nextNumber = Math.max(this.#nextNumber, Number(matched[1]) + 1);
      const path = `${this.#directory}/${name}`;
      opened.push({ path, file: await this.#files.open(path, 'write') });
    }
    await this.#files.syncDirectory(this.#directory);
    return opened;
  }

  /**
   * A file whose header is free, zero-filled unless told otherwise, synced with its name. Throws
   * FileError.
   */
  async prepare({ zeroFilled } = { zeroFilled: true }): Promise<FreeFile> {
    const reused = this.#free.pop();
    if (reused !== undefined) {
      try {
        if (zeroFilled && reused.file.sizeBytes() < this.#segmentSizeBytes) {
          await this.fillZeros(reused.file, reused.file.sizeBytes());
          await reused.file.datasync();
        }
        return reused;
      } catch (error) {
        this.#free.push(reused);
        throw error;
      }
    }
    const path = `${this.#directory}/${segmentName(this.#nextNumber++)}`;
    const file = await this.#files.open(path, 'create');
    try {
      if (zeroFilled) await this.fillZeros(file, 0);
      await file.datasync();
      await this.#files.syncDirectory(this.#directory);
    } catch (error) {
      await file.close();
      await this.#files.remove(path);
      throw error;
    }
    return { path, file };
  }

  /** Zeros from `from` to the nominal segment size. */
  async fillZeros(file: OpenFile, from: number): Promise<void> {
    let at = from;
    while (at < this.#segmentSizeBytes) {
      const count = Math.min(this.#zeros.length, this.#segmentSizeBytes - at);
      await file.write(this.#zeros.subarray(0, count), at);
      at += count;
    }
  }

  /** Frees a file durably: after a crash it holds no segment. */
  async release(freed: FreeFile): Promise<void> {
    await freed.file.write(new Uint8Array(HEADER_BLOCK_BYTES), 0);
    await freed.file.datasync();
    await this.keepOrRemove(freed);
  }

  /** A file without a valid header goes to the pool, or away where the pool is full. */
  async keepOrRemove(freed: FreeFile): Promise<void> {
    if (this.#free.length >= SEGMENT_POOL_MAX) {
      await this.#files.remove(freed.path);
      await this.#files.syncDirectory(this.#directory);
      await this.#close(freed.file);
      return;
    }
    const tooLong = freed.file.sizeBytes() > this.#segmentSizeBytes;
    if (tooLong) await freed.file.truncate(this.#segmentSizeBytes);
    this.#free.push(freed);
  }

  /** Removes the whole pool. */
  async removeFree(): Promise<void> {
    const free = this.#free;
    this.#free = [];
    for (const { path, file } of free) {
      await this.#files.remove(path);
      await this.#close(file);
    }
    if (free.length > 0) await this.#files.syncDirectory(this.#directory);
  }

  beginRead(file: OpenFile): void {
    this.#readers.set(file, (this.#readers.get(file) ?? 0) + 1);
  }

  async endRead(file: OpenFile): Promise<void> {
    const left = (this.#readers.get(file) ?? 1) - 1;
    if (left > 0) {
      this.#readers.set(file, left);
      return;
    }
    this.#readers.delete(file);
    if (this.#closeWhenIdle.delete(file)) await file.close();
  }

  async closeAll(segments: readonly FreeFile[]): Promise<void> {
    for (const { file } of [...segments, ...this.#free]) await this.#close(file);
    this.#free = [];
  }

  async #close(file: OpenFile): Promise<void> {
    if (this.#readers.has(file)) this.#closeWhenIdle.add(file);
    else await file.close();
  }
}
