import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { comb, COMB_MAIN, type CombOptions, serveComb, temporaryDirectory } from '../support/comb.ts'
import { CAN_MOUNT, type Mounted, mountSmall } from '../support/file-systems.ts'
import { storeEntry } from '../support/stored-entry.ts'
import { randomBytes } from '../support/streams.ts'

const BYTES = randomBytes(100_000)
const AS_NOBODY = 'data:text/javascript,process.setgid(65534);process.setuid(65534)'

/** A hive that cannot be written, and the options to run `comb` such that it cannot write there. */
interface Place {
  readonly hive: string
  readonly options: CombOptions
}

function mount(): Mounted {
  const mounted = mountSmall(temporaryDirectory(), 'size=8m')
  onTestFinished(() => mounted.unmount())
  return mounted
}

async function readOnlyPlace(): Promise<Place> {
  if (CAN_MOUNT) {
    const mounted = mount()
    await storeEntry(join(mounted.path, 'hive'), 'a.txt', BYTES)
    mounted.remount('ro')
    return { hive: join(mounted.path, 'hive'), options: {} }
  }
  const directory = temporaryDirectory()
  chmodSync(directory, 0o755)
  const hive = join(directory, 'hive')
  await storeEntry(hive, 'a.txt', BYTES)
  for (const name of ['.', ...(readdirSync(hive, { recursive: true }) as string[])]) {
    const path = join(hive, name)
    chmodSync(path, statSync(path).isDirectory() ? 0o555 : 0o444)
  }
  const isRoot = process.getuid?.() === 0
  return { hive, options: isRoot ? { command: [process.execPath, '--import', AS_NOBODY, COMB_MAIN] } : {} }
}

async function fullPlace(): Promise<Place> {
  const { path } = mount()
  await storeEntry(join(path, 'hive'), 'a.txt', BYTES)
  expect(() => writeFileSync(join(path, 'filler'), new Uint8Array(9_000_000))).toThrow('ENOSPC')
  return { hive: join(path, 'hive'), options: {} }
}

const PLACES = [
  { name: 'read-only', make: readOnlyPlace, isPossible: true },
  { name: 'full', make: fullPlace, isPossible: CAN_MOUNT },
] as const

describe.each(PLACES)('comb with a hive on a $name disk', ({ name, make, isPossible }) => {
  test.skipIf(!isPossible)('lists, reads and describes its entries; putting is an error of one line', async () => {
    const { hive, options } = await make()
    const list = await comb(['ls', hive], options)
    expect({ ...list, stdout: list.stdout.toString() }).toMatchObject({ code: 0, stdout: 'a.txt\n', stderr: '' })
    const stat = await comb(['stat', hive, 'a.txt'], options)
    expect(stat).toMatchObject({ code: 0, stderr: '' })
    expect(stat.stdout.toString()).toContain(`${BYTES.byteLength}`)
    const get = await comb(['get', hive, 'a.txt', '-', '--range', '10-99999'], options)
    expect(get).toMatchObject({ code: 0, stderr: '' })
    expect(get.stdout.equals(BYTES.subarray(10))).toBe(true)

    const put = await comb(['put', hive, 'b.txt', '-'], { ...options, input: 'x' })
    expect(put.code).not.toBe(0)
    expect(put.stderr).toMatch(name === 'full' ? /^comb: .*disk.*\n$/ : /^comb: .*(read-only|permission).*\n$/i)
    expect((await comb(['ls', hive], options)).stdout.toString()).toBe('a.txt\n')
  })

  test.skipIf(!isPossible)('checks it', async () => {
    const { hive, options } = await make()
    const { code, stdout, stderr } = await comb(['check', hive], options)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.toString()).toBe('checked 1 stream with 1 block, 100 kB: no damage\n')
  })

  test.skipIf(!isPossible)('serves it', async () => {
    const { hive, options } = await make()
    const { url } = await serveComb(hive, [], options)
    const get = await comb(['get', url, 'a.txt', '-'])
    expect(get).toMatchObject({ code: 0, stderr: '' })
    expect(get.stdout.equals(BYTES)).toBe(true)
    const answer = await fetch(new URL('b.txt', url), { method: 'PUT', body: 'x' })
    expect(answer.status).toBe(name === 'full' ? 507 : 500)
    expect((await comb(['ls', url])).stdout.toString()).toBe('a.txt\n')
  })
})
