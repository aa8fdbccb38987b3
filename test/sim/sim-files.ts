// `Files` over a SimDisk for one life of the simulated process. Every asynchronous operation takes
// a drawn virtual time and may reach the page cache at either end of it. After a crash nothing of
// this life has any effect: synchronous calls throw SimCrashed, asynchronous ones never settle.
import {
  FileError,
  type FileStat,
  type Files,
  type OpenFile,
  type OpenMode,
  readWholly,
} from '../../src/stdx/files.ts';
import { type Prng, randomInt, randomUnit } from '../../src/stdx/prng.ts';
import type { Scheduler } from '../../src/stdx/scheduler.ts';
import { Inode, parentOf, type SimDisk } from './sim-disk.ts';

export type FileOperation =
  | 'open'
  | 'read'
  | 'write'
  | 'datasync'
  | 'truncate'
  | 'close'
  | 'stat'
  | 'list'
  | 'makeDirectory'
  | 'rename'
  | 'remove'
  | 'removeDirectory'
  | 'link'
  | 'syncDirectory'
  | 'space';

/** How an operation fails: the system's code, and whether its effect took place all the same. */
export interface Fault {
  readonly code: 'EIO' | 'ENOSPC' | 'EROFS';
  readonly isDone: boolean;
}

/** Called before every operation, counted from 1; a returned fault fails it. */
export type FaultPlan = (
  operation: FileOperation,
  path: string,
  index: number,
) => Fault | undefined;

class SimCrashed extends Error {
  override readonly name = 'SimCrashed';
}

/** Shared by all lives of one simulated machine. */
export interface SimHost {
  readonly disk: SimDisk;
  readonly scheduler: Scheduler;
  readonly prng: Prng;
  fault: FaultPlan | undefined;
  operationCount: number;
  /** The process dies when it starts this operation (counted like FaultPlan's index). */
  crashAtOperation: number | undefined;
  /** Every operation takes so many times as long. */
  slowness: number;
  /** One read of so many gives fewer bytes than there are; 0: none. */
  shortReadPeriod: number;
}

function normalize(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

export class SimFiles implements Files {
  readonly #host: SimHost;
  #alive = true;

  constructor(host: SimHost) {
    this.#host = host;
  }

  get alive(): boolean {
    return this.#alive;
  }

  get host(): SimHost {
    return this.#host;
  }

  kill(): void {
    this.#alive = false;
  }

  /** Counts the operation; throws where the process is dead; the answer is how it is to fail. */
  #enter(operation: FileOperation, path: string): Fault | undefined {
    const host = this.#host;
    const index = ++host.operationCount;
    if (index === host.crashAtOperation) this.kill();
    if (!this.#alive) throw new SimCrashed(`process is dead: ${operation} '${path}'`);
    return host.fault?.(operation, path, index);
  }

  /** Runs `effect` at once. */
  now<T>(operation: FileOperation, path: string, effect: () => T): T {
    const fault = this.#enter(operation, path);
    if (fault === undefined) return effect();
    if (fault.isDone) effect();
    throw new FileError(fault.code, path, operation);
  }

  /** Runs `effect` now or later, and reports later; never where the process died meanwhile. */
  later<T>(operation: FileOperation, path: string, effect: () => T, early?: boolean): Promise<T> {
    const { prng, scheduler } = this.#host;
    let outcome: { readonly value: T } | { readonly error: unknown } | undefined;
    let fault: Fault | undefined;
    const attempt = (): void => {
      try {
        outcome = { value: effect() };
        if (fault !== undefined) throw new FileError(fault.code, path, operation);
      } catch (error) {
        outcome = { error };
      }
    };
    try {
      fault = this.#enter(operation, path);
      if (fault?.isDone === false) throw new FileError(fault.code, path, operation);
      if (early ?? randomInt(prng, 2) === 0) attempt();
    } catch (error) {
      outcome = { error };
    }
    const { slowness } = this.#host;
    const delayMs = randomUnit(prng) ** 3 * (randomInt(prng, 20) === 0 ? 40 : 2) * slowness;
    return new Promise((resolve, reject) => {
      scheduler.after(delayMs, () => {
        if (!this.#alive) return;
        if (outcome === undefined) attempt();
        const settled = outcome as { readonly value: T } | { readonly error: Error };
        if ('error' in settled) reject(settled.error);
        else resolve(settled.value);
      });
    });
  }

  open(path: string, mode: OpenMode): Promise<OpenFile> {
    const name = normalize(path);
    return this.later('open', name, () => {
      const { disk } = this.#host;
      const node = disk.node(name);
      if (node === 'directory') throw new FileError('EISDIR', name, 'open');
      if (mode !== 'create') {
        if (node === undefined) throw new FileError('ENOENT', name, 'open');
        return new SimOpenFile(this, name, node, mode === 'write');
      }
      if (node !== undefined) throw new FileError('EEXIST', name, 'open');
      this.#needDirectory(parentOf(name), 'open');
      const inode = new Inode();
      disk.changeNames(parentOf(name), [[name, inode]]);
      return new SimOpenFile(this, name, inode, true);
    });
  }

  stat(path: string): Promise<FileStat | undefined> {
    const name = normalize(path);
    return this.later('stat', name, () => {
      const node = this.#host.disk.node(name);
      if (node === undefined) return undefined;
      const isDirectory = node === 'directory';
      return { sizeBytes: isDirectory ? 0 : node.seen.size, isDirectory };
    });
  }

  list(directory: string): Promise<readonly string[]> {
    const name = normalize(directory);
    return this.later('list', name, () => {
      this.#needDirectory(name, 'list');
      const children: string[] = [];
      for (const path of this.#host.disk.paths()) {
        if (path !== '/' && parentOf(path) === name)
          children.push(path.slice(path.lastIndexOf('/') + 1));
      }
      return children.toSorted();
    });
  }

  makeDirectory(path: string): Promise<void> {
    const name = normalize(path);
    return this.later('makeDirectory', name, () => {
      const missing: string[] = [];
      for (let at = name; this.#host.disk.node(at) === undefined; at = parentOf(at)) {
        missing.unshift(at);
      }
      for (const directory of missing) {
        this.#needDirectory(parentOf(directory), 'makeDirectory');
        this.#host.disk.changeNames(parentOf(directory), [[directory, 'directory']]);
      }
    });
  }

  rename(from: string, to: string): Promise<void> {
    if (this.#host.disk.mutations.renameNotAtomic === true) return this.#copyRename(from, to);
    return this.later('rename', from, () => {
      const { disk } = this.#host;
      if (disk.node(from) === 'directory') {
        if (disk.node(to) !== undefined) throw new FileError('ENOTEMPTY', to, 'rename');
        this.#needDirectory(parentOf(to), 'rename');
        disk.moveDirectory(from, to);
        return;
      }
      const inode = this.#needFile(from, 'rename');
      if (disk.node(to) === 'directory') throw new FileError('EISDIR', to, 'rename');
      this.#needDirectory(parentOf(to), 'rename');
      if (parentOf(from) === parentOf(to)) {
        disk.changeNames(parentOf(to), [
          [from, undefined],
          [to, inode],
        ]);
      } else {
        disk.changeNames(parentOf(to), [[to, inode]]);
        disk.changeNames(parentOf(from), [[from, undefined]]);
      }
    });
  }

  /** The mutation: a fresh file under the final name, filled by un-synced writes. */
  async #copyRename(from: string, to: string): Promise<void> {
    const source = this.#needFile(from, 'rename').seen.view().slice();
    const target = new Inode();
    const { disk } = this.#host;
    await this.later('rename', from, () => disk.changeNames(parentOf(to), [[to, target]]));
    const half = source.length >>> 1;
    target.write(disk.nextSequence(), source.subarray(0, half), 0);
    await this.later('write', to, () => {
      target.write(disk.nextSequence(), source.subarray(half), half);
    });
    await this.later('remove', from, () => disk.changeNames(parentOf(from), [[from, undefined]]));
  }

  remove(path: string): Promise<void> {
    return this.later('remove', path, () => {
      this.#needFile(path, 'remove');
      this.#host.disk.changeNames(parentOf(path), [[path, undefined]]);
    });
  }

  removeDirectory(path: string): Promise<void> {
    const name = normalize(path);
    return this.later('removeDirectory', name, () => {
      this.#needDirectory(name, 'removeDirectory');
      const { disk } = this.#host;
      if (disk.paths().some((other) => other !== '/' && parentOf(other) === name))
        throw new FileError('ENOTEMPTY', name, 'removeDirectory');
      disk.changeNames(parentOf(name), [[name, undefined]]);
    });
  }

  link(existing: string, created: string): Promise<void> {
    return this.later('link', existing, () => {
      const inode = this.#needFile(existing, 'link');
      if (this.#host.disk.node(created) !== undefined)
        throw new FileError('EEXIST', created, 'link');
      this.#needDirectory(parentOf(created), 'link');
      this.#host.disk.changeNames(parentOf(created), [[created, inode]]);
    });
  }

  syncDirectory(path: string): Promise<void> {
    const name = normalize(path);
    const upTo = this.#host.disk.sequence;
    return this.later(
      'syncDirectory',
      name,
      () => {
        this.#needDirectory(name, 'syncDirectory');
        this.#host.disk.saveNames(name, upTo);
      },
      false,
    );
  }

  space(path: string): Promise<{ readonly freeBytes: number; readonly totalBytes: number }> {
    return this.later('space', path, () => {
      const { disk } = this.#host;
      const totalBytes = disk.capacityBytes;
      return { freeBytes: Math.max(0, totalBytes - disk.usedBytes()), totalBytes };
    });
  }

  readWhole(path: string, limitBytes: number): Promise<Uint8Array> {
    return this.later('read', path, () => {
      const inode = this.#needFile(path, 'read');
      if (inode.seen.size > limitBytes) throw new FileError('EFBIG', path, 'read');
      return inode.seen.view().slice();
    });
  }

  #needFile(path: string, operation: string): Inode {
    const node = this.#host.disk.node(path);
    if (node === undefined) throw new FileError('ENOENT', path, operation);
    if (node === 'directory') throw new FileError('EISDIR', path, operation);
    return node;
  }

  #needDirectory(path: string, operation: string): void {
    const node = this.#host.disk.node(path);
    if (node === undefined) throw new FileError('ENOENT', path, operation);
    if (node !== 'directory') throw new FileError('ENOTDIR', path, operation);
  }
}

class SimOpenFile implements OpenFile {
  readonly path: string;
  readonly #files: SimFiles;
  readonly #inode: Inode;
  readonly #writable: boolean;
  #open = true;

  constructor(files: SimFiles, path: string, inode: Inode, writable: boolean) {
    this.path = path;
    this.#files = files;
    this.#inode = inode;
    this.#writable = writable;
  }

  sizeBytes(): number {
    this.#needOpen('stat');
    return this.#inode.seen.size;
  }

  readSync(target: Uint8Array, offset: number): number {
    return this.#files.now('read', this.path, () => this.#readNow(target, offset));
  }

  read(target: Uint8Array, offset: number): Promise<number> {
    return this.#files.later('read', this.path, () => this.#readNow(target, offset));
  }

  writeSync(bytes: Uint8Array, offset: number): void {
    this.#files.now('write', this.path, () => this.#writeNow(bytes, offset));
  }

  write(bytes: Uint8Array, offset: number): Promise<void> {
    return this.#files.later('write', this.path, () => this.#writeNow(bytes, offset));
  }

  datasync(): Promise<void> {
    const { disk, prng } = this.#files.host;
    const upTo = disk.sequence;
    const synced = this.#files.later(
      'datasync',
      this.path,
      () => {
        this.#needOpen('datasync');
        if (disk.mutations.ignoreDatasync !== true) this.#inode.saveUpTo(upTo);
      },
      false,
    );
    return synced.catch((error: unknown) => {
      this.#inode.loseTrackUpTo(upTo, prng);
      throw error;
    });
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#files.later('truncate', this.path, () => {
      this.#needOpen('truncate');
      const { disk } = this.#files.host;
      disk.reserve(sizeBytes - this.#inode.seen.size, this.path, 'truncate');
      this.#inode.truncate(disk.nextSequence(), sizeBytes);
    });
  }

  close(): Promise<void> {
    return this.#files.later(
      'close',
      this.path,
      () => {
        this.#needOpen('close');
        this.#open = false;
      },
      true,
    );
  }

  #readNow(target: Uint8Array, offset: number): number {
    this.#needOpen('read');
    if (this.#files.host.disk.mutations.readOnce === true) return this.#readSome(target, offset);
    return readWholly(target, offset, (rest, at) => this.#readSome(rest, at));
  }

  /** One call of the system: as many bytes as it likes, 0 only at the end. */
  #readSome(target: Uint8Array, offset: number): number {
    const { shortReadPeriod, prng } = this.#files.host;
    let from = this.#inode.seen.view().subarray(offset, offset + target.length);
    if (from.length > 1 && shortReadPeriod > 0 && randomInt(prng, shortReadPeriod) === 0)
      from = from.subarray(0, 1 + randomInt(prng, from.length - 1));
    target.set(from);
    return from.length;
  }

  #writeNow(bytes: Uint8Array, offset: number): void {
    this.#needOpen('write');
    if (!this.#writable) throw new FileError('EBADF', this.path, 'write');
    const { disk } = this.#files.host;
    disk.reserve(offset + bytes.length - this.#inode.seen.size, this.path, 'write');
    this.#inode.write(disk.nextSequence(), bytes, offset);
  }

  #needOpen(operation: string): void {
    if (!this.#open) throw new FileError('EBADF', this.path, operation);
  }
}
