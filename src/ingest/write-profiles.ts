// The dictionaries of all write profiles: one for everything that decides what raw row bytes mean
// (tenant, protocol, database mapping, forced labels, version of the rules, limits of labels).
// Bounded in number and bytes; the one used least recently goes first.
import { labelsKey } from '../model/labels.ts';
import type { Labels } from '../model/labels.ts';
import type { Principal, TenantId } from '../model/tenant.ts';
import type { Relabelling } from '../relabel/relabelling.ts';
import type { Prng } from '../stdx/prng.ts';
import type { EffectiveLimits } from '../tenancy/limit-table.ts';
import { DICTIONARY_COUNT_MAX } from './limits.ts';
import type { DictionaryBounds } from './row-dictionary.ts';
import { ProfileDictionary } from './row-dictionary.ts';
import type { AdmissionContext, LabelLimits, SeriesRefusal } from './series-admission.ts';
import { labelLimits } from './series-admission.ts';

/** The rules of each tenant. */
export interface RelabelSource {
  /** undefined: none. Asked once per write; what it gives for one version never changes. */
  of(tenant: TenantId): Relabelling | undefined;
}

export interface Profile {
  readonly tenant: TenantId;
  readonly dictionary: ProfileDictionary;
  /** As last measured; part of the sum. */
  sizeBytes: number;
}

/** What a write says of the meaning of its rows. */
export interface RowMeaning {
  readonly protocol: string;
  /** As WriteRequest.profileKey. */
  readonly profileKey: string;
}

export interface ProfileLimits {
  readonly dictionaryBounds: DictionaryBounds;
  /** Of all dictionaries together. */
  readonly dictionariesBytesMax: number;
  /** Where the tenant has none of its own. */
  readonly labels: LabelLimits;
}

interface ProfileDependencies {
  readonly storage: AdmissionContext['storage'];
  readonly prng: Prng;
  readonly limits: ProfileLimits;
  readonly relabel: RelabelSource | undefined;
  readonly onSeriesRefused: (tenant: TenantId, labels: Labels) => SeriesRefusal | undefined;
}

/** What the last write of a principal found its profile by. */
interface KnownKey {
  readonly protocol: string;
  readonly profileKey: string;
  readonly version: number | undefined;
  /** Another object where they have changed. */
  readonly limits: EffectiveLimits | undefined;
  readonly key: string;
}

export class WriteProfiles {
  readonly #dependencies: ProfileDependencies;
  /** In order of last use, the oldest first. */
  readonly #profiles = new Map<string, Profile>();
  /** Of the profile that was used last. */
  #newestKey = '';
  readonly #keys = new WeakMap<Principal, KnownKey>();
  #sizeBytes = 0;

  constructor(dependencies: ProfileDependencies) {
    this.#dependencies = dependencies;
  }

  /** Of all dictionaries. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** `limits`: of the tenant and the token; undefined: those that hold without any. */
  of(principal: Principal, meaning: RowMeaning, limits: EffectiveLimits | undefined): Profile {
    const { tenant, forcedLabels } = principal;
    const { storage, prng, relabel } = this.#dependencies;
    const relabelling = relabel?.of(tenant);
    const key = this.#key(principal, meaning, relabelling?.version, limits);
    let profile = this.#profiles.get(key);
    if (profile !== undefined && key === this.#newestKey) return profile;
    if (profile === undefined) {
      const { dictionaryBounds } = this.#dependencies.limits;
      const onSeriesRefused = (labels: Labels) =>
        this.#dependencies.onSeriesRefused(tenant, labels);
      const rules = { limits: this.#labelLimits(limits), relabelling, onSeriesRefused };
      const context = { storage, tenant, forcedLabels, ...rules };
      const dictionary = new ProfileDictionary(context, prng.u32(), dictionaryBounds);
      profile = { tenant, dictionary, sizeBytes: 0 };
    } else this.#profiles.delete(key);
    this.#profiles.set(key, profile);
    this.#newestKey = key;
    return profile;
  }

  #labelLimits(limits: EffectiveLimits | undefined): LabelLimits {
    return limits === undefined ? this.#dependencies.limits.labels : labelLimits(limits);
  }

  /** Put together anew where a principal writes otherwise than the last time. */
  #key(
    principal: Principal,
    { protocol, profileKey }: RowMeaning,
    version: number | undefined,
    limits: EffectiveLimits | undefined,
  ): string {
    const known = this.#keys.get(principal);
    if (
      known?.protocol === protocol &&
      known.profileKey === profileKey &&
      known.version === version &&
      known.limits === limits
    )
      return known.key;
    const { labelCountMax, labelNameBytesMax, labelValueBytesMax } = this.#labelLimits(limits);
    const key = JSON.stringify([
      principal.tenant,
      protocol,
      profileKey,
      labelsKey(principal.forcedLabels),
      version,
      labelCountMax,
      labelNameBytesMax,
      labelValueBytesMax,
    ]);
    this.#keys.set(principal, { protocol, profileKey, version, limits, key });
    return key;
  }

  /** After each scan with it: others go where it has grown. */
  measure(profile: Profile): void {
    const { sizeBytes } = profile.dictionary;
    this.#sizeBytes += sizeBytes - profile.sizeBytes;
    profile.sizeBytes = sizeBytes;
    for (const [key, oldest] of this.#profiles) {
      const isOver =
        this.#profiles.size > DICTIONARY_COUNT_MAX ||
        this.#sizeBytes > this.#dependencies.limits.dictionariesBytesMax;
      if (!isOver || oldest === profile) return;
      this.#sizeBytes -= oldest.sizeBytes;
      this.#profiles.delete(key);
    }
  }

  /** Forgets refs of a tenant; they are resolved again on next use. */
  forget(tenant: TenantId): void {
    for (const profile of this.#profiles.values())
      if (profile.tenant === tenant) profile.dictionary.clear();
  }

  /** Forgets what rows mean under rules that the tenant, or all, have not any more. */
  forgetRules(tenant: TenantId | undefined): void {
    for (const [key, profile] of this.#profiles) {
      if (tenant !== undefined && profile.tenant !== tenant) continue;
      this.#sizeBytes -= profile.sizeBytes;
      this.#profiles.delete(key);
    }
  }

  /** Forgets the refs of all tenants; not to be called from within a scan. */
  forgetRefs(): void {
    for (const profile of this.#profiles.values()) profile.dictionary.clear();
  }
}
