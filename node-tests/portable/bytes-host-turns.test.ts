import { afterEach, describe, expect, it, vi } from 'vitest'
import { HostTurns } from '../../src/bytes/host-turns.ts'
import { nextTask } from '../../src/bytes/promises.ts'

const MIB = 1024 * 1024

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

/** Works until a timer fires, but for at most `most` MiB. Returns the number of MiB processed. */
async function workUntilTimer(most: number): Promise<number> {
  const timer = { isDue: false }
  setTimeout(() => (timer.isDue = true), 0)
  const turns = new HostTurns()
  let worked = 0
  for (; !timer.isDue && worked < most; worked++) await turns.spend(MIB)
  return worked
}

describe('HostTurns', () => {
  it('does not yield for little work', () => {
    const turns = new HostTurns()
    for (let i = 0; i < 60; i++) expect(turns.spend(1)).toBeUndefined()
    expect(new HostTurns().spend(MIB / 2)).toBeUndefined()
  })

  it.each([
    ['stands still', () => performance.now()],
    ['was set back', () => performance.now() - 1_000_000],
  ])('yields even if the clock %s', async (_, time) => {
    await new HostTurns().spend(64 * MIB)
    vi.spyOn(performance, 'now').mockReturnValue(time())
    expect(await workUntilTimer(100_000)).toBeLessThan(100_000)
  })

  it('never waits for a turn that was lost elsewhere', async () => {
    await new HostTurns().spend(64 * MIB)
    const never = (): void => undefined
    vi.stubGlobal('setImmediate', never)
    vi.stubGlobal(
      'MessageChannel',
      class {
        readonly port1 = { close: never }
        readonly port2 = { postMessage: never }
      },
    )
    const lost = new HostTurns().spend(64 * MIB)
    expect(lost).toBeInstanceOf(Promise)
    vi.unstubAllGlobals()
    await new HostTurns().spend(64 * MIB)
    expect(await workUntilTimer(100_000)).toBeLessThan(100_000)
  })
})

describe('nextTask', () => {
  it('ends the waits in the order in which they began, each in a task of its own', async () => {
    const seen: string[] = []
    const wait = async (name: string): Promise<void> => {
      await nextTask()
      seen.push(name)
      for (let i = 0; i < 10; i++) await Promise.resolve()
      seen.push(`promises after ${name}`)
    }
    await Promise.all(['a', 'b', 'c'].map(wait))
    expect(seen).toEqual(['a', 'b', 'c'].flatMap((name) => [name, `promises after ${name}`]))
    await wait('d')
    expect(seen.at(-1)).toBe('promises after d')
  })
})
