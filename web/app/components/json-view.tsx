/** The answers of the range queries as they came: to read, to copy, to ask for again. */
import type { ReactNode } from 'react';
import { rangeUrl, rawRange } from '../api/client.ts';
import { useAsked } from '../hooks/use-asked.ts';
import { CopyButton } from '../ui/copy-button.tsx';
import type { Part } from '../util/ask-all.ts';
import { prettyJson } from '../util/pretty-json.ts';
import { visible } from '../util/labels.ts';
import { JSON_CHARS_MAX } from '../util/limits.ts';
import { pickLookbackSec } from '../util/time.ts';
import { formatValue } from '../util/unit.ts';
import { viewGrid } from '../util/view-grid.ts';
import { PartErrors } from './part-errors.tsx';
import { ResultError } from './result-error.tsx';
import { ResultStatus } from './result-status.tsx';
import type { ResultViewProps } from './result-view.ts';
import { Wait } from './wait.tsx';

const WAIT_HEIGHT_PX = 360;

interface Raw {
  readonly text: string;
  readonly url: string;
}

export function JsonView(props: ResultViewProps): ReactNode {
  const { state, asked, nowMs, width, onRetry } = props;
  const { grid } = viewGrid(state.time, nowMs, width);
  const { request, error } = useAsked<Raw>(props, grid, async (expr, signal) => {
    const query = { expr, grid, lookbackSec: pickLookbackSec(grid.stepSec) };
    return { text: await rawRange(query, signal), url: rangeUrl(query) };
  });
  const { data, isLoading, cancel } = request;
  const texts = asked.map(({ expr }) => expr);
  const hasData = data !== undefined;
  const size = (data ?? []).reduce((sum, { answer }) => sum + (answer?.text.length ?? 0), 0);
  return (
    <>
      <ResultStatus isLoading={isLoading} hasData={hasData} texts={texts} onCancel={cancel}>
        {hasData && <span>{formatValue(size, { base: 'bytes', perSec: false })}</span>}
      </ResultStatus>
      {error !== undefined && (
        <ResultError error={error} expr={texts[0] ?? ''} hasData={hasData} onRetry={onRetry} />
      )}
      {!hasData && error === undefined && (
        <Wait height={WAIT_HEIGHT_PX} texts={texts} onCancel={cancel} />
      )}
      {hasData && <PartErrors parts={data} />}
      {data?.map(
        (part) => part.answer && <PartJson key={part.index} part={part} raw={part.answer} />,
      )}
    </>
  );
}

function PartJson({ part, raw }: { readonly part: Part<Raw>; readonly raw: Raw }): ReactNode {
  const curl = `curl '${raw.url.replaceAll("'", '%27')}'`;
  const shown = prettyJson(raw.text, JSON_CHARS_MAX);
  const name = part.letter === '' ? 'Answer' : `Answer of ${part.letter}`;
  return (
    <section className="json-part" aria-label={name}>
      <div className="json-head">
        {part.letter !== '' && <span className="letter">{part.letter}</span>}
        <code className="json-curl">{curl}</code>
        <CopyButton text={curl} label="Copy curl" what="line" />
        <CopyButton text={raw.text} label="Copy JSON" what="answer" />
      </div>
      {shown.isCut && (
        <p className="hint">
          The first {JSON_CHARS_MAX.toLocaleString('en')} characters; copying takes all.
        </p>
      )}
      <pre className="json" tabIndex={0} aria-label={`${name}, JSON`}>
        {visibleLines(shown.text)}
      </pre>
    </section>
  );
}

/** Line breaks of the layout stay; what cannot be seen inside a value is an escape. */
function visibleLines(text: string): string {
  return text.split('\n').map(visible).join('\n');
}
