/**
 * The script of the worker in which a page hashes what it stores.
 *
 * @module
 */
import { answerHashRequests } from './answer-hash-requests.ts'

// Not awaited, because bundlers may make a classic worker of this. If it fails, the page goes on hashing by itself.
void answerHashRequests()
