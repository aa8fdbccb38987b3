// Kind of `--scrape`: options and the URL of a page, as the labels that a target is found with.
import type { DiscoveredTarget } from '../../agent/file-targets.ts';
import { duration, SettingError } from './kinds.ts';
import type { Kind } from './kinds.ts';

/** Options that become labels as they stand; `label.NAME` is any label. */
const OPTIONS: Readonly<Record<string, string>> = {
  job: 'job',
  instance: 'instance',
  interval: '__scrape_interval__',
  timeout: '__scrape_timeout__',
  honor_labels: '__honor_labels__',
  honor_timestamps: '__honor_timestamps__',
  convert_classic_histograms_to_nhcb: '__convert_classic_histograms_to_nhcb__',
  basic_auth_username: '__basic_auth_username__',
  basic_auth_password_file: '__basic_auth_password_file__',
  bearer_token_file: '__bearer_token_file__',
  tls_ca_file: '__tls_ca_file__',
  tls_cert_file: '__tls_cert_file__',
  tls_key_file: '__tls_key_file__',
  tls_server_name: '__tls_server_name__',
  tls_insecure_skip_verify: '__tls_insecure_skip_verify__',
};

const JOB = 'scrape';

function optionLabel(name: string, value: string): readonly [string, string] {
  const label = name.startsWith('label.') ? name.slice(6) : OPTIONS[name];
  if (label === undefined || label === '')
    throw new SettingError(
      `unknown option "${name}"; known are ${Object.keys(OPTIONS).join(', ')} and label.NAME`,
    );
  if (name === 'interval' || name === 'timeout') duration.parse(value);
  const isFlag = /^(?:honor_|convert_|tls_insecure_)/.test(name);
  if (isFlag && value !== 'true' && value !== 'false')
    throw new SettingError(`${name}: expected true or false`);
  return [label, value];
}

function parseTarget(text: string): DiscoveredTarget {
  const urlStart = text.search(/(?:^|,)https?:\/\//i);
  if (urlStart < 0) throw new SettingError('expected [OPTION=VALUE,…]http://HOST:PORT/PATH');
  const options = text.slice(0, urlStart);
  const urlText = text.slice(urlStart).replace(/^,/, '');
  if (!URL.canParse(urlText)) throw new SettingError(`"${urlText}" is not a URL`);
  const url = new URL(urlText);
  if (url.username !== '' || url.password !== '')
    throw new SettingError(
      'a user in the URL of a target would be shown: use basic_auth_username and basic_auth_password_file',
    );
  const labels: Record<string, string> = { job: JOB };
  for (const option of options === '' ? [] : options.split(',')) {
    const equals = option.indexOf('=');
    if (equals <= 0) throw new SettingError(`expected OPTION=VALUE, not "${option}"`);
    const [label, value] = optionLabel(option.slice(0, equals), option.slice(equals + 1));
    labels[label] = value;
  }
  return {
    ...labels,
    __address__: url.host,
    __scheme__: url.protocol.slice(0, -1),
    __metrics_path__: (url.pathname === '/' ? '/metrics' : url.pathname) + url.search,
  };
}

function printTarget(target: DiscoveredTarget): string {
  const { __address__: host, __scheme__: scheme, __metrics_path__: path, ...rest } = target;
  const names = new Map(Object.entries(OPTIONS).map(([option, label]) => [label, option]));
  const options = Object.entries(rest).map(
    ([label, value]) => `${names.get(label) ?? `label.${label}`}=${value},`,
  );
  return `${options.join('')}${scheme}://${host}${path}`;
}

/** Repeatable; one text may also hold several targets with blanks between them. */
export const scrapeTargets: Kind<readonly DiscoveredTarget[]> = {
  placeholder: 'TARGET',
  isSwitch: false,
  isList: true,
  parse: (value) =>
    value
      .split(/\s+/)
      .filter((item) => item !== '')
      .map((item) => parseTarget(item)),
  print: (value) => value.map((item) => printTarget(item)).join(' '),
};
