// InfluxDB's line protocol as its clients use it: the writes of 1.x, 2.x and 3 with their answers,
// TCP and UDP, and what other receivers lose: exact numbers, long lines, line breaks in strings,
// neighbours of bad lines, writes that failed.
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const T = 1_750_000_000;
const T_US = T * 1_000_000;
const LINES = ['--influx-lines-db', 'app/week', '--influx-lines-precision', 'auto'];
const LISTENERS = ['--influx-tcp', '127.0.0.1:0', '--influx-udp', '127.0.0.1:0', ...LINES];

let orrery: RunningOrrery;
before(async () => {
  orrery = await startOrrery(['--no-collect', ...LISTENERS]);
});
after(async () => {
  const exited = await orrery.stop();
  assert.equal(exited.code, 0, exited.stdout + exited.stderr);
});

function portOf(flag: string): number {
  return Number(String(orrery.ready[flag]).split(':')[1]);
}

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly kind: string;
  readonly values: readonly unknown[];
  readonly timestampsUs: readonly number[];
  readonly subNs?: readonly number[];
}

async function stored(matcher: string): Promise<Series[]> {
  const path = `/api/v1/export?exact=1&match[]=${encodeURIComponent(matcher)}`;
  const { text } = await orrery.get(path);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Series);
}

/** Values by metric name. */
async function values(matcher: string): Promise<Record<string, unknown>> {
  const all = await stored(matcher);
  return Object.fromEntries(all.map(({ metric, values: list }) => [metric['__name__'], list]));
}

async function until<T>(read: () => Promise<T>, expected: T): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (JSON.stringify(await read()) === JSON.stringify(expected)) return;
    await sleep(25);
  }
  assert.deepEqual(await read(), expected);
}

async function lost(reason: string): Promise<number> {
  const { text } = await orrery.get('/metrics');
  const name = `orrery_lines_lost_total{protocol="influx",reason="${reason}"} `;
  const line = text.split('\n').find((one) => one.startsWith(name));
  return line === undefined ? 0 : Number(line.slice(name.length));
}

async function refusedReasons(): Promise<string[]> {
  const { text } = await orrery.get('/orrery/v1/refused-lines');
  const { lines } = JSON.parse(text) as { lines: { reason: string; protocol: string }[] };
  return lines.filter(({ protocol }) => protocol === 'influx').map(({ reason }) => reason);
}

const write3 = (query: string, body: string) =>
  orrery.post(`/api/v3/write_lp?db=three&${query}`, body);

test('3: partial writes and all or nothing, as the owner words them', async () => {
  const lines = 'three_p f=1 5000000000000000\nthree_p f= 1\n\nthree_p f=2 5000000001000000\nx';
  const partial = await write3('', lines);
  assert.equal(partial.status, 400);
  assert.match(partial.headers.get('content-type') ?? '', /^application\/json/);
  const bad = {
    error_message: 'missing field value',
    line_number: 2,
    original_line: 'three_p f= 1',
  };
  assert.deepEqual(JSON.parse(partial.text), {
    error: 'partial write of line protocol occurred',
    data: [bad, { error_message: 'missing fields', line_number: 5, original_line: 'x' }],
  });
  assert.deepEqual(await values('{db="three"}'), { three_p_f: [1, 2] });
  const whole = await write3('accept_partial=false', lines.replaceAll('three_p', 'three_w'));
  assert.equal(whole.status, 400);
  assert.deepEqual(JSON.parse(whole.text), {
    error: 'parsing failed for write_lp endpoint',
    data: { ...bad, original_line: 'three_w f= 1' },
  });
  assert.deepEqual(await values('{__name__=~"three_w.*"}'), {});
  const good = await write3('accept_partial=false', 'three_w f=3');
  assert.deepEqual([good.status, good.text], [204, '']);
  const all = await write3('', 'x\ny');
  assert.match(all.text, /^\{"error":"partial write of line protocol occurred","data":\[\{/);
});

test('3: precisions by name, guessed ones, parameters', async () => {
  const times: Record<string, string> = {
    '': `${T}`,
    auto: `${T}000`,
    second: `${T}`,
    s: `${T}`,
    millisecond: `${T}000`,
    ms: `${T}000`,
    microsecond: `${T}000000`,
    us: `${T}000000`,
    u: `${T}000000`,
    nanosecond: `${T}000000000`,
    ns: `${T}000000000`,
    n: `${T}000000000`,
  };
  for (const [precision, time] of Object.entries(times)) {
    const asked = precision === '' ? '' : `precision=${precision}`;
    const { status, text } = await write3(asked, `three_t,by=x${precision} f=1 ${time}`);
    assert.equal(status, 204, precision + text);
  }
  const series = await stored('{__name__="three_t_f"}');
  assert.equal(series.length, 12);
  for (const one of series) assert.deepEqual(one.timestampsUs, [T_US], JSON.stringify(one));
  const wrong = await write3('precision=minute', 'm f=1');
  assert.deepEqual(
    [wrong.status, wrong.text],
    [400, '{"error":"unrecognized precision unit: minute"}'],
  );
  const flag = await write3('accept_partial=maybe', 'm f=1');
  assert.deepEqual(
    [flag.status, flag.text],
    [400, '{"error":"accept_partial must be true or false"}'],
  );
  const path = '/influxdb/api/v3/write_lp?db=d/r&no_sync=true&precision=second';
  const headers = { Authorization: 'Bearer any' };
  const quick = await orrery.post(path, `three_q f=1 ${T}`, { headers });
  assert.equal(quick.status, 204, quick.text);
  await until(
    async () => (await stored('{__name__="three_q_f"}')).map(({ metric }) => metric),
    [{ __name__: 'three_q_f', db: 'd', rp: 'r' }],
  );
  const get = await orrery.get('/api/v3/write_lp');
  assert.deepEqual([get.status, get.headers.get('allow')], [405, 'POST']);
  assert.match(get.text, /^\{"error":"/);
});

test('1.x: parameters, partial writes; 2.x: all or nothing', async () => {
  const asked = 'db=one&rp=week&u=me&p=secret&consistency=ALL&precision=m';
  const one = await orrery.post(`/write?${asked}`, 'one f=1 29166666\n');
  assert.equal(one.status, 204, one.text);
  assert.deepEqual(await stored('{__name__="one_f"}'), [
    {
      metric: { __name__: 'one_f', db: 'one', rp: 'week' },
      kind: 'f64',
      values: [1],
      timestampsUs: [29_166_666 * 60_000_000],
    },
  ]);
  const level = await orrery.post('/write?db=one&consistency=most', 'one f=1');
  assert.deepEqual([level.status, level.text], [400, '{"error":"invalid consistency level"}\n']);
  const mixed = await orrery.post('/write?db=one', 'one_p f=1 0\none_p f=x 1\none_p f=2 2000\n');
  assert.equal(mixed.status, 400);
  assert.deepEqual(JSON.parse(mixed.text), {
    error: "partial write: unable to parse 'one_p f=x 1': invalid boolean dropped=0",
  });
  // The header is one line, as InfluxDB writes it.
  const bad = await orrery.post('/write?db=one', 'é\nb f=x\n');
  assert.equal(
    bad.headers.get('x-influxdb-error'),
    "unable to parse '?': missing fields unable to parse 'b f=x': invalid boolean",
  );
  assert.deepEqual(await values('{__name__="one_p_f"}'), { one_p_f: [1, 2] });
  const path = '/api/v2/write?org=us&bucket=two/week&precision=s';
  const headers = { Authorization: 'Token any' };
  const two = await orrery.post(path, `two f=1 ${T}\ntwo f=x 1`, { headers });
  assert.equal(two.status, 400);
  assert.equal(two.headers.get('x-platform-error-code'), 'invalid');
  const message = "unable to parse 'two f=x 1': invalid boolean";
  assert.deepEqual(JSON.parse(two.text), { code: 'invalid', message });
  assert.deepEqual(await values('{__name__="two_f"}'), {});
});

test('a limit refuses its fields alone: the shapes of 1.x, 2.x and 3', async () => {
  const wide = 'x'.repeat(9000);
  const body = (name: string) => `${name},tag=${wide} f=1 1000\n${name} f=2 1000\n`;
  const reason = 'has 9000 bytes, the limit is 8192 .label-value-bytes, see [^)]*.';
  const one = await orrery.post('/write?db=limit', body('limit_one'));
  const said = (JSON.parse(one.text) as { error: string }).error;
  assert.equal(one.status, 400);
  assert.match(said, new RegExp(`^partial write: .* ${reason} dropped=1$`));
  const two = await orrery.post('/api/v2/write?bucket=limit', body('limit_two'));
  assert.equal(two.status, 422);
  const refusal = JSON.parse(two.text) as { code: string; message: string };
  assert.equal(refusal.code, 'unprocessable entity');
  assert.match(
    refusal.message,
    /^failure writing points to database: partial write: .* dropped=1$/,
  );
  const three = await orrery.post('/api/v3/write_lp?db=limit', body('limit_three'));
  assert.equal(three.status, 422);
  const { data } = JSON.parse(three.text) as { data: Record<string, unknown>[] };
  assert.equal(data.length, 1);
  assert.equal(data[0]!['line_number'], 1);
  assert.match(String(data[0]!['error_message']), new RegExp(reason));
  assert.deepEqual(await values('{db="limit"}'), {
    limit_one_f: [2],
    limit_two_f: [2],
    limit_three_f: [2],
  });
});

test('ping and health, with GET and HEAD, on both paths', async () => {
  for (const prefix of ['', '/influxdb']) {
    for (const method of ['GET', 'HEAD']) {
      const ping = await orrery.get(`${prefix}/ping`, { method });
      assert.deepEqual([ping.status, ping.text], [204, '']);
      assert.equal(ping.headers.get('x-influxdb-version'), '1.8.10');
      assert.equal(ping.headers.get('x-influxdb-build'), 'OSS');
    }
    const verbose = await orrery.get(`${prefix}/ping?verbose=true`);
    assert.deepEqual([verbose.status, verbose.text], [200, '{"version":"1.8.10"}']);
    const health = await orrery.get(`${prefix}/health`);
    assert.equal((JSON.parse(health.text) as { status: string }).status, 'pass');
    assert.equal((await orrery.get(`${prefix}/health`, { method: 'HEAD' })).status, 200);
  }
});

test('CREATE DATABASE is done, other statements are refused', async () => {
  const type = { 'Content-Type': 'application/x-www-form-urlencoded' };
  const ask = (q: string, path = '/query') =>
    orrery.post(path, new URLSearchParams({ q }).toString(), { headers: type });
  for (const [text, count] of [
    ['CREATE DATABASE "telegraf"', 1],
    ['create database a;', 1],
    ['CREATE DATABASE "a;b\\"c" WITH DURATION 3d NAME x; CREATE DATABASE b ; ', 2],
  ] as const) {
    const { status, text: answer } = await ask(text);
    const results = Array.from({ length: count }, (_, id) => ({ statement_id: id }));
    assert.deepEqual([status, JSON.parse(answer)], [200, { results }], text);
  }
  assert.equal((await ask('CREATE DATABASE a', '/influxdb/query')).status, 200);
  assert.equal((await orrery.get('/query?q=CREATE+DATABASE+a&db=x&u=a&p=b')).status, 200);
  for (const text of ['SHOW DATABASES', 'CREATE DATABASE a; DROP DATABASE a', 'CREATE DATABASE']) {
    const { status, text: answer } = await ask(text);
    assert.equal(status, 400, text);
    assert.match(answer, /^\{"error":"only CREATE DATABASE is answered here/);
  }
  assert.match((await ask('')).text, /missing required parameter/);
});

test('no digit is lost, nothing that is no number becomes one', async () => {
  const exact: [string, string, unknown][] = [
    ['tiny', '1e-9', 1e-9],
    ['least', '5e-324', 5e-324],
    ['most', '1.7976931348623157e308', 1.7976931348623157e308],
    ['digits', '0.1234567890123456', 0.1234567890123456],
    ['minus', '-0', -0],
    ['int', '-9223372036854775808i', '-9223372036854775808'],
    ['odd', '9007199254740993i', '9007199254740993'],
    ['uint', '18446744073709551615u', '18446744073709551615'],
    ['yes', 'TRUE', true],
    ['text', '"a \\"quoted\\" \\\\ line\nbreak"', 'a "quoted" \\ line\nbreak'],
  ];
  const fields = exact.map(([name, token]) => `${name}=${token}`).join(',');
  const none = ['NaN', 'nan', '+Inf', '-Inf', 'inf', 'infinity', '0x10', '1_000', '']
    .map((token, i) => `exact bad${i}=${token} 1\n`)
    .join('');
  const wrote = await orrery.post('/write?db=exact', `${none}exact ${fields} ${T}123456789\n`);
  assert.match(wrote.text, /^\{"error":"partial write: unable to parse 'exact bad0=NaN 1'/);
  const series = await stored('{db="exact"}');
  const found = series.map(({ metric, values: list }) => [metric['__name__'], list]);
  const expected = exact.map(([name, , value]) => [`exact_${name}`, [value]]);
  assert.deepEqual(Object.fromEntries(found), Object.fromEntries(expected));
  for (const { timestampsUs, subNs } of series)
    assert.deepEqual([timestampsUs, subNs], [[T_US + 123_456], [789]]);
});

test('a line is as long as a body may be; which part is the field can be read back', async () => {
  const long = 'word, "and" \\ a=b\n'.repeat(200_000);
  const token = long.replaceAll(/["\\]/g, '\\$&');
  const body = `long s="${token}",f=1 ${T}\nlong g=2 ${T}\n`;
  assert.ok(body.length > 3_000_000);
  const wrote = await orrery.post('/write?db=long&precision=s', body);
  assert.equal(wrote.status, 204, wrote.text);
  const back = await values('{db="long"}');
  assert.equal((back['long_s'] as string[])[0], long);
  assert.deepEqual([back['long_f'], back['long_g']], [[1], [2]]);
  const split = await orrery.post(
    '/write?db=split',
    's_p c=1 1000\ns p_c=2 1000\ns p\\_c=3 1000\n',
  );
  assert.equal(split.status, 204, split.text);
  const apart = await stored('{db="split"}');
  assert.equal(new Set(apart.map(({ metric }) => JSON.stringify(metric))).size, 3);
});

async function sendTcp(pieces: Iterable<Uint8Array>, pauseMs?: number): Promise<void> {
  const socket = net.connect(portOf('influx-tcp'), '127.0.0.1');
  socket.setNoDelay(true);
  await once(socket, 'connect');
  for (const piece of pieces) {
    if (!socket.write(piece)) await once(socket, 'drain');
    if (pauseMs !== undefined) await sleep(pauseMs);
  }
  socket.resume();
  const closed = once(socket, 'close');
  socket.end();
  await closed;
}

function* cut(body: Uint8Array, step: number): Generator<Uint8Array> {
  for (let at = 0; at < body.length; at += step) yield body.subarray(at, at + step);
}

test('TCP: lines cut at any byte, strings with line breaks, database and precision', async () => {
  const note = 'one\ntwo f=9 9\n\\"three\\"\n';
  const lines = `cut,a=b\\ c f=1.5,n="${note}" ${T}\r\ncut,a="q f=2 ${T}000\nbad\ncut f=3 ${T + 1}\n`;
  const body = Buffer.from(lines);
  const metric = (name: string, more = {}) => ({ __name__: name, db: 'app', rp: 'week', ...more });
  for (const step of [1, 2, 7, 64, 1000]) {
    await sendTcp(cut(body, step), step < 64 ? 0 : undefined);
    const found = await stored('{__name__=~"cut.*"}');
    const shown = found.map((one) => [one.metric, one.values, one.timestampsUs]);
    const text = 'one\ntwo f=9 9\n"three"\n';
    const key = ({ metric: labels }: Series) => JSON.stringify(labels);
    assert.equal(new Set(found.map(key)).size, 4);
    for (const expected of [
      [metric('cut_f', { a: 'b c' }), [1.5], [T_US]],
      [metric('cut_n', { a: 'b c' }), [text], [T_US]],
      [metric('cut_f', { a: '"q' }), [2], [T_US]],
      [metric('cut_f'), [3], [T_US + 1_000_000]],
    ])
      assert.ok(
        shown.some((one) => isSame(one, expected)),
        JSON.stringify({ step, expected, shown }),
      );
    const gone = await orrery.post('/orrery/v1/delete?match[]={__name__=~"cut.*"}', '');
    assert.equal(gone.status, 200, gone.text);
  }
  assert.ok((await refusedReasons()).includes("unable to parse 'bad': missing fields"));
});

function isSame(one: unknown, other: unknown): boolean {
  try {
    assert.deepEqual(one, other);
    return true;
  } catch (error) {
    if (error instanceof assert.AssertionError) return false;
    throw error;
  }
}

test('TCP: long lines are taken, too long and unfinished ones are told', async () => {
  const lostBefore = { long: await lost('too long'), open: await lost('unfinished') };
  const text = 'a b=1 2\n'.repeat(100_000);
  const lines = [
    `tcp_long s="${text}" ${T}\n`,
    `tcp_long t="${'x'.repeat(1_100_000)}" ${T}\n`,
    `tcp_long f=1 ${T}\n`,
    `tcp_long f=12`,
  ];
  await sendTcp(cut(Buffer.from(lines.join('')), 50_000));
  const found = await values('{__name__=~"tcp_long.*"}');
  assert.deepEqual(Object.keys(found).toSorted(), ['tcp_long_f', 'tcp_long_s']);
  assert.equal((found['tcp_long_s'] as string[])[0], text);
  assert.deepEqual(found['tcp_long_f'], [1]);
  assert.equal(await lost('too long'), lostBefore.long + 1);
  assert.equal(await lost('unfinished'), lostBefore.open + 1);
  const reasons = await refusedReasons();
  assert.ok(reasons.some((reason) => reason.endsWith('the line is longer than 1048576 bytes')));
  const open = "unable to parse 'tcp_long f=12': the connection ended within the line";
  assert.ok(reasons.includes(open), reasons.join('\n'));
});

test('UDP: whole lines, with and without a last line break; a quote hides no other datagram', async () => {
  const lostBefore = await lost('unfinished');
  const socket = dgram.createSocket('udp4');
  const send = (text: string) =>
    new Promise((resolve) => socket.send(text, portOf('influx-udp'), '127.0.0.1', resolve));
  await send(`udp,n=1 f=1,s="x\ny" ${T}\nudp,n=2 f=2 ${T}`);
  await send(`udp,n=3 f=3 ${T}\nudp s="never closed ${T}\n`);
  await send(`udp s="nor this`);
  await send(`udp,n=4 f=4 ${T}\r\n`);
  await send('udp bad');
  await send(`udp,n=5 f=5 ${T}000`);
  socket.close();
  const read = async () => (await stored('{__name__="udp_f"}')).flatMap((one) => one.values);
  await until(read, [1, 2, 3, 4, 5]);
  assert.deepEqual(await values('{__name__="udp_s"}'), { udp_s: ['x\ny'] });
  assert.equal(await lost('unfinished'), lostBefore + 2);
  const reasons = await refusedReasons();
  assert.ok(reasons.some((reason) => reason.endsWith('the datagram ended within the line')));
  assert.ok(reasons.includes("unable to parse 'udp bad': invalid field format"));
});

test('a write that the disk cannot take is not acknowledged', async () => {
  const full = await startOrrery(['--no-collect', '--min-free-disk', '99.9999%']);
  const shapes: [string, RegExp][] = [
    ['/write?db=d', /^\{"error":"/],
    ['/api/v2/write?bucket=d', /^\{"code":"unavailable","message":"/],
    ['/api/v3/write_lp?db=d', /^\{"error":"/],
  ];
  for (const [path, shape] of shapes) {
    const { status, text, headers } = await full.post(path, 'm f=1');
    assert.equal(status, 503, path + text);
    assert.match(text, shape);
    assert.ok(Number(headers.get('retry-after')) > 0, path);
  }
  const exited = await full.stop();
  assert.equal(exited.code, 0, exited.stdout + exited.stderr);
});
