// What no well-behaved client sends: requests that two readers could understand differently,
// headers without an end, senders that never finish, names that mean something to JavaScript.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { nativeErrors, plainErrors } from './errors.ts';
import type { Handler, Method, Route } from './route.ts';
import { openDoor, rawRequest } from './testing.ts';
import type { TestDoor } from './testing.ts';

function route(method: Method, path: string, handler: Handler, errors = plainErrors): Route {
  const bodyLimitBytes = method === 'GET' ? 0 : 1000;
  const scope = { permission: 'read', tenantScope: 'tenant' } as const;
  return { method, path, prefix: '', ...scope, bodyLimitBytes, errors, handler };
}

let calls = 0;
const cut = Promise.withResolvers<void>();
const routes: readonly Route[] = [
  route('GET', '/api/x', async (x) => x.send({ status: 200, body: x.principal.tenant })),
  route('POST', '/api/x', async (x) => {
    calls++;
    x.send({ status: 200, body: await x.body() });
  }),
  route('GET', '/api/big', async (x) => {
    x.response.once('close', () => cut.resolve());
    x.send({ status: 200, body: Buffer.alloc(1 << 26) });
  }),
  route('GET', '/api/:name/end', async (x) => x.send({ status: 200, body: x.params.get('name')! })),
  route('POST', '/own/x', async (x) => x.send({ status: 204 }), nativeErrors),
];

let door: TestDoor;
before(async () => {
  door = await openDoor(routes);
});
after(() => door.close());

const POST = 'POST /api/x HTTP/1.1\r\nHost: localhost\r\n';
const SMUGGLED = 'GET /api/x HTTP/1.1\r\nHost: localhost\r\n\r\n';

test('a body with two lengths is refused before any handler sees it', async () => {
  const shapes = [
    'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n',
    'Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
    'Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello',
    'Content-Length: 5, 5\r\n\r\nhello',
    'Content-Length: +5\r\n\r\nhello',
    'Content-Length: 0x5\r\n\r\nhello',
    'Content-Length: -5\r\n\r\nhello',
    'Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
    'Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n',
    'Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n',
    'Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n\r\n',
    'X: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'X: a\r\n folded\rb\r\n\r\n',
  ];
  for (const shape of shapes) {
    const callsBefore = calls;
    const answer = await rawRequest(door.port, [POST + shape + SMUGGLED]);
    assert.match(answer, /^HTTP\/1\.1 400 /, JSON.stringify(shape));
    assert.ok(!answer.includes('default'), `the second request is not read: ${answer}`);
    assert.ok(calls - callsBefore <= 1);
  }
});

test('headers above the limit, a missing or double Host, a foreign target', async () => {
  const huge = await rawRequest(door.port, [`GET /api/x HTTP/1.1\r\nX: ${'x'.repeat(40_000)}`]);
  assert.match(huge, /^HTTP\/1\.1 431 /);
  const none = await rawRequest(door.port, ['GET /api/x HTTP/1.1\r\n\r\n']);
  assert.match(none, /^HTTP\/1\.1 400 /);
  const old = await rawRequest(door.port, ['GET /api/x HTTP/1.0\r\n\r\n']);
  assert.match(old, /^HTTP\/1\.1 200 /);
  const two =
    'GET /api/x HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n';
  assert.match(await rawRequest(door.port, [two]), /^HTTP\/1\.1 (?:400|403) /);
  const flipped = two
    .replace('localhost', 'evil.example')
    .replace(/evil.example\r\nC/, 'localhost\r\nC');
  assert.match(await rawRequest(door.port, [flipped]), /^HTTP\/1\.1 (?:400|403) /);
  const target =
    'GET http://evil.example/api/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
  assert.match(await rawRequest(door.port, [target]), /^HTTP\/1\.1 404 /);
});

test('a sender that never finishes is told 408 and cut', async () => {
  const patience = { headersMs: 40, requestMs: 80, checkMs: 10, readIdleMs: 1000 };
  const hasty = await openDoor(routes, {}, patience);
  try {
    assert.match(await rawRequest(hasty.port, ['GET /api/x HTTP/1.1\r\nHos']), /^HTTP\/1\.1 408 /);
    const body = await rawRequest(hasty.port, [`${POST}Content-Length: 10\r\n\r\nabc`]);
    assert.match(body, /^(?:HTTP\/1\.1 408 |$)/);
    assert.match(hasty.registry.render(), /orrery_http_body_bytes_in_flight 0\n/);
  } finally {
    await hasty.close();
  }
});

test(
  'a reader that takes nothing is cut, one that comes again is served',
  { timeout: 10_000 },
  async () => {
    const patience = { headersMs: 1000, requestMs: 1000, checkMs: 100, readIdleMs: 30 };
    const hasty = await openDoor(routes, {}, patience);
    const socket = net.connect(hasty.port, '127.0.0.1');
    try {
      socket.pause();
      socket.on('error', () => undefined);
      socket.write('GET /api/big HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await cut.promise;
      for (let i = 0; i < 3; i++) {
        const answer = await fetch(`${hasty.url}/api/x`);
        assert.equal(await answer.text(), 'default');
        await sleep(40);
      }
    } finally {
      socket.destroy();
      await hasty.close();
    }
  },
);

async function get(path: string, init?: RequestInit) {
  const answer = await fetch(door.url + path, init);
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

test('unknown paths and methods are worded as the nearest protocol words them', async () => {
  const missing = await get('/nowhere');
  assert.equal(missing.status, 404);
  assert.deepEqual(JSON.parse(missing.text), {
    error: {
      code: 'no-such-path',
      kind: 'notFound',
      message: 'there is nothing at /nowhere',
      retryable: false,
    },
  });
  const near = await get('/api/nowhere');
  assert.deepEqual([near.status, near.text], [404, 'there is nothing at /api/nowhere\n']);
  const wrong = await get('/own/x');
  assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'POST']);
  assert.match(wrong.text, /^\{"error":\{"code":"method-not-allowed",/);
  const options = await get('/api/x', { method: 'OPTIONS' });
  assert.deepEqual(
    [options.status, options.headers.get('allow')],
    [204, 'GET, HEAD, POST, OPTIONS'],
  );
  assert.equal((await get('/api/a/end/')).text, 'a');
});

test('every answer keeps browsers from guessing and embedding', async () => {
  for (const path of ['/api/x', '/nowhere', '/own/x']) {
    const { headers } = await get(path);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('cross-origin-resource-policy'), 'same-origin');
  }
});

test('tenant names: what JavaScript knows already is a name like any other', async () => {
  const as = async (tenant: string) =>
    await get('/api/x', { headers: { 'X-Scope-OrgID': tenant } });
  for (const name of ['__proto__', 'constructor', 'toString', 'a'.repeat(128)])
    assert.equal((await as(name)).text, name);
  for (const name of ['', 'a, b', 'a|b', '.', '..', 'a/b', 'ä', 'a'.repeat(129)])
    assert.equal((await as(name)).status, 400, name);
  const twice = await rawRequest(door.port, [
    'GET /api/x HTTP/1.1\r\nHost: localhost\r\nX-Scope-OrgID: a\r\nX-Scope-OrgID: b\r\n' +
      'Connection: close\r\n\r\n',
  ]);
  assert.match(twice, /^HTTP\/1\.1 400 /);
});
