// One writer at a time in a backup folder: `TO/.lock` says which process, and which snapshot it
// still owes a server to remove.
import { hostname } from 'node:os';
import type { Files } from '../../stdx/files.ts';
import { EXIT } from '../exit-codes.ts';
import { removeSnapshot } from './backup-source.ts';
import type { Server } from './backup-source.ts';
import { CommandError } from './command-error.ts';

interface LockNote {
  readonly url?: string;
  readonly snapshot?: string;
}

export class BackupLock {
  readonly #files: Files;
  readonly #path: string;
  readonly #earlier: LockNote;

  private constructor(files: Files, path: string, earlier: LockNote) {
    this.#files = files;
    this.#path = path;
    this.#earlier = earlier;
  }

  static async take(files: Files, folder: string): Promise<BackupLock> {
    const path = `${folder}/.lock`;
    let earlier: LockNote = {};
    if ((await files.stat(path)) !== undefined) {
      const text = Buffer.from(await files.readWhole(path, 65_536)).toString();
      const known = parseLock(text);
      if (known.host === hostname() && known.pid !== process.pid && isAlive(known.pid))
        throw new CommandError(
          EXIT.failed,
          `another backup (process ${known.pid}) is writing to '${folder}': wait for it`,
        );
      earlier = known;
    }
    const lock = new BackupLock(files, path, earlier);
    await lock.note(earlier);
    return lock;
  }

  async note({ url, snapshot }: LockNote): Promise<void> {
    const text = JSON.stringify({ pid: process.pid, host: hostname(), url, snapshot });
    const temporary = `${this.#path}.tmp`;
    if ((await this.#files.stat(temporary)) !== undefined) await this.#files.remove(temporary);
    const file = await this.#files.open(temporary, 'create');
    await file.write(Buffer.from(`${text}\n`), 0);
    await file.close();
    await this.#files.rename(temporary, this.#path);
  }

  /**
   * A killed backup's snapshot holds disk space on the server until somebody removes it. Names are
   * unique, so the server of this run is asked first: it may have another address by now. Resolves
   * to what must be told where it cannot be removed.
   */
  async removeSnapshotOfEarlierRun(
    server: Partial<Server> & Pick<Server, 'headers'>,
  ): Promise<string | undefined> {
    const { url: earlier, snapshot } = this.#earlier;
    if (earlier === undefined || snapshot === undefined) return undefined;
    try {
      await removeSnapshot({ base: earlier, ...server }, snapshot);
      return undefined;
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      return `snapshot ${snapshot} of a backup that did not end is left on ${earlier}: remove it`;
    }
  }

  async release(): Promise<void> {
    const text = Buffer.from(await this.#files.readWhole(this.#path, 65_536)).toString();
    // A snapshot that could not be removed is the next run's to remove.
    if (parseLock(text).snapshot === undefined) await this.#files.remove(this.#path);
  }
}

function parseLock(text: string): LockNote & { readonly pid: number; readonly host: string } {
  try {
    return JSON.parse(text) as LockNote & { readonly pid: number; readonly host: string };
  } catch {
    // Torn by a power cut: nobody holds it.
    return { pid: 0, host: '' };
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
