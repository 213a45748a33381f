/**
 * A `fetch` for uploads that reports its progress. It uses XMLHttpRequest, because the browser's own `fetch` does not.
 *
 * @param {(share: number) => void} onProgress gets 0 to 1
 * @returns {(url: string, init: RequestInit) => Promise<Response>}
 */
export function fetchWithProgress(onProgress) {
  return (url, init) => {
    const { method = 'GET', body, signal } = init
    if (!(body instanceof Blob) && !ArrayBuffer.isView(body)) return fetch(url, init)
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest()
      request.open(method, url)
      request.responseType = 'blob'
      for (const [name, value] of new Headers(init.headers)) {
        // XMLHttpRequest logs an error for headers that only the browser may set.
        if (name !== 'accept-encoding') request.setRequestHeader(name, value)
      }
      request.upload.addEventListener('progress', ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 1))
      request.addEventListener('load', () => resolve(responseOf(request)))
      request.addEventListener('error', () => reject(new TypeError('the connection broke off')))
      request.addEventListener('abort', () => reject(signal?.reason))
      signal?.addEventListener('abort', () => request.abort())
      if (signal?.aborted) reject(signal.reason)
      else request.send(body)
    })
  }
}

/** @param {XMLHttpRequest} request */
function responseOf(request) {
  const headers = new Headers()
  for (const line of request.getAllResponseHeaders().trim().split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  const { status, statusText } = request
  // The Fetch standard does not allow a body with these.
  const body = [204, 205, 304].includes(status) ? null : request.response
  return new Response(body, { status, statusText, headers })
}
