// OpenTSDB over real sockets: `/api/put` with its answers, errors by point, gzip and chunked
// bodies; telnet commands and HTTP on one port.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { after, before, test } from 'node:test';
import zlib from 'node:zlib';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const T = 1_750_000_000;
const SEE_LOGS = 'Please see the TSD logs or append "details" to the put request';

let orrery: RunningOrrery;
before(async () => {
  orrery = await startOrrery(['--no-collect', '--opentsdb-telnet', '127.0.0.1:0']);
});
after(async () => {
  const exited = await orrery.stop();
  assert.equal(exited.code, 0, exited.stdout + exited.stderr);
});

function portOf(server: RunningOrrery): number {
  return Number(String(server.ready['opentsdb-telnet']).split(':')[1]);
}

async function values(matcher: string): Promise<Record<string, unknown>> {
  const { text } = await orrery.get(`/api/v1/export?match[]=${encodeURIComponent(matcher)}`);
  const out: Record<string, unknown> = {};
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const {
      metric,
      values: list,
      timestamps,
    } = JSON.parse(line) as {
      metric: Record<string, string>;
      values: unknown[];
      timestamps: number[];
    };
    const key = Object.values(metric).join(' ');
    out[key] = list.map((value, i) => [timestamps[i], value]);
  }
  return out;
}

const point = (metric: string, more: Record<string, unknown> = {}) => ({
  metric,
  timestamp: T,
  value: 1,
  tags: { host: 'web01' },
  ...more,
});

async function put(body: unknown, query = '', path = '/api/put') {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = await orrery.post(path + query, text, {
    headers: { 'Content-Type': 'application/json' },
  });
  const json: unknown = answer.text === '' ? undefined : JSON.parse(answer.text);
  return { status: answer.status, json };
}

test('one point and many; seconds and milliseconds; the prefix', async () => {
  assert.deepEqual(await put(point('one.a')), { status: 204, json: undefined });
  const many = [
    point('one.a', { timestamp: T * 1000 + 1500, value: '2.5' }),
    point('one.b', { value: 1e-9 }),
  ];
  assert.equal((await put(many, '', '/opentsdb/api/put')).status, 204);
  assert.deepEqual(await values('{__name__=~"one.*"}'), {
    'one.a web01': [
      [T * 1000, 1],
      [T * 1000 + 1500, 2.5],
    ],
    'one.b web01': [[T * 1000, 1e-9]],
  });
});

test('summary, details and neither, good and bad', async () => {
  const good = point('two.a');
  const bad = point('two bad');
  const badValue = point('two.b', { value: 'NaN' });
  assert.deepEqual(await put(good, '?summary'), { status: 200, json: { failed: 0, success: 1 } });
  assert.deepEqual(await put(good, '?details&summary'), {
    status: 200,
    json: { errors: [], failed: 0, success: 1 },
  });
  assert.deepEqual(await put([good, bad, badValue], '?details'), {
    status: 400,
    json: {
      errors: [
        {
          error: 'Invalid metric name ("two bad"): illegal character:  ',
          datapoint: { metric: 'two bad', timestamp: T, value: '1', tags: { host: 'web01' } },
        },
        {
          error: 'Unable to parse value to a number',
          datapoint: { metric: 'two.b', timestamp: T, value: 'NaN', tags: { host: 'web01' } },
        },
      ],
      failed: 2,
      success: 1,
    },
  });
  assert.deepEqual(await put([bad, good], '?summary=true'), {
    status: 400,
    json: { failed: 1, success: 1 },
  });
  assert.deepEqual(await put([bad, good]), {
    status: 400,
    json: {
      error: { code: 400, message: 'One or more data points had errors', details: SEE_LOGS },
      failed: 1,
      success: 1,
    },
  });
  assert.deepEqual(Object.keys(await values('{__name__=~"two.*"}')), ['two.a web01']);
});

test('what is no JSON stores nothing and is said so', async () => {
  const half = `[${JSON.stringify(point('three.a'))},{`;
  assert.deepEqual(await put(half), {
    status: 400,
    json: {
      error: {
        code: 400,
        message: 'Unable to parse the given JSON',
        details: `expected a field (byte ${half.length})`,
      },
    },
  });
  const error = (message: string) => ({ status: 400, json: { error: { code: 400, message } } });
  assert.deepEqual(await put(''), error('Missing request content'));
  assert.deepEqual(await put('[]'), error('No datapoints found in content'));
  assert.deepEqual(await put('1'), error('The JSON must start as an object or an array'));
  assert.deepEqual(await values('{__name__=~"three.*"}'), {});
  const missing = await orrery.get('/api/put');
  assert.equal(missing.status, 405);
  assert.match(missing.text, /^\{"error":\{"code":405,"message":"Method not allowed"/);
});

test('sync and sync_timeout', async () => {
  assert.equal((await put(point('four.a'), '?sync')).status, 204);
  assert.deepEqual(await put(point('four.a'), '?sync&sync_timeout=10000&summary'), {
    status: 200,
    json: { failed: 0, success: 1, timeouts: 0 },
  });
  assert.equal((await put(point('four.a'), '?sync&sync_timeout=x')).status, 400);
});

test('gzip and chunked bodies', async () => {
  const packed = zlib.gzipSync(JSON.stringify([point('five.a')]));
  const answer = await orrery.post('/api/put', packed, {
    headers: { 'Content-Encoding': 'gzip' },
  });
  assert.equal(answer.status, 204);
  const request = http.request(`${orrery.url}/api/put?summary`, { method: 'POST' });
  const text = JSON.stringify([point('five.b'), point('five.c')]);
  for (let at = 0; at < text.length; at += 7) request.write(text.slice(at, at + 7));
  request.end();
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  assert.equal(response.statusCode, 200);
  response.resume();
  assert.equal(Object.keys(await values('{__name__=~"five.*"}')).length, 3);
});

test('the version', async () => {
  const { text } = await orrery.get('/api/version');
  assert.equal((JSON.parse(text) as { version: string }).version, '2.4.1');
});

/** Sends lines in pieces of `step` bytes, half-closes, and gives what came back. */
async function telnet(text: string, step = 1000): Promise<string> {
  const socket = net.connect({ port: portOf(orrery), host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  let answer = '';
  socket.on('data', (piece) => (answer += piece.toString()));
  for (let at = 0; at < text.length; at += step) {
    socket.write(text.slice(at, at + step));
    if (step < 50) await new Promise((resolve) => setImmediate(resolve));
  }
  socket.end();
  await once(socket, 'close');
  return answer;
}

test('telnet: puts are silent, refused ones and commands are answered in order', async () => {
  for (const step of [1, 3, 1000]) {
    const answer = await telnet(
      `put six.a ${T} 1 host=web01\r\nversion\nput six.a ${T + 1} x host=web01\n` +
        `\nput six.b ${T} 2.5 host=web01\nhelp\nnope 1 2\nput six.c ${T} 1 host\n`,
      step,
    );
    assert.equal(
      answer,
      'net.opentsdb.tools 2.4.1 built at revision orrery (MINT)\n' +
        'put: invalid value: not a number: x\n' +
        'available commands: put stats version exit help \n' +
        "unknown command: nope.  Try `help'.\n" +
        'put: illegal argument: invalid tag: host\n',
    );
  }
  assert.deepEqual(await values('{__name__=~"six.*"}'), {
    'six.a web01': [[T * 1000, 1]],
    'six.b web01': [[T * 1000, 2.5]],
  });
  const { text } = await orrery.get('/orrery/v1/refused-lines');
  assert.match(text, /put: illegal argument: invalid tag: host/);
});

test('telnet: stats counts, exit ends the connection', async () => {
  const answer = await telnet(`put seven ${T} 1 a=b\nput seven\nstats\nexit\nversion\n`);
  assert.match(answer, /^put: illegal argument: not enough arguments \(need least 4, got 1\)\n/);
  assert.match(answer, /tsd\.rpc\.received \d+ 2 type=put\n/);
  assert.match(answer, /tsd\.rpc\.errors \d+ 1 type=illegal_arguments\n$/);
});

test('HTTP is answered on the telnet port too', async () => {
  const url = `http://127.0.0.1:${portOf(orrery)}`;
  for (let i = 0; i < 3; i++) {
    const answer = await fetch(`${url}/api/put?summary`, {
      method: 'POST',
      body: JSON.stringify(point('eight', { timestamp: T + i })),
    });
    assert.deepEqual(await answer.json(), { failed: 0, success: 1 });
  }
  const large = Array.from({ length: 5000 }, (_, i) => point('eight', { timestamp: T + 10 + i }));
  const answer = await fetch(`${url}/api/put`, { method: 'POST', body: JSON.stringify(large) });
  assert.equal(answer.status, 204);
  assert.equal((await fetch(`${url}/api/version`)).status, 200);
});
