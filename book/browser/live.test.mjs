// A chapter's kernel runs in its page once the reader asks for it, and the reader can look into the machine and change it.
// What the machine itself does is tested without a browser: book/live.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { faults } from './axe.mjs';
import { BOOK, CHAPTERS, open, THEMES, visit, WIDTHS } from './book.mjs';

/** What chapter 9 may load, in bytes, if the server compresses it as servers do. */
const MOST_BYTES = 700_000;
const FIGURES = new URL('../figures/', import.meta.url);
const figure = name => readFileSync(new URL(name, FIGURES), 'utf8');
/** Longer than any kernel here takes, even on a busy machine. */
const PATIENCE = { timeout: 60_000 };
const SUCCESS = /The kernel has ended, and reports success/;

let book;

before(async () => {
    book = await open();
});
after(() => book?.close());

/** A test with a page; `loaded` gathers the scripts of the machine that the page has loaded. */
const it = (what, page, options, check) => test(`the kernel in its page: ${what}`, async () => {
    const { tab, complaints, close } = await visit(book, `${page}.html`, options);
    const loaded = [];
    tab.on('request', request => {
        if (new URL(request.url()).pathname.startsWith('/live/')) {
            loaded.push(new URL(request.url()).pathname);
        }
    });
    try {
        await check(tab, loaded);
        assert.ok(complaints.length === 0, complaints.join('\n'));
    } finally {
        await close();
    }
});

const button = (tab, name) => tab.locator('.live').getByRole('button', { name, exact: true });
const status = tab => tab.locator('.live-status');

async function says(tab, words) {
    await tab.waitForFunction(words => new RegExp(words).test(document.querySelector('.live-status').textContent), words.source, PATIENCE);
}

async function start(tab) {
    await button(tab, 'Run the kernel here').click();
    await says(tab, /^(Stopped|The kernel has ended)/);
}

/** Runs to the end, and returns the log as `make figures` writes it. */
async function finish(tab) {
    // A kernel without moments has come to its end already.
    if (!SUCCESS.test(await status(tab).textContent())) {
        await button(tab, 'Run on').click();
    }
    await says(tab, SUCCESS);
    return logOf(tab);
}

async function logOf(tab) {
    const log = await tab.locator('.live-log').textContent();
    return log.split('\n').map(line => line.trimEnd()).join('\n');
}

for (const page of CHAPTERS) {
    const number = page.slice(0, 2);
    it(`chapter ${number} prints its log`, page, {}, async (tab, loaded) => {
        await start(tab);
        assert.equal(await finish(tab), figure(`${number}-log.txt`));
        assert.deepEqual(loaded.map(path => path.slice(6)).sort(), [`${number}.js`, 'drawing.js', 'live.js', 'v86.js']);
    });
}

it('nothing is loaded before the reader asks, neither for pointing nor for the focus', '09-multitasking', {}, async (tab, loaded) => {
    await button(tab, 'Run the kernel here').hover();
    await button(tab, 'Run the kernel here').focus();
    await tab.waitForTimeout(300);
    assert.deepEqual(loaded, []);
    await start(tab);
    const bytes = loaded.map(path => gzipSync(readFileSync(join(BOOK, path)), { level: 9 }).length);
    const sum = bytes.reduce((sum, next) => sum + next);
    assert.ok(sum <= MOST_BYTES, `${loaded.join(', ')}: ${bytes.join(' + ')} = ${sum} bytes`);
});

it('the four pictures of the fork are the printed ones, moment by moment', '09-multitasking', {}, async tab => {
    const names = [1, 2, 3, 4].map(number => `09-fork-${number}`);
    await start(tab);
    for (const [at, name] of names.entries()) {
        if (at > 0) {
            await button(tab, 'Next →').click();
        }
        await tab.waitForFunction(name => document.querySelector(`#picture-${name}`).matches('.is-live'), name, PATIENCE);
        const [printed, live] = await tab.evaluate(([name, text]) => {
            const shapes = svg => Array.from(svg.querySelectorAll('rect, path, line, text'), shape => shape.outerHTML.replace(/ (role|tabindex|aria-label)="[^"]*"/g, ''));
            const parsed = new DOMParser().parseFromString(text.replace(/<\?xml[^>]*\?>/, ''), 'text/html').querySelector('svg');
            return [shapes(parsed), shapes(document.querySelector(`#picture-${name} svg`))];
        }, [name, figure(`${name}.svg`)]);
        assert.deepEqual(live, printed, name);
    }
    await button(tab, 'Start again').click();
    await says(tab, /has not begun/);
    assert.equal(await tab.locator('.is-live').count(), 0);
});

it('it works from a disk as well', '09-multitasking', {}, async tab => {
    await tab.goto(pathToFileURL(join(BOOK, '09-multitasking.html')).href);
    await start(tab);
    assert.equal(await finish(tab), figure('09-log.txt'));
});

it('keys that are typed into a field do not turn the page, and those of the stepper step', '09-multitasking', {}, async tab => {
    await start(tab);
    await tab.locator('.live-ask summary').click();
    const field = tab.locator('.live-ask input').first();
    await field.fill('0xc000010c');
    for (const key of ['ArrowLeft', 'ArrowRight', 's', '/']) {
        await field.press(key);
    }
    await tab.waitForTimeout(300);
    assert.match(tab.url(), /09-multitasking/);
    assert.equal(await tab.locator('#mdbook-search-wrapper:not(.hidden)').count(), 0);
    await button(tab, 'Next →').focus();
    await tab.keyboard.press('ArrowRight');
    await says(tab, /^Stopped: After the fork/);
});

it('an address is walked in the tables of both tasks', '09-multitasking', {}, async tab => {
    await start(tab);
    await button(tab, 'Next →').click();
    await says(tab, /^Stopped: After the fork/);
    await tab.locator('.live-ask summary').click();
    for (const [address, words] of [
        ['0xc000010c', /0x0018110c.*0x0018110c.*Both lead to the same frame.*Even the page table/],
        ['shared.value', /0x0018110c.*0x0018110c.*Both lead to the same frame/],
        ['0xbfffffa0', /0x00186fa0.*0x0018ffa0.*They lead to two frames/],
        ['0x40000000', /Nothing is mapped at 0x40000000.*Nothing is mapped/],
    ]) {
        await tab.locator('.live-ask input').first().fill(address);
        await tab.locator('.live-ask').getByRole('button', { name: 'Walk' }).click();
        assert.match(await tab.locator('.live-answer').textContent(), words);
    }
    await tab.locator('.live-ask input').first().fill('the heap');
    await tab.locator('.live-ask').getByRole('button', { name: 'Walk' }).click();
    assert.match(await tab.locator('.live-answer').textContent(), /"the heap" is no address.*or on_stack or shared.value/);
});

it('a region of the picture can be asked about', '09-multitasking', {}, async tab => {
    await start(tab);
    await button(tab, 'Next →').click();
    await says(tab, /^Stopped: After the fork/);
    const region = tab.locator('.shown [data-space="task 2"][data-start="0xbfffd000"]').first();
    await region.click();
    assert.match(await tab.locator('.live-answer').textContent(), /0x0018d000/);
    await region.focus();
    await tab.keyboard.press('ArrowUp');
    assert.match(await tab.locator('.live-answer').textContent(), /0x00181000/);
});

it('a changed word is what the kernel prints, and "Start again" brings the old one back', '09-multitasking', {}, async tab => {
    await start(tab);
    for (let moment = 1; moment < 3; moment++) {
        await button(tab, 'Next →').click();
        await says(tab, moment === 1 ? /^Stopped: After the fork/ : /^Stopped: After task 2/);
    }
    await tab.locator('.live-ask summary').click();
    await tab.locator('.live-ask input').first().fill('0xc000010c');
    await tab.locator('.live-ask').getByRole('button', { name: 'Walk' }).click();
    await tab.getByLabel('Another value for the word at 0x0018110c').first().fill('4711');
    await tab.getByRole('button', { name: 'Write it' }).first().click();
    assert.match(await tab.locator('.live-changes').textContent(), /0x0018110c from 222 to 4711/);
    assert.match(await finish(tab), /4711/);
    await button(tab, 'Start again').click();
    await says(tab, /has not begun/);
    assert.equal(await tab.locator('.departs').count(), 0);
    assert.equal(await finish(tab), figure('09-log.txt'));
});

it('a page that is taken away gives a page fault, in the kernel\'s own words', '09-multitasking', {}, async tab => {
    await start(tab);
    await button(tab, 'Next →').click();
    await says(tab, /^Stopped: After the fork/);
    await tab.locator('.live-ask summary').click();
    await tab.locator('.live-ask input').first().fill('0xc000010c');
    await tab.locator('.live-ask').getByRole('button', { name: 'Walk' }).click();
    await tab.locator('.live-walk').first().getByRole('button', { name: /^present 1/ }).last().click();
    assert.match(await tab.locator('.live-answer').textContent(), /Nothing is mapped at 0xc000010c/);
    assert.match(await tab.evaluate(() => document.activeElement.textContent), /^present 0/, 'the changed flag keeps the focus');
    assert.equal(await tab.locator('.departs').count(), 1);
    await button(tab, 'Run on').click();
    await says(tab, /reports a failure.*0xc00001/);
    assert.match(await logOf(tab), /page fault/i);
});

it('a change that leaves the CPU no way out ends in a sentence, and everything can begin again', '05-paging', {}, async tab => {
    await start(tab);
    await tab.locator('.live-ask summary').click();
    await tab.locator('.live-ask input').first().fill('0x00106a00');
    await tab.locator('.live-ask').getByRole('button', { name: 'Walk' }).click();
    await tab.locator('.live-walk').getByRole('button', { name: /^present 1/ }).first().click();
    await button(tab, 'Run on').click();
    await says(tab, /double fault|reports a failure|for ever|any more/);
    await button(tab, 'Start again').click();
    await says(tab, /has not begun/);
    assert.equal(await finish(tab), figure('05-log.txt'));
});

it('what somebody types wakes the thread that waits for it', '08-threads', {}, async tab => {
    await start(tab);
    await tab.getByLabel('I will type').check();
    await says(tab, /has not begun/);
    await button(tab, 'Run on').click();
    await tab.waitForFunction(() => document.querySelector('.live-log').textContent.includes('Type a letter'), null, PATIENCE);
    await tab.getByLabel('Type here').pressSequentially('s'); // which opens mdBook's search elsewhere
    await tab.waitForFunction(() => document.querySelector('.live-log').textContent.includes("got 's'"), null, PATIENCE);
    assert.equal(await tab.locator('#mdbook-search-wrapper:not(.hidden)').count(), 0);
});

it('a machine that cannot be loaded, or is another one than expected, leaves the printed pictures and a sentence', '05-paging', {}, async tab => {
    await tab.route('**/live/v86.js', route => route.fulfill({ contentType: 'text/javascript', body: 'live.given.set("v86.wasm", "AAAA");' }));
    await button(tab, 'Run the kernel here').click();
    await says(tab, /^The kernel cannot run here: .*The pictures show what it did/);
    assert.equal(await tab.locator('#picture-05-map svg').count(), 1);
});

for (const theme of THEMES) {
    for (const [device, width] of Object.entries(WIDTHS)) {
        it(`axe-core finds nothing serious, and nothing is too wide: ${theme}, ${device}`, '09-multitasking', { theme, width }, async tab => {
            await start(tab);
            await button(tab, 'Next →').click();
            await says(tab, /^Stopped: After the fork/);
            await tab.locator('.live-ask summary').click();
            await tab.locator('.live-ask input').first().fill('0xbfffffa0');
            await tab.locator('.live-ask').getByRole('button', { name: 'Walk' }).click();
            assert.equal(await tab.locator('.live-flags').count(), 4);
            assert.deepEqual(await faults(tab), []);
            assert.ok(await tab.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), 'it is wider than the window');
        });
    }
}
