// The stepper shows one moment at a time, by mouse and by keyboard. Without JavaScript and on paper, it shows all of
// them.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { open, visit, WIDTHS } from './book.mjs';

/** The pages that have one, and the least number of its moments. */
const PLACES = { '09-multitasking': 4 };

let book;

before(async () => {
    book = await open();
});
after(() => book?.close());

for (const [page, least] of Object.entries(PLACES)) {
    const it = (what, options, check) => test(`the stepper of ${page}: ${what}`, async () => {
        const { tab, complaints, close } = await visit(book, `${page}.html`, options);
        try {
            const moments = tab.locator('.stepper > section');
            assert.ok(await moments.count() >= least, `it has ${await moments.count()} moments`);
            await check(tab, await moments.count());
            assert.ok(complaints.length === 0, complaints.join('\n'));
        } finally {
            await close();
        }
    });

    it('shows one moment at a time, by mouse', {}, async (tab, count) => {
        await isAt(tab, 0, count);
        const places = [await below(tab)];
        await button(tab, 'Next').click();
        await isAt(tab, 1, count);
        assert.match(await tab.locator('.stepper [role=status]').textContent(), new RegExp(`^Moment 2 of ${count}: .`));
        places.push(await below(tab));
        await tab.getByRole('button', { name: new RegExp(`^${count}\\. `) }).click();
        await isAt(tab, count - 1, count);
        places.push(await below(tab));
        // There is no further moment, and a button that was pressed keeps the focus.
        await button(tab, 'Next').click({ force: true });
        await isAt(tab, count - 1, count);
        await button(tab, 'Previous').click();
        await isAt(tab, count - 2, count);
        places.push(await below(tab));
        assert.deepEqual(places, places.map(() => places[0]), 'what stands below the stepper moved');
    });

    it('steps by the arrow keys while the focus is in it, and does not turn the page', {}, async (tab, count) => {
        await button(tab, 'Next').focus();
        for (let moment = 1; moment <= count; moment += 1) {
            await tab.keyboard.press('ArrowRight');
            await isAt(tab, Math.min(moment, count - 1), count);
        }
        for (let moment = count - 2; moment >= -1; moment -= 1) {
            await tab.keyboard.press('ArrowLeft');
            await isAt(tab, Math.max(moment, 0), count);
        }
        await settled(tab);
        assert.equal(new URL(tab.url()).pathname, `/${page}.html`);
    });

    it('takes the tabulator, the space bar and the enter key', {}, async (tab, count) => {
        await button(tab, 'Previous').focus();
        await tab.keyboard.press('Tab');
        await tab.keyboard.press('Tab');
        await tab.keyboard.press('Enter');
        await isAt(tab, 1, count);
        await tab.keyboard.press('Shift+Tab');
        await tab.keyboard.press('Space');
        await isAt(tab, 0, count);
        assert.equal(await outline(tab), 'solid', 'one does not see where the focus is');
    });

    it('leaves the arrow keys to mdBook elsewhere', {}, async tab => {
        await tab.locator('main h1 a').focus();
        await tab.keyboard.press('ArrowRight');
        await tab.waitForURL(url => url.pathname !== `/${page}.html`);
    });

    it('brings a moment to the front that a link leads to', {}, async (tab, count) => {
        const id = await tab.locator('.stepper > section').nth(1).getAttribute('id');
        await tab.evaluate(id => { location.hash = id; }, id);
        await settled(tab);
        await isAt(tab, 1, count);
        await tab.reload();
        await isAt(tab, 1, count);
    });

    it('is named in the sidebar by the heading above it', {}, async tab => {
        const above = await tab.evaluate(() => {
            const stepper = document.querySelector('.stepper');
            const headings = Array.from(document.querySelectorAll('main :is(h2, h3, h4)'));
            const isAbove = heading => stepper.compareDocumentPosition(heading) & Node.DOCUMENT_POSITION_PRECEDING;
            stepper.querySelector('.picture').scrollIntoView();
            return headings.filter(isAbove).at(-1).textContent.trim();
        });
        await settled(tab);
        const named = await tab.locator('#mdbook-sidebar .current-header').allTextContents();
        assert.deepEqual(named.map(name => name.trim()), [above]);
    });

    it('keeps everything in its place but what changes', {}, async (tab, count) => {
        const seen = new Map();
        for (let moment = 0; moment < count; moment += 1) {
            for (const { name, place } of await tab.evaluate(boxes)) {
                assert.deepEqual(place, seen.get(name) ?? place, `${name} has moved`);
                seen.set(name, place);
            }
            await button(tab, 'Next').click({ force: true });
        }
        assert.ok(seen.size >= 20, `only ${seen.size} boxes were seen`);
    });

    it('opens the tables of all moments together', {}, async (tab, count) => {
        const tables = tab.locator('.stepper details');
        assert.equal(await tables.count(), count);
        await tables.first().locator('summary').click();
        await settled(tab);
        assert.equal(await tab.locator('.stepper details[open]').count(), count);
        const place = await below(tab);
        await button(tab, 'Next').click();
        assert.equal(await below(tab), place, 'what stands below the stepper moved');
    });

    it('on a phone, shows all of a picture, and steps by the arrow keys', { width: WIDTHS.phone }, async (tab, count) => {
        const box = tab.locator('.stepper .picture-scroll').first();
        assert.equal(await box.evaluate(box => box.scrollWidth > box.clientWidth), false, 'it is wider than the page');
        await button(tab, 'Next').focus();
        await tab.keyboard.press('ArrowRight');
        await isAt(tab, 1, count);
    });

    it('is all there without JavaScript', { javaScript: false }, async (tab, count) => {
        assert.equal(await visible(tab), count);
        assert.equal(await tab.locator('.stepper button').count(), 0);
    });

    it('is all there on paper', {}, async (tab, count) => {
        await tab.emulateMedia({ media: 'print' });
        assert.equal(await visible(tab), count);
        assert.equal(await tab.locator('.stepper button:visible').count(), 0);
    });
}

function button(tab, name) {
    return tab.getByRole('button', { name });
}

/** Checks that this moment is shown, and no other, and that its button says so. */
async function isAt(tab, index, count) {
    const pictures = tab.locator('.stepper > section .picture svg');
    const seen = [];
    for (let at = 0; at < count; at += 1) {
        seen.push(await pictures.nth(at).isVisible());
    }
    assert.deepEqual(seen, Array.from({ length: count }, (_, at) => at === index));
    const current = await tab.locator('.stepper button[aria-current=step]').allTextContents();
    assert.equal(current.length, 1);
    assert.match(current[0], new RegExp(`^${index + 1}\\. `));
    assert.equal(await button(tab, 'Previous').getAttribute('aria-disabled'), String(index === 0));
    assert.equal(await button(tab, 'Next').getAttribute('aria-disabled'), String(index === count - 1));
}

/** How many pictures can be seen, without those that cover another. */
async function visible(tab) {
    const boxes = await Promise.all((await tab.locator('.stepper .picture svg:visible').all()).map(svg => svg.boundingBox()));
    const tops = boxes.map(({ y }) => y).sort((a, b) => a - b);
    const height = Math.min(...boxes.map(({ height }) => height));
    return tops.filter((top, at) => at === 0 || top - tops[at - 1] >= height).length;
}

/** In the page: the names of the boxes in the picture that is shown, each with its place in the picture. */
function boxes() {
    const svg = document.querySelector('.stepper > section.shown .picture svg');
    return Array.from(svg.querySelectorAll('text[font-weight=bold][text-anchor=start]'))
        .filter(text => text.getClientRects().length > 0)
        .map(text => {
            const { left, top } = text.getBoundingClientRect();
            const frame = svg.getBoundingClientRect();
            return { name: `${text.textContent.trim()} at ${Math.round(left - frame.left)}`, place: Math.round(top - frame.top) };
        });
}

/** How far down the page the stepper ends: what is below it must not move. */
async function below(tab) {
    return tab.evaluate(() => document.querySelector('.stepper').getBoundingClientRect().bottom + window.scrollY);
}

async function outline(tab) {
    return tab.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
}

/** Waits as long as mdBook would take to begin turning the page. */
async function settled(tab) {
    await tab.waitForTimeout(300);
}
