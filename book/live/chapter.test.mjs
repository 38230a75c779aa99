// Boots every chapter's kernel under v86, without a browser, and compares what it does with what it did under QEMU when the
// book's pictures were taken. `make test-book` runs this.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { V86 } from 'v86';
import { Chapter } from './chapter.mjs';

const HERE = new URL('.', import.meta.url);
const CHAPTERS = ['01', '02', '03', '04', '05', '06', '07', '08', '09'];
/** Pictures that equal the book's in every byte. The others equal them in their facts. */
const SAME_DRAWINGS = /^(05-map|05-walk|09-fork-[1-4]|09-four-boxes)\.(svg|json|md)$/;
/** GRUB leaves words on chapter 1's screen, and here there is no GRUB. */
const OTHER_SCREEN = '01-screen';

const read = name => readFileSync(new URL(name, HERE));
const made = name => read(`../../target/live-kernels/${name}`);
const figure = name => read(`../figures/${name}`).toString();

let modules;
before(async () => {
    const [v86, drawing] = await Promise.all([read('node_modules/v86/build/v86.wasm'), made('drawing.wasm')].map(bytes => WebAssembly.compile(bytes)));
    modules = { V86, v86, drawing };
});

/** A chapter, and everything that it shows: `log`, `files`, and how many instructions each moment took. */
async function open(name) {
    const plan = JSON.parse(made(`${name}.json`));
    const seen = { log: '', files: {}, counts: [] };
    const chapter = await Chapter.open({ ...modules, kernel: new Uint8Array(made(`${name}.elf`)), plan });
    chapter.onlog = text => { seen.log += text; };
    chapter.onpicture = files => Object.assign(seen.files, files);
    chapter.onstate = () => {
        if (chapter.state === 'ready') {
            Object.assign(seen, { log: '', files: {}, counts: [] });
        } else if (chapter.state !== 'running') {
            seen.counts.push(chapter.instructions);
        }
    };
    return { chapter, seen };
}

/**
 * A CPU may push a segment register as 32 bits, of which it writes only the low half: Intel SDM volume 2, PUSH. v86 does that, and
 * QEMU does not.
 */
const withoutHighHalves = facts => facts.replace(/"0x[0-9a-f]{4}([0-9a-f]{4}",\s+"origin": "the common entry",\s+"note": "a segment register) \(low half\)"/g, '"0x0000$1"');

/** The log as `make figures` writes it, without blanks at the ends of lines. */
const trimmed = log => log.split('\n').map(line => line.trimEnd()).join('\n');

for (const name of CHAPTERS) {
    test(`chapter ${name} prints under v86 what it prints under QEMU, and draws the same pictures`, async () => {
        const { chapter, seen } = await open(name);
        await chapter.runOn();
        assert.equal(chapter.ending, 'The kernel has ended, and reports success.');
        assert.equal(chapter.trouble, null);
        assert.equal(trimmed(seen.log), figure(`${name}-log.txt`));
        const names = Object.keys(seen.files).filter(file => !file.startsWith(OTHER_SCREEN));
        for (const file of names.filter(file => file.endsWith('.json') || SAME_DRAWINGS.test(file))) {
            assert.equal(withoutHighHalves(seen.files[file]), figure(file), `${file} differs`);
        }
        const pictures = JSON.parse(made(`${name}.json`)).stops.map(({ picture }) => picture).filter(Boolean);
        for (const picture of pictures) {
            assert.ok(names.includes(`${picture}.svg`), `${picture} was not drawn, but ${names.join(' ')}`);
        }
        await chapter.close();
    });

    test(`chapter ${name} does the same in ten runs`, async () => {
        const { chapter, seen } = await open(name);
        const runs = [];
        for (let run = 0; run < 10; run++) {
            await chapter.startAgain();
            await chapter.runOn();
            runs.push(JSON.stringify([seen.counts, seen.log]));
        }
        assert.deepEqual(new Set(runs).size, 1, runs.join('\n'));
        await chapter.close();
    });
}

/** Longer than any kernel with a mistake takes that ends at all, in milliseconds. */
const MOST_TIME = 2000;

for (const name of CHAPTERS) {
    for (const { name: other, look } of JSON.parse(made(`${name}.json`)).mistakes) {
        test(`the mistake ${other} shows what its reader is told to look at`, async () => {
            const { chapter, seen } = await open(other);
            const timer = setTimeout(() => chapter.pause(), MOST_TIME);
            await chapter.runOn();
            clearTimeout(timer);
            const facts = Object.keys(seen.files).filter(file => file.endsWith('.json') && !file.startsWith(OTHER_SCREEN));
            const same = facts.every(file => withoutHighHalves(seen.files[file]) === figure(file));
            assert.ok(trimmed(seen.log) !== figure(`${name}-log.txt`) || !same, 'log and pictures are those of the right kernel');
            for (const [, words] of look.matchAll(/"([^"]*)"/g)) {
                assert.ok(seen.log.includes(words), `"${words}" is not in its log:\n${seen.log}`);
            }
            assert.doesNotMatch(chapter.ending ?? '', /cannot go on here/);
            await chapter.close();
        });
    }
}

test('"previous" is where "next" was before, and any moment can be reached from any other', async () => {
    const { chapter, seen } = await open('09');
    const at = () => JSON.stringify([chapter.place, chapter.instructions, chapter.registers]);
    const forwards = [];
    for (let moment = 0; moment < 4; moment++) {
        await chapter.next();
        assert.equal(chapter.place?.stop, moment);
        forwards.push(at());
    }
    for (let moment = 2; moment >= 0; moment--) {
        await chapter.previous();
        assert.equal(at(), forwards[moment]);
    }
    await chapter.previous();
    assert.deepEqual([chapter.state, chapter.place, seen.log], ['ready', null, '']);
    for (const moment of [3, 0, 2, 2, 1, 3]) {
        await chapter.to(moment);
        assert.equal(at(), forwards[moment]);
    }
    await chapter.close();
});

test('a kernel can be paused between two moments, goes on from there, and ends as it always does', async () => {
    const { chapter, seen } = await open('08');
    const states = [];
    const { onlog } = chapter;
    chapter.onlog = text => {
        onlog(text);
        if (seen.log.endsWith('A')) {
            chapter.pause();
        }
    };
    await chapter.runOn();
    states.push(chapter.state);
    chapter.onlog = onlog;
    await chapter.runOn();
    assert.deepEqual([...states, chapter.state], ['paused', 'ended']);
    assert.equal(trimmed(seen.log), figure('08-log.txt'));
    await chapter.close();
});

test('a thread that waits for a key gets the one that the reader types', async () => {
    const { chapter, seen } = await open('08');
    await chapter.startAgain({ alone: false });
    const running = chapter.runOn();
    while (!seen.log.includes('Type a letter:')) {
        await new Promise(resolve => setTimeout(resolve, 20));
    }
    chapter.type('x');
    await running;
    assert.match(seen.log, /has waited for a key, and got 'x'\./);
    assert.equal(chapter.ending, 'The demonstration is over, and the kernel has halted the CPU.');
    await chapter.startAgain({ alone: true });
    await chapter.runOn();
    assert.equal(trimmed(seen.log), figure('08-log.txt'));
    await chapter.close();
});
