"""Unmodified azure-iot-device from PyPI: first boot by every attestation we offer, then life on the assigned hub."""

import base64
import hashlib
import hmac
import json
import queue
import time

import pytest
from azure.iot.device import X509, IoTHubDeviceClient, Message, ProvisioningDeviceClient
from azure.iot.device.exceptions import ClientError, CredentialError

import factory

SEEN_S = 20


def eventually(what, check, seconds=SEEN_S):
    deadline = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.1)


def provision(server, registration_id, key=None, files=None, payload=None):
    """One first boot; returns what the SDK made of our answer."""
    common = dict(
        provisioning_host=server.endpoints["dps"]["host"],
        registration_id=registration_id,
        id_scope=server.endpoints["idScope"],
        server_verification_cert=server.ca_pem,
    )
    if key is not None:
        client = ProvisioningDeviceClient.create_from_symmetric_key(symmetric_key=key, **common)
    else:
        client = ProvisioningDeviceClient.create_from_x509_certificate(x509=X509(files[0], files[1]), **common)
    if payload is not None:
        client.provisioning_payload = payload
    return client.register()


def live(server, hubs, state, key=None, files=None):
    """Telemetry, twin, reported, desired: with the credential that the first boot left us."""
    assert state.status == "assigned"
    host, device = state.registration_state.assigned_hub, state.registration_state.device_id
    back_end = hubs[host]
    if key is not None:
        client = IoTHubDeviceClient.create_from_symmetric_key(
            symmetric_key=key, hostname=host, device_id=device, server_verification_cert=server.ca_pem
        )
    else:
        client = IoTHubDeviceClient.create_from_x509_certificate(
            x509=X509(files[0], files[1]), hostname=host, device_id=device, server_verification_cert=server.ca_pem
        )
    desired = queue.Queue()
    client.on_twin_desired_properties_patch_received = desired.put
    try:
        client.connect()
        message = Message(json.dumps({"temperature": 21.5}))
        message.message_id = "m-1"
        message.content_type, message.content_encoding = "application/json", "utf-8"
        message.custom_properties["line"] = "7 & more = ok"
        client.send_message(message)

        twin = client.get_twin()
        assert twin["desired"]["$version"] >= 1 and twin["reported"]["$version"] >= 1
        client.patch_twin_reported_properties({"firmware": "1.2.3", "nested": {"a": [1, 2]}})
        assert client.get_twin()["reported"]["firmware"] == "1.2.3"
        seen = back_end.call("GET", f"/twins/{device}")
        assert seen["properties"]["reported"]["nested"] == {"a": [1, 2]}
        assert seen["connectionState"] == "Connected"

        back_end.call("PATCH", f"/twins/{device}", {"properties": {"desired": {"interval_s": 5, "old": None}}})
        patch = desired.get(timeout=SEEN_S)
        assert patch["interval_s"] == 5 and patch["$version"] == twin["desired"]["$version"] + 1
    finally:
        client.shutdown()
    return host, device


def events(server, device):
    """What the event log holds of a device, through the CLI a person would use."""
    text = server.muster("events", "tail", "--device", device, "--from", "start", "--no-follow", "--json")
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def enroll(dps, registration_id, attestation, **more):
    body = {"registrationId": registration_id, "attestation": attestation, **more}
    return dps.call("PUT", f"/enrollments/{registration_id}", body)


def enroll_group(dps, group, attestation, **more):
    return dps.call("PUT", f"/enrollmentGroups/{group}", {"enrollmentGroupId": group, "attestation": attestation, **more})


def derive(group_key, registration_id):
    digest = hmac.new(base64.b64decode(group_key), registration_id.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def test_a_device_with_its_own_symmetric_key_boots_and_lives(server, dps, hubs):
    enrollment = enroll(
        dps,
        "py-sym-1",
        {"type": "symmetricKey"},
        deviceId="py-sym-device",
        initialTwin={"tags": {"site": "berlin"}, "properties": {"desired": {"interval_s": 60}}},
    )
    key = enrollment["attestation"]["symmetricKey"]["primaryKey"]
    state = provision(server, "py-sym-1", key=key, payload={"modelId": "dtmi:lab:Thing;1"})
    assert state.registration_state.sub_status == "initialAssignment"
    host, device = live(server, hubs, state, key=key)
    assert device == "py-sym-device"
    assert hubs[host].call("GET", f"/twins/{device}")["tags"] == {"site": "berlin"}
    found = eventually("the telemetry in the log", lambda: events(server, device))
    assert found[0]["body"] == {"temperature": 21.5}
    assert found[0]["properties"] == {"line": "7 & more = ok"}
    assert found[0]["systemProperties"]["message-id"] == "m-1"


def test_the_secondary_key_works_as_well_as_the_primary(server, dps):
    enrollment = enroll(dps, "py-sym-2", {"type": "symmetricKey"})
    state = provision(server, "py-sym-2", key=enrollment["attestation"]["symmetricKey"]["secondaryKey"])
    assert state.status == "assigned"


def test_a_device_of_a_symmetric_group_boots_and_lives(server, dps, hubs):
    group = enroll_group(dps, "py-sym-group", {"type": "symmetricKey"})
    key = derive(group["attestation"]["symmetricKey"]["primaryKey"], "py-line-0001")
    live(server, hubs, provision(server, "py-line-0001", key=key), key=key)


def test_a_device_with_its_own_certificate_boots_and_lives(server, dps, hubs, maker):
    certificate, files = maker.self_signed("py-x509-1")
    enroll(dps, "py-x509-1", {"type": "x509", "x509": {"clientCertificates": {"primary": {"certificate": factory.pem(certificate)}}}})
    live(server, hubs, provision(server, "py-x509-1", files=files), files=files)


def test_a_device_of_an_x509_group_boots_through_an_intermediate_and_lives(server, dps, hubs, maker):
    enroll_group(
        dps, "py-x509-group", {"type": "x509", "x509": {"signingCertificates": {"primary": {"certificate": factory.pem(maker.root)}}}}
    )
    _, files = maker.device("py-unit-0001")
    live(server, hubs, provision(server, "py-unit-0001", files=files), files=files)


def test_a_second_boot_stays_on_its_hub(server, dps):
    key = enroll(dps, "py-again", {"type": "symmetricKey"})["attestation"]["symmetricKey"]["primaryKey"]
    first, second = provision(server, "py-again", key=key), provision(server, "py-again", key=key)
    assert first.registration_state.assigned_hub == second.registration_state.assigned_hub
    assert second.status == "assigned"


def test_a_wrong_key_is_refused_and_the_trace_says_why(server, dps):
    enroll(dps, "py-wrong", {"type": "symmetricKey"})
    with pytest.raises((CredentialError, ClientError)):
        provision(server, "py-wrong", key=base64.b64encode(b"not the key of this device, no....").decode())


def test_a_disabled_enrollment_ends_disabled(server, dps):
    enrollment = enroll(dps, "py-disabled", {"type": "symmetricKey"}, provisioningStatus="disabled")
    # This SDK knows no `disabled` and calls it a failure; the record tells.
    with pytest.raises(ClientError):
        provision(server, "py-disabled", key=enrollment["attestation"]["symmetricKey"]["primaryKey"])
    assert dps.call("GET", "/registrations/py-disabled")["status"] == "disabled"


def test_an_unknown_device_is_refused(server):
    with pytest.raises((CredentialError, ClientError)):
        provision(server, "py-nobody", key=base64.b64encode(b"nobody ever enrolled this one......").decode())


def test_a_foreign_certificate_is_refused(server, tmp_path):
    _, files = factory.Maker(tmp_path).device("py-foreign")
    with pytest.raises((CredentialError, ClientError)):
        provision(server, "py-foreign", files=files)
