// How OTLP is mapped to series, from the settings.
import { nameRules } from '../../formats/otlp/names.ts';
import type { OtlpOptions } from '../../formats/otlp/metrics.ts';
import type { Settings } from '../settings/flags.ts';

export function otlpOptions(settings: Settings): OtlpOptions {
  return {
    names: nameRules(settings.otlpTranslation, settings.otlpNamespace),
    scopeLabels: settings.otlpScopeLabels,
    promoted: new Set(settings.otlpPromotedAttributes),
    keepsIdentifying: settings.otlpIdentifyingAttributes,
    customBuckets: settings.otlpCustomBuckets,
  };
}
