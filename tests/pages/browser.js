// Opens the pages in headless Chromium, in light and dark, narrow and wide, and looks for what is wrong:
// requests to elsewhere, messages on the console, scripts, what axe finds, pages wider than the screen, links
// that lead nowhere.
//
//     node browser.js CHROMIUM URL [SCHEME WIDTH]... [FILE]...
//
// URL: up to /docs and /status. Without a look at them it only opens them and follows their links. A FILE is a
// page that was kept, such as that of another state; it gets the first look and the last. With SHOTS in the
// environment screenshots go to that folder. Prints `pass ...` or `fail ...` lines, and what the chart shows as
// `chart NAME NUMBER`.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const modules = path.join(__dirname, '../../build/npm/pages/node_modules');
const { chromium } = require(path.join(modules, 'playwright-core'));
const axe = fs.readFileSync(path.join(modules, 'axe-core/axe.min.js'), 'utf8');

const [executable, url, ...rest] = process.argv.slice(2);
const files = rest.filter((arg) => arg.startsWith('/'));
const looks = rest.filter((arg) => !arg.startsWith('/'));
const folder = process.env.SHOTS;
const pages = [...['status', 'docs'].map((name) => ({ name, address: `${url}/${name}` })),
  ...files.map((file) => ({ name: path.basename(file, '.html'), address: `file://${file}` }))];

function tell(good, what, detail) {
  console.log(`${good ? 'pass' : 'fail'} ${what}${good ? '' : `: ${String(detail).replace(/\s+/g, ' ').slice(0, 500)}`}`);
}

// The page as anybody gets it, its policy in force. What is looked for is added to it by the debugger, which no
// policy binds; that it has no script of its own is what `scripts` tells.
async function open(context, { name, address }) {
  const page = await context.newPage();
  const trouble = [];
  page.on('console', (m) => trouble.push(m.text()));
  page.on('pageerror', (e) => trouble.push(e.message));
  page.on('request', (r) => { if (r.url() !== address && !r.url().startsWith('data:')) trouble.push(`asks for ${r.url()}`); });
  page.on('requestfailed', (r) => trouble.push(`${r.url()} failed`));
  const answer = await page.goto(address);
  if (address.startsWith('http')) tell(answer.status() === 200, `${name}: is there`, answer.status());
  const scripts = await page.evaluate(() => document.scripts.length
    + document.evaluate('count(//@*[starts-with(name(), "on")])', document).numberValue);
  tell(scripts === 0 && trouble.length === 0, `${name}: no script, no outside request, no message on the console`,
    `${scripts} scripts; ${trouble.join('; ')}`);
  return page;
}

async function examine(page, { name }, scheme, width) {
  const what = `${name}, ${scheme}, ${width} wide`;
  await page.setViewportSize({ width, height: 900 });
  if (folder) await page.screenshot({ path: path.join(folder, `${name}-${scheme}-${width}.png`), fullPage: true });
  await page.evaluate(() => document.querySelectorAll('details').forEach((d) => { d.open = true; }));
  const wider = await page.evaluate(() => [document.documentElement, ...document.querySelectorAll('.wide')]
    .filter((e) => e.scrollWidth > e.clientWidth).map((e) => `${e.ariaLabel} ${e.scrollWidth - e.clientWidth}`));
  tell(wider.length === 0, `${what}: nothing is wider than the screen`, wider.join(', '));
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run({ resultTypes: ['violations'] }));
  tell(violations.length === 0, `${what}: axe finds nothing`,
    violations.map((v) => `${v.id} ${v.nodes[0].html} ${v.nodes[0].failureSummary}`).join('; '));
}

// Every stop of the Tab key is seen, and there is one for each link and each part that scrolls.
async function keyboard(page, { name }) {
  const stops = await page.evaluate(() => {
    document.querySelectorAll('details').forEach((d) => { d.open = true; });
    window.scrollTo(0, 0);
    window.reached = [];
    document.addEventListener('focusin', (e) => {
      window.reached.push([e.target, getComputedStyle(e.target).outlineStyle]);
    });
    return document.querySelectorAll('a[href], summary, [tabindex="0"]').length;
  });
  for (let i = 0; i < stops; i += 1) await page.keyboard.press('Tab');
  const { reached, dim } = await page.evaluate(() => ({
    reached: new Set(window.reached.map(([e]) => e)).size,
    dim: window.reached.filter(([, outline]) => outline === 'none').length,
  }));
  tell(reached === stops && dim === 0, `${name}: the keyboard reaches all that can be used, and it shows where it is`,
    `${reached} of ${stops}, ${dim} unseen`);
}

async function links(page, { name, address }) {
  const targets = await page.evaluate(() => [...document.querySelectorAll('a[href]')].map((a) => a.href));
  const lost = [];
  for (const target of new Set(targets)) {
    const [file, anchor] = target.split('#');
    if (file !== address) {
      const answer = await page.context().request.get(file);
      if (!answer.ok()) lost.push(`${target} ${answer.status()}`);
    } else if (anchor && await page.locator(`[id="${anchor}"]`).count() !== 1) lost.push(target);
  }
  tell(targets.length > 1 && lost.length === 0, `${name}: its links lead somewhere`, lost.join(', '));
}

// The sums of the chart's columns as their titles tell them, and the share of each in what is drawn.
async function chart(page) {
  const sums = await page.evaluate(() => {
    const total = {};
    for (const title of document.querySelectorAll('.plot title')) {
      for (const part of title.textContent.split(': ').slice(1).join('').split(', ')) {
        const [, number, name] = /^([\d\u202f]+) (\w+)$/.exec(part) || [];
        if (name) total[name] = (total[name] || 0) + Number(number.replace(/\u202f/g, ''));
      }
    }
    return total;
  });
  for (const [name, number] of Object.entries(sums)) console.log(`chart ${name} ${number}`);
  const drawn = await page.evaluate(() => [...document.querySelectorAll('.plot g')].every((g) => {
    const [, parts] = g.querySelector('title').textContent.split(': ');
    const told = parts ? parts.split(', ').length : 0;
    return g.querySelectorAll('path:not(.slot)').length === told;
  }));
  tell(drawn, 'the chart draws what its titles tell');
}

(async () => {
  const browser = await chromium.launch({ executablePath: executable, args: ['--no-sandbox'] });
  const context = await browser.newContext();
  for (const one of pages) {
    const page = await open(context, one);
    if (one.address.startsWith('http')) await links(page, one);
    const step = one.address.startsWith('http') ? 2 : Math.max(2, looks.length - 2);
    for (let i = 0; i < looks.length; i += step) {
      await page.emulateMedia({ colorScheme: looks[i] });
      await examine(page, one, looks[i], Number(looks[i + 1]));
    }
    if (looks.length > 0) await keyboard(page, one);
    if (looks.length > 0 && one.name === 'status') await chart(page);
    await page.close();
  }
  await browser.close();
})();
