// A receiver of Dazno's events with fastify and ioredis: two processes on one port, commands pipelined by
// ioredis itself, one script a webhook.
//
//   PORT, REDIS_SOCKET, T4G_API_KEY, T4G_WEBHOOK_SECRET, COMMIT_LUA, RATE_COUNT, RATE_WINDOW_US
import cluster from 'node:cluster'
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import Fastify from 'fastify'
import { Redis } from 'ioredis'

const PROCESSES = 2
const KEEP_IDS_S = 30 * 86400
const { PORT, REDIS_SOCKET, T4G_API_KEY, T4G_WEBHOOK_SECRET, COMMIT_LUA, RATE_COUNT, RATE_WINDOW_US } = process.env

const digest = text => createHash('sha256').update(text).digest()
const apiKey = digest(T4G_API_KEY)
const isName = v => typeof v === 'string' && v.length > 0 && Buffer.byteLength(v) <= 256
const isCount = v => Number.isSafeInteger(v) && v >= 0
const isEmail = v => typeof v === 'string' && v.length <= 320 && v.split('@').length === 2
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

const payment = (direction, e, at) => ({
  history: `payments:${e.user_id}`,
  record: `payment:${direction}:${e.payment_hash}`,
  entry: JSON.stringify({ direction, amount_msat: e.amount_msat, payment_hash: e.payment_hash, event_id: e.id, at }),
  effect: ['add', e.user_id, e.amount_msat, `${direction}_msat`, `${direction}_count`]
})
const isPayment = e => isCount(e.amount_msat) && isName(e.payment_hash)

const TYPES = new Map([
  ['user.created', { valid: e => isEmail(e.email), plan: (e, at) => ({ effect: ['newer', 'email', e.email, 'created_at', at] }) }],
  ['user.updated', { valid: () => true, plan: (e, at) => ({ effect: ['newer', 'changed_at', at] }) }],
  ['lightning.payment_received', { valid: isPayment, plan: (e, at) => payment('received', e, at) }],
  ['lightning.payment_sent', { valid: isPayment, plan: (e, at) => payment('sent', e, at) }],
  ['t4g.balance_updated', { valid: e => isCount(e.new_balance), plan: e => ({ effect: ['newer', 'balance', e.new_balance] }) }],
  ['gamification.level_up', {
    valid: e => isCount(e.new_level) && isCount(e.points),
    plan: (e, at) => ({
      history: `levels:${e.user_id}`,
      entry: JSON.stringify({ level: e.new_level, points: e.points, event_id: e.id, at }),
      effect: ['newer', 'level', e.new_level, 'points', e.points]
    })
  }]
])

function serve () {
  const redis = new Redis({ path: REDIS_SOCKET, enableAutoPipelining: true })
  redis.defineCommand('commit', { numberOfKeys: 6, lua: readFileSync(COMMIT_LUA, 'utf8') })
  const app = Fastify({ logger: false, bodyLimit: 1048576 })

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => done(null, body))

  const refuse = (reply, status, detail) => reply.code(status).send({ received: false, detail })

  app.post('/api/webhooks/dazno', async (request, reply) => {
    const { 'x-api-key': key, 'x-t4g-signature': signature } = request.headers
    if (typeof key !== 'string' || !timingSafeEqual(digest(key), apiKey)) return refuse(reply, 401, 'Unauthorized')
    const mac = createHmac('sha256', T4G_WEBHOOK_SECRET).update(request.body).digest('hex')
    const right = Buffer.from(`sha256=${mac}`)
    const shown = Buffer.from(signature ?? '')
    if (shown.length !== right.length || !timingSafeEqual(shown, right)) return refuse(reply, 401, 'Unauthorized')

    let event
    try {
      event = JSON.parse(request.body)
    } catch {
      return refuse(reply, 400, 'not JSON')
    }
    const type = TYPES.get(event?.event_type)
    const stampUs = TIME.test(event?.timestamp) ? Date.parse(event.timestamp) * 1000 : NaN
    if (!type || !isName(event.id) || !isName(event.source) || !isName(event.user_id) || !Number.isFinite(stampUs) ||
      !type.valid(event)) return refuse(reply, 400, 'not a valid event')

    const { history = '', record = '', entry = '', effect } = type.plan(event, event.timestamp)
    let outcome, at
    try {
      [outcome, at] = await redis.commit(
        `id:${event.id}`, 'rate', 'events', `user:${event.user_id}`, history, record,
        mac, RATE_COUNT, RATE_WINDOW_US, KEEP_IDS_S, event.id, event.event_type, request.body, stampUs, entry, ...effect)
    } catch {
      return refuse(reply, 503, 'the store is away')
    }
    if (outcome === 'conflict') return refuse(reply, 409, 'known id, another body')
    if (outcome === 'limited') {
      reply.header('retry-after', Math.ceil(at / 1e6))
      return refuse(reply, 429, 'too many')
    }
    if (outcome === 'duplicate') reply.header('idempotent-replayed', 'true')
    return { received: true, webhook_id: event.id, processed_at: new Date(at / 1000).toISOString() }
  })

  app.listen({ port: Number(PORT), host: '127.0.0.1', backlog: 1024 })
}

if (cluster.isPrimary) {
  for (let i = 0; i < PROCESSES; i++) cluster.fork()
} else {
  serve()
}
