/** Home: is this machine well, is Orrery well? Live charts, or the way to the first point. */
import { useCallback, useEffect, useState, type ReactNode } from 'react';
import { buildInfo, metricNamesStored, queryInstant } from '../api/client.ts';
import { EmptyStore } from '../components/empty-store.tsx';
import { ErrorNote } from '../components/error-note.tsx';
import { Filesystems } from '../components/filesystems.tsx';
import { HostChooser } from '../components/host-chooser.tsx';
import { Panel } from '../components/panel.tsx';
import { Refusals } from '../components/refusals.tsx';
import { Shell } from '../components/shell.tsx';
import { StoredNames } from '../components/stored-names.tsx';
import { TimeControl } from '../components/time-control.tsx';
import { Wait } from '../components/wait.tsx';
import { navigate } from '../hooks/use-location.ts';
import { useNow } from '../hooks/use-now.ts';
import { useRequest } from '../hooks/use-request.ts';
import { instancesOf, jobMatchers, pickInstance, type SeenTarget } from '../util/instances.ts';
import { LOOKBACK_MIN_SEC } from '../util/limits.ts';
import { alignedGrid, gridOf, type Grid } from '../util/series.ts';
import { isRelative, pickStepSec, toIso, tryResolve } from '../util/time.ts';
import {
  formatHome,
  HOME_TIME,
  parseHome,
  type HomeState,
  type ViewTime,
} from '../util/url-state.ts';
import { HOST_PANELS, ORRERY_PANELS } from './home-panels.ts';

/** Names the collector gives its two targets. */
const HOST_JOB = 'node';
const OWN_JOB = 'orrery';
/** The collector's interval: a finer step would draw stairs. */
const STEP_MIN_SEC = 5;
/** Width a step is picked for; the cards are about this wide. */
const CARD_PX = 400;
/** A young store is shown at least this wide, so that the first samples are not a sliver. */
const YOUNG_RANGE_SEC = 60;
const WAIT_HEIGHT_PX = 640;
/** A rate needs the collector's second sample, one second after its first. */
const FIRST_RATES_SEC = 2;

/** Are there samples, and for long enough that every card has something to draw? */
function isSettled(firstSec: number | undefined, nowMs: number): boolean {
  return firstSec !== undefined && nowMs / 1000 - firstSec >= FIRST_RATES_SEC;
}

export function HomePage({ search }: { readonly search: string }): ReactNode {
  const state = parseHome(search);
  const { time } = state;
  const [firstSec, setFirstSec] = useState<number | undefined>(undefined);
  // Until the first rates are there, look every second: that is what the reader waits for.
  const [isWaiting, setIsWaiting] = useState(true);
  const { nowMs, touch } = useNow(isWaiting && time.refreshSec > 0 ? 1 : time.refreshSec);
  const [isComplete, setIsComplete] = useState(false);
  const names = useRequest(isComplete ? 'complete' : String(nowMs), 'names', metricNamesStored);
  const hasHost = names.data?.some((name) => name.startsWith('node_')) ?? false;
  if (hasHost && !isComplete) setIsComplete(true);
  const isStillWaiting = hasHost ? !isSettled(firstSec, nowMs) : !names.data?.length;
  if (isStillWaiting !== isWaiting) setIsWaiting(isStillWaiting);
  useEffect(() => {
    document.title = 'Home · Orrery';
  }, []);
  const setTime = (next: ViewTime): void => {
    goTo({ ...state, time: next });
    touch();
  };
  const onFirst = useCallback(
    (sec: number) => setFirstSec((old) => (old === undefined ? sec : Math.min(old, sec))),
    [],
  );
  return (
    <Shell path="" controls={<TimeControl time={time} onTime={setTime} />}>
      <h1 className="visually-hidden">Home</h1>
      <HomeBody
        state={state}
        nowMs={nowMs}
        names={names.data}
        error={names.error}
        hasHost={hasHost}
        firstSec={firstSec}
        onFirst={onFirst}
      />
    </Shell>
  );
}

interface HomeBodyProps {
  readonly state: HomeState;
  readonly nowMs: number;
  readonly names: readonly string[] | undefined;
  readonly error: ReturnType<typeof useRequest>['error'];
  readonly hasHost: boolean;
  readonly firstSec: number | undefined;
  readonly onFirst: (sec: number) => void;
}

function HomeBody(props: HomeBodyProps): ReactNode {
  const { state, nowMs, names, error, hasHost, firstSec, onFirst } = props;
  const { time } = state;
  const grid = useHomeGrid(time, nowMs, isSettled(firstSec, nowMs));
  const targets = useRequest(JSON.stringify(grid), 'targets', async (signal) =>
    fetchTargets(grid, signal),
  );
  // Without the targets the charts would ask twice; if they cannot be had, all are shown together.
  const seen = targets.data ?? (targets.error === undefined ? undefined : []);
  if (names === undefined || seen === undefined) {
    return error === undefined ? <Wait height={WAIT_HEIGHT_PX} /> : <ErrorNote error={error} />;
  }
  if (names.length === 0) return <EmptyStore />;
  // A range the reader chose is shown whole; only the default one narrows to young data.
  const isDefault = time.range.from === HOME_TIME.range.from && time.range.to === 'now';
  const isYoung = isDefault && firstSec !== undefined && firstSec > grid.startSec;
  const shownStartSec = isYoung
    ? Math.max(grid.startSec, Math.min(firstSec, grid.endSec - YOUNG_RANGE_SEC))
    : grid.startSec;
  const onZoom = (startSec: number, endSec: number): void => {
    const range = { from: toIso(startSec * 1000), to: toIso(endSec * 1000) };
    goTo({ ...state, time: { ...time, range, refreshSec: 0 } });
  };
  const shared = { grid, shownStartSec, zone: time.zone, onZoom, onFirst };
  // The targets are asked for at every refresh: one note for all cards, which keep what they have.
  const lost = error ?? targets.error;
  const hosts = instancesOf(seen, HOST_JOB);
  const hostJob = jobMatchers(seen, HOST_JOB, state.instance);
  const ownJob = jobMatchers(seen, OWN_JOB);
  const hasOwn = names.some((name) => name.startsWith('orrery_'));
  return (
    <>
      {lost !== undefined && (
        <div className="error-float">
          <ErrorNote error={lost} />
        </div>
      )}
      {hasHost && (
        <section aria-labelledby="host-title">
          <div className="section-head">
            <h2 id="host-title">{hosts.length > 1 ? 'Host' : 'This host'}</h2>
            <HostChooser
              instances={hosts}
              chosen={pickInstance(seen, HOST_JOB, state.instance)}
              onChoose={(instance) => goTo({ ...state, instance })}
            />
          </div>
          <div className="panels">
            {HOST_PANELS.map((spec) => (
              <Panel key={spec.id} spec={spec} job={hostJob} {...shared} />
            ))}
            <Filesystems job={hostJob} timeSec={grid.endSec} />
          </div>
        </section>
      )}
      {hasOwn && (
        <section aria-labelledby="orrery-title">
          <div className="section-head">
            <h2 id="orrery-title">Orrery</h2>
            <Version />
            <Refusals job={ownJob} timeSec={grid.endSec} />
          </div>
          <div className="panels">
            {ORRERY_PANELS.map((spec) => (
              <Panel key={spec.id} spec={spec} job={ownJob} {...shared} />
            ))}
          </div>
        </section>
      )}
      {!hasHost && <StoredNames names={names} />}
    </>
  );
}

function Version(): ReactNode {
  const { data } = useRequest('once', 'build', buildInfo);
  // `version` is the Prometheus whose API is spoken, for clients that ask; the own one is here.
  const own = data?.revision?.match(/^orrery-(.+)$/)?.[1];
  return <span className="hint">{own !== undefined && `version ${own}`}</span>;
}

/**
 * Steps of the charts. For short live ranges the grid hangs on the first look and moves by whole
 * steps, so that old points keep their places and the newest sample is never a step away.
 */
function useHomeGrid(time: ViewTime, nowMs: number, hasData: boolean): Grid {
  const [anchorSec, setAnchorSec] = useState<number | undefined>(undefined);
  const nowSec = Math.floor(nowMs / 1000);
  if (hasData && anchorSec === undefined) setAnchorSec(nowSec);
  const resolved = tryResolve(time.range, nowMs) ?? {
    startMs: nowMs - 300_000,
    endMs: nowMs,
  };
  const startSec = resolved.startMs / 1000;
  const endSec = resolved.endMs / 1000;
  const stepSec = Math.max(STEP_MIN_SEC, pickStepSec(endSec - startSec, CARD_PX));
  if (!isRelative(time.range) || stepSec > STEP_MIN_SEC) {
    return alignedGrid(startSec, endSec, stepSec);
  }
  const anchor = anchorSec ?? nowSec;
  const steps = Math.floor((endSec - anchor) / stepSec);
  const end = anchor + steps * stepSec;
  return gridOf(end - (endSec - startSec), end, stepSec);
}

/** The targets seen in the range shown, each with its newest sample. */
async function fetchTargets(grid: Grid, signal: AbortSignal): Promise<readonly SeenTarget[]> {
  const jobs = `${HOST_JOB}|${OWN_JOB}`;
  const query = {
    expr: `max by (job, instance) (timestamp(up{job=~"${jobs}"}))`,
    timeSec: grid.endSec,
    lookbackSec: Math.max(LOOKBACK_MIN_SEC, grid.endSec - grid.startSec),
  };
  const { data } = await queryInstant(query, signal);
  if (data.resultType !== 'vector') return [];
  return data.result.map(({ metric, value }) => ({
    job: metric['job'] ?? '',
    instance: metric['instance'] ?? '',
    sec: Number(value?.[1]),
  }));
}

function goTo(state: HomeState): void {
  navigate({ path: '', search: formatHome(state) }, { replace: false });
}
