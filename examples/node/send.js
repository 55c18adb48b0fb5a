#!/usr/bin/env node
// Sends one signed event with axios. The address, the key and the secret come from the environment:
// T4G_WEBHOOK_URL, T4G_API_KEY, T4G_WEBHOOK_SECRET. The event comes from standard input; if that is empty, one
// is made up.
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const axios = require('axios');

function sample() {
  return Buffer.from(JSON.stringify({
    id: `node-${crypto.randomUUID()}`,
    timestamp: new Date().toISOString(),
    source: 'dazno',
    event_type: 'user.created',
    user_id: 'node',
    email: 'node@example.com',
  }));
}

async function main() {
  const { T4G_WEBHOOK_URL: url, T4G_API_KEY: apiKey, T4G_WEBHOOK_SECRET: secret } = process.env;
  for (const [name, value] of Object.entries({
    T4G_WEBHOOK_URL: url, T4G_API_KEY: apiKey, T4G_WEBHOOK_SECRET: secret,
  })) {
    if (!value) {
      console.error(`${name} is not set`);
      return 2;
    }
  }

  const input = process.stdin.isTTY ? Buffer.alloc(0) : fs.readFileSync(0);
  const body = input.length > 0 ? input : sample();
  // [docs
  const signature = crypto.createHmac('sha256', secret).update(body).digest('hex');
  // docs]
  let response;
  try {
    // [docs
    // A Buffer is sent as it is; an object would be serialised again, perhaps to other bytes.
    response = await axios.post(url, body, {
      headers: {
        'Content-Type': 'application/json',
        'x-api-key': apiKey,
        'x-t4g-signature': `sha256=${signature}`,
      },
      responseType: 'text',
      timeout: 10000,
      validateStatus: () => true,
    });
    // docs]
  } catch (error) {
    console.error(`${url}: ${error.message}`);
    return 2;
  }
  console.log(response.status);
  console.log(response.data);
  return response.status >= 200 && response.status < 300 ? 0 : 1;
}

main().then((code) => { process.exitCode = code; });
