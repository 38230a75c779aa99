// What all the tests begin with: the built book, and a browser that opens its pages.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { serve } from './server.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const PROJECT = join(HERE, '../..');

/** The folder of the built book. The environment variable BOOK names another one. */
export const BOOK = process.env.BOOK ?? join(PROJECT, 'target/book');
export const SCREENSHOTS = join(PROJECT, 'target/book-screenshots');

/** Every page in SUMMARY.md, by the name of its file without the extension; `print` is all of them in one. */
export const PAGES = Array.from(
    readFileSync(join(HERE, '../src/SUMMARY.md'), 'utf8').matchAll(/\]\((.+)\.md\)/g),
    match => match[1],
).concat('print');
/** The chapters, without their pages of exercises and of mistakes. */
export const CHAPTERS = PAGES.filter(page => /^\d\d-(?!exercises|why-it-breaks)/.test(page));

export const THEMES = ['light', 'navy'];
export const WIDTHS = { desktop: 1280, phone: 390 };

/** Starts the browser, and the server that gives it the book. */
export async function open() {
    if (!existsSync(join(BOOK, 'index.html'))) {
        throw new Error(`There is no book in ${BOOK}; make book makes it.`);
    }
    // `make test-book` runs this through tools/setup.sh, which finds a browser and sets CHROMIUM.
    const executablePath = process.env.CHROMIUM || 'chromium';
    // The browser's sandbox protects against foreign pages, and these are our own. It does not work for root or in a
    // container.
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
 * Opens a page in a theme and a width. `complaints` gathers every error in the browser's console, and everything that
 * could not be loaded. The page can load nothing from outside the book.
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
        // When the browser leaves a page, it aborts the requests that are still open.
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
    // The last script of a page is ours, and it has finished when the fonts are there.
    if (javaScript) {
        await tab.evaluate(() => document.fonts.ready);
    }
    return { tab, complaints, close: () => context.close() };
}
