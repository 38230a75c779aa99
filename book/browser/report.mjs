// Prints the results like those of all tests of this project: a line for each, and the count in the last one.

export default async function* report(events) {
    let passed = 0;
    let failed = 0;
    for await (const { type, data } of events) {
        if (type === 'test:pass' && typeof data.skip === 'string') {
            if (data.skip.includes('does not match pattern')) {
                continue;
            }
            yield `skipped ${data.name}: ${data.skip}\n`;
        } else if (type === 'test:pass' && !data.skip) {
            passed += 1;
            yield `ok ${data.name} (${seconds(data)} s)\n`;
        } else if (type === 'test:fail') {
            failed += 1;
            yield `FAILED ${data.name} (${seconds(data)} s)\n`;
            yield reason(data.details.error).replace(/^/gm, '    ') + '\n';
        } else if (type === 'test:stderr') {
            yield data.message;
        }
    }
    yield `\n${passed} passed, ${failed} failed\n`;
}

function seconds(data) {
    return (data.details.duration_ms / 1000).toFixed(1);
}

/** The message of a failed assertion is enough. For any other error, the stack says where it was thrown. */
function reason(error) {
    const cause = error?.cause ?? error;
    return String(cause?.code === 'ERR_ASSERTION' ? cause.message : cause?.stack ?? cause);
}
