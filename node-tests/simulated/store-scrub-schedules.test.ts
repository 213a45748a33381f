import { beforeAll, describe, expect, it } from 'vitest'
import { wholeOr } from '../support/sample.ts'
import {
  expectKeptInRandomOrders,
  expectKeptWithInterruption,
  expectKeptWithOnePreemption,
} from '../support/store-schedules.ts'
import { SCRUB_PAIRS, SCRUBBING } from '../support/store-scrub-scenarios.ts'
import { settle } from '../support/store-tools.ts'

describe('a scrub, beside', () => {
  beforeAll(settle)

  it.each(SCRUB_PAIRS)(
    '$name, loses nothing wherever and for however long it interrupts',
    async (scenario) => {
      expect(await expectKeptWithInterruption(scenario, wholeOr(250, 100))).toBeGreaterThan(10)
    },
    120_000,
  )

  it.each(SCRUBBING)(
    '$name, loses nothing in every order with one preemption',
    async (scenario) => {
      expect(await expectKeptWithOnePreemption(scenario, wholeOr(40, 25))).toBeGreaterThan(scenario.actors.length)
    },
    120_000,
  )

  it.each(SCRUBBING)(
    '$name, loses nothing in random orders, whichever actor dies',
    async (scenario) => {
      expect(await expectKeptInRandomOrders(scenario, 20)).toBeGreaterThan(0)
    },
    120_000,
  )
})
