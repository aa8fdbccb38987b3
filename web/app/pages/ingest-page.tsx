/** Ingest: why is my sample not there? A dry run, what was refused, rules step by step. */
import { useEffect, useMemo, useState, type ReactNode } from 'react';
import { DryRun } from '../components/dry-run.tsx';
import { LimitBreaches } from '../components/limit-breaches.tsx';
import { RefusedRows } from '../components/refused-rows.tsx';
import { RelabelDebugger } from '../components/relabel-debugger.tsx';
import { Shell } from '../components/shell.tsx';
import { navigate } from '../hooks/use-location.ts';
import { useNow } from '../hooks/use-now.ts';
import { useSettled } from '../hooks/use-settled.ts';
import { formatIngest, parseIngest, protocolOf, type IngestState } from '../util/ingest-state.ts';
import { TRY_AFTER_MS } from '../util/limits.ts';

const REFUSED_EVERY_SEC = 5;

export function IngestPage({ search }: { readonly search: string }): ReactNode {
  const asked = useMemo(() => parseIngest(search), [search]);
  const [state, setState] = useState(asked);
  const [previewed, setPreviewed] = useState<string>();
  const { nowMs } = useNow(REFUSED_EVERY_SEC);
  // What is typed goes into the address; another address (back, a link) goes into the fields.
  const [seen, setSeen] = useState(search);
  const typed = useSettled(state, TRY_AFTER_MS);
  if (seen !== search) {
    setSeen(search);
    if (formatIngest(state) !== search) setState(asked);
  }
  useEffect(() => {
    navigate({ path: 'ingest', search: formatIngest(typed) }, { replace: true });
  }, [typed]);
  useEffect(() => {
    document.title = 'Ingest · Orrery';
  }, []);
  const change = (some: Partial<IngestState>): void => setState({ ...state, ...some });
  return (
    <Shell path="ingest" controls={null}>
      <h1>Why is my sample not there?</h1>
      <div className="status ingest">
        <DryRun
          {...state}
          onChange={(some) =>
            change(some.protocol === undefined ? some : withExample(state, some.protocol))
          }
        />
        <RefusedRows nowMs={nowMs} />
        <LimitBreaches
          nowMs={nowMs}
          onTry={(rules, labels) => {
            change({ rules, labels });
            setPreviewed(rules);
          }}
        />
        <RelabelDebugger
          previewed={previewed}
          onPreview={setPreviewed}
          labels={state.labels}
          rules={state.rules}
          onLabels={(labels) => change({ labels })}
          onRules={(rules) => change({ rules })}
        />
      </div>
    </Shell>
  );
}

/** Another protocol's example, unless something of one's own was typed. */
function withExample({ protocol, params, body }: IngestState, next: string): Partial<IngestState> {
  const [before, after] = [protocolOf(protocol), protocolOf(next)];
  return {
    protocol: next,
    body: body === before.example ? after.example : body,
    params: params === (before.params ?? '') ? (after.params ?? '') : params,
  };
}
