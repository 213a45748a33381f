import { codeOf } from '../../bytes/error-code.ts'
import { markHandled } from '../../bytes/promises.ts'
import { BackendError } from '../../errors.ts'
import type { PostgresClient, RawResult, RawRow } from './client.ts'
import { isCutOff, isNotConnected, LOCK_NOT_AVAILABLE, postgresError } from './postgres-error.ts'
import { rowsOf } from './rows-of.ts'
import { Slots } from './slots.ts'
import { waitFor } from './wait-for.ts'

/** How long the other calls of a client that has lost a connection may go on, in seconds. */
const LINGERING_S = 5
const FIRST_PAUSE_MS = 10
const LONGEST_PAUSE_MS = 500
/** For how long opening waits for a server that cannot be reached, and that may restart, or not exist. */
const OPENING_MS = 5_000
/** For how long closing waits for the server. */
export const CLOSING_MS = 5_000

/** A statement, and what is to be known about it. */
export interface Call {
  /** What an error says could not be done. */
  readonly what: string
  /** The statement. Those with the same text are prepared once for each connection. */
  readonly statement: string
  /** Its parameters. */
  readonly parameters: readonly (string | Uint8Array)[]
  /**
   * Whether the outcome matters if the answer is lost. What only reads, or what may be done twice, is repeated.
   */
  readonly changes: boolean
  /** Ends the call at once; what the server has begun, it may finish. */
  readonly signal: AbortSignal | undefined
}

/** Runs statements. */
export interface Calls {
  /** Resolves with the rows. */
  run(call: Call): Promise<readonly RawRow[]>
}

/** How statements are run. */
export interface ServerCallsOptions {
  /** Milliseconds after which a call fails. */
  readonly timeoutMs: number
  /** Makes another client in place of one that is ours, after it has lost a connection, or had no answer for that long. */
  readonly renew?: (() => PostgresClient) | undefined
  /** Resolves once a client that is ours can be ended. */
  readonly settle?: ((client: PostgresClient) => Promise<void>) | undefined
}

/**
 * Runs each statement as a transaction of its own, on one of the client's connections. It passes no more statements to the
 * client than that has connections: the others wait here, where they can be given up.
 *
 * If the server refuses a call for now, or cuts off one that need not be done exactly once, the call is repeated until its
 * time is over.
 */
export class ServerCalls implements Calls {
  #client: PostgresClient
  readonly #timeoutMs: number
  readonly #renew: ServerCallsOptions['renew']
  readonly #settle: NonNullable<ServerCallsOptions['settle']>
  readonly #slots: Slots
  readonly #closing = new AbortController()
  /** Settles when the calls that come now may begin. */
  #held: Promise<void> | undefined
  /** When a statement was last answered, or failed, in milliseconds of `performance.now()`. */
  #lastAnswerMs = 0
  /** When the client was last replaced, on the same clock. */
  #renewedMs = 0

  constructor(client: PostgresClient, { timeoutMs, renew, settle }: ServerCallsOptions) {
    this.#client = client
    this.#timeoutMs = timeoutMs
    this.#renew = renew
    this.#settle = settle ?? (() => Promise.resolve())
    this.#slots = new Slots(client.options.max)
  }

  async run(call: Call): Promise<readonly RawRow[]> {
    const held = this.#held
    if (held) {
      await waitFor<void>((resolve) => void held.then(resolve), { signals: [call.signal, this.#closing.signal] })
    }
    return this.#repeat((deadlineMs) => this.#runOnce(call, deadlineMs), this.#timeoutMs, call.signal)
  }

  /** Runs a statement while the backend is being opened. It does not wait long for a server that cannot be reached. */
  runToOpen(call: Call): Promise<readonly RawRow[]> {
    return this.#repeat((deadlineMs) => this.#runOnce(call, deadlineMs), OPENING_MS, call.signal)
  }

  /** Repeats a call while it may succeed, but only for `reachMs` if the server cannot be reached. */
  async #repeat<T>(
    run: (deadlineMs: number) => Promise<T>,
    reachMs: number,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const startMs = performance.now()
    const deadlineMs = startMs + this.#timeoutMs
    for (let tries = 0; ; tries++) {
      try {
        return await run(deadlineMs)
      } catch (error) {
        if (!mayRepeat(error)) throw error
        const pauseMs = Math.random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries)
        const untilMs = isNotConnected(error.cause) ? Math.min(deadlineMs, startMs + reachMs) : deadlineMs
        if (performance.now() + pauseMs >= untilMs) throw error
        await this.#pause(pauseMs, signal)
      }
    }
  }

  async #runOnce(call: Call, deadlineMs: number): Promise<readonly RawRow[]> {
    const { what, statement, parameters, signal, changes } = call
    await this.#takeSlot(call, deadlineMs)
    const client = this.#client
    let result: Promise<RawResult>
    try {
      signal?.throwIfAborted()
      this.#closing.signal.throwIfAborted()
      result = Promise.resolve(client.unsafe(statement, [...parameters], { prepare: true }).raw())
    } catch (error) {
      this.#slots.giveBack()
      throw error
    }
    const settled = (): void => {
      this.#lastAnswerMs = performance.now()
      this.#slots.giveBack()
    }
    result.then(settled, (error: unknown) => {
      if (!isCutOff(error)) return settled()
      if (client === this.#client) this.#renewClient(LINGERING_S)
      // When the server ends all connections, the driver may still take another one for open. A statement that it gets now
      // would fail at once, but then the driver would hang when it connects again. In a later turn it knows.
      setTimeout(settled)
    })
    const answer = await waitFor<RawResult>(
      (resolve, reject) => {
        result.then(resolve, (error: unknown) => reject(postgresError(error, what, changes)))
      },
      {
        signals: [signal],
        deadlineMs,
        timeout: () =>
          this.#timeout(`${what}: the server does not answer`, deadlineMs, changes ? 'unknown' : undefined),
      },
    )
    return rowsOf(answer, what, changes)
  }

  /**
   * Makes later calls wait until something else that was asked of the server has ended, but no longer than `ms`. Then they go
   * on without, and `onTimeout` is called.
   */
  holdFor(asked: PromiseLike<unknown>, ms: number, onTimeout: () => void): void {
    const held = waitFor<void>(
      (resolve) => {
        const giveUp = (): void => {
          onTimeout()
          resolve()
        }
        const timer = setTimeout(giveUp, Math.min(ms, this.#timeoutMs))
        const end = (): void => {
          clearTimeout(timer)
          resolve()
        }
        asked.then(end, end)
        return () => clearTimeout(timer)
      },
      { signals: [this.#closing.signal] },
    )
    const release = (): void => {
      this.#held = undefined
    }
    this.#held = held.then(release, release)
  }

  /** Runs several statements, without parameters, as one transaction, while the backend is being opened. */
  async runScript(script: string, what: string): Promise<void> {
    await this.#repeat(() => this.#runScriptOnce(script, what), OPENING_MS, undefined)
  }

  #runScriptOnce(script: string, what: string): Promise<unknown> {
    const asked = this.#client.unsafe(script)
    const deadlineMs = performance.now() + this.#timeoutMs
    return waitFor<unknown>(
      (resolve, reject) => {
        asked.then(resolve, (error: unknown) => reject(postgresError(error, what, false)))
      },
      {
        signals: [],
        deadlineMs,
        timeout: () => this.#timeout(`${what}: the server does not answer`, deadlineMs),
      },
    )
  }

  /** Refuses later calls, and waits a while for those that the server works on. Ends the client, if it is ours. */
  async close(): Promise<void> {
    this.#closing.abort(new TypeError('the backend is closed'))
    await waitFor<void>(
      (resolve) => {
        const timer = setTimeout(resolve, CLOSING_MS)
        this.#slots.onceEmpty(() => {
          clearTimeout(timer)
          resolve()
        })
      },
      { signals: [] },
    )
    // With a time, the driver would wait that long for connections that were cut off.
    if (this.#renew) await this.#end(this.#client, 0)
  }

  #takeSlot({ what, signal }: Call, deadlineMs: number): Promise<void> {
    return waitFor<void>((resolve) => this.#slots.take(resolve), {
      signals: [signal, this.#closing.signal],
      deadlineMs,
      timeout: () => this.#timeout(`${what}: all connections are in use`, deadlineMs),
    })
  }

  #pause(pauseMs: number, signal: AbortSignal | undefined): Promise<void> {
    return waitFor<void>(
      (resolve) => {
        const timer = setTimeout(resolve, pauseMs)
        return () => clearTimeout(timer)
      },
      { signals: [signal, this.#closing.signal] },
    )
  }

  /** Makes another client in place of one that is ours. What that one does is given up after `timeout` seconds. */
  #renewClient(timeout: number): void {
    if (!this.#renew || this.#closing.signal.aborted) return
    markHandled(this.#end(this.#client, timeout))
    this.#client = this.#renew()
    this.#renewedMs = performance.now()
  }

  async #end(client: PostgresClient, timeout: number): Promise<void> {
    await this.#settle(client)
    await client.end({ timeout })
  }

  #timeout(problem: string, deadlineMs: number, outcome?: 'unknown'): BackendError {
    // A timer may be early, so the deadline is compared, not the time: whether there was an answer, or another call has replaced
    // the client, since this call began.
    const isSilent = Math.max(this.#lastAnswerMs, this.#renewedMs) <= deadlineMs - this.#timeoutMs
    // The network may have forgotten its connections, which only shows after many minutes.
    if (isSilent) this.#renewClient(0)
    return new BackendError(`${problem} within ${this.#timeoutMs} ms`, { retryable: true, outcome })
  }
}

function mayRepeat(error: unknown): error is BackendError {
  const { name, retryable, outcome, cause } = (error ?? {}) as Partial<BackendError>
  // What has waited for a lock has had its time.
  return name === 'BackendError' && retryable === true && outcome === undefined && codeOf(cause) !== LOCK_NOT_AVAILABLE
}
