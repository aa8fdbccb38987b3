/** What the mock keeps of tenants. */
export interface MockTenant {
  readonly name: string;
  readonly id: string;
  state: string;
  readonly created_at: string | null;
  readonly limits: Record<string, number>;
  readonly tokens: MockToken[];
}

export interface MockToken {
  readonly id: string;
  readonly name: string;
  state: string;
  readonly [field: string]: unknown;
}

export interface MockTenancy {
  readonly tenants: Map<string, MockTenant>;
  readonly changes: { action: string; subject: string; tenant: string }[];
}
