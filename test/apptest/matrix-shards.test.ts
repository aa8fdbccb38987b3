// The matrix once more, on a server of three shards: by threads of ingest, columns that cross.
import { MORE_ARGS } from './harness.ts';

process.env[MORE_ARGS] = '--shards 3';
await import('./matrix.test.ts');
