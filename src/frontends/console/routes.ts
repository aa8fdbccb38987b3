// The console: static files of the web build, held in memory once asked for. Files with a hash in
// their name are cached for ever, the page never; every place of the console is the one page.
// Nothing outside the build's own list of files can be named.
import { AppError } from '../../model/errors.ts';
import type { Files } from '../../stdx/files.ts';
import { nativeErrors } from '../http/errors.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Handler, Route } from '../http/route.ts';

export interface ConsoleDependencies {
  readonly files: Files;
  /** Folder of the web build. */
  readonly directory: string;
}

/** Nothing inline, nothing from elsewhere. */
const CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const TYPES: ReadonlyMap<string, string> = new Map([
  ['html', 'text/html; charset=utf-8'],
  ['js', 'text/javascript; charset=utf-8'],
  ['css', 'text/css; charset=utf-8'],
  ['svg', 'image/svg+xml'],
  ['png', 'image/png'],
  ['ico', 'image/x-icon'],
  ['json', 'application/json'],
  ['txt', 'text/plain; charset=utf-8'],
]);
const COMPRESSED = new Set(['html', 'js', 'css', 'svg', 'json', 'txt']);

/** Largest file of the build that is served; the build's own budget is far below. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;

/** Places of the console; the page decides what it shows there. */
const PLACES = ['/', '/explore', '/metrics-browser', '/ingest', '/tenants', '/status'];

interface StaticFile {
  readonly type: string;
  readonly bytes: Uint8Array;
  readonly gzip: Uint8Array | undefined;
  readonly isHashed: boolean;
}

class StaticFiles {
  readonly #deps: ConsoleDependencies;
  readonly #loaded = new Map<string, Promise<StaticFile | undefined>>();
  #names: Promise<ReadonlySet<string>> | undefined = undefined;

  constructor(deps: ConsoleDependencies) {
    this.#deps = deps;
  }

  /** undefined where the build has no such file. */
  async find(name: string): Promise<StaticFile | undefined> {
    this.#names ??= this.#list();
    if (!(await this.#names).has(name)) return undefined;
    let file = this.#loaded.get(name);
    if (file === undefined) this.#loaded.set(name, (file = this.#load(name)));
    return await file;
  }

  async #list(): Promise<ReadonlySet<string>> {
    const { files, directory } = this.#deps;
    const names = new Set<string>();
    for (const folder of ['', 'assets/']) {
      const path = `${directory}/${folder}`;
      if ((await files.stat(path)) === undefined) continue;
      for (const name of await files.list(path)) names.add(folder + name);
    }
    return names;
  }

  async #load(name: string): Promise<StaticFile | undefined> {
    const extension = name.slice(name.lastIndexOf('.') + 1);
    const type = TYPES.get(extension);
    if (type === undefined) return undefined;
    const bytes = await this.#deps.files.readWhole(
      `${this.#deps.directory}/${name}`,
      FILE_BYTES_MAX,
    );
    const { gzipSync } = process.getBuiltinModule('node:zlib');
    const gzip = COMPRESSED.has(extension) ? gzipSync(bytes, { level: 9 }) : undefined;
    return { type, bytes, gzip, isHashed: name.startsWith('assets/') };
  }
}

function acceptsGzip(exchange: Exchange): boolean {
  return /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:[,\s]|$))/.test(
    exchange.header('accept-encoding') ?? '',
  );
}

function send(exchange: Exchange, file: StaticFile): void {
  const isGzip = file.gzip !== undefined && acceptsGzip(exchange);
  exchange.send({
    status: 200,
    headers: {
      'Content-Type': file.type,
      'Content-Security-Policy': CSP,
      'Referrer-Policy': 'no-referrer',
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cache-Control': file.isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
      Vary: 'Accept-Encoding, Origin',
      ...(isGzip ? { 'Content-Encoding': 'gzip' } : {}),
    },
    body: isGzip ? file.gzip : file.bytes,
  });
}

function get(path: string, handler: Handler): Route {
  return {
    method: 'GET',
    path,
    prefix: '',
    permission: 'none',
    tenantScope: 'server',
    bodyLimitBytes: 0,
    errors: nativeErrors,
    handler,
  };
}

export function consoleRoutes(deps: ConsoleDependencies): readonly Route[] {
  const statics = new StaticFiles(deps);
  async function answer(exchange: Exchange, name: string): Promise<void> {
    const file = await statics.find(name);
    if (file === undefined)
      throw new AppError('notFound', 'no-such-path', 'there is nothing at this path');
    send(exchange, file);
  }
  const page: Handler = (exchange) => answer(exchange, 'index.html');
  return [
    ...PLACES.map((place) => get(place, page)),
    get('/assets/:name', (exchange) => answer(exchange, `assets/${exchange.params.get('name')}`)),
    get('/:name', (exchange) => answer(exchange, exchange.params.get('name') ?? '')),
  ];
}
