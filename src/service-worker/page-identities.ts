import { markHandled } from '../bytes/promises.ts'
import { AccessError } from '../errors.ts'
import { isRecord } from '../http/protocol/is-record.ts'
import type { IdentityMessage } from './worker-messages.ts'

/** What a page says of its user. */
export interface Identity {
  /** What its requests to the hive are authorized with; undefined for none. */
  readonly token: string | undefined
  /** Whose access to the hive it is. */
  readonly principal: string
}

/** A page, or a worker of a page, as a service worker sees it. */
export interface WorkerClient {
  readonly id: string
  readonly type: string
  postMessage(message: unknown, transfer?: Transferable[]): void
}

/** The part of `Clients` that is used here. */
export interface WorkerClients {
  get(id: string): Promise<WorkerClient | undefined>
  matchAll(): Promise<readonly WorkerClient[]>
}

/** How long the other pages may take once one has answered. */
const OTHERS_MS = 1_000
/** Most pages whose identities are remembered. */
const MAX_PAGES = 100
const MAX_TOKEN_CHARACTERS = 16_384
const MAX_PRINCIPAL_CHARACTERS = 1_024

/**
 * Asks pages for their tokens when requests need them. They are kept in memory only, until the browser ends the worker.
 */
export class PageIdentities {
  readonly #clients: WorkerClients
  readonly #answerMs: number
  readonly #needsPrincipal: boolean
  readonly #asked = new Map<string, Promise<Identity>>()
  readonly #renewed = new WeakMap<Identity, Promise<Identity>>()

  /**
   * @param clients The clients of the service worker.
   * @param options `answerMs`: how long a page may take to answer. `needsPrincipal`: whether a token without a principal is
   *   refused, because what it fetches is kept, and another user's page might read it.
   */
  constructor(
    clients: WorkerClients,
    { answerMs = 10_000, needsPrincipal = false }: { answerMs?: number; needsPrincipal?: boolean } = {},
  ) {
    this.#clients = clients
    this.#answerMs = answerMs
    this.#needsPrincipal = needsPrincipal
  }

  /**
   * The identity of a page, which is asked if it has not been asked yet.
   *
   * @throws {AccessError} if no page answers, or its answer is not an identity.
   */
  of(clientId: string): Promise<Identity> {
    const asked = this.#asked.get(clientId) ?? this.#ask(clientId)
    this.#asked.delete(clientId)
    this.#asked.set(clientId, asked)
    for (const oldest of this.#asked.keys()) {
      if (this.#asked.size <= MAX_PAGES) break
      this.#asked.delete(oldest)
    }
    asked.catch(() => this.#asked.get(clientId) === asked && this.#asked.delete(clientId))
    return asked
  }

  /** The identity of a page whose token was refused. Requests that are refused with the same one ask once. */
  renew(clientId: string, refused: Identity): Promise<Identity> {
    const known = this.#renewed.get(refused)
    if (known) return known
    this.#asked.delete(clientId)
    const renewed = this.of(clientId)
    this.#renewed.set(refused, renewed)
    return renewed
  }

  /** Forgets the identities of all pages and of their workers, because another user may have signed in. */
  forgetAll(): void {
    this.#asked.clear()
  }

  async #ask(clientId: string): Promise<Identity> {
    const own = clientId === '' ? undefined : await this.#clients.get(clientId)
    if (own?.type === 'window') return this.#answerOf([own])
    // A worker of a page cannot be asked, and the browser does not tell whose it is.
    return this.#answerOf(await this.#clients.matchAll())
  }

  /** What these pages answer. Pages of different users do not answer for a request of which it is not known whose it is. */
  async #answerOf(pages: readonly WorkerClient[]): Promise<Identity> {
    if (pages.length === 0) throw new AccessError('no page is open that could answer with a token', {})
    const channels = pages.map((page) => {
      const channel = new MessageChannel()
      page.postMessage({ type: 'combstream:identity' } satisfies IdentityMessage, [channel.port2])
      return channel.port1
    })
    let timer: ReturnType<typeof setTimeout> | undefined
    try {
      return await new Promise((resolve, reject) => {
        const answers: Identity[] = []
        const end = (): void => {
          const [first] = answers
          if (!first) reject(new AccessError('no page has answered with a token', {}))
          else if (answers.every(({ principal }) => principal === first.principal)) resolve(first)
          else reject(new AccessError('pages of different users are open', {}))
        }
        timer = setTimeout(end, this.#answerMs)
        for (const port of channels) {
          port.onmessage = ({ data }) => {
            try {
              answers.push(readIdentity(data, this.#needsPrincipal))
              if (answers.length === channels.length) return end()
              // Those that the browser has suspended never answer.
              clearTimeout(timer)
              timer = setTimeout(end, Math.min(OTHERS_MS, this.#answerMs))
            } catch (error) {
              reject(error)
            }
          }
        }
      })
    } finally {
      clearTimeout(timer)
      for (const port of channels) port.close()
    }
  }
}

/**
 * Reads the answer of a page.
 *
 * @throws {AccessError} if it is not an identity.
 */
function readIdentity(data: unknown, needsPrincipal: boolean): Identity {
  const { token, principal = '', error }: Record<string, unknown> = isRecord(data) ? data : { error: 'no answer' }
  if (error !== undefined) throw new AccessError(`the page has no token: ${String(error).slice(0, 1_000)}`, {})
  const isToken =
    token === undefined ||
    (typeof token === 'string' && token.length <= MAX_TOKEN_CHARACTERS && /^[\x21-\x7e]+$/.test(token))
  if (isToken && typeof principal === 'string' && principal.length <= MAX_PRINCIPAL_CHARACTERS) {
    if (needsPrincipal && token !== undefined && principal === '') {
      throw new AccessError('with a cache, a page must say whose token it gives: principal', {})
    }
    return { token, principal }
  }
  throw new AccessError('the page has answered with something that is not a token', {})
}

/**
 * Makes the `fetch` of a page's hive, which sends the page's token. A token that is refused with 401 is asked for anew,
 * once. What is read with it belongs to `principal`, so it refuses to send the token of another one.
 */
export function authorizedFetch(
  identities: PageIdentities,
  clientId: string,
  principal: string,
  send: (url: string, init: RequestInit) => Promise<Response> = (url, init) => fetch(url, init),
): (url: string, init: RequestInit) => Promise<Response> {
  const sendAs = async (identity: Identity, url: string, init: RequestInit): Promise<Response> => {
    if (identity.principal !== principal) return new Response(null, { status: 403, statusText: 'another user' })
    const headers = new Headers(init.headers)
    if (identity.token !== undefined) headers.set('Authorization', `Bearer ${identity.token}`)
    return send(url, { ...init, headers })
  }
  return async (url, init) => {
    try {
      const identity = await identities.of(clientId)
      const response = await sendAs(identity, url, init)
      if (response.status !== 401) return response
      const renewed = await identities.renew(clientId, identity)
      if (renewed.token === identity.token) return response
      markHandled(response.body?.cancel())
      return await sendAs(renewed, url, init)
    } catch (error) {
      // Any other error would be taken for that of a network, and the request repeated.
      if ((error as Error).name !== 'AccessError') throw error
      // The page may have said anything, and a status text has only these characters (RFC 9112, section 4).
      const statusText = (error as Error).message.replaceAll(/[^\t\x20-\x7e]/g, '?')
      return new Response(null, { status: 403, statusText })
    }
  }
}
