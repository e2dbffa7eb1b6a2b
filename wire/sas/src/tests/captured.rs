//! Tokens captured from unmodified clients, with the (throwaway) keys they were signed with.

use crate::{Key, Token, sign};

const HUB_POLICY: &str = "bXVzdGVyLWxhYi1pb3RodWJvd25lci1rZXktMDAwMDAw";
const DPS_POLICY: &str = "bXVzdGVyLWxhYi1kcHMtb3duZXIta2V5LTAwMDAwMDAw";

enum Keyed {
    ByBytes,
    ByText,
}
use Keyed::*;

struct Captured {
    client: &'static str,
    token: &'static str,
    key: &'static str,
    keyed: Keyed,
    resource: &'static str,
    expires_s: i64,
    policy: Option<&'static str>,
}

const CAPTURED: &[Captured] = &[
    Captured {
        client: "azure-iot-provisioning-device-http (Node): raw `sr`, skn before se, skn of no policy",
        token: "SharedAccessSignature sr=0ne00000001/registrations/acc-http-07cc7d6e&sig=ctj5SAMWDlMACwMuA%2FDeMiz%2BZmddStT%2F%2BBGWLgQXd0k%3D&skn=registration&se=1795211871",
        key: "aPB3iLjMOrzVn+sGNC/HliHvfcX0VZWfzpE9/ckGZagEmMJcFkJYvwhmIRO0pAyJeHRs9XzgRbYK9CjMV2Bcyw==",
        keyed: ByBytes,
        resource: "0ne00000001/registrations/acc-http-07cc7d6e",
        expires_s: 1_795_211_871,
        policy: Some("registration"),
    },
    Captured {
        client: "azure-iot-device (Node): encoded `sr`, no skn",
        token: "SharedAccessSignature sr=hub.muster.test%2Fdevices%2Facc-mqtt-63dd7ff7&sig=sI06kFWxrsW4r%2FeIIO0Vv%2Bg0e34re7usaP75oRcBogI%3D&se=1795211899",
        key: "+kTsSzJ6ssXLlFdDm0iwNot1iwKnc0DEcHONI7N3Qms=",
        keyed: ByBytes,
        resource: "hub.muster.test/devices/acc-mqtt-63dd7ff7",
        expires_s: 1_795_211_899,
        policy: None,
    },
    Captured {
        client: "azure-iot-device (Python), signing with the secondary key",
        token: "SharedAccessSignature sr=hub.muster.test%2Fdevices%2Facc-pysvc-6352bd7f&sig=O5pCk%2BaTx%2F9C8LHmqU3AcP5xUgF3uLo4s0ObA5zcQxk%3D&se=1795211865",
        key: "seOsnSHXc923uDpblQGJuImE8ntPXznPgITj2M7pilo=",
        keyed: ByBytes,
        resource: "hub.muster.test/devices/acc-pysvc-6352bd7f",
        expires_s: 1_795_211_865,
        policy: None,
    },
    Captured {
        client: "azure-iot-hub (Python, msrest): the slash in `sig` is not encoded",
        token: "SharedAccessSignature sr=hub.muster.test&sig=UK/BzJ2%2BZFgsSaebm18U1IGOqBRwevaSoPVGyIyBDOQ%3D&se=1795211865&skn=iothubowner",
        key: HUB_POLICY,
        keyed: ByBytes,
        resource: "hub.muster.test",
        expires_s: 1_795_211_865,
        policy: Some("iothubowner"),
    },
    Captured {
        client: "azure-iothub (Node): skn before se",
        token: "SharedAccessSignature sr=hub.muster.test&sig=i5T9yMICElushqdS%2BPgYmAU3O1f1VlK7T0h99INr19A%3D&skn=iothubowner&se=1795211900",
        key: HUB_POLICY,
        keyed: ByBytes,
        resource: "hub.muster.test",
        expires_s: 1_795_211_900,
        policy: Some("iothubowner"),
    },
    Captured {
        client: "az iot",
        token: "SharedAccessSignature sr=dps.muster.test&sig=AdzacmHbCCoFNItwWMqjG6DOUERBlXBpE%2FJ%2B0sIlEAE%3D&se=1795209730&skn=provisioningserviceowner",
        key: DPS_POLICY,
        keyed: ByBytes,
        resource: "dps.muster.test",
        expires_s: 1_795_209_730,
        policy: Some("provisioningserviceowner"),
    },
    Captured {
        client: "azure-iot-provisioning-service (Node)",
        token: "SharedAccessSignature sr=dps.muster.test&sig=Z9MyXIHIqLqsIlTgvUvwhIP4Q%2Fh8yOug4%2FpEHv7Wvgg%3D&skn=provisioningserviceowner&se=1795211930",
        key: DPS_POLICY,
        keyed: ByBytes,
        resource: "dps.muster.test",
        expires_s: 1_795_211_930,
        policy: Some("provisioningserviceowner"),
    },
    Captured {
        client: "azure-eventhub (Python): the key's text is the key, a scheme in `sr`",
        token: "SharedAccessSignature sr=sb%3A%2F%2Fhub.muster.test%2Fmuster-events%2Fconsumergroups%2F%24Default&sig=Hdxc5I9FZbWQ8opPXEVX%2BAVMxT5%2FIf52wxFRbL09%2F1k%3D&se=1795211860&skn=iothubowner",
        key: HUB_POLICY,
        keyed: ByText,
        resource: "sb://hub.muster.test/muster-events/consumergroups/$Default",
        expires_s: 1_795_211_860,
        policy: Some("iothubowner"),
    },
    Captured {
        client: "@azure/event-hubs (Node)",
        token: "SharedAccessSignature sr=sb%3A%2F%2Fhub.muster.test%2Fmuster-events%2F%24management&sig=rSSNmENNb2z1jxA0LHRAbzqAWIGBQd6m3mQ4zmVtqSk%3D&se=1795211934&skn=iothubowner",
        key: HUB_POLICY,
        keyed: ByText,
        resource: "sb://hub.muster.test/muster-events/$management",
        expires_s: 1_795_211_934,
        policy: Some("iothubowner"),
    },
];

#[test]
fn every_captured_token_is_read_and_verified() {
    for Captured { client, token, key, keyed, resource, expires_s, policy } in CAPTURED {
        let token = Token::parse(token).unwrap();
        assert_eq!(token.resource, *resource, "{client}");
        assert_eq!(token.expires_s, *expires_s, "{client}");
        assert_eq!(token.policy.as_deref(), *policy, "{client}");

        let key = Key::from_base64(key).unwrap();
        let by_bytes = matches!(keyed, ByBytes);
        assert_eq!(token.is_signed_by(&key), by_bytes, "{client}");
        assert_eq!(token.is_signed_by_text_of(&key), !by_bytes, "{client}");
    }
}

#[test]
fn no_captured_token_survives_a_change_of_what_was_signed() {
    for Captured { client, token, key, .. } in CAPTURED {
        let key = Key::from_base64(key).unwrap();
        let longer = token.replacen("se=17", "se=27", 1);
        let elsewhere = token.replacen("sr=", "sr=x", 1);
        for changed in [longer, elsewhere] {
            let changed = Token::parse(&changed).unwrap();
            assert!(!changed.is_signed_by(&key) && !changed.is_signed_by_text_of(&key), "{client}");
        }
    }
}

#[test]
fn we_sign_as_the_sdks_that_encode_once() {
    let captured = &CAPTURED[1];
    let key = Key::from_base64(captured.key).unwrap();
    assert_eq!(sign(captured.resource, &key, captured.expires_s, None), captured.token);

    let owner = &CAPTURED[5];
    let key = Key::from_base64(owner.key).unwrap();
    assert_eq!(sign(owner.resource, &key, owner.expires_s, owner.policy), owner.token);
}
