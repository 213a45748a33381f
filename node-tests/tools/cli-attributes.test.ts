import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { comb, COMB_MAIN, type CombResult, temporaryDirectory } from '../support/comb.ts'

/** A user id that no system uses. */
const OTHER = 54_321

interface Attributes {
  readonly uid: number
  readonly gid: number
  readonly mode: number
}

function attributesOf(path: string): Attributes {
  const { uid, gid, mode } = statSync(path)
  return { uid, gid, mode: mode & 0o7777 }
}

type Run = (...args: string[]) => Promise<CombResult>

/** Makes a directory with a hive that `user` owns. The returned `run` runs `comb` there as that user. */
async function prepare(user: number): Promise<{ file: string; run: Run }> {
  const cwd = temporaryDirectory()
  writeFileSync(join(cwd, 'new'), 'new')
  expect(await comb(['put', 'hive', 'x', 'new'], { cwd })).toMatchObject({ code: 0, stderr: '' })
  execFileSync('chown', ['--recursive', `${user}:${user}`, cwd])
  const identity = ['--reuid', `${user}`, '--regid', `${user}`, '--clear-groups']
  const command = ['setpriv', ...identity, process.execPath, COMB_MAIN] as const
  return { file: join(cwd, 'file'), run: (...args) => comb(args, { cwd, ...(user !== 0 && { command }) }) }
}

function makeFile(path: string, { uid, gid, mode }: Attributes): void {
  rmSync(path, { force: true })
  writeFileSync(path, 'old')
  chownSync(path, uid, gid)
  chmodSync(path, mode)
}

describe.runIf(mayChange())('`comb` keeps the owner, the group and the mode of a file that it replaces:', () => {
  test('as root, all of them', async () => {
    const { file, run } = await prepare(0)
    for (const mode of [0o640, 0o4755, 0o2770, 0o600]) {
      const attributes = { uid: OTHER, gid: OTHER + 1, mode }
      makeFile(file, attributes)
      for (const args of [
        ['get', 'hive', 'x', 'file'],
        ['rdiff', '-f', 'signature', 'new', 'file'],
      ]) {
        expect(await run(...args)).toMatchObject({ code: 0, stderr: '' })
        expect(attributesOf(file)).toEqual(attributes)
      }
    }
  })

  test('as a user, those that the system allows, and reports the others', async () => {
    const { file, run } = await prepare(OTHER)
    for (const { owner, kept, lost } of [
      { owner: [OTHER, OTHER, 0o640], kept: [OTHER, OTHER, 0o640], lost: undefined },
      { owner: [OTHER + 1, OTHER, 0o664], kept: [OTHER, OTHER, 0o664], lost: 'owner' },
      // A different group gets no more permissions than everyone has.
      { owner: [OTHER, OTHER + 1, 0o664], kept: [OTHER, OTHER, 0o644], lost: 'group and mode' },
      { owner: [0, 0, 0o6755], kept: [OTHER, OTHER, 0o755], lost: 'owner and group and mode' },
    ] as const) {
      const [uid, gid, mode] = owner
      makeFile(file, { uid, gid, mode })
      const { code, stderr } = await run('get', 'hive', 'x', 'file')
      const line = lost === undefined ? '' : `comb: cannot keep the ${lost} of file: not permitted\n`
      expect({ owner, code, stderr }).toEqual({ owner, code: 0, stderr: line })
      expect(Object.values(attributesOf(file))).toEqual(kept)
      expect(readFileSync(file, 'utf8')).toBe('new')
      expect(readdirSync(dirname(file)).sort()).toEqual(['file', 'hive', 'new'])
    }
  })
})

/** Returns whether these tests may change the owner of a file and run as another user. */
function mayChange(): boolean {
  try {
    execFileSync('setpriv', [
      '--reuid',
      `${OTHER}`,
      '--regid',
      `${OTHER}`,
      '--clear-groups',
      process.execPath,
      '--version',
    ])
    return process.getuid?.() === 0
  } catch {
    return false
  }
}
