// Runs docs/postman against the server at $BASE_URL, with the secrets from the environment. One line a request,
// `pass`, or `fail`, its name, how many assertions it has and the first that failed. Ends with 0 if every
// request of the collection was sent and passed.
'use strict';

const path = require('path');
const newman = require('newman');

const folder = path.join(__dirname, '../../docs/postman');
const SECRETS = ['T4G_API_KEY', 'T4G_WEBHOOK_SECRET', 'WEBHOOK_SECRET', 'GUICHET_METRICS_TOKEN'];

function requests(item) {
    return item.item ? item.item.flatMap(requests) : [item.name];
}

const collection = require(path.join(folder, 'guichet.postman_collection.json'));
const environment = require(path.join(folder, 'guichet.postman_environment.json'));
for (const value of environment.values) {
    if (SECRETS.includes(value.key)) {
        value.value = process.env[value.key];
    } else if (value.key === 'base_url') {
        value.value = process.env.BASE_URL;
    }
}

newman.run({ collection, environment, timeoutRequest: 20000 }, (error, summary) => {
    if (error) {
        console.error(error);
        process.exit(2);
    }
    const { executions, failures } = summary.run;
    const expected = requests(collection);
    const sent = executions.map((one) => one.item.name);
    for (const one of executions) {
        // An assertion, an error in a script, or no answer.
        const failed = failures.filter((failure) => failure.cursor.ref === one.cursor.ref);
        const assertions = (one.assertions || []).length;
        const verdict = failed.length === 0 && assertions > 0 ? 'pass' : 'fail';
        const why = failed.length > 0 ? `: ${failed[0].error.test || ''} ${failed[0].error.message}` : '';
        console.log(`${verdict} ${one.item.name} (${assertions} assertions)${why}`);
    }
    const whole = JSON.stringify(sent) === JSON.stringify(expected);
    if (!whole) {
        console.log(`fail ${expected.length} requests are there, ${sent.length} were sent`);
    }
    process.exit(whole && failures.length === 0 ? 0 : 1);
});
