// Debian's collectd sends what it reads of this machine by write_graphite, write_tsdb and
// write_http to a server that lives and to one that is killed again and again. It connects again by
// itself and repeats nothing: nothing wrong is there, and nothing is missing but what it sent
// around a death.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededPrng } from '../../src/stdx/prng.ts';
import { exportedPoints, pointTexts } from '../support/exported-points.ts';
import type { ExportedPoint } from '../support/exported-points.ts';
import { MortalOrrery, lowPort } from '../support/mortal-orrery.ts';
import { TestProcess } from '../support/processes.ts';

const LIVES = { kills: 3, upMs: [6000, 7000], downMs: [200, 1500] } as const;
/** It gathers 1,428 bytes before it sends, for JSON 1,024; it connects again once a second. */
const GATHERED_MS = 2500;
const CONNECTS_AGAIN_MS = 2500;
const WARM_UP_MS = 30_000;

interface Listeners {
  readonly http: number;
  readonly graphite: number;
  readonly telnet: number;
}

let folder: string;
let living: MortalOrrery;
let mortal: MortalOrrery;
let collectd: TestProcess;

function configuration(servers: Readonly<Record<string, Listeners>>): string {
  const nodes = (port: (listeners: Listeners) => number, more: string): string =>
    Object.entries(servers)
      .map(
        ([name, listeners]) => `
  <Node "${name}">
    Host "127.0.0.1"
    Port "${port(listeners)}"
    ${more}
  </Node>`,
      )
      .join('');
  const urls = Object.entries(servers).map(
    ([name, { http }]) => `
  <Node "${name}">
    URL "http://127.0.0.1:${http}/collectd"
    Format "JSON"
    BufferSize 1024
    Header "X-Scope-OrgID: json"
  </Node>`,
  );
  return `
Hostname "web01"
FQDNLookup false
Interval 1
BaseDir "${folder}"
PIDFile "${folder}/collectd.pid"
LoadPlugin cpu
LoadPlugin load
LoadPlugin memory
LoadPlugin uptime
LoadPlugin write_graphite
LoadPlugin write_http
LoadPlugin write_tsdb
<Plugin write_graphite>${nodes((ports) => ports.graphite, 'Protocol "tcp"\n    Prefix "graphite."')}
</Plugin>
<Plugin write_http>${urls.join('')}
</Plugin>
<Plugin write_tsdb>${nodes((ports) => ports.telnet, 'HostTags "dc=ams"')}
</Plugin>
`;
}

async function startWithListeners(): Promise<{ orrery: MortalOrrery; listeners: Listeners }> {
  const [graphite, telnet] = [await lowPort(), await lowPort()];
  const args = ['--graphite', `127.0.0.1:${graphite}`, '--opentsdb-telnet', `127.0.0.1:${telnet}`];
  const orrery = await MortalOrrery.start(args);
  return { orrery, listeners: { http: orrery.port, graphite, telnet } };
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-collectd-'));
  const one = await startWithListeners();
  living = one.orrery;
  const other = await startWithListeners();
  mortal = other.orrery;
  const servers = { living: one.listeners, mortal: other.listeners };
  await writeFile(join(folder, 'collectd.conf'), configuration(servers));
  collectd = new TestProcess('/usr/sbin/collectd', ['-f', '-C', 'collectd.conf'], folder);
  for (let waitedMs = 0; ; waitedMs += 200) {
    const points = await exportedPoints(mortal.url, 'default');
    if (points.length > 0) return;
    const hasEnded = collectd.child.exitCode !== null;
    assert.ok(!hasEnded && waitedMs < WARM_UP_MS, `collectd sends nothing:\n${collectd.output}`);
    await sleep(200);
  }
});

after(async () => {
  await collectd.end('SIGKILL');
  await mortal.end();
  await living.end();
  await rm(folder, { recursive: true, force: true });
});

/** Sent long enough ago, and not around a death; times are whole seconds. */
function isSafe(tUs: number, endMs: number): boolean {
  const tMs = tUs / 1000;
  return (
    tMs < endMs - GATHERED_MS &&
    mortal.deaths.every(
      ({ fromMs, backMs }) => tMs < fromMs - GATHERED_MS || tMs > backMs + CONNECTS_AGAIN_MS,
    )
  );
}

interface Of {
  readonly name: string;
  readonly labels: ExportedPoint['labels'];
}

test('collectd, whose server is killed', { timeout: 180_000 }, async (t) => {
  await mortal.dieOften(seededPrng(5), LIVES);
  const endMs = Date.now();
  const writers = {
    write_graphite: {
      tenant: 'default',
      isOf: ({ name }: Of) => name.startsWith('graphite.web01.'),
    },
    write_tsdb: { tenant: 'default', isOf: ({ labels }: Of) => labels['dc'] === 'ams' },
    write_http: { tenant: 'json', isOf: ({ labels }: Of) => labels['host'] === 'web01' },
  };
  for (const [writer, { tenant, isOf }] of Object.entries(writers))
    await t.test(writer, async (one) => {
      const ofWriter = async (url: string): Promise<ExportedPoint[]> => {
        const points = await exportedPoints(url, tenant);
        return points.filter(({ labels }) => isOf({ labels, name: labels['__name__']! }));
      };
      const sent = await ofWriter(living.url);
      const stored = (await ofWriter(mortal.url)).filter(
        ({ tUs }) => tUs / 1000 < endMs - GATHERED_MS,
      );
      const safe = sent.filter(({ tUs }) => isSafe(tUs, endMs));
      assert.ok(safe.length > 100, `only ${safe.length} points`);
      const sentTexts = pointTexts(sent);
      const storedTexts = pointTexts(stored);
      assert.deepEqual([...storedTexts].filter((text) => !sentTexts.has(text)).slice(0, 5), []);
      assert.deepEqual([...pointTexts(safe)].filter((x) => !storedTexts.has(x)).slice(0, 5), []);
      one.diagnostic(`${stored.length} of ${sent.length} stored, ${safe.length} had to be`);
    });
});
