import { describeValue } from '../../bytes/describe-value.ts'
import { FormatError } from '../../errors.ts'
import { parseXml, childText, type XmlElement } from './parse-xml.ts'

/** A page of a list of objects. */
export interface Listing {
  readonly objects: readonly { readonly key: string; readonly size: number }[]
  /** Continues the list; undefined if this is its last page. */
  readonly nextToken: string | undefined
}

/**
 * Parses the answer to a ListObjectsV2 request (Amazon S3 API Reference, ListObjectsV2).
 *
 * @throws {FormatError} if it is not one.
 */
export function parseListing(text: string): Listing {
  const root = parseXml(text)
  if (root.name !== 'ListBucketResult') throw wrong(`the answer is ${describeValue(root.name)}`)
  const isTruncated = childText(root, 'IsTruncated')
  if (isTruncated !== 'true' && isTruncated !== 'false') throw wrong('it does not say whether there is more')
  const nextToken = isTruncated === 'true' ? childText(root, 'NextContinuationToken') : undefined
  if (isTruncated === 'true' && !nextToken) throw wrong('there is more, but no token for it')

  const encoding = childText(root, 'EncodingType')
  const contents = root.children.filter(({ name }) => name === 'Contents')
  return { objects: contents.map((element) => objectOf(element, encoding)), nextToken }
}

function objectOf(element: XmlElement, encoding: string | undefined): { key: string; size: number } {
  const key = childText(element, 'Key')
  const size = childText(element, 'Size') ?? ''
  if (key === undefined || !/^\d{1,15}$/.test(size)) throw wrong('an object has no key, or no size')
  return { key: encoding?.toLowerCase() === 'url' ? decoded(key) : key, size: Number(size) }
}

function decoded(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '))
  } catch (cause) {
    throw wrong('a key is not encoded as it should be', cause)
  }
}

function wrong(what: string, cause?: unknown): FormatError {
  return new FormatError(`not a list of objects: ${what}`, { reason: 'invalid', cause })
}
