import { BackendError } from '../../errors.ts'

/** What requests to an object store are signed with. */
export interface S3Credentials {
  /** Id of the access key. */
  readonly accessKeyId: string
  /** The secret of the access key. */
  readonly secretAccessKey: string
  /** The token that belongs to temporary credentials. */
  readonly sessionToken?: string | undefined
  /** When temporary credentials end, if that is known. */
  readonly expires?: Date | undefined
}

/** Temporary credentials are replaced before they end: a request takes time, and clocks differ. */
const EARLY_MS = 60_000

/** Keeps temporary credentials until they end, and has new ones made then, once for all requests. */
export class CredentialSource {
  readonly #get: () => S3Credentials | Promise<S3Credentials>
  readonly #areTemporary: boolean
  #current: Promise<S3Credentials> | undefined
  /** Those that were made last; undefined once the object store has refused them. */
  #latest: S3Credentials | undefined

  constructor(credentials: S3Credentials | (() => S3Credentials | Promise<S3Credentials>)) {
    this.#areTemporary = typeof credentials === 'function'
    this.#get = typeof credentials === 'function' ? credentials : () => credentials
  }

  /**
   * The credentials for a request.
   *
   * @throws {BackendError} if they cannot be had.
   */
  async current(): Promise<S3Credentials> {
    const known = this.#current
    if (known) {
      const credentials = await known
      if ((credentials.expires?.getTime() ?? Infinity) - Date.now() > EARLY_MS) return credentials
      if (this.#current === known) this.#current = undefined
    }
    if (!this.#current) {
      const made = this.#make()
      this.#current = made
      void this.#note(made)
    }
    return this.#current
  }

  /** Notes how it ended, unless others have been asked for meanwhile. */
  async #note(made: Promise<S3Credentials>): Promise<void> {
    try {
      const credentials = await made
      if (this.#current === made) this.#latest = credentials
    } catch {
      if (this.#current === made) this.#current = undefined
    }
  }

  async #make(): Promise<S3Credentials> {
    try {
      return checkCredentials(await this.#get())
    } catch (cause) {
      throw new BackendError('there are no credentials', { retryable: false, cause })
    }
  }

  /** Has the next request ask again, because one has waited too long for credentials. */
  giveUp(): void {
    this.#current = undefined
  }

  /**
   * Has new credentials made for the next request, because these were refused, and returns whether that is possible. A request
   * that was signed before may be refused after new ones have been made, which then stay.
   */
  renew(refused: S3Credentials): boolean {
    if (this.#latest === refused) {
      this.#latest = undefined
      this.#current = undefined
    }
    return this.#areTemporary
  }
}

/**
 * Checks credentials. No message contains them.
 *
 * @throws {TypeError} if one of them is not a string, or not what it must be.
 */
export function checkCredentials(credentials: S3Credentials): S3Credentials {
  const { accessKeyId, secretAccessKey, sessionToken, expires } = (credentials ?? {}) as Partial<S3Credentials>
  if (typeof accessKeyId !== 'string' || !/^[\x21-\x7e]+$/.test(accessKeyId)) {
    throw new TypeError('accessKeyId must be a string of printable ASCII characters')
  }
  if (typeof secretAccessKey !== 'string' || secretAccessKey === '') {
    throw new TypeError('secretAccessKey must be a string that is not empty')
  }
  if (sessionToken !== undefined && (typeof sessionToken !== 'string' || !/^[\x21-\x7e]+$/.test(sessionToken))) {
    throw new TypeError('sessionToken must be a string of printable ASCII characters')
  }
  if (expires !== undefined && !(expires instanceof Date && Number.isFinite(expires.getTime()))) {
    throw new TypeError('expires must be a valid Date')
  }
  return { accessKeyId, secretAccessKey, sessionToken, expires }
}
