// Expressions of public dashboards and rules, asked of the newest Prometheus and of Orrery over the
// same series, which are made to fit each expression. Only answers that are not empty count.
// PEERS_EXPRESSIONS sets how many are asked.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { parseExpr } from '../../src/promql/parser.ts';
import type { Expr } from '../../src/promql/ast.ts';
import { seededPrng } from '../../src/stdx/prng.ts';
import { askBoth } from '../differential/compare.ts';
import { fittingSeries } from '../differential/fitting-series.ts';
import type { FittingSeries } from '../differential/fitting-series.ts';
import { startBoth } from '../differential/reference.ts';
import { writeWalks } from '../differential/remote-write.ts';
import { walkOf } from '../differential/sample-walks.ts';
import type { Walk } from '../differential/sample-walks.ts';

const SUITE = join(import.meta.dirname, '../../../shared/corpora/real-promql/queries.jsonl.gz');
const EXPRESSIONS = Number(process.env['PEERS_EXPRESSIONS'] ?? 2000);
const STEP_MS = 30_000;
const SAMPLES = 150;
/** Of the questions, so many must have an answer that is not empty. */
const ANSWERED_MIN = 0.6;

interface Asked {
  readonly text: string;
  readonly expr: Expr;
  readonly series: readonly FittingSeries[];
}

/** Evenly over the whole suite, so that every source is in it. */
function expressions(count: number): readonly Asked[] {
  const lines = gunzipSync(readFileSync(SUITE)).toString().trim().split('\n');
  const rows = lines.map((line) => JSON.parse(line) as { expr: string; substituted?: string });
  const texts = [...new Set(rows.map(({ expr, substituted }) => substituted ?? expr))];
  const out: Asked[] = [];
  const stride = Math.max(1, Math.floor(texts.length / count));
  for (let pass = 0; pass < stride; pass++)
    for (let i = pass; i < texts.length && out.length < count; i += stride) {
      const expr = parsed(texts[i]!);
      if (expr !== undefined) out.push({ text: texts[i]!, expr, series: fittingSeries(expr) });
    }
  return out;
}

/** undefined: no PromQL, a variable is left in it; the parser's own suite is elsewhere. */
function parsed(text: string): Expr | undefined {
  try {
    return parseExpr(text);
  } catch {
    return undefined;
  }
}

const keyOf = ({ labels }: FittingSeries) =>
  JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));

function largestOf(walks: Iterable<Walk>): number {
  let largest = 0;
  for (const { values } of walks)
    for (const value of values)
      if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
  return largest;
}

test('real expressions answer as Prometheus does', { timeout: 1_500_000 }, async () => {
  const asked = expressions(EXPRESSIONS);
  const endMs = Math.floor(Date.now() / 60_000) * 60_000;
  const times = { startMs: endMs - (SAMPLES - 1) * STEP_MS, stepMs: STEP_MS, count: SAMPLES };
  const prng = seededPrng(20_260_728);
  const walks = new Map<string, Walk>();
  for (const series of asked.flatMap((one) => one.series)) {
    const key = keyOf(series);
    if (!walks.has(key)) walks.set(key, walkOf(series, times, prng));
  }
  const servers = await startBoth();
  try {
    await writeWalks([...walks.values()], [servers.reference, servers.orrery]);
    const differing: string[] = [];
    let questions = 0;
    let answered = 0;
    for (const { text, series } of asked) {
      const largestInput = largestOf(series.map((one) => walks.get(keyOf(one))!));
      const range = {
        startSec: endMs / 1000 - 3600,
        endSec: endMs / 1000,
        stepSec: 60,
      };
      for (const when of [{ timeSec: endMs / 1000 - 31 }, range]) {
        const verdict = await askBoth(servers, { query: text, largestInput, ...when });
        questions++;
        if (!verdict.isEmpty) answered++;
        if (verdict.differences.length > 0)
          differing.push(`${text}\n  ${verdict.differences.slice(0, 3).join('\n  ')}`);
      }
    }
    console.log(
      `${asked.length} expressions over ${walks.size} series: ${questions} questions, ` +
        `${answered} answers not empty, ${differing.length} differ`,
    );
    assert.ok(answered > questions * ANSWERED_MIN, `only ${answered} answers are not empty`);
    assert.deepEqual(differing.slice(0, 40), []);
  } finally {
    await servers.end();
  }
});
