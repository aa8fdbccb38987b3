// Limits once more, on a server of two shards: counted where writes come together, refused where
// they come in.
import { MORE_ARGS } from './harness.ts';

process.env[MORE_ARGS] = '--shards 2';
await import('./limits.test.ts');
