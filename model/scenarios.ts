import type { Scenario } from './scenario.ts'
import { AT_ONCE } from './scenarios/at-once.ts'
import { ENTRY_EXPIRY } from './scenarios/entry-expiry.ts'
import { UNKNOWN_OUTCOMES } from './scenarios/unknown-outcomes.ts'
import { HEALING } from './scenarios/healing.ts'
import { LIFE_CYCLE } from './scenarios/life-cycle.ts'
import { SHARED_BLOCKS } from './scenarios/shared-blocks.ts'
import { UPLOADS } from './scenarios/uploads.ts'

const ALL = {
  ...LIFE_CYCLE,
  ...SHARED_BLOCKS,
  ...UNKNOWN_OUTCOMES,
  ...UPLOADS,
  ...HEALING,
  ...ENTRY_EXPIRY,
  ...AT_ONCE,
}

export type ScenarioName = keyof typeof ALL
export const SCENARIOS: Readonly<Record<ScenarioName, Scenario>> = ALL
