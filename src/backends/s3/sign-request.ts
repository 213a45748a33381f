import { toHex } from '../../bytes/byte-text.ts'
import { BackendError } from '../../errors.ts'
import { sha256 } from '../../bytes/sha256.ts'
import type { S3Credentials } from './credentials.ts'

/** A request to an object store. */
export interface S3Request {
  readonly method: 'GET' | 'PUT' | 'DELETE'
  readonly url: URL
  readonly body?: Uint8Array<ArrayBuffer> | undefined
  /** Header fields that are not signed: proxies may change them. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** Who signs, and for where. */
export interface Signer {
  readonly credentials: S3Credentials
  readonly region: string
}

/** Keys that serve for a day are kept: one of each may still be in use when the next day begins. */
const MOST_KEYS = 2

let derivedKeys: WeakMap<S3Credentials, Map<string, ArrayBuffer>> | undefined

/** The keys that the driver has derived from credentials, which takes longer than to sign with them. */
function keysOf(credentials: S3Credentials): Map<string, ArrayBuffer> {
  derivedKeys ??= new WeakMap()
  let keys = derivedKeys.get(credentials)
  if (!keys) derivedKeys.set(credentials, (keys = new Map()))
  if (keys.size > MOST_KEYS) keys.clear()
  return keys
}

/**
 * The header fields of a request, with its signature (AWS Signature Version 4). The signature covers the digest of the
 * body, so that an object store refuses a body that was changed on its way.
 *
 * @throws {BackendError} if the driver is not installed.
 */
export async function signRequest(
  { method, url, body, headers }: S3Request,
  { credentials, region }: Signer,
): Promise<Headers> {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials
  const { AwsV4Signer } = await loadDriver()
  const signer = new AwsV4Signer({
    method,
    url: url.href,
    headers: { 'X-Amz-Content-Sha256': toHex(await sha256(body ?? new Uint8Array(0))) },
    accessKeyId,
    secretAccessKey,
    ...(sessionToken !== undefined && { sessionToken }),
    service: 's3',
    region,
    cache: keysOf(credentials),
  })
  const signed = await signer.sign()
  for (const [name, value] of Object.entries(headers ?? {})) signed.headers.set(name, value)
  return signed.headers
}

/** Loads the driver when it is needed, so that everything else can be used without it. */
async function loadDriver(): Promise<typeof import('aws4fetch')> {
  try {
    return await import('aws4fetch')
  } catch (cause) {
    throw new BackendError('install the driver: npm install aws4fetch', { retryable: false, cause })
  }
}
