/** What the typed rules would have done to the series of the last hour, when it is asked for. */
import type { ReactNode } from 'react';
import { previewRelabel, type RelabelPreview as Preview } from '../api/breaches.ts';
import { useRequest } from '../hooks/use-request.ts';
import { formatLabels } from '../util/labels.ts';
import { ErrorNote } from './error-note.tsx';
import { Wait } from './wait.tsx';

interface RelabelPreviewProps {
  readonly rules: string;
  /** undefined: nobody asked yet. */
  readonly asked: string | undefined;
  readonly onAsk: (rules: string) => void;
  readonly isDisabled: boolean;
}

const HEIGHT_PX = 60;

export function RelabelPreview(props: RelabelPreviewProps): ReactNode {
  const { rules, asked, onAsk, isDisabled } = props;
  const isAsked = asked === rules;
  const { data, error } = useRequest(isAsked ? rules : undefined, 'preview', async (signal) =>
    previewRelabel(rules, signal),
  );
  return (
    <section aria-label="Preview">
      <p className="put-rules">
        <button
          type="button"
          className="button"
          disabled={isDisabled || isAsked}
          onClick={() => onAsk(rules)}
        >
          Preview on the last hour
        </button>
      </p>
      {isAsked && error !== undefined && <ErrorNote error={error} />}
      {isAsked && data === undefined && error === undefined && <Wait height={HEIGHT_PX} />}
      {isAsked && data !== undefined && <Told preview={data} />}
    </section>
  );
}

function Told({ preview }: { readonly preview: Preview }): ReactNode {
  const { examples } = preview;
  return (
    <>
      <p role="status">{sentence(preview)}</p>
      {examples.length > 0 && (
        <div className="table-scroll" tabIndex={0} role="region" aria-label="Changed series">
          <table>
            <thead>
              <tr>
                <th scope="col">Series</th>
                <th scope="col">Would have been</th>
              </tr>
            </thead>
            <tbody>
              {examples.map(({ before, after }) => (
                <tr key={formatLabels(before)}>
                  <td>
                    <code>{formatLabels(before)}</code>
                  </td>
                  <td>
                    {after === null ? (
                      <span className="hint">no series</span>
                    ) : (
                      <code>{formatLabels(after)}</code>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function number(value: number): string {
  return value.toLocaleString('en');
}

function sentence(preview: Preview): string {
  const { series, kept, changed, dropped, refused, series_after: after, whole } = preview;
  if (series === 0) return 'Nothing was written in the last hour.';
  const of = whole ? `Of ${number(series)} series` : `Of the first ${number(series)} series`;
  const parts = [
    `${number(kept)} stay as they are`,
    `${number(changed)} change`,
    `${number(dropped)} go`,
    ...(refused > 0 ? [`${number(refused)} are refused`] : []),
  ];
  return `${of} of the last hour, ${parts.join(', ')}: ${number(after)} would be left.`;
}
