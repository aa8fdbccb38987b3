// Runs in the columns of a record (docs/formats/log-record.md): equal times, series that follow
// each other. What a scrape or a batch writes mostly is a few of each, and log, checksum and disk
// are spared the rest. Scratch is shared: what was found is good until the next column is looked
// at.
import { CodecError } from '../codec/varint.ts';
import { RUN_POINTS_MIN, RUNS_MAX } from './limits.ts';

export const runTimes = new Float64Array(RUNS_MAX);
export const timeLengths = new Uint32Array(RUNS_MAX);
export const runRefs = new Uint32Array(RUNS_MAX);
export const refLengths = new Uint32Array(RUNS_MAX);

/** As many runs of points pay. */
function runsMax(count: number): number {
  return Math.min(RUNS_MAX, Math.floor(count / RUN_POINTS_MIN));
}

/** Fills `runTimes` and `timeLengths`; how many runs there are, 0: too many. */
export function findTimeRuns(tUs: Float64Array, count: number): number {
  const most = runsMax(count);
  let runs = 0;
  let start = 0;
  while (start < count) {
    if (runs === most) return 0;
    const time = tUs[start]!;
    let end = start + 1;
    while (end < count && tUs[end] === time) end++;
    runTimes[runs] = time;
    timeLengths[runs++] = end - start;
    start = end;
  }
  return runs;
}

/** Fills `runRefs` (the first of each run) and `refLengths`; how many there are, 0: too many. */
export function findRefRuns(refs: Uint32Array, count: number): number {
  const most = runsMax(count);
  let runs = 0;
  let start = 0;
  while (start < count) {
    if (runs === most) return 0;
    const first = refs[start]!;
    let end = start + 1;
    while (end < count && refs[end] === first + (end - start)) end++;
    runRefs[runs] = first;
    refLengths[runs++] = end - start;
    start = end;
  }
  return runs;
}

/** Fills `out`, which must be all of the runs. Throws CodecError. */
export function spreadTimes(times: Float64Array, lengths: Uint32Array, out: Float64Array): void {
  let at = 0;
  for (let k = 0; k < lengths.length; k++) {
    const end = endOfRun(at, lengths[k]!, out.length);
    out.fill(times[k]!, at, end);
    at = end;
  }
  if (at !== out.length) throw new CodecError(`runs of ${at} times instead of ${out.length}`);
}

export function spreadRefs(firsts: Uint32Array, lengths: Uint32Array, out: Uint32Array): void {
  let at = 0;
  for (let k = 0; k < lengths.length; k++) {
    const end = endOfRun(at, lengths[k]!, out.length);
    for (let ref = firsts[k]!; at < end; at++) out[at] = ref++;
  }
  if (at !== out.length) throw new CodecError(`runs of ${at} series instead of ${out.length}`);
}

function endOfRun(at: number, length: number, end: number): number {
  if (length > end - at)
    throw new CodecError(`a run of ${length} points where ${end - at} are left`);
  return at + length;
}
