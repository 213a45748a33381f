import {
  AccessError,
  AlreadyExistsError,
  BackendError,
  ConflictError,
  FormatError,
  type FormatErrorReason,
  IntegrityError,
  NotFoundError,
  QuotaExceededError,
} from '../../errors.ts'

/** Fields of an error, by name: from outside, so each may be anything. */
export type Facts = Readonly<Record<string, unknown>>

/** How errors of one name cross the network. */
export interface ErrorKind {
  /** Title of the problem. */
  readonly title: string
  /** Status code of the answer, unless the error has one of its own. */
  readonly status: number
  /** Names of the fields that travel. */
  readonly facts: readonly string[]
  /** Makes the error again. */
  make(message: string, facts: Facts): Error
}

/** Every error that crosses the network, by its name. */
export const ERROR_KINDS: Readonly<Record<string, ErrorKind>> = {
  NotFoundError: {
    title: 'There is no such entry',
    status: 404,
    facts: ['alias', 'streamId', 'blockIndex'],
    make: (message, facts) =>
      new NotFoundError(message, {
        alias: text(facts['alias']),
        streamId: text(facts['streamId']),
        blockIndex: number(facts['blockIndex']),
        status: number(facts['status']),
      }),
  },
  ConflictError: {
    title: 'The entry has another version',
    status: 412,
    facts: ['alias', 'expectedEtag', 'actualEtag', 'offset'],
    make: (message, facts) =>
      new ConflictError(message, {
        alias: text(facts['alias']),
        expectedEtag: text(facts['expectedEtag']),
        actualEtag: text(facts['actualEtag']),
        offset: number(facts['offset']),
        status: number(facts['status']),
      }),
  },
  AlreadyExistsError: {
    title: 'The entry exists',
    status: 412,
    facts: ['alias', 'actualEtag'],
    make: (message, facts) =>
      new AlreadyExistsError(message, {
        alias: text(facts['alias']),
        actualEtag: text(facts['actualEtag']),
        status: number(facts['status']),
      }),
  },
  AccessError: {
    title: 'The server does not allow it',
    status: 403,
    facts: ['alias'],
    make: (message, facts) =>
      new AccessError(message, { alias: text(facts['alias']), status: number(facts['status']) }),
  },
  FormatError: {
    title: 'The bytes do not have the expected format',
    // The stored bytes, unless the part of the handler that reads request bodies says otherwise.
    status: 500,
    facts: ['reason', 'offset'],
    make: (message, facts) =>
      new FormatError(message, {
        reason: reason(facts['reason']),
        offset: number(facts['offset']),
        status: number(facts['status']),
      }),
  },
  IntegrityError: {
    title: 'What is stored is damaged',
    status: 500,
    facts: ['expected', 'actual', 'alias', 'streamId', 'blockIndex', 'offset'],
    make: (message, facts) =>
      new IntegrityError(message, {
        expected: text(facts['expected']),
        actual: text(facts['actual']),
        alias: text(facts['alias']),
        streamId: text(facts['streamId']),
        blockIndex: number(facts['blockIndex']),
        offset: number(facts['offset']),
        status: number(facts['status']),
      }),
  },
  QuotaExceededError: {
    title: 'There is no space for the bytes',
    status: 507,
    facts: ['limit'],
    make: (message, facts) =>
      new QuotaExceededError(message, { limit: number(facts['limit']), status: number(facts['status']) }),
  },
  BackendError: {
    title: 'The storage failed',
    status: 503,
    facts: ['retryable', 'outcome'],
    make: (message, facts) =>
      new BackendError(message, {
        retryable: facts['retryable'] === true,
        outcome: facts['outcome'] === 'unknown' ? 'unknown' : undefined,
        cause: facts,
        status: number(facts['status']),
      }),
  },
  TypeError: {
    title: 'The request is malformed',
    status: 400,
    facts: [],
    make: (message, { status }) => Object.assign(new TypeError(message), { status }),
  },
  RangeError: {
    title: 'A value is out of range',
    status: 400,
    facts: [],
    make: (message, { status }) => Object.assign(new RangeError(message), { status }),
  },
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}

function reason(value: unknown): FormatErrorReason {
  const reasons: readonly unknown[] = ['magic', 'truncated', 'invalid', 'unsupported', 'limit']
  return reasons.includes(value) ? (value as FormatErrorReason) : 'invalid'
}
