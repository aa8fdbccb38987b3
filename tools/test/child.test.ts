// Child processes of the test command: environment, deadline, what outlives its parent.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runChild, scrubbedEnv } from './child.ts';

const OPTIONS = { root: import.meta.dirname, env: {}, deadlineSec: 20 };

test('only the named variables reach a test', () => {
  const env = {
    PATH: '/bin',
    CI: '1',
    PEERS_X: 'y',
    https_proxy: 'p',
    npm_config_a: 'b',
    ORRERY_HTTP: 'x',
  };
  const kept = { PATH: '/r/node_modules/.bin:/bin', CI: '1', PEERS_X: 'y' };
  assert.deepEqual(scrubbedEnv(env, { root: '/r', mayInstall: false }), kept);
  const forInstalls = scrubbedEnv(env, { root: '/r', mayInstall: true });
  assert.deepEqual(forInstalls, { ...kept, https_proxy: 'p' });
});

test('output and exit code come back', async () => {
  const code = "console.log('out'); process.stderr.write('err'); process.exitCode = 3;";
  const ending = await runChild([process.execPath, '-e', code], OPTIONS);
  assert.equal(ending.exitCode, 3);
  assert.match(ending.output, /out/);
  assert.match(ending.output, /err/);
});

test('a child past its deadline is killed and said to be late', async () => {
  const code = 'setInterval(() => {}, 1000)';
  const options = { ...OPTIONS, deadlineSec: 0.3 };
  const ending = await runChild([process.execPath, '-e', code], options);
  assert.deepEqual([ending.isLate, ending.signal], [true, 'SIGKILL']);
});

test('what a child leaves running is killed with it', async () => {
  const code =
    "const { spawn } = require('node:child_process'); spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' }).unref(); process.exit(0);";
  const ending = await runChild([process.execPath, '-e', code], OPTIONS);
  assert.deepEqual([ending.exitCode, ending.isLate], [0, false]);
});

test('a program that is not there is told', async () => {
  const ending = await runChild(['no-such-program-here'], OPTIONS);
  assert.match(ending.signal ?? '', /ENOENT/);
});
