/** Limits that hold for a tenant, what is used of them, and who set them; each can be changed. */
import { useState, type SubmitEvent, type ReactNode } from 'react';
import { setLimit, type Tenant } from '../api/tenancy.ts';
import { limitsInForce, type LimitInForce } from '../api/usage.ts';
import { useAction } from '../hooks/use-action.ts';
import { useNow } from '../hooks/use-now.ts';
import { useRequest } from '../hooks/use-request.ts';
import { visible } from '../util/labels.ts';
import { StatusSection } from './status-section.tsx';

interface TenantLimitsProps {
  readonly tenant: Tenant;
  /** It may set them. */
  readonly isAdmin: boolean;
  readonly onChanged: () => void;
}

const HEIGHT_PX = 240;
const LOOK_EVERY_SEC = 5;
/** From here on a limit is near. */
const NEAR_SHARE = 0.8;

const SOURCES: Readonly<Record<LimitInForce['source'], string>> = {
  default: 'default',
  server: 'of the server',
  tenant: 'of the tenant',
  token: 'of the token',
};

export function TenantLimits({ tenant, isAdmin, onChanged }: TenantLimitsProps): ReactNode {
  const { name } = tenant;
  const [round, setRound] = useState(0);
  const { said, run } = useAction(() => {
    setRound(round + 1);
    onChanged();
  });
  const { nowMs } = useNow(LOOK_EVERY_SEC);
  const { data, error } = useRequest(`${round} ${nowMs}`, name, async (signal) =>
    limitsInForce(name, signal),
  );
  const limits = Object.entries(data ?? {}).toSorted(usedFirst);
  return (
    <StatusSection
      title="Limits"
      note={<span role="status">{said}</span>}
      error={error}
      isWaiting={data === undefined && error === undefined}
      height={HEIGHT_PX}
    >
      {data !== undefined && (
        <div className="table-scroll" tabIndex={0} role="region" aria-label="List of limits">
          <table>
            <thead>
              <tr>
                <th scope="col">Limit</th>
                <th scope="col">Used</th>
                <th scope="col" className="num">
                  At most
                </th>
                <th scope="col">Set by</th>
                <th scope="col">
                  <span className="visually-hidden">Action</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {limits.map(([id, limit]) => (
                <LimitRow
                  key={id}
                  id={id}
                  limit={limit}
                  isAdmin={isAdmin}
                  onDefault={() =>
                    run(async () => setLimit(name, id, null), `${id} is the default again.`)
                  }
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {isAdmin && (
        <SetLimit
          ids={limits.map(([id]) => id)}
          onSet={(id, value) =>
            run(async () => setLimit(name, id, value), `${id} is ${value.toLocaleString('en')}.`)
          }
        />
      )}
    </StatusSection>
  );
}

function rank({ used, source }: LimitInForce): number {
  if (used !== undefined) return 0;
  return source === 'default' ? 2 : 1;
}

/** What is counted, then what is the tenant's own, then by name. */
function usedFirst(
  [a, first]: readonly [string, LimitInForce],
  [b, second]: readonly [string, LimitInForce],
): number {
  return rank(first) - rank(second) || a.localeCompare(b);
}

interface LimitRowProps {
  readonly id: string;
  readonly limit: LimitInForce;
  readonly isAdmin: boolean;
  readonly onDefault: () => void;
}

function LimitRow({ id, limit, isAdmin, onDefault }: LimitRowProps): ReactNode {
  const { value, source, used } = limit;
  return (
    <tr>
      <th scope="row">{visible(id)}</th>
      <td>
        {used === undefined ? (
          <span className="hint">–</span>
        ) : (
          <span className="limit-use">
            <meter
              min={0}
              max={Math.max(1, value)}
              high={NEAR_SHARE * value}
              value={used}
              aria-label={`Use of ${id}`}
            />
            <span className="num">{used.toLocaleString('en')}</span>
          </span>
        )}
      </td>
      <td className="num">{value.toLocaleString('en')}</td>
      <td>{SOURCES[source]}</td>
      <td className="num">
        {isAdmin && source === 'tenant' && (
          <button type="button" className="button" onClick={onDefault}>
            Default<span className="visually-hidden"> of {id}</span>
          </button>
        )}
      </td>
    </tr>
  );
}

interface SetLimitProps {
  /** Those there are. */
  readonly ids: readonly string[];
  readonly onSet: (id: string, value: number) => void;
}

function SetLimit({ ids, onSet }: SetLimitProps): ReactNode {
  const [id, setId] = useState('');
  const [value, setValue] = useState('');
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    onSet(id.trim(), Number(value));
  };
  const isReady = id.trim() !== '' && /^\d+$/.test(value);
  return (
    <form className="form-row" onSubmit={submit} aria-label="Set a limit">
      <label>
        <span>Limit</span>
        <input
          type="text"
          value={id}
          placeholder="active-series"
          list="limit-ids"
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => setId(event.target.value)}
        />
      </label>
      <label>
        <span>At most</span>
        <input
          type="text"
          inputMode="numeric"
          value={value}
          placeholder="1000000"
          autoComplete="off"
          onChange={(event) => setValue(event.target.value.trim())}
        />
      </label>
      <datalist id="limit-ids">
        {ids.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
      <button type="submit" className="button" disabled={!isReady}>
        Set
      </button>
    </form>
  );
}
