/** Rules one after the other: what each saw, whether it matched, what it changed. */
import type { ReactNode } from 'react';
import type { RelabelEnd, RelabelStep } from '../api/types.ts';
import { formatLabels, visible } from '../util/labels.ts';
import { Verdict } from './verdict.tsx';

interface RelabelStepsProps {
  readonly steps: readonly RelabelStep[];
  readonly result: RelabelEnd;
  /** Of the table. */
  readonly label: string;
}

export function RelabelSteps({ steps, result, label }: RelabelStepsProps): ReactNode {
  return (
    <div className="relabel-steps">
      {steps.length > 0 && (
        <div className="table-scroll" tabIndex={0} role="region" aria-label={label}>
          <table>
            <thead>
              <tr>
                <th scope="col" className="num">
                  Rule
                </th>
                <th scope="col">Action</th>
                <th scope="col">Sees</th>
                <th scope="col">Matches</th>
                <th scope="col">Changes</th>
                <th scope="col">Series</th>
              </tr>
            </thead>
            <tbody>
              {steps.map((step, index) => (
                <StepRow key={step.rule.line} step={step} number={index + 1} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      <p className="relabel-result">
        <Verdict name={result.verdict} />{' '}
        {result.labels === null ? (
          <span>{result.reason ?? sentence(result)}</span>
        ) : (
          <code>{formatLabels(result.labels)}</code>
        )}
      </p>
    </div>
  );
}

function sentence({ rule }: RelabelEnd): string {
  return rule === undefined || rule === 0
    ? 'No label is left, so there is no series.'
    : `Rule ${rule} drops the series.`;
}

function StepRow({
  step,
  number,
}: {
  readonly step: RelabelStep;
  readonly number: number;
}): ReactNode {
  const { rule, value, matched, verdict, set, removed, reason } = step;
  const isAboutNames = rule.action.startsWith('label');
  const hasChanges = Object.keys(set).length + removed.length > 0;
  return (
    <tr>
      <th scope="row" className="num">
        {number}
        <span className="hint"> line {rule.line}</span>
      </th>
      <td>
        <code>{rule.action}</code>
      </td>
      <td>
        {isAboutNames ? (
          <span className="hint">label names</span>
        ) : (
          <>
            {rule.source_labels.length > 0 && (
              <span className="hint">{visible(rule.source_labels.join(', '))} </span>
            )}
            <code>{value === '' ? '(empty)' : visible(value)}</code>
          </>
        )}
      </td>
      <td>{matched ? 'yes' : 'no'}</td>
      <td>
        {!hasChanges && <span className="hint">{reason ?? 'nothing'}</span>}
        <ul className="changes">
          {Object.entries(set).map(([name, text]) => (
            <li key={name}>
              <code>
                + {visible(name)}={visible(text)}
              </code>
            </li>
          ))}
          {removed.map((name) => (
            <li key={name}>
              <code>− {visible(name)}</code>
            </li>
          ))}
        </ul>
      </td>
      <td>
        <Verdict name={verdict} />
      </td>
    </tr>
  );
}
