// The built book, and a browser that opens its pages: what all the tests begin with.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { serve } from './server.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const PROJECT = join(HERE, '../..');

/** The built book. BOOK is for a book that is somewhere else. */
export const BOOK = process.env.BOOK ?? join(PROJECT, 'target/book');
export const SCREENSHOTS = join(PROJECT, 'target/book-screenshots');

/** Every page by the name of its file without the ending, as SUMMARY.md lists them; print is all of them in one. */
export const PAGES = Array.from(
    readFileSync(join(HERE, '../src/SUMMARY.md'), 'utf8').matchAll(/\]\((.+)\.md\)/g),
    match => match[1],
).concat('print');
export const CHAPTERS = PAGES.filter(page => /^\d\d-/.test(page));

export const THEMES = ['light', 'navy'];
export const WIDTHS = { desktop: 1280, phone: 390 };

/** Opens the browser, and what serves the book to it. */
export async function open() {
    if (!existsSync(join(BOOK, 'index.html'))) {
        throw new Error(`There is no book in ${BOOK}; make book makes it.`);
    }
    // tools/setup.sh, by which `make test-book` comes here, has looked for one.
    const executablePath = process.env.CHROMIUM || 'chromium';
    // The browser's sandbox keeps strange pages in, and does not work for root or in a container; these are our own.
    const args = ['--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-component-update',
        '--disable-sync', '--no-first-run'];
    const browser = await chromium.launch({ executablePath, chromiumSandbox: false, args });
    const server = await serve(BOOK);
    const close = async () => {
        await browser.close();
        await server.close();
    };
    return { browser, address: server.address, close };
}

/**
 * A page in a theme and a width, and the complaints that it gathers: whatever the browser writes into its console as
 * an error, and whatever could not be loaded. Nothing is loaded from anywhere but the book.
 */
export async function visit({ browser, address }, page, { theme = 'light', width = 1280, javaScript = true } = {}) {
    const context = await browser.newContext({
        viewport: { width, height: width > 600 ? 800 : 844 },
        javaScriptEnabled: javaScript,
        reducedMotion: 'reduce',
    });
    await context.addInitScript(theme => {
        localStorage.setItem('mdbook-theme', theme);
        window.print = () => {};
    }, theme);
    const complaints = [];
    await context.route(url => url.protocol !== 'file:' && url.origin !== address, route => {
        complaints.push(`Something outside of the book is wanted: ${route.request().url()}`);
        return route.abort();
    });
    const tab = await context.newPage();
    tab.on('console', message => {
        if (message.type() === 'error') {
            complaints.push(`The console says: ${message.text()}`);
        }
    });
    tab.on('pageerror', error => complaints.push(`A script failed: ${error.message}`));
    tab.on('requestfailed', request => {
        const why = request.failure()?.errorText;
        // A page that is left does not wait for what it has asked for.
        if (why !== 'net::ERR_ABORTED') {
            complaints.push(`Not loaded: ${request.url()}: ${why}`);
        }
    });
    tab.on('response', response => {
        if (response.status() >= 400) {
            complaints.push(`Not found: ${response.url()}`);
        }
    });
    await tab.goto(`${address}/${page}`, { waitUntil: 'load' });
    // The last script of a page is ours, and what it does is done when the fonts are there.
    if (javaScript) {
        await tab.evaluate(() => document.fonts.ready);
    }
    return { tab, complaints, close: () => context.close() };
}
