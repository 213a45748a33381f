import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { collect } from '../../src/bytes/collect.ts'
import { mediaTypeOf } from '../../src/cli/media-type-of.ts'
import { withTextCharset } from '../../src/cli/text-charset.ts'
import { comb, startComb, temporaryDirectory } from '../support/comb.ts'
import { chunked, randomBytes, rejection, soon } from '../support/streams.ts'

/** Names of the properties that every object inherits. */
const OBJECT_NAMES = Object.getOwnPropertyNames(Object.prototype)

describe('mediaTypeOf', () => {
  test('returns the types that players, browsers and systems use', () => {
    const types = {
      'video/matroska': ['a.mkv', 'A.MKV', './x.y/b.mkv'],
      'audio/matroska': ['a.mka'],
      'video/mp4': ['a.m4v', 'a.mp4', 'a.f4v'],
      'audio/mp4': ['a.m4a', 'a.m4b'],
      'audio/flac': ['a.flac'],
      'audio/ogg': ['a.opus', 'a.oga'],
      'video/x-msvideo': ['a.avi'],
      'video/x-ms-wmv': ['a.wmv'],
      'audio/aiff': ['a.aif', 'a.aiff'],
      'application/vnd.apple.mpegurl': ['a.m3u8'],
      'application/dash+xml': ['a.mpd'],
      'video/mp2t': ['a.ts'],
      'application/wasm': ['a.wasm'],
      'application/zstd': ['a.tar.zst'],
      'text/vtt': ['a.vtt'],
    }
    const found = Object.values(types).map((names) => names.map(mediaTypeOf))
    expect(found).toEqual(Object.entries(types).map(([type, names]) => names.map(() => type)))
  })

  test('finds no extension in a name without a dot, or whose only dot is its first character', () => {
    for (const name of ['mp4', 'video/mp4', 'a.b/mp4', '.mp4', 'a/.mp4', 'mp4.', '', '.', 'x.unknown']) {
      expect([name, mediaTypeOf(name)]).toEqual([name, undefined])
    }
  })

  test('returns no type for the names of the properties of every object', () => {
    expect(OBJECT_NAMES).toContain('constructor')
    for (const name of OBJECT_NAMES) {
      expect([name, mediaTypeOf(name), mediaTypeOf(`x.${name}`)]).toEqual([name, undefined, undefined])
    }
  })
})

test('`comb put` stores an entry or a file that is named like a property of every object', async () => {
  const cwd = temporaryDirectory()
  writeFileSync(join(cwd, 'x.constructor'), 'bytes')
  for (const args of [
    ['constructor', 'x.constructor'],
    ['a.toString', 'x.constructor'],
    ['__proto__', '-'],
  ]) {
    expect(await comb(['put', 'hive', ...args], { cwd })).toMatchObject({ code: 0, stderr: '' })
    const { stdout } = await comb(['stat', 'hive', args[0]!, '--json'], { cwd })
    expect(JSON.parse(stdout.toString())).toMatchObject({ alias: args[0], type: 'application/octet-stream' })
  }
})

describe('withTextCharset', () => {
  const { signal } = new AbortController()
  const LIMIT = 64 * 1024
  const typeOf = async (bytes: Uint8Array, chunkSize: number, type = 'text/plain'): Promise<string> => {
    const typed = await withTextCharset({ type, stream: chunked(bytes, chunkSize) }, signal)
    expect(Buffer.from(await collect(typed.stream)).equals(bytes)).toBe(true)
    return typed.type
  }
  const filled = (...end: number[]): Uint8Array => {
    const bytes = new Uint8Array(LIMIT + 100).fill(0x61)
    bytes.set(end, LIMIT - 2)
    return bytes
  }

  test('adds the charset to UTF-8 text in chunks of any size, and passes all of it on', async () => {
    for (const text of ['', 'honey', '\ufeffhoney', 'Bienenkönigin 🐝 蜂蜜']) {
      const bytes = new TextEncoder().encode(text)
      for (const size of [1, 2, 3, Infinity]) {
        expect([text, await typeOf(bytes, size)]).toEqual([text, 'text/plain; charset=utf-8'])
      }
    }
    expect(await typeOf(new TextEncoder().encode('let x'), 1, 'text/javascript')).toBe('text/javascript; charset=utf-8')
  })

  test('adds nothing for other encodings, or for other types than text', async () => {
    const latin = Uint8Array.of(0x68, 0xf6, 0x6e)
    const cut = new TextEncoder().encode('蜂').subarray(0, 2)
    const utf16 = new Uint8Array(Uint16Array.from('honey', (letter) => letter.charCodeAt(0)).buffer)
    for (const bytes of [latin, cut, utf16, randomBytes(70_000)]) {
      for (const size of [3, 1000, Infinity]) expect(await typeOf(bytes, size)).toBe('text/plain')
    }
    for (const type of ['application/json', 'image/svg+xml', 'video/mp4']) {
      const stream = chunked(new TextEncoder().encode('{}'), 1)
      expect(await withTextCharset({ type, stream }, signal)).toEqual({ type, stream })
    }
  })

  test('inspects 64 KiB, which may end within a character', async () => {
    // The limit falls inside a character whose third byte lies beyond it. The invalid byte comes even later.
    for (const size of [1000, LIMIT, Infinity]) {
      expect(await typeOf(filled(0xe8, 0x9c, 0x82, 0x61, 0xff), size)).toBe('text/plain; charset=utf-8')
      expect(await typeOf(filled(0x61, 0xff), size)).toBe('text/plain')
    }
  })

  test('cancels the stream that it waits for when the signal aborts', async () => {
    const controller = new AbortController()
    let cancelled: unknown
    const stream = new ReadableStream<Uint8Array>({
      cancel(reason) {
        cancelled = reason
      },
    })
    const typed = withTextCharset({ type: 'text/plain', stream }, controller.signal)
    controller.abort('enough')
    expect(await rejection(typed)).toBe('enough')
    expect(cancelled).toBe('enough')
  })
})

test('`comb put` adds the charset only to a type that it chose itself', async () => {
  const cwd = temporaryDirectory()
  writeFileSync(join(cwd, 'page.html'), '<p>蜂蜜')
  writeFileSync(join(cwd, 'latin.html'), Uint8Array.of(0x3c, 0x70, 0x3e, 0xf6))
  const typeOf = async (args: readonly string[], input = ''): Promise<unknown> => {
    expect(await comb(['put', 'hive', ...args], { cwd, input })).toMatchObject({ code: 0, stderr: '' })
    const { stdout } = await comb(['stat', 'hive', args[0]!, '--json'], { cwd })
    return (JSON.parse(stdout.toString()) as { type: string }).type
  }
  expect(await typeOf(['x', 'page.html'])).toBe('text/html; charset=utf-8')
  expect((await comb(['get', 'hive', 'x'], { cwd })).stdout.toString()).toBe('<p>蜂蜜')
  expect(await typeOf(['x', 'latin.html'])).toBe('text/html')
  expect(await typeOf(['x', 'page.html', '--type', 'text/html'])).toBe('text/html')
  expect(await typeOf(['notes.txt', '-'], 'Bienenkönigin')).toBe('text/plain; charset=utf-8')
})

test('SIGINT ends `comb put` while it waits for the first bytes of text', async () => {
  const cwd = temporaryDirectory()
  const { child, result } = startComb(['put', 'hive', 'notes.txt', '-'], { cwd })
  child.stdout.resume()
  child.stdin.write('line\n')
  await expect.poll(() => readdirSync(cwd)).toEqual(['hive'])
  child.kill('SIGINT')
  expect(await soon(result, 'the end of the process')).toMatchObject({ code: 130, signal: null, stderr: '' })
  expect((await comb(['ls', 'hive'], { cwd })).stdout.toString()).toBe('')
})
