import { beforeAll, describe, expect, it } from 'vitest'
import {
  collector,
  entry,
  expectKeptInRandomOrders,
  expectKeptWithOnePreemption,
  LATE,
  marker,
  reader,
  type Scenario,
  SOON,
  unmarker,
  writer,
} from '../support/store-schedules.ts'
import { settle } from '../support/store-tools.ts'

const GRACE = 10 * 86_400_000

const scenarios: Scenario[] = [
  {
    name: 'unmark, mark and two collectors',
    has: 'ab',
    actors: [unmarker('r0'), marker('ab', 'r1'), collector(), collector()],
  },
  {
    name: 'a duplicate of a stream that is being collected',
    has: 'ab',
    actors: [unmarker('r0'), writer('ab', 'r1'), collector()],
  },
  { name: 'an upload whose lease has ended', actors: [writer('abcde', 'r1'), collector(), collector()] },
  { name: 'twins', actors: [writer('ab', 'r1'), writer('ab', 'r2'), collector()] },
  {
    name: 'a mark that expires and one that does not',
    has: 'ab',
    actors: [unmarker('r0'), marker('ab', 'pin', SOON), marker('ab', 'r1'), collector(), collector()],
  },
  {
    name: 'an expired reference that is renewed',
    has: 'ab',
    pinned: true,
    actors: [collector(), marker('ab', 'pin', LATE), unmarker('r0'), collector()],
  },
  {
    name: 'a condemned stream that loses its last reference',
    has: 'ab',
    condemned: true,
    actors: [collector(), unmarker('r0'), collector()],
  },
  {
    name: 'a mark that has already expired when it is set',
    has: 'ab',
    actors: [collector(), unmarker('r0'), marker('ab', 'pin', SOON)],
  },
  {
    name: 'a reader during the grace period',
    has: 'ab',
    actors: [unmarker('r0'), reader('ab', true), collector(GRACE), collector(GRACE)],
  },
  {
    name: 'a reader without a grace period, and a writer of the same bytes',
    has: 'ab',
    actors: [unmarker('r0'), reader('ab', false), writer('ab', 'r1'), collector()],
  },
  {
    name: 'an entry that changes and changes back',
    has: 'ab',
    actors: [entry('cd'), entry('ab'), unmarker('r0'), collector()],
  },
]

describe('collectors, writers, markers and readers of one store', () => {
  beforeAll(settle)

  it.each(scenarios)(
    'keep all guarantees in every order with one preemption: $name',
    async (scenario) => {
      expect(await expectKeptWithOnePreemption(scenario, 300)).toBeGreaterThan(scenario.actors.length)
    },
    120_000,
  )

  it.each(scenarios)(
    'keep all guarantees in random orders, whichever actor dies: $name',
    async (scenario) => {
      expect(await expectKeptInRandomOrders(scenario, 100)).toBeGreaterThan(0)
    },
    120_000,
  )
})
