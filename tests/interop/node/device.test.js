// Node's device SDKs: first boot over MQTT and HTTPS, then telemetry and twin on the assigned hub, watched by azure-iothub.
'use strict';
const test = require('node:test');
const assert = require('node:assert');
const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');
const { ProvisioningServiceClient } = require('azure-iot-provisioning-service');
const { SymmetricKeySecurityClient } = require('azure-iot-security-symmetric-key');
const { Client, Message } = require('azure-iot-device');
const { Registry } = require('azure-iothub');
const { endpoints, ca, hub, derive, call } = require('./server');

const service = ProvisioningServiceClient.fromConnectionString(endpoints.dps.serviceConnectionString);
const transports = {
  mqtt: require('azure-iot-provisioning-device-mqtt').Mqtt,
  https: require('azure-iot-provisioning-device-http').Http,
};

async function firstBoot(transport, registrationId, key) {
  const client = ProvisioningDeviceClient.create(
    endpoints.dps.host, endpoints.idScope, new transports[transport](), new SymmetricKeySecurityClient(registrationId, key));
  return client.register();
}

for (const transport of Object.keys(transports)) {
  test(`a device of a group boots over ${transport}, sends, reports and is steered`, { timeout: 60000 }, async () => {
    const groupId = `node-${transport}-group`;
    const [group] = await call(service, 'createOrUpdateEnrollmentGroup', {
      enrollmentGroupId: groupId, attestation: { type: 'symmetricKey' }, initialTwin: { tags: { by: transport } },
    });
    const id = `node-${transport}-0001`;
    const key = derive(group.attestation.symmetricKey.primaryKey, id);
    const assigned = await firstBoot(transport, id, key);
    assert.strictEqual(assigned.status, 'assigned');
    assert.strictEqual(assigned.deviceId, id);

    const client = Client.fromConnectionString(
      `HostName=${assigned.assignedHub};DeviceId=${id};SharedAccessKey=${key}`, require('azure-iot-device-mqtt').Mqtt);
    await client.setOptions({ ca });
    await client.open();
    const message = new Message(JSON.stringify({ n: 1 }));
    message.properties.add('kind', 'interop');
    await client.sendEvent(message);

    const twin = await client.getTwin();
    await new Promise((resolve, reject) => twin.properties.reported.update({ up: true }, (error) => (error ? reject(error) : resolve())));
    const desired = new Promise((resolve) => twin.on('properties.desired.speed', resolve));
    const registry = Registry.fromConnectionString(hub(assigned.assignedHub).ownerConnectionString);
    const { responseBody: seen } = await registry.getTwin(id);
    assert.deepStrictEqual(seen.tags, { by: transport });
    assert.strictEqual(seen.properties.reported.up, true);
    await registry.updateTwin(id, { properties: { desired: { speed: 7 } } }, seen.etag);
    assert.strictEqual(await desired, 7);
    const { responseBody: device } = await registry.get(id);
    assert.strictEqual(device.authentication.type, 'sas');
    await client.close();
  });
}

test('a device made by hand in the registry gets keys and is found, changed and removed', async () => {
  const registry = Registry.fromConnectionString(endpoints.hubs[0].ownerConnectionString);
  const { responseBody: made } = await registry.create({ deviceId: 'node-by-hand' });
  assert.ok(made.authentication.symmetricKey.primaryKey);
  await assert.rejects(registry.create({ deviceId: 'node-by-hand' }), { name: 'DeviceAlreadyExistsError' });
  await registry.update({ ...made, status: 'disabled', statusReason: 'interop' });
  assert.strictEqual((await registry.get('node-by-hand')).responseBody.status, 'disabled');
  await registry.delete('node-by-hand');
  await assert.rejects(registry.get('node-by-hand'), { name: 'DeviceNotFoundError' });
});
