// The listeners for lines (Graphite, OpenTSDB's telnet, InfluxDB's), as settings ask for them:
// opened together, drained together. Loaded only where there is one.
import type { Socket } from 'node:net';
import type { Ingest } from '../../ingest/ingest.ts';
import type { RefusedLines } from '../../ingest/refused-lines.ts';
import { openGraphite } from '../../frontends/graphite/session.ts';
import { INFLUX_LINES, openInfluxLines } from '../../frontends/influx/lines.ts';
import { bucketOf } from '../../frontends/influx/target.ts';
import { openTelnet } from '../../frontends/opentsdb/telnet.ts';
import { DatagramServer } from '../../frontends/lines/datagram-server.ts';
import { lineMetrics } from '../../frontends/lines/line-metrics.ts';
import type { LineMetrics } from '../../frontends/lines/line-metrics.ts';
import { LineServer } from '../../frontends/lines/line-server.ts';
import type { OpenSession } from '../../frontends/lines/line-session.ts';
import { RefusalPace } from '../../frontends/http/refusal-pace.ts';
import type { LineDependencies } from '../../frontends/lines/write-lines.ts';
import { errorMessage, FatalError } from '../../stdx/assert.ts';
import type { Clock } from '../../stdx/clock.ts';
import type { Scheduler } from '../../stdx/scheduler.ts';
import type { Authenticator } from '../../tenancy/authenticator.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { MetricsRegistry } from '../../telemetry/registry.ts';
import { address as addressKind } from '../settings/kinds.ts';
import type { Address } from '../settings/kinds.ts';
import type { Settings } from '../settings/flags.ts';
import { LineToken } from './line-token.ts';

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
  readonly onLimited: LineDependencies['onLimited'];
  /** Serves a connection that speaks HTTP. */
  readonly acceptHttp: (connection: Socket) => void;
}

export interface LineListeners {
  /** Where each listens, by its flag. */
  readonly addresses: Readonly<Record<string, string>>;
  drain(graceMs: number): Promise<void>;
}

type Drain = (graceMs: number) => Promise<void>;

interface BoundParts extends LineListenersParts {
  readonly boundToken: () => string | undefined;
  /** Of all listeners. */
  readonly pace: RefusalPace;
}

/** What a listener gets to start with, and where it puts how it ends. */
interface Started {
  readonly metrics: LineMetrics;
  readonly drains: Drain[];
}

async function listening<T>(flag: string, wanted: Address, listen: () => Promise<T>): Promise<T> {
  try {
    return await listen();
  } catch (error) {
    const where = addressKind.print(wanted);
    throw new FatalError(`--${flag}: cannot listen on ${where}: ${errorMessage(error)}`);
  }
}

/** Telnet and HTTP on one port. */
async function startTelnet(
  parts: BoundParts,
  wanted: Address,
  { metrics, drains }: Started,
): Promise<string> {
  const { scheduler, acceptHttp } = parts;
  const open = openTelnet(parts, metrics);
  const streams = new LineServer({ open, scheduler, metrics, acceptHttp });
  const { port } = await listening('opentsdb-telnet', wanted, () => streams.listen(wanted));
  drains.push((graceMs) => streams.drain(graceMs));
  return addressKind.print({ ...wanted, port });
}

/** TCP and UDP on one port; adds to `drains` as soon as something listens. */
async function startGraphite(
  parts: BoundParts,
  wanted: Address,
  { metrics, drains }: Started,
): Promise<string> {
  const { registry, scheduler } = parts;
  const nanLines = registry
    .counter({
      name: 'orrery_graphite_nan_lines_total',
      help: 'Graphite lines whose value is NaN, which store nothing.',
    })
    .labels();
  const open = openGraphite({ ...parts, nanLines }, metrics);
  const streams = new LineServer({ open, scheduler, metrics });
  const datagrams = new DatagramServer({ open, scheduler, metrics });
  const { port } = await listening('graphite', wanted, () => streams.listen(wanted));
  drains.push((graceMs) => streams.drain(graceMs));
  const address = { ...wanted, port };
  await listening('graphite', address, () => datagrams.listen(address));
  drains.push((graceMs) => datagrams.drain(graceMs));
  return addressKind.print(address);
}

function openInflux(parts: BoundParts, metrics: LineMetrics): OpenSession {
  const { influxLinesDb, influxLinesPrecision: precision } = parts.settings;
  return openInfluxLines(parts, metrics, { ...bucketOf(influxLinesDb), precision });
}

async function startInfluxTcp(
  parts: BoundParts,
  wanted: Address,
  { metrics, drains }: Started,
): Promise<string> {
  const { scheduler } = parts;
  const open = openInflux(parts, metrics);
  const streams = new LineServer({ open, scheduler, metrics, rules: INFLUX_LINES });
  const { port } = await listening('influx-tcp', wanted, () => streams.listen(wanted));
  drains.push((graceMs) => streams.drain(graceMs));
  return addressKind.print({ ...wanted, port });
}

async function startInfluxUdp(
  parts: BoundParts,
  wanted: Address,
  { metrics, drains }: Started,
): Promise<string> {
  const { scheduler } = parts;
  const open = openInflux(parts, metrics);
  const datagrams = new DatagramServer({ open, scheduler, metrics, rules: INFLUX_LINES });
  const { port } = await listening('influx-udp', wanted, () => datagrams.listen(wanted));
  drains.push((graceMs) => datagrams.drain(graceMs));
  return addressKind.print({ ...wanted, port });
}

export async function startLineListeners(given: LineListenersParts): Promise<LineListeners> {
  const { graphite, opentsdbTelnet, influxTcp, influxUdp, lineTokenFile } = given.settings;
  const bound =
    lineTokenFile === undefined ? undefined : await LineToken.open(given, lineTokenFile);
  const parts: BoundParts = {
    ...given,
    boundToken: () => bound?.token,
    pace: new RefusalPace(),
  };
  const metricsOf = lineMetrics(parts.registry);
  const addresses: Record<string, string> = {};
  const drains: Drain[] = [];
  const drain: Drain = async (graceMs) => {
    await Promise.all(drains.map((one) => one(graceMs)));
    bound?.close();
  };
  try {
    if (graphite !== undefined) {
      const started = { metrics: metricsOf('graphite'), drains };
      addresses['graphite'] = await startGraphite(parts, graphite, started);
    }
    if (opentsdbTelnet !== undefined) {
      const started = { metrics: metricsOf('opentsdb-telnet'), drains };
      addresses['opentsdb-telnet'] = await startTelnet(parts, opentsdbTelnet, started);
    }
    if (influxTcp !== undefined) {
      const started = { metrics: metricsOf('influx'), drains };
      addresses['influx-tcp'] = await startInfluxTcp(parts, influxTcp, started);
    }
    if (influxUdp !== undefined) {
      const started = { metrics: metricsOf('influx'), drains };
      addresses['influx-udp'] = await startInfluxUdp(parts, influxUdp, started);
    }
  } catch (error) {
    await drain(0);
    throw error;
  }
  return { addresses, drain };
}
