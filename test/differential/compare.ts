// The same question to both servers, and how the answers differ in words. Values may differ by
// 1e-9 of the largest number that went in or came out: sums in another order round differently.
import { ask, compareAnswers, seriesIn } from '../support/prom-compare.ts';
import type { BothServers } from './reference.ts';

const RELATIVE = 1e-9;

/**
 * Where the reference says this, its answer depends on how its storage cut the samples into chunks:
 * hints about resets are made there, and operands whose hints contradict each other are dropped.
 */
const STORAGE_DEPENDENT = /conflicting counter resets/;

export interface Question {
  readonly query: string;
  /** Absent: a range. */
  readonly timeSec?: number;
  readonly startSec?: number;
  readonly endSec?: number;
  readonly stepSec?: number;
  /** Largest finite magnitude among the inputs. */
  readonly largestInput: number;
}

export interface Verdict {
  /** The reference answered with a value or with an error that both give. */
  readonly isEmpty: boolean;
  readonly isError: boolean;
  readonly differences: readonly string[];
}

function formOf({ query, timeSec, startSec, endSec, stepSec }: Question): URLSearchParams {
  const form = new URLSearchParams({ query });
  if (timeSec !== undefined) form.set('time', String(timeSec));
  else {
    form.set('start', String(startSec));
    form.set('end', String(endSec));
    form.set('step', String(stepSec));
  }
  return form;
}

/**
 * Functions of a range give their series to the reference's aggregations in the random order of a
 * Go map, so that the last bits of a sum differ from one evaluation to the next, and with them what
 * `acos(stdvar(sgn(m)))` or `ceil` makes of them. A value that it gives at any time is right.
 */
const ASKED_AGAIN_MAX = 40;

/** What of the differences no answer of the reference agrees with. */
async function lasting(
  differences: readonly string[],
  again: () => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const placeOf = (difference: string): string => difference.split(': ')[0]!;
  let left = differences;
  for (let i = 0; i < ASKED_AGAIN_MAX && left.length > 0; i++) {
    const places = new Set((await again()).map(placeOf));
    left = left.filter((difference) => places.has(placeOf(difference)));
  }
  return left;
}

export async function askBoth(servers: BothServers, question: Question): Promise<Verdict> {
  const path = question.timeSec === undefined ? 'query_range' : 'query';
  const form = formOf(question);
  const [theirs, ours] = await Promise.all([
    ask(servers.reference, path, form),
    ask(servers.orrery, path, form),
  ]);
  const tolerance = { relative: RELATIVE, absolute: RELATIVE * question.largestInput };
  const isOwn = theirs.warnings?.some((warning) => STORAGE_DEPENDENT.test(warning)) ?? false;
  const differences = isOwn ? [] : compareAnswers(theirs, ours, tolerance);
  const again = async (): Promise<readonly string[]> =>
    compareAnswers(await ask(servers.reference, path, form), ours, tolerance);
  return {
    isEmpty: seriesIn(theirs).length === 0,
    isError: theirs.status === 'error',
    differences: path === 'query_range' ? await lasting(differences, again) : differences,
  };
}
