import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { nextTask } from '../../src/bytes/promises.ts'
import { authorizedFetch, PageIdentities, type WorkerClient } from '../../src/service-worker/page-identities.ts'
import { rejection, soon } from '../support/streams.ts'

/** How long pages have to answer. The time passes when one says nothing, however long the others take. */
const ANSWER_MS = 50

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

/** Pages that answer with these, one after the other; a page without answers says nothing, and so does one whose answer is undefined, until the time is over. */
function pages(answers: Record<string, unknown[]>): {
  clients: ConstructorParameters<typeof PageIdentities>[0]
  asked: string[]
} {
  const asked: string[] = []
  const clientOf = (id: string): WorkerClient => ({
    id,
    type: id.startsWith('worker') ? 'worker' : 'window',
    postMessage(message, [port] = []) {
      expect(message).toEqual({ type: 'combstream:identity' })
      asked.push(id)
      if (answers[id]!.length === 0) return
      const answer = answers[id]!.shift()
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port is not a window
      if (answer !== undefined) (port as MessagePort).postMessage(answer)
      else void nextTask().then(() => vi.advanceTimersByTime(ANSWER_MS))
    },
  })
  const clients = {
    get: (id: string) => Promise.resolve(id in answers ? clientOf(id) : undefined),
    matchAll: () =>
      Promise.resolve(
        Object.keys(answers)
          .map(clientOf)
          .filter(({ type }) => type === 'window'),
      ),
  }
  return { clients, asked }
}

const ANSWER = { token: 'one', principal: 'alice' }

describe('PageIdentities', () => {
  it('asks each page once, and all pages if the request comes from none', async () => {
    const { clients, asked } = pages({ a: [ANSWER, undefined], b: [{}, { principal: 'bob' }] })
    const identities = new PageIdentities(clients)
    const both = [identities.of('a'), identities.of('a')]
    expect(await soon(Promise.all(both), 'the identities')).toEqual([ANSWER, ANSWER])
    expect(await soon(identities.of('b'), 'the identity')).toEqual({ token: undefined, principal: '' })
    expect(asked).toEqual(['a', 'b'])
    const ofNone = identities.of('')
    // A page that the browser has suspended does not answer.
    void nextTask()
      .then(nextTask)
      .then(() => vi.advanceTimersByTime(1_000))
    expect(await soon(ofNone, 'the identity')).toEqual({ token: undefined, principal: 'bob' })
    expect(asked).toEqual(['a', 'b', 'a', 'b'])
  })

  it('asks the pages for a worker, which cannot answer, and refuses at once if none can, or their users differ', async () => {
    const bob = { token: 'two', principal: 'bob' }
    const { clients, asked } = pages({ a: [ANSWER, ANSWER], b: [{ ...ANSWER, token: 'two' }, bob], worker: [] })
    const identities = new PageIdentities(clients)
    expect(await soon(identities.of('worker'), 'the identity')).toMatchObject({ principal: 'alice' })
    expect(asked).toEqual(['a', 'b'])
    identities.forgetAll()
    expect(await rejection(identities.of('worker'))).toMatchObject({
      name: 'AccessError',
      message: 'pages of different users are open',
    })
    const alone = new PageIdentities(pages({ worker: [] }).clients)
    expect(await rejection(alone.of('worker'))).toMatchObject({
      name: 'AccessError',
      message: expect.stringContaining('no page is open') as string,
    })
  })

  it('fails with an AccessError if no page answers, or with no token, and asks again the next time', async () => {
    const wrong = [
      { token: '' },
      { token: 'a\r\nb' },
      { token: 5 },
      { principal: 5 },
      { token: 'x'.repeat(20_000) },
      'text',
    ]
    const { clients, asked } = pages({ a: [{ error: 'signed out' }, ...wrong, undefined, ANSWER] })
    const identities = new PageIdentities(clients, { answerMs: ANSWER_MS })
    expect(await rejection(identities.of('a'))).toMatchObject({
      name: 'AccessError',
      message: expect.stringContaining('signed out') as string,
    })
    for (const _ of [...wrong, undefined])
      expect(await rejection(identities.of('a'))).toMatchObject({ name: 'AccessError' })
    expect(await identities.of('a')).toEqual(ANSWER)
    expect(asked.length).toBe(wrong.length + 3)
  })

  it('takes a token without a principal only if nothing is kept, since another user may read what is', async () => {
    for (const needsPrincipal of [true, false]) {
      const { clients } = pages({ a: [{ token: 'one' }], b: [{}], c: [ANSWER] })
      const identities = new PageIdentities(clients, { needsPrincipal })
      if (needsPrincipal) expect(await rejection(identities.of('a'))).toMatchObject({ name: 'AccessError' })
      else expect(await identities.of('a')).toEqual({ token: 'one', principal: '' })
      expect(await identities.of('b')).toEqual({ token: undefined, principal: '' })
      expect(await identities.of('c')).toEqual(ANSWER)
    }
  })
})

describe('authorizedFetch', () => {
  function start(answers: unknown[]) {
    const { clients, asked } = pages({ a: answers })
    const sent: (string | null)[] = []
    const send = (_url: string, { headers }: RequestInit): Promise<Response> => {
      const token = new Headers(headers).get('authorization')
      sent.push(token)
      return Promise.resolve(new Response(null, { status: token === 'Bearer good' ? 200 : 401 }))
    }
    const call = authorizedFetch(new PageIdentities(clients, { answerMs: ANSWER_MS }), 'a', 'alice', send)
    return { asked, sent, call: async () => (await soon(call('https://hive.test/', {}), 'the answer')).status }
  }

  it('is refused with whatever text the page gives as a reason', async () => {
    for (const error of ['signed out', 'a\r\nb', '\0', 'вышел', '\ud800']) {
      expect(await start([{ error }]).call()).toBe(403)
    }
  })

  it('asks anew once if the token is refused, for all requests at the time', async () => {
    const { asked, sent, call } = start([
      { ...ANSWER, token: 'old' },
      { ...ANSWER, token: 'good' },
    ])
    expect(await Promise.all([call(), call(), call()])).toEqual([200, 200, 200])
    expect(asked.length).toBe(2)
    expect(await call()).toBe(200)
    expect(sent.filter((token) => token === 'Bearer old').length).toBe(3)
  })

  it('gives up if the page has no other token', async () => {
    const { asked, call } = start([ANSWER, ANSWER])
    expect(await call()).toBe(401)
    expect(asked.length).toBe(2)
  })

  it('never sends the token of another user, or none, when the page does not answer', async () => {
    for (const next of [{ token: 'good', principal: 'bob' }, undefined]) {
      const { sent, call } = start([ANSWER, next])
      expect(await call()).toBe(403)
      expect(sent).toEqual(['Bearer one'])
    }
  })
})
