import { onAbort } from '../../bytes/on-abort.ts'
import { abortable, markHandled } from '../../bytes/promises.ts'
import { BackendError, FormatError } from '../../errors.ts'
import { resultOf } from './idb-request.ts'
import { indexedDbError } from './indexeddb-error.ts'
import { BLOCKS, COUNTERS, ROWS, SIZES } from './object-stores.ts'
import { SharedReading } from './shared-reading.ts'

/** Key in the store `counters`: the version of the last commit, a number. */
export const LAST_VERSION = 'version'
/** Key in the store `counters`: where the blocks are. */
const BLOCKS_PLACE = 'blocks'
/** Key in the store `counters`: a random id that the database got when it was created. */
const DATABASE_ID = 'id'

const STORES = [ROWS, BLOCKS, SIZES, COUNTERS]
const FORMAT_VERSION = 1
/** How often a transaction is begun, each time on a new connection. */
const MAX_ATTEMPTS = 3
/**
 * For how long a connection is waited for: while the database is to be deleted or changed, and a page with another connection
 * does not give way, the browser opens none, and says nothing.
 */
const OPENING_MS = 30_000

/** Where the blocks of a hive are. */
export type BlocksPlace = 'indexeddb' | 'opfs'

/**
 * A database. Its connection is opened when it is needed: browsers close connections when they run out of resources,
 * when the user deletes a site's data, and, by their `versionchange` event, for other tabs. A connection that is opened
 * again leads to the same database, or fails: an evicted database is not the empty one that has taken its place.
 */
export class Database {
  readonly #name: string
  readonly #blocks: BlocksPlace
  #connection: Promise<IDBDatabase> | undefined
  /** The same, once it is open. */
  #opened: IDBDatabase | undefined
  /** The last transaction that reads blocks. */
  #reading: SharedReading | undefined
  /** Number of calls that write. */
  #writing = 0
  #id: string | undefined
  readonly #closing = new AbortController()

  constructor(name: string, blocks: BlocksPlace) {
    this.#name = name
    this.#blocks = blocks
  }

  /** Opens the database, and creates it if there is none. */
  async open(): Promise<void> {
    await this.#connect('cannot open the database', undefined)
  }

  /**
   * Runs `work` in a transaction that reads these object stores. `work` must await nothing but the transaction's own
   * requests. It runs again if the connection was lost under it. An error says `what` could not be done.
   */
  read<T>(
    what: string,
    stores: readonly string[],
    signal: AbortSignal | undefined,
    work: (transaction: IDBTransaction) => Promise<T>,
  ): Promise<T> {
    return this.#whileConnected(what, signal, async () => {
      const transaction = this.#beginAtOnce(stores, signal) ?? (await this.#begin(what, stores, 'readonly', signal))
      const stopListening = onAbort([signal], () => abort(transaction))
      try {
        return await work(transaction)
      } catch (error) {
        abort(transaction)
        throw error
      } finally {
        stopListening()
      }
    })
  }

  /** Reads a block; undefined if there is none. Blocks share transactions with each other, and with rows. */
  getBlock<T>(what: string, name: string, signal: AbortSignal | undefined): Promise<T | undefined> {
    return this.#share(what, signal, (reading) => reading.block(name, signal)) as Promise<T | undefined>
  }

  /** Reads a row; undefined if there is none. While blocks are read, it shares their transactions. */
  getRow<T>(what: string, key: Uint8Array<ArrayBuffer>, signal: AbortSignal | undefined): Promise<T | undefined> {
    if (this.#reading?.isReading && this.#writing === 0) {
      return this.#share(what, signal, (reading) => reading.row(key, signal)) as Promise<T | undefined>
    }
    // By itself, it does not wait for blocks that are being stored.
    return this.read(what, [ROWS], signal, (transaction) =>
      resultOf<T | undefined>(transaction.objectStore(ROWS).get(key)),
    )
  }

  #share(
    what: string,
    signal: AbortSignal | undefined,
    ask: (reading: SharedReading) => Promise<unknown> | undefined,
  ): Promise<unknown> {
    return this.#whileConnected(what, signal, async () => {
      signal?.throwIfAborted()
      const joined = this.#reading && ask(this.#reading)
      if (joined) return joined
      const stores = [ROWS, BLOCKS]
      const begun = this.#beginAtOnce(stores, signal) ?? (await this.#begin(what, stores, 'readonly', signal))
      const reading = new SharedReading(begun, this.#reading)
      // Its first request, before others can join it and fill it.
      const answer = ask(reading)!
      this.#reading = reading
      return answer
    })
  }

  /** Reads, and reads again if the connection was lost: a browser that has closed it fails its transactions first. */
  async #whileConnected<T>(what: string, signal: AbortSignal | undefined, read: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const connection = this.#opened
      try {
        return await read()
      } catch (error) {
        signal?.throwIfAborted()
        const isLast = attempt === MAX_ATTEMPTS || connection === undefined
        if (isLast || !(await this.#wasLost(connection, what, signal))) throw indexedDbError(error, what)
      }
    }
  }

  /** Whether another connection has taken the place of this one. Fails if the database cannot be opened any more. */
  async #wasLost(connection: IDBDatabase, what: string, signal: AbortSignal | undefined): Promise<boolean> {
    const probe = await this.#begin(what, [COUNTERS], 'readonly', signal)
    abort(probe)
    return probe.db !== connection
  }

  /**
   * Does the same in a transaction that also writes. It resolves once the changes are durable. If `work` or one of its
   * requests fails, nothing is changed.
   */
  async write<T>(
    what: string,
    stores: readonly string[],
    signal: AbortSignal | undefined,
    work: (transaction: IDBTransaction) => Promise<T> | T,
  ): Promise<T> {
    this.#writing++
    try {
      return await this.#write(what, stores, signal, work)
    } finally {
      this.#writing--
    }
  }

  async #write<T>(
    what: string,
    stores: readonly string[],
    signal: AbortSignal | undefined,
    work: (transaction: IDBTransaction) => Promise<T> | T,
  ): Promise<T> {
    // Nothing more joins what this has to wait for.
    this.#reading = undefined
    const transaction = await this.#begin(what, stores, 'readwrite', signal)
    const stopListening = onAbort([signal], () => abort(transaction))
    const completed = completionOf(transaction)
    try {
      const result = await work(transaction)
      await completed
      return result
    } catch (error) {
      abort(transaction)
      signal?.throwIfAborted()
      // A browser says the same when it has undone the changes as when its process has died.
      throw indexedDbError(error, what, 'unknown')
    } finally {
      stopListening()
    }
  }

  /**
   * Begins to read without waiting, so that what the caller does next is done meanwhile; undefined if the connection must be
   * opened first.
   */
  #beginAtOnce(stores: readonly string[], signal: AbortSignal | undefined): IDBTransaction | undefined {
    if (signal?.aborted) return undefined
    try {
      return this.#opened?.transaction(stores, 'readonly')
    } catch {
      // Somebody has closed the connection.
      return undefined
    }
  }

  /** Begins a transaction, after opening the connection if it is not open. */
  async #begin(
    what: string,
    stores: readonly string[],
    mode: IDBTransactionMode,
    signal: AbortSignal | undefined,
  ): Promise<IDBTransaction> {
    for (let attempt = 1; ; attempt++) {
      signal?.throwIfAborted()
      const connection = await this.#connect(what, signal)
      signal?.throwIfAborted()
      try {
        return connection.transaction(stores, mode, { durability: 'strict' })
      } catch (error) {
        // Somebody has closed the connection: a browser without an event, or the page for its `versionchange`.
        if (this.#opened === connection) this.#lose()
        if ((error as Error).name !== 'InvalidStateError' || attempt === MAX_ATTEMPTS) throw indexedDbError(error, what)
      }
    }
  }

  /** Refuses later calls, and ends those that wait for a connection. Transactions that have begun are completed. */
  close(): void {
    this.#closing.abort(new TypeError('the backend is closed'))
    this.#opened?.close()
    // One that is not open yet may have to wait for others.
    markHandled(this.#connection?.then((connection) => connection.close()))
    this.#lose()
  }

  async #connect(what: string, signal: AbortSignal | undefined): Promise<IDBDatabase> {
    const closing = this.#closing.signal
    closing.throwIfAborted()
    const connecting = this.#connection ?? this.#beginToConnect()
    try {
      const connection = await abortable(connecting, closing, signal)
      closing.throwIfAborted()
      if (this.#connection === connecting) this.#opened = connection
      return connection
    } catch (error) {
      signal?.throwIfAborted()
      throw indexedDbError(error, what)
    }
  }

  /** Begins to open a connection, for all who need one. */
  #beginToConnect(): Promise<IDBDatabase> {
    const lost = (): void => {
      if (this.#connection === connecting) this.#lose()
    }
    const connecting = this.#openConnection(lost)
    connecting.catch(lost)
    this.#connection = connecting
    return connecting
  }

  /** Forgets the connection. */
  #lose(): void {
    this.#connection = undefined
    this.#opened = undefined
    this.#reading = undefined
  }

  /** Opens a connection; `lost` is called when it cannot be used any longer. */
  async #openConnection(lost: () => void): Promise<IDBDatabase> {
    const connection = await openDatabase(this.#name, this.#id === undefined ? this.#blocks : undefined)
    // Whoever else wants to change or delete the database waits for this.
    connection.onversionchange = () => {
      lost()
      connection.close()
    }
    connection.onclose = lost
    try {
      const id = await idOf(connection, this.#blocks)
      if (this.#id !== undefined && this.#id !== id) throw gone(this.#name)
      this.#id = id
      return connection
    } catch (error) {
      connection.close()
      throw error
    }
  }
}

/** Opens a database; without `blocks`, it must exist. */
async function openDatabase(name: string, blocks: BlocksPlace | undefined): Promise<IDBDatabase> {
  const factory = globalThis.indexedDB as IDBFactory | undefined
  if (!factory) throw new BackendError('IndexedDB is not available here', { retryable: false })
  const request = factory.open(name, FORMAT_VERSION)
  let missing = false
  request.onupgradeneeded = () => {
    if (!blocks) {
      missing = true
      request.transaction!.abort()
      return
    }
    for (const store of STORES) request.result.createObjectStore(store)
    const counters = request.transaction!.objectStore(COUNTERS)
    // `randomUUID` is missing where a page was not loaded over https.
    counters.put(crypto.getRandomValues(new Uint32Array(4)).join('-'), DATABASE_ID)
    counters.put(blocks, BLOCKS_PLACE)
  }
  const opened = resultOf(request)
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(blocked(name)), OPENING_MS)
  try {
    return await abortable(opened, late.signal)
  } catch (error) {
    if (missing) throw gone(name)
    if (late.signal.aborted) markHandled(opened.then((connection) => connection.close()))
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** The id of the database, after checking that it is one of these, and of a hive whose blocks are there. */
async function idOf(connection: IDBDatabase, blocks: BlocksPlace): Promise<string> {
  const { name } = connection
  if (STORES.every((store) => connection.objectStoreNames.contains(store))) {
    const counters = connection.transaction(COUNTERS).objectStore(COUNTERS)
    const [id, place] = await Promise.all([
      resultOf<unknown>(counters.get(DATABASE_ID)),
      resultOf<unknown>(counters.get(BLOCKS_PLACE)),
    ])
    if (typeof id === 'string' && place === blocks) return id
    if (typeof id === 'string') {
      throw new FormatError(
        `the blocks of the hive in the database ${name} are not in ${blocks}, but in ${String(place)}`,
        {
          reason: 'unsupported',
        },
      )
    }
  }
  throw new FormatError(`the database ${name} was not made by combstream`, { reason: 'magic' })
}

function gone(name: string): BackendError {
  const message = `the database ${name} is not there any more: the user, the browser or another page has deleted it`
  return new BackendError(message, { retryable: false })
}

function blocked(name: string): BackendError {
  const message = `the database ${name} cannot be opened: it is being deleted or changed, for which a page with another connection does not give way`
  return new BackendError(message, { retryable: true })
}

function completionOf(transaction: IDBTransaction): Promise<void> {
  const completed = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () =>
      reject(transaction.error ?? new DOMException('the transaction was aborted', 'AbortError'))
  })
  // A request that failed is reported in its place.
  completed.catch(() => undefined)
  return completed
}

/** Aborts a transaction, unless it has ended. */
function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort()
  } catch {
    // It has ended, or is being committed.
  }
}
