// Snapshots, backups and restores once more, of a server of two shards: whichever of its threads
// is asked hands the question on, and what follows the content comes back with it.
import { MORE_ARGS } from './harness.ts';

process.env[MORE_ARGS] = '--shards 2';
await import('./backup.test.ts');
