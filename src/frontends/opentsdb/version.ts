// What clients are told of the server's version: the level of OpenTSDB's API spoken here. The
// fields about a build of OpenTSDB are there, since clients read them, and say nothing.

const API_LEVEL = '2.4.1';

/** Answer of `/api/version`. */
export function versionFacts(): Readonly<Record<string, string>> {
  return {
    version: API_LEVEL,
    short_revision: '',
    full_revision: '',
    timestamp: '0',
    repo_status: 'MINT',
    user: '',
    host: '',
    repo: 'orrery',
    branch: '',
  };
}

/** Answer of the telnet command `version`. */
export const VERSION_TEXT = `net.opentsdb.tools ${API_LEVEL} built at revision orrery (MINT)\n`;
