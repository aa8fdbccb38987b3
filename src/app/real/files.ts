// `Files` over node:fs. File descriptors are plain numbers: no handle closes itself behind a
// collector's back, and the synchronous page-cache calls of the log need them anyway.
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import {
  FileError,
  type FileStat,
  type Files,
  type OpenFile,
  type OpenMode,
  readWholly,
} from '../../stdx/files.ts';

const OPEN_FLAGS: Readonly<Record<OpenMode, string>> = { read: 'r', write: 'r+', create: 'wx+' };

function wrap(error: unknown, path: string, operation: string): FileError {
  const code = (error as NodeJS.ErrnoException).code ?? 'EUNKNOWN';
  return new FileError(code, path, operation, { cause: error });
}

type Callback<T> = (error: NodeJS.ErrnoException | null, value: T) => void;

/** Runs one callback-style call; rejects with FileError. */
function call<T>(
  path: string,
  operation: string,
  start: (callback: Callback<T>) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error === null) resolve(value);
      else reject(wrap(error, path, operation));
    });
  });
}

class RealOpenFile implements OpenFile {
  readonly path: string;
  readonly #fd: number;
  #sizeBytes: number;

  constructor(path: string, fd: number, sizeBytes: number) {
    this.path = path;
    this.#fd = fd;
    this.#sizeBytes = sizeBytes;
  }

  sizeBytes(): number {
    return this.#sizeBytes;
  }

  readSync(target: Uint8Array, offset: number): number {
    try {
      return readWholly(target, offset, (rest, at) =>
        fs.readSync(this.#fd, rest, 0, rest.length, at),
      );
    } catch (error) {
      throw wrap(error, this.path, 'read');
    }
  }

  async read(target: Uint8Array, offset: number): Promise<number> {
    let count = 0;
    while (count < target.length) {
      const from = count;
      const got = await call<number>(this.path, 'read', (done) => {
        fs.read(this.#fd, target, from, target.length - from, offset + from, done);
      });
      if (got === 0) break;
      count += got;
    }
    return count;
  }

  writeSync(bytes: Uint8Array, offset: number): void {
    try {
      let count = 0;
      while (count < bytes.length) {
        count += fs.writeSync(this.#fd, bytes, count, bytes.length - count, offset + count);
      }
    } catch (error) {
      throw wrap(error, this.path, 'write');
    } finally {
      this.#grow(offset + bytes.length);
    }
  }

  async write(bytes: Uint8Array, offset: number): Promise<void> {
    let count = 0;
    while (count < bytes.length) {
      const from = count;
      count += await call<number>(this.path, 'write', (done) => {
        fs.write(this.#fd, bytes, from, bytes.length - from, offset + from, done);
      });
      this.#grow(offset + count);
    }
  }

  datasync(): Promise<void> {
    return call(this.path, 'datasync', (done: Callback<void>) => {
      fs.fdatasync(this.#fd, (error) => {
        done(error);
      });
    });
  }

  async truncate(sizeBytes: number): Promise<void> {
    await call(this.path, 'truncate', (done: Callback<void>) => {
      fs.ftruncate(this.#fd, sizeBytes, (error) => {
        done(error);
      });
    });
    this.#sizeBytes = sizeBytes;
  }

  close(): Promise<void> {
    return call(this.path, 'close', (done: Callback<void>) => {
      fs.close(this.#fd, (error) => {
        done(error ?? null);
      });
    });
  }

  /** A failed write may have grown the file less: an upper bound is enough for its callers. */
  #grow(endOffset: number): void {
    if (endOffset > this.#sizeBytes) this.#sizeBytes = endOffset;
  }
}

async function open(path: string, mode: OpenMode): Promise<OpenFile> {
  const fd = await call<number>(path, 'open', (done) => {
    fs.open(path, OPEN_FLAGS[mode], 0o640, done);
  });
  if (mode === 'create') return new RealOpenFile(path, fd, 0);
  const opened = fs.fstatSync(fd);
  if (opened.isDirectory()) {
    fs.closeSync(fd);
    throw new FileError('EISDIR', path, 'open');
  }
  return new RealOpenFile(path, fd, opened.size);
}

async function stat(path: string): Promise<FileStat | undefined> {
  try {
    const found = await call<fs.Stats>(path, 'stat', (done) => {
      fs.stat(path, done);
    });
    return { sizeBytes: found.size, isDirectory: found.isDirectory() };
  } catch (error) {
    if (error instanceof FileError && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const fd = await call<number>(path, 'open', (done) => {
    fs.open(path, 'r', done);
  });
  try {
    await call(path, 'syncDirectory', (done: Callback<void>) => {
      fs.fsync(fd, (error) => {
        done(error);
      });
    });
  } finally {
    fs.closeSync(fd);
  }
}

async function readWhole(path: string, limitBytes: number): Promise<Uint8Array> {
  const fd = await call<number>(path, 'open', (done) => {
    fs.open(path, 'r', done);
  });
  try {
    const size = fs.fstatSync(fd).size;
    let buffer = new Uint8Array(Math.min(Math.max(size + 1, 4096), limitBytes + 1));
    let count = 0;
    for (;;) {
      if (count === buffer.length) {
        if (count > limitBytes) throw new FileError('EFBIG', path, 'read');
        const grown = new Uint8Array(Math.min(count * 2, limitBytes + 1));
        grown.set(buffer);
        buffer = grown;
      }
      const target = buffer;
      const from = count;
      const got = await call<number>(path, 'read', (done) => {
        // /proc files have no positions worth the name: read on from where the last read ended.
        fs.read(fd, target, from, target.length - from, null, done);
      });
      if (got === 0) break;
      count += got;
    }
    if (count > limitBytes) throw new FileError('EFBIG', path, 'read');
    return buffer.slice(0, count);
  } finally {
    fs.closeSync(fd);
  }
}

function makeOneDirectory(path: string): Promise<void> {
  return call(path, 'makeDirectory', (done: Callback<void>) => {
    fs.mkdir(path, { mode: 0o750 }, (error) => {
      done(error);
    });
  });
}

/**
 * With its parents. Node's own recursive form never ends where the system answers ENOENT below a
 * parent that is there, as in /proc.
 */
async function makeDirectory(path: string): Promise<void> {
  try {
    await makeOneDirectory(path);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    if (error.code === 'EEXIST' && (await stat(path))?.isDirectory) return;
    const parent = dirname(path);
    if (error.code !== 'ENOENT' || parent === path || (await stat(parent)) !== undefined)
      throw error;
    await makeDirectory(parent);
    await makeDirectory(path);
  }
}

export const realFiles: Files = {
  open,
  stat,
  syncDirectory,
  readWhole,
  async list(directory) {
    const names = await call<string[]>(directory, 'list', (done) => {
      fs.readdir(directory, done);
    });
    return names.toSorted();
  },
  makeDirectory,
  rename: (from, to) =>
    call(from, 'rename', (done: Callback<void>) => {
      fs.rename(from, to, (error) => {
        done(error);
      });
    }),
  remove: (path) =>
    call(path, 'remove', (done: Callback<void>) => {
      fs.unlink(path, (error) => {
        done(error);
      });
    }),
  removeDirectory: (path) =>
    call(path, 'removeDirectory', (done: Callback<void>) => {
      fs.rmdir(path, (error) => {
        done(error);
      });
    }),
  link: (existing, created) =>
    call(existing, 'link', (done: Callback<void>) => {
      fs.link(existing, created, (error) => {
        done(error);
      });
    }),
  async space(path) {
    const found = await call<fs.StatsFs>(path, 'space', (done) => {
      fs.statfs(path, done);
    });
    return { freeBytes: found.bavail * found.bsize, totalBytes: found.blocks * found.bsize };
  },
};
