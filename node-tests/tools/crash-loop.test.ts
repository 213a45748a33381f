import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEATHS, histogramOf, runCrashLoop } from '../support/crash-loop.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'combstream-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

describe('a directory whose processes are killed at every step', () => {
  // Each step is met three or four times, before and after. directory-crashes.test.ts does the other 12 of 200 kills.
  // Two runtimes with two builds of SQLite share the directory.
  it('keeps what was acknowledged, shows nothing else, and is like a fresh one after recovery', async () => {
    const kills = 188
    const report = await runCrashLoop(root, { kills, seed: 1, manner: 'patient', onBun: 'AB' })
    console.log(histogramOf(report))
    expect(report.problems).toEqual([])
    expect([...report.histogram.values()].reduce((sum, count) => sum + count, 0)).toBe(kills)
    // Which steps a process reaches depends on what the others do in the meantime.
    const hit = DEATHS.filter(({ step, when }) => report.histogram.has(`${when} ${step}`))
    expect(hit.length).toBeGreaterThan(0.9 * DEATHS.length)
    for (const what of ['put', 'remove', 'collect', 'scrub', 'abort']) {
      expect(report.acknowledged.get(what), what).toBeGreaterThan(2)
    }
  }, 300_000)
})
