/**
 * Every error of combstream: few kinds, one for each thing that a caller can do about an error.
 *
 * `name` is the contract, since `instanceof` fails for errors of another realm or another copy of the package. Facts
 * are fields; the original failure, if any, is `cause`. An abort is not one of these errors: it passes the signal's
 * reason through unchanged.
 *
 * @module
 */

/** Facts that any error may have. */
export interface ErrorFacts extends ErrorOptions {
  /** Status code of the answer that the error was made from, when it came over HTTP. */
  status?: number | undefined
}

/** Facts of a {@linkcode NotFoundError}. */
export interface NotFoundErrorOptions extends ErrorFacts {
  /** Name of the entry that does not exist, or no longer does. */
  alias?: string | undefined
  /** Id of the stored stream that does not exist, or no longer does. */
  streamId?: string | undefined
  /** Index of the block that is missing from the stored stream. */
  blockIndex?: number | undefined
}

/** No such entry or stream, or it was removed while it was being read. HTTP: 404 or 410. */
export class NotFoundError extends Error {
  /** Always `'NotFoundError'`. */
  override readonly name = 'NotFoundError'
  /** Name of the entry, when an entry was asked for. */
  readonly alias: string | undefined
  /** Id of the stored stream, when a stream was asked for. */
  readonly streamId: string | undefined
  /** Index of the missing block, when one was found missing. */
  readonly blockIndex: number | undefined
  /** Status code of the answer that the error was made from, when it came over HTTP. */
  readonly status: number | undefined

  /** Makes the error from a message and its facts. */
  constructor(message: string, options: NotFoundErrorOptions = {}) {
    super(message, options)
    this.status = options.status
    this.alias = options.alias
    this.streamId = options.streamId
    this.blockIndex = options.blockIndex
  }
}

/** Facts of a {@linkcode ConflictError}. */
export interface ConflictErrorOptions extends ErrorFacts {
  /** Name of the entry. */
  alias?: string | undefined
  /** Etag of the version that the caller works with. */
  expectedEtag?: string | undefined
  /** Etag of the current version of the entry; undefined when it is not known, or when there is none. */
  actualEtag?: string | undefined
  /** Offset in bytes up to which the expected version was delivered; see {@linkcode ConflictError.offset}. */
  offset?: number | undefined
}

/** The entry was updated while it was being read, or a check-and-set lost. HTTP: 412 or 409. */
export class ConflictError extends Error {
  /** Always `'ConflictError'`. */
  override readonly name = 'ConflictError'
  /** Name of the entry, when there is one. */
  readonly alias: string | undefined
  /** Etag of the version that the caller works with. */
  readonly expectedEtag: string | undefined
  /** Etag of the current version of the entry, when it is known. */
  readonly actualEtag: string | undefined
  /**
   * Offset in bytes up to which the expected version was delivered, when it was being read. Continuing there in the new
   * version is right only for content that has grown at its end, such as a log. Any other content must be read again
   * from the start: the bytes before and after the offset belong to different versions.
   */
  readonly offset: number | undefined
  /** Status code of the answer that the error was made from, when it came over HTTP. */
  readonly status: number | undefined

  /** Makes the error from a message and its facts. */
  constructor(message: string, options: ConflictErrorOptions = {}) {
    super(message, options)
    this.status = options.status
    this.alias = options.alias
    this.expectedEtag = options.expectedEtag
    this.actualEtag = options.actualEtag
    this.offset = options.offset
  }
}

/** Facts of an {@linkcode AlreadyExistsError}. */
export interface AlreadyExistsErrorOptions extends ErrorFacts {
  /** Name of the entry. */
  alias?: string | undefined
  /** Etag of the existing version. */
  actualEtag?: string | undefined
}

/** The entry that was to be created already exists. HTTP: 412. */
export class AlreadyExistsError extends Error {
  /** Always `'AlreadyExistsError'`. */
  override readonly name = 'AlreadyExistsError'
  /** Name of the entry. */
  readonly alias: string | undefined
  /** Etag of the existing version, when it is known. */
  readonly actualEtag: string | undefined
  /** Status code of the answer that the error was made from, when it came over HTTP. */
  readonly status: number | undefined

  /** Makes the error from a message and its facts. */
  constructor(message: string, options: AlreadyExistsErrorOptions = {}) {
    super(message, options)
    this.status = options.status
    this.alias = options.alias
    this.actualEtag = options.actualEtag
  }
}

/** Facts of an {@linkcode AccessError}. */
export interface AccessErrorOptions extends ErrorFacts {
  /** Name of the entry. */
  alias?: string | undefined
}

/**
 * The server refuses the request: `status` is 401 if credentials are missing or wrong, and 403 if the request is not
 * allowed.
 */
export class AccessError extends Error {
  /** Always `'AccessError'`. */
  override readonly name = 'AccessError'
  /** Name of the entry, when an entry was asked for. */
  readonly alias: string | undefined
  /** Status code of the answer that the error was made from, when it came over HTTP. */
  readonly status: number | undefined

  /** Makes the error from a message and its facts. */
  constructor(message: string, options: AccessErrorOptions = {}) {
    super(message, options)
    this.status = options.status
    this.alias = options.alias
  }
}

/**
 * What is wrong with the bytes: `magic` (not this format at all), `truncated` (they end too early), `invalid` (they
 * break the format), `unsupported` (a newer or unknown variant), `limit` (larger than the caller allows).
 */
export type FormatErrorReason = 'magic' | 'truncated' | 'invalid' | 'unsupported' | 'limit'

/** Facts of a {@linkcode FormatError}. */
export interface FormatErrorOptions extends ErrorFacts {
  /** What is wrong with the bytes. */
  reason: FormatErrorReason
  /** Offset in bytes, from the start of the stream or record, of the field that is wrong. */
  offset?: number | undefined
}

/** Bytes from outside are wrong. HTTP: 400 or 422. */
export class FormatError extends Error {
  /** Always `'FormatError'`. */
  override readonly name = 'FormatError'
  /** What is wrong with the bytes. */
  readonly reason: FormatErrorReason
  /** Offset in bytes of the field that is wrong, when it is known. */
  readonly offset: number | undefined
  /** Status code of the answer that the error was made from, when it came over HTTP. */
  readonly status: number | undefined

  /** Makes the error from a message and its facts. */
  constructor(message: string, options: FormatErrorOptions) {
    super(message, options)
    this.status = options.status
    this.reason = options.reason
    this.offset = options.offset
  }
}

/** Facts of an {@linkcode IntegrityError}. */
export interface IntegrityErrorOptions extends ErrorFacts {
  /** The digest that was expected, as text. */
  expected?: string | undefined
  /** The digest that the bytes have, as text. */
  actual?: string | undefined
  /** Name of the entry that is damaged. */
  alias?: string | undefined
  /** Id of the stored stream that is damaged. */
  streamId?: string | undefined
  /** Index of the block of the stored stream that is damaged or missing. */
  blockIndex?: number | undefined
  /** Offset in the entry of the first byte that may be wrong. */
  offset?: number | undefined
}

/** Bytes do not match their digest, or what is stored is damaged. HTTP: 502 or 500. */
export class IntegrityError extends Error {
  /** Always `'IntegrityError'`. */
  override readonly name = 'IntegrityError'
  /** The digest that was expected. */
  readonly expected: string | undefined
  /** The digest that the bytes have. */
  readonly actual: string | undefined
  /** Name of the entry that is damaged, when an entry was asked for. */
  readonly alias: string | undefined
  /** Id of the stored stream that is damaged, when it is known. */
  readonly streamId: string | undefined
  /** Index of the block that is damaged or missing, when one was found to be. */
  readonly blockIndex: number | undefined
  /** Offset in the entry of the first byte that may be wrong, when it is known: where a block begins. */
  readonly offset: number | undefined
  /** Status code of the answer that the error was made from, when it came over HTTP. */
  readonly status: number | undefined

  /** Makes the error from a message and its facts. */
  constructor(message: string, options: IntegrityErrorOptions = {}) {
    super(message, options)
    this.status = options.status
    this.expected = options.expected
    this.actual = options.actual
    this.alias = options.alias
    this.streamId = options.streamId
    this.blockIndex = options.blockIndex
    this.offset = options.offset
  }
}

/** Facts of a {@linkcode QuotaExceededError}. */
export interface QuotaExceededErrorOptions extends ErrorFacts {
  /** The largest size that is allowed, in bytes, when it is known. */
  limit?: number | undefined
}

/** There is no space left, or there are more bytes than the receiver takes. HTTP: 507 or 413. */
export class QuotaExceededError extends Error {
  /** Always `'QuotaExceededError'`. */
  override readonly name = 'QuotaExceededError'
  /** The largest size that is allowed, in bytes, when it is known. */
  readonly limit: number | undefined
  /** Status code of the answer that the error was made from, when it came over HTTP. */
  readonly status: number | undefined

  /** Makes the error from a message and its facts. */
  constructor(message: string, options: QuotaExceededErrorOptions = {}) {
    super(message, options)
    this.status = options.status
    this.limit = options.limit
  }
}

/** Facts of a {@linkcode BackendError}. */
export interface BackendErrorOptions extends ErrorFacts {
  /** Whether trying again can help. */
  retryable: boolean
  /** `'unknown'` when the engine may have applied the change before it failed. */
  outcome?: 'unknown' | undefined
}

/** The engine or the network failed; `cause` is its own error. HTTP: 503. */
export class BackendError extends Error {
  /** Always `'BackendError'`. */
  override readonly name = 'BackendError'
  /** Whether trying again can help. */
  readonly retryable: boolean
  /** `'unknown'` when the change may have been applied all the same. */
  readonly outcome: 'unknown' | undefined
  /** Status code of the answer that the error was made from, when it came over HTTP. */
  readonly status: number | undefined

  /** Makes the error from a message and its facts. */
  constructor(message: string, options: BackendErrorOptions) {
    super(message, options)
    this.status = options.status
    this.retryable = options.retryable
    this.outcome = options.outcome
  }
}

/** Facts of a {@linkcode RepairRefusedError}. */
export interface RepairRefusedErrorOptions extends ErrorFacts {
  /** Number of objects that the store has. */
  objects: number
  /** Number of objects that no row names. */
  orphans: number
}

/**
 * A repair would remove so many objects that the rows are more likely to be incomplete: metadata that was restored from
 * an older backup looks the same. Nothing was changed.
 */
export class RepairRefusedError extends Error {
  /** Always `'RepairRefusedError'`. */
  override readonly name = 'RepairRefusedError'
  /** Number of objects that the store has. */
  readonly objects: number
  /** Number of objects that no row names. */
  readonly orphans: number
  /** Status code of the answer that the error was made from, when it came over HTTP. */
  readonly status: number | undefined

  /** Makes the error from a message and its facts. */
  constructor(message: string, options: RepairRefusedErrorOptions) {
    super(message, options)
    this.status = options.status
    this.objects = options.objects
    this.orphans = options.orphans
  }
}
