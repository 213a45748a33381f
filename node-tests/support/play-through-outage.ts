import { type Engine, type EngineName, type EnginePage, openEnginePage } from './engine-page.ts'
import { OutageProxy } from './outage-proxy.ts'
import { clickUntil, untilInPage } from './until-in-page.ts'

/** Options of {@linkcode playThroughOutage}. */
export interface OutageOptions {
  /** Root URL of the example server. */
  readonly server: string
  /** Whether connections break off, or stay open without a byte. */
  readonly kind: 'refused' | 'silent'
  /** Whether the service worker is ended while it feeds the video. */
  readonly endsWorker: boolean
  /** A browser to open the page in. @default a new one */
  readonly browser?: Engine | undefined
  /** Resolves when the server may come back, after the page has said that it waits. */
  stayAway(): Promise<void>
}

/** The result of an outage. */
export interface OutageOutcome {
  /** What the page said while the server was away. */
  readonly notice: string
  /** Where the video was when the server came back, in seconds. */
  readonly leftAt: number
  /** The first position at which it played again, in seconds: if it was loaded again, once the page had moved it. */
  readonly resumedAt: number
  /** Milliseconds from the return of the server until the video had continued for a moment. */
  readonly resumedAfterMs: number
}

/** Number of bytes of the clip before the outage: some ten seconds of it. The rest must arrive after the outage. */
const HELD_FROM_BYTES = 150_000

/** Plays a clip in the example page, takes the server away in the middle of the clip, and brings it back. */
export async function playThroughOutage(engine: EngineName, options: OutageOptions): Promise<OutageOutcome> {
  const proxy = new OutageProxy(options.server)
  await proxy.listen()
  proxy.hold('/hive/comb.mp4', HELD_FROM_BYTES)
  let page: EnginePage | undefined
  try {
    page = await openEnginePage(engine, proxy.url, options.browser)
    return await throughOutage(page, proxy, options)
  } finally {
    await page?.close()
    await proxy.close()
  }
}

async function throughOutage(
  page: EnginePage,
  proxy: OutageProxy,
  { kind, endsWorker, stayAway }: OutageOptions,
): Promise<OutageOutcome> {
  await untilInPage(page, 'the video to load', () =>
    document.querySelector('video')?.currentSrc.includes('/media/comb.mp4'),
  )
  const first = '#entries tr:first-child button'
  await clickUntil(page, first, 'the video to start', () => !document.querySelector('video')!.paused)
  await untilInPage(page, 'the video to play', () => document.querySelector('video')!.currentTime > 1)
  await page.evaluate(recordPositions)
  if (endsWorker) await page.endWorker()
  if (kind === 'silent') proxy.goSilent()
  else await proxy.goAway()
  await untilInPage(page, 'the page to wait for the hive', () =>
    document.getElementById('notice')!.textContent.includes('once the hive answers'),
  )
  await stayAway()
  const { notice, leftAt } = await page.evaluate(markReturn)
  const begin = performance.now()
  await proxy.comeBack()
  await untilInPage(
    page,
    'the video to go on',
    (at: number) => positionsNow().some((position) => position > at + 0.3),
    leftAt,
  )
  const resumedAfterMs = performance.now() - begin
  const resumedAt = await page.evaluate(() => Math.min(...positionsNow()))
  return { notice, leftAt, resumedAt, resumedAfterMs }

  /** Declares the function that {@linkcode recordPositions} adds to the page. */
  function positionsNow(): number[] {
    throw new Error('only in the page')
  }
}

/** Makes the page record the positions of the video, because WebKit forgets the position when the video fails. */
function recordPositions(): void {
  const video = document.querySelector('video')!
  // The video may fail before its next `timeupdate`.
  let positions = [video.currentTime]
  // A video that is loaded again begins at 0, and WebKit may play a moment of that before it tells the page of the metadata.
  let isInPlace = true
  video.addEventListener('emptied', () => (isInPlace = false))
  video.addEventListener('seeked', () => (isInPlace = true))
  const record = (): void => {
    const { paused, seeking, readyState, currentTime } = video
    // It is 0 after an error in WebKit.
    if (isInPlace && !paused && !seeking && readyState > 1 && currentTime > 0) positions.push(currentTime)
  }
  // On a busy machine, `timeupdate` comes seconds after the video has begun to move.
  for (const event of ['timeupdate', 'playing', 'seeked']) video.addEventListener(event, record)
  setInterval(record, 50)
  Object.assign(globalThis, {
    positionsNow: () => positions,
    forgetPositions: () => (positions = []),
  })
}

function markReturn(): { notice: string; leftAt: number } {
  const page = globalThis as unknown as { positionsNow(): number[]; forgetPositions(): void }
  const leftAt = Math.max(...page.positionsNow())
  page.forgetPositions()
  return { notice: document.getElementById('notice')!.textContent, leftAt }
}
