// What a reader types into the search, and the place that answers it: among the first four, which are seen at a glance.
//
// Where a place is found by none of its own words, a line {{#index WORDS}} in its section adds some.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { open, visit } from './book.mjs';

/** How many results count. */
const FIRST = 4;

/** The words, and how the addresses begin of which one has to be found. */
const ANSWERS = {
    'where is the context switch': ['08-threads.html#the-context-switch'],
    'what is a gate': ['04-interrupts.html#the-gate'],
    'malloc': ['06-heap.html#what-a-heap-allocator-does'],
    'page fault handler': ['05-paging.html#the-page-fault-handler'],
    'print from an interrupt handler': ['07-timer.html#the-lock-that-keeps-interrupts-off'],
    'isolation': ['09-multitasking.html#isolation'],
    'copy on write': ['09-multitasking.html#copy-on-write'],
    'EOI': ['07-timer.html#acknowledging-an-interrupt'],
    'round robin': ['08-threads.html#the-run-queue'],
    'stack overflow': ['05-paging.html#a-stack-'],
    'user mode': ['glossary.html#user-mode'],
    'invlpg': ['05-paging.html#what-the-cpu-remembers'],
};

let book;
let page;

before(async () => {
    book = await open();
    page = await visit(book, 'index.html');
    await page.tab.locator('body').press('s');
});
after(() => book?.close());

for (const [words, wanted] of Object.entries(ANSWERS)) {
    test(`the search answers "${words}"`, async () => {
        const found = await results(page.tab, words);
        const first = found.slice(0, FIRST);
        const answers = first.filter(address => wanted.some(start => address.startsWith(start)));
        assert.ok(answers.length > 0, `It shows ${first.join(', ') || 'nothing'}, and none of ${wanted.join(', ')}`);
        assert.ok(!found.some(address => address.startsWith('files.html')), 'the sources are among what is found');
        assert.ok(page.complaints.length === 0, page.complaints.join('\n'));
    });
}

/** The addresses that mdBook's search shows for these words, with the place in the page, the best first. */
async function results(tab, words) {
    const bar = tab.locator('#mdbook-searchbar');
    await bar.fill('');
    await bar.pressSequentially(words);
    // The line above the results says how many, and for what.
    await tab.locator('#mdbook-searchresults-header', { hasText: `'${words}'` }).waitFor({ timeout: 10_000 });
    const links = tab.locator('#mdbook-searchresults > li > a');
    return links.evaluateAll(links => links.map(link => {
        const { pathname, hash } = new URL(link.href);
        return pathname.slice(1) + hash;
    }));
}
