import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const TEXT = readFileSync(`${ROOT}docs/rsync.md`, 'utf8')
const PROGRAMS = Array.from(TEXT.matchAll(/^```ts\n([^]*?)^```$/gm), ([, program]) => program!)

const folder = mkdtempSync(join(tmpdir(), 'combstream-'))

beforeAll(() => {
  // A project that has the package installed.
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(ROOT, join(folder, 'node_modules', 'combstream'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('each program in docs/rsync.md prints what its comments say', () => {
  it('is found', () => expect(PROGRAMS.length).toBeGreaterThan(5))

  for (const program of PROGRAMS) {
    const imports = /import \{ (.*) \} from 'combstream\/rsync'/.exec(program)?.[1]
    it(`with ${imports}`, async () => {
      const said = Array.from(program.matchAll(/^console\.log\(.*\) \/\/ (.*)$/gm), ([, comment]) => comment!)
      expect(said.length).toBeGreaterThan(0)
      const file = join(folder, 'program.ts')
      writeFileSync(file, program)
      const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', file])
      expect(stdout.trimEnd().split('\n')).toEqual(said)
    })
  }
})
