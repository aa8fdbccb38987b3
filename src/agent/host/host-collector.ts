// One page of this host's metrics. On Linux each part reads its file of /proc through `Files`; on
// other systems the few values that the runtime knows are printed under the same names. A part that
// fails is left out and says so in `node_scrape_collector_success`; the others go on.
import type { Clock } from '../../stdx/clock.ts';
import type { Files } from '../../stdx/files.ts';
import { PROC_FILE_BYTES_MAX } from '../limits.ts';
import { Page } from '../page.ts';
import { parseMounts, writeFilesystems } from './filesystems.ts';
import {
  parseLoadavg,
  writeDiskstats,
  writeFileNr,
  writeLoad,
  writeMeminfo,
  writeNetDev,
  writePressure,
  writeStat,
  writeVmstat,
} from './proc-tables.ts';

/** What the runtime knows about its host, given by app/. */
export interface HostFacts {
  /** `linux`, `darwin`, … */
  readonly platform: string;
  readonly uname: {
    readonly sysname: string;
    readonly release: string;
    readonly version: string;
    readonly machine: string;
    readonly nodename: string;
  };
  loadAverages(): readonly number[];
  memory(): { readonly totalBytes: number; readonly freeBytes: number };
  /** Seconds since start by CPU and mode. */
  cpuSeconds(): readonly Readonly<Record<'user' | 'nice' | 'system' | 'idle' | 'irq', number>>[];
  uptimeSec(): number;
}

export interface HostCollectorOptions {
  readonly files: Files;
  readonly facts: HostFacts;
  readonly clock: Clock;
}

interface Part {
  readonly name: string;
  readonly write: (page: Page) => Promise<void>;
}

export class HostCollector {
  readonly #options: HostCollectorOptions;
  readonly #parts: readonly Part[];

  constructor(options: HostCollectorOptions) {
    this.#options = options;
    this.#parts = options.facts.platform === 'linux' ? this.#linuxParts() : this.#otherParts();
  }

  /** The page as Prometheus text. */
  async collect(): Promise<string> {
    const { clock } = this.#options;
    const page = new Page();
    const outcomes: { name: string; seconds: number; success: number }[] = [];
    for (const part of this.#parts) {
      const startedMs = clock.monotonicMs();
      const own = new Page();
      let success = 1;
      try {
        await part.write(own);
        page.append(own);
      } catch {
        // Counted, not hidden: node_scrape_collector_success says which part failed.
        success = 0;
      }
      const seconds = (clock.monotonicMs() - startedMs) / 1000;
      outcomes.push({ name: part.name, seconds, success });
    }
    const duration = 'node_scrape_collector_duration_seconds';
    page.family(duration, 'gauge', 'node_exporter: Duration of a collector scrape.');
    for (const { name, seconds } of outcomes) page.sample(duration, ['collector', name], seconds);
    const succeeded = 'node_scrape_collector_success';
    page.family(succeeded, 'gauge', 'node_exporter: Whether a collector succeeded.');
    for (const { name, success } of outcomes) page.sample(succeeded, ['collector', name], success);
    return page.toString();
  }

  async #read(path: string): Promise<string> {
    const bytes = await this.#options.files.readWhole(path, PROC_FILE_BYTES_MAX);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  }

  #proc(name: string, path: string, write: (page: Page, text: string) => void): Part {
    return { name, write: async (page) => write(page, await this.#read(`/proc/${path}`)) };
  }

  #linuxParts(): readonly Part[] {
    const { files } = this.#options;
    return [
      this.#proc('stat', 'stat', writeStat),
      this.#proc('meminfo', 'meminfo', writeMeminfo),
      this.#proc('loadavg', 'loadavg', (page, text) => writeLoad(page, parseLoadavg(text))),
      this.#proc('diskstats', 'diskstats', writeDiskstats),
      {
        name: 'filesystem',
        write: async (page) =>
          await writeFilesystems(page, files, parseMounts(await this.#read('/proc/self/mounts'))),
      },
      this.#proc('netdev', 'net/dev', writeNetDev),
      this.#proc('vmstat', 'vmstat', writeVmstat),
      this.#proc('filefd', 'sys/fs/file-nr', writeFileNr),
      {
        name: 'pressure',
        write: async (page) => {
          for (const resource of ['cpu', 'io', 'memory'] as const)
            writePressure(page, resource, await this.#read(`/proc/pressure/${resource}`));
        },
      },
      ...this.#commonParts(),
    ];
  }

  #otherParts(): readonly Part[] {
    const { facts, clock, files } = this.#options;
    return [
      {
        name: 'cpu',
        write: async (page) => {
          const name = 'node_cpu_seconds_total';
          page.family(name, 'counter', 'Seconds the CPUs spent in each mode.');
          for (const [cpu, modes] of facts.cpuSeconds().entries())
            for (const [mode, seconds] of Object.entries(modes))
              page.sample(name, ['cpu', String(cpu), 'mode', mode], seconds);
        },
      },
      {
        name: 'meminfo',
        write: async (page) => {
          const { totalBytes, freeBytes } = facts.memory();
          const rows = [
            ['MemTotal_bytes', totalBytes],
            ['MemAvailable_bytes', freeBytes],
          ] as const;
          for (const [name, value] of rows)
            page.single(`node_memory_${name}`, 'gauge', `Memory information field ${name}.`, value);
        },
      },
      { name: 'loadavg', write: async (page) => writeLoad(page, facts.loadAverages()) },
      {
        name: 'filesystem',
        write: async (page) => {
          const root = {
            device: 'root',
            mountpoint: '/',
            fstype: facts.platform,
            isReadOnly: false,
          };
          await writeFilesystems(page, files, [root]);
        },
      },
      {
        name: 'boottime',
        write: async (page) => {
          const bootSec = Math.round(clock.nowMs() / 1000 - facts.uptimeSec());
          page.single('node_boot_time_seconds', 'gauge', 'Node boot time, in unixtime.', bootSec);
        },
      },
      ...this.#commonParts(),
    ];
  }

  #commonParts(): readonly Part[] {
    const { facts, clock } = this.#options;
    return [
      {
        name: 'time',
        write: async (page) => {
          const help = 'System time in seconds since epoch (1970).';
          page.single('node_time_seconds', 'gauge', help, clock.nowMs() / 1000);
        },
      },
      {
        name: 'uname',
        write: async (page) => {
          const help = 'Labeled system information as provided by the uname system call.';
          const { sysname, release, version, machine, nodename } = facts.uname;
          page.family('node_uname_info', 'gauge', help);
          page.sample(
            'node_uname_info',
            Object.entries({
              domainname: '(none)',
              machine,
              nodename,
              release,
              sysname,
              version,
            }).flat(),
            1,
          );
        },
      },
    ];
  }
}
