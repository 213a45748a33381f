import { afterEach, describe, expect, it, vi } from 'vitest'
import { rejection } from '../node-tests/support/streams.ts'
import { KeptFiles } from '../src/service-worker/kept-files.ts'

/** The script of a page, which the browser tests serve. */
const PATH = '/media-page/kept/rsync-worker.js'
/** Far longer than a busy machine needs. */
const SILENCE_MS = 20_000
const cacheNames: string[] = []

afterEach(async () => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
  await Promise.all(cacheNames.splice(0).map((name) => caches.delete(name)))
})

function newFiles(): { files: KeptFiles; cache: Promise<Cache>; ask: (init?: RequestInit) => Promise<string> } {
  const name = `kept ${crypto.randomUUID()}`
  cacheNames.push(name)
  const files = new KeptFiles(name, [PATH, `${PATH}?v=2`], SILENCE_MS)
  const ask = async (init?: RequestInit): Promise<string> => {
    const response = await files.answer(new Request(PATH, init))!
    return `${response.status} ${await response.text()}`
  }
  return { files, cache: caches.open(name), ask }
}

/** Has the network give this answer. */
function answerWith(answer: (request: RequestInit & { url: string }) => Response | Promise<Response>): void {
  vi.stubGlobal('fetch', async ({ url }: Request, init: RequestInit) => answer({ ...init, url }))
}

/** A body in parts, before each of which the network is silent. */
function slowBody(signal: AbortSignal, silencesMs: number[]): ReadableStream<Uint8Array> {
  const source: UnderlyingDefaultSource<Uint8Array> = {
    start: (controller) => signal.addEventListener('abort', () => controller.error(signal.reason)),
    pull(controller) {
      const silenceMs = silencesMs.shift()
      if (silenceMs === undefined) return controller.close()
      vi.advanceTimersByTime(silenceMs)
      if (!signal.aborted) controller.enqueue(new TextEncoder().encode('slow '))
    },
  }
  return new ReadableStream(source, { highWaterMark: 0 })
}

describe('KeptFiles', () => {
  it('answers with what the server has, keeps it, and answers with that without a network', async () => {
    const { ask } = newFiles()
    for (const text of ['one', 'two']) {
      answerWith(() => new Response(text))
      expect(await ask()).toBe(`200 ${text}`)
    }
    answerWith(() => Promise.reject(new TypeError('no network')))
    expect(await ask()).toBe('200 two')
    answerWith(() => new Response('overloaded', { status: 503 }))
    expect(await ask()).toBe('200 two')
    answerWith(() => new Response('gone', { status: 404 }))
    expect(await ask()).toBe('404 gone')
  })

  it('takes a query for another file, but opens a page with any query', async () => {
    const { files } = newFiles()
    const ask = async (search: string, mode?: RequestMode): Promise<string | undefined> => {
      const request = new Request(PATH + search)
      // Only a browser can make such a request.
      if (mode) Object.defineProperty(request, 'mode', { value: mode })
      return (await files.answer(request))?.text()
    }
    answerWith(({ url }) => new Response(`from ${new URL(url).search}`))
    expect([await ask(''), await ask('?v=2'), await ask('?other', 'navigate')]).toEqual([
      'from ',
      'from ?v=2',
      'from ?other',
    ])
    expect(await ask('?other')).toBeUndefined()
    answerWith(() => Promise.reject(new TypeError('no network')))
    expect([await ask(''), await ask('?v=2'), await ask('?other', 'navigate')]).toEqual(['from ', 'from ?v=2', 'from '])
  })

  it('fails as the network does if it has kept nothing', async () => {
    const { ask } = newFiles()
    answerWith(() => Promise.reject(new TypeError('no network')))
    expect(await rejection(ask())).toMatchObject({ message: 'no network' })
  })

  it('answers with what the server has when it cannot be kept', async () => {
    const { ask } = newFiles()
    answerWith(() => new Response('old'))
    await ask()
    // A cache refuses such an answer, as it does when there is no space.
    answerWith(() => new Response('new', { headers: { Vary: '*' } }))
    expect(await ask()).toBe('200 new')
    answerWith(() => new Response('ne', { status: 206 }))
    expect(await ask({ headers: { Range: 'bytes=0-1' } })).toBe('206 ne')
    answerWith(() => Promise.reject(new TypeError('no network')))
    expect(await ask()).toBe('200 old')
  })

  it('waits for a slow network, but not for a silent one', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { ask } = newFiles()
    const lessMs = SILENCE_MS - 1
    answerWith(({ signal }) => new Response(slowBody(signal!, [lessMs, lessMs, lessMs])))
    expect(await ask()).toBe('200 slow slow slow ')
    answerWith(({ signal }) => new Response(slowBody(signal!, [0, SILENCE_MS])))
    expect(await ask()).toBe('200 slow slow slow ')
    answerWith(({ signal }) => {
      vi.advanceTimersByTime(SILENCE_MS)
      return Promise.reject(signal!.reason as Error)
    })
    expect(await ask()).toBe('200 slow slow slow ')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('keeps the answer to a redirected request as one that opens a page', async () => {
    const { files, cache } = newFiles()
    const redirected = await fetch(PATH.replace('/rsync', '/moved-rsync'))
    expect(redirected.redirected).toBe(true)
    await (await cache).put(PATH, redirected)
    answerWith(() => Promise.reject(new TypeError('no network')))
    const response = await files.answer(new Request(PATH))!
    expect([response.redirected, response.headers.get('content-type')]).toEqual([false, 'text/javascript'])
  })
})
