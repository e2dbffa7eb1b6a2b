// azure-iot-provisioning-service against the service API: create, read, update, query, bulk, keys, delete.
'use strict';
const test = require('node:test');
const assert = require('node:assert');
const { ProvisioningServiceClient } = require('azure-iot-provisioning-service');
const { endpoints, call } = require('./server');

const service = ProvisioningServiceClient.fromConnectionString(endpoints.dps.serviceConnectionString);
const individual = (registrationId, more) => ({ registrationId, attestation: { type: 'symmetricKey' }, ...more });

test('an enrollment is made, read, updated by its etag and deleted', async () => {
  const [made] = await call(service, 'createOrUpdateIndividualEnrollment', individual('node-one', {
    deviceId: 'node-one-device',
    initialTwin: { tags: { a: 1 }, properties: { desired: { b: 2 } } },
  }));
  assert.ok(made.attestation.symmetricKey.primaryKey);
  assert.strictEqual(made.provisioningStatus, 'enabled');
  const [keys] = await call(service, 'getIndividualEnrollmentAttestationMechanism', 'node-one');
  assert.strictEqual(keys.symmetricKey.primaryKey, made.attestation.symmetricKey.primaryKey);
  const [updated] = await call(service, 'createOrUpdateIndividualEnrollment', { ...made, provisioningStatus: 'disabled' });
  assert.strictEqual(updated.provisioningStatus, 'disabled');
  await assert.rejects(call(service, 'createOrUpdateIndividualEnrollment', made), 'a stale etag is refused');
  const [read] = await call(service, 'getIndividualEnrollment', 'node-one');
  assert.strictEqual(read.deviceId, 'node-one-device');
  assert.deepStrictEqual(read.initialTwin.tags, { a: 1 });
  await call(service, 'deleteIndividualEnrollment', read);
  await assert.rejects(call(service, 'getIndividualEnrollment', 'node-one'));
});

test('bulk makes many and a query pages through them all', async () => {
  const enrollments = Array.from({ length: 7 }, (_, at) => individual(`node-bulk-${at}`));
  const [result] = await call(service, 'runBulkEnrollmentOperation', { mode: 'create', enrollments });
  assert.strictEqual(result.isSuccessful, true, JSON.stringify(result));
  const query = service.createIndividualEnrollmentQuery({ query: 'SELECT * FROM enrollments' }, 3);
  const seen = new Set();
  do {
    const page = await new Promise((resolve, reject) =>
      query.next(query.continuationToken, (error, items) => (error ? reject(error) : resolve(items))));
    page.forEach((one) => seen.add(one.registrationId));
  } while (query.hasMoreResults);
  enrollments.forEach((one) => assert.ok(seen.has(one.registrationId), `${one.registrationId} is missing`));
});

test('a group has keys of its own and can be read back', async () => {
  const [group] = await call(service, 'createOrUpdateEnrollmentGroup', {
    enrollmentGroupId: 'node-group', attestation: { type: 'symmetricKey' },
  });
  assert.ok(group.attestation.symmetricKey.secondaryKey);
  const [keys] = await call(service, 'getEnrollmentGroupAttestationMechanism', 'node-group');
  assert.strictEqual(keys.symmetricKey.secondaryKey, group.attestation.symmetricKey.secondaryKey);
  const [read] = await call(service, 'getEnrollmentGroup', 'node-group');
  assert.strictEqual(read.enrollmentGroupId, 'node-group');
});
