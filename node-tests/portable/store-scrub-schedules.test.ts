import { beforeAll, describe, expect, it } from 'vitest'
import {
  type Actor,
  collector,
  entry,
  expectKeptInRandomOrders,
  expectKeptWithOnePreemption,
  marker,
  reader,
  type Scenario,
  unmarker,
  writer,
} from '../support/store-schedules.ts'
import { settle, text } from '../support/store-tools.ts'

/** Repairs whatever it finds, although there is nothing to repair. */
function scrubber(): Actor {
  return {
    async run(store, told) {
      const { damaged, problems } = await store.scrub({ repair: true, force: true })
      for (const { error } of damaged.list) told.wrong.push(`a scrub found ${error.message}`)
      for (const problem of problems) told.wrong.push(`a scrub met ${problem.message}`)
    },
  }
}

/** Gives up an upload when some of its blocks are stored. */
function aborter(content: string): Actor {
  return {
    async run(store) {
      const sink = store.sink({ reference: text('given up') })
      const writer = sink.getWriter()
      await writer.write(text(content))
      await writer.abort(new Error('given up'))
      await sink.stored.catch(() => undefined)
    },
  }
}

const scenarios: Scenario[] = [
  { name: 'a writer', actors: [writer('a', 'r1'), scrubber()] },
  { name: 'a writer of several groups', actors: [writer('abcdefghijk', 'r1'), scrubber()] },
  { name: 'twins', actors: [writer('ab', 'r1'), writer('ab', 'r2'), scrubber()] },
  { name: 'an upload that is given up', actors: [aborter('abcdefghi'), scrubber()] },
  {
    name: 'a stream that is collected, with a reader',
    has: 'ab',
    actors: [unmarker('r0'), collector(), scrubber(), reader('ab', false)],
  },
  {
    name: 'a stream that is collected, marked and stored again',
    has: 'ab',
    actors: [unmarker('r0'), collector(), marker('ab', 'r1'), writer('ab', 'r2'), scrubber()],
  },
  { name: 'an upload whose lease has ended', actors: [writer('abcde', 'r1'), collector(), scrubber()] },
  {
    name: 'an entry that changes, and another scrub',
    has: 'ab',
    actors: [entry('cd'), entry('ab'), scrubber(), scrubber()],
  },
]

describe('a scrub, beside', () => {
  beforeAll(settle)

  it.each(scenarios)(
    '$name, loses nothing in every order with one preemption',
    async (scenario) => {
      expect(await expectKeptWithOnePreemption(scenario, 100)).toBeGreaterThan(scenario.actors.length)
    },
    120_000,
  )

  it.each(scenarios)(
    '$name, loses nothing in random orders, whichever actor dies',
    async (scenario) => {
      expect(await expectKeptInRandomOrders(scenario, 50)).toBeGreaterThan(0)
    },
    120_000,
  )
})
