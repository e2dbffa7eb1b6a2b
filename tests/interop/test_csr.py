"""A device that brings a certification request to its registration: it gets a certificate with its hub, lives there with
unmodified azure-iot-device by nothing else, and is out at once when the certificate is taken back.

No released SDK sends a `csr` yet (2.14.0 has no word for it), so the registration is spoken here as the contract has it,
over HTTPS and over MQTT; the hub sees the SDK as it is."""

import base64
import json
import queue
import ssl
import time
import types
import urllib.parse
import uuid

import pytest
import requests
from azure.iot.device import X509, IoTHubDeviceClient
from azure.iot.device.exceptions import ClientError, CredentialError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from paho.mqtt import client as mqtt

import factory
from applicant import key_file
from test_python_device import derive, enroll, enroll_group, eventually, events, live, provision

API_VERSION = "2025-07-01-preview"


@pytest.fixture(scope="module")
def group(dps):
    """Devices of this group get certificates."""
    made = enroll_group(dps, "csr-line", {"type": "symmetricKey"}, credentialPolicyName="issuing/device")
    assert made["credentialPolicyName"] == "issuing/device"
    return made["attestation"]["symmetricKey"]["primaryKey"]


def request_for(name, key, extensions=()):
    builder = x509.CertificateSigningRequestBuilder().subject_name(factory.name(name))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    der = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    return base64.b64encode(der).decode()


def device_token(server, name, key):
    resource = urllib.parse.quote(f"{server.endpoints['idScope']}/registrations/{name}", safe="")
    expiry = int(time.time()) + 3600
    digest = derive(key, f"{resource}\n{expiry}")
    return f"SharedAccessSignature sr={resource}&sig={urllib.parse.quote(digest, safe='')}&se={expiry}&skn=registration"


class OverHttps:
    """A device at the device API, by its derived key or by a certificate."""

    def __init__(self, server, name, key=None, files=None):
        endpoints = server.endpoints
        self.base = f"https://{endpoints['dps']['host']}:{endpoints['ports']['https']}/{endpoints['idScope']}/registrations/{name}"
        self.name = name
        self.session = requests.Session()
        self.session.verify, self.session.cert = server.ca_file, files
        self.session.params = {"api-version": API_VERSION}
        if key:
            self.session.headers["Authorization"] = device_token(server, name, key)

    def ask(self, csr=None):
        body = {"registrationId": self.name, **({"csr": csr} if csr else {})}
        return self.session.put(f"{self.base}/register", json=body, timeout=30)

    def register(self, csr=None):
        """Its last answer, and the tracking id of its attempt."""
        asked = self.ask(csr)
        assert asked.status_code == 202, asked.text
        poll = f"{self.base}/operations/{asked.json()['operationId']}"
        done = eventually("the end of the registration", lambda: (it := self.session.get(poll, timeout=30)).status_code == 200 and it)
        return done.json(), asked.headers["x-ms-request-id"]


def over_mqtt(server, name, key, csr):
    """The same over MQTT, spoken by paho."""
    endpoints, answers = server.endpoints, queue.Queue()
    client = mqtt.Client(client_id=name, protocol=mqtt.MQTTv311)
    client.tls_set(ca_certs=server.ca_file, tls_version=ssl.PROTOCOL_TLS_CLIENT)
    client.username_pw_set(
        f"{endpoints['idScope']}/registrations/{name}/api-version={API_VERSION}", device_token(server, name, key)
    )
    client.on_subscribe = lambda *_: answers.put(None)
    client.on_connect = lambda *_: client.subscribe("$dps/registrations/res/#", qos=1)
    client.on_message = lambda _client, _data, message: answers.put(message)
    client.connect(endpoints["dps"]["host"], endpoints["ports"]["mqtts"])
    client.loop_start()

    def ask(topic, body):
        client.publish(topic, body, qos=1)
        answer = answers.get(timeout=20)
        return int(answer.topic.split("/")[3]), json.loads(answer.payload)

    try:
        assert answers.get(timeout=20) is None
        body = json.dumps({"registrationId": name, "csr": csr})
        status, said = ask(f"$dps/registrations/PUT/iotdps-register/?$rid={uuid.uuid4()}", body)
        assert status == 202, said
        poll = f"$dps/registrations/GET/iotdps-get-operationstatus/?$rid=1&operationId={said['operationId']}"
        return eventually("the end of the registration", lambda: (it := ask(poll, " "))[0] == 200 and it[1])
    finally:
        client.disconnect()
        client.loop_stop()


def files_of(tmp_path, key, done):
    """What the SDK is pointed at: the chain as it was told, and the key."""
    state = done["registrationState"]
    assert state["status"] == "assigned", done
    chain = [x509.load_der_x509_certificate(base64.b64decode(it, validate=True)) for it in state["issuedCertificateChain"]]
    chain_file = tmp_path / f"{state['deviceId']}.pem"
    chain_file.write_text("".join(factory.pem(it) for it in chain[:2]))
    return chain, (str(chain_file), str(key_file(tmp_path / f"{state['deviceId']}.key", key)))


def as_the_sdk_has_it(done):
    state = done["registrationState"]
    return types.SimpleNamespace(
        status=done["status"],
        registration_state=types.SimpleNamespace(assigned_hub=state["assignedHub"], device_id=state["deviceId"]),
    )


def at_its_hub(server, done, files, **options):
    state = done["registrationState"]
    return IoTHubDeviceClient.create_from_x509_certificate(
        x509=X509(*files), hostname=state["assignedHub"], device_id=state["deviceId"],
        server_verification_cert=server.ca_pem, **options,
    )


def test_a_device_lives_at_its_hub_with_the_certificate_that_its_registration_brought(server, dps, hubs, group, tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    device = OverHttps(server, "csr-0001", derive(group, "csr-0001"))
    done, tracking = device.register(request_for("csr-0001", key))
    chain, files = files_of(tmp_path, key, done)
    leaf, issuing, root = chain
    assert leaf.subject == factory.name("csr-0001") and leaf.public_key() == key.public_key()
    leaf.verify_directly_issued_by(issuing)
    issuing.verify_directly_issued_by(root)
    assert factory.pem(root).strip() == server.ca_pem.strip()

    host, name = live(server, hubs, as_the_sdk_has_it(done), files=files)
    found = eventually("the telemetry in the log", lambda: events(server, name))
    assert found[0]["body"] == {"temperature": 21.5}
    assert hubs[host].call("GET", f"/devices/{name}")["authentication"]["type"] == "certificateAuthority"
    told = hubs[host].call("GET", f"/twins/{name}")["properties"]["desired"]["muster"]["certificate"]
    assert told["serial"] == f"{leaf.serial_number:032x}"
    assert leaf.not_valid_before_utc.isoformat() < told["renewBy"] < told["notAfter"]

    # A lookup shows no certificates and issues none.
    lookup = device.session.post(device.base, json={"registrationId": "csr-0001"}, timeout=30)
    assert lookup.status_code == 200 and "issuedCertificateChain" not in lookup.json()
    lookup = device.session.post(device.base, json={"csr": request_for("csr-0001", key)}, timeout=30)
    assert (lookup.status_code, lookup.json()["errorCode"]) == (400, 400004)
    explained = server.muster("explain", tracking)
    assert "by profile `device@1`" in explained and f"{leaf.serial_number:032x}" in explained, explained


def test_over_mqtt_it_is_the_same_and_the_device_reads_in_its_twin_when_to_renew(server, group, tmp_path):
    key = ec.generate_private_key(ec.SECP384R1())
    done = over_mqtt(server, "csr-0002", derive(group, "csr-0002"), request_for("csr-0002", key))
    _, files = files_of(tmp_path, key, done)
    client = at_its_hub(server, done, files)
    try:
        client.connect()
        first = client.get_twin()["desired"]["muster"]["certificate"]
        # The next one over the device API, while it is connected: it hears the new date, and stays.
        patches = queue.Queue()
        client.on_twin_desired_properties_patch_received = patches.put
        done, _ = OverHttps(server, "csr-0002", derive(group, "csr-0002")).register(request_for("csr-0002", key))
        renewed = patches.get(timeout=20)["muster"]["certificate"]
        assert renewed["serial"] != first["serial"] and renewed["renewBy"] >= first["renewBy"]
        client.patch_twin_reported_properties({"renewed": True})
    finally:
        client.shutdown()


class AtTheHub:
    """The preview SDKs' renewal at the hub, spoken by paho with a client certificate."""

    def __init__(self, server, done, files):
        host, self.device = done["registrationState"]["assignedHub"], done["registrationState"]["deviceId"]
        self.heard = queue.Queue()
        self.client = mqtt.Client(client_id=self.device, protocol=mqtt.MQTTv311)
        self.client.tls_set(ca_certs=server.ca_file, certfile=files[0], keyfile=files[1], tls_version=ssl.PROTOCOL_TLS_CLIENT)
        self.client.username_pw_set(f"{host}/{self.device}/?api-version=2025-08-01-preview")
        self.client.on_connect = lambda *_: self.client.subscribe("$iothub/credentials/res/#")
        self.client.on_subscribe = lambda *_: self.heard.put(None)
        self.client.on_message = lambda _client, _data, message: self.heard.put(message)
        self.client.connect(host, server.endpoints["ports"]["mqtts"])
        self.client.loop_start()
        assert self.heard.get(timeout=20) is None

    def answer(self):
        message = self.heard.get(timeout=20)
        prefix, status, rid = message.topic.rsplit("/", 2)
        assert prefix == "$iothub/credentials/res"
        return int(status), rid, json.loads(message.payload)

    def renew(self, rid, csr, **more):
        body = json.dumps({"id": self.device, "csr": csr, "replace": None, **more})
        self.client.publish(f"$iothub/credentials/POST/issueCertificate/?$rid={rid}", body)

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


def test_a_connected_device_renews_at_its_hub_and_connects_with_the_new_certificate(server, hubs, group, tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    done, _ = OverHttps(server, "csr-0007", derive(group, "csr-0007")).register(request_for("csr-0007", key))
    _, files = files_of(tmp_path, key, done)
    device = AtTheHub(server, done, files)
    try:
        new_key = ec.generate_private_key(ec.SECP256R1())
        device.renew("renew-1", request_for("csr-0007", new_key))
        status, rid, taken = device.answer()
        assert (status, rid) == (202, "?$rid=renew-1") and taken["operationExpires"].endswith("Z")
        status, rid, renewed = device.answer()
        assert (status, rid, renewed["correlationId"]) == (200, "?$rid=renew-1", taken["correlationId"])
        assert len(renewed["certificates"]) == 3
        # Asked for twice by the same name, it is the same.
        device.renew("renew-1", request_for("csr-0007", new_key))
        assert device.answer()[0] == 202 and device.answer()[2]["certificates"] == renewed["certificates"]

        device.renew("renew-2", request_for("csr-0008", new_key))
        assert device.answer()[0] == 202
        status, _, refused = device.answer()
        assert (status, refused["errorCode"]) == (400, 400040) and "csr-0008" in refused["message"], refused
        device.renew("renew-3", request_for("csr-0007", new_key), more=1)
        status, _, refused = device.answer()
        assert (status, refused["errorCode"]) == (400, 400004) and "unknown field" in refused["message"]
    finally:
        device.close()
    done["registrationState"]["issuedCertificateChain"] = renewed["certificates"]
    chain, files = files_of(tmp_path, new_key, done)
    assert chain[0].public_key() == new_key.public_key()
    live(server, hubs, as_the_sdk_has_it(done), files=files)
    hub, serial = hubs[done["registrationState"]["assignedHub"]], f"{chain[0].serial_number:032x}"
    told = lambda: hub.call("GET", "/twins/csr-0007")["properties"]["desired"]["muster"]["certificate"]
    eventually("the new certificate in the twin", lambda: told()["serial"] == serial)


def test_the_key_that_a_device_registers_with_does_not_open_its_hub(server, group, tmp_path):
    onboarding = derive(group, "csr-0003")
    key = ec.generate_private_key(ec.SECP256R1())
    done, _ = OverHttps(server, "csr-0003", onboarding).register(request_for("csr-0003", key))
    state = done["registrationState"]
    client = IoTHubDeviceClient.create_from_symmetric_key(
        symmetric_key=onboarding, hostname=state["assignedHub"], device_id=state["deviceId"],
        server_verification_cert=server.ca_pem, connection_retry=False,
    )
    with pytest.raises((CredentialError, ClientError)):
        client.connect()
    client.shutdown()
    # Nor does another device's certificate.
    _, files = files_of(tmp_path, key, done)
    other, _ = OverHttps(server, "csr-0004", derive(group, "csr-0004")).register(
        request_for("csr-0004", ec.generate_private_key(ec.SECP256R1()))
    )
    client = at_its_hub(server, other, files, connection_retry=False)
    with pytest.raises((CredentialError, ClientError)):
        client.connect()
    client.shutdown()


def test_keys_and_requests_that_are_not_good_enough_are_refused_with_the_reason(server, dps, group):
    device = OverHttps(server, "csr-0005", derive(group, "csr-0005"))
    good = ec.generate_private_key(ec.SECP256R1())
    done, _ = device.register(request_for("csr-0005", rsa.generate_private_key(65537, 2048)))
    assert done["status"] == "assigned"
    flipped = bytearray(base64.b64decode(request_for("csr-0005", good)))
    flipped[-1] ^= 1
    for csr, why in [
        (request_for("csr-0005", rsa.generate_private_key(65537, 1024)), "1024"),
        (request_for("csr-0006", good), "the registration id is `csr-0005`"),
        (base64.b64encode(flipped).decode(), "is not signed by the key that it contains"),
        ("no request at all", "certification request"),
    ]:
        refused = device.ask(csr)
        assert (refused.status_code, refused.json()["errorCode"]) == (400, 400004), refused.text
        assert why in refused.json()["message"], refused.text
        assert why in server.muster("explain", refused.json()["trackingId"])
    # What only the authority knows to refuse ends the registration.
    done, tracking = device.register(request_for("csr-0005", good, [x509.BasicConstraints(ca=True, path_length=None)]))
    assert (done["status"], done["registrationState"]["errorCode"]) == ("failed", 400040)
    assert "asks to be an authority" in done["registrationState"]["errorMessage"]
    assert "asks to be an authority" in server.muster("explain", tracking)
    # No policy, no certificate.
    plain = enroll(dps, "csr-plain", {"type": "symmetricKey"})["attestation"]["symmetricKey"]["primaryKey"]
    refused = OverHttps(server, "csr-plain", plain).ask(request_for("csr-plain", good))
    assert refused.status_code == 400 and "`credentialPolicyName`" in refused.json()["message"]


def test_a_policy_that_names_nothing_is_refused_when_it_is_written(dps, server):
    for policy, why in [("nowhere/device", "no authority `nowhere`"), ("nothing", "no profile `nothing`"), ("sub-ca", "not for clients")]:
        body = {"registrationId": "csr-bad", "attestation": {"type": "symmetricKey"}, "credentialPolicyName": policy}
        refused = dps.session.put(
            f"{dps.base}/enrollments/csr-bad", json=body, params={"api-version": "2025-07-01-preview"},
            headers={"Authorization": dps.token()}, timeout=30,
        )
        assert refused.status_code == 400 and why in refused.text, refused.text
    server.muster("enrollment", "create", "csr-cli", "--credential-policy", "device")
    assert dps.call("GET", "/enrollments/csr-cli")["credentialPolicyName"] == "device"


def connected(server, done, files):
    """The SDK at its hub, and when it lost its connection."""
    client, lost = at_its_hub(server, done, files, connection_retry=False), queue.Queue()
    client.on_connection_state_change = lambda: None if client.connected else lost.put(time.monotonic())
    client.connect()
    return client, lost


@pytest.mark.parametrize("what", ["serial", "holder"])
def test_what_is_revoked_is_cut_within_a_second_and_does_not_come_back(server, dps, ca, group, tmp_path, what):
    name = f"csr-out-{what}"
    key = ec.generate_private_key(ec.SECP256R1())
    device = OverHttps(server, name, derive(group, name))
    done, _ = device.register(request_for(name, key))
    chain, files = files_of(tmp_path, key, done)
    client, lost = connected(server, done, files)
    try:
        client.send_message("still in")
        revoked = {"serial": {"serial": f"{chain[0].serial_number:032x}"}, "holder": {"holder": name}}[what]
        begun = time.monotonic()
        ca.call("POST", "/ca/revoke", {**revoked, "reason": "keyCompromise"}, expect=(200, 201))
        took = lost.get(timeout=5) - begun
        assert took < 1, f"cut after {took:.3f} s"
        with pytest.raises((CredentialError, ClientError)):
            client.connect()
    finally:
        client.shutdown()

    if what == "serial":
        # The certificate proves nothing any more, to nobody.
        issuing = factory.pem(chain[1])
        by_certificate = {"type": "x509", "x509": {"signingCertificates": {"primary": {"certificate": issuing}}}}
        enroll_group(dps, "csr-ours", by_certificate)
        refused = OverHttps(server, name, files=files).ask()
        assert (refused.status_code, refused.json()["message"]) == (401, "Invalid certificate.")
        tracking = refused.json()["trackingId"]
        with pytest.raises((CredentialError, ClientError)):
            provision(server, name, files=files)
    else:
        # The device is out, whatever it proves itself by; the SDK knows no `disabled` and calls it a failure.
        done, tracking = device.register(request_for(name, key))
        assert done["status"] == "disabled" and "issuedCertificateChain" not in done["registrationState"]
        with pytest.raises(ClientError):
            provision(server, name, key=derive(group, name))
    explained = server.muster("explain", tracking)
    assert "revoked at" in explained and "(keyCompromise)" in explained, explained

    if what == "holder":
        server.muster("ca", "readmit", name)
        key = ec.generate_private_key(ec.SECP256R1())
        done, _ = device.register(request_for(name, key))
        _, files = files_of(tmp_path, key, done)
        client, _ = connected(server, done, files)
        client.shutdown()


def test_a_released_sdk_which_cannot_ask_for_a_certificate_lives_by_its_key_unless_one_is_required(server, dps, hubs, group):
    key = derive(group, "csr-not")
    live(server, hubs, provision(server, "csr-not", key=key), key=key)
    strict = enroll_group(
        dps, "csr-strict", {"type": "symmetricKey"}, credentialPolicyName="issuing/device", certificateRequired=True
    )
    assert strict["certificateRequired"] is True
    key = derive(strict["attestation"]["symmetricKey"]["primaryKey"], "csr-strict-1")
    refused = OverHttps(server, "csr-strict-1", key).ask()
    assert refused.status_code == 400 and "`certificateRequired`" in refused.json()["message"], refused.text
    assert "csr" in server.muster("explain", refused.headers["x-ms-request-id"])
