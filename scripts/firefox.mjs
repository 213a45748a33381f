/**
 * Options for launching Debian's Firefox with playwright. A Firefox that is driven captures the stack of every promise, for
 * its developer tools, which takes a third of the CPU time of a page's tests.
 */
export const FIREFOX_LAUNCH = {
  executablePath: '/usr/bin/firefox-esr',
  channel: 'moz-firefox',
  firefoxUserPrefs: { 'javascript.options.asyncstack': false },
}
