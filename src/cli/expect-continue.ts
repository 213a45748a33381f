import type { IncomingMessage, Server, ServerResponse } from 'node:http'

/**
 * Has a server send "100 Continue" when somebody begins to read the body of a request, and not before: whoever looks at
 * rights and conditions first refuses a body before it is sent.
 */
export function continueWhenRead(server: Server): void {
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    const keepsAlive = response.shouldKeepAlive
    // After an answer without "100 Continue" nobody knows whether the body follows (RFC 9110, section 10.1.1).
    response.shouldKeepAlive = false
    const onListener = (event: string | symbol): void => {
      if (event !== 'data' && event !== 'readable') return
      request.off('newListener', onListener)
      if (response.headersSent) return
      response.shouldKeepAlive = keepsAlive
      response.writeContinue()
    }
    request.on('newListener', onListener)
    server.emit('request', request, response)
  })
}
