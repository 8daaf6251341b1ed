// Somebody else's pages, on which the chat stands, and their server, which says who is signed in there.
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import { strangers } from './kefu.js';

/** Pages of a shop: `/?key=…` brings the line, with what else is asked for. */
export async function shop(server) {
  const pages = http.createServer((request, answer) => {
    const { pathname, searchParams: asked } = new URL(request.url, 'http://x'), at = asked.get('at') ?? server.url;
    if (pathname === '/slow.js') return answer.setHeader('Content-Type', 'text/javascript').end();
    // Without the line: a bare page, or the chat in a frame that needs no script of the page.
    const frame = asked.has('frame') ? `<iframe src="${at}/w/${asked.get('frame')}?mode=embed" width="384" height="640"></iframe>` : '';
    const line = asked.has('key') ? `<script async src="${at}/w/${asked.get('key')}.js"${asked.get('more') ?? ''}></script>` : frame;
    // What stands before the line: the page's own style, and what its script asks of the chat before that is there.
    const theme = asked.has('theme') ? `<style>${asked.get('theme')}</style><div id="wpadminbar">WordPress</div>` : '';
    const early = `${theme}${asked.has('early') ? `<script>window.kefu=window.kefu||function(){(kefu.q=kefu.q||[]).push([].slice.call(arguments))};${asked.get('early')}</script>` : ''}`;
    if (asked.has('policy')) answer.setHeader('Content-Security-Policy', asked.get('policy').replaceAll('KEFU', at));
    // Or the line comes first of all, and a script of the page after it keeps the body waiting.
    const first = asked.has('first') ? `${line}<script src="/slow.js"></script></head><body>` : '';
    answer.setHeader('Content-Type', 'text/html; charset=utf-8').end(`<!doctype html><html lang="${asked.get('lang') ?? 'zh-CN'}">
<meta name="viewport" content="width=device-width"><title>${asked.get('title') ?? '青花瓷杯'}</title>${first}${early}<main><h1>青花瓷杯</h1><p>¥ 128</p>
<a href="${at}/w/${asked.get('key')}" data-kefu-open>联系客服</a> <button type="button" id="buy">购买</button></main>
${first ? '' : line}</html>`);
  }).listen(0);
  await once(pages, 'listening');
  strangers.add(pages.address().port);
  return { port: pages.address().port, close: () => pages.close() };
}

/** A token of the shop's own server. */
export function signed(secret, claims) {
  const encode = value => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ exp: Math.floor(Date.now() / 1000) + 600, ...claims })}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/** What a site's tokens are signed with, made by the owner. */
export async function secret(lin, server, key) {
  await lin.goto(`${server.url}/desk/settings/sites/${key}/identity`);
  await lin.locator('[value=make]').click();
  await lin.locator('[value=show]').click();
  return lin.locator('#secret-1').inputValue();
}
