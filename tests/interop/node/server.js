// What the scripts know of the server under test: endpoints.json, by the environment.
'use strict';
const fs = require('node:fs');
const crypto = require('node:crypto');

const endpoints = JSON.parse(fs.readFileSync(process.env.MUSTER_ENDPOINTS, 'utf8'));
const ca = fs.readFileSync(endpoints.caFile, 'utf8');

const hub = (host) => endpoints.hubs.find((one) => one.hostName === host);

const derive = (groupKey, id) => crypto.createHmac('sha256', Buffer.from(groupKey, 'base64')).update(id).digest('base64');

// Node's older clients call back with (error, result); ours wait.
const call = (object, method, ...args) =>
  new Promise((resolve, reject) => object[method](...args, (error, ...results) => (error ? reject(error) : resolve(results))));

module.exports = { endpoints, ca, hub, derive, call };
