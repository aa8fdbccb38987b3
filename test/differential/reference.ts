// The newest Prometheus that ../shared/peers/install.sh builds, started as a receiver of remote
// write with everything experimental in PromQL switched on, and Orrery beside it.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startOrrery } from '../apptest/harness.ts';
import { TestProcess, freePort } from '../support/processes.ts';

const INSTALL = join(import.meta.dirname, '../../../shared/peers/install.sh');
const FEATURES = [
  'promql-experimental-functions',
  'promql-extended-range-selectors',
  'promql-binop-fill-modifiers',
  'use-start-timestamps',
  'exemplar-storage',
  'search-api',
  'promql-per-step-stats',
];
const INSTALL_TIMEOUT_MS = 1_200_000;
const READY_TIMEOUT_MS = 60_000;

export interface BothServers {
  readonly reference: string;
  readonly orrery: string;
  end(): Promise<void>;
}

/** Path of the reference; builds it where it is not there, which takes some minutes. */
export async function referenceProgram(): Promise<string> {
  const work = process.env['PEERS_WORK'] ?? join(tmpdir(), 'peers-work');
  const program = join(process.env['PEERS_BIN'] ?? join(work, 'bin'), 'prometheus');
  if (existsSync(program)) return program;
  try {
    await promisify(execFile)('bash', [INSTALL, 'prometheus'], { timeout: INSTALL_TIMEOUT_MS });
  } catch (error) {
    const how = 'set PEERS_BIN to its folder, or ORRERY_SOAK_PEERS=omit to do without in the soak';
    throw new Error(`no Prometheus at ${program}, and it cannot be built: ${how}`, {
      cause: error,
    });
  }
  return program;
}

export async function startBoth(): Promise<BothServers> {
  const program = await referenceProgram();
  const folder = await mkdtemp(join(tmpdir(), 'orrery-differential-'));
  const orrery = await startOrrery(['--no-collect']);
  const port = await freePort();
  await writeFile(
    join(folder, 'p.yml'),
    'global: { scrape_interval: 1h }\nstorage: { tsdb: { out_of_order_time_window: 1d } }\n',
  );
  const prometheus = new TestProcess(
    program,
    [
      '--config.file=p.yml',
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-remote-write-receiver',
      '--web.remote-write-receiver.accepted-protobuf-messages=prometheus.WriteRequest',
      '--web.remote-write-receiver.accepted-protobuf-messages=io.prometheus.write.v2.Request',
      `--enable-feature=${FEATURES.join(',')}`,
      '--query.lookback-delta=5m',
      '--log.level=warn',
    ],
    folder,
  );
  const end = async (): Promise<void> => {
    await prometheus.end('SIGKILL');
    await orrery.stop();
    await rm(folder, { recursive: true, force: true });
  };
  const reference = `http://127.0.0.1:${port}`;
  try {
    await prometheus.untilAnswers(`${reference}/-/ready`, READY_TIMEOUT_MS);
  } catch (error) {
    await end();
    throw error;
  }
  return { reference, orrery: orrery.url, end };
}
