let streams: boolean | undefined

/**
 * Whether this host sends a request body while it is being made. Found out by trying, at the first upload, since no
 * property tells: Firefox takes the stream for a text, `[object ReadableStream]`, and gives it a Content-Type; WebKit
 * throws; Chromium takes it and then fails on every connection that is not HTTP/2. What tells Chromium from a server
 * is that a page may not set certain header fields (Fetch standard, "forbidden request-header"): where that rule
 * holds, the host is a browser, and none of them can be relied upon.
 */
export function sendsRequestStreams(): boolean {
  streams ??= probe()
  return streams
}

function probe(): boolean {
  const init: RequestInit & { duplex: 'half' } = {
    method: 'POST',
    body: new ReadableStream(),
    headers: { Cookie: 'a=b' },
    duplex: 'half',
  }
  try {
    const { headers } = new Request('http://localhost/', init)
    return !headers.has('content-type') && headers.has('cookie')
  } catch {
    return false
  }
}
