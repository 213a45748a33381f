import { beforeAll, describe, expect, it } from 'vitest'
import { type Explored, exploreOrders, type ExploreOptions } from '../support/explore-orders.ts'
import { COLLECTING, idOf, prepare, type Scenario, writer } from '../support/store-scenarios.ts'
import { settle } from '../support/store-tools.ts'

const DUPLICATE = COLLECTING.find(({ name }) => name.startsWith('a duplicate'))!
const TWINS = COLLECTING.find(({ name }) => name === 'twins')!

/** One reader of a row that changes once: only a preemption between its two looks shows it both states. */
const LOOKS_TWICE: Scenario = {
  name: 'a reader that looks twice',
  actors: [
    writer('ab', 'r1'),
    {
      async run(store, told) {
        const [before, after] = [await idOf(store, 'ab'), await idOf(store, 'ab')]
        if (before !== after) told.wrong.push('two looks differ')
      },
    },
  ],
}

async function explore(
  scenario: Scenario,
  options: Pick<ExploreOptions, 'preemptions' | 'deaths' | 'prune'>,
): Promise<Explored & { broken: unknown[] }> {
  const broken: unknown[] = []
  const explored = await exploreOrders(scenario, await prepare(scenario), {
    ...options,
    onBroken: (error) => broken.push(error),
  })
  return { ...explored, broken }
}

describe('the exploration of orders', () => {
  beforeAll(settle)

  // scripts/explore-schedules.mjs --compare does this for any scenario.
  it.each([
    { scenario: DUPLICATE, preemptions: 1, deaths: 0 },
    { scenario: TWINS, preemptions: 0, deaths: 1 },
  ])('has the same outcomes where it stops at known states: $scenario.name', async ({ scenario, ...most }) => {
    const [known, whole] = [await explore(scenario, most), await explore(scenario, { ...most, prune: false })]
    expect([...known.broken, ...whole.broken]).toEqual([])
    expect(known.outcomes).toEqual(whole.outcomes)
    expect(known.outcomes.size).toBeGreaterThan(5)
    expect(known.runs).toBeLessThan(whole.runs)
  })

  it('reports an order that breaks something, if it may have that many preemptions', async () => {
    expect((await explore(LOOKS_TWICE, { preemptions: 0, deaths: 0 })).broken).toEqual([])
    const { broken } = await explore(LOOKS_TWICE, { preemptions: 1, deaths: 0 })
    expect(broken.map(String).join('\n')).toMatch(/order 1×\d+, 0×\d+, 1×\d+: two looks differ/)
  })

  it('lets an actor die at any of its calls', async () => {
    const alone = { name: 'a writer', actors: [writer('abcde', 'r1')] }
    const [{ states }, { outcomes }] = [
      await explore(alone, { preemptions: 0, deaths: 0 }),
      await explore(alone, { preemptions: 0, deaths: 1 }),
    ]
    // Each commit and each put makes an outcome of its own; the rest of its calls read.
    expect(outcomes.size).toBeGreaterThan(5)
    expect(outcomes.size).toBeLessThan(states)
  })
})
