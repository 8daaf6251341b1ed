// Hostile strings as message, name and page title: nothing runs, nothing is requested, no event is forged, nothing htmx
// would act on survives.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { Browser, Server, messages, owner, say, sees, visitor } from './kefu.js';

const HOSTILE = [
  'a\rdata: forged\r\rid: 9:999\revent: bye\rdata: x\r\r', 'a\r\n\r\nevent: reset\r\ndata: x', 'a\n\nid: 9:999\n\n', '\u2028event: bye\u2028', ': comment\nretry: 0',
  '<img src=x onerror=hacked()>', '<img src=x onerror="hacked()">', '<script>hacked()</script>', '<script src=//evil.example></script>',
  '<svg onload=hacked()>', '<svg><script>hacked()</script></svg>', '<body onload=hacked()>', '<iframe src="javascript:hacked()"></iframe>',
  '<a href="javascript:hacked()">x</a>', 'javascript:hacked()', 'JaVaScRiPt:hacked()', 'java\tscript:hacked()', 'data:text/html,<script>hacked()</script>',
  'https://a.example/"onmouseover="hacked()', "https://a.example/'onmouseover='hacked()", 'https://a.example/<script>hacked()</script>', 'https://javascript:hacked()@a.example',
  'http://a.example/`onclick=hacked()`', 'mailto:"onmouseover="hacked()"@a.example', '" autofocus onfocus=hacked() x="', "' autofocus onfocus=hacked() x='",
  '<div hx-get="/logout" hx-trigger="load">x</div>', '<div data-hx-get="/logout" data-hx-trigger="load"></div>', '<hx-partial hx-target="body" hx-swap="innerHTML">gone</hx-partial>',
  '<hx-upsert hx-target="#log" key="data-seq"><li id="m-1" data-seq="1">forged</li></hx-upsert>', '<template hx type="partial" hx-target="body">x</template>',
  '<div hx-on:load="hacked()">', '<div hx-sse:connect="/c/x/events">', '<form action=//evil.example><button>x', '<button form="f" name="body" value="forged">x</button>',
  '<meta http-equiv="refresh" content="0;url=//evil.example">', '<base href="//evil.example/">', '<link rel=stylesheet href=//evil.example/x.css>', '<style>*{display:none}</style>',
  '<textarea>', '</textarea><script>hacked()</script>', '</li></ol><script>hacked()</script>', '</title><script>hacked()</script>', '<!--', '-->', '<![CDATA[', ']]>',
  '{{7*7}}', '{% include "x" %}', '${hacked()}', '#{hacked()}', '<%= hacked() %>', '{{constructor.constructor("hacked()")()}}',
  '&lt;script&gt;hacked()&lt;/script&gt;', '&#60;img src=x onerror=hacked()&#62;', '%3Cscript%3Ehacked()%3C/script%3E', '\\u003cscript\\u003ehacked()\\u003c/script\\u003e',
  '<math><mtext><table><mglyph><style><img src=x onerror=hacked()>', '<noscript><p title="</noscript><img src=x onerror=hacked()>">', '<details open ontoggle=hacked()>', '<video><source onerror=hacked()>',
  '<input autofocus onfocus=hacked()>', '<marquee onstart=hacked()>', '<object data="javascript:hacked()">', '<embed src="javascript:hacked()">', '<x onclick=hacked()>click',
  '\u202Etxt.exe', '\u200B\u200B\u200B', 'A'.repeat(4000), '𝕳𝖆𝖈𝖐', '👩‍👩‍👧‍👦'.repeat(50), "Robert'); DROP TABLE entry;--", '%s%s%s%n', '../../../../etc/passwd', 'NULL', 'undefined',
];

let server, browser;
before(async () => {
  server = await Server.start();
  browser = await Browser.start();
});
after(async () => {
  await browser.stop();
  await server.stop();
});

/** Counts every script of ours that a string managed to run, and every request that leaves the house. */
async function watched(page) {
  const caught = [];
  await page.exposeFunction('hacked', () => caught.push('a script ran'));
  page.on('dialog', dialog => { caught.push('a dialog'); dialog.dismiss(); });
  page.on('request', request => {
    const url = new URL(request.url());
    if (['http:', 'https:'].includes(url.protocol) && url.origin !== server.url) caught.push(`asked for ${request.url()}`);
    if (url.pathname === '/logout') caught.push('signed out');
  });
  return caught;
}

test(`${HOSTILE.length} strings as messages, both ways, by stream and by page`, async () => {
  const lin = await owner(browser, server);
  const vera = await visitor(browser, server, '开始');
  const caught = [...await Promise.all([watched(lin), watched(vera)])];
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  await lin.locator('.row').click();
  await sees(lin, '开始');
  const url = new URL(vera.url()).pathname;
  const desk = new URL(lin.url()).pathname;
  for (const [n, text] of HOSTILE.entries()) {
    // Not through the box, which would tidy the text up first.
    for (const [page, path] of [[vera, url], [lin, desk]]) {
      const status = await page.evaluate(`fetch(${JSON.stringify(`${path}/messages`)}, { method: 'POST', body: new URLSearchParams({ nonce: 'h${n}', body: ${JSON.stringify(text)} }) }).then(answer => answer.status)`);
      assert.ok([200, 422].includes(status), `${status} for ${text.slice(0, 60)}`);
    }
  }
  await say(vera, '结束');
  await sees(lin, '结束');
  await sees(vera, '结束');
  assert.deepEqual(await messages(lin), await messages(vera), 'both see the same');
  const streamed = await messages(vera);
  assert.ok(streamed.length > HOSTILE.length * 2 - 20, `${streamed.length}`);
  const numbers = await vera.locator('#log > [data-seq]').evaluateAll(all => all.filter(el => el.id !== 'read').map(el => +el.dataset.seq));
  assert.deepEqual(numbers, numbers.map((_, n) => n + 1), 'no entry was forged, none is missing');
  await vera.reload();
  await lin.reload();
  const drawn = await messages(vera);
  assert.deepEqual(drawn, streamed.slice(-drawn.length), 'the page says what the stream said');
  for (const page of [vera, lin]) {
    assert.equal(await page.locator('.b script, .b img, .b svg:not(.more svg), .b iframe, .b form, .b [hx-get], .b [onclick], .b [onerror], .b button, .b style').count(), 0);
    const hrefs = await page.locator('.b a:not(.more)').evaluateAll(all => all.map(a => a.protocol));
    assert.deepEqual(hrefs.filter(protocol => !['http:', 'https:', 'mailto:'].includes(protocol)), []);
  }
  assert.deepEqual(caught.flat(), []);
  browser.nothingComplained();
});

test('strings as an agent\'s name and so in titles, headings and event lines', async () => {
  const lin = await owner(browser, server);
  const vera = await visitor(browser, server, '名字');
  const caught = [...await Promise.all([watched(lin), watched(vera)])];
  for (const text of HOSTILE.filter(text => text.length <= 60 && !/[\r\n\t]/.test(text)).slice(0, 40)) {
    await lin.goto(`${server.url}/desk/me`);
    await lin.fill('#name', text);
    await lin.click('form[action$=profile] button');
    await lin.waitForURL('**/desk/me**');
  }
  await lin.goto(`${server.url}/desk/me`);
  await lin.fill('#name', '<img src=x onerror=hacked()>');
  await lin.click('form[action$=profile] button');
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  await lin.locator('.row').last().click();
  await lin.locator('.bar button', { hasText: '接入' }).click();
  await vera.locator('.sys', { hasText: '<img src=x' }).waitFor();
  await vera.reload();
  assert.equal(await vera.locator('h1').textContent(), '<img src=x onerror=hacked()> · 青禾商城');
  await lin.goto(`${server.url}/desk/c?tab=all`);
  assert.deepEqual(caught.flat(), []);
  browser.nothingComplained();
});
