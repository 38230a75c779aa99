// Firefox, where it is installed: every chapter's kernel runs in its page, and does what it does everywhere.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import puppeteer from 'puppeteer-core';
import { BOOK, CHAPTERS } from './book.mjs';
import { serve } from './server.mjs';

const figure = name => readFileSync(new URL(`../figures/${name}`, import.meta.url), 'utf8');
const PATIENCE = { timeout: 60_000 };
/** The pictures that each kernel draws in its page. */
const DRAWN = {
    '02': ['02-screen'],
    '03': ['03-screen'],
    '04': ['04-frame'],
    '05': ['05-map'],
    '06': ['06-heap'],
    '07': ['07-screen'],
    '08': ['08-timeline'],
    '09': ['09-fork-1', '09-fork-2', '09-fork-3', '09-fork-4'],
};

/** Firefox's path; empty if there is none. */
const executablePath = (() => {
    try {
        return execFileSync('sh', ['-c', 'command -v firefox || command -v firefox-esr'], { encoding: 'utf8' }).trim();
    } catch {
        return '';
    }
})();
const skip = executablePath ? false : 'Firefox is not installed';

let browser;
let server;

before(async () => {
    if (!skip) {
        browser = await puppeteer.launch({ browser: 'firefox', executablePath, headless: true });
        server = await serve(BOOK);
    }
});
after(async () => {
    await browser?.close();
    await server?.close();
});

for (const page of CHAPTERS) {
    const number = page.slice(0, 2);
    test(`the kernel of chapter ${number} in Firefox prints its log, and draws the printed pictures`, { skip }, async () => {
        const tab = await browser.newPage();
        await tab.goto(`${server.address}/${page}.html`);
        const press = async name => tab.evaluate(name => {
            Array.from(document.querySelectorAll('.live button')).find(({ textContent }) => textContent === name).click();
        }, name);
        const says = words => tab.waitForFunction(words => new RegExp(words).test(document.querySelector('.live-status').textContent), PATIENCE, words);
        // Out of sight, a kernel rests.
        await tab.$eval('.live', place => place.scrollIntoView());
        await press('Run the kernel here');
        await says('^(Stopped|The kernel has ended)');
        await press('Run on');
        await says('reports success');
        const log = await tab.$eval('.live-log', log => log.textContent);
        assert.equal(log.split('\n').map(line => line.trimEnd()).join('\n'), figure(`${number}-log.txt`));
        const drawn = await tab.$$eval('[data-drawn]', figures => figures.map(figure => [figure.id.slice(8), figure.querySelector('svg').outerHTML]));
        assert.deepEqual(drawn.map(([name]) => name).sort(), DRAWN[number] ?? [], 'the live pictures');
        // The words that v86 pushes for segment registers are others than QEMU's: see chapter.test.mjs.
        for (const [name, live] of drawn.filter(([name]) => name !== '04-frame')) {
            const shapes = svg => tab.evaluate(svg => {
                const parsed = new DOMParser().parseFromString(svg.replace(/<\?xml[^>]*\?>/, ''), 'text/html');
                return Array.from(parsed.querySelectorAll('rect, path, line, text'), shape => shape.outerHTML.replace(/ (role|tabindex|aria-label)="[^"]*"/g, ''));
            }, svg);
            assert.deepEqual(await shapes(live), await shapes(figure(`${name}.svg`)), name);
        }
        await tab.close();
    });
}
