/** The tenants, and a field for a new one. */
import { useState, type SubmitEvent, type ReactNode } from 'react';
import { createTenant, setTenantState, type Tenant } from '../api/tenancy.ts';
import { navigate } from '../hooks/use-location.ts';
import { useAction, type Action } from '../hooks/use-action.ts';
import { visible } from '../util/labels.ts';
import { tenantPlace } from '../util/tenant-place.ts';
import { formatTime } from '../util/time.ts';
import { PlaceLink } from './place-link.tsx';

interface TenantListProps {
  readonly tenants: readonly Tenant[];
  readonly chosen: string | undefined;
  /** It may make tenants, and suspend them. */
  readonly isAdmin: boolean;
  readonly onChanged: () => void;
}

const DEFAULT_TENANT = 'default';

export function TenantList(props: TenantListProps): ReactNode {
  const { tenants, chosen, isAdmin, onChanged } = props;
  const { said, run } = useAction(onChanged);
  const switchState = ({ name, state }: Tenant): void => {
    const next = state === 'active' ? 'suspended' : 'active';
    run(async () => setTenantState(name, next), `${name} is ${next}.`);
  };
  return (
    <>
      <div className="table-scroll" tabIndex={0} role="region" aria-label="List of tenants">
        <table>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">State</th>
              <th scope="col" className="num">
                Tokens
              </th>
              <th scope="col">Since</th>
              <th scope="col">
                <span className="visually-hidden">Action</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {tenants.map((tenant) => (
              <TenantRow
                key={tenant.id}
                tenant={tenant}
                isChosen={tenant.name === chosen}
                onSwitch={isAdmin ? switchState : undefined}
              />
            ))}
          </tbody>
        </table>
      </div>
      {isAdmin && <NewTenant run={run} />}
      <p className="hint" role="status">
        {said}
      </p>
    </>
  );
}

interface TenantRowProps {
  readonly tenant: Tenant;
  readonly isChosen: boolean;
  /** undefined: the reader may not. */
  readonly onSwitch: ((tenant: Tenant) => void) | undefined;
}

function TenantRow({ tenant, isChosen, onSwitch }: TenantRowProps): ReactNode {
  const { name, id, state, tokens, created_at: since } = tenant;
  return (
    <tr className={isChosen ? 'is-chosen' : undefined}>
      <th scope="row">
        <PlaceLink to={tenantPlace(name)} isCurrent={isChosen}>
          {visible(name)}
        </PlaceLink>
        {id !== name && <span className="hint"> {visible(id)}</span>}
      </th>
      <td>{state === 'active' ? state : <strong>{visible(state)}</strong>}</td>
      <td className="num">{tokens}</td>
      <td className="nowrap">
        {since === null ? (
          <span className="hint">not registered</span>
        ) : (
          formatTime(Date.parse(since), 'local')
        )}
      </td>
      <td className="num">
        {onSwitch !== undefined && name !== DEFAULT_TENANT && state !== 'deleting' && (
          <button type="button" className="button" onClick={() => onSwitch(tenant)}>
            {state === 'active' ? 'Suspend' : 'Resume'}
            <span className="visually-hidden"> {name}</span>
          </button>
        )}
      </td>
    </tr>
  );
}

interface NewTenantProps {
  readonly run: Action['run'];
}

function NewTenant({ run }: NewTenantProps): ReactNode {
  const [name, setName] = useState('');
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const create = async (): Promise<void> => {
      await createTenant(name);
      setName('');
      navigate(tenantPlace(name), { replace: false });
    };
    run(create, `${name} is there.`);
  };
  return (
    <form className="form-row" onSubmit={submit} aria-label="New tenant">
      <label>
        <span>New tenant</span>
        <input
          type="text"
          value={name}
          placeholder="acme"
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => setName(event.target.value)}
        />
      </label>
      <button type="submit" className="button" disabled={name === ''}>
        Create
      </button>
    </form>
  );
}
