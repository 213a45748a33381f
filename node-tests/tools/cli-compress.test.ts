import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { comb, temporaryDirectory } from '../support/comb.ts'

const HONEY = 'honey '.repeat(50_000)

/** Bytes of all blocks of a hive. */
function blockBytes(hive: string): number {
  return readdirSync(join(hive, 'blocks'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)
}

test.each([
  ['lz4', 20_000],
  ['deflate', 5000],
  ['none', 300_000],
])(
  '`comb put --compress %s` stores at most %i bytes of 300,000, and every command reads the entry',
  async (codec, most) => {
    const cwd = temporaryDirectory()
    writeFileSync(join(cwd, 'file'), HONEY)
    expect(await comb(['put', 'hive', 'x', 'file', '--compress', codec], { cwd })).toMatchObject({
      code: 0,
      stderr: '',
    })
    expect(blockBytes(join(cwd, 'hive'))).toBeLessThanOrEqual(most)
    const { stdout } = await comb(['get', 'hive', 'x'], { cwd })
    expect(stdout.toString()).toBe(HONEY)
  },
)

test('`comb put --compress` refuses other codecs, and URLs, whose server decides', async () => {
  const cwd = temporaryDirectory()
  writeFileSync(join(cwd, 'file'), HONEY)
  expect((await comb(['put', 'hive', 'x', 'file', '--compress', 'zip'], { cwd })).code).toBe(2)
  const refused = await comb(['put', 'http://127.0.0.1:1/', 'x', 'file', '--compress', 'lz4'], { cwd })
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('a server decides') })
})
