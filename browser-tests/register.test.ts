import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { rejection, soon } from '../node-tests/support/streams.ts'
import { registerHiveWorker } from '../src/service-worker.ts'
import { type MediaFrame, openMediaFrame } from './support/media-frame.ts'

const hiveUrl = inject('hiveUrl')
let frame: MediaFrame

beforeAll(async () => {
  frame = await openMediaFrame('register')
})

afterAll(() => frame.remove())

describe('registerHiveWorker', () => {
  it('resolves once the worker controls the page, whatever worker controlled it before', async () => {
    const alias = `${crypto.randomUUID()}/bee & honey.txt`
    const sink = new frame.combstream.HttpHive(hiveUrl).sink(alias, { type: 'text/plain' })
    await new Blob(['buzz']).stream().pipeTo(sink)
    const entry = await sink.entry
    for (const base of ['media/', 'other/', 'media/']) {
      const registered = frame.combstream.registerHiveWorker('service-worker.js', { hive: hiveUrl, base })
      const worker = await soon(registered, 'the service worker')
      expect(worker.base).toBe(new URL(`/media-page/register/${base}`, location.href).href)
      expect(await (await frame.window.fetch(worker.url(entry))).text()).toBe('buzz')
    }
  })

  it('reports a script that is missing or fails', async () => {
    for (const script of ['missing.js', 'service-worker.js?hive=twice']) {
      const hive = script === 'missing.js' ? hiveUrl : 'ftp://hive.test/'
      expect(await rejection(frame.combstream.registerHiveWorker(script, { hive }))).toMatchObject({
        message: expect.stringContaining(`${script.split('?')[0]} cannot be registered`) as string,
        cause: expect.anything() as unknown,
      })
    }
  })

  it('refuses a page that the worker cannot control', async () => {
    // This test is a page of the same origin, outside the folder of the worker.
    const script = '/media-page/register/service-worker.js'
    expect(await rejection(registerHiveWorker(script, { hive: hiveUrl }))).toMatchObject({
      name: 'TypeError',
      message: expect.stringContaining('is outside the scope') as string,
    })
  })

  it('rejects with the reason of its signal', async () => {
    const registered = frame.combstream.registerHiveWorker('service-worker.js', {
      hive: hiveUrl,
      base: 'aborted/',
      signal: AbortSignal.abort('stop'),
    })
    expect(await rejection(registered)).toBe('stop')
  })

  it('says that a worker of the page does not answer calls, which it needs to get a token', async () => {
    const window = frame.window as Window & { setInterval: unknown }
    const { setInterval } = window
    const ticks: (() => void)[] = []
    window.setInterval = (tick: () => void) => ticks.push(tick)
    try {
      const token = (): Promise<string> => Promise.resolve('secret')
      const options = { hive: hiveUrl, base: 'own/', token }
      const registered = rejection(frame.combstream.registerHiveWorker('gated-worker.js', options))
      await expect.poll(() => ticks.length).toBe(1)
      for (let i = 0; i < 3; i++) ticks[0]!()
      expect(await soon(registered, 'the failure')).toMatchObject({
        name: 'TypeError',
        message: expect.stringMatching(/gated-worker\.js.* does not answer calls/) as string,
      })
    } finally {
      window.setInterval = setInterval
    }
  })
})
