// A minimal server for the built book: the files of one folder, for this machine only.

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const TYPES = {
    '.html': 'text/html; charset=utf-8',
    '.css': 'text/css; charset=utf-8',
    '.js': 'text/javascript; charset=utf-8',
    '.json': 'application/json',
    '.svg': 'image/svg+xml',
    '.png': 'image/png',
    '.woff2': 'font/woff2',
    '.wasm': 'application/wasm',
};

/** Serves a folder. Returns the address, and a function that ends the server. */
export async function serve(folder) {
    const server = createServer(async (request, response) => {
        const path = normalize(decodeURIComponent(new URL(request.url, 'http://book').pathname));
        const file = join(folder, path.endsWith('/') ? `${path}index.html` : path);
        if ((await stat(file).catch(() => null))?.isFile()) {
            response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' });
            createReadStream(file).pipe(response);
        } else {
            response.writeHead(404).end();
        }
    });
    await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
    const close = () => {
        server.closeAllConnections();
        return new Promise(resolve => server.close(resolve));
    };
    return { address: `http://127.0.0.1:${server.address().port}`, close };
}
