import { beforeAll, describe, expect, it } from 'vitest'
import { wholeOr } from '../support/sample.ts'
import { COLLECTING, SMALL } from '../support/store-scenarios.ts'
import { expectKeptInRandomOrders, expectKeptWithOnePreemption } from '../support/store-schedules.ts'
import { settle } from '../support/store-tools.ts'

const SCENARIOS = [...COLLECTING, ...SMALL]

describe('collectors, writers, markers and readers of one store', () => {
  beforeAll(settle)

  it.each(SCENARIOS)(
    'keep all guarantees in every order with one preemption: $name',
    async (scenario) => {
      expect(await expectKeptWithOnePreemption(scenario, wholeOr(300, 100))).toBeGreaterThan(scenario.actors.length)
    },
    120_000,
  )

  it.each(SCENARIOS)(
    'keep all guarantees in random orders, whichever actor dies: $name',
    async (scenario) => {
      expect(await expectKeptInRandomOrders(scenario, wholeOr(100, 35))).toBeGreaterThan(0)
    },
    120_000,
  )
})
