// Runs docs/postman once for each line of standard input, "NAME=VALUE ...": BASE_URL and the secrets. One line a
// request, `pass`, or `fail`, its name, how many assertions it has and the first that failed; then `ended 0` if
// every request of the collection was sent and passed, else `ended 1`.
'use strict';

const path = require('path');
const readline = require('readline');
const newman = require('newman');

const folder = path.join(__dirname, '../../docs/postman');
const collection = require(path.join(folder, 'guichet.postman_collection.json'));
const environment = require(path.join(folder, 'guichet.postman_environment.json'));

function requests(item) {
    return item.item ? item.item.flatMap(requests) : [item.name];
}

// The environment with what the line says.
function filled(line) {
    const given = Object.fromEntries(line.split(' ').map((one) => one.split(/=(.*)/s)));
    const values = environment.values.map((one) => ({ ...one, value: given[one.key === 'base_url' ? 'BASE_URL' : one.key] || '' }));
    return { ...environment, values };
}

// What came of one request; true if it passed.
function tell(one, failures) {
    // An assertion, an error in a script, or no answer.
    const failed = failures.filter((failure) => failure.cursor.ref === one.cursor.ref);
    const assertions = (one.assertions || []).length;
    const verdict = failed.length === 0 && assertions > 0 ? 'pass' : 'fail';
    const why = failed.length > 0 ? `: ${failed[0].error.test || ''} ${failed[0].error.message}` : '';
    console.log(`${verdict} ${one.item.name} (${assertions} assertions)${why.replace(/\s+/g, ' ')}`);
    return verdict === 'pass';
}

function run(line) {
    return new Promise((resolve) => {
        newman.run({ collection, environment: filled(line), timeoutRequest: 20000 }, (error, summary) => {
            if (error) {
                console.log(`fail newman: ${error.message}`);
                resolve(false);
                return;
            }
            const { executions, failures } = summary.run;
            const expected = requests(collection);
            const good = executions.map((one) => tell(one, failures)).every((passed) => passed);
            const whole = JSON.stringify(executions.map((one) => one.item.name)) === JSON.stringify(expected);
            if (!whole) console.log(`fail ${expected.length} requests are there, ${executions.length} were sent`);
            resolve(good && whole && failures.length === 0);
        });
    });
}

(async () => {
    for await (const line of readline.createInterface({ input: process.stdin })) {
        console.log(`ended ${await run(line) ? 0 : 1}`);
    }
})();
