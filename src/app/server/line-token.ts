// The token that listeners for lines are bound to, from the file of `--line-token-file`: read at
// the start, and again whenever the file has changed. One that cannot be read any more leaves the
// token before in place; what it is worth is asked at each write.
import { readFile } from 'node:fs/promises';
import { LINE_TOKEN_FILE_MS } from '../../frontends/lines/limits.ts';
import { errorMessage } from '../../stdx/assert.ts';
import type { Scheduler } from '../../stdx/scheduler.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { parseToken } from '../../tenancy/token.ts';
import { SettingError } from '../settings/kinds.ts';

interface LineTokenParts {
  readonly scheduler: Scheduler;
  readonly logger: Logger;
}

export class LineToken {
  readonly #parts: LineTokenParts;
  readonly #path: string;
  #token: string;
  /** Said once. */
  #complaint = '';
  #cancel: () => void = () => undefined;
  #isOver = false;

  private constructor(parts: LineTokenParts, path: string, token: string) {
    this.#parts = parts;
    this.#path = path;
    this.#token = token;
    this.#lookLater();
  }

  /** Rejects with SettingError where the file holds no token. */
  static async open(parts: LineTokenParts, path: string): Promise<LineToken> {
    return new LineToken(parts, path, await readToken(path));
  }

  get token(): string {
    return this.#token;
  }

  close(): void {
    this.#isOver = true;
    this.#cancel();
  }

  #lookLater(): void {
    if (this.#isOver) return;
    this.#cancel = this.#parts.scheduler.after(LINE_TOKEN_FILE_MS, () => {
      void this.#lookAgain().finally(() => this.#lookLater());
    });
  }

  async #lookAgain(): Promise<void> {
    const { logger } = this.#parts;
    try {
      const token = await readToken(this.#path);
      this.#complaint = '';
      if (token === this.#token) return;
      this.#token = token;
      logger.info('lines have another token', { path: this.#path });
    } catch (error) {
      const reason = errorMessage(error);
      if (reason !== this.#complaint)
        logger.error('the token of lines cannot be read, the one before stays', { reason });
      this.#complaint = reason;
    }
  }
}

async function readToken(path: string): Promise<string> {
  let text: string;
  try {
    text = (await readFile(path, 'utf8')).trim();
  } catch (error) {
    const message = `--line-token-file: cannot read ${path}: ${errorMessage(error)}`;
    throw new SettingError(message, { cause: error });
  }
  if (parseToken(text) === undefined)
    throw new SettingError(`--line-token-file: ${path} holds no token (orr_ID_SECRET)`);
  return text;
}
