/** Most pins that are kept: a page has one for each entry that it plays. */
const MAX_PINS = 1000

/**
 * Which version each client reads at each URL: the version that its last request from byte 0 was answered with. The pin
 * that was not used for the longest time is forgotten first.
 */
export class VersionPins {
  readonly #pins = new Map<string, Promise<string | undefined>>()

  /**
   * Answers a request from byte 0, and pins the version that it gets. If there is none, there is no pin; if the hive fails,
   * the pin stays as it was. Requests that come before there is an answer wait for it.
   */
  begin(clientId: string, url: string, answer: () => Promise<Response>): Promise<Response> {
    const answered = answer()
    const key = keyOf(clientId, url)
    const before = this.#pins.get(key)
    const pin = answered.then(
      ({ ok, status, headers }) => {
        if (ok || status === 304) return headers.get('etag') ?? undefined
        return status >= 500 ? before : undefined
      },
      () => before,
    )
    this.#use(key, pin)
    return answered
  }

  /** The etag of the version that is pinned; undefined if none is. */
  async find(clientId: string, url: string): Promise<string | undefined> {
    const key = keyOf(clientId, url)
    const pin = this.#pins.get(key)
    if (pin) this.#use(key, pin)
    return pin
  }

  #use(key: string, pin: Promise<string | undefined>): void {
    this.#pins.delete(key)
    this.#pins.set(key, pin)
    if (this.#pins.size <= MAX_PINS) return
    for (const oldest of this.#pins.keys()) {
      this.#pins.delete(oldest)
      return
    }
  }
}

function keyOf(clientId: string, url: string): string {
  return `${clientId} ${url}`
}
