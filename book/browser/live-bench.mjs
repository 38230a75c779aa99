// Measures how quickly a kernel runs in its page, and how much of the browser's time it takes. Each time is also given as a
// multiple of the time that v86 takes for starting without anything to run, measured in the same run, because machines differ.
// Nothing here can fail. `make bench-book` runs it.

import { readFileSync } from 'node:fs';
import { open, visit } from './book.mjs';

const RUNS = 7;
const PAGE = '09-multitasking';

const median = numbers => [...numbers].sort((one, other) => one - other)[Math.floor(numbers.length / 2)];
const button = (tab, name) => tab.locator('.live').getByRole('button', { name, exact: true });
const milliseconds = time => `${time.toFixed(0)} ms`;

/** The times of some runs of `measure`, which gets a page that is ready. */
async function times(book, page, measure) {
    const measured = [];
    for (let run = 0; run < RUNS; run++) {
        const { tab, close } = await visit(book, `${page}.html`);
        measured.push(await measure(tab));
        await close();
    }
    return median(measured);
}

/** From the click until this is true in the page, in milliseconds. */
async function after(tab, name, isTrue) {
    return tab.evaluate(async ([name, isTrue]) => {
        const buttons = Array.from(document.querySelectorAll('.live button'));
        const since = performance.now();
        buttons.find(({ textContent }) => textContent.includes(name)).click();
        while (!new Function(`return ${isTrue}`)()) {
            await new Promise(resolve => setTimeout(resolve, 1));
        }
        return performance.now() - since;
    }, [name, isTrue]);
}

/** The share of a second that the page's own thread was busy. */
async function busy(tab) {
    const session = await tab.context().newCDPSession(tab);
    await session.send('Performance.enable');
    const seconds = async () => (await session.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration').value;
    const before = await seconds();
    await tab.waitForTimeout(2000);
    return (await seconds() - before) / 2;
}

const book = await open();
const empty = await times(book, PAGE, tab => tab.evaluate(async ([glue, wasm]) => {
    const { V86 } = await import(URL.createObjectURL(new Blob([glue], { type: 'text/javascript' })));
    const bytes = Uint8Array.from(atob(wasm), character => character.charCodeAt(0));
    const since = performance.now();
    const emulator = new V86({
        autostart: false,
        disable_jit: true,
        wasm_fn: async imports => (await WebAssembly.instantiate(bytes, imports)).instance.exports,
    });
    await new Promise(resolve => emulator.add_listener('emulator-ready', resolve));
    return performance.now() - since;
}, ['libv86.mjs', 'v86.wasm'].map((name, at) => readFileSync(new URL(`../live/node_modules/v86/build/${name}`, import.meta.url), at ? 'base64' : 'utf8'))));
console.log(`An empty v86 starts in ${milliseconds(empty)}.`);

const report = (what, time) => console.log(`${what}: ${milliseconds(time)}, ${(time / empty).toFixed(1)} times as long`);
const hasPrinted = 'document.querySelector(".live-log")?.textContent.includes("\\n")';
const stands = 'document.querySelector(".live-status").textContent.startsWith("Stopped")';
report('From the click to the first line of the log', await times(book, '01-boot', tab => after(tab, 'Run the kernel here', hasPrinted)));
report('From the click to the first picture', await times(book, PAGE, tab => after(tab, 'Run the kernel here', stands)));
report('From the last moment back to the first', await times(book, PAGE, async tab => {
    await after(tab, 'Run the kernel here', stands);
    await after(tab, '4. ', 'document.querySelector(".live-status").textContent.includes("After task 1")');
    return after(tab, '1. ', 'document.querySelector(".live-status").textContent.includes("Before the fork")');
}));

const { tab, close } = await visit(book, '08-threads.html');
await button(tab, 'Run the kernel here').click();
await tab.getByLabel('I will type').check();
await button(tab, 'Run on').click();
await tab.waitForFunction(() => document.querySelector('.live-log').textContent.includes('Type a letter'));
console.log(`While the kernel waits for a key, the page's thread is busy for ${(await busy(tab) * 100).toFixed(1)} % of the time.`);
await button(tab, 'Pause').click();
console.log(`While the kernel is paused: ${(await busy(tab) * 100).toFixed(1)} %.`);
await button(tab, 'Run on').click();
await tab.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
await tab.waitForTimeout(300);
console.log(`While it is out of sight: ${(await busy(tab) * 100).toFixed(1)} %.`);
await close();
await book.close();
