import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { explore } from '../../model/explorer.ts'
import { SCENARIOS } from '../../model/scenarios.ts'
import type { ScenarioName } from '../../model/scenarios.ts'
import { plantedBy, VARIANTS } from '../../model/variants.ts'

// Everything takes minutes: `node model/main.ts`. These are quick, and between them every kind of actor takes part.
const QUICK: readonly (readonly [name: ScenarioName, states: number])[] = [
  ['alias: twins', 5425],
  ['candidates', 2999],
  ['candidates: pin', 2015],
  ['removal: abort', 8255],
  ['removal: upload marked', 2511],
  ['pages: readers in grace', 4007],
  ['expiry: renewal', 3005],
  ['expiry: pruning', 4465],
  ['expiry: downgraded', 209],
  ['shared blocks: readers in grace', 5056],
  ['lost answer: duplicate', 9016],
  ['late: mark given up', 47],
  ['late: mark, unmark', 46],
  ['late: unmark, mark', 244],
  ['resume: tail, no zombie', 2302],
  ['heal: lost answer, alias', 9363],
  ['heal: shared block', 7516],
  ['heal: withdrawn block', 4309],
  ['entry expiry: renewal', 4400],
]

const QUICK_VARIANTS = VARIANTS.filter(
  ({ scenario, harmless }) => !harmless && QUICK.some(([name]) => name === scenario),
)

describe('the model of the stream store', () => {
  // Another number of states means another protocol: then run everything, and write the new numbers here.
  it.each(QUICK)('is safe and leaves nothing over in "%s", in %d states', (name, states) => {
    expect(explore(SCENARIOS[name])).toEqual({ problem: null, trace: [], states, orphans: expect.any(Number) })
  })

  it.each(QUICK_VARIANTS)('catches $mistakes: $what', (variant) => {
    const { problem } = explore(SCENARIOS[variant.scenario], plantedBy(variant))
    expect(problem).toMatch(/^(UNSAFE|after recovery): /)
  })

  it('lists every variant in docs/model.md', () => {
    const text = readFileSync(new URL('../../docs/model.md', import.meta.url), 'utf8')
    const rows = VARIANTS.map(({ mistakes, what, harmless, scenario }) => {
      return `| ${mistakes.join('+')} | ${what}${harmless ? ' (harmless)' : ''} | ${scenario} |\n`
    })
    const missing = rows.filter((row) => !text.includes(row))
    expect(missing).toEqual([])
  })
})
