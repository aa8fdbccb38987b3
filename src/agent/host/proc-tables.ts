// Texts of /proc → families under node_exporter's names, units and help. Pure: text in, page out.
// Sources: proc(5); Linux Documentation/admin-guide/iostats.rst; names and help texts as
// node_exporter 1.x prints them (https://github.com/prometheus/node_exporter).
import type { Page } from '../page.ts';

/** Kernel ticks per second in /proc/stat; fixed at 100 for user space on every Linux port. */
const USER_HZ = 100;
const SECTOR_BYTES = 512;

const CPU_MODES = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'] as const;

function numbers(text: string): number[] {
  return text.trim().split(/\s+/).map(Number);
}

/** The number on the line that starts with `name`; undefined where there is none. */
function field(text: string, name: string): number | undefined {
  const match = new RegExp(`^${name}:?\\s+(\\d+)`, 'm').exec(text);
  return match === null ? undefined : Number(match[1]);
}

/** /proc/stat. */
export function writeStat(page: Page, stat: string): void {
  const cpus = [...stat.matchAll(/^cpu(\d+) (.*)$/gm)].map((m) => ({
    cpu: m[1]!,
    ticks: numbers(m[2]!),
  }));
  page.family('node_cpu_seconds_total', 'counter', 'Seconds the CPUs spent in each mode.');
  for (const { cpu, ticks } of cpus)
    for (const [i, mode] of CPU_MODES.entries())
      page.sample('node_cpu_seconds_total', ['cpu', cpu, 'mode', mode], (ticks[i] ?? 0) / USER_HZ);
  const guest = 'node_cpu_guest_seconds_total';
  page.family(guest, 'counter', 'Seconds the CPUs spent in guests (VMs) for each mode.');
  for (const { cpu, ticks } of cpus) {
    page.sample(guest, ['cpu', cpu, 'mode', 'nice'], (ticks[9] ?? 0) / USER_HZ);
    page.sample(guest, ['cpu', cpu, 'mode', 'user'], (ticks[8] ?? 0) / USER_HZ);
  }
  const rows = [
    ['btime', 'node_boot_time_seconds', 'gauge', 'Node boot time, in unixtime.'],
    ['ctxt', 'node_context_switches_total', 'counter', 'Total number of context switches.'],
    ['processes', 'node_forks_total', 'counter', 'Total number of forks.'],
    ['intr', 'node_intr_total', 'counter', 'Total number of interrupts serviced.'],
    ['procs_running', 'node_procs_running', 'gauge', 'Number of processes in runnable state.'],
    [
      'procs_blocked',
      'node_procs_blocked',
      'gauge',
      'Number of processes blocked waiting for I/O to complete.',
    ],
  ] as const;
  for (const [key, name, type, help] of rows) {
    const value = field(stat, key);
    if (value !== undefined) page.single(name, type, help, value);
  }
}

/** /proc/meminfo: `Active(anon): 12 kB` → `node_memory_Active_anon_bytes`. */
export function writeMeminfo(page: Page, meminfo: string): void {
  for (const match of meminfo.matchAll(/^([^:\s]+):\s+(\d+)( kB)?$/gm)) {
    const base = match[1]!.replaceAll(/\((.*?)\)/g, '_$1').replaceAll(/[^a-zA-Z0-9_]/g, '_');
    const name = match[3] === undefined ? base : `${base}_bytes`;
    const value = Number(match[2]) * (match[3] === undefined ? 1 : 1024);
    page.single(`node_memory_${name}`, 'gauge', `Memory information field ${name}.`, value);
  }
}

export function writeLoad(page: Page, averages: readonly number[]): void {
  for (const [i, minutes] of [1, 5, 15].entries()) {
    const value = averages[i];
    if (value !== undefined)
      page.single(`node_load${minutes}`, 'gauge', `${minutes}m load average.`, value);
  }
}

/** /proc/loadavg. */
export function parseLoadavg(loadavg: string): readonly number[] {
  return numbers(loadavg).slice(0, 3);
}

/** Devices that repeat what another one counts, or count nothing real. */
const IGNORED_DISKS = /^(?:z?ram|loop|fd|(?:h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$/;

interface DiskColumn {
  readonly name: string;
  /** Index behind the device's name in /proc/diskstats. */
  readonly at: number;
  readonly factor: number;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
}

function disk(at: number, name: string, help: string, more: Partial<DiskColumn> = {}): DiskColumn {
  return { at, name: `node_disk_${name}`, help, factor: 1, type: 'counter', ...more };
}

const MS = { factor: 0.001 };
const DISK_COLUMNS: readonly DiskColumn[] = [
  disk(0, 'reads_completed_total', 'The total number of reads completed successfully.'),
  disk(1, 'reads_merged_total', 'The total number of reads merged.'),
  disk(2, 'read_bytes_total', 'The total number of bytes read successfully.', {
    factor: SECTOR_BYTES,
  }),
  disk(3, 'read_time_seconds_total', 'The total number of seconds spent by all reads.', MS),
  disk(4, 'writes_completed_total', 'The total number of writes completed successfully.'),
  disk(5, 'writes_merged_total', 'The number of writes merged.'),
  disk(6, 'written_bytes_total', 'The total number of bytes written successfully.', {
    factor: SECTOR_BYTES,
  }),
  disk(
    7,
    'write_time_seconds_total',
    'This is the total number of seconds spent by all writes.',
    MS,
  ),
  disk(8, 'io_now', 'The number of I/Os currently in progress.', { type: 'gauge' }),
  disk(9, 'io_time_seconds_total', 'Total seconds spent doing I/Os.', MS),
  disk(10, 'io_time_weighted_seconds_total', 'The weighted # of seconds spent doing I/Os.', MS),
  disk(11, 'discards_completed_total', 'The total number of discards completed successfully.'),
  disk(12, 'discards_merged_total', 'The total number of discards merged.'),
  disk(13, 'discarded_sectors_total', 'The total number of sectors discarded successfully.'),
  disk(
    14,
    'discard_time_seconds_total',
    'This is the total number of seconds spent by all discards.',
    MS,
  ),
  disk(15, 'flush_requests_total', 'The total number of flush requests completed successfully'),
  disk(
    16,
    'flush_requests_time_seconds_total',
    'This is the total number of seconds spent by all flush requests.',
    MS,
  ),
];

/** /proc/diskstats. */
export function writeDiskstats(page: Page, diskstats: string): void {
  const devices = diskstats
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns.length > 3 && !IGNORED_DISKS.test(columns[2]!))
    .map((columns) => ({ device: columns[2]!, values: columns.slice(3).map(Number) }));
  for (const { name, at, factor, type, help } of DISK_COLUMNS) {
    const present = devices.filter(({ values }) => values[at] !== undefined);
    if (present.length === 0) continue;
    page.family(name, type, help);
    for (const { device, values } of present) {
      // Milliseconds are divided, not multiplied, so that 3 ms print as 0.003.
      const value = factor === MS.factor ? values[at]! / 1000 : values[at]! * factor;
      page.sample(name, ['device', device], value);
    }
  }
}

const RECEIVE = ['bytes', 'packets', 'errs', 'drop', 'fifo', 'frame', 'compressed', 'multicast'];
const TRANSMIT = ['bytes', 'packets', 'errs', 'drop', 'fifo', 'colls', 'carrier', 'compressed'];

/** /proc/net/dev. */
export function writeNetDev(page: Page, netDev: string): void {
  const devices = [...netDev.matchAll(/^\s*(\S+):\s*(\d.*)$/gm)].map((match) => ({
    device: match[1]!,
    values: numbers(match[2]!),
  }));
  const columns = [
    ...RECEIVE.map((name) => `receive_${name}`),
    ...TRANSMIT.map((name) => `transmit_${name}`),
  ];
  for (const [at, column] of columns.entries()) {
    const name = `node_network_${column}_total`;
    if (devices.length === 0) return;
    page.family(name, 'counter', `Network device statistic ${column}.`);
    for (const { device, values } of devices)
      page.sample(name, ['device', device], values[at] ?? 0);
  }
}

const VMSTAT = /^(?:oom_kill|pgpg|pswp|pg.*fault)/;

/** /proc/vmstat: the fields node_exporter takes by default. */
export function writeVmstat(page: Page, vmstat: string): void {
  for (const match of vmstat.matchAll(/^(\S+) (\d+)$/gm)) {
    const [, name, value] = match;
    if (!VMSTAT.test(name!)) continue;
    const help = `/proc/vmstat information field ${name}.`;
    page.single(`node_vmstat_${name}`, 'untyped', help, Number(value));
  }
}

/** /proc/sys/fs/file-nr. */
export function writeFileNr(page: Page, fileNr: string): void {
  const [allocated, , maximum] = numbers(fileNr);
  const help = 'File descriptor statistics:';
  if (allocated !== undefined)
    page.single('node_filefd_allocated', 'gauge', `${help} allocated.`, allocated);
  if (maximum !== undefined)
    page.single('node_filefd_maximum', 'gauge', `${help} maximum.`, maximum);
}

/** One file of /proc/pressure (`cpu`, `io` or `memory`); totals are microseconds. */
export function writePressure(page: Page, resource: 'cpu' | 'io' | 'memory', text: string): void {
  const total = (kind: 'some' | 'full') =>
    Number(new RegExp(`^${kind} .*total=(\\d+)`, 'm').exec(text)?.[1]) / 1e6;
  const forWhat = { cpu: 'for CPU time', io: 'due to IO congestion', memory: 'for memory' };
  const stalledBy = { cpu: 'CPU', io: 'IO congestion', memory: 'memory congestion' };
  const waiting = total('some');
  if (!Number.isNaN(waiting))
    page.single(
      `node_pressure_${resource}_waiting_seconds_total`,
      'counter',
      `Total time in seconds that processes have waited ${forWhat[resource]}`,
      waiting,
    );
  const stalled = total('full');
  if (!Number.isNaN(stalled) && resource !== 'cpu')
    page.single(
      `node_pressure_${resource}_stalled_seconds_total`,
      'counter',
      `Total time in seconds no process could make progress due to ${stalledBy[resource]}`,
      stalled,
    );
}
