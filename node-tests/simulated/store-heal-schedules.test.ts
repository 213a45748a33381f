import { beforeAll, describe, expect, it } from 'vitest'
import { wholeOr } from '../support/sample.ts'
import { HEALING } from '../support/store-scenarios.ts'
import { expectKeptInRandomOrders, expectKeptWithOnePreemption } from '../support/store-schedules.ts'
import { settle } from '../support/store-tools.ts'

describe('writers that heal, with readers and collectors', () => {
  beforeAll(settle)

  it.each(HEALING)(
    'keep all guarantees in every order with one preemption: $name',
    async (scenario) => {
      expect(await expectKeptWithOnePreemption(scenario, wholeOr(80, 40))).toBeGreaterThan(scenario.actors.length)
    },
    120_000,
  )

  it.each(HEALING)(
    'keep all guarantees in random orders, whichever actor dies: $name',
    async (scenario) => {
      expect(await expectKeptInRandomOrders(scenario, wholeOr(30, 15))).toBeGreaterThan(0)
    },
    120_000,
  )
})
