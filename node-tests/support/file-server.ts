/** An answer before it becomes a Response. */
export interface FileAnswer {
  status: number
  headers: Record<string, string | undefined>
  body: Uint8Array<ArrayBuffer>
}

/** Spoils an answer; `count` is the number of requests so far, this one included. */
export type Spoil = (answer: FileAnswer, request: Request, count: number) => FileAnswer | void

/** What a {@linkcode FileServer} serves. */
export interface ServedFile {
  bytes: Uint8Array<ArrayBuffer>
  /** Undefined if there is no file. */
  etag: string | undefined
  type?: string
}

/** Serves one file as nginx does: with ranges and a strong etag. `spoil` plants a mistake. */
export class FileServer {
  /** The file that it serves now. */
  file: ServedFile
  /** Every request, in order. */
  readonly requests: Request[] = []
  readonly #spoil: Spoil

  constructor(file: ServedFile, spoil: Spoil = () => undefined) {
    this.file = file
    this.#spoil = spoil
  }

  /** Stands for the `fetch` of the host. */
  readonly fetch = (url: string, init: RequestInit): Promise<Response> => {
    const request = new Request(url, init)
    this.requests.push(request)
    const plain = this.#answer(request)
    const { status, headers, body } = this.#spoil(plain, request, this.requests.length) ?? plain
    const sent = new Headers()
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) sent.set(name, value)
    // A copy, since a reader may take the buffer of its body away.
    const noBody = request.method === 'HEAD' || status === 304
    return Promise.resolve(new Response(noBody ? null : body.slice(), { status, headers: sent }))
  }

  #answer({ method, headers: asked }: Request): FileAnswer {
    const { bytes, etag, type = 'video/mp4' } = this.file
    const size = bytes.byteLength
    const none = new Uint8Array(0)
    if (etag === undefined) return { status: 404, headers: {}, body: none }
    const ifMatch = asked.get('if-match')
    if (ifMatch !== null && ifMatch !== etag) return { status: 412, headers: {}, body: none }

    const headers = { ETag: etag, 'Content-Type': type, 'Last-Modified': 'Fri, 27 Nov 2026 08:00:00 GMT' }
    const whole = { status: 200, headers: { ...headers, 'Content-Length': String(size) }, body: bytes }
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(asked.get('range') ?? '') ?? []
    if (method !== 'GET' || first === undefined) return whole
    const [start, end] = [Number(first), Math.min(Number(last) + 1, size)]
    if (start >= size) return { status: 416, headers: { 'Content-Range': `bytes */${size}` }, body: none }
    return {
      status: 206,
      headers: {
        ...headers,
        'Content-Length': String(end - start),
        'Content-Range': `bytes ${start}-${end - 1}/${size}`,
      },
      body: bytes.slice(start, end),
    }
  }
}
