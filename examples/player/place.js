/** Whether the page keeps its hive in this browser, as it does below /local/, or uses the one on the server. */
export const IS_LOCAL = location.pathname.startsWith('/local/')

/** The URL below which entries are: on the server, or, in the browser, those for which the service worker answers. */
export const HIVE_URL = new URL('hive/', location.href).href
