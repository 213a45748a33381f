// The types that the page's modules name in their comments.
export type { Entry, EntryInfo, Hive, HttpHiveOptions } from 'combstream'
export type { Delivery, HiveWorker } from 'combstream/service-worker'
