// Code, tables and pictures wider than their boxes scroll inside them; this script lets the keyboard scroll them too.
//
// Such a box can take the focus, has a label for screen readers, and keeps the arrow keys, which turn mdBook's pages.
'use strict';

{
    const boxes = document.querySelectorAll('main pre > code, main .table-wrapper, main .picture-scroll');

    const label = box => {
        const caption = box.closest('figure')?.querySelector('figcaption') ?? box.querySelector('caption');
        return caption?.textContent.trim() ?? (box.matches('code') ? 'Text' : 'Table');
    };

    const look = box => {
        if (box.scrollWidth > box.clientWidth) {
            box.dataset.scrolls = '';
            box.tabIndex = 0;
            if (!box.hasAttribute('role')) {
                box.setAttribute('role', 'group');
                box.setAttribute('aria-label', label(box));
            }
        } else {
            delete box.dataset.scrolls;
            box.removeAttribute('tabindex');
        }
    };

    const observer = new ResizeObserver(entries => entries.forEach(({ target }) => look(target)));

    for (const box of boxes) {
        observer.observe(box);
        box.addEventListener('keydown', event => {
            if (event.target === box && ['ArrowLeft', 'ArrowRight'].includes(event.key) && 'scrolls' in box.dataset) {
                event.stopPropagation();
            }
        });
    }
}
