import { AwsClient, AwsV4Signer } from 'aws4fetch'
import { beforeAll, describe, expect, it } from 'vitest'
import { openUrl } from '../../src/http.ts'
import { newPrefix, objectGateway } from '../support/object-gateway.ts'
import type { ObjectGateway } from '../support/start-ceph.ts'
import { randomBytes, rejection } from '../support/streams.ts'

const SIZE = 300_000
const BYTES = randomBytes(SIZE)
const OTHER = randomBytes(SIZE, 2)
const OPTIONS = { bufferSize: 65_536 }

let gateway: ObjectGateway
beforeAll(async () => {
  gateway = await objectGateway()
})

function keysOf({ credentials }: ObjectGateway): { accessKeyId: string; secretAccessKey: string } {
  const { accessKeyId, secretAccessKey } = credentials
  return { accessKeyId, secretAccessKey }
}

/** An object, and who may write it. */
class StoredObject {
  readonly url: string
  readonly #signer = { ...keysOf(gateway), service: 's3', region: 'us-east-1' }

  constructor() {
    this.url = `${gateway.endpoint}/${gateway.bucket}/${newPrefix()}/bunny.mp4`
  }

  async put(bytes: Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}): Promise<void> {
    const response = await new AwsClient(this.#signer).fetch(this.url, { method: 'PUT', body: bytes, headers })
    if (!response.ok) throw new Error(`PUT: ${response.status} ${await response.text()}`)
  }

  /** A URL with which everybody may read it, with GET only, until it expires. */
  async signedUrl(expiresSeconds = 300, at = new Date()): Promise<string> {
    const url = new URL(this.url)
    url.searchParams.set('X-Amz-Expires', String(expiresSeconds))
    const datetime = at.toISOString().replaceAll(/[:-]|\.\d{3}/g, '')
    const signer = new AwsV4Signer({ ...this.#signer, url: url.href, method: 'GET', signQuery: true, datetime })
    return (await signer.sign()).url.href
  }
}

describe('openUrl of an object in Ceph, by a signed URL', () => {
  it.each(['compare', 'if-match'] as const)(
    'reads, seeks, and notices an update, with validate: %s',
    async (validate) => {
      const object = new StoredObject()
      await object.put(BYTES, { 'Content-Type': 'video/mp4' })
      const url = await object.signedUrl()
      // It is signed for GET alone.
      expect((await fetch(url, { method: 'HEAD' })).status).toBe(403)
      const entry = await openUrl(url, { ...OPTIONS, validate })
      expect(entry).toMatchObject({ alias: object.url, size: SIZE, type: 'video/mp4' })
      expect(await entry.bytes()).toEqual(BYTES)
      const reader = entry.reader()
      reader.seek(200_000)
      expect(await reader.read()).toEqual(BYTES.slice(200_000, 265_536))
      await object.put(OTHER)
      expect(await rejection(reader.read())).toMatchObject({
        name: 'ConflictError',
        alias: object.url,
        expectedEtag: entry.etag,
        offset: 265_536,
      })
      expect(await (await entry.reopen()).bytes()).toEqual(OTHER)
    },
  )

  it('reads an empty object', async () => {
    const object = new StoredObject()
    await object.put(new Uint8Array(0))
    const entry = await openUrl(await object.signedUrl())
    expect([entry.size, await entry.text()]).toEqual([0, ''])
    await object.put(OTHER)
    expect(await rejection(entry.bytes())).toMatchObject({ name: 'ConflictError' })
  })

  it('says so when the signature has expired, and when the object does not exist', async () => {
    const object = new StoredObject()
    await object.put(BYTES)
    const expired = await object.signedUrl(1, new Date(Date.now() - 60_000))
    expect(await rejection(openUrl(expired))).toMatchObject({ name: 'AccessError', status: 403 })
    const missing = await new StoredObject().signedUrl()
    expect(await rejection(openUrl(missing))).toMatchObject({ name: 'NotFoundError', status: 404 })
  })
})

describe('openUrl of a public object in Ceph', () => {
  it('reads it, but not if it was stored compressed, since ranges are those of the compressed bytes', async () => {
    const object = new StoredObject()
    await object.put(BYTES, { 'x-amz-acl': 'public-read' })
    expect(await (await openUrl(object.url, OPTIONS)).bytes()).toEqual(BYTES)
    await object.put(BYTES, { 'x-amz-acl': 'public-read', 'Content-Encoding': 'gzip' })
    expect(await rejection(openUrl(object.url))).toMatchObject({ name: 'FormatError', reason: 'unsupported' })
  })
})
