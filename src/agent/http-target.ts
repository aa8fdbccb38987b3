// The page of one target over HTTP or HTTPS: what a scraper asks for, in the order of liking, with
// a deadline, a bound for the body as sent and decompressed, and a few redirects. Source:
// Prometheus scrape/scrape.go (acceptHeader, targetScraper), docs "Content negotiation".
import type { IncomingMessage } from 'node:http';
import { get as httpGet } from 'node:http';
import { get as httpsGet } from 'node:https';
import { scrapedFormat } from '../formats/exposition.ts';
import type { Scheduler } from '../stdx/scheduler.ts';
import { SCRAPE_REDIRECTS_MAX } from './limits.ts';
import type { ScrapePage } from './scrape.ts';
import type { OpenedAccess } from './target-access.ts';

const ACCEPT = [
  'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6',
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5',
  'application/openmetrics-text;version=0.0.1;q=0.4',
  'text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3',
  'text/plain;version=0.0.4;q=0.2',
  '*/*;q=0.1',
].join(',');

export interface PageRequest {
  readonly url: string;
  readonly timeoutMs: number;
  readonly userAgent: string;
  readonly scheduler: Scheduler;
  readonly followsRedirects: boolean;
  /** As sent and decompressed. */
  readonly bodyBytesMax: number;
  /** Opened within the deadline. */
  readonly access: () => Promise<OpenedAccess>;
}

/** The page now; rejects where there is none in time. */
export async function fetchPage(request: PageRequest): Promise<ScrapePage> {
  const { timeoutMs, scheduler } = request;
  const abort = new AbortController();
  const late = new Error(`no answer within ${timeoutMs} ms`);
  const cancel = scheduler.after(timeoutMs, () => abort.abort(late));
  try {
    return await follow(request, abort.signal);
  } catch (error) {
    throw abort.signal.aborted ? late : error;
  } finally {
    cancel();
  }
}

async function follow(request: PageRequest, signal: AbortSignal): Promise<ScrapePage> {
  let { url } = request;
  const access = await request.access();
  const { origin } = new URL(url);
  for (let count = 0; count <= SCRAPE_REDIRECTS_MAX; count++) {
    // A place that the target sends us to learns no secret of ours.
    const isOwn = new URL(url).origin === origin;
    const shown = isOwn ? access : { ...access, authorization: undefined, client: undefined };
    const answer = await ask(url, { ...request, ...shown }, signal);
    const { statusCode = 0, headers } = answer;
    const isElsewhere = statusCode >= 300 && statusCode < 400 && request.followsRedirects;
    if (isElsewhere && headers.location !== undefined) {
      answer.resume();
      url = new URL(headers.location, url).href;
      if (!/^https?:/.test(url)) throw new Error(`redirected to ${url.slice(0, 200)}`);
      continue;
    }
    if (statusCode !== 200) {
      answer.resume();
      const text = answer.statusMessage ?? '';
      throw new Error(`server returned HTTP status ${statusCode} ${text}`.trimEnd());
    }
    const raw = await readBody(answer, request.bodyBytesMax);
    const body = await decoded(raw, headers['content-encoding'], request.bodyBytesMax);
    return { body, format: scrapedFormat(headers['content-type']) };
  }
  throw new Error(`stopped after ${SCRAPE_REDIRECTS_MAX} redirects`);
}

function ask(
  url: string,
  { timeoutMs, userAgent, authorization, ca, client, isInsecure }: PageRequest & OpenedAccess,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const headers = {
    Accept: ACCEPT,
    'Accept-Encoding': 'gzip',
    'User-Agent': userAgent,
    'X-Prometheus-Scrape-Timeout-Seconds': String(timeoutMs / 1000),
    ...(authorization !== undefined && { Authorization: authorization }),
  };
  const isSecure = url.startsWith('https:');
  const get = isSecure ? httpsGet : httpGet;
  const trust = { rejectUnauthorized: !isInsecure, ...(ca !== undefined && { ca }), ...client };
  const options = { headers, signal, ...(isSecure && trust) };
  return new Promise((resolve, reject) => {
    get(url, options, resolve).on('error', reject);
  });
}

async function readBody(answer: IncomingMessage, bodyBytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > bodyBytesMax) {
      answer.destroy();
      throw new Error(`the page has more than ${bodyBytesMax} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function decoded(
  raw: Buffer,
  coding: string | undefined,
  bodyBytesMax: number,
): Promise<Uint8Array> | Uint8Array {
  const name = (coding ?? 'identity').trim().toLowerCase();
  if (name === 'identity' || name === '') return raw;
  if (name !== 'gzip' && name !== 'x-gzip')
    throw new Error(`Content-Encoding "${name.slice(0, 64)}" was not asked for`);
  const { gunzip } = process.getBuiltinModule('node:zlib');
  return new Promise((resolve, reject) => {
    gunzip(raw, { maxOutputLength: bodyBytesMax }, (error, result) => {
      if (error === null) resolve(result);
      else reject(error);
    });
  });
}
