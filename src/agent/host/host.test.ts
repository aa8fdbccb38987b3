// /proc texts → families, against hand-made inputs and against the names and helps of
// node_exporter.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FileError } from '../../stdx/files.ts';
import type { Files } from '../../stdx/files.ts';
import { Page } from '../page.ts';
import { parseMounts } from './filesystems.ts';
import { HostCollector } from './host-collector.ts';
import type { HostFacts } from './host-collector.ts';
import {
  writeDiskstats,
  writeMeminfo,
  writeNetDev,
  writePressure,
  writeStat,
} from './proc-tables.ts';

function lines(write: (page: Page) => void): string[] {
  const page = new Page();
  write(page);
  return page
    .toString()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
}

test('/proc/stat', () => {
  const stat =
    'cpu  1 2\ncpu0 100 2 3 4 5 6 7 8 9 10\nintr 77 1 2\nctxt 5\nbtime 1700000000\nprocesses 9\nprocs_running 2\nprocs_blocked 0\n';
  const got = lines((page) => writeStat(page, stat));
  assert.ok(got.includes('node_cpu_seconds_total{cpu="0",mode="user"} 1'));
  assert.ok(got.includes('node_cpu_seconds_total{cpu="0",mode="steal"} 0.08'));
  assert.ok(got.includes('node_cpu_guest_seconds_total{cpu="0",mode="nice"} 0.1'));
  assert.ok(got.includes('node_intr_total 77'));
  assert.ok(got.includes('node_boot_time_seconds 1700000000'));
  assert.equal(got.length, 8 + 2 + 6);
});

test('/proc/meminfo', () => {
  const meminfo = 'MemTotal:  16 kB\nActive(anon):  2 kB\nHugePages_Total:   3\n';
  assert.deepEqual(
    lines((page) => writeMeminfo(page, meminfo)),
    [
      'node_memory_MemTotal_bytes 16384',
      'node_memory_Active_anon_bytes 2048',
      'node_memory_HugePages_Total 3',
    ],
  );
});

test('/proc/diskstats: partitions and loops are left out, units are bytes and seconds', () => {
  const row = '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17';
  const got = lines((page) =>
    writeDiskstats(
      page,
      `  8 0 sda ${row}\n  8 1 sda1 ${row}\n  7 0 loop0 ${row}\n 259 0 nvme0n1 1 2 3 4 5 6 7 8 9 10 11\n`,
    ),
  );
  assert.ok(got.every((line) => /device="(sda|nvme0n1)"/.test(line)));
  assert.ok(got.includes('node_disk_read_bytes_total{device="sda"} 1536'));
  assert.ok(got.includes('node_disk_read_time_seconds_total{device="sda"} 0.004'));
  assert.ok(got.includes('node_disk_flush_requests_time_seconds_total{device="sda"} 0.017'));
  assert.equal(got.filter((line) => line.includes('nvme')).length, 11);
});

test('/proc/net/dev and /proc/pressure', () => {
  const dev =
    'Inter-|   Receive\n face |bytes\n  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n    lo:21 0 0 0 0 0 0 0 21 0 0 0 0 0 0 0\n';
  const got = lines((page) => writeNetDev(page, dev));
  assert.equal(got.length, 32);
  assert.ok(got.includes('node_network_receive_bytes_total{device="lo"} 21'));
  assert.ok(got.includes('node_network_transmit_bytes_total{device="eth0"} 9'));
  const pressure = 'some avg10=0.00 total=1500000\nfull avg10=0.00 total=250000\n';
  assert.deepEqual(
    lines((page) => writePressure(page, 'io', pressure)),
    ['node_pressure_io_waiting_seconds_total 1.5', 'node_pressure_io_stalled_seconds_total 0.25'],
  );
});

test('mounts: escapes, ignored ones, the last mount of a point, an overlay root', () => {
  const mounts =
    'proc /proc proc rw 0 0\noverlay / overlay rw 0 0\n/dev/a /my\\040disk ext4 ro,relatime 0 0\n' +
    'srv:/x /net nfs4 rw 0 0\n/dev/b /var/lib/docker/x ext4 rw 0 0\n/dev/c /d ext4 rw 0 0\n/dev/e /d xfs rw 0 0\n';
  assert.deepEqual(
    parseMounts(mounts).map((mount) => Object.values(mount)),
    [
      ['overlay', '/', 'overlay', false],
      ['/dev/a', '/my disk', 'ext4', true],
      ['/dev/e', '/d', 'xfs', false],
    ],
  );
});

const FACTS: HostFacts = {
  platform: 'linux',
  uname: { sysname: 'Linux', release: '6', version: '#1', machine: 'x86_64', nodename: 'h"1' },
  loadAverages: () => [1, 2, 3],
  memory: () => ({ totalBytes: 100, freeBytes: 40 }),
  cpuSeconds: () => [{ user: 1, nice: 0, system: 2, idle: 3, irq: 0 }],
  uptimeSec: () => 50,
};
const CLOCK = { nowMs: () => 100_000, monotonicMs: () => 0 };

function procFiles(texts: Record<string, string>): Files {
  const missing = (path: string) => Promise.reject(new FileError('ENOENT', path, 'open'));
  return {
    readWhole: (path: string) =>
      texts[path] === undefined ? missing(path) : Promise.resolve(Buffer.from(texts[path])),
    space: (path: string) =>
      path === '/' ? Promise.resolve({ freeBytes: 4, totalBytes: 10 }) : missing(path),
  } as unknown as Files;
}

test('a part that fails is named and the others are there', async () => {
  const files = procFiles({
    '/proc/loadavg': '0.50 1.25 2 1/99 7\n',
    '/proc/self/mounts': '/dev/a / ext4 rw 0 0\n/dev/b /locked ext4 rw 0 0\n',
  });
  const page = await new HostCollector({ files, facts: FACTS, clock: CLOCK }).collect();
  assert.match(page, /^node_load5 1\.25$/m);
  assert.match(page, /^node_scrape_collector_success\{collector="loadavg"\} 1$/m);
  assert.match(page, /^node_scrape_collector_success\{collector="stat"\} 0$/m);
  assert.match(page, /^node_filesystem_avail_bytes\{device="\/dev\/a",.*mountpoint="\/"\} 4$/m);
  assert.match(page, /^node_filesystem_device_error\{.*mountpoint="\/locked"\} 1$/m);
  assert.match(page, /^node_uname_info\{.*nodename="h\\"1",.*\} 1$/m);
  assert.match(page, /^node_time_seconds 100$/m);
});

test('another system shows what its runtime knows', async () => {
  const facts = { ...FACTS, platform: 'darwin' };
  const page = await new HostCollector({ files: procFiles({}), facts, clock: CLOCK }).collect();
  assert.match(page, /^node_cpu_seconds_total\{cpu="0",mode="idle"\} 3$/m);
  assert.match(page, /^node_memory_MemTotal_bytes 100$/m);
  assert.match(page, /^node_boot_time_seconds 50$/m);
  assert.doesNotMatch(page, /collector_success\{.*\} 0/);
});
