// `orrery import FILE …`: reads files, cuts them into bodies of whole rows, and sends them to a
// running server, several at a time, each until it is answered.
//
// Running it twice changes nothing: rows with times are the same points again, and rows without
// one are refused unless they are asked for. A body that is sent again has the batch id that it
// had, so that the server applies it once.
import { EXIT } from '../exit-codes.ts';
import { realPrng } from '../real/prng.ts';
import { CommandError } from './command-error.ts';
import { HttpSender } from './http-sender.ts';
import { cutBodies } from './import-bodies.ts';
import type { Body } from './import-bodies.ts';
import { checkBody, firstTimeless, mayShare } from './import-check.ts';
import type { BodySpan, ImportFormat } from './import-check.ts';
import { detectFormat } from './import-detect.ts';
import { importFiles } from './import-files.ts';
import type { ImportFile } from './import-files.ts';
import { readInput, STDIN } from './import-input.ts';
import { cutPuts } from './import-opentsdb.ts';
import { importOptions } from './import-options.ts';
import type { ImportOptions } from './import-options.ts';
import { answerOf } from './import-answers.ts';
import { ImportReport } from './import-report.ts';
import { fileTarget, ROWS_END } from './import-target.ts';
import type { BodyTarget } from './import-target.ts';
import { Progress } from './progress.ts';
import { SendPool } from './send-pool.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

const BATCH_ID_BYTES = 16;
const DETECT_BYTES = 64 * 1024;

class Import {
  readonly #options: ImportOptions;
  readonly #terminal: Terminal;
  readonly #report: ImportReport;
  readonly #progress: Progress;
  readonly #sender: HttpSender;
  readonly #pool: SendPool<BodySpan>;

  constructor(options: ImportOptions, terminal: Terminal, totalBytes: number | undefined) {
    const { isJson, refusedShown, base, headers, patienceMs, parallel } = options;
    this.#options = options;
    this.#terminal = terminal;
    this.#report = new ImportReport(terminal, { shownMax: refusedShown, isJson });
    this.#progress = new Progress(terminal, { verb: 'read', totalBytes, isQuiet: isJson });
    let lastReason = '';
    const onRetry = (reason: string): void => {
      if (reason !== lastReason) this.#report.note(`${reason}: trying again`);
      lastReason = reason;
    };
    this.#sender = new HttpSender({ base, headers, patienceMs, onRetry });
    this.#pool = new SendPool(parallel, mayShare);
  }

  async run(files: readonly ImportFile[]): Promise<number> {
    try {
      for (const file of files) await this.#file(file);
      await this.#pool.drain();
    } finally {
      await this.#pool.settle();
      this.#progress.end();
      this.#report.retries = this.#sender.retryCount;
    }
    this.#report.end();
    return this.#report.refusedRows > 0 ? EXIT.refused : EXIT.ok;
  }

  async #file(file: ImportFile): Promise<void> {
    const { path } = file;
    const onBytes = (sizeBytes: number): void => this.#progress.add(sizeBytes, path);
    const { stdin } = this.#terminal;
    const chunks = readInput({ path, stdin, onBytes });
    const { head, all } = await headOf(chunks);
    this.#report.files++;
    if (head.length === 0) return;
    const format = this.#options.format ?? this.#detected(path, head);
    const target = fileTarget(format, this.#options, file);
    let isFirst = true;
    for await (const body of this.#bodies(path, format, all)) {
      const bodyTarget = target.bodyTarget(body.bytes, isFirst);
      isFirst = false;
      const { pointCount, span } = this.#checked(path, body, bodyTarget);
      await this.#pool.add(span, () => this.#send(path, body, bodyTarget, pointCount));
    }
  }

  #detected(path: string, head: Uint8Array): ImportFormat {
    const format = this.#options.columns === undefined ? detectFormat(path, head) : 'csv';
    if (format !== undefined) return format;
    throw new UsageError(`it cannot be told which format '${path}' has: say it with --format`);
  }

  #bodies(
    path: string,
    format: ImportFormat,
    chunks: AsyncIterable<Uint8Array>,
  ): AsyncIterable<Body & { readonly lines?: readonly number[] }> {
    const { bodyBytes } = this.#options;
    if (format !== 'opentsdb')
      return cutBodies(chunks, { path, bodyBytes, rowsEnd: ROWS_END[format] });
    const onRefused = (line: number, reason: string): void =>
      this.#report.refuse(1, [{ file: path, line, reason }]);
    return cutPuts(chunks, { path, bodyBytes, onRefused });
  }

  /** Throws where rows have no time and none was given to them. */
  #checked(path: string, body: Body & { readonly lines?: readonly number[] }, target: BodyTarget) {
    const { timestampMs, takesArrivalTime } = this.#options;
    const check = checkBody(body.bytes, target.check, target.path);
    if (check.timelessCount === 0 || timestampMs !== undefined || takesArrivalTime) return check;
    const line = target.check.csv === undefined ? firstTimeless(body.bytes, target.check) : 0;
    const where = line === undefined ? path : `${path}:${body.line + line}`;
    throw new CommandError(
      EXIT.refused,
      `${where}: a row without a time, which a second run would add once more: ` +
        'give such rows one (--timestamp, for csv and prometheus), or take them at the time of ' +
        'their arrival (--arrival-time)',
    );
  }

  async #send(
    path: string,
    body: Body & { readonly lines?: readonly number[] },
    target: BodyTarget,
    pointCount: number,
  ): Promise<void> {
    const id = Buffer.from(realPrng.bytes(BATCH_ID_BYTES)).toString('hex');
    const request = {
      method: 'POST',
      path: target.path,
      body: body.bytes,
      headers: { 'X-Orrery-Batch-Id': id, 'Content-Type': 'application/octet-stream' },
    } as const;
    const { status, text } = await this.#sender.send(request, async (response) => ({
      status: response.status,
      text: await response.text(),
    }));
    this.#report.requests++;
    this.#report.sizeBytes += body.bytes.length;
    if (status < 300) {
      this.#report.samples += pointCount;
      return;
    }
    const answer = answerOf({ status, text }, body, target.check);
    if (answer === undefined)
      throw new CommandError(
        status < 500 ? EXIT.refused : EXIT.failed,
        `${path}: ${this.#sender.base} refused it with status ${status}: ${text.trim()}`,
      );
    this.#report.samples += answer.samples;
    this.#report.refuse(
      answer.refusedRows,
      answer.rows.map(({ line, reason }) => ({ file: path, line, reason })),
    );
  }
}

/** The first bytes of a file, and all of it. */
async function headOf(
  chunks: AsyncGenerator<Uint8Array, void>,
): Promise<{ readonly head: Uint8Array; readonly all: AsyncIterable<Uint8Array> }> {
  const held: Uint8Array[] = [];
  let sizeBytes = 0;
  while (sizeBytes < DETECT_BYTES) {
    const next = await chunks.next();
    if (next.done === true) break;
    held.push(next.value);
    sizeBytes += next.value.length;
  }
  async function* all(): AsyncGenerator<Uint8Array, void> {
    yield* held;
    held.length = 0;
    yield* chunks;
  }
  return { head: Buffer.concat(held).subarray(0, DETECT_BYTES), all: all() };
}

export async function importCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const options = importOptions(args, terminal);
  const files = await importFiles(options.given, options);
  if (files.length === 0) throw new UsageError('there are no files to import');
  const hasStdin = files.some(({ path }) => path === STDIN);
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return await new Import(options, terminal, hasStdin ? undefined : totalBytes).run(files);
}
