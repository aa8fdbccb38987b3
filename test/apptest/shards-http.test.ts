// The tests of the HTTP surface and of hostile bodies once more, on a server of two shards: what
// its threads serve themselves and what they hand on is answered as one thread answers it.
import { MORE_ARGS } from './harness.ts';

process.env[MORE_ARGS] = '--shards 2';
await import('./http-api.test.ts');
await import('./body-limits.test.ts');
