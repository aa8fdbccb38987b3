// The tests of tokens once more, on a server of three shards: threads of ingest ask who is there
// too, and hear of what is revoked.
import { MORE_ARGS } from './harness.ts';

process.env[MORE_ARGS] = '--shards 3';
await import('./tokens.test.ts');
