// Targets that ask who is there: passwords, tokens and certificates from files, read anew for each
// scrape; a secret goes to nobody else and is on no page and in no log.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { selfSigned } from '../support/certificate.ts';
import { startOrrery } from './harness.ts';
import type { RunningOrrery } from './harness.ts';

const DEADLINE_MS = 30_000;
const SECRETS = ['s3cret-of-basic', 'first-token', 'second-token', 'token-of-files'];

let folder = '';
let orrery: RunningOrrery;
const servers: Server[] = [];
/** Authorizations by path, of all servers. */
const shown = new Map<string, string | undefined>();
/** Names of servers that were asked for, by path. */
const names = new Map<string, string | false | null | undefined>();

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function answer(wanted: ReadonlySet<string>, elsewhere: () => string) {
  return ({ url = '', headers }: IncomingMessage, response: ServerResponse): void => {
    shown.set(url, headers.authorization);
    if (url === '/moved')
      response.writeHead(302, { Location: `http://${elsewhere()}/other` }).end();
    else if (url === '/other' || wanted.has(headers.authorization ?? '')) response.end('page 1\n');
    else response.writeHead(401).end();
  };
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-access-'));
  const put = (name: string, text: string) => writeFile(join(folder, name), text);
  const basic = `Basic ${Buffer.from('prom:s3cret-of-basic').toString('base64')}`;
  const wanted = new Set([basic, 'Bearer second-token', 'Bearer token-of-files']);
  let otherHost = '';
  const serve = answer(wanted, () => otherHost);
  const host = await listen(createServer(serve));
  otherHost = await listen(createServer(serve));
  const { certificate, key } = selfSigned('target');
  const secure = await listen(https.createServer({ cert: certificate, key }, serve));
  const client = selfSigned('scraper');
  // Both know our certificate; the first one sends us to the second one.
  let secondHost = '';
  const mutual = () =>
    https.createServer(
      { cert: certificate, key, ca: client.certificate, requestCert: true },
      ({ url = '', socket }, response) => {
        names.set(url, (socket as TLSSocket).servername);
        if (url === '/mutual-moved')
          response.writeHead(302, { Location: `https://${secondHost}/asked` }).end();
        else response.end('page 1\n');
      },
    );
  const known = await listen(mutual());
  secondHost = await listen(mutual());
  await put('client.pem', client.certificate);
  await put('client.key', client.key);
  await put('password', 's3cret-of-basic\n');
  await put('token', 'first-token');
  await put('ca.pem', certificate);
  await put('files-token', 'token-of-files\n');
  const file = (name: string, labels: object, target = host) =>
    put(`${name}.json`, JSON.stringify([{ targets: [target], labels }]));
  await file('of-files', { __bearer_token_file__: 'files-token' });
  await file('outside', { __bearer_token_file__: '../token' });
  const user = `basic_auth_username=prom,basic_auth_password_file=${folder}/password`;
  const trust = `tls_ca_file=${folder}/ca.pem`;
  const shows = `${trust},tls_cert_file=${folder}/client.pem,tls_key_file=${folder}/client.key`;
  const target = (options: string, url: string) => ['--scrape', `interval=300ms,${options},${url}`];
  orrery = await startOrrery([
    '--no-collect',
    ...target(`job=basic,${user}`, `http://${host}/basic`),
    ...target(`job=token,bearer_token_file=${folder}/token`, `http://${host}/token`),
    ...target(`job=moved,${user}`, `http://${host}/moved`),
    ...target(`job=gone,bearer_token_file=${folder}/nothing`, `http://${host}/gone`),
    ...target(`job=ca,${user},tls_ca_file=${folder}/ca.pem`, `https://${secure}/ca`),
    ...target(`job=any,${user},tls_insecure_skip_verify=true`, `https://${secure}/any`),
    ...target(`job=strange,${user}`, `https://${secure}/strange`),
    ...target(`job=named,${user},${trust},tls_server_name=localhost`, `https://${secure}/named`),
    ...target(`job=misnamed,${user},${trust},tls_server_name=b.test`, `https://${secure}/misnamed`),
    ...target(`job=mutual,${shows},tls_server_name=localhost`, `https://${known}/mutual`),
    ...target(`job=unshown,${trust}`, `https://${known}/unshown`),
    ...target(`job=mutual-moved,${shows}`, `https://${known}/mutual-moved`),
    '--scrape-file-sd',
    folder,
    '--scrape-interval=300ms',
  ]);
});
after(async () => {
  await orrery.stop();
  for (const server of servers) server.close();
  await rm(folder, { recursive: true, force: true });
});

async function up(job: string): Promise<string | undefined> {
  const query = encodeURIComponent(`up{job="${job}"}`);
  const { text } = await orrery.get(`/api/v1/query?query=${query}`);
  const { data } = JSON.parse(text) as { data: { result: { value: [number, string] }[] } };
  return data.result[0]?.value[1];
}

async function untilUp(job: string, expected: string): Promise<void> {
  const end = Date.now() + DEADLINE_MS;
  while ((await up(job)) !== expected) {
    if (Date.now() > end) assert.equal(await up(job), expected, job);
    await sleep(100);
  }
}

test('users, tokens and authorities; a file counts as it is now', async () => {
  for (const job of ['basic', 'moved', 'ca', 'any', 'of-files']) await untilUp(job, '1');
  for (const job of ['token', 'gone', 'strange']) await untilUp(job, '0');
  assert.equal(shown.get('/token'), 'Bearer first-token');
  await writeFile(join(folder, 'token'), 'second-token\n');
  await untilUp('token', '1');
});

test('a certificate says who is asking, a name whose certificate is expected', async () => {
  for (const job of ['named', 'mutual']) await untilUp(job, '1');
  for (const job of ['misnamed', 'unshown', 'mutual-moved']) await untilUp(job, '0');
  assert.equal(names.get('/mutual'), 'localhost');
  assert.ok(!shown.has('/misnamed'), 'who has another name is not asked');
  assert.ok(!names.has('/unshown') && !names.has('/asked'));
  // Where a target sends us our certificate is not shown either.
  assert.ok(names.has('/mutual-moved'));
});

test('where a target sends us nobody learns the secret', async () => {
  await untilUp('moved', '1');
  assert.match(String(shown.get('/moved')), /^Basic /);
  assert.ok(shown.has('/other'));
  assert.equal(shown.get('/other'), undefined);
  assert.ok(!shown.has('/strange'), 'who is not believed is not asked');
  assert.ok(!shown.has('/gone'), 'nobody is asked without the token that is meant');
});

test('no secret is on a page or in the log; files outside of the folder are not read', async () => {
  for (const path of ['/api/v1/targets', '/api/v1/status/config', '/api/v1/status/flags']) {
    const { text } = await orrery.get(path);
    for (const secret of SECRETS) assert.ok(!text.includes(secret), path);
  }
  assert.equal(await up('outside'), undefined);
  const log = orrery.output();
  assert.match(log, /names no file in the folder of the targets/);
  for (const secret of SECRETS) assert.ok(!log.includes(secret));
});
