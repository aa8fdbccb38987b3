// Random shapes of tokens, and what each may see, said without the product: selectors are drawn
// together with what they mean. And a tenant's series, each with a word that no question contains.
import { encodeSnappy } from '../../../src/codec/snappy.ts';
import type { Prng } from '../../../src/stdx/prng.ts';
import { randomInt } from '../../../src/stdx/prng.ts';
import { requestV2 } from '../../support/remote-write-v2.ts';
import { END_SEC, MARK, START_SEC, V2_HEADERS } from './secrets.ts';
import type { Asker } from './secrets.ts';
import { ALL } from './token-house.ts';

/** No value is empty. */
type LabelSet = Readonly<Record<string, string>>;

interface Selector {
  readonly text: string;
  readonly accepts: (labels: LabelSet) => boolean;
}

const LABEL = `${MARK}_label`;
const NAMES = ['metric', 'total', 'other'].map((name) => `${MARK}_${name}`);
const env = ({ env: value = '' }: LabelSet): string => value;
const team = ({ team: value = '' }: LabelSet): string => value;

const SELECTORS: readonly Selector[] = [
  { text: '{env="prod"}', accepts: (one) => env(one) === 'prod' },
  { text: '{env!="prod"}', accepts: (one) => env(one) !== 'prod' },
  { text: '{env=""}', accepts: (one) => env(one) === '' },
  { text: '{env=~".+"}', accepts: (one) => env(one) !== '' },
  { text: '{env=~".*"}', accepts: () => true },
  { text: '{env=~"prod|"}', accepts: (one) => ['prod', ''].includes(env(one)) },
  // A regular expression is that of the whole value.
  { text: '{env=~"pro"}', accepts: () => false },
  { text: '{env!~"pro|de"}', accepts: () => true },
  { text: '{env=~"^prod$|x"}', accepts: (one) => env(one) === 'prod' },
  { text: '{team=~"(?i)A"}', accepts: (one) => team(one) === 'a' },
  { text: '{team=~"[ab]"}', accepts: (one) => ['a', 'b'].includes(team(one)) },
  { text: '{team!~"a|b"}', accepts: (one) => !['a', 'b'].includes(team(one)) },
  { text: '{team!~"b.*",env!=""}', accepts: (one) => team(one) !== 'b' && env(one) !== '' },
  { text: `${NAMES[0]}`, accepts: (one) => one['__name__'] === NAMES[0] },
  {
    text: `{__name__=~"${MARK}_(metric|total)"}`,
    accepts: ({ __name__: name }) => name !== NAMES[2],
  },
  { text: `{__name__!="${NAMES[0]}"}`, accepts: ({ __name__: name }) => name !== NAMES[0] },
  { text: `{${LABEL}=~".+"}`, accepts: () => true },
  { text: '{nobody="x"}', accepts: () => false },
  { text: '{nobody!="x"}', accepts: () => true },
];

const FORCED: readonly LabelSet[] = [
  {},
  { env: 'forced' },
  { env: 'prod', team: 'a' },
  Object.fromEntries([['__proto__', 'p']]),
  { constructor: 'c', team: 'b' },
];

export interface Shape {
  /** As `POST …/tokens` takes it. */
  readonly draft: {
    readonly permissions: readonly string[];
    readonly matchers: readonly string[];
    readonly labels: LabelSet;
    readonly min_time?: string;
    readonly max_time?: string;
  };
  readonly minSec: number;
  readonly maxSec: number;
  /** Of a series, whatever its time is. */
  readonly accepts: (labels: LabelSet) => boolean;
}

function draw<T>(prng: Prng, from: readonly T[]): T {
  return from[randomInt(prng, from.length)]!;
}

export function randomShape(prng: Prng): Shape {
  const chosen = Array.from({ length: randomInt(prng, 4) }, () => draw(prng, SELECTORS));
  const matchers = [...new Set(chosen)];
  const some = ALL.filter((one) => one === 'read' || randomInt(prng, 2) === 0);
  // Now and then one that may not even read.
  const permissions = randomInt(prng, 6) === 0 && some.length > 1 ? some.slice(1) : some;
  const span = END_SEC - START_SEC;
  const minSec = randomInt(prng, 2) === 0 ? -Infinity : START_SEC + randomInt(prng, span);
  const from = Math.max(minSec, START_SEC);
  const maxSec = randomInt(prng, 2) === 0 ? Infinity : from + randomInt(prng, END_SEC - from + 1);
  const draft = {
    permissions,
    matchers: matchers.map(({ text }) => text),
    labels: draw(prng, FORCED),
    ...(minSec > -Infinity && { min_time: timeText(minSec) }),
    ...(maxSec < Infinity && { max_time: timeText(maxSec) }),
  };
  const accepts = (labels: LabelSet): boolean => matchers.every((one) => one.accepts(labels));
  return { draft, minSec, maxSec, accepts };
}

function timeText(sec: number): string {
  return new Date(sec * 1000).toISOString();
}

export interface SecretSeries {
  readonly labels: LabelSet;
  readonly secret: string;
  readonly value: number;
}

/** The words of one house begin with none of another: `lead` is unique. */
export function secretSeries(prng: Prng, lead: string): readonly SecretSeries[] {
  return Array.from({ length: 24 }, (_, i) => {
    const secret = `hush${lead}n${i}w`;
    const labels = {
      __name__: draw(prng, NAMES),
      env: draw(prng, ['prod', 'dev', '']),
      team: draw(prng, ['a', 'b', 'c', '']),
      [LABEL]: secret,
    };
    const given = Object.entries(labels).filter(([, value]) => value !== '');
    return { labels: Object.fromEntries(given), secret, value: 700_000 + i };
  });
}

const TIMES_SEC = Array.from({ length: 61 }, (_, i) => START_SEC + i * 60);

/** Times of those points of every series that the shape reaches. */
export function timesOf({ minSec, maxSec }: Pick<Shape, 'minSec' | 'maxSec'>): readonly number[] {
  return TIMES_SEC.filter((sec) => sec >= minSec && sec <= maxSec);
}

/** Writes points, exemplars and metadata of these series. */
export async function seedSeries(
  ask: Asker,
  series: readonly SecretSeries[],
  times: readonly number[],
): Promise<void> {
  if (series.length === 0 || times.length === 0) return;
  const message = requestV2(
    series.map(({ labels, secret, value }) => ({
      labels: Object.entries(labels)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .flat(),
      samples: times.map((sec) => ({ value, tMs: sec * 1000 })),
      exemplars: times
        .filter((_, i) => i % 20 === 0)
        .map((sec) => ({ labels: ['trace_id', `${secret}t`], value, tMs: sec * 1000 })),
      metadata: { type: 2, help: `hush of ${labels['__name__']}`, unit: '' },
    })),
  );
  const body = new Uint8Array(encodeSnappy(message));
  const { status, text } = await ask('POST', '/api/v1/write', { headers: V2_HEADERS, body });
  if (status > 204) throw new Error(`${status} ${text}`);
}

/** Points by series and time, as the tenant's export has them. */
export async function pointsOf(ask: Asker): Promise<ReadonlyMap<string, number>> {
  const query = new URLSearchParams({ 'match[]': '{__name__=~".+"}' }).toString();
  const { status, text } = await ask('GET', `/api/v1/export?${query}`);
  if (status !== 200) throw new Error(`${status} ${text}`);
  const points = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const { metric, values, timestamps } = JSON.parse(line) as {
      metric: LabelSet;
      values: number[];
      timestamps: number[];
    };
    for (const [i, value] of values.entries())
      points.set(pointKey(metric, timestamps[i]! / 1000), value);
  }
  return points;
}

export function pointKey(labels: LabelSet, sec: number): string {
  return JSON.stringify([sec, Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))]);
}

export function ofKey(key: string): { readonly sec: number; readonly labels: LabelSet } {
  const [sec, labels] = JSON.parse(key) as [number, [string, string][]];
  return { sec, labels: Object.fromEntries(labels) };
}
