// The door over real sockets: routing, Host and Origin rules, bodies, encodings, limits, errors.
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { after, before, test } from 'node:test';
import zlib from 'node:zlib';
import { AppError } from '../../model/errors.ts';
import { BugError } from '../../stdx/assert.ts';
import { nativeErrors, plainErrors } from './errors.ts';
import type { Handler, Method, Route } from './route.ts';
import { openDoor, rawRequest } from './testing.ts';
import type { TestDoor } from './testing.ts';

const LIMIT = 1000;

function route(method: Method, path: string, handler: Handler, more: Partial<Route> = {}): Route {
  return {
    method,
    path,
    prefix: '',
    permission: 'read',
    tenantScope: 'tenant',
    bodyLimitBytes: method === 'GET' ? 0 : LIMIT,
    errors: plainErrors,
    handler,
    ...more,
  };
}

const hanging = Promise.withResolvers<void>();
const hungUp = Promise.withResolvers<void>();

const stopper = new AbortController();
const blocked = Promise.withResolvers<void>();
const ended = Promise.withResolvers<unknown>();
const closed = Promise.withResolvers<void>();

/** More than all buffers between two sockets hold. */
async function* endless() {
  const piece = Buffer.alloc(1 << 24);
  for (;;) yield piece;
}

/** Resolves `blocked` once the answer waits for its client. */
function watchBlocked(response: http.ServerResponse): void {
  if (response.writableNeedDrain) blocked.resolve();
  else setImmediate(watchBlocked, response);
}

async function* halfAnAnswer() {
  yield 'first';
  // Whether there is a second piece is known before the head is sent.
  yield 'second';
  throw new AppError('timeout', 'x', 'too late');
}

const routes: readonly Route[] = [
  route('GET', '/who', async (x) => x.send({ status: 200, body: x.principal.tenant }), {
    prefix: '/p',
  }),
  route('POST', '/who', async (x) => x.send({ status: 200, body: 'posted' })),
  route('GET', '/label/:name/values', async (x) =>
    x.send({ status: 200, body: x.params.get('name')! }),
  ),
  // A copy: the answer may still be on its way when the body's memory is another one's.
  route('POST', '/echo', async (x) => x.send({ status: 200, body: Buffer.from(await x.body()) })),
  route(
    'POST',
    '/distinct',
    async (x) => {
      const body = await x.body();
      await new Promise((resolve) => setTimeout(resolve, 5));
      x.sendJson(200, [body.length, ...new Set(body)]);
    },
    { bodyLimitBytes: 4_000_000 },
  ),
  route('POST', '/form', async (x) => {
    x.send({ status: 200, body: (await x.form()).getAll('q').join('|') });
  }),
  route('GET', '/none', async (x) => x.send({ status: 204 }), { permission: 'none' }),
  route('GET', '/limited', async () => {
    throw new AppError('limited', 'x', 'too many', { retryAfterSec: 7 });
  }),
  route(
    'GET',
    '/bug',
    async () => {
      throw new BugError('secret detail');
    },
    { errors: nativeErrors },
  ),
  route('GET', '/half', (x) => x.sendStream(200, {}, halfAnAnswer())),
  route('GET', '/endless', async (x) => {
    x.response.on('close', () => closed.resolve());
    watchBlocked(x.response);
    const sending = x.sendStream(200, {}, endless(), { signal: stopper.signal });
    await sending.catch((error: unknown) => ended.resolve(error));
    await sending;
  }),
  route('GET', '/hang', async (x) => {
    x.signal.addEventListener('abort', () => hungUp.resolve());
    hanging.resolve();
    await hungUp.promise;
  }),
];

let door: TestDoor;
before(async () => {
  door = await openDoor(routes, { allowedHosts: ['metrics.example'] });
});
after(() => door.close());

async function get(path: string, init?: RequestInit) {
  const answer = await fetch(door.url + path, init);
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}
const post = (
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
) => get(path, { method: 'POST', body, headers });

/** fetch forbids setting Host. */
function getAs(host: string, headers: Record<string, string> = {}, method = 'GET') {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const options = { port: door.port, path: '/who', method, headers: { host, ...headers } };
    const request = http.request({ host: '127.0.0.1', agent: false, ...options }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => (text += String(chunk)));
      answer.on('end', () => resolve({ status: answer.statusCode!, text }));
    });
    request.on('error', reject);
    request.end();
  });
}

test('bodies that come in pieces share no memory while they are looked at', async () => {
  const sizes = [150_000, 300_000, 150_001, 3_000_000, 70_000, 150_000];
  for (let round = 0; round < 3; round++) {
    const answers = sizes.map(async (size, i) => {
      const body = new Uint8Array(size).fill(round * sizes.length + i);
      const answer = await fetch(`${door.url}/distinct`, { method: 'POST', body });
      assert.deepEqual(await answer.json(), [size, round * sizes.length + i]);
    });
    await Promise.all(answers);
  }
});

test('routes: native path, prefix, parameters, HEAD, 404, 405, OPTIONS', async () => {
  assert.equal((await get('/who')).text, 'default');
  assert.equal((await get('/p/who/')).text, 'default');
  assert.equal((await get('/who', { headers: { 'X-Scope-OrgID': 'acme' } })).text, 'acme');
  assert.equal((await get('/who', { headers: { 'X-Scope-OrgID': '../x' } })).status, 400);
  assert.equal((await get('/label/a%2Fb/values')).text, 'a/b');
  assert.equal((await get('/label/%zz/values')).status, 400);
  assert.equal((await get('/label//values')).status, 404);
  assert.equal((await get('/__proto__')).status, 404);
  const head = await get('/who', { method: 'HEAD' });
  assert.deepEqual([head.status, head.text], [200, '']);
  const wrong = await get('/label/x/values', { method: 'DELETE' });
  assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'GET, HEAD']);
  const options = await get('/who', { method: 'OPTIONS' });
  assert.deepEqual(
    [options.status, options.headers.get('access-control-allow-methods')],
    [204, null],
  );
});

test('a target in absolute form is the same request, where it names the host', async () => {
  for (const [target, host, status, text] of [
    ['http://localhost/who', 'localhost', 200, 'default'],
    ['HTTP://LocalHost:81/label/x/values?y', 'localhost:81', 200, 'x'],
    ['http://localhost', 'localhost', 404, ''],
    ['http://localhost?/who', 'localhost', 404, ''],
    ['http://evil.example/who', 'localhost', 404, ''],
    ['http://evil.example/who', 'evil.example', 403, ''],
    ['ftp://localhost/who', 'localhost', 404, ''],
  ] as const) {
    const head = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    const answer = await rawRequest(door.port, [head]);
    assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), `${target}: ${answer}`);
    if (text !== '') assert.ok(answer.endsWith(text), `${target}: ${answer}`);
  }
});

test('Host: loopback and listed names pass, a rebound name does not', async () => {
  for (const host of [
    '127.0.0.1',
    'localhost:1',
    '[::1]:4332',
    'a.localhost',
    'metrics.example:80',
  ])
    assert.equal((await getAs(host)).status, 200, host);
  for (const host of [
    'evil.example',
    '10.0.0.1',
    '127.0.0.1.evil.example',
    'localhost:1.evil.example',
    '[::1].evil.example',
    'evil.example:80:localhost',
    'evil@localhost',
    'localhost.evil',
    '[::2]',
  ])
    assert.equal((await getAs(host)).status, 403, host);
  assert.match((await getAs('evil.example')).text, /--allowed-host/);
});

test('Origin: state changes from other pages are refused, reads get no CORS', async () => {
  const host = `127.0.0.1:${door.port}`;
  const status = async (headers: Record<string, string>, method = 'POST') =>
    (await getAs(host, headers, method)).status;
  assert.equal(await status({}), 200);
  assert.equal(await status({ origin: `http://${host}` }), 200);
  assert.equal(await status({ origin: 'http://evil.example' }), 403);
  assert.equal(await status({ origin: 'http://127.0.0.1:1' }), 403);
  assert.equal(await status({ origin: 'null' }), 403);
  assert.equal(await status({ 'sec-fetch-site': 'cross-site' }), 403);
  assert.equal(await status({ origin: 'http://evil.example' }, 'GET'), 200);
  const read = await get('/who', { headers: { Origin: 'http://evil.example' } });
  assert.equal(read.headers.get('access-control-allow-origin'), null);
});

test('CORS for a listed origin: answers, preflight, state changes', async () => {
  const origin = 'https://grafana.example';
  const listed = await openDoor(routes, { corsOrigins: [origin] });
  try {
    const read = await fetch(`${listed.url}/who`, { headers: { Origin: origin } });
    assert.equal(read.headers.get('access-control-allow-origin'), origin);
    const foreign = await fetch(`${listed.url}/who`, { headers: { Origin: 'http://evil' } });
    assert.equal(foreign.headers.get('access-control-allow-origin'), null);
    assert.equal(foreign.headers.get('vary'), 'Origin');
    const preflight = await fetch(`${listed.url}/who`, {
      method: 'OPTIONS',
      headers: { Origin: origin, 'Access-Control-Request-Headers': 'x-scope-orgid' },
    });
    assert.equal(preflight.headers.get('access-control-allow-headers'), 'x-scope-orgid');
    const change = await fetch(`${listed.url}/who`, {
      method: 'POST',
      headers: { Origin: origin },
    });
    assert.equal(change.status, 200);
  } finally {
    await listed.close();
  }
});

test('bodies: every encoding, and errors that say what is wrong', async () => {
  const text = 'hello '.repeat(50);
  const encoders = {
    gzip: zlib.gzipSync,
    deflate: zlib.deflateSync,
    zstd: zlib.zstdCompressSync,
  };
  for (const [coding, encode] of Object.entries(encoders)) {
    const sent = encode(text);
    assert.equal((await post('/echo', sent, { 'Content-Encoding': coding })).text, text, coding);
    const cut = await post('/echo', sent.subarray(0, sent.length - 5), {
      'Content-Encoding': coding,
    });
    assert.equal(cut.status, 400, coding);
    assert.match(cut.text, new RegExp(`not valid ${coding}`));
    assert.equal((await post('/echo', 'garbage', { 'Content-Encoding': coding })).status, 400);
    const bomb = encode(Buffer.alloc(LIMIT + 1));
    assert.equal((await post('/echo', bomb, { 'Content-Encoding': coding })).status, 413, coding);
  }
  const bare = zlib.deflateRawSync(text);
  assert.equal((await post('/echo', bare, { 'Content-Encoding': 'deflate' })).text, text);
  assert.equal((await post('/echo', text, { 'Content-Encoding': 'br' })).status, 415);
  assert.equal((await post('/echo', 'x'.repeat(LIMIT))).text.length, LIMIT);
});

test('forms: body before query string, other types refused', async () => {
  const form = { 'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8' };
  assert.equal((await post('/form?q=b', 'q=a%2B', form)).text, 'a+|b');
  assert.equal((await post('/form?q=b', '')).text, 'b');
  assert.equal((await post('/form', '{}', { 'Content-Type': 'application/json' })).status, 415);
});

test('declared and real lengths above the limit: 413, then the connection ends', async () => {
  const head = 'POST /echo HTTP/1.1\r\nHost: localhost\r\n';
  const declared = await rawRequest(
    door.port,
    [`${head}Content-Length: 1073741824\r\n\r\n`, 'abc'],
    {
      until: 'says 1073741824',
    },
  );
  assert.match(declared, /^HTTP\/1\.1 413 .*Connection: close/s);
  const chunk = `3e9\r\n${'x'.repeat(1001)}\r\n0\r\n\r\n`;
  const chunked = await rawRequest(door.port, [`${head}Transfer-Encoding: chunked\r\n\r\n`, chunk]);
  assert.match(chunked, /^HTTP\/1\.1 413 /);
  const bare = 'GET /who HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello';
  const until = 'Transfer-Encoding announces one';
  const refused = [bare, bare, bare.replace(/Content-L.*/s, 'Transfer-Encoding: chunked\r\n\r\n')];
  const answers = await rawRequest(door.port, refused, { until });
  // A short body is read, so that the connection goes on.
  assert.match(answers, /^(?:HTTP\/1\.1 413 [^]*?takes no request body[^]*?){3}$/);
});

test('100-continue comes only when the body is wanted', async () => {
  const head = 'POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n';
  const refused = await rawRequest(door.port, [`${head}Content-Length: 5000\r\n\r\n`]);
  assert.match(refused, /^HTTP\/1\.1 413 /);
  const wanted = await rawRequest(door.port, [`${head}Content-Length: 5\r\n\r\n`, 'abcde'], {
    until: 'abcde',
  });
  assert.match(wanted, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
});

test('errors: Retry-After, contained bugs, half answers are cut', async () => {
  const limited = await get('/limited');
  assert.deepEqual([limited.status, limited.headers.get('retry-after')], [429, '7']);
  const bug = await get('/bug');
  assert.equal(bug.status, 500);
  assert.ok(!bug.text.includes('secret'));
  assert.match(door.registry.render(), /orrery_http_internal_errors_total 1\n/);
  await assert.rejects(get('/half'));
  assert.match(door.registry.render(), /route="\/who",method="POST",code="403"/);
  assert.match(door.registry.render(), /orrery_http_body_bytes_in_flight 0\n/);
});

test('a client that hangs up aborts its exchange', async () => {
  const abort = new AbortController();
  const answer = get('/hang', { signal: abort.signal });
  await hanging.promise;
  abort.abort();
  await assert.rejects(answer);
  await hungUp.promise;
});

test('a deadline cuts an answer that its client does not read', async () => {
  const socket = net.connect(door.port, '127.0.0.1');
  socket.pause();
  socket.on('error', () => undefined);
  socket.write('GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await blocked.promise;
  stopper.abort(new AppError('timeout', 'query-timeout', 'too late'));
  assert.equal(((await ended.promise) as AppError).code, 'query-timeout');
  await closed.promise;
  socket.destroy();
});

test('draining answers what has arrived and takes nothing new', async () => {
  const arrived = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const slow = route('GET', '/slow', async (x) => {
    arrived.resolve();
    await released.promise;
    x.send({ status: 200, body: 'late but whole' });
  });
  const other = await openDoor([slow]);
  const answer = fetch(`${other.url}/slow`);
  await arrived.promise;
  const drained = other.close();
  await assert.rejects(fetch(`${other.url}/slow`));
  released.resolve();
  assert.equal(await (await answer).text(), 'late but whole');
  await drained;
});

/** Asks again and again over one connection until it is told to end; what cut it otherwise. */
async function busyClient(url: string, begun: () => void): Promise<string> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  try {
    for (;;) {
      const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
      const sent = http.get(`${url}/quick`, { agent }, (response) => {
        response.resume().once('end', () => resolve(response.headers.connection));
      });
      sent.once('error', reject);
      if ((await promise) === 'close') return 'told to close';
      begun();
    }
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  } finally {
    agent.destroy();
  }
}

test('draining tells busy clients to close, and cuts none of them', async () => {
  const other = await openDoor([
    route('GET', '/quick', async (x) => x.send({ status: 200, body: 'quick' })),
  ]);
  const begun = Promise.withResolvers<void>();
  let count = 0;
  const begin = (): void => void (++count === 200 && begun.resolve());
  const clients = Array.from({ length: 20 }, () => busyClient(other.url, begin));
  await begun.promise;
  const drained = other.close();
  assert.deepEqual([...new Set(await Promise.all(clients))], ['told to close']);
  await drained;
});

test('draining closes connections that ask for nothing', async () => {
  const other = await openDoor([
    route('GET', '/quick', async (x) => x.send({ status: 200, body: 'quick' })),
  ]);
  const agent = new http.Agent({ keepAlive: true });
  await new Promise((resolve) => {
    http.get(`${other.url}/quick`, { agent }, (response) => response.resume().once('end', resolve));
  });
  await other.close();
  agent.destroy();
});
