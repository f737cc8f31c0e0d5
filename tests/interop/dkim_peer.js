// mailauth from npm, for tests/interop/test_signatures.py:
//   node dkim_peer.js verify KEYS.json < message     results as JSON, one a signature
//   node dkim_peer.js sign DOMAIN SELECTOR KEY.pem ALGORITHM CANONICALIZATION < message     the fields
//   node dkim_peer.js spf CASES.json                 result words as JSON
// KEYS.json: {name: text}; CASES.json: {"zone": as for dawk --zone, "cases": [[ip, from, helo], ...]}
'use strict';

const fs = require('fs');

function missing(code) {
    const error = new Error(code);
    error.code = code;
    return error;
}

function fromKeys(keys) {
    return async (name, type) => {
        if (type !== 'TXT' || !keys[name.toLowerCase()]) throw missing('ENOTFOUND');
        return [[keys[name.toLowerCase()]]];
    };
}

function fromZone(zone) {
    return async (name, type) => {
        const records = zone[name.toLowerCase().replace(/\.$/, '')];
        if (!records) throw missing('ENOTFOUND');
        if (records === 'TIMEOUT') throw missing('ETIMEOUT');
        if (records === 'SERVFAIL') throw missing('ESERVFAIL');
        const found = records[type];
        if (!found || !found.length) throw missing('ENODATA');
        if (type === 'TXT') return found.map(text => [text]);
        if (type === 'MX') return found.map(([priority, exchange]) => ({ priority, exchange }));
        return found;
    };
}

async function main([what, ...rest]) {
    if (what === 'spf') {
        const { spf } = require('mailauth/lib/spf');
        const { zone, cases } = JSON.parse(fs.readFileSync(rest[0], 'utf8'));
        const results = [];
        for (const [ip, sender, helo] of cases) {
            const found = await spf({ ip, sender, helo, mta: 'mx.dawk.test', resolver: fromZone(zone) });
            results.push(found.status.result);
        }
        return JSON.stringify(results);
    }
    const message = fs.readFileSync(0);
    if (what === 'verify') {
        const { dkimVerify } = require('mailauth/lib/dkim/verify');
        const resolver = fromKeys(JSON.parse(fs.readFileSync(rest[0], 'utf8')));
        const { results } = await dkimVerify(message, { resolver });
        return JSON.stringify(results.map(r => r.status.result));
    }
    const { dkimSign } = require('mailauth/lib/dkim/sign');
    const [signingDomain, selector, file, algorithm, canonicalization] = rest;
    const { signatures, errors } = await dkimSign(message, {
        canonicalization,
        algorithm,
        signTime: new Date(),
        signatureData: [{ signingDomain, selector, privateKey: fs.readFileSync(file, 'utf8'), algorithm }]
    });
    if (errors.length) throw errors[0].err || new Error(JSON.stringify(errors));
    return signatures;
}

main(process.argv.slice(2)).then(
    text => process.stdout.write(text),
    error => {
        console.error(error);
        process.exit(1);
    }
);
