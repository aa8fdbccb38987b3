/** What a tenant used: charts by the hour, sums by token and protocol. */
import { useState, type ReactNode } from 'react';
import { tenantUsage, type UsageRow } from '../api/usage.ts';
import { useNow } from '../hooks/use-now.ts';
import { useRequest } from '../hooks/use-request.ts';
import { Swatch } from '../ui/swatch.tsx';
import { visible } from '../util/labels.ts';
import type { ChartData, Grid } from '../util/series.ts';
import { NO_UNIT, formatValue, type Unit } from '../util/unit.ts';
import { HOUR_SEC, hoursGrid, keptByHour, usageSums, usedByHour } from '../util/usage.ts';
import { Chart } from './chart.tsx';
import { StatusSection } from './status-section.tsx';

const HEIGHT_PX = 240;
const CHART_HEIGHT_PX = 132;
const LOOK_EVERY_SEC = 60;
const BYTES: Unit = { base: 'bytes', perSec: false };

const RANGES = [
  { days: 1, name: '24 hours' },
  { days: 7, name: '7 days' },
  { days: 31, name: '31 days' },
] as const;

export function TenantUsage({ tenant }: { readonly tenant: string }): ReactNode {
  const [days, setDays] = useState(1);
  const { nowMs } = useNow(LOOK_EVERY_SEC);
  const grid = hoursGrid(nowMs / 1000, days);
  const { data, error } = useRequest(
    JSON.stringify([grid, Math.floor(nowMs / 1000 / LOOK_EVERY_SEC)]),
    `${tenant} ${days}`,
    async (signal) =>
      tenantUsage(tenant, { fromSec: grid.startSec, toSec: grid.endSec + HOUR_SEC }, signal),
  );
  return (
    <StatusSection
      title="Use"
      note={<Ranges days={days} onDays={setDays} />}
      error={error}
      isWaiting={data === undefined && error === undefined}
      height={HEIGHT_PX}
    >
      {data?.length === 0 && <p className="hint">Nobody used anything of it in this time.</p>}
      {data !== undefined && data.length > 0 && (
        <>
          <div className="panels">
            <Used title="Points written an hour" rows={data} field="points_written" grid={grid} />
            <Used title="Points read an hour" rows={data} field="points_read" grid={grid} />
            <Kept title="Active series" rows={data} field="active_series" grid={grid} />
            <Kept title="Bytes stored" rows={data} field="bytes_stored" grid={grid} />
          </div>
          <Sums rows={data} />
        </>
      )}
    </StatusSection>
  );
}

interface RangesProps {
  readonly days: number;
  readonly onDays: (days: number) => void;
}

function Ranges({ days, onDays }: RangesProps): ReactNode {
  return (
    <label>
      <span className="visually-hidden">Time of use</span>
      <select value={days} onChange={(event) => onDays(Number(event.target.value))}>
        {RANGES.map((range) => (
          <option key={range.days} value={range.days}>
            {range.name}
          </option>
        ))}
      </select>
    </label>
  );
}

interface ChartPartProps {
  readonly title: string;
  readonly rows: readonly UsageRow[];
  readonly grid: Grid;
}

function Used(
  props: ChartPartProps & { readonly field: 'points_written' | 'points_read' },
): ReactNode {
  const { title, rows, field, grid } = props;
  return <UsageChart title={title} data={usedByHour(rows, field, grid)} grid={grid} />;
}

function Kept(
  props: ChartPartProps & { readonly field: 'active_series' | 'bytes_stored' },
): ReactNode {
  const { title, rows, field, grid } = props;
  const unit = field === 'bytes_stored' ? BYTES : NO_UNIT;
  return <UsageChart title={title} data={keptByHour(rows, field, grid)} grid={grid} unit={unit} />;
}

interface UsageChartProps {
  readonly title: string;
  readonly data: ChartData;
  readonly grid: Grid;
  readonly unit?: Unit;
}

function UsageChart({ title, data, grid, unit = NO_UNIT }: UsageChartProps): ReactNode {
  const { series } = data;
  return (
    <section className="panel" aria-label={title}>
      <header className="panel-head">
        <h3>{title}</h3>
      </header>
      <div className="panel-body" style={{ height: CHART_HEIGHT_PX }}>
        {series.length === 0 ? (
          <p className="panel-empty">Nothing in this time</p>
        ) : (
          <Chart
            title={title}
            data={data}
            startSec={grid.startSec}
            endSec={grid.endSec}
            unit={unit}
            zone="local"
            height={CHART_HEIGHT_PX}
            fromZero
            syncKey="usage"
            onZoom={() => undefined}
          />
        )}
      </div>
      <ul className="panel-legend" aria-label={`${title}, last hour`}>
        {series.map((entry) => (
          <li key={entry.key}>
            <Swatch style={entry.style} />
            <span className="panel-name">{visible(entry.name)}</span>
            <span className="num">
              {entry.stats === undefined ? '–' : formatValue(entry.stats.last, unit)}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Sums({ rows }: { readonly rows: readonly UsageRow[] }): ReactNode {
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label="Use by token and protocol">
      <table>
        <thead>
          <tr>
            <th scope="col">Token</th>
            <th scope="col">Protocol</th>
            <th scope="col" className="num">
              Points written
            </th>
            <th scope="col" className="num">
              Points read
            </th>
            <th scope="col" className="num">
              Requests
            </th>
          </tr>
        </thead>
        <tbody>
          {usageSums(rows).map(({ token, protocol, written, read, requests }) => (
            <tr key={`${token} ${protocol}`}>
              <td>
                {token === '' ? <span className="hint">without a token</span> : visible(token)}
              </td>
              <td>{visible(protocol)}</td>
              <td className="num">{written.toLocaleString('en')}</td>
              <td className="num">{read.toLocaleString('en')}</td>
              <td className="num">{requests.toLocaleString('en')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
