import type { IncomingMessage, Server, ServerResponse } from 'node:http'

/**
 * Makes a server send "100 Continue" only when the body of a request is first read. A handler that checks authorization
 * and conditions first can then refuse a request before its body is sent.
 */
export function continueWhenRead(server: Server): void {
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    const keepsAlive = response.shouldKeepAlive
    // After an answer without "100 Continue", the client may or may not send the body (RFC 9110, section 10.1.1).
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
