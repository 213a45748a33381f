import type { AliveMessage, HoldAnswer, HoldMessage, NeedMessage } from './worker-messages.ts'

/** A media element that has less than this before it needs more. */
const AHEAD_S = 30
/** How often the page tells the worker that it still watches, which keeps the browser from ending the worker. */
const ALIVE_MS = 10_000
/** How often the page checks whether an element that should play moves. */
const LOOK_MS = 1_000
/** What changes whether an element needs more. */
const EVENTS = ['loadstart', 'emptied', 'play', 'playing', 'seeking', 'waiting', 'timeupdate', 'progress'] as const

/** Answers a worker that holds what a media element of this page has requested: says when the element needs more. */
export function answerHold(
  container: ServiceWorkerContainer,
  worker: MessageEventSource,
  { id, url }: HoldMessage,
): void {
  const send = (message: NeedMessage | AliveMessage): void => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker is not a window
    ;(worker as ServiceWorker).postMessage(message)
  }
  const answer = (text: HoldAnswer): void => send({ type: 'combstream:need', id, answer: text })
  // Weak, because an element that nobody has any more should stop loading.
  const watched = elementsOf(url).map((element) => new WeakRef(element))
  if (watched.length === 0) return answer('unknown')
  answer('watching')
  const ended = new AbortController()
  const { signal } = ended
  const check = (needs: (element: HTMLMediaElement) => boolean): void => {
    const elements = watched.map((each) => each.deref()).filter((each) => each !== undefined && isOf(each, url))
    if (elements.length > 0 && !elements.some((each) => needs(each!))) return
    answer(elements.length === 0 ? 'gone' : 'more')
    ended.abort()
  }
  const standsStill = stillness()
  const timers = [
    setInterval(() => {
      send({ type: 'combstream:alive', id })
      check(needsMore)
    }, ALIVE_MS),
    setInterval(() => check(standsStill), LOOK_MS),
  ]
  signal.addEventListener('abort', () => timers.forEach(clearInterval))
  for (const each of watched)
    for (const type of EVENTS) each.deref()?.addEventListener(type, () => check(needsMore), { signal })
  const onMessage = ({ data }: MessageEvent<{ type?: unknown; id?: unknown } | null>): void => {
    if (data?.type === 'combstream:lost' && data.id === id) ended.abort()
  }
  container.addEventListener('message', onMessage, { signal })
  check(needsMore)
}

function elementsOf(url: string): HTMLMediaElement[] {
  const elements = document.querySelectorAll<HTMLMediaElement>('video, audio')
  return Array.from(elements).filter((element) => isOf(element, url))
}

/** Whether an element plays this URL. */
function isOf({ currentSrc, networkState }: HTMLMediaElement, url: string): boolean {
  return networkState !== HTMLMediaElement.NETWORK_EMPTY && withoutFragment(currentSrc) === withoutFragment(url)
}

function withoutFragment(url: string): string {
  return url.split('#', 1)[0]!
}

function needsMore(element: HTMLMediaElement): boolean {
  const { readyState, seeking, paused, ended, preload, autoplay } = element
  if (readyState < HTMLMediaElement.HAVE_METADATA || seeking) return true
  // A page may wait for `canplaythrough` before it plays.
  const isLoading = (preload === 'auto' || autoplay) && readyState < HTMLMediaElement.HAVE_ENOUGH_DATA
  if (ended || (paused && !isLoading)) return false
  // In WebKit, `buffered` is an estimate.
  return readyState < HTMLMediaElement.HAVE_FUTURE_DATA || secondsAhead(element) < AHEAD_S
}

/**
 * Makes a function that returns whether an element should be playing, and has not moved since the last call: WebKit may say
 * that it has enough, and stand still.
 */
function stillness(): (element: HTMLMediaElement) => boolean {
  const positions = new WeakMap<HTMLMediaElement, number>()
  return (element) => {
    const { currentTime, paused, ended, playbackRate } = element
    const before = positions.get(element)
    positions.set(element, currentTime)
    return !paused && !ended && playbackRate !== 0 && currentTime === before
  }
}

function secondsAhead({ buffered, currentTime }: HTMLMediaElement): number {
  for (let i = 0; i < buffered.length; i++) {
    if (buffered.start(i) <= currentTime && currentTime <= buffered.end(i)) return buffered.end(i) - currentTime
  }
  return 0
}
