// Asks axe-core for the accessibility faults of a page.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/**
 * The faults that axe-core calls serious or critical, a sentence each. It checks our own content only, and not what
 * mdBook puts around it or its buttons over the listings.
 */
export async function faults(tab, { exclude = [], rules = [] } = {}) {
    await tab.evaluate(AXE);
    const violations = await tab.evaluate(async ([exclude, rules]) => {
        const options = rules.length > 0 ? { runOnly: { type: 'rule', values: rules } } : {};
        return (await axe.run({ include: ['main'], exclude: exclude.map(selector => [selector]) }, options)).violations;
    }, [['pre > .buttons', ...exclude], rules]);
    return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .flatMap(({ id, help, nodes }) => nodes.slice(0, 5).map(node => `axe-core: ${help} (${id}): ${excerpt(node)}`));
}

function excerpt({ html, any, all, none }) {
    const why = [...any, ...all, ...none].map(({ message }) => `\n  ${message}`);
    return html.replace(/\s+/g, ' ').slice(0, 160) + why.join('');
}
