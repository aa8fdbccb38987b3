// Snapshots over HTTP: take one, list them, read one file by file (what `orrery backup` does),
// remove one. A file's SHA-256 follows its content in the trailer `Repr-Digest` (RFC 9530).
import { AppError } from '../../model/errors.ts';
import type { SnapshotInfo, SnapshotKeeper } from '../../model/snapshots.ts';
import { nativeErrors } from '../http/errors.ts';
import type { Exchange } from '../http/exchange.ts';
import { SMALL_BODY_BYTES_MAX } from '../http/limits.ts';
import type { Handler, Method, Route } from '../http/route.ts';

const PATH = '/orrery/v1/admin/snapshot';

/** Readers that are remembered; beyond it all are told anew. */
const READERS_MAX = 1_000;

// What Go's strconv.ParseBool takes, because Prometheus' clients send that.
const TRUE = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False', '']);

/** Takes the snapshot that a request asks for; `skip_head`: only what is in parts already. */
export async function createSnapshot(
  snapshots: SnapshotKeeper,
  exchange: Exchange,
): Promise<SnapshotInfo> {
  const isForm = exchange.header('content-type')?.startsWith('application/x-www-form-urlencoded');
  const params = isForm === true ? await exchange.form() : exchange.search;
  // Nothing is expected in another body, but what comes is taken under the limits.
  if (isForm !== true) await exchange.body();
  const text = params.get('skip_head') ?? '';
  if (!TRUE.has(text) && !FALSE.has(text)) {
    const message = `skip_head is true or false, not ${JSON.stringify(text)}`;
    throw new AppError('invalid', 'parameter', message);
  }
  const withHead = FALSE.has(text);
  const made = await snapshots.create({ withHead });
  // Not before: its name is what tells which one it was.
  const after = { withHead };
  await exchange.record({ action: 'snapshot.create', tenants: [], subject: made.name, after });
  return made;
}

/** Whoever reads one has all that is in it; the audit log hears of it once, not of each file. */
class Readers {
  readonly #told = new Set<string>();

  async tell(exchange: Exchange, name: string): Promise<void> {
    const { principal, peer } = exchange;
    const reader = JSON.stringify([name, principal.tokenId, peer]);
    if (this.#told.has(reader)) return;
    await exchange.record({ action: 'snapshot.read', tenants: [], subject: name });
    if (this.#told.size >= READERS_MAX) this.#told.clear();
    this.#told.add(reader);
  }
}

async function sendFile(
  snapshots: SnapshotKeeper,
  readers: Readers,
  exchange: Exchange,
): Promise<void> {
  const name = nameOf(exchange);
  const path = exchange.params.get('path') ?? '';
  const { sizeBytes, chunks } = await snapshots.read(name, path);
  await readers.tell(exchange, name);
  const { Sha256 } = await import('../../codec/sha256.ts');
  const digest = new Sha256();
  async function* hashed(): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of chunks) {
      digest.update(chunk);
      yield chunk;
    }
    exchange.response.addTrailers({ 'Repr-Digest': `sha-256=:${digest.finish().toBase64()}:` });
  }
  const headers = {
    'Content-Type': 'application/octet-stream',
    Trailer: 'Repr-Digest',
    'X-Orrery-Size': String(sizeBytes),
  };
  await exchange.sendStream(200, headers, hashed());
}

function row(method: Method, path: string, handler: Handler): Route {
  return {
    method,
    path,
    prefix: '',
    permission: 'admin',
    tenantScope: 'server',
    bodyLimitBytes: method === 'POST' ? SMALL_BODY_BYTES_MAX : 0,
    errors: nativeErrors,
    handler,
  };
}

function nameOf(exchange: Exchange): string {
  return exchange.params.get('name') ?? '';
}

export function snapshotRoutes(snapshots: SnapshotKeeper): readonly Route[] {
  const readers = new Readers();
  return [
    row('POST', PATH, async (exchange) =>
      exchange.sendJson(200, await createSnapshot(snapshots, exchange)),
    ),
    row('GET', PATH, async (exchange) =>
      exchange.sendJson(200, { snapshots: await snapshots.list() }),
    ),
    row('GET', `${PATH}/:name`, async (exchange) =>
      exchange.sendJson(200, await snapshots.get(nameOf(exchange))),
    ),
    row('DELETE', `${PATH}/:name`, async (exchange) => {
      const subject = nameOf(exchange);
      // One that is not there is no deed.
      await snapshots.get(subject);
      const deed = { action: 'snapshot.remove', tenants: [], subject } as const;
      await exchange.deed(deed, () => snapshots.remove(subject));
      exchange.send({ status: 204 });
    }),
    row('GET', `${PATH}/:name/files`, async (exchange) =>
      exchange.sendJson(200, { files: await snapshots.files(nameOf(exchange)) }),
    ),
    row('GET', `${PATH}/:name/files/:path`, (exchange) => sendFile(snapshots, readers, exchange)),
  ];
}
