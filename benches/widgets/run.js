#!/usr/bin/env node
// What a chat costs the page it stands on, beside the built widgets that npm carries, in turns within one run, nine rounds;
// writes the table into docs/performance.md. Wants target/release/kefu, Chromium, and `npm ci` in tests/browser.
//
// A rival's files are served from here, packed as a CDN would (Brotli 11), and embedded as its own documentation says. Its
// server is not there: what it would fetch from it comes on top. kefu is the whole product, as released.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { tell } from '../tell.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
process.env.KEFU_BIN ??= join(ROOT, 'target/release/kefu');
const { BIN, Browser, Server } = await import('../../tests/browser/kefu.js');
const ROUNDS = 9, STORE = join(ROOT, 'target/benches/widgets');

/** What each package is, and how a page carries it: files are under /name/. */
const RIVALS = [
  {
    name: 'Rocket.Chat Livechat', package: '@rocket.chat/livechat', version: '1.13.3', files: 'build', what: 'support chat of Rocket.Chat; its last build on npm',
    page: `<script>window.RocketChat = call => RocketChat._.push(call); RocketChat._ = []; RocketChat.url = location.origin + '/livechat';</script>
      <script async src="/livechat/rocketchat-livechat.min.js"></script>`,
    at: 'livechat',
  },
  {
    name: 'Rasa Webchat', package: 'rasa-webchat', version: '1.0.1', files: 'lib', what: 'bubble for bots of Rasa',
    page: '<script async src="/rasa/index.js" onload="WebChat.default({ customData: {}, socketUrl: location.origin }, null)"></script>', at: 'rasa',
  },
  {
    name: 'Flowise Embed', package: 'flowise-embed', version: '3.1.6', files: 'dist', what: 'bubble for bots of Flowise',
    page: `<script type="module">import Chatbot from '/flowise/web.js'; Chatbot.init({ chatflowid: 'agent', apiHost: location.origin });</script>`, at: 'flowise',
  },
  {
    name: 'Bot Framework Web Chat, minimal', package: 'botframework-webchat', version: '4.18.1', files: 'dist', what: 'Microsoft’s; stands in the page, not in a bubble',
    page: `<div id="chat"></div><script src="/botframework/webchat-minimal.js"></script>
      <script>WebChat.renderWebChat({ directLine: WebChat.createDirectLine({ token: 'x', domain: location.origin }) }, document.getElementById('chat'))</script>`, at: 'botframework',
  },
  {
    name: 'Deep Chat', package: 'deep-chat', version: '2.4.2', files: 'dist', what: 'a chat element; stands in the page',
    page: '<deep-chat></deep-chat><script type="module" src="/deep/deepChat.bundle.js"></script>', at: 'deep',
  },
];

/** A package's files as npm has them. */
function unpacked({ package: name, version, files }) {
  const folder = join(STORE, `${name.replace('/', '+')}@${version}`);
  if (!existsSync(join(folder, 'package'))) {
    mkdirSync(folder, { recursive: true });
    const file = execFileSync('npm', ['pack', '--silent', `${name}@${version}`], { cwd: folder, encoding: 'utf8' }).trim();
    execFileSync('tar', ['xzf', file], { cwd: folder });
  }
  return join(folder, 'package', files);
}

const TYPES = { '.js': 'text/javascript', '.css': 'text/css', '.html': 'text/html', '.svg': 'image/svg+xml' };

/** A shop: pages that carry nothing, kefu or a rival, and the rivals' files. */
function shop(kefu) {
  const folders = Object.fromEntries(RIVALS.map(rival => [rival.at, unpacked(rival)])), packed = new Map();
  const pages = Object.fromEntries([['nothing', ''], ['kefu', `<script async src="${kefu}/w/shop.js"></script>`], ...RIVALS.map(({ at, page }) => [at, page])]);
  return createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://shop'), [, first, ...rest] = pathname.split('/');
    const carried = first === 'page' ? pages[rest[0]] : undefined;
    if (carried !== undefined) {
      response.setHeader('content-type', 'text/html');
      return response.end(`<!doctype html><title>Shop</title><meta name="viewport" content="width=device-width"><h1>Tea</h1><p>Cups, pots.</p>${carried}`);
    }
    const file = folders[first] && join(folders[first], normalize('/' + (rest.join('/') || 'index.html')));
    if (!file || !existsSync(file)) {
      response.statusCode = 404;
      return response.end();
    }
    if (!packed.has(file)) packed.set(file, brotliCompressSync(readFileSync(file)));
    response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'content-encoding': 'br' });
    response.end(packed.get(file));
  });
}

/** One view of a page on a phone at a quarter of the speed: what came over the line, and how long its main thread was busy. */
async function view(browser, url, more = async () => {}) {
  const page = await browser.person(), client = await page.context().newCDPSession(page);
  let requests = 0, bytes = 0;
  client.on('Network.requestWillBeSent', () => { requests++; });
  client.on('Network.loadingFinished', ({ encodedDataLength }) => { bytes += encodedDataLength; });
  for (const what of ['Network', 'Performance']) await client.send(`${what}.enable`);
  await client.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  await page.goto(url, { waitUntil: 'networkidle' });
  await more(page);
  const { metrics } = await client.send('Performance.getMetrics');
  const busy = metrics.find(({ name }) => name === 'TaskDuration').value * 1000;
  await page.context().close();
  return { requests, bytes, busy };
}

const median = values => values.toSorted((a, b) => a - b)[values.length >> 1];
const spread = values => `${Math.round(median(values))} (${Math.round(Math.min(...values))}–${Math.round(Math.max(...values))})`;

const kefu = await Server.start(), browser = await Browser.whole(), host = shop(kefu.url).listen(0, '127.0.0.1');
try {
  await once(host, 'listening');
  const origin = `http://127.0.0.1:${host.address().port}`, at = `${origin}/page/`, seen = {};
  execFileSync(BIN, ['site', 'add', '--data-dir', kefu.folder, '--name', 'Shop', '--key', 'shop', '--origin', origin]);
  const sides = ['nothing', 'kefu', ...RIVALS.map(rival => rival.at)];
  await view(browser, `${at}nothing`);
  for (let round = 0; round < ROUNDS; round++) {
    for (const side of sides) (seen[side] ??= []).push(await view(browser, at + side));
    (seen.opened ??= []).push(await view(browser, `${at}kefu`, async page => {
      await page.locator('kefu-chat button').click();
      const frame = await (await page.locator('kefu-chat iframe').elementHandle()).contentFrame();
      await frame.locator('#body').waitFor();
      await frame.waitForLoadState('networkidle');
    }));
  }
  const nothing = key => median(seen.nothing.map(one => one[key]));
  const each = (views, key) => views.map(one => Math.max(0, one[key] - nothing(key)));
  const row = (name, what, views) =>
    `| ${name} | ${what} | ${median(each(views, 'requests'))} | ${(median(each(views, 'bytes')) / 1000).toFixed(1)} | ${spread(each(views, 'busy'))} |`;
  const table = [
    '| | | requests | KB | main thread, ms |', '|---|---|---|---|---|',
    `| the page alone | | | | ${spread(seen.nothing.map(one => one.busy))} |`,
    row('**kefu**', 'closed, as on each page view', seen.kefu), row('**kefu**', 'opened as well: the whole chat', seen.opened),
    ...RIVALS.map(rival => row(`${rival.name} ${rival.version}`, rival.what, seen[rival.at])),
  ].join('\n');
  console.log(table);
  tell('widgets', 'benches/widgets/run.js', `Chromium ${browser.chromium.version()}. Medians of ${ROUNDS} rounds, everything in turns (lowest–highest).\n\n${table}`);
} finally {
  host.close();
  await browser.stop();
  await kefu.stop();
}
