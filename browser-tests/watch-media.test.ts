import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { answerHold } from '../src/service-worker/watch-media.ts'

const SECOND_MS = 1_000
const url = new URL('/hive/bee.mp4', location.href).href

const elements: HTMLVideoElement[] = []

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }))
afterEach(() => {
  vi.useRealTimers()
  for (const element of elements.splice(0)) element.remove()
})

/** A `<video>` that says of itself what it is told to: that it plays, and that it has enough for a minute. */
function videoThatSays(): { element: HTMLVideoElement; state: Record<string, unknown> } {
  const element = document.createElement('video')
  const state: Record<string, unknown> = {
    buffered: { length: 1, start: () => 0, end: () => 60 },
    currentSrc: url,
    currentTime: 20,
    ended: false,
    networkState: HTMLMediaElement.NETWORK_LOADING,
    paused: false,
    readyState: HTMLMediaElement.HAVE_ENOUGH_DATA,
    seeking: false,
  }
  for (const name of Object.keys(state)) Object.defineProperty(element, name, { get: () => state[name] })
  document.body.append(element)
  elements.push(element)
  return { element, state }
}

/** Has this page answer a worker that holds what the elements of this page have requested. */
function hold(): { answers: unknown[]; container: EventTarget } {
  const answers: unknown[] = []
  const container = new EventTarget()
  const postMessage = ({ type, answer }: { type: string; answer?: string }): unknown => answers.push(answer ?? type)
  const worker = { postMessage } as unknown as ServiceWorker
  answerHold(container as ServiceWorkerContainer, worker, { type: 'combstream:hold', id: 'a', url })
  return { answers, container }
}

// WebKit takes a gap in the media of a file for buffered and enough, and does not say that it waits.
it('a video that should play and stands still needs more, although it says that it has enough', () => {
  const { state } = videoThatSays()
  const { answers } = hold()
  for (let second = 0; second < 5; second++) {
    state['currentTime'] = 20 + second
    vi.advanceTimersByTime(SECOND_MS)
  }
  expect(answers).toEqual(['watching'])
  vi.advanceTimersByTime(SECOND_MS)
  expect(answers).toEqual(['watching', 'more'])
  vi.advanceTimersByTime(60 * SECOND_MS)
  expect(answers).toEqual(['watching', 'more'])
})

it.each([
  ['is paused', { paused: true }],
  ['has ended', { ended: true }],
  ['plays at no speed', { playbackRate: 0 }],
])('a video that stands still because it %s needs no more', (_, says) => {
  const { element, state } = videoThatSays()
  if ('playbackRate' in says) element.playbackRate = says.playbackRate
  Object.assign(state, says)
  const { answers, container } = hold()
  vi.advanceTimersByTime(21 * SECOND_MS)
  // What keeps the worker alive.
  expect(answers).toEqual(['watching', 'combstream:alive', 'combstream:alive'])
  container.dispatchEvent(new MessageEvent('message', { data: { type: 'combstream:lost', id: 'a' } }))
  vi.advanceTimersByTime(60 * SECOND_MS)
  expect(answers).toHaveLength(3)
})
