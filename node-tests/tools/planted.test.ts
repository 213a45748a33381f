import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const PLANTED = `${ROOT}node-tests/planted/`

// `scripts/check-planted.mjs` shows that each is caught. It takes too long to run here.
test('every planted mistake fits the sources, and says what catches it', () => {
  const files = readdirSync(PLANTED)
  expect(files.length).toBeGreaterThan(30)
  for (const file of files) {
    const { status, stderr } = spawnSync('git', ['apply', '--check', PLANTED + file], { cwd: ROOT, encoding: 'utf8' })
    expect([file, stderr, status]).toEqual([file, '', 0])
    expect(readFileSync(PLANTED + file, 'utf8'), file).toMatch(/^Caught by: (orders|runs|tests) \S/m)
  }
})
