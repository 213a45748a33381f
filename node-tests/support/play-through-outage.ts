import { type EngineName, type EnginePage, openEnginePage } from './engine-page.ts'
import { OutageProxy } from './outage-proxy.ts'
import { untilInPage } from './until-in-page.ts'

/** What {@linkcode playThroughOutage} is to do. */
export interface OutageOptions {
  /** Root of the example server. */
  readonly server: string
  /** Whether connections break off, or stay without a byte. */
  readonly kind: 'refused' | 'silent'
  /** Whether the service worker is ended while it feeds the video. */
  readonly endsWorker: boolean
  /** How long the server stays away after the page has said that it waits. */
  stayAway(): Promise<void>
}

/** What came of an outage. */
export interface OutageOutcome {
  /** What the page said while the server was away. */
  readonly notice: string
  /** Where the video was when the server came back, in seconds. */
  readonly leftAt: number
  /** The first position at which it played again, in seconds. */
  readonly resumedAt: number
  /** Milliseconds from the return of the server until the video had played on for a moment. */
  readonly resumedAfterMs: number
}

/** Of the clip: some ten seconds of it. What has not come before the outage must come after it. */
const HELD_FROM_BYTES = 300_000

/** Plays a clip in the example page, takes the server away in the middle of it, and brings it back. */
export async function playThroughOutage(engine: EngineName, options: OutageOptions): Promise<OutageOutcome> {
  const proxy = new OutageProxy(options.server)
  await proxy.listen()
  proxy.hold('/hive/comb.mp4', HELD_FROM_BYTES)
  let page: EnginePage | undefined
  try {
    page = await openEnginePage(engine, proxy.url)
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
  await page.click('#entries tr:first-child button')
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

  /** Stands for what {@linkcode recordPositions} puts into the page. */
  function positionsNow(): number[] {
    throw new Error('only in the page')
  }
}

/** Makes the page remember where the video plays: WebKit forgets it when the video fails. */
function recordPositions(): void {
  const video = document.querySelector('video')!
  // It may fail before it tells again where it is.
  let positions = [video.currentTime]
  video.addEventListener('timeupdate', () => {
    const { error, paused, seeking, readyState, currentTime } = video
    if (!paused && !seeking && readyState > 1 && (!error || currentTime > 0)) positions.push(currentTime)
  })
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
