// `orrery serve`: settings → storage → doors → signals. Everything that can be wrong before the
// first byte is stored ends in one sentence and an exit code; afterwards SIGTERM and SIGINT drain,
// a second one ends at once, and a broken environment is logged and ends with 1.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage, FatalError } from '../../stdx/assert.ts';
import { createLogger } from '../../telemetry/logger.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { MetricsRegistry } from '../../telemetry/registry.ts';
import { checkBuilt, PROJECT_ROOT } from '../build-stamp.ts';
import { EXIT, EXIT_HELP } from '../exit-codes.ts';
import { realClock } from '../real/clock.ts';
import { realFiles } from '../real/files.ts';
import { killProbe } from '../real/kill-probe.ts';
import { loadKernels } from '../real/kernels.ts';
import {
  collectSeldom,
  countBuffersAsHeap,
  watchBoundMemory,
  watchIdleMemory,
} from '../real/idle-memory.ts';
import { isLittleMemory, restartForLittleMemory } from '../real/little-memory.ts';
import { realPrng } from '../real/prng.ts';
import { realScheduler } from '../real/scheduler.ts';
import { lowerHelpers } from '../real/thread-priority.ts';
import type { Settings } from '../settings/flags.ts';
import { address as addressKind, SettingError } from '../settings/kinds.ts';
import { loadSettings } from '../settings/load.ts';
import { productVersion } from '../version.ts';
import { isLoopbackAddress } from './loopback.ts';
import { wholeMemoryBytes } from './memory.ts';
import { registerProcessMetrics } from './process-metrics.ts';
import type { TlsKeeper } from './tls-keys.ts';

/** What cannot start, in one sentence. */
class StartError extends Error {
  readonly exitCode: number;
  constructor(exitCode: number, message: string, options?: { cause: unknown }) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** Runs the server until a signal ends it; sets the exit code. */
export async function runServer(args: readonly string[]): Promise<void> {
  const rest = args[0] === 'serve' ? args.slice(1) : args;
  if (rest.includes('--version')) return void process.stdout.write(`orrery ${productVersion()}\n`);
  if (rest.includes('--help') || rest.includes('-h')) {
    const { flagsHelp } = await import('../settings/doc.ts');
    const head = 'orrery serve: run the server.\n\nUsage: orrery serve [FLAGS]\n\n';
    return void process.stdout.write(`${head}${flagsHelp()}\n${EXIT_HELP}`);
  }
  try {
    await serve(rest);
  } catch (error) {
    const known = knownStartError(error);
    if (known === undefined) throw error;
    process.stderr.write(`orrery: ${known.message}\n`);
    process.exitCode = known.exitCode;
  }
}

function knownStartError(error: unknown): StartError | undefined {
  if (error instanceof StartError) return error;
  if (error instanceof SettingError) return new StartError(EXIT.usage, error.message);
  if (error instanceof FatalError) return new StartError(EXIT.failed, error.message);
  return undefined;
}

async function readConfig(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new SettingError(`${path}: ${errorMessage(error)}`, { cause: error });
  }
}

function makeLogger(settings: Settings): Logger {
  const { stdout } = process;
  // A reader that went away must not end the server.
  stdout.on('error', () => undefined);
  const auto = stdout.isTTY ? 'text' : 'json';
  return createLogger({
    clock: realClock,
    write: (line) => stdout.write(line),
    format: settings.logFormat === 'auto' ? auto : settings.logFormat,
    level: settings.logLevel,
  });
}

function checkStart(settings: Settings): void {
  const { http, graphite, opentsdbTelnet, influxTcp, influxUdp } = settings;
  const open = [http, graphite, opentsdbTelnet, influxTcp, influxUdp].find(
    (wanted) => wanted !== undefined && !isLoopbackAddress(wanted.host),
  );
  if (open !== undefined && settings.auth === 'open' && !settings.insecure)
    throw new StartError(
      EXIT.usage,
      `${addressKind.print(open)} is not a loopback address, and whoever reaches it could ` +
        'read and write everything: use --auth token, or --insecure if that is meant.',
    );
  const stale = checkBuilt(PROJECT_ROOT);
  if (stale !== undefined) throw new StartError(EXIT.failed, stale);
}

async function serve(args: readonly string[]): Promise<void> {
  const { settings, warnings } = await loadSettings({ args, env: process.env, readConfig });
  checkStart(settings);
  const wholeBytes = wholeMemoryBytes(settings.memoryBytes);
  const isLittle = isLittleMemory(wholeBytes);
  if (isLittle) restartForLittleMemory();
  loadKernels();
  // With little memory buffers are worth a collection early.
  if (!isLittle) {
    countBuffersAsHeap();
    collectSeldom();
  }
  lowerHelpers();
  const logger = makeLogger(settings);
  for (const warning of warnings) logger.warn(warning);
  const registry = new MetricsRegistry();
  const version = productVersion();
  registerProcessMetrics(registry, version);
  const onFatal = (error: unknown) => endFatally(logger, error);
  process.on('uncaughtException', onFatal);
  const tls = await openTls(settings, { logger, registry });
  const real = { files: realFiles, clock: realClock, scheduler: realScheduler, prng: realPrng };
  const probe = killProbe(process.env['ORRERY_TEST_KILL_AT']);
  const { openStorage } = await import('./open-storage.ts');
  const [{ defaultRelabelConfig }, { startScrapeConfig }] = await Promise.all([
    import('./relabel-config.ts'),
    import('./scrape-config.ts'),
  ]);
  const relabelConfig = await defaultRelabelConfig(realFiles, settings.relabelConfig);
  const scrapeConfig = await startScrapeConfig(realFiles, settings);
  const test = { headSnapshotLogBytes: Number(process.env['ORRERY_TEST_HEAD_LOG_BYTES']) };
  const opening = openStorage({ ...real, probe, settings, logger, registry, onFatal, test });
  // The catalog opens in a thread of its own; meanwhile this one loads the rest of the product.
  const [opened, { startOrrery }] = await Promise.all([opening, import('./orrery.ts')]);
  const webDirectory = join(PROJECT_ROOT, 'dist/web');
  const own = { settings, logger, registry, version, webDirectory, tls, onFatal };
  const parts = { ...real, ...opened, ...own, relabelConfig, scrapeConfig };
  const running = await startOrrery(parts).catch(async (error: unknown) => {
    await opened.storage.close();
    throw listenError(error, settings);
  });
  const { url, listeners } = running;
  const startMs = Math.round(performance.now());
  reloadOnHangUp(running.reload);
  // Who reads that it is ready may end it at once.
  const ending = untilSignal(logger);
  logger.info('ready', {
    url,
    ...listeners,
    version,
    data: settings.data,
    pid: process.pid,
    startMs,
  });
  const stopWatching = [
    watchIdleMemory(realScheduler),
    watchBoundMemory(realScheduler, wholeBytes),
  ];
  await ending;
  for (const stop of stopWatching) stop();
  await running.stop();
  logger.info('stopped');
}

/** Loaded only where it is asked for; what is wrong with the files ends the start. */
async function openTls(
  settings: Settings,
  told: { readonly logger: Logger; readonly registry: MetricsRegistry },
): Promise<TlsKeeper | undefined> {
  if (settings.tlsCertificatePath === undefined && settings.tlsKeyPath === undefined)
    return undefined;
  const { TlsKeeper: Keeper } = await import('./tls-keys.ts');
  return await Keeper.open(settings, { ...told, clock: realClock, scheduler: realScheduler });
}

function listenError(error: unknown, settings: Settings): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const where = addressKind.print(settings.http);
  if (code === 'EADDRINUSE')
    return new StartError(
      EXIT.failed,
      `${where} is in use by another process; choose another address with --http HOST:PORT.`,
    );
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return new StartError(EXIT.failed, `cannot listen on ${where} (${code}).`);
  return error;
}

/** Resolves at the first SIGTERM or SIGINT; a second one ends the process at once. */
function untilSignal(logger: Logger): Promise<void> {
  return new Promise((resolve) => {
    let count = 0;
    const onSignal = (signal: NodeJS.Signals): void => {
      count += 1;
      if (count > 1) process.exit(EXIT.failed);
      logger.info('stopping', { signal });
      resolve();
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}

/** Where nothing can be read again, the end of the terminal stays the end of the server. */
function reloadOnHangUp(reload: (() => Promise<void>) | undefined): void {
  if (reload === undefined) return;
  process.on('SIGHUP', () => {
    // It has been logged.
    reload().catch(() => undefined);
  });
}

/** Nothing more is acknowledged or written: what is durable is safe, the rest is unknown. */
function endFatally(logger: Logger, error: unknown): void {
  const stack = error instanceof Error ? error.stack : undefined;
  logger.error('cannot go on', { error: errorMessage(error), stack });
  process.exit(EXIT.failed);
}
