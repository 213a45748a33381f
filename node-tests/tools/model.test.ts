import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { explore } from '../../model/explorer.ts'
import { SCENARIOS } from '../../model/scenarios.ts'
import type { ScenarioName } from '../../model/scenarios.ts'
import { plantedBy, VARIANTS } from '../../model/variants.ts'

// All scenarios together take minutes (`node model/main.ts`). These are quick.
const QUICK: readonly (readonly [name: ScenarioName, states: number])[] = [
  ['alias: twins', 4882],
  ['candidates', 2999],
  ['candidates: pin', 2015],
  ['candidates: none', 1079],
  ['candidates: store and unmark', 2875],
  ['candidates: store, then mark', 3823],
  ['candidates: hit without a reference', 5574],
  ['candidates: hit', 2667],
  ['candidates: expiring reference', 4130],
  ['candidates: update, remove', 736],
  ['removal: abort', 8255],
  ['removal: upload marked', 2481],
  ['pages: readers in grace', 4007],
  ['expiry: renewal', 3005],
  ['expiry: pruning', 4465],
  ['expiry: downgraded', 209],
  ['shared blocks: readers in grace', 5056],
  ['lost answer: duplicate', 9008],
  ['late: mark given up', 47],
  ['late: mark, unmark', 46],
  ['late: unmark, mark', 244],
  ['resume: tail, no zombie', 2291],
  ['heal: expiring reference', 5093],
  ['heal: lost answer, alias', 7447],
  ['heal: shared block', 7516],
  ['heal: withdrawn block', 4288],
  ['entry expiry: renewal', 4400],
  ['at once: lost answer', 6248],
  ['at once: given up', 580],
  ['at once: twins', 2862],
  ['at once: entry', 1750],
  ['at once: then mark', 1025],
]

const QUICK_VARIANTS = VARIANTS.filter(
  ({ scenario, harmless }) => !harmless && QUICK.some(([name]) => name === scenario),
)

const text = readFileSync(new URL('../../docs/model.md', import.meta.url), 'utf8')

describe('the model of the stream store', () => {
  // If the number of states changes, so did the protocol: run all scenarios, then write the new numbers here.
  it.each(QUICK)('is safe and leaves nothing behind in "%s", in %d states', (name, states) => {
    expect(explore(SCENARIOS[name])).toEqual({ problem: null, trace: [], states, orphans: expect.any(Number) })
  })

  it.each(QUICK_VARIANTS)('catches $mistakes: $what', (variant) => {
    const { problem } = explore(SCENARIOS[variant.scenario], plantedBy(variant))
    expect(problem).toMatch(/^(UNSAFE|after recovery): /)
  })

  it('lists every variant in docs/model.md', () => {
    const rows = VARIANTS.map(({ mistakes, what, harmless, scenario }) => {
      return `| ${mistakes.join('+')} | ${what}${harmless ? ' (harmless)' : ''} | ${scenario} |\n`
    })
    const missing = rows.filter((row) => !text.includes(row))
    expect(missing).toEqual([])
  })

  it('is compared only with files that exist in docs/model.md', () => {
    const table = text.slice(text.indexOf('| rule of the protocol'), text.indexOf('Rows have the same names'))
    const named = table.split('\n').flatMap((line) => {
      const [, , actors = '', code = ''] = line.split('|')
      const filesIn = (cell: string, folder: string) =>
        [...cell.matchAll(/`([^`]+\.ts)`/g)].map(([, path]) => `${folder}/${path}`)
      return [...filesIn(actors, 'model/actors'), ...filesIn(code, 'src/store')]
    })
    expect(named.length).toBeGreaterThan(20)
    expect(named.filter((path) => !existsSync(new URL(`../../${path}`, import.meta.url)))).toEqual([])
  })
})
