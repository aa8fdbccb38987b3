// The listeners for lines (Graphite, OpenTSDB's telnet), as settings ask for them: opened together,
// drained together. Loaded only where there is one.
import type { Socket } from 'node:net';
import type { Ingest } from '../../ingest/ingest.ts';
import type { RefusedLines } from '../../ingest/refused-lines.ts';
import { openGraphite } from '../../frontends/graphite/session.ts';
import { DatagramServer } from '../../frontends/lines/datagram-server.ts';
import { lineMetrics } from '../../frontends/lines/line-metrics.ts';
import { LineServer } from '../../frontends/lines/line-server.ts';
import { errorMessage, FatalError } from '../../stdx/assert.ts';
import type { Clock } from '../../stdx/clock.ts';
import type { Scheduler } from '../../stdx/scheduler.ts';
import type { Authenticator } from '../../tenancy/authenticator.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { MetricsRegistry } from '../../telemetry/registry.ts';
import { address as addressKind } from '../settings/kinds.ts';
import type { Address } from '../settings/kinds.ts';
import type { Settings } from '../settings/flags.ts';

export interface LineListenersParts {
  readonly settings: Settings;
  readonly ingest: Ingest;
  readonly refusedLines: RefusedLines;
  readonly authenticator: Authenticator;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly registry: MetricsRegistry;
  readonly onFatal: (error: unknown) => void;
  /** Serves a connection that speaks HTTP. */
  readonly acceptHttp: (connection: Socket) => void;
}

export interface LineListeners {
  /** Where each listens, by its flag. */
  readonly addresses: Readonly<Record<string, string>>;
  drain(graceMs: number): Promise<void>;
}

type Drain = (graceMs: number) => Promise<void>;

async function bound<T>(flag: string, wanted: Address, listen: () => Promise<T>): Promise<T> {
  try {
    return await listen();
  } catch (error) {
    const where = addressKind.print(wanted);
    throw new FatalError(`--${flag}: cannot listen on ${where}: ${errorMessage(error)}`);
  }
}

/** TCP and UDP on one port; adds to `drains` as soon as something listens. */
async function startGraphite(
  parts: LineListenersParts,
  wanted: Address,
  drains: Drain[],
): Promise<string> {
  const { registry, scheduler } = parts;
  const metrics = lineMetrics(registry)('graphite');
  const nanLines = registry
    .counter({
      name: 'orrery_graphite_nan_lines_total',
      help: 'Graphite lines whose value is NaN, which store nothing.',
    })
    .labels();
  const open = openGraphite({ ...parts, nanLines }, metrics);
  const streams = new LineServer({ open, scheduler, metrics });
  const datagrams = new DatagramServer({ open, scheduler, metrics });
  const { port } = await bound('graphite', wanted, () => streams.listen(wanted));
  drains.push((graceMs) => streams.drain(graceMs));
  const address = { ...wanted, port };
  await bound('graphite', address, () => datagrams.listen(address));
  drains.push((graceMs) => datagrams.drain(graceMs));
  return addressKind.print(address);
}

export async function startLineListeners(parts: LineListenersParts): Promise<LineListeners> {
  const { graphite } = parts.settings;
  const addresses: Record<string, string> = {};
  const drains: Drain[] = [];
  const drain: Drain = async (graceMs) =>
    void (await Promise.all(drains.map((one) => one(graceMs))));
  try {
    if (graphite !== undefined)
      addresses['graphite'] = await startGraphite(parts, graphite, drains);
  } catch (error) {
    await drain(0);
    throw error;
  }
  return { addresses, drain };
}
