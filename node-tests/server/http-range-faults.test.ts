import { expect, it } from 'vitest'
import { FINAL_FAULTS, PASSING_FAULTS } from '../support/range-faults.ts'
import { runRangeFaults } from '../support/range-fault-runs.ts'

const seeds = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)

it('reads through faults that pass, and receives every byte in at least 99 % of the runs', async () => {
  const { results, happened } = await runRangeFaults('passing', seeds(100))
  expect(results.filter(({ problem }) => problem)).toEqual([])
  expect(results.filter(({ ended }) => ended !== 'all').length).toBeLessThanOrEqual(1)
  for (const fault of PASSING_FAULTS) expect(happened.get(fault), fault).toBeGreaterThan(0)
})

it('reads through any faults, and receives every byte or fails with an error of its own', async () => {
  const { results, happened } = await runRangeFaults('any', seeds(100))
  expect(results.filter(({ problem }) => problem)).toEqual([])
  const ends = new Set(results.map(({ ended }) => ended))
  for (const end of ['all', 'BackendError', 'ConflictError', 'FormatError']) expect(ends).toContain(end)
  for (const fault of FINAL_FAULTS) expect(happened.get(fault), fault).toBeGreaterThan(0)
})

it('reads flipped bits, and receives the right ones or fails with an IntegrityError', async () => {
  const { results, happened } = await runRangeFaults('flip', seeds(50))
  expect(results.filter(({ problem }) => problem)).toEqual([])
  expect(new Set(results.map(({ ended }) => ended))).toEqual(new Set(['all', 'IntegrityError']))
  expect(happened.get('flip')).toBeGreaterThan(0)
})
