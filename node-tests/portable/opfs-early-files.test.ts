import { describe, expect, it } from 'vitest'
import { EarlyFiles } from '../../src/backends/opfs/early-files.ts'
import { settle } from '../support/store-tools.ts'

/** Early files, and the names of those that were opened. */
function watchedFiles(open: (name: string) => Promise<File | undefined> = () => Promise.resolve(undefined)): {
  early: EarlyFiles
  opened: string[]
} {
  const opened: string[] = []
  const early = new EarlyFiles((name) => {
    opened.push(name)
    return open(name)
  })
  return { early, opened }
}

describe('EarlyFiles', () => {
  it('opens a file once, and hands it out once', async () => {
    const file = { name: 'a' } as File
    const { early, opened } = watchedFiles(() => Promise.resolve(file))
    early.open(['a', 'b'])
    early.open(['a', 'b'])
    expect(opened).toEqual(['a', 'b'])
    expect(await early.take('a')).toBe(file)
    expect(early.take('a')).toBeUndefined()
  })

  it('holds at most 32 files, those that were opened last', () => {
    const { early } = watchedFiles()
    const names = Array.from({ length: 100 }, (_, i) => `o.${i}`)
    early.open(names)
    expect(names.filter((name) => early.take(name) !== undefined)).toEqual(names.slice(-32))
  })

  it('holds nothing that was dropped', () => {
    const { early } = watchedFiles()
    early.open(['a', 'b', 'c'])
    early.drop('b')
    expect(early.take('b')).toBeUndefined()
    early.clear()
    expect([early.take('a'), early.take('c')]).toEqual([undefined, undefined])
  })

  it('has no file that could not be opened, and leaves no rejection unhandled', async () => {
    const { early } = watchedFiles(() => Promise.reject(new Error('locked')))
    early.open(['a', 'b'])
    await settle()
    expect(await early.take('a')).toBeUndefined()
  })
})
