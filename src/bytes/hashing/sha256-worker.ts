/**
 * The script of the worker in which a page hashes what it stores.
 *
 * @module
 */
import { answerHashRequests } from './answer-hash-requests.ts'

await answerHashRequests()
