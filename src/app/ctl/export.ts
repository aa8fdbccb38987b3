// `orrery export`: series of a running server as JSON lines or CSV, to the standard output or into
// a file that appears when it is complete.
import { createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { createGzip, createZstdCompress } from 'node:zlib';
import { errorMessage } from '../../stdx/assert.ts';
import { EXIT } from '../exit-codes.ts';
import { CommandError } from './command-error.ts';
import { printable } from './draw.ts';
import { HttpSender, reasonOf } from './http-sender.ts';
import { baseUrl, requestHeaders, TOKEN_FLAGS_HELP, TOKEN_OPTIONS } from './credentials.ts';
import { Progress, sizeText } from './progress.ts';
import type { Terminal } from './terminal.ts';
import { durationMs, seconds } from './times.ts';
import { UsageError } from './usage-error.ts';

export const EXPORT_HELP = `Usage: orrery export [FLAGS]

Reads series of a running server and writes them as JSON lines or CSV, which "orrery import" reads.

  --match SELECTOR    series to export; may be repeated [all]
  --start TIME        from TIME: RFC 3339, Unix seconds, now or now-6h [everything]
  --end TIME          to TIME
  --format FORMAT     jsonl or csv [jsonl]
  --exact             jsonl: lose nothing (every kind, microseconds, companions)
  --columns LIST      csv: __name__, __value__, __timestamp__[:FORMAT] and names of labels, with
                      commas between [__name__,__value__,__timestamp__]
  -o, --output FILE   write to FILE, packed where it ends in .gz or .zst; it is put in place when
                      it is complete [standard output]
  --url URL           server [http://127.0.0.1:4332, or ORRERY_URL]
  --tenant NAME       tenant [default]
${TOKEN_FLAGS_HELP}  --retry-for DUR     how long to try while the server is away or busy [1m]
  --json              one JSON object about the export on the error stream; no progress

Examples:
  orrery export --exact -o all.jsonl.zst
  orrery export --match 'up{job="node"}' --start now-1d --format csv \\
    --columns "job,instance,__value__,__timestamp__:rfc3339" > up.csv

Exit codes: 0 exported; 1 the server or the disk does not allow it; 2 command line; 3 refused.
`;

const OPTIONS = {
  match: { type: 'string', multiple: true },
  start: { type: 'string' },
  end: { type: 'string' },
  format: { type: 'string', default: 'jsonl' },
  exact: { type: 'boolean', default: false },
  columns: { type: 'string' },
  output: { type: 'string', short: 'o' },
  url: { type: 'string' },
  tenant: { type: 'string' },
  ...TOKEN_OPTIONS,
  'retry-for': { type: 'string', default: '1m' },
  json: { type: 'boolean', default: false },
} as const;

const EVERYTHING = '{__name__!=""}';
const DEFAULT_COLUMNS = '__name__,__value__,__timestamp__';
const FORM = 'application/x-www-form-urlencoded';

interface ExportOptions {
  readonly path: string;
  readonly form: URLSearchParams;
  readonly output: string | undefined;
  readonly base: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly patienceMs: number;
  readonly isJson: boolean;
}

function exportOptions(args: readonly string[], terminal: Terminal): ExportOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: OPTIONS,
    allowPositionals: true,
  });
  if (positionals.length > 0)
    throw new UsageError(`"${positionals[0]}": series are named by --match`);
  const { format, columns, exact, start, end } = values;
  if (format !== 'jsonl' && format !== 'csv')
    throw new UsageError(`--format "${format}": expected jsonl or csv`);
  if (format === 'csv' && exact)
    throw new UsageError('--exact is for jsonl: CSV has no place for it');
  if (format === 'jsonl' && columns !== undefined) throw new UsageError('--columns is for csv');
  const form = new URLSearchParams();
  for (const selector of values.match ?? [EVERYTHING]) form.append('match[]', selector);
  if (start !== undefined) form.set('start', String(seconds(start)));
  if (end !== undefined) form.set('end', String(seconds(end)));
  if (exact) form.set('exact', '1');
  if (format === 'csv') form.set('format', columns ?? DEFAULT_COLUMNS);
  return {
    path: format === 'csv' ? '/api/v1/export/csv' : '/api/v1/export',
    form,
    output: values.output,
    base: baseUrl(values.url, terminal),
    headers: requestHeaders(values, terminal),
    patienceMs: durationMs('--retry-for', values['retry-for']),
    isJson: values.json,
  };
}

/** Where the bytes of an answer go. */
interface Sink {
  write(bytes: Uint8Array): Promise<void>;
  /** What was written is complete. */
  finish(): Promise<void>;
  /** What was written is not to be kept. */
  discard(): Promise<void>;
}

function terminalSink(terminal: Terminal): Sink {
  return {
    write: async (bytes) => {
      try {
        await terminal.outBytes(bytes);
      } catch (error) {
        const message = `the output was closed: ${errorMessage(error)}`;
        throw new CommandError(EXIT.failed, message, { cause: error });
      }
    },
    finish: async () => undefined,
    discard: async () => undefined,
  };
}

function packer(path: string) {
  if (/\.gz$/i.test(path)) return createGzip();
  return /\.zst$/i.test(path) ? createZstdCompress() : undefined;
}

/** A file of another name in the same folder, renamed when it is complete and on the disk. */
export function fileSink(path: string): Sink {
  const partial = join(dirname(path), `.${basename(path)}.${process.pid}.part`);
  const file = createWriteStream(partial, { flush: true });
  const pack = packer(path);
  if (pack !== undefined) pack.pipe(file);
  const entry: Writable = pack ?? file;
  let failure: Error | undefined = undefined;
  for (const stream of [entry, file])
    stream.on('error', (error) => {
      failure ??= error;
      entry.destroy();
    });
  // One listener each: thousands of chunks wait for room.
  let goOn: (() => void) | undefined = undefined;
  for (const event of ['drain', 'close']) entry.on(event, () => goOn?.());
  const failed = (error: unknown): CommandError =>
    new CommandError(EXIT.failed, `'${path}' cannot be written: ${errorMessage(error)}`, {
      cause: error,
    });
  return {
    write: async (bytes) => {
      if (failure !== undefined) throw failed(failure);
      if (entry.write(bytes)) return;
      // A stream that fails closes instead.
      if (!entry.closed)
        await new Promise<void>((resolve) => {
          goOn = resolve;
        });
      if (failure !== undefined) throw failed(failure);
    },
    finish: async () => {
      try {
        entry.end();
        await finished(file);
        await rename(partial, path);
        const folder = await open(dirname(path), 'r');
        await folder.sync().finally(() => folder.close());
      } catch (error) {
        throw failed(failure ?? error);
      }
    },
    discard: async () => {
      entry.destroy();
      file.destroy();
      // A file that is still being opened appears after it was taken away.
      if (!file.closed) await new Promise<void>((resolve) => file.once('close', () => resolve()));
      await rm(partial, { force: true });
    },
  };
}

/** Copies an answer; its end is the end of the export only where nothing broke off. */
async function copy(
  body: AsyncIterable<Uint8Array>,
  { base }: ExportOptions,
  sink: Sink,
  onBytes: (sizeBytes: number) => void,
): Promise<void> {
  const iterator = body[Symbol.asyncIterator]();
  for (;;) {
    let next: IteratorResult<Uint8Array>;
    try {
      next = await iterator.next();
    } catch (error) {
      const message = `${base} stopped in the middle of the export: ${reasonOf(error)}`;
      throw new CommandError(EXIT.failed, message, { cause: error });
    }
    if (next.done === true) return;
    onBytes(next.value.length);
    await sink.write(next.value);
  }
}

/** The head of the answer; what is refused is an error. */
async function ask(options: ExportOptions, terminal: Terminal): Promise<Response> {
  const { base, headers, patienceMs, path, form, isJson } = options;
  const onRetry = (reason: string): void => {
    if (!isJson) terminal.err(`${printable(reason)}: trying again\n`);
  };
  const sender = new HttpSender({ base, headers, patienceMs, onRetry });
  const body = new TextEncoder().encode(form.toString());
  const request = { method: 'POST', path, body, headers: { 'Content-Type': FORM } } as const;
  const response = await sender.send(request, async (answer) => answer);
  if (response.ok) return response;
  const text = (await response.text()).trim();
  throw new CommandError(
    response.status < 500 ? EXIT.refused : EXIT.failed,
    `${base} refused it with status ${response.status}: ${text}`,
  );
}

export async function exportCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const options = exportOptions(args, terminal);
  const { output, isJson } = options;
  const response = await ask(options, terminal);
  const sink = output === undefined ? terminalSink(terminal) : fileSink(output);
  const progress = new Progress(terminal, {
    verb: 'exported',
    totalBytes: undefined,
    // Results on a terminal are progress enough.
    isQuiet: isJson || (output === undefined && terminal.isTerminal),
  });
  let sizeBytes = 0;
  try {
    const body = response.body as AsyncIterable<Uint8Array>;
    await copy(body, options, sink, (count) => {
      sizeBytes += count;
      progress.add(count, output ?? '');
    });
    await sink.finish();
  } catch (error) {
    await sink.discard();
    throw error;
  } finally {
    progress.end();
  }
  if (isJson) terminal.err(`${JSON.stringify({ sizeBytes, output: output ?? null })}\n`);
  else if (output !== undefined) terminal.err(`${sizeText(sizeBytes)} exported to ${output}\n`);
  return EXIT.ok;
}
