import { BackendError, FormatError, QuotaExceededError } from '../../errors.ts'
import { parseXml, childText } from './parse-xml.ts'

const MAX_MESSAGE_CHARACTERS = 300
const MAX_CODE_CHARACTERS = 100

/** Codes with which object stores say that they are overloaded or were interrupted, and have done nothing. */
const PASSING = new Set([
  'BadDigest',
  'BandwidthLimitExceeded',
  'ConditionalRequestConflict',
  'IncompleteBody',
  'OperationAborted',
  'RequestLimitExceeded',
  'RequestTimeout',
  'ServiceUnavailable',
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'TooManyRequests',
  'XAmzContentSHA256Mismatch',
])
const PASSING_STATUSES = new Set([408, 425, 429])

/** Codes with which object stores refuse credentials that have ended. */
const ENDED = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidAccessKeyId',
  'InvalidToken',
  'TokenRefreshRequired',
])

/** What an object store says about a request that has failed. */
export interface ErrorAnswer {
  readonly status: number
  /** Such as `NoSuchKey`; undefined if the answer does not come from the object store itself. */
  readonly code: string | undefined
  readonly message: string
}

/** Which request has failed. */
export interface FailedRequest {
  /** What could not be done, for the message. */
  readonly what: string
  readonly bucket: string
  /** Whether it was to change something. */
  readonly isChange: boolean
}

/** Reads an answer that is not a success (Amazon S3 API Reference, Error responses). */
export function parseErrorAnswer(status: number, text: string): ErrorAnswer {
  try {
    const root = parseXml(text)
    if (root.name === 'Error') {
      return {
        status,
        code: childText(root, 'Code')?.slice(0, MAX_CODE_CHARACTERS),
        message: childText(root, 'Message') ?? '',
      }
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
  }
  return { status, code: undefined, message: '' }
}

/** Whether the credentials have ended. */
export function haveCredentialsEnded({ code }: ErrorAnswer): boolean {
  return ENDED.has(code ?? '')
}

/**
 * The error for an answer that is not a success.
 *
 * @param canRenew Whether the next request gets new credentials.
 */
export function answerError(answer: ErrorAnswer, request: FailedRequest, canRenew = false): Error {
  const { status, code, message } = answer
  const { what, bucket, isChange } = request
  if (code === 'NoSuchBucket') {
    return new BackendError(`${what}: the bucket ${bucket} does not exist`, { retryable: false })
  }
  if (status >= 300 && status < 400) {
    const hint = 'the bucket is in another region, or behind another endpoint'
    return new BackendError(`${what}: ${hint} (${status} ${code ?? ''})`.replace(' )', ')'), { retryable: false })
  }
  const says = [`the object store answers ${status}`, code, message && `(${message.slice(0, MAX_MESSAGE_CHARACTERS)})`]
  const text = `${what}: ${says.filter((word) => word).join(' ')}`
  if (status === 507 || /(Quota|Storage|Capacity)(Exceeded|Full)$/.test(code ?? '')) return new QuotaExceededError(text)

  const isPassing = PASSING.has(code ?? '') || PASSING_STATUSES.has(status)
  // A gateway answers like this also after the object has been written, or before.
  const isUnknown = status >= 500 && status !== 501 && !isPassing
  return new BackendError(text, {
    retryable: isPassing || isUnknown || (canRenew && haveCredentialsEnded(answer)),
    outcome: isUnknown && isChange ? 'unknown' : undefined,
  })
}
