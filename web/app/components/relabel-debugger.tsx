/** Labels and rules as they are typed, and each rule at work on them. Nothing is stored. */
import { useId, useState, type ReactNode } from 'react';
import { debugRelabel, putRelabelRules, relabelRules } from '../api/client.ts';
import type { RelabelRules } from '../api/types.ts';
import { useRequest } from '../hooks/use-request.ts';
import { useSettled } from '../hooks/use-settled.ts';
import { TRY_AFTER_MS } from '../util/limits.ts';
import { parseTypedLabels } from '../util/typed-labels.ts';
import { RelabelPreview } from './relabel-preview.tsx';
import { RelabelSteps } from './relabel-steps.tsx';
import { StatusSection } from './status-section.tsx';
import { TextField } from './text-field.tsx';

interface RelabelDebuggerProps {
  readonly labels: string;
  /** undefined: those in force. */
  readonly rules: string | undefined;
  /** Rules whose preview was asked for. */
  readonly previewed: string | undefined;
  readonly onPreview: (rules: string) => void;
  readonly onLabels: (labels: string) => void;
  readonly onRules: (rules: string) => void;
}

const HEIGHT_PX = 240;
const RULES_EXAMPLE = '- source_labels: [env]\n  regex: dev\n  action: drop';

export function RelabelDebugger(props: RelabelDebuggerProps): ReactNode {
  const { labels, onLabels, onRules } = props;
  const faultId = useId();
  const [round, setRound] = useState(0);
  const inForce = useRequest(String(round), 'rules', relabelRules);
  const rules = props.rules ?? inForce.data?.config;
  const settled = useSettled(labels, TRY_AFTER_MS);
  const settledRules = useSettled(rules, TRY_AFTER_MS);
  const typed = parseTypedLabels(settled);
  const isKnown = settledRules !== undefined && typed.labels !== undefined;
  const debug = useRequest(
    isKnown ? JSON.stringify([settledRules, typed.labels]) : undefined,
    'debug',
    async (signal) => debugRelabel(settledRules ?? '', typed.labels ?? {}, signal),
  );
  const isWrong = typed.problem !== undefined || debug.error !== undefined;
  return (
    <StatusSection
      title="Relabelling"
      note={inForce.data && <InForce rules={inForce.data} />}
      error={inForce.error}
      isWaiting={inForce.data === undefined && inForce.error === undefined}
      height={HEIGHT_PX}
    >
      {rules !== undefined && (
        <>
          <div className="fields">
            <TextField
              label="Rules"
              value={rules}
              rows={10}
              placeholder={RULES_EXAMPLE}
              faultId={debug.error === undefined ? undefined : faultId}
              onChange={onRules}
            />
            <TextField
              label="Labels"
              value={labels}
              rows={10}
              placeholder={'up\njob=node'}
              faultId={typed.problem === undefined ? undefined : faultId}
              onChange={onLabels}
            />
          </div>
          {isWrong && (
            <p className="is-bad fault" id={faultId} role="alert">
              {typed.problem ?? debug.error?.message}
            </p>
          )}
          {debug.data !== undefined && debug.error === undefined && (
            <RelabelSteps steps={debug.data.steps} result={debug.data.result} label="Steps" />
          )}
          <RelabelPreview
            rules={rules}
            asked={props.previewed}
            onAsk={props.onPreview}
            isDisabled={debug.error !== undefined}
          />
          <PutRules
            rules={rules}
            isChanged={rules !== inForce.data?.config && !isWrong}
            onPut={() => setRound(round + 1)}
          />
        </>
      )}
    </StatusSection>
  );
}

function InForce({ rules }: { readonly rules: RelabelRules }): ReactNode {
  const { source, ruleCount, version, tenant } = rules;
  if (source === 'none') return `Tenant ${tenant} has no rules.`;
  const whose = source === 'tenant' ? `of tenant ${tenant}, version ${version}` : 'for all tenants';
  return `In force: ${ruleCount} ${ruleCount === 1 ? 'rule' : 'rules'} ${whose}.`;
}

interface PutRulesProps {
  readonly rules: string;
  readonly isChanged: boolean;
  readonly onPut: () => void;
}

function PutRules({ rules, isChanged, onPut }: PutRulesProps): ReactNode {
  const [said, setSaid] = useState('');
  const put = (): void => {
    putRelabelRules(rules)
      .then(
        ({ version }) => setSaid(`In force as version ${version}.`),
        (failure: unknown) => setSaid(failure instanceof Error ? failure.message : String(failure)),
      )
      .finally(onPut);
  };
  return (
    <p className="put-rules">
      <button type="button" className="button" disabled={!isChanged} onClick={put}>
        Put these rules in force
      </button>{' '}
      <span className="hint" role="status">
        {said}
      </span>
    </p>
  );
}
