// Every page, light and dark, at the width of a desktop and of a phone: it loads without an error in the console, it is
// not wider than its window, its pictures can be read, and axe-core finds no serious fault in it. The screenshots in
// target/book-screenshots are for people to look at. On paper, nothing is cut off.

import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { faults } from './axe.mjs';
import { open, PAGES, SCREENSHOTS, THEMES, visit, WIDTHS } from './book.mjs';

/** In pixels of the screen: smaller letters in a picture cannot be read. */
const SMALLEST_LETTER = 11;
/** The width of the text on a sheet of A4, in pixels: 180 mm, see paper.css. */
const SHEET = 680;
/** In pixels: Chromium makes no taller screenshots. */
const TALLEST = 16000;

/** Pages so long that axe-core would take minutes for their listings. It checks the listings on all other pages. */
const EVERYTHING_AT_ONCE = ['files', 'print'];

let book;

before(async () => {
    rmSync(SCREENSHOTS, { recursive: true, force: true });
    mkdirSync(SCREENSHOTS, { recursive: true });
    book = await open();
});
after(() => book?.close());

for (const page of PAGES) {
    for (const theme of THEMES) {
        for (const [device, width] of Object.entries(WIDTHS)) {
            test(`${page} in ${theme} on a ${device}`, async () => {
                const { tab, complaints, close } = await visit(book, `${page}.html`, { theme, width });
                try {
                    await screenshot(tab, width, `${page}-${theme}-${device}.png`);
                    assert.equal(await tab.evaluate(() => document.documentElement.classList.contains('js')), true);
                    assert.equal(await tab.evaluate(theme => document.documentElement.classList.contains(theme), theme), true);
                    complaints.push(...await tab.evaluate(tooWide));
                    complaints.push(...await tab.evaluate(cutOff));
                    complaints.push(...await tab.evaluate(unreadable, SMALLEST_LETTER));
                    complaints.push(...await faults(tab, { exclude: EVERYTHING_AT_ONCE.includes(page) ? ['pre'] : [] }));
                    assert.ok(complaints.length === 0, complaints.join('\n'));
                } finally {
                    await close();
                }
            });
        }
    }
}

test('nothing is wider than a sheet of paper', async () => {
    const { tab, complaints, close } = await visit(book, 'print.html', { width: SHEET });
    try {
        await tab.emulateMedia({ media: 'print' });
        complaints.push(...await tab.evaluate(besideThePaper, SHEET));
        assert.ok(complaints.length === 0, complaints.join('\n'));
    } finally {
        await close();
    }
});

async function screenshot(tab, width, file) {
    const height = await tab.evaluate(() => document.documentElement.scrollHeight);
    const clip = { x: 0, y: 0, width, height: Math.min(height, TALLEST) };
    await tab.screenshot({ path: join(SCREENSHOTS, file), fullPage: true, clip });
}

// ---- these run in the page ----

/** The boxes that a reader would have to scroll sideways: of the window, and of all boxes around the text. */
function tooWide() {
    const boxes = [];
    for (let box = document.querySelector('main'); box; box = box.parentElement) {
        boxes.push(box);
    }
    return boxes.filter(box => box.scrollWidth > box.clientWidth).map(box => {
        const widest = Array.from(document.querySelectorAll('main *'))
            .filter(inner => inner.getBoundingClientRect().right > box.getBoundingClientRect().right + 0.5)
            .filter(inner => !inner.closest('pre, .table-wrapper, .picture-scroll') || inner.matches('pre, .table-wrapper, .picture-scroll'))
            .map(inner => inner.outerHTML.slice(0, 100).replace(/\s+/g, ' '));
        const name = `${box.tagName.toLowerCase()}${box.id && `#${box.id}`}`;
        return `${name} is ${box.scrollWidth} pixels wide inside, and has ${box.clientWidth}: ${widest[0] ?? ''}`;
    });
}

/** What paper would cut off: it cannot be scrolled. */
function besideThePaper(width) {
    const content = 'main :is(p, li, dt, dd, h1, h2, h3, h4, h5, pre, code, table, figcaption, svg)';
    const boxes = Array.from(document.querySelectorAll(content)).filter(box => box.getBoundingClientRect().right > width + 0.5);
    return boxes.map(box => `${box.getBoundingClientRect().right} pixels: ${box.textContent.trim().slice(0, 80)}`);
}

/** Commands below a mistake that are not seen to their ends: what is to be typed has to be. */
function cutOff() {
    const boxes = Array.from(document.querySelectorAll('main .defect pre > code'));
    return boxes.filter(box => box.scrollWidth > box.clientWidth).map(box => `cut off: ${box.textContent.trim()}`);
}

/** Pictures without a size, and pictures with letters that are too small on the screen. */
function unreadable(smallest) {
    const complaints = [];
    for (const picture of document.querySelectorAll('main :is(img, .picture svg)')) {
        const name = picture.getAttribute('alt') ?? picture.querySelector('title')?.textContent ?? 'a picture without a name';
        const { width, height } = picture.getBoundingClientRect();
        if (width < 50 || height < 20 || picture.naturalWidth === 0) {
            complaints.push(`${name} is ${width} by ${height} pixels large`);
        }
        // Of two layouts, only one is shown.
        const shown = Array.from(picture.querySelectorAll('text')).filter(text => text.getClientRects().length > 0);
        const letters = shown.map(text =>
            parseFloat(getComputedStyle(text).fontSize) * Math.abs(text.getScreenCTM().d));
        if (Math.min(...letters) < smallest) {
            complaints.push(`${name} has letters of ${Math.min(...letters).toFixed(1)} pixels`);
        }
    }
    return complaints;
}
