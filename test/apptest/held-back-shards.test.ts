// Requests that are held back once more, on a server of three shards: bodies of writes are in the
// hands of threads of ingest then.
import { MORE_ARGS } from './harness.ts';

process.env[MORE_ARGS] = '--shards 3';
await import('./held-back.test.ts');
