/** One write as a dry run: what each stage says, and what it would be answered. */
import type { ReactNode } from 'react';
import { explainWrite } from '../api/client.ts';
import type { DryRun as DryRunAnswer, DryStage } from '../api/types.ts';
import { useRequest } from '../hooks/use-request.ts';
import { useSettled } from '../hooks/use-settled.ts';
import { PROTOCOLS } from '../util/ingest-state.ts';
import type { IngestState } from '../util/ingest-state.ts';
import { visible, visibleLines } from '../util/labels.ts';
import { TRY_AFTER_MS } from '../util/limits.ts';
import { DryPoints } from './dry-points.tsx';
import { ErrorNote } from './error-note.tsx';
import { RelabelSteps } from './relabel-steps.tsx';
import { TextField } from './text-field.tsx';
import { Verdict } from './verdict.tsx';

type Asked = Pick<IngestState, 'protocol' | 'params' | 'body'>;

interface DryRunProps extends Asked {
  readonly onChange: (change: Partial<Asked>) => void;
}

const NAMES: Readonly<Record<string, string>> = {
  request: 'Request',
  parse: 'Parser',
  relabel: 'Relabelling',
  limits: 'Limits',
  store: 'Storage',
};

export function DryRun({ protocol, params, body, onChange }: DryRunProps): ReactNode {
  const key = useSettled(JSON.stringify([protocol, params, body]), TRY_AFTER_MS);
  const { data, error } = useRequest(body === '' ? undefined : key, protocol, async (signal) => {
    const [of, search, text] = JSON.parse(key) as [string, string, string];
    return explainWrite(of, { body: text, params: search }, signal);
  });
  return (
    <section aria-label="Dry run">
      <div className="section-head">
        <h2>Dry run</h2>
        <span className="hint">What would become of a write. Nothing is stored.</span>
      </div>
      <div className="dry-fields">
        <label>
          <span>Protocol</span>
          <select
            className="button"
            value={protocol}
            onChange={(event) => onChange({ protocol: event.target.value })}
          >
            {PROTOCOLS.map(({ name, title }) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>Parameters</span>
          <input
            type="text"
            value={params}
            placeholder="precision=ms&db=metrics"
            spellCheck={false}
            onChange={(event) => onChange({ params: event.target.value })}
          />
        </label>
      </div>
      <TextField label="Body" value={body} rows={4} onChange={(text) => onChange({ body: text })} />
      {body === '' && <p className="hint">A line or two of the write go here.</p>}
      {error !== undefined && <ErrorNote error={error} />}
      {data !== undefined && error === undefined && <Outcome run={data} />}
    </section>
  );
}

function Outcome({ run }: { readonly run: DryRunAnswer }): ReactNode {
  const { stages, answer, path, tenant } = run;
  return (
    <>
      <ol className="stages" aria-label="Stages">
        {stages.map((stage) => (
          <li key={stage.stage}>
            <span className="stage-name">{NAMES[stage.stage] ?? stage.stage}</span>
            <Verdict name={stage.verdict} />
            <div className="stage-says">
              {visible(stage.says)}
              <StageDetail stage={stage} />
            </div>
          </li>
        ))}
      </ol>
      <p>
        <code>POST {path}</code> of tenant {visible(tenant)} would be answered{' '}
        <strong>{answer.status}</strong>
        {answer.body === '' ? '.' : ':'}
      </p>
      {answer.body !== '' && (
        <pre className="dry-answer">{visibleLines(answer.body.trimEnd())}</pre>
      )}
    </>
  );
}

function StageDetail({ stage }: { readonly stage: DryStage }): ReactNode {
  const { points, series } = stage;
  if (points !== undefined) return <DryPoints points={points} />;
  if (series === undefined) return null;
  return (
    <details>
      <summary>Each rule</summary>
      {series.map((one, index) => (
        <RelabelSteps
          key={JSON.stringify(one.before)}
          steps={one.steps}
          result={one}
          label={`Steps of series ${index + 1}`}
        />
      ))}
    </details>
  );
}
