/** What a page does not need. Without it, a start takes a fifth less of its five seconds of CPU time. */
const WITHOUT_EXTRAS = {
  'app.normandy.enabled': false,
  'browser.formautofill.enabled': false,
  'browser.ml.enable': false,
  'browser.newtabpage.enabled': false,
  'browser.pagethumbnails.capturing_disabled': true,
  'browser.sessionstore.enabled': false,
  'browser.translations.enable': false,
  'browser.urlbar.quicksuggest.enabled': false,
  'datareporting.healthreport.uploadEnabled': false,
  'dom.ipc.processPrelaunch.enabled': false,
  'extensions.enabledScopes': 0,
  'extensions.ml.enabled': false,
  'messaging-system.rsexperimentloader.enabled': false,
  'places.history.enabled': false,
  'screenshots.browser.component.enabled': false,
  'telemetry.fog.test.localhost_port': -1,
  'toolkit.telemetry.enabled': false,
  'toolkit.telemetry.unified': false,
}

/** For measuring: without this, `performance.now()` has steps of a millisecond. */
export const PRECISE_CLOCK = { 'privacy.reduceTimerPrecision': false }

/**
 * Options for launching Debian's Firefox with playwright. A Firefox that is driven captures the stack of every promise, for
 * its developer tools, which takes a third of the CPU time of a page's tests.
 */
export const FIREFOX_LAUNCH = {
  executablePath: '/usr/bin/firefox-esr',
  channel: 'moz-firefox',
  firefoxUserPrefs: { ...WITHOUT_EXTRAS, 'javascript.options.asyncstack': false },
}
