// What a reader does: follow the path above a listing, look up a word, open the book from the disk.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { BOOK, CHAPTERS, open, visit } from './book.mjs';

let book;

before(async () => {
    book = await open();
});
after(() => book?.close());

for (const page of CHAPTERS) {
    test(`the listings of ${page} lead to the files that they are from`, async () => {
        const { tab, complaints, close } = await visit(book, `${page}.html`);
        try {
            const links = tab.locator('main .listing figcaption a');
            assert.ok(await links.count() > 0, 'no listing has a link');
            const targets = new Set(await links.evaluateAll(links => links.map(link => link.getAttribute('href'))));
            const path = await links.first().locator('code').first().textContent();
            await links.first().click();
            await tab.waitForURL(/files\.html#/);
            const reached = await tab.evaluate(() => {
                const target = document.querySelector(':target');
                const top = target?.getBoundingClientRect().top;
                return { title: target?.textContent.trim(), isSeen: top >= 0 && top < window.innerHeight };
            });
            assert.deepEqual(reached, { title: path, isSeen: true });
            const dead = await tab.evaluate(targets => targets.filter(target => {
                const [file, id] = target.split('#');
                return file !== 'files.html' || !document.getElementById(id);
            }), Array.from(targets));
            assert.deepEqual(dead, []);
            assert.ok(complaints.length === 0, complaints.join('\n'));
        } finally {
            await close();
        }
    });
}

test('every chapter shows a picture', async () => {
    for (const page of CHAPTERS) {
        const { tab, close } = await visit(book, `${page}.html`);
        assert.ok(await tab.locator('main .picture svg').count() > 0, page);
        await close();
    }
});

test('the search finds the words of the glossary', async () => {
    const { tab, complaints, close } = await visit(book, 'glossary.html');
    const words = (await tab.locator('main .term').allTextContents()).map(word => word.trim());
    assert.ok(words.length > 0, 'the glossary has no words');
    // The first, the last and one in between.
    for (const word of new Set([words[0], words[words.length >> 1], words.at(-1)])) {
        await find(tab, word);
    }
    assert.ok(complaints.length === 0, complaints.join('\n'));
    await close();
});

test('the book can be read from the disk, without a server', async () => {
    const { tab, complaints, close } = await visit(book, 'index.html');
    const requests = complaints.length;
    await tab.goto(pathToFileURL(join(BOOK, 'glossary.html')).href);
    await find(tab, (await tab.locator('main .term').first().textContent()).trim());
    assert.equal(complaints.length, requests, complaints.join('\n'));
    await close();
});

/** Looks up a word as a reader does in mdBook: with the key s. */
async function find(tab, word) {
    await tab.locator('body').press('s');
    await tab.locator('#mdbook-searchbar').pressSequentially(word);
    const found = tab.locator('#mdbook-searchresults a[href*="glossary.html"]').first();
    await found.waitFor({ timeout: 10_000 }).catch(() => assert.fail(`the search does not lead from "${word}" to the glossary`));
    await tab.keyboard.press('Escape');
}
