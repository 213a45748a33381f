import { expect, it } from 'vitest'
import { FINAL_FAULTS, PASSING_FAULTS } from '../support/range-faults.ts'
import { type RunKind, type RunReport, runRangeFaults } from '../support/range-fault-runs.ts'
import { sample } from '../support/sample.ts'

interface Reads {
  readonly title: string
  readonly kind: RunKind
  readonly count: number
  check(report: RunReport): void
}

const READS: readonly Reads[] = [
  {
    title: 'faults that pass, and receives every byte in at least 99 % of the runs',
    kind: 'passing',
    count: 100,
    check({ results, happened }) {
      expect(results.filter(({ ended }) => ended !== 'all').length).toBeLessThanOrEqual(1)
      for (const fault of PASSING_FAULTS) expect(happened.get(fault), fault).toBeGreaterThan(0)
    },
  },
  {
    title: 'any faults, and receives every byte or fails with an error of its own',
    kind: 'any',
    count: 100,
    check({ results, happened }) {
      const ends = new Set(results.map(({ ended }) => ended))
      for (const end of ['all', 'BackendError', 'ConflictError', 'FormatError']) expect(ends).toContain(end)
      for (const fault of FINAL_FAULTS) expect(happened.get(fault), fault).toBeGreaterThan(0)
    },
  },
  {
    title: 'flipped bits, and receives the right ones or fails with an IntegrityError',
    kind: 'flip',
    count: 50,
    check({ results, happened }) {
      expect(new Set(results.map(({ ended }) => ended))).toEqual(new Set(['all', 'IntegrityError']))
      expect(happened.get('flip')).toBeGreaterThan(0)
    },
  },
]

it.each(sample(READS))('reads through $title', async ({ kind, count, check }) => {
  const seeds = Array.from({ length: count }, (_, i) => i + 1)
  const report = await runRangeFaults(kind, seeds)
  expect(report.results.filter(({ problem }) => problem)).toEqual([])
  check(report)
})
