// How long an agent waits for what she pressed to be painted: with 200 rows in the list and 500 messages in the
// conversation, no kind of act takes longer than 100 ms (Event Timing: from the input to the next paint).
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { Client, each } from './client.js';
import { BIN, Browser, Server } from './kefu.js';

const LIMIT = 100, TURNS = 7, ROWS = 200, MESSAGES = 500;
let server, browser, lin;
before(async () => {
  server = await Server.start(folder => {
    const sown = execFileSync(BIN, ['seed', '--data-dir', folder, '--conversations', '300', '--agents', '1', '--open', '230', '--entries', '4'], { stdio: ['ignore', 'pipe', 'ignore'] }).toString();
    lin = { email: 'agent1@seed.example', password: /password (\S+)/.exec(sown)[1] };
  });
  browser = await Browser.start();
});
after(async () => {
  await browser.stop();
  await server.stop();
});

/** Remembers how long each interaction took: what one press brings about counts once, by its slowest event. */
function observe() {
  window.interactions = new Map();
  new PerformanceObserver(list => {
    for (const { interactionId, duration, name } of list.getEntries()) {
      if (interactionId) interactions.set(interactionId, { duration: Math.max(duration, interactions.get(interactionId)?.duration ?? 0), name });
    }
  }).observe({ type: 'event', durationThreshold: 16, buffered: true });
}

/** Two frames later everything that was pressed has been painted, and a task later it has been told. */
const painted = page => page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50)))));

test(`every act is painted within ${LIMIT} ms`, async t => {
  const page = await browser.person({ viewport: { width: 1440, height: 860 } });
  await page.addInitScript(observe);
  await page.goto(`${server.url}/login`);
  await page.fill('#email', lin.email);
  await page.fill('#password', lin.password);
  await page.click('main form button.btn-p');
  await page.waitForURL('**/desk/c?**');
  const desk = await Client.of(server, page);
  const id = await page.locator('.row').first().getAttribute('id').then(id => id.slice(2));
  const held = /data-seq="(\d+)"(?![^]*data-seq="\d+")/.exec((await desk.get(`/desk/c/${id}/messages?after=0`)).text)[1];
  await each(Array(MESSAGES - held).fill(), async (_, n) => {
    const { status } = await desk.post(`/desk/c/${id}/messages`, { nonce: `p${n}`, kind: 'text', body: `第 ${n} 条：订单已经在杭州仓打包完成，预计今天 18:00 前揽收，单号会短信发给您。` });
    assert.equal(status, 303);
  });
  await page.goto(`${server.url}/desk/c/${id}?tab=mine`);
  // What changed just now comes by the stream as well, also below the first page.
  assert.ok(await page.locator('.row').count() >= ROWS);
  for (let shown = 0; (shown = await page.locator('.msgs > [data-seq]').count()) < MESSAGES;) {
    await page.locator('#pin').evaluate(pin => { pin.scrollTop = -pin.scrollHeight; });
    await page.waitForFunction(shown => document.querySelectorAll('.msgs > [data-seq]').length > shown, shown);
  }
  assert.ok(await page.locator('.msgs > [data-seq]').count() >= MESSAGES);
  await page.locator('#pin').evaluate(pin => { pin.scrollTop = pin.scrollHeight; });

  const slow = [];
  /** Does something several times, each painted before the next; what else has to be done for that is not counted. */
  async function measure(what, act, between = async () => {}) {
    let took;
    // What else the machine does passes; what is slow by itself is slow three times.
    for (let round = 0; round < 3; round++) {
      took = await turns(act, between);
      t.diagnostic(`${what}: median ${took[TURNS >> 1]} ms, worst ${took.at(-1)} ms`);
      if (took[TURNS >> 1] <= LIMIT) return;
    }
    slow.push(`${what}: ${took} ms`);
  }
  /** How long each turn took, the shortest first. */
  async function turns(act, between) {
    const took = [];
    for (let turn = 0; turn < TURNS; turn++) {
      await painted(page);
      await page.evaluate('interactions.clear()');
      await act(turn);
      await painted(page);
      const all = await page.evaluate('[...interactions.values()].map(({ duration }) => duration)');
      // What takes less than a frame is not even told.
      took.push(Math.max(0, ...all));
      await between(turn);
    }
    return took.sort((a, b) => a - b);
  }

  const body = page.locator('#body');
  await body.click();
  await measure('type into the composer', () => page.keyboard.type('您好 ok', { delay: 30 }));
  await body.fill('');
  await measure('send', async turn => {
    await page.keyboard.type(`好的 ${turn}`);
    await page.keyboard.press('Enter');
  }, () => page.waitForFunction(() => document.getElementById('body').value === '' && !document.querySelector('.m.pending')));
  const menu = page.locator('.conv .bar details.menu');
  await measure('open the menu', () => menu.locator('summary').click(), async () => {
    assert.ok(await menu.evaluate(menu => menu.open));
    await page.keyboard.press('Escape');
  });
  await measure('open the menu of a message', () => page.locator('.m .menu-of').last().click(), async () => {
    await page.locator('#entry-menu > *').first().waitFor();
    await page.keyboard.press('Escape');
  });
  await page.locator('#pin').click({ position: { x: 5, y: 5 } });
  /** Whether the long conversation is open, or another one; the list knows it too. */
  const opened = wanted => page.waitForFunction(([id, wanted]) => {
    const { cid } = document.getElementById('conv').dataset, row = document.querySelector('.row[aria-current]');
    return row?.id === `c-${cid}` && (cid === id) === wanted;
  }, [id, wanted]);
  /** The long conversation again. */
  const back = async () => {
    await opened(false);
    await page.locator(`#c-${id}`).click();
    await opened(true);
    await page.locator('#pin').click({ position: { x: 5, y: 5 } });
  };
  await measure('press j', () => page.keyboard.press('j'), back);
  await page.keyboard.press('j');
  await opened(false);
  await measure('press k', () => page.keyboard.press('k'), async () => {
    await opened(true);
    await page.keyboard.press('j');
    await opened(false);
  });
  await measure('click a row', turn => page.locator(`.row:not(#c-${id})`).nth(turn + 3).click(), back);
  // That the clock runs at all: a press that keeps the page busy is seen.
  await page.evaluate(() => document.addEventListener('keydown', () => { for (const end = performance.now() + 150; performance.now() < end;); }));
  await page.evaluate('interactions.clear()');
  await page.keyboard.press('Shift');
  await painted(page);
  assert.ok(await page.evaluate('Math.max(0, ...[...interactions.values()].map(({ duration }) => duration))') > LIMIT, 'a press that takes longer is seen');
  assert.deepEqual(slow, []);
  browser.nothingComplained();
});
