/** Limits that a tenant came to: who did first, and the rules that would stop it, to be tried. */
import type { ReactNode } from 'react';
import { listBreaches, type Breach, type BreachSeries } from '../api/breaches.ts';
import { relabelRules } from '../api/client.ts';
import { useAction } from '../hooks/use-action.ts';
import { useRequest } from '../hooks/use-request.ts';
import { visible } from '../util/labels.ts';
import { withRules } from '../util/relabel-rules.ts';
import { formatTime } from '../util/time.ts';
import { StatusSection } from './status-section.tsx';

interface LimitBreachesProps {
  readonly nowMs: number;
  /** Default: the reader's own. */
  readonly tenant?: string;
  /** Rules and labels for the debugger; without it they are only shown. */
  readonly onTry?: (rules: string, labels: string) => void;
}

const HEIGHT_PX = 80;

export function LimitBreaches({ nowMs, tenant, onTry }: LimitBreachesProps): ReactNode {
  const { data, error } = useRequest(String(nowMs), `breaches ${tenant}`, async (signal) =>
    listBreaches(tenant, signal),
  );
  return (
    <StatusSection
      title="Limits reached"
      error={error}
      isWaiting={data === undefined && error === undefined}
      height={HEIGHT_PX}
    >
      {data?.length === 0 && (
        <p className="hint">This tenant has come to none of its limits since the server started.</p>
      )}
      {data !== undefined && data.length > 0 && (
        <ul className="breaches">
          {data.map((breach) => (
            <BreachItem key={keyOf(breach)} breach={breach} onTry={onTry} />
          ))}
        </ul>
      )}
    </StatusSection>
  );
}

function keyOf({ limit, kind, series, first_at: firstAt }: Breach): string {
  return JSON.stringify([limit, kind, series?.metric, firstAt]);
}

interface BreachItemProps {
  readonly breach: Breach;
  readonly onTry: LimitBreachesProps['onTry'] | undefined;
}

function BreachItem({ breach, onTry }: BreachItemProps): ReactNode {
  const { limit, at_most: atMost, value, kind, count, first, series } = breach;
  const isRefused = kind === 'refused';
  const many = count.toLocaleString('en');
  return (
    <li>
      <p>
        <strong className={isRefused ? 'is-bad' : undefined}>{visible(limit)}</strong>{' '}
        {isRefused ? `refused ${many} ${count === 1 ? 'time' : 'times'}` : 'is near'}:{' '}
        <span className="num">{value.toLocaleString('en')}</span> of{' '}
        <span className="num">{atMost.toLocaleString('en')}</span>{' '}
        <meter
          min={0}
          max={atMost}
          high={0.8 * atMost}
          value={value}
          aria-label={`Use of ${limit}`}
        />
      </p>
      <p className="hint">
        First {formatTime(Date.parse(breach.first_at), 'local')}
        {first !== null && `, ${originOf(first)}`}; last{' '}
        {formatTime(Date.parse(breach.last_at), 'local')}.
      </p>
      {series !== null && (
        <Blame series={series} labels={typedLabels(first?.labels ?? [])} onTry={onTry} />
      )}
    </li>
  );
}

function originOf({ protocol, peer, token }: NonNullable<Breach['first']>): string {
  const from = peer === '' ? '' : ` from ${visible(peer)}`;
  return `by ${visible(protocol)}${from}${token === '' ? '' : ` with token ${visible(token)}`}`;
}

/** As the debugger's field takes them, one a line. */
function typedLabels(labels: readonly { name: string; value: string }[]): string {
  return labels.map(({ name, value }) => `${name}=${value}`).join('\n');
}

interface BlameProps {
  readonly series: BreachSeries;
  readonly labels: string;
  readonly onTry: LimitBreachesProps['onTry'] | undefined;
}

function Blame({ series, labels, onTry }: BlameProps): ReactNode {
  const { metric, label, values, rules } = series;
  const what =
    label === ''
      ? `Series of ${visible(metric)} were refused.`
      : `Label ${visible(label)} of ${visible(metric)} had ${values.toLocaleString('en')} or more values. These rules would stop it:`;
  return (
    <>
      <p>{what}</p>
      <pre className="rules" tabIndex={0} role="region" aria-label="Proposed rules">
        {rules.split('\n').map(visible).join('\n')}
      </pre>
      {onTry !== undefined && <TryRules rules={rules} labels={labels} onTry={onTry} />}
    </>
  );
}

interface TryRulesProps {
  readonly rules: string;
  readonly labels: string;
  readonly onTry: NonNullable<LimitBreachesProps['onTry']>;
}

function TryRules({ rules, labels, onTry }: TryRulesProps): ReactNode {
  const { said, run } = useAction(() => undefined);
  const tryThem = async (): Promise<void> => {
    onTry(withRules((await relabelRules()).config, rules), labels);
  };
  return (
    <p className="put-rules">
      <button type="button" className="button" onClick={() => run(tryThem, 'Tried below.')}>
        Try these rules
      </button>{' '}
      <span className="hint" role="status">
        {said}
      </span>
    </p>
  );
}
