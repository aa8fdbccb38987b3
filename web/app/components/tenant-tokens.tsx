/** Tokens of a tenant: what each may, until when; new ones with the secret shown once; revoking. */
import { useState, type ReactNode } from 'react';
import { listTokens, revokeToken, type CreatedToken, type Token } from '../api/tenancy.ts';
import { useAction } from '../hooks/use-action.ts';
import { useRequest } from '../hooks/use-request.ts';
import { CopyButton } from '../ui/copy-button.tsx';
import { formatLabels, visible } from '../util/labels.ts';
import { formatTime } from '../util/time.ts';
import { StatusSection } from './status-section.tsx';
import { TokenForm } from './token-form.tsx';

interface TenantTokensProps {
  readonly tenant: string;
  /** It may give what is about the whole server. */
  readonly isAdmin: boolean;
  readonly onChanged: () => void;
}

const HEIGHT_PX = 120;

export function TenantTokens({ tenant, isAdmin, onChanged }: TenantTokensProps): ReactNode {
  const [round, setRound] = useState(0);
  const [made, setMade] = useState<CreatedToken | undefined>(undefined);
  const tokens = useRequest(String(round), tenant, async (signal) => listTokens(tenant, signal));
  const changed = (): void => {
    setRound(round + 1);
    onChanged();
  };
  const { said, run } = useAction(changed);
  const { data, error } = tokens;
  return (
    <StatusSection
      title="Tokens"
      note={<span role="status">{said}</span>}
      error={error}
      isWaiting={data === undefined && error === undefined}
      height={HEIGHT_PX}
    >
      {data?.length === 0 && <p className="hint">No token of tenant {visible(tenant)} yet.</p>}
      {data !== undefined && data.length > 0 && (
        <TokenTable
          tokens={data}
          onRevoke={({ id, name }) =>
            run(async () => revokeToken(tenant, id), `${name} is revoked.`)
          }
        />
      )}
      {made !== undefined && <ShownOnce made={made} onDone={() => setMade(undefined)} />}
      {data !== undefined && (
        <TokenForm
          tenant={tenant}
          isAdmin={isAdmin}
          onMade={(token) => {
            setMade(token);
            changed();
          }}
        />
      )}
    </StatusSection>
  );
}

interface ShownOnceProps {
  readonly made: CreatedToken;
  readonly onDone: () => void;
}

function ShownOnce({ made, onDone }: ShownOnceProps): ReactNode {
  return (
    <div className="notice notice-info" role="alert">
      <div>
        <p>
          The token <strong>{visible(made.name)}</strong>, shown this once:
        </p>
        <p>
          <code className="secret">{made.token}</code>{' '}
          <CopyButton text={made.token} what="the token" />{' '}
          <button type="button" className="button" onClick={onDone}>
            I have it
          </button>
        </p>
      </div>
    </div>
  );
}

interface TokenTableProps {
  readonly tokens: readonly Token[];
  readonly onRevoke: (token: Token) => void;
}

function TokenTable({ tokens, onRevoke }: TokenTableProps): ReactNode {
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label="List of tokens">
      <table>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">State</th>
            <th scope="col">May</th>
            <th scope="col">Restricted to</th>
            <th scope="col">Until</th>
            <th scope="col">
              <span className="visually-hidden">Action</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {tokens.map((token) => (
            <TokenRow key={token.id} token={token} onRevoke={onRevoke} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** What it is bound to, in words; empty: nothing. */
function restrictions({ labels, matchers }: Token): readonly string[] {
  const forced = Object.keys(labels).length === 0 ? [] : [`writes ${formatLabels(labels)}`];
  return [...forced, ...matchers.map((matcher) => `reads ${matcher}`)];
}

interface TokenRowProps {
  readonly token: Token;
  readonly onRevoke: (token: Token) => void;
}

function TokenRow({ token, onRevoke }: TokenRowProps): ReactNode {
  const [isSure, setIsSure] = useState(false);
  const { id, name, state, scope, permissions, expires_at: until } = token;
  const bound = restrictions(token);
  return (
    <tr>
      <th scope="row">
        {visible(name)}
        <span className="hint metric-help">{id}</span>
      </th>
      <td>
        {state}
        {scope === 'server' && <span className="tag">server</span>}
      </td>
      <td>{permissions.join(', ')}</td>
      <td>
        {bound.length === 0 ? <span className="hint">nothing</span> : visible(bound.join('; '))}
      </td>
      <td className="nowrap">{until === null ? '–' : formatTime(Date.parse(until), 'local')}</td>
      <td className="num nowrap">
        {state !== 'revoked' && !isSure && (
          <button type="button" className="button" onClick={() => setIsSure(true)}>
            Revoke<span className="visually-hidden"> {name}</span>
          </button>
        )}
        {state !== 'revoked' && isSure && (
          <>
            <button type="button" className="button" onClick={() => onRevoke(token)}>
              Yes, revoke<span className="visually-hidden"> {name}</span>
            </button>{' '}
            <button type="button" className="button" onClick={() => setIsSure(false)}>
              Keep
            </button>
          </>
        )}
      </td>
    </tr>
  );
}
