// These tests set header fields that a page may not set, so they cannot run in a browser.
import { describe, expect, it } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { LocalHive } from '../../src/hive/local-hive.ts'
import { createHiveHandler, type HiveHandlerOptions } from '../../src/http.ts'
import { StreamStore } from '../../src/store/stream-store.ts'

const PAGE = 'https://page.test'

function open(options: HiveHandlerOptions = {}) {
  const handler = createHiveHandler(new LocalHive(new StreamStore(memoryBackend())), options)
  return (method: string, headers: Record<string, string> = {}, url = 'http://hive.test:8080/x'): Promise<Response> =>
    handler(new Request(url, { method, headers, ...(method === 'PUT' && { body: 'a' }) }))
}

describe('pages of other origins', () => {
  it('may neither write nor read through a browser unless they are allowed', async () => {
    const send = open()
    for (const method of ['PUT', 'DELETE', 'PATCH']) expect((await send(method, { Origin: PAGE })).status).toBe(403)
    expect((await send('PUT', { Origin: 'null' })).status).toBe(403)
    expect((await send('PUT', { Origin: 'http://hive.test' })).status).toBe(403)
    expect((await send('PUT', { Origin: 'http://hive.test:8080' })).status).toBe(201)
    expect((await send('PUT')).status).toBe(204)
    expect((await send('GET', { Origin: PAGE })).headers.get('access-control-allow-origin')).toBeNull()
  })

  it('may not make the server compute a signature, for example by an image, unless they are allowed', async () => {
    const url = 'http://hive.test:8080/x?signature'
    const send = open()
    await send('PUT')
    const image = { 'Sec-Fetch-Site': 'cross-site' }
    expect((await send('GET', image, url)).status).toBe(403)
    expect((await send('GET', { Origin: PAGE, ...image }, url)).status).toBe(403)
    expect((await send('GET', image, 'http://hive.test:8080/x?manifest')).status).toBe(403)
    for (const site of ['same-origin', 'same-site', 'none']) {
      expect((await send('GET', { 'Sec-Fetch-Site': site }, url)).status).toBe(200)
    }
    expect((await send('GET', image)).status).toBe(200)
    const named = open({ cors: [PAGE] })
    await named('PUT')
    expect((await named('GET', { Origin: PAGE, ...image }, url)).status).toBe(200)
  })

  for (const cors of [[PAGE], (origin: string) => origin === PAGE, '*'] as const) {
    it(`may do both when they are allowed by ${typeof cors === 'object' ? 'a list' : typeof cors}`, async () => {
      const send = open({ cors })
      const allowed = cors === '*' ? '*' : PAGE
      for (const method of ['PUT', 'GET', 'HEAD', 'DELETE', 'POST']) {
        const { headers } = await send(method, { Origin: PAGE })
        expect(headers.get('access-control-allow-origin'), method).toBe(allowed)
        expect(headers.get('access-control-expose-headers')).toContain('ETag')
        expect(headers.get('vary')).toBe(cors === '*' ? null : 'Origin')
      }
      const other = await send('PUT', { Origin: 'https://other.test' })
      expect(other.status).toBe(cors === '*' ? 201 : 403)
      expect(other.headers.get('access-control-allow-origin')).toBe(cors === '*' ? '*' : null)
    })
  }

  it('are not allowed by the promise of an async function', async () => {
    const send = open({ cors: (() => Promise.resolve(false)) as unknown as () => boolean })
    const { status, headers } = await send('PUT', { Origin: PAGE })
    expect(status).toBe(403)
    expect(headers.get('access-control-allow-origin')).toBeNull()
  })

  it('send preflights, which are answered', async () => {
    const send = open({ cors: [PAGE] })
    const asked = {
      'Access-Control-Request-Method': 'PUT',
      'Access-Control-Request-Headers': 'if-match,content-type',
    }
    const { status, headers } = await send('OPTIONS', { Origin: PAGE, ...asked })
    expect(status).toBe(204)
    expect(headers.get('access-control-allow-origin')).toBe(PAGE)
    expect(headers.get('access-control-allow-methods')).toContain('PUT')
    expect(headers.get('access-control-allow-headers')).toBe('if-match,content-type')
    const refused = await send('OPTIONS', { Origin: 'https://other.test', ...asked })
    expect(refused.headers.get('access-control-allow-methods')).toBeNull()
    expect(refused.headers.get('access-control-allow-origin')).toBeNull()
  })

  it('can read errors and challenges too', async () => {
    const send = open({
      cors: [PAGE],
      authorize: (request) => request.headers.has('authorization') || new Response(null, { status: 401 }),
    })
    const challenged = await send('GET', { Origin: PAGE })
    expect(challenged.status).toBe(401)
    expect(challenged.headers.get('access-control-allow-origin')).toBe(PAGE)
    const missing = await send('GET', { Origin: PAGE, Authorization: 'Bearer a' })
    expect(missing.status).toBe(404)
    expect(missing.headers.get('access-control-allow-origin')).toBe(PAGE)
  })
})

describe('hosts', () => {
  it('refuses requests for another host name', async () => {
    const send = open({ hosts: ['localhost:8080', 'hive.test:8080'] })
    expect((await send('PUT')).status).toBe(201)
    expect((await send('GET', {}, 'http://localhost:8080/x')).status).toBe(200)
    for (const url of ['http://rebound.test:8080/x', 'http://localhost/x', 'http://localhost:8081/x']) {
      for (const method of ['GET', 'PUT', 'OPTIONS']) expect((await send(method, {}, url)).status).toBe(421)
    }
  })
})
