import { afterEach, expect, it, vi } from 'vitest'
import { download } from '../../examples/player/download.js'
import { rejection } from '../support/streams.ts'

afterEach(() => void vi.unstubAllGlobals())

it('the example player does not save a download whose body ends too early', async () => {
  vi.stubGlobal('fetch', () => Promise.resolve(new Response('half')))
  const entry = { alias: 'bee.mp4', size: 8, etag: '"1"', type: 'video/mp4', modified: new Date(0) }
  const progress: number[] = []
  const options = { signal: new AbortController().signal, onProgress: (share: number) => void progress.push(share) }
  // Saving would fail here, where there is no document.
  expect(await rejection(download('https://page.test/media/bee.mp4', entry, options))).toMatchObject({
    name: 'BackendError',
    message: 'bee.mp4 could not be fetched to its end',
  })
  expect(progress).toEqual([0.5])
})
