// Sends the examples of /docs/openapi.json to the server that it came from, and compares the answers with
// those that stand there: status, media type, headers both ways, body.
//
//     node examples.js URL PHASE CHECKED
//
// PHASE: `up`, with the store at work; `away`, without it; `cgi`, under plain CGI; `lacking`, at last: prints
// `lacks ...` for what stands in the document and was compared in none of them. What was compared is
// added to the file CHECKED, one line each; a line `pass ...` or `fail ...` is printed for each.
'use strict';

const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');

const modules = path.join(__dirname, '../../build/npm/pages/node_modules');
const Ajv = require(path.join(modules, '@redocly/ajv/dist/2020')).default;

const [url, phase, checked] = process.argv.slice(2);
const secure = { 'X-Forwarded-Proto': 'https' };
// What comes from the web server, or is part of HTTP.
const serversOwn = new Set(['date', 'server', 'connection', 'keep-alive', 'content-length', 'content-type',
  'transfer-encoding', 'accept-ranges', 'upgrade', 'vary']);

function request(method, target, headers, body) {
  return new Promise((resolve, reject) => {
    const sent = http.request(url + target, { method, headers, timeout: 20000 }, (r) => {
      const parts = [];
      r.on('data', (part) => parts.push(part));
      r.on('end', () => resolve({ status: r.statusCode, headers: r.headers, body: Buffer.concat(parts).toString() }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

function hmac(key, body) {
  return crypto.createHmac('sha256', key).update(body).digest('hex');
}

// The headers of a signed request, by the security schemes that the path asks for.
function signed(operation, body) {
  const headers = { ...secure, 'Content-Type': 'application/json' };
  for (const name of Object.keys(operation.security[0] || {})) {
    const header = api.components.securitySchemes[name].name;
    if (name === 't4g_api_key') headers[header] = process.env.T4G_API_KEY;
    if (name === 't4g_signature') headers[header] = `sha256=${hmac(process.env.T4G_WEBHOOK_SECRET, body)}`;
    if (name === 'airtable_signature') {
      headers[header] = `hmac-sha256=${hmac(Buffer.from(process.env.WEBHOOK_SECRET, 'hex'), body)}`;
    }
  }
  return headers;
}

function resolved(o) {
  return o && o.$ref ? o.$ref.slice(2).split('/').reduce((at, key) => at[key], api) : o;
}

// The answer is what the document has for this status under this name (undefined: no example).
function compare(target, method, answer, status, name, may = []) {
  assert.strictEqual(answer.status, status, answer.body);
  const documented = api.paths[target][method].responses[status];
  assert.ok(documented, `${status} is not documented`);
  const headers = Object.keys(documented.headers).map((h) => h.toLowerCase());
  for (const h of Object.keys(answer.headers)) {
    assert.ok(serversOwn.has(h) || headers.includes(h), `the header ${h} is not documented`);
  }
  for (const h of headers) {
    assert.ok(h in answer.headers || may.includes(h), `the header ${h} is lacking`);
  }
  const content = documented.content || {};
  const [type] = (answer.headers['content-type'] || '').split(';');
  const key = Object.keys(content).find((k) => k.split(';')[0] === type);
  if (Object.keys(content).length === 0) {
    assert.strictEqual(answer.body, '');
    return;
  }
  assert.ok(key, `the media type ${type} is not documented`);
  if (!type.endsWith('json')) return;
  const body = JSON.parse(answer.body);
  const validate = ajv.compile({ ...content[key].schema, components: api.components });
  assert.ok(validate(body), JSON.stringify(validate.errors));
  if (name === undefined) return;
  const { value } = content[key].examples[name];
  if (value.processed_at) {
    assert.match(body.processed_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    body.processed_at = value.processed_at;
  }
  assert.deepStrictEqual(body, value);
}

async function check(target, method, status, name, send, may) {
  const what = [target, method, status, name || ''].join(' ').trim();
  try {
    compare(target, method, await send(), status, name, may);
    console.log(`pass ${what}`);
  } catch (e) {
    console.log(`fail ${what}: ${e.message.replace(/\s+/g, ' ').slice(0, 400)}`);
  }
  fs.appendFileSync(checked, `${what}\n`);
}

// What leads to each answer whose example has no request of its own.
function circumstances(target, operation, first) {
  const post = (body, more) => request('POST', target, { ...signed(operation, body), ...more }, body);
  const payment = (id, amount) => `{"id":"${id}","timestamp":"2025-10-15T10:30:00Z","source":"dazno",`
    + `"event_type":"lightning.payment_received","user_id":"rich","amount_msat":${amount},"payment_hash":"${id}"}`;
  const other = first.replace(/"event_type":"[^"]*"/, '"event_type":"user.vanished"').replace('example-', 'other-');
  return {
    duplicate: () => post(first),
    method: () => request('PUT', target, secure, 'x'),
    plain_http: () => post(first, { 'X-Forwarded-Proto': 'http' }),
    media_type: () => post(first, { 'Content-Type': 'text/plain' }),
    empty_body: () => post(''),
    too_large: () => post(' '.repeat(1024 * 1024 + 1)),
    unauthorized: () => request('POST', target, signed(operation, `${first} `), first),
    unknown_type: () => post(other),
    conflict: () => post(first.replace('}', ' }')),
    overflow: async () => {
      await post(payment('rich-1', '9223372036854775807'));
      return post(payment('rich-2', '1'));
    },
    fault: () => post(first.replace(/"user_id":"[^"]*"/, '"user_id":"damaged"').replace('example-', 'damaged-')),
    rate_limit: async () => {
      let answer;
      for (let i = 0; i < 50; i += 1) {
        // eslint-disable-next-line no-await-in-loop
        answer = await post(first.replace('example-', `many-${i}-`));
        if (answer.status !== 200) break;
      }
      return answer;
    },
  };
}

async function webhooks(target, operation) {
  const [type] = Object.keys(operation.requestBody.content);
  const { examples } = operation.requestBody.content[type];
  const first = JSON.stringify(Object.values(examples)[0].value);
  const post = (body) => request('POST', target, signed(operation, body), body);
  const may = ['idempotent-replayed', 'x-content-type-options'];
  const late = ['rate_limit']; // after it nothing else is accepted

  for (const [name, example] of Object.entries(examples)) {
    const known = Object.values(operation.responses[200].content || {}).some((c) => name in c.examples);
    await check(target, 'post', 200, known ? name : undefined, () => post(JSON.stringify(example.value)), may);
  }
  const how = circumstances(target, operation, first);
  const todo = [];
  for (const [status, response] of Object.entries(operation.responses)) {
    for (const content of Object.values(response.content || {})) {
      for (const [name, example] of Object.entries(content.examples || {})) {
        const send = example['x-request'] ? () => post(example['x-request'].body) : how[name];
        // A user whose state is damaged is what the test has made ready; pings have no users.
        if (name === 'fault' && !first.includes('user_id')) continue;
        if (send && !(name in examples)) todo.push([Number(status), name, send, name === 'duplicate' ? [] : may]);
      }
    }
  }
  todo.sort((a, b) => late.includes(a[1]) - late.includes(b[1]));
  for (const [status, name, send, optional] of todo) await check(target, 'post', status, name, send, optional);
}

async function reading(target, item) {
  const token = { ...secure, Authorization: `Bearer ${process.env.GUICHET_METRICS_TOKEN}` };
  const etag = (await request('GET', target, token)).headers.etag;

  for (const method of ['get', 'head']) {
    const send = (headers, verb = method.toUpperCase()) => request(verb, target, headers);
    const { responses } = item[method];
    const example = method === 'get' && Object.values(responses[200].content)[0].examples ? 'found' : undefined;
    const named = (status, name) => [status, method === 'get' ? name : undefined];
    await check(target, method, 200, example, () => send(token));
    if (responses[304]) await check(target, method, 304, undefined, () => send({ ...token, 'If-None-Match': etag }));
    if (responses[401]) await check(target, method, ...named(401, 'token'), () => send(secure));
    if (responses[403]) await check(target, method, ...named(403, 'plain_http'), () => send({ ...token, 'X-Forwarded-Proto': 'http' }));
    if (method === 'get') await check(target, method, 405, 'method', () => send(token, 'DELETE'));
  }
}

async function up() {
  for (const [target, item] of Object.entries(api.paths)) {
    if (item.post) await webhooks(target, item.post);
    else await reading(target, item);
  }
  // In another alphabet of metrics, too.
  await check('/api/metrics', 'get', 200, undefined, () => request('GET', '/api/metrics', {
    ...secure, 'x-api-key': process.env.GUICHET_METRICS_TOKEN, Accept: 'application/openmetrics-text;version=1.0.0',
  }));
}

async function away() {
  for (const [target, item] of Object.entries(api.paths)) {
    if (!item.post) continue;
    const [type] = Object.keys(item.post.requestBody.content);
    const body = JSON.stringify(Object.values(item.post.requestBody.content[type].examples)[0].value);
    await check(target, 'post', 503, 'unavailable', () => request('POST', target, signed(item.post, body), body),
      ['ratelimit', 'ratelimit-policy']);
  }
  await check('/api/health', 'get', 503, 'down', () => request('GET', '/api/health', {}));
  await check('/api/health', 'head', 503, undefined, () => request('HEAD', '/api/health', {}));
  for (const target of ['/status', '/status.json']) {
    await check(target, 'get', 200, undefined, () => request('GET', target, {}));
  }
}

async function cgi() {
  for (const [target, item] of Object.entries(api.paths)) {
    if (!item.post) continue;
    await check(target, 'post', 411, 'no_length', () => request('POST', target,
      { ...signed(item.post, 'x'), 'Transfer-Encoding': 'chunked' }, 'x'));
  }
}

// What stands in the document and no phase has compared.
function lacking() {
  const done = new Set(fs.readFileSync(checked, 'utf8').split('\n'));
  for (const [target, item] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      for (const [status, response] of Object.entries(operation.responses)) {
        const names = Object.values(response.content || {}).flatMap((c) => Object.keys(c.examples || {}));
        for (const name of names.length > 0 ? names : ['']) {
          const what = [target, method, status, name].join(' ').trim();
          if (!done.has(what)) console.log(`lacks ${what}`);
        }
      }
    }
  }
}

let api;
let ajv;

(async () => {
  const document = await request('GET', '/docs/openapi.json', secure);
  api = JSON.parse(document.body);
  ajv = new Ajv({ strict: false, validateFormats: false });
  await { up, away, cgi, lacking }[phase]();
})();
