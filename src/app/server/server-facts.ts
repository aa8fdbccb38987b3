// What the status pages tell of the process and of its settings.
import { availableParallelism, hostname } from 'node:os';
import type { ServerFacts } from '../../frontends/prometheus/status.ts';
import { FLAGS, flagRows } from '../settings/flags.ts';
import type { Settings } from '../settings/flags.ts';
import { wholeMemoryBytes } from './memory.ts';

const MIB = 2 ** 20;

export function serverFacts(settings: Settings): ServerFacts {
  // What a share of the machine came to, not the 0 that asks for one.
  const memoryBytes = Math.floor(wholeMemoryBytes(settings.memoryBytes) / MIB) * MIB;
  const inForce = { ...settings, memoryBytes };
  const values = flagRows().map(({ key, flag, kind }): [string, string] => [
    flag,
    kind.print(inForce[key]),
  ]);
  return {
    startedMs: Date.now() - performance.now(),
    hostName: hostname(),
    workingDirectory: process.cwd(),
    processorCount: availableParallelism(),
    memoryBytes,
    resourceCount: process.getActiveResourcesInfo().length,
    flags: Object.fromEntries(values),
    // Quoted as JSON is: valid YAML whatever is in it.
    config: values
      .filter(([name]) => name !== FLAGS.config.flag)
      .map(([name, text]) => `${name}: ${JSON.stringify(text)}\n`)
      .join(''),
    retention: retentionText(settings),
  };
}

function retentionText({ retentionMs, retentionBytes }: Settings): string {
  const limits: string[] = [];
  if (retentionMs !== undefined) limits.push(FLAGS.retentionMs.kind.print(retentionMs));
  if (retentionBytes !== undefined) limits.push(FLAGS.retentionBytes.kind.print(retentionBytes));
  return limits.length === 0 ? 'none' : limits.join(' or ');
}
