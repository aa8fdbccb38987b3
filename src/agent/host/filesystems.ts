// Mounted filesystems and their sizes, as node_exporter selects and names them. A root that is an
// overlay (a container) is kept, unlike there: it is the only disk such a host can show. Network
// mounts are not asked: a dead server would hang the question for ever.
import type { Files } from '../../stdx/files.ts';
import { FILESYSTEMS_MAX } from '../limits.ts';
import type { Page } from '../page.ts';

const IGNORED_MOUNTS =
  /^\/(?:dev|proc|run\/credentials\/.+|sys|var\/lib\/docker\/.+|var\/lib\/containers\/storage\/.+)(?:$|\/)/;
const IGNORED_TYPES = new Set(
  (
    'autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs fusectl hugetlbfs iso9660 ' +
    'mqueue nsfs overlay proc procfs pstore rpc_pipefs securityfs selinuxfs squashfs erofs sysfs tracefs'
  ).split(' '),
);
const NETWORK_TYPES = /^(?:nfs\d?|cifs|smb\w*|9p|afs|ceph|glusterfs|fuse\..*)$/;

export interface Mount {
  readonly device: string;
  readonly mountpoint: string;
  readonly fstype: string;
  readonly isReadOnly: boolean;
}

/** /proc/self/mounts escapes blanks and backslashes as octal. */
function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

/** The mounts worth showing, each mount point once (the last mount hides those below). */
export function parseMounts(mounts: string): readonly Mount[] {
  const byPoint = new Map<string, Mount>();
  for (const line of mounts.split('\n')) {
    const [device, rawPoint, fstype, options] = line.split(' ');
    if (device === undefined || rawPoint === undefined || fstype === undefined) continue;
    const mountpoint = unescapeOctal(rawPoint);
    const isRootOverlay = mountpoint === '/' && fstype === 'overlay';
    if (IGNORED_MOUNTS.test(mountpoint) || NETWORK_TYPES.test(fstype)) continue;
    if (IGNORED_TYPES.has(fstype) && !isRootOverlay) continue;
    const isReadOnly = (options ?? '').split(',').includes('ro');
    byPoint.set(mountpoint, { device: unescapeOctal(device), mountpoint, fstype, isReadOnly });
  }
  return [...byPoint.values()].slice(0, FILESYSTEMS_MAX);
}

type Space = { readonly freeBytes: number; readonly totalBytes: number };

export async function writeFilesystems(
  page: Page,
  files: Files,
  mounts: readonly Mount[],
): Promise<void> {
  const rows: { labels: readonly string[]; mount: Mount; space: Space | undefined }[] = [];
  for (const mount of mounts) {
    const { device, fstype, mountpoint } = mount;
    // A mount may be out of bounds for this user; node_exporter then says so in a sample of its
    // own.
    const space = await files.space(mountpoint).catch((): undefined => undefined);
    if (space?.totalBytes === 0) continue;
    const problem = space === undefined ? 'statfs failed' : '';
    const labels = ['device', device, 'device_error', problem, 'fstype', fstype];
    rows.push({ labels: [...labels, 'mountpoint', mountpoint], mount, space });
  }
  const families = [
    [
      'avail_bytes',
      'Filesystem space available to non-root users in bytes.',
      (space: Space) => space.freeBytes,
    ],
    ['size_bytes', 'Filesystem size in bytes.', (space: Space) => space.totalBytes],
  ] as const;
  for (const [suffix, help, read] of families) {
    const name = `node_filesystem_${suffix}`;
    page.family(name, 'gauge', help);
    for (const { labels, space } of rows)
      if (space !== undefined) page.sample(name, labels, read(space));
  }
  const failed = 'Whether an error occurred while getting statistics for the given device.';
  page.family('node_filesystem_device_error', 'gauge', failed);
  for (const { labels, space } of rows)
    page.sample('node_filesystem_device_error', labels, space === undefined ? 1 : 0);
  page.family('node_filesystem_readonly', 'gauge', 'Filesystem read-only status.');
  for (const { labels, mount } of rows)
    page.sample('node_filesystem_readonly', labels, mount.isReadOnly ? 1 : 0);
}
