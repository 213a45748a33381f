import { beforeAll, describe, expect, it } from 'vitest'
import {
  collector,
  entry,
  expectKeptInRandomOrders,
  expectKeptWithOnePreemption,
  finder,
  getter,
  reader,
  type Scenario,
  unmarker,
  writer,
} from '../support/store-schedules.ts'
import { settle } from '../support/store-tools.ts'

const scenarios: Scenario[] = [
  {
    name: 'two writers who heal',
    has: 'ab',
    damage: 'lost',
    actors: [writer('ab', 'r1'), writer('ab', 'r2'), collector()],
  },
  {
    name: 'a writer of several groups who heals',
    has: 'abcde',
    damage: 'lost',
    actors: [writer('abcde', 'r1'), finder('abcde'), collector()],
  },
  {
    name: 'a reader of the former blocks',
    has: 'ab',
    damage: 'marked',
    actors: [reader('ab', true), writer('ab', 'r1'), collector()],
  },
  {
    name: 'a reader who finds damage while writers ask',
    has: 'ab',
    damage: 'flipped',
    actors: [finder('ab'), writer('ab', 'r1'), writer('ab', 'r2'), collector()],
  },
  {
    name: 'a heal of a stream that is being collected',
    has: 'ab',
    damage: 'lost',
    actors: [unmarker('r0'), writer('ab', 'r1'), collector()],
  },
  {
    name: 'a heal of a stream that is condemned',
    has: 'ab',
    damage: 'lost',
    condemned: true,
    actors: [writer('ab', 'r1'), collector(), unmarker('r0')],
  },
  {
    name: 'entries with the damaged content',
    has: 'ab',
    damage: 'lost',
    actors: [entry('ab'), entry('cd'), unmarker('r0'), collector()],
  },
  {
    name: 'a transaction that finds a damaged stream',
    has: 'ab',
    damage: 'flipped',
    actors: [getter('ab', 'r1'), finder('ab'), collector()],
  },
]

describe('writers who heal, with readers and collectors', () => {
  beforeAll(settle)

  it.each(scenarios)(
    'keep all guarantees in every order with one preemption: $name',
    async (scenario) => {
      expect(await expectKeptWithOnePreemption(scenario, 80)).toBeGreaterThan(scenario.actors.length)
    },
    120_000,
  )

  it.each(scenarios)(
    'keep all guarantees in random orders, whichever actor dies: $name',
    async (scenario) => {
      expect(await expectKeptInRandomOrders(scenario, 30)).toBeGreaterThan(0)
    },
    120_000,
  )
})
