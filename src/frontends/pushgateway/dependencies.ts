// What the Pushgateway's routes need.
import type { PushGroups } from '../../agent/push/push-groups.ts';
import type { Clock } from '../../stdx/clock.ts';

export interface PushgatewayDependencies {
  readonly pushGroups: () => PushGroups;
  readonly clock: Clock;
}
