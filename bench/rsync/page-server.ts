import { createReadStream } from 'node:fs'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import type { Message, Plan } from './host.ts'

const PAGE = '<!doctype html><meta charset="utf-8"><title>bench</title><script type="module" src="/bench.js"></script>'

/** A server for one page, reachable only from this machine. */
export interface PageServer {
  /** URL of the page. */
  readonly url: string
  /** Stops the server and closes its connections. */
  close(): void
}

/** Serves a page that runs the file `script`, with everything it needs for `plan`, and receives its messages. */
export async function servePage(
  script: string,
  plan: Plan,
  onMessage: (message: Message) => void,
): Promise<PageServer> {
  const files = new Map([['/bench.js', script]])
  const publish = (path: string): string => {
    const url = `/${files.size}`
    files.set(url, path)
    return url
  }
  const corpora = plan.corpora.map(({ name, basis, edited }) => ({
    name,
    basis: publish(basis),
    edited: publish(edited),
  }))
  const texts = new Map([
    ['/', { type: 'text/html', body: PAGE }],
    ['/plan', { type: 'application/json', body: JSON.stringify({ ...plan, corpora }) }],
  ])

  const server = createServer((request, response) => {
    const url = request.url!
    const file = files.get(url)
    const known = texts.get(url)
    if (file !== undefined) {
      response.setHeader('Content-Type', file === script ? 'text/javascript' : 'application/octet-stream')
      pipeline(createReadStream(file), response).catch(() => response.destroy())
    } else if (known) {
      response.setHeader('Content-Type', known.type).end(known.body)
    } else if (url === '/message') {
      takeMessage(request, onMessage).then(
        () => response.end(),
        () => response.destroy(),
      )
    } else {
      response.writeHead(404).end()
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function takeMessage(request: IncomingMessage, onMessage: (message: Message) => void): Promise<void> {
  onMessage(JSON.parse(await text(request)) as Message)
}
