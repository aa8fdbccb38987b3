/** A new token: a name, what it may, what it is bound to, until when. */
import { useState, type SubmitEvent, type ReactNode } from 'react';
import { createToken, type CreatedToken } from '../api/tenancy.ts';
import { useAction } from '../hooks/use-action.ts';
import { parseTypedLabels } from '../util/typed-labels.ts';

interface TokenFormProps {
  readonly tenant: string;
  /** It may give `metrics`: figures of the whole server, for its scraper. */
  readonly isAdmin: boolean;
  readonly onMade: (token: CreatedToken) => void;
}

const PERMISSIONS = ['read', 'write', 'delete', 'rules', 'admin'];
const SERVER_PERMISSIONS = ['metrics'];
const EXPIRES = [
  ['', 'never'],
  ['1d', 'in a day'],
  ['30d', 'in 30 days'],
  ['365d', 'in a year'],
] as const;

export function TokenForm({ tenant, isAdmin, onMade }: TokenFormProps): ReactNode {
  const [name, setName] = useState('');
  const [permissions, setPermissions] = useState<readonly string[]>(['read', 'write']);
  const [labels, setLabels] = useState('');
  const [matcher, setMatcher] = useState('');
  const [expires, setExpires] = useState('');
  const { said, run } = useAction(() => undefined);
  const typed = labels.trim() === '' ? { labels: {} } : parseTypedLabels(labels);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const wanted = {
      name,
      permissions,
      labels: typed.labels ?? {},
      matchers: matcher.trim() === '' ? [] : [matcher.trim()],
      expires_in: expires === '' ? undefined : expires,
    };
    run(async () => {
      onMade(await createToken(tenant, wanted));
      setName('');
    }, '');
  };
  const isReady = name.trim() !== '' && permissions.length > 0 && typed.labels !== undefined;
  return (
    <details>
      <summary>New token</summary>
      <form onSubmit={submit} aria-label="New token">
        <div className="form-row">
          <Text label="Name" value={name} placeholder="agent" onChange={setName} />
          <Permissions
            offered={isAdmin ? [...PERMISSIONS, ...SERVER_PERMISSIONS] : PERMISSIONS}
            chosen={permissions}
            onChange={setPermissions}
          />
          <Expires value={expires} onChange={setExpires} />
        </div>
        <div className="form-row">
          <Text
            label="Labels on what it writes"
            value={labels}
            placeholder={'{env="prod"}'}
            onChange={setLabels}
          />
          <Text
            label="Selector of what it reads"
            value={matcher}
            placeholder={'{env="prod"}'}
            onChange={setMatcher}
          />
          <button type="submit" className="button" disabled={!isReady}>
            Create
          </button>
        </div>
        <p className="fault" role="alert">
          {'problem' in typed && typed.problem !== undefined ? typed.problem : said}
        </p>
      </form>
    </details>
  );
}

interface ExpiresProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function Expires({ value: chosen, onChange }: ExpiresProps): ReactNode {
  return (
    <label>
      <span>Expires</span>
      <select className="button" value={chosen} onChange={(event) => onChange(event.target.value)}>
        {EXPIRES.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

interface TextProps {
  readonly label: string;
  readonly value: string;
  readonly placeholder: string;
  readonly onChange: (value: string) => void;
}

function Text({ label, value, placeholder, onChange }: TextProps): ReactNode {
  return (
    <label>
      <span>{label}</span>
      <input
        type="text"
        value={value}
        placeholder={placeholder}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => onChange(event.target.value)}
      />
    </label>
  );
}

interface PermissionsProps {
  readonly offered: readonly string[];
  readonly chosen: readonly string[];
  readonly onChange: (chosen: readonly string[]) => void;
}

function Permissions({ offered, chosen, onChange }: PermissionsProps): ReactNode {
  const toggle = (one: string): void =>
    onChange(chosen.includes(one) ? chosen.filter((other) => other !== one) : [...chosen, one]);
  return (
    <fieldset className="choices">
      <legend>It may</legend>
      {offered.map((one) => (
        <label key={one}>
          <input type="checkbox" checked={chosen.includes(one)} onChange={() => toggle(one)} />
          <span>{one === 'metrics' ? 'metrics of the server' : one}</span>
        </label>
      ))}
    </fieldset>
  );
}
