/**
 * What each part of the queries did: the plan as a tree with time, series and samples. A server
 * that does not explain still tells how it reads the query.
 */
import type { ReactNode } from 'react';
import { ApiError } from '../api/api-error.ts';
import { explain, parseQuery } from '../api/client.ts';
import type { Explained, ParsedNode } from '../api/types.ts';
import { useAsked } from '../hooks/use-asked.ts';
import { Notice } from '../ui/notice.tsx';
import { pickLookbackSec } from '../util/time.ts';
import { formatCount } from '../util/unit.ts';
import { viewGrid } from '../util/view-grid.ts';
import { ParsedTree } from './parsed-tree.tsx';
import { PartErrors } from './part-errors.tsx';
import { formatMs, PlanTree } from './plan-tree.tsx';
import { Remarks } from './remarks.tsx';
import { ResultError } from './result-error.tsx';
import { ResultStatus } from './result-status.tsx';
import type { ResultViewProps } from './result-view.ts';
import { Wait } from './wait.tsx';

const WAIT_HEIGHT_PX = 240;
const NOT_FOUND = 404;

type Explanation = { readonly explained: Explained } | { readonly parsed: ParsedNode };

export function ExplainView(props: ResultViewProps): ReactNode {
  const { state, asked, nowMs, width, onRetry } = props;
  const { grid } = viewGrid(state.time, nowMs, width);
  const { request, error } = useAsked(props, grid, async (expr, signal) =>
    explanationOf({ expr, grid, lookbackSec: pickLookbackSec(grid.stepSec) }, signal),
  );
  const { data, isLoading, cancel } = request;
  const texts = asked.map(({ expr }) => expr);
  const hasData = data !== undefined;
  return (
    <>
      <ResultStatus isLoading={isLoading} hasData={hasData} texts={texts} onCancel={cancel}>
        {hasData && <span>One run over the range, without its result</span>}
      </ResultStatus>
      {error !== undefined && (
        <ResultError error={error} expr={texts[0] ?? ''} hasData={hasData} onRetry={onRetry} />
      )}
      {!hasData && error === undefined && (
        <Wait height={WAIT_HEIGHT_PX} texts={texts} onCancel={cancel} />
      )}
      {hasData && <PartErrors parts={data} />}
      {data?.map(({ index, letter, answer }) => (
        <section key={index} aria-label={letter === '' ? 'Plan' : `Plan of ${letter}`}>
          {letter !== '' && <h2 className="letter">{letter}</h2>}
          {answer !== undefined && 'explained' in answer && (
            <Plan {...answer.explained} letter={letter} />
          )}
          {answer !== undefined && 'parsed' in answer && <Parsed root={answer.parsed} />}
        </section>
      ))}
    </>
  );
}

function Plan(props: Explained & { readonly letter: string }): ReactNode {
  const { estimate, cost, result, annotations, plan, letter } = props;
  return (
    <>
      <Remarks warnings={annotations} infos={[]} />
      <dl className="facts">
        <div>
          <dt>Took</dt>
          <dd>{formatMs(plan.timeMs)}</dd>
        </div>
        <div>
          <dt>Series read</dt>
          <dd>
            {formatCount(cost.seriesRead)}{' '}
            <span className="hint">of {formatCount(estimate.seriesCount)} expected</span>
          </dd>
        </div>
        <div>
          <dt>Samples read</dt>
          <dd>
            {formatCount(cost.samplesRead)}{' '}
            <span className="hint">of {formatCount(estimate.sampleCount)} expected</span>
          </dd>
        </div>
        <div>
          <dt>Result</dt>
          <dd>
            {formatCount(result.seriesCount)} series, {formatCount(result.stepCount)} steps
          </dd>
        </div>
      </dl>
      <PlanTree root={plan} letter={letter} />
    </>
  );
}

function Parsed({ root }: { readonly root: ParsedNode }): ReactNode {
  return (
    <>
      <Notice tone="info">
        This server does not tell what the parts of a query cost. This is how it reads the query.
      </Notice>
      <ParsedTree root={root} />
    </>
  );
}

async function explanationOf(
  query: Parameters<typeof explain>[0],
  signal: AbortSignal,
): Promise<Explanation> {
  try {
    return { explained: await explain(query, signal) };
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== NOT_FOUND) throw error;
    return { parsed: await parseQuery(query.expr, signal) };
  }
}
