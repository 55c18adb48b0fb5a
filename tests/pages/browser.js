// Opens the pages in headless Chromium, in light and dark, narrow and wide, and looks for what is wrong:
// requests to elsewhere, messages on the console, what axe finds, pages wider than the screen.
//
//     node browser.js CHROMIUM URL FOLDER SCHEME WIDTH [SCHEME WIDTH]...
//
// URL: up to /docs and /status. Screenshots go to FOLDER. Prints `pass ...` or `fail ...` lines, and what
// the chart shows as `chart NAME NUMBER`.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const modules = path.join(__dirname, '../../build/npm/pages/node_modules');
const { chromium } = require(path.join(modules, 'playwright-core'));
const axe = fs.readFileSync(path.join(modules, 'axe-core/axe.min.js'), 'utf8');

const [executable, url, folder, ...looks] = process.argv.slice(2);

function tell(good, what, detail) {
  console.log(`${good ? 'pass' : 'fail'} ${what}${good ? '' : `: ${String(detail).replace(/\s+/g, ' ').slice(0, 500)}`}`);
}

// The page as anybody gets it, its policy in force and without scripts.
async function visit(browser, name, scheme, width) {
  const what = `${name}, ${scheme}, ${width} wide`;
  const context = await browser.newContext({
    colorScheme: scheme, viewport: { width, height: 900 }, javaScriptEnabled: false,
  });
  const page = await context.newPage();
  const trouble = [];
  page.on('console', (m) => trouble.push(m.text()));
  page.on('pageerror', (e) => trouble.push(e.message));
  page.on('request', (r) => { if (r.url() !== `${url}/${name}` && !r.url().startsWith('data:')) trouble.push(`asks for ${r.url()}`); });
  page.on('requestfailed', (r) => trouble.push(`${r.url()} failed`));
  const answer = await page.goto(`${url}/${name}`);
  tell(answer.status() === 200, `${what}: is there`, answer.status());
  await page.screenshot({ path: path.join(folder, `${name}-${scheme}-${width}.png`), fullPage: true });
  tell(trouble.length === 0, `${what}: no outside request, no message on the console`, trouble.join('; '));
  await context.close();
}

// axe is a script, which the policy would forbid: it alone is let in.
async function examine(browser, name, scheme, width) {
  const what = `${name}, ${scheme}, ${width} wide`;
  const context = await browser.newContext({ colorScheme: scheme, viewport: { width, height: 900 }, bypassCSP: true });
  const page = await context.newPage();
  await page.goto(`${url}/${name}`);
  await page.evaluate(() => document.querySelectorAll('details').forEach((d) => { d.open = true; }));
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  tell(wider <= 0, `${what}: no wider than the screen`, wider);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  tell(violations.length === 0, `${what}: axe finds nothing`,
    violations.map((v) => `${v.id} ${v.nodes[0].html} ${v.nodes[0].failureSummary}`).join('; '));
  await context.close();
}

// Every stop of the Tab key is seen, and there is one for each link and each part that scrolls.
async function keyboard(browser, name) {
  const context = await browser.newContext({ bypassCSP: true });
  const page = await context.newPage();
  await page.goto(`${url}/${name}`);
  await page.evaluate(() => document.querySelectorAll('details').forEach((d) => { d.open = true; }));
  const stops = await page.evaluate(() => document.querySelectorAll('a[href], summary, [tabindex="0"]').length);
  const seen = new Set();
  let dim = 0;
  for (let i = 0; i < stops; i += 1) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const e = document.activeElement;
      const style = getComputedStyle(e);
      return { html: e === document.body ? '' : `${e.outerHTML.slice(0, 200)}${e.getBoundingClientRect().top}`, outline: style.outlineStyle };
    });
    seen.add(at.html);
    if (at.outline === 'none') dim += 1;
  }
  tell(seen.size === stops && !seen.has('') && dim === 0, `${name}: the keyboard reaches all that can be used, and it shows where it is`,
    `${seen.size} of ${stops}, ${dim} unseen`);
  await context.close();
}

// The sums of the chart's columns as their titles tell them, and the share of each in what is drawn.
async function chart(browser) {
  const context = await browser.newContext({ bypassCSP: true });
  const page = await context.newPage();
  await page.goto(`${url}/status`);
  const sums = await page.evaluate(() => {
    const total = {};
    for (const title of document.querySelectorAll('.chart svg title')) {
      for (const part of title.textContent.split(': ').slice(1).join('').split(', ')) {
        const [, number, name] = /^([\d\u202f]+) (\w+)$/.exec(part) || [];
        if (name) total[name] = (total[name] || 0) + Number(number.replace(/\u202f/g, ''));
      }
    }
    return total;
  });
  for (const [name, number] of Object.entries(sums)) console.log(`chart ${name} ${number}`);
  const drawn = await page.evaluate(() => [...document.querySelectorAll('.chart svg g')].every((g) => {
    const [, parts] = g.querySelector('title').textContent.split(': ');
    const told = parts ? parts.split(', ').length : 0;
    return g.querySelectorAll('rect:not(.slot)').length === told;
  }));
  tell(drawn, 'the chart draws what its titles tell');
  await context.close();
}

(async () => {
  const browser = await chromium.launch({ executablePath: executable, args: ['--no-sandbox'] });
  for (const name of ['status', 'docs']) {
    for (let i = 0; i < looks.length; i += 2) {
      await visit(browser, name, looks[i], Number(looks[i + 1]));
      await examine(browser, name, looks[i], Number(looks[i + 1]));
    }
    await keyboard(browser, name);
  }
  await chart(browser);
  await browser.close();
})();
