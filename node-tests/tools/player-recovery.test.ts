import { beforeAll, beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import type { Position } from '../../examples/player/position.js'
import type { Recovery } from '../../examples/player/recovery.js'
import type { EntryInfo, Hive } from '../../src/hive/hive.ts'

const ENTRY: EntryInfo = { alias: 'bee.mp4', size: 8, etag: '"1"', type: 'video/mp4', modified: new Date(0) }
const SECOND_MS = 1_000

/** Its modules look at the URL of their page as they are loaded. */
let PageRecovery: typeof Recovery

beforeAll(async () => {
  vi.stubGlobal('location', new URL('https://page.test/'))
  ;({ Recovery: PageRecovery } = await import('../../examples/player/recovery.js'))
  vi.unstubAllGlobals()
})

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
})

/** A video that plays at a second, and what the page does with it. */
class StandingVideo extends EventTarget {
  readonly did: string[] = []
  currentTime = 46
  paused = false
  readonly ended = false
  readonly error = null

  constructor() {
    super()
    const hive: Pick<Hive, 'stat'> = { stat: () => Promise.resolve(ENTRY) }
    const position: Pick<Position, 'at' | 'playing'> = { at: this.currentTime, playing: true }
    const recovery = new PageRecovery(this as unknown as HTMLVideoElement, position as Position, hive as Hive, {
      entry: () => ENTRY,
      reload: () => void this.did.push('reload'),
      goOnWith: () => void this.did.push('goOnWith'),
      wait: (words) => void this.did.push(`wait ${words}`),
      fail: (words) => void this.did.push(`fail ${words}`),
    })
    onTestFinished(() => recovery.stop())
  }

  pause(): void {
    this.paused = true
    this.did.push('pause')
  }

  play(): Promise<void> {
    this.paused = false
    this.did.push('play')
    return Promise.resolve()
  }

  /** Lets seconds pass, in each of which it receives something, or does not. */
  async stand(seconds: number, { receives }: { receives: boolean }): Promise<void> {
    for (let i = 0; i < seconds; i++) {
      await vi.advanceTimersByTimeAsync(SECOND_MS)
      if (receives) this.dispatchEvent(new Event('progress'))
    }
  }
}

it('starts a video that stands still again though the hive answers, and loads it again if that does not help', async () => {
  const video = new StandingVideo()
  await video.stand(5, { receives: false })
  expect(video.did).toEqual(['pause', 'play'])
  await video.stand(12, { receives: false })
  expect(video.did.at(-1)).toBe('reload')
})

it('leaves a video alone that stands still but receives bytes', async () => {
  const video = new StandingVideo()
  await video.stand(30, { receives: true })
  expect(video.did).toEqual([])
})
