// A small file system of its own for tests of a full or read-only disk: a tmpfs, where this user
// may mount one.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { open, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NEEDS_MOUNT, skipUnless } from './skip.ts';
import type { Skip } from './skip.ts';

const FILLER = 'filler';
const CHUNK_BYTES = 256 * 1024;

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

export class Tmpfs {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Throws where mounting is not permitted. */
  static mount(sizeMb: number): Tmpfs {
    const path = mkdtempSync(join(tmpdir(), 'orrery-disk-'));
    try {
      run('mount', '-t', 'tmpfs', '-o', `size=${sizeMb}m`, 'orrery-test', path);
    } catch (error) {
      rmdirSync(path);
      throw error;
    }
    return new Tmpfs(path);
  }

  /** Takes all the space but so much. */
  async fill(freeBytes: number): Promise<void> {
    const file = await open(join(this.path, FILLER), 'a');
    try {
      const chunk = Buffer.alloc(CHUNK_BYTES, 1);
      for (;;) {
        const { bavail, bsize } = await statfs(this.path);
        if (bavail * bsize < freeBytes + CHUNK_BYTES) break;
        await file.write(chunk);
      }
    } finally {
      await file.close();
    }
  }

  async free(): Promise<void> {
    await rm(join(this.path, FILLER));
  }

  /** Nothing may have a file open for writing. */
  setReadOnly(isReadOnly: boolean): void {
    run('mount', '-o', `remount,${isReadOnly ? 'ro' : 'rw'}`, this.path);
  }

  unmount(): void {
    run('umount', this.path);
    rmdirSync(this.path);
  }
}

/** Says why a test of a real file system cannot run here; false where it can. */
export function mountSkip(): Skip {
  let why = '';
  try {
    Tmpfs.mount(1).unmount();
  } catch (error) {
    why = error instanceof Error ? error.message.split('\n').slice(0, 2).join(' ') : String(error);
  }
  return skipUnless(why === '', NEEDS_MOUNT, why);
}
