// Files in real browsers: chosen, pasted and dropped; how far they are; removed again; sent; seen by both; without scripts.
import { after, afterEach, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { Client } from './client.js';
import { Browser, Server, axe, owner, say, sees, shot, visitor } from './kefu.js';

let server, browser, lin;
before(async () => {
  server = await Server.start();
  browser = await Browser.start();
  lin = await owner(browser, server);
});
after(async () => {
  await browser.stop();
  await server.stop();
});
afterEach(() => browser.nothingComplained());

/** A picture that can be opened: painted, or all black with so many bytes a pixel and bits a channel, its first so many bytes noise. */
function png(width = 600, height = 400, black = 0, bits = 8, noise = 0) {
  const crc = bytes => {
    let sum = ~0;
    for (const byte of bytes) for (let n = 0, c = sum = sum ^ byte; n < 8; n++) sum = c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
    return ~sum >>> 0;
  };
  const chunk = (kind, bytes) => {
    const whole = Buffer.concat([Buffer.from(kind), bytes]), length = Buffer.alloc(4), sum = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    sum.writeUInt32BE(crc(whole));
    return Buffer.concat([length, whole, sum]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width);
  head.writeUInt32BE(height, 4);
  head.set([bits, black * 8 / bits === 4 ? 6 : 2], 8);
  const rows = Buffer.alloc(height * (1 + width * (black || 3)));
  const row = 1 + width * black;
  for (let at = 0; at < noise; at++) rows[at + Math.floor(at / (row - 1)) + 1] = Math.random() * 256;
  if (!black) for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) rows.set([60 + x / 6, 120 + y / 5, 130], y * (1 + width * 3) + 1 + x * 3);
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

/** A grey photograph, which takes a few bits a block; turned by its camera, progressive, with so many bytes of remarks. */
function jpeg(width, height, { turned = false, progressive = false, remarks = 0 } = {}) {
  const segment = (marker, bytes) => Buffer.concat([Buffer.from([0xff, marker, bytes.length + 2 >> 8, bytes.length + 2 & 0xff]), Buffer.from(bytes)]);
  const one = [1, ...Array(15).fill(0), 0], parts = [1, 2, 3];
  const exif = [...Buffer.from('Exif\0\0MM\0*'), 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0];
  const blocks = Math.ceil(width / 8) * Math.ceil(height / 8) * 3;
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]), ...turned ? [segment(0xe1, exif)] : [], ...Array(Math.ceil(remarks / 60_000)).fill(segment(0xfe, Array(60_000).fill(32))),
    segment(0xdb, [0, ...Array(64).fill(1)]), segment(progressive ? 0xc2 : 0xc0, [8, height >> 8, height & 0xff, width >> 8, width & 0xff, 3, ...parts.flatMap(part => [part, 0x11, 0])]),
    segment(0xc4, [0, ...one]), segment(0xc4, [0x10, ...one]), segment(0xda, [3, ...parts.flatMap(part => [part, 0]), 0, progressive ? 0 : 63, 0]),
    Buffer.alloc(Math.ceil(blocks * (progressive ? 1 : 2) / 8)), Buffer.from([0xff, 0xd9]),
  ]);
}
const choose = (page, ...files) => page.setInputFiles('.clip input', files);
const picture = { name: '砚台.png', mimeType: 'image/png', buffer: png() };
const paper = { name: '发票 2026.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.7\n1 0 obj\n') };

/** Pastes or drops a file where somebody is. */
const give = (page, how, name, bytes) => page.evaluate(`(() => {
  const given = new DataTransfer(), box = document.getElementById('body');
  given.items.add(new File([Uint8Array.from(${JSON.stringify([...bytes])})], ${JSON.stringify(name)}, { type: 'image/png' }));
  const event = ${JSON.stringify(how)} === 'paste' ? new ClipboardEvent('paste', { clipboardData: given, bubbles: true, cancelable: true })
    : new DragEvent('drop', { dataTransfer: given, bubbles: true, cancelable: true });
  box.dispatchEvent(event);
  return event.defaultPrevented;
})()`);

async function open(words) {
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  await lin.locator('.row', { hasText: words }).click();
  await lin.locator('#conv[data-cid]').waitFor();
}

test('a visitor chooses files, takes one away, sends the rest, and both see them', async () => {
  const vera = await visitor(browser, server, '看看这个');
  const asked = [];
  vera.on('request', request => asked.push(new URL(request.url()).pathname));
  assert.ok(!asked.some(path => path.includes('/upload.')), 'what brings files is loaded with the first');
  await choose(vera, picture, paper);
  await vera.locator('.file:not(.coming) [name=file_id]').nth(1).waitFor({ state: 'attached' });
  assert.ok(asked.some(path => path.includes('/upload.')));
  await shot(vera, 'files-chips');
  assert.deepEqual(await axe(vera), []);
  await vera.locator('.file', { hasText: '发票' }).locator('.btn-i').click();
  assert.equal(await vera.locator('.file').count(), 1);
  // Nothing has to be said.
  await vera.click('form#f button.btn-p');
  const shown = vera.locator('#log .m img');
  await shown.waitFor();
  assert.equal(await vera.locator('.file').count(), 0);
  await vera.locator('.pending').waitFor({ state: 'detached' });
  assert.equal(await vera.locator('#log .m').count(), 2, 'shown once');
  await open('📎 砚台.png');
  const seen = lin.locator('ol.msgs .m img');
  await seen.waitFor();
  for (const image of [shown, seen]) {
    await image.evaluate(img => img.decode());
    assert.deepEqual(await image.evaluate(img => [img.naturalWidth, img.width, img.height]), [600, 240, 160]);
  }
  await shot(lin, 'files-desk');
  await shot(vera, 'files-visitor');
});

test('an agent pastes and drops pictures beside an answer', async () => {
  const vera = await visitor(browser, server, '有图吗');
  await open('有图吗');
  assert.equal(await give(lin, 'paste', 'shot.png', png(80, 60)), true);
  await lin.locator('.file:not(.coming)').waitFor();
  assert.equal(await give(lin, 'drop', 'drop.png', png(80, 60)), true);
  await lin.locator('.file:not(.coming)').nth(1).waitFor();
  await shot(lin, 'files-desk-chips');
  assert.deepEqual(await axe(lin), []);
  await lin.fill('#body', '给您两张图');
  await lin.keyboard.press('Enter');
  await sees(vera, '给您两张图');
  await vera.locator('#log .m img').nth(1).waitFor();
  // Words are pasted as ever.
  assert.equal(await lin.evaluate(`(() => { const event = new ClipboardEvent('paste', { clipboardData: new DataTransfer(), bubbles: true, cancelable: true }); document.getElementById('body').dispatchEvent(event); return event.defaultPrevented; })()`), false);
});

test('a file that cannot be sent says why, and what goes with it waits', async () => {
  const vera = await visitor(browser, server, '坏文件');
  await choose(vera, { name: 'x.png', mimeType: 'image/png', buffer: Buffer.from('<svg onload=alert(1)>') }, { name: 'big.txt', mimeType: 'text/plain', buffer: Buffer.alloc(20_000_001, 'x') });
  await vera.locator('.file.bad', { hasText: '不能发送网页、SVG' }).waitFor();
  await vera.locator('.file.bad', { hasText: '不能超过 20 MB' }).waitFor();
  await shot(vera, 'files-bad');
  assert.deepEqual(await axe(vera), []);
  while (await vera.locator('.file.bad').count()) await vera.locator('.file.bad .btn-i').first().click();
  await say(vera, '那算了');
  await sees(vera, '那算了');
});

test('a message waits for its files, and a photograph is made smaller before it leaves', async () => {
  const vera = await visitor(browser, server, '大照片');
  let bytes = 0;
  await vera.route('**/files', async route => {
    bytes = (route.request().postDataBuffer() || '').length;
    await new Promise(done => setTimeout(done, 400));
    await route.continue();
  });
  // So many colours that it takes more than 1 MB.
  const large = png(2400, 1800);
  const noise = Buffer.concat([large, Buffer.alloc(1_200_000)]);
  await choose(vera, { name: 'photo.png', mimeType: 'image/png', buffer: noise });
  await vera.locator('.file.coming progress').waitFor();
  await say(vera, '这张');
  await vera.locator('#log .m', { hasText: '这张' }).locator('img').waitFor();
  assert.ok(bytes > 0 && bytes < 1_000_000, `${bytes}`);
  await vera.locator('#log .m img').last().evaluate(img => img.decode());
  assert.equal(await vera.locator('#log .m img').last().evaluate(img => img.naturalWidth), 1600);
});

test('an engine too old for htmx sends a message by its form, once its files are there', async () => {
  const vera = await visitor(browser, server, '旧引擎');
  let go;
  const wait = new Promise(done => { go = done; });
  await vera.route('**/a/live.*.js', route => route.fulfill({ contentType: 'text/javascript', body: '' }));
  await vera.reload();
  await vera.route('**/files', async route => { await wait; await route.continue(); });
  await choose(vera, paper);
  await vera.locator('.file.coming').waitFor();
  await say(vera, '旧引擎的发票');
  go();
  await vera.locator('#log .m', { hasText: '旧引擎的发票' }).locator('text=发票 2026.pdf').waitFor();
});

test('files that were refused with their message come back with it', async () => {
  const vera = await visitor(browser, server, '先结束');
  await open('先结束');
  await choose(lin, picture);
  await lin.locator('.file:not(.coming)').waitFor();
  const colleague = await owner(browser, server);
  await colleague.goto(lin.url());
  await colleague.locator('.bar button.btn-p').click();
  await colleague.locator('.bar[data-state=open]').waitFor();
  await colleague.locator('.bar button.btn-p').click();
  await colleague.locator('.bar[data-state=closed]').waitFor();
  await lin.fill('#body', '太晚了');
  await lin.keyboard.press('Enter');
  await lin.locator('#problem .err').waitFor();
  await lin.waitForFunction(() => document.getElementById('body').value === '太晚了');
  assert.equal(await lin.locator('.file [name=file_id]').count(), 1);
  await colleague.locator('.bar button', { hasText: '重新打开' }).click();
  await colleague.locator('.bar[data-state=open]').waitFor();
  await lin.locator('#body').press('Enter');
  await vera.locator('#log .m', { hasText: '太晚了' }).locator('img').waitFor();
});

test('without scripts a message brings its files itself, and words outlast a file that is refused', async () => {
  const vera = await visitor(browser, server, '无脚本文件');
  const page = await browser.person({ javaScriptEnabled: false, storageState: await vera.context().storageState() });
  await page.goto(`${vera.url()}/compose`);
  await page.fill('#body', '看这两样');
  await page.setInputFiles('form#f input[type=file]', [picture, { name: 'x.svg', mimeType: 'image/svg+xml', buffer: Buffer.from('<svg/>') }]);
  await page.click('form#f button.btn-p');
  await page.locator('.err', { hasText: 'SVG' }).waitFor();
  await page.locator('.file', { hasText: '砚台.png' }).waitFor();
  assert.equal(await page.inputValue('#body'), '看这两样');
  await shot(page, 'files-compose');
  await page.setInputFiles('form#f input[type=file]', paper);
  await page.click('form#f button.btn-p');
  await page.waitForURL('**/compose');
  const sent = vera.locator('#log .m', { hasText: '看这两样' });
  await sent.locator('img').waitFor();
  await sent.locator('.doc', { hasText: '发票 2026.pdf' }).waitFor();
  assert.equal(await sent.count(), 1);
  const live = await browser.person({ javaScriptEnabled: false, storageState: await vera.context().storageState() });
  await live.goto(vera.url(), { waitUntil: 'commit' });
  await live.frameLocator('iframe.full').frameLocator('iframe.cf').locator('#body').waitFor();
  await shot(live, 'files-live');
});

test('a picture that is little to send and much to open takes at most 128 MiB, and what would take more is refused', async () => {
  const vera = await visitor(browser, server, '大图'), chat = await Client.of(server, vera), talk = new URL(vera.url()).pathname;
  const told = name => +new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${server.process.pid}/status`, 'utf8'))[1];
  // What it takes at most, beyond what it held before, in MiB.
  const takes = async bytes => {
    const before = told('VmRSS');
    writeFileSync(`/proc/${server.process.pid}/clear_refs`, '5');
    const { status } = await chat.bring(`${talk}/files`, 'x.png', bytes);
    return { status, taken: Math.round((told('VmHWM') - before) / 1024) };
  };
  for (const [what, bytes, status] of [
    ['40 megapixels', png(6_300, 6_300, 3), 200], ['30 with transparency', png(5_470, 5_470, 4), 200], ['10 of 16 bits', png(3_160, 3_160, 8, 16), 200],
    ['30 of which much is noise', png(5_470, 5_470, 4, 8, 18e6), 200],
    ['a photograph of 40', jpeg(6_300, 6_300), 200], ['one of 35 and 19 MB', jpeg(5_900, 5_900, { remarks: 19e6 }), 200], ['one of 40 and 19 MB', jpeg(6_300, 6_300, { remarks: 19e6 }), 422],
    // Turned, it would not be there twice.
    ['one of 25 that is turned', jpeg(6_000, 4_200, { turned: true }), 200],
    ['one of 12 that is progressive', jpeg(3_500, 3_500, { progressive: true }), 200], ['one of 40 that is progressive', jpeg(6_300, 6_300, { progressive: true }), 422],
    ['39 with transparency', png(6_240, 6_240, 4), 422], ['40 of 16 bits', png(6_300, 6_300, 6, 16), 422], ['41 megapixels', png(6_450, 6_450, 3), 422],
  ]) {
    const answer = await takes(bytes);
    console.log(what, JSON.stringify({ bytes: bytes.length, ...answer }));
    assert.equal(answer.status, status, what);
    assert.ok(answer.taken <= 128, `${what}: ${answer.taken} MiB`);
  }
});
