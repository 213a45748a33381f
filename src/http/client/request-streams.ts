import { isBrowser } from './is-browser.ts'

let streams: boolean | undefined

/**
 * Whether this host sends a request body while it is being made. This is tried out at the first upload, since there is
 * no property to look at: Firefox converts the stream to a string, `[object ReadableStream]`, and gives it a
 * Content-Type; WebKit throws; Chromium takes it, and then fails on every connection that is not HTTP/2. So browsers cannot
 * be relied upon here.
 */
export function sendsRequestStreams(): boolean {
  streams ??= !isBrowser() && probe()
  return streams
}

let refuses: boolean | undefined

/** Whether this host can treat a redirect as an error, which workerd does not implement: it throws. */
export function canRefuseRedirects(): boolean {
  refuses ??= probeRedirects()
  return refuses
}

function probeRedirects(): boolean {
  try {
    return new Request('http://localhost/', { redirect: 'error' }).redirect === 'error'
  } catch {
    return false
  }
}

function probe(): boolean {
  const init: RequestInit & { duplex: 'half' } = {
    method: 'POST',
    body: new ReadableStream(),
    duplex: 'half',
  }
  try {
    return !new Request('http://localhost/', init).headers.has('content-type')
  } catch {
    return false
  }
}
