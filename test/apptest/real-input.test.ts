// Real data through a real server: every node_exporter page imports whole, and a star's forty
// months of light are all there and draw.
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { sharedPath } from '../support/shared.ts';
import { ask, seriesIn } from '../support/prom-compare.ts';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const KEPLER_11_POINTS = 65_435;
const pagesFolder = sharedPath('corpora/scrape-samples/node_exporter');
const kepler11 = sharedPath('data/exoplanets/hew/kic006541920.csv.gz');

let orrery: RunningOrrery;
before(async () => {
  orrery = await startOrrery(['--no-collect']);
});
after(async () => {
  await orrery.stop();
});

async function post(path: string, body: string, tenant: string): Promise<Response> {
  return fetch(orrery.url + path, { method: 'POST', body, headers: { 'X-Scope-OrgID': tenant } });
}

/** Sample lines of an exposition page, counted without a parser. */
function sampleLines(page: string): number {
  return page.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
}

test('node_exporter pages of eight systems import whole', { skip: pagesFolder.skip }, async () => {
  const pages = (await readdir(pagesFolder.path)).filter((name) => name.endsWith('.txt'));
  assert.ok(pages.length >= 8);
  for (const [i, name] of pages.entries()) {
    const page = await readFile(join(pagesFolder.path, name), 'utf8');
    const response = await post(
      '/api/v1/import/prometheus?timestamp=1750000000000',
      page,
      `page${i}`,
    );
    assert.equal(response.status, 204, `${name}: ${await response.text()}`);
    const answer = await fetch(
      `${orrery.url}/api/v1/query?time=1750000000&query=${encodeURIComponent('count({__name__!=""})')}`,
      { headers: { 'X-Scope-OrgID': `page${i}` } },
    );
    const json = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
    assert.equal(Number(json.data.result[0]?.value[1]), sampleLines(page), name);
  }
});

test(
  'Kepler-11 counts every point and draws over its whole range',
  { skip: kepler11.skip },
  async () => {
    const rows = gunzipSync(await readFile(kepler11.path))
      .toString()
      .trim()
      .split('\n')
      .slice(1);
    const lines = rows.map((row) => {
      const [timeUs, flux] = row.split(',');
      return `sap.flux,KEPLERID=6541920,OBJECT=KIC\\ 6541920 value=${flux} ${timeUs}`;
    });
    const response = await post('/write?precision=u', lines.join('\n'), 'default');
    assert.equal(response.status, 204, await response.text());
    const end = Math.ceil(Number(rows.at(-1)!.split(',')[0]) / 1e6);
    const start = Math.floor(Number(rows[0]!.split(',')[0]) / 1e6);
    const count = await ask(
      orrery.url,
      'query',
      new URLSearchParams({ query: 'count_over_time({"sap.flux"}[1600d])', time: String(end) }),
    );
    assert.equal(Number(seriesIn(count)[0]?.value?.[1]), KEPLER_11_POINTS);
    const drawn = await ask(
      orrery.url,
      'query_range',
      new URLSearchParams({
        query: 'last_over_time({"sap.flux"}[1h])',
        start: String(start),
        end: String(end),
        step: String(Math.ceil((end - start) / 1000)),
      }),
    );
    const values = seriesIn(drawn)[0]?.values ?? [];
    assert.ok(values.length > 900, `${values.length} of 1000 steps have a value`);
  },
);
