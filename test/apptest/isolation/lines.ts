// Lines over every listener, as somebody sends them who has no business with a tenant.
import dgram from 'node:dgram';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningOrrery } from '../harness.ts';
import { END_SEC } from './secrets.ts';

export const LISTENERS = ['graphite', 'opentsdb-telnet', 'influx-tcp', 'influx-udp'] as const;
export type Listener = (typeof LISTENERS)[number];

export const LISTEN = LISTENERS.map((name) => `--${name}=127.0.0.1:0`);

/** Sends lines, with a pause for what is answered. */
export async function sendLines(
  orrery: RunningOrrery,
  name: Listener,
  lines: string,
  isDatagram = name.endsWith('udp'),
): Promise<string> {
  const address = String(orrery.ready[name]);
  const port = Number(address.slice(address.lastIndexOf(':') + 1));
  if (isDatagram) {
    const socket = dgram.createSocket('udp4');
    await new Promise<void>((resolve) => {
      socket.send(lines, port, '127.0.0.1', () => resolve());
    });
    socket.close();
    return '';
  }
  const socket = net.connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  socket.write(lines);
  await sleep(200);
  socket.destroy();
  return text;
}

/** A point named `name` over each listener, and what its protocol can be asked beside. */
export function listenerLines(listener: Listener, name: string, token: string): string {
  const lead = token === '' ? '' : `${token}.`;
  if (listener === 'graphite')
    return `${lead}${name}.g;team=b 1 ${END_SEC}\n${lead}${name}.bad\n${lead}${name}.h 2 ${END_SEC}\n`;
  if (listener === 'opentsdb-telnet')
    return `put ${lead}${name}.t ${END_SEC} 1 team=b\nstats\nversion\nput ${lead}${name} b=\n`;
  return `${lead}${name}_${listener.slice(-3)},team=b v=1 ${END_SEC}000000000\n${lead}${name} b=\n`;
}
