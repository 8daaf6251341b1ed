// A real server, a real browser, and the people of the tests: Lin works here, visitors come and go.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import assert from 'node:assert/strict';
import { CspEvaluator } from 'csp_evaluator/dist/evaluator.js';
import { Severity } from 'csp_evaluator/dist/finding.js';
import { CspParser } from 'csp_evaluator/dist/parser.js';
import { chromium } from 'playwright-core';

export const BIN = process.env.KEFU_BIN ?? 'target/debug/kefu';
// Pictures take their time, so they are drawn if somebody is going to look at them.
const SHOTS = process.env.KEFU_SHOTS;
const AXE = readFileSync(new URL('./node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
// A page that never ends never says that its fonts are there.
process.env.PW_TEST_SCREENSHOT_NO_FONTS_READY = '1';
export const OWNER = { name: '林小雨', email: 'lin@shop.example', password: 'correct horse battery' };

/** A port that nobody listens on, and below those that the system gives to connections and to whoever asks for any. */
export async function freePort() {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 10_000), server = createServer();
    const free = await new Promise(done => server.once('error', () => done(false)).listen(port, '127.0.0.1', () => done(true)));
    if (!free) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** One installation; `restart` starts it again over the same data. */
export class Server {
  /** `sow` may put something into its folder first; `more` is told to it as well. */
  static async start(sow = () => {}, more = []) {
    const server = new Server();
    server.more = more;
    server.folder = mkdtempSync(join(tmpdir(), 'kefu-browser-'));
    sow(server.folder);
    server.port = await freePort();
    server.url = `http://127.0.0.1:${server.port}`;
    await server.up();
    return server;
  }
  async up() {
    const args = ['--data-dir', this.folder, '--listen', `127.0.0.1:${this.port}`, '--rate-limits', 'off', ...this.more];
    this.process = spawn(BIN, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    for await (const line of createInterface({ input: this.process.stdout })) {
      if (line.startsWith('setup: ')) this.setup = line.slice(7);
      if (line.startsWith('setup: ') || line.endsWith('/desk')) return;
    }
    throw new Error(`kefu did not come up at ${this.url}`);
  }
  async down(signal = 'SIGTERM') {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill(signal);
    await once(this.process, 'exit');
  }
  async stop() {
    await this.down('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The ports of pages that are not ours, such as a customer's. */
export const strangers = new Set();

const TOLD = {
  'x-content-type-options': 'nosniff', 'referrer-policy': 'same-origin', 'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};
/** What a page of ours with these headers allows that it need not (T36). */
export function lacks(headers) {
  const policy = headers['content-security-policy'] ?? '';
  // Whose pages may show ours is what an owner typed, and http in tests. What may be in doubt is `'self'`: no script of ours answers what is asked of it, and what
  // people brought is no script.
  const found = new CspEvaluator(new CspParser(policy).csp).evaluate()
    .filter(({ severity, directive }) => severity < Severity.MEDIUM_MAYBE && directive !== 'frame-ancestors');
  const missing = Object.keys(TOLD).filter(name => headers[name] !== TOLD[name]);
  // What goes on for ever may not be packed by a proxy either.
  if (!/^no-store(, no-transform)?$/.test(headers['cache-control'])) missing.push('cache-control');
  if (!/camera=\(\)/.test(headers['permissions-policy'])) missing.push('permissions-policy');
  if (!/; frame-ancestors '(none|self)'/.test(policy)) missing.push('frame-ancestors');
  return [...found.map(({ directive, description }) => `${directive}: ${description}`), ...missing.map(name => `no ${name}`)];
}

// Chromium, and the same without windows of its own, whose drawing takes nearly half of the processor's time.
const WHOLE = process.env.CHROMIUM ?? '/usr/bin/chromium', SHELL = process.env.CHROMIUM_SHELL ?? '/usr/bin/chromium-headless-shell';

/** A browser; every page in it must run without a violation of its policy and without an error, and every page of ours say what it should. */
export class Browser {
  /** For our chat on pages of somebody else: it gives third parties no cookies, as the windows of a browser do. */
  static whole(flags, options) {
    return Browser.start(flags, options, WHOLE);
  }
  /** `flags` are Chromium's, `options` those of everybody's window. */
  static async start(flags = [], options = {}, executablePath = SHELL) {
    const browser = new Browser();
    browser.options = options;
    browser.chromium = await chromium.launch({
      executablePath,
      args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
        '--disable-background-networking', '--disable-component-update', '--disable-sync', ...flags],
    });
    browser.complaints = [];
    return browser;
  }
  /** A person's window: `options` are Playwright's, such as `javaScriptEnabled`. */
  async person(options = {}) {
    const context = await this.chromium.newContext({ locale: 'zh-CN', timezoneId: 'Asia/Shanghai', viewport: { width: 390, height: 844 }, ...this.options, ...options });
    context.setDefaultTimeout(30_000);
    await context.addInitScript(() => addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => console.error(`Content Security Policy: ${effectiveDirective} ${blockedURI}`)));
    context.on('response', response => {
      const headers = response.headers(), ours = response.request().resourceType() === 'document' && !strangers.has(+new URL(response.url()).port);
      // A proxy that reaches nobody has pages of its own.
      if (!ours || response.status() >= 500 || !headers['content-type']?.startsWith('text/html')) return;
      this.complaints.push(...lacks(headers).map(what => `${response.url()}: ${what}`));
    });
    context.on('page', page => {
      page.on('console', message => {
        const text = message.text();
        if (/Content Security Policy|Refused to/i.test(text)) this.complaints.push(text);
      });
      page.on('pageerror', error => this.complaints.push(String(error)));
    });
    return await context.newPage();
  }
  nothingComplained() {
    assert.deepEqual(this.complaints, []);
  }
  async stop() {
    await this.chromium.close();
  }
}

/** The owner makes an account and stands at the desk. */
export async function owner(browser, server, options = {}) {
  const page = await browser.person({ viewport: { width: 1440, height: 860 }, ...options });
  if (server.owned) {
    await page.goto(`${server.url}/login`);
  } else {
    await page.goto(server.setup);
    await page.fill('#name', OWNER.name);
    server.owned = true;
  }
  await page.fill('#email', OWNER.email);
  await page.fill('#password', OWNER.password);
  await page.click('main form button.btn-p');
  await page.waitForURL(url => !['/setup', '/login'].includes(url.pathname));
  await page.goto(`${server.url}/desk/c?tab=queue`);
  return page;
}

/** A visitor opens the chat and says something. */
export async function visitor(browser, server, first, options = {}) {
  const page = await browser.person(options);
  await page.goto(`${server.url}/w/demo`);
  await say(page, first);
  await page.waitForURL('**/c/**');
  return page;
}

/** Types into the composer and sends. */
export async function say(page, words) {
  await page.fill('#body', words);
  await page.click('form#f button.btn-p');
}

/** The texts of the messages that a page shows, in its order. */
export function messages(page) {
  return page.locator('ol.msgs .m .b').allTextContents();
}

/** Does what leads to another page, which may have the address of this one, and waits until that is there. */
export async function leads(page, act) {
  const there = page.waitForEvent('domcontentloaded');
  await act();
  await there;
}

/** Waits until a message stands in the page. */
export async function sees(page, words) {
  await page.locator('ol.msgs .m .b', { hasText: words }).last().waitFor();
}

export async function shot(page, name) {
  if (!SHOTS) return;
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`) });
  // Playwright leaves empty styles at fields whose caret it hid; htmx would hand them on to the next ones.
  await page.evaluate(() => document.querySelectorAll('[style=""]').forEach(field => field.removeAttribute('style')));
}

const RULES = { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] };
/** Of these, what depends on colours: all that is new in a page that was looked at in the other theme. */
export const COLOURS = { type: 'rule', values: ['color-contrast', 'link-in-text-block'] };

/** What axe finds wrong with a page or a frame, or with a part of it. */
export async function axe(page, part = 'html', rules = RULES) {
  // Through the debugger's own world, which the page's policy does not bind.
  if (await page.evaluate('typeof axe') === 'undefined') await page.evaluate(AXE);
  const found = await page.evaluate(`axe.run(${JSON.stringify(part)}, { runOnly: ${JSON.stringify(rules)}, resultTypes: ['violations'] })`);
  return found.violations.map(({ id, impact, nodes }) => `${id} (${impact}): ${nodes.map(node => node.html.slice(0, 160)).join(' | ')}`);
}
