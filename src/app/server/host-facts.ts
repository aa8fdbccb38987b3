// What the runtime knows about the host, for the collector.
import os from 'node:os';
import type { HostFacts } from '../../agent/host/host-collector.ts';

export function hostFacts(): HostFacts {
  return {
    platform: process.platform,
    uname: {
      sysname: os.type(),
      release: os.release(),
      version: os.version(),
      machine: os.machine(),
      nodename: os.hostname(),
    },
    loadAverages: () => os.loadavg(),
    memory: () => ({ totalBytes: os.totalmem(), freeBytes: os.freemem() }),
    cpuSeconds: () =>
      os.cpus().map(({ times }) => ({
        user: times.user / 1000,
        nice: times.nice / 1000,
        system: times.sys / 1000,
        idle: times.idle / 1000,
        irq: times.irq / 1000,
      })),
    uptimeSec: () => os.uptime(),
  };
}
