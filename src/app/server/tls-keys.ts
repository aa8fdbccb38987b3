// Certificate and private key of the HTTP listener: read, checked with sentences an operator can
// act on, and read again when a file changes. Two files are never replaced at once, so a pair that
// does not fit is no news but a reason to look again; the pair that was good stays until then.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { TlsKeys } from '../../frontends/http/server.ts';
import { errorMessage } from '../../stdx/assert.ts';
import type { Clock } from '../../stdx/clock.ts';
import type { Scheduler } from '../../stdx/scheduler.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { MetricsRegistry } from '../../telemetry/registry.ts';
import { FLAGS } from '../settings/flags.ts';
import type { Settings } from '../settings/flags.ts';
import { SettingError } from '../settings/kinds.ts';

/** How often the files are looked at. */
const LOOK_INTERVAL_MS = 2_000;
const FILE_BYTES_MAX = 1024 * 1024;

interface Paths {
  readonly certificate: string;
  readonly key: string;
}

interface Pair {
  readonly keys: TlsKeys;
  /** When the certificate is not good any more. */
  readonly endMs: number;
}

export interface TlsKeeperParts {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly registry: MetricsRegistry;
}

export class TlsKeeper {
  readonly #parts: TlsKeeperParts;
  readonly #paths: Paths;
  #pair: Pair;
  /** What the files looked like when they were read last. */
  #look: string;
  /** What was said last about files that do not fit. */
  #complaint = '';

  private constructor(parts: TlsKeeperParts, paths: Paths, { pair, look }: ReadPair) {
    this.#parts = parts;
    this.#paths = paths;
    this.#pair = pair;
    this.#look = look;
    this.#warnOfEnd();
    parts.registry.collect(
      {
        name: 'orrery_tls_certificate_expiry_timestamp_seconds',
        help: 'When the certificate of the HTTPS listener expires.',
        type: 'gauge',
      },
      () => [[[], this.#pair.endMs / 1000]],
    );
  }

  /** undefined where the settings ask for no TLS. Rejects with SettingError. */
  static async open(settings: Settings, parts: TlsKeeperParts): Promise<TlsKeeper | undefined> {
    const paths = pathsOf(settings);
    return paths && new TlsKeeper(parts, paths, await readPair(paths));
  }

  get keys(): TlsKeys {
    return this.#pair.keys;
  }

  /** Calls `onChange` with every further pair that fits; ends with the returned function. */
  watch(onChange: (keys: TlsKeys) => void): () => void {
    const { scheduler } = this.#parts;
    let isOver = false;
    let cancel: (() => void) | undefined;
    const next = (): void => {
      cancel = scheduler.after(LOOK_INTERVAL_MS, () => {
        void this.#lookAgain(onChange).finally(() => {
          if (!isOver) next();
        });
      });
    };
    next();
    return () => {
      isOver = true;
      cancel?.();
    };
  }

  async #lookAgain(onChange: (keys: TlsKeys) => void): Promise<void> {
    const { logger } = this.#parts;
    let look: string | undefined;
    try {
      look = await lookOf(this.#paths);
      if (look === this.#look) return;
      const read = await readPair(this.#paths);
      onChange(read.pair.keys);
      this.#look = read.look;
      this.#pair = read.pair;
      logger.info('TLS certificate and key renewed', { expires: dateOf(read.pair.endMs) });
      this.#warnOfEnd();
    } catch (error) {
      // Said once for what the files look like now; they are looked at until they fit.
      const seen = `${look ?? ''} ${errorMessage(error)}`;
      if (seen !== this.#complaint)
        logger.error('TLS files changed, the pair before stays in use', {
          reason: errorMessage(error),
        });
      this.#complaint = seen;
    }
  }

  #warnOfEnd(): void {
    const { endMs } = this.#pair;
    if (endMs > this.#parts.clock.nowMs()) return;
    this.#parts.logger.warn('the TLS certificate has expired', { expired: dateOf(endMs) });
  }
}

/** Rejects with SettingError where a server could not start with the files of these settings. */
export async function checkTlsFiles(settings: Settings): Promise<void> {
  const paths = pathsOf(settings);
  if (paths !== undefined) await readPair(paths);
}

interface ReadPair {
  readonly pair: Pair;
  readonly look: string;
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString();
}

function pathsOf({ tlsCertificatePath, tlsKeyPath }: Settings): Paths | undefined {
  const { tlsCertificatePath: certificateFlag, tlsKeyPath: keyFlag } = FLAGS;
  if (tlsCertificatePath === undefined && tlsKeyPath === undefined) return undefined;
  if (tlsCertificatePath !== undefined && tlsKeyPath !== undefined)
    return { certificate: tlsCertificatePath, key: tlsKeyPath };
  const [given, missing] =
    tlsKeyPath === undefined ? [certificateFlag, keyFlag] : [keyFlag, certificateFlag];
  throw new SettingError(`--${given.flag} needs --${missing.flag} as well`);
}

async function lookOf(paths: Paths): Promise<string> {
  const looks = await Promise.all(
    [paths.certificate, paths.key].map(async (path) => {
      const { mtimeMs, size, ino } = await stat(path);
      return `${mtimeMs} ${size} ${ino}`;
    }),
  );
  return looks.join(' ');
}

async function readPair(paths: Paths): Promise<ReadPair> {
  const certificate = await readText(FLAGS.tlsCertificatePath.flag, paths.certificate);
  const key = await readText(FLAGS.tlsKeyPath.flag, paths.key);
  // A file that is replaced from here on looks different the next time.
  const look = await lookOf(paths);
  const first = parseCertificate(certificate, paths);
  if (!first.checkPrivateKey(parseKey(key, paths)))
    throw new SettingError(
      `the private key in ${paths.key} is not the one of the certificate in ${paths.certificate}; ` +
        "the server's own certificate comes first in its file",
    );
  try {
    createSecureContext({ cert: certificate, key });
  } catch (error) {
    const message = `${paths.certificate} and ${paths.key} cannot be used: ${errorMessage(error)}`;
    throw new SettingError(message, { cause: error });
  }
  return { pair: { keys: { certificate, key }, endMs: Date.parse(first.validTo) }, look };
}

async function readText(flag: string, path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > FILE_BYTES_MAX)
      throw new SettingError(`--${flag}: ${path} has ${size} bytes, at most ${FILE_BYTES_MAX}`);
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof SettingError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const reason =
      code === 'ENOENT'
        ? `there is no file "${path}"`
        : `cannot read ${path}: ${errorMessage(error)}`;
    const message = `--${flag}: ${reason}`;
    throw new SettingError(message, { cause: error });
  }
}

function parseCertificate(text: string, { certificate: path }: Paths): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch (error) {
    const message = `--${FLAGS.tlsCertificatePath.flag}: ${path} holds no certificate in PEM form`;
    throw new SettingError(message, { cause: error });
  }
}

function parseKey(text: string, { key: path }: Paths): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    const isEncrypted = code === 'ERR_MISSING_PASSPHRASE' || text.includes('ENCRYPTED');
    const what = isEncrypted
      ? 'is encrypted; a key without a passphrase is expected'
      : 'holds no private key in PEM form';
    throw new SettingError(`--${FLAGS.tlsKeyPath.flag}: ${path} ${what}`, { cause: error });
  }
}
