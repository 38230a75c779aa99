// The colors of all five themes: text and lines must contrast with the background.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { faults } from './axe.mjs';
import { open, visit } from './book.mjs';

const THEMES = ['light', 'rust', 'coal', 'navy', 'ayu'];
/** The contrast that WCAG 2 requires at level AA: of text (1.4.3), and of lines with a meaning (1.4.11). */
const LEAST = [
    {
        on: ['--bg', '--table-alternate-bg'],
        least: { '--fg': 4.5, '--links': 4.5, '--linked': 4.5, '--copied': 4.5, '--inline-code-color': 4.5, '--frame': 3 },
    },
    // The names of pages and sections, and where one is.
    { on: ['--sidebar-bg'], least: { '--sidebar-fg': 4.5, '--sidebar-active': 4.5 } },
];

let book;

before(async () => {
    book = await open();
});
after(() => book?.close());

for (const theme of THEMES) {
    test(`the colors of ${theme}`, async () => {
        const { tab, close } = await visit(book, '05-paging.html', { theme });
        try {
            const names = LEAST.flatMap(({ on, least }) => [...on, ...Object.keys(least)]);
            const colors = await tab.evaluate(measure, names);
            const complaints = await faults(tab, { rules: ['color-contrast', 'link-in-text-block'] });
            for (const { on, least } of LEAST) {
                for (const ground of on) {
                    for (const [name, wanted] of Object.entries(least)) {
                        const contrast = ratio(colors[name], colors[ground]);
                        if (contrast < wanted) {
                            complaints.push(`${name} on ${ground}: a contrast of ${contrast.toFixed(2)}, less than ${wanted}`);
                        }
                    }
                }
            }
            assert.ok(complaints.length === 0, complaints.join('\n'));
        } finally {
            await close();
        }
    });
}

/** Runs in the page: the colors with these names, in red, green and blue. */
function measure(names) {
    const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const style = getComputedStyle(document.documentElement);
    return Object.fromEntries(names.map(name => {
        const color = style.getPropertyValue(name);
        if (!CSS.supports('color', color)) {
            throw new Error(`${name} is no color: "${color}"`);
        }
        context.fillStyle = color;
        context.fillRect(0, 0, 1, 1);
        return [name, Array.from(context.getImageData(0, 0, 1, 1).data.slice(0, 3))];
    }));
}

/** The contrast of two colors (WCAG 2, "contrast ratio" and "relative luminance"). */
function ratio(one, other) {
    const [dark, bright] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
}

function luminance(color) {
    const [red, green, blue] = color.map(byte => byte / 255).map(part =>
        part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
