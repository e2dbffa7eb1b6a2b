//! Which token opens what, and what the operator reads when it does not.

use jiff::Timestamp;
use muster_sas::{Key, Token, sign};

use super::entropy;
use crate::{AccessPolicy, Denied, Right::*, authorize};

const EXPIRES_S: i64 = 1_795_211_871;

fn policies() -> Vec<AccessPolicy> {
    AccessPolicy::hub_defaults(&entropy())
}

fn token(resource: &str, key: &Key, policy: Option<&str>) -> Token {
    Token::parse(&sign(resource, key, EXPIRES_S, policy)).unwrap()
}

fn before() -> Timestamp {
    Timestamp::from_second(EXPIRES_S - 60).unwrap()
}

#[test]
fn either_key_of_a_policy_opens() {
    let policies = policies();
    for key in [&policies[1].primary, policies[1].secondary.as_ref().unwrap()] {
        let token = token("hub.test", key, Some("service"));
        let by = authorize(&policies, &token, "hub.test/twins/d", ServiceConnect, before());
        assert_eq!(by.unwrap().name, "service");
    }
}

#[test]
fn the_keys_text_may_be_taken_for_the_key() {
    let key = "bXVzdGVyLWxhYi1pb3RodWJvd25lci1rZXktMDAwMDAw"; // from a capture of azure-eventhub (Python)
    let text = "SharedAccessSignature sr=sb%3A%2F%2Fhub.muster.test%2Fmuster-events&sig=JrEYwWCkJNk0MgYNySXLMC3Xs1pIzr1S5HoIoqi43sg%3D&se=1795211857&skn=iothubowner";
    let mut policies = policies();
    policies[0].secondary = None;
    policies[0].primary = Key::from_base64(key).unwrap();
    let token = Token::parse(text).unwrap();
    let resource = "hub.muster.test/muster-events/ConsumerGroups/$Default/Partitions/0";
    assert!(authorize(&policies, &token, resource, ServiceConnect, before()).is_ok());
}

#[test]
fn a_token_without_a_policy_or_with_an_unknown_one_is_denied() {
    let policies = policies();
    let key = &policies[0].primary;
    let denied = |policy| {
        authorize(&policies, &token("hub.test", key, policy), "hub.test", RegistryRead, before()).unwrap_err()
    };
    assert_eq!(denied(None), Denied::NoPolicy);
    assert_eq!(
        denied(Some("owner")).to_string(),
        "there is no policy `owner`, use one of `iothubowner`, `service`, `device`, `registryRead`, `registryReadWrite`"
    );
}

#[test]
fn a_key_of_another_policy_is_denied_even_when_it_has_more_rights() {
    let policies = policies();
    let token = token("hub.test", &policies[0].primary, Some("service"));
    let denied = authorize(&policies, &token, "hub.test", ServiceConnect, before()).unwrap_err();
    assert_eq!(denied, Denied::Signature { policy: "service".to_owned() });
}

#[test]
fn an_expired_token_is_denied_after_five_minutes_of_grace() {
    let policies = policies();
    let token = token("hub.test", &policies[0].primary, Some("iothubowner"));
    let at = |second| {
        authorize(&policies, &token, "hub.test", RegistryRead, Timestamp::from_second(second).unwrap())
    };
    assert!(at(EXPIRES_S + 300).is_ok());
    assert_eq!(
        at(EXPIRES_S + 301).unwrap_err().to_string(),
        "the token expired at 2026-11-20T21:57:51Z (`se` 1795211871) and it is 2026-11-20T22:02:52Z, make a new one or set the clock"
    );
}

#[test]
fn a_token_for_another_resource_is_denied() {
    let policies = policies();
    let token = token("hub.test/devices/a", &policies[0].primary, Some("iothubowner"));
    assert!(authorize(&policies, &token, "hub.test/devices/a", DeviceConnect, before()).is_ok());
    let denied = authorize(&policies, &token, "hub.test/devices/b", DeviceConnect, before()).unwrap_err();
    assert_eq!(denied.to_string(), "the token opens `hub.test/devices/a`, wanted was `hub.test/devices/b`");
}

#[test]
fn a_policy_without_the_right_is_denied() {
    let policies = policies();
    let token = token("hub.test", &policies[4].primary, Some("registryReadWrite"));
    let denied = authorize(&policies, &token, "hub.test/twins/d", ServiceConnect, before()).unwrap_err();
    assert_eq!(
        denied.to_string(),
        "policy `registryReadWrite` has not the right ServiceConnect, it has RegistryRead, RegistryWrite"
    );
}

#[test]
fn a_bad_signature_is_told_before_anything_else_the_token_says() {
    let policies = policies();
    let stranger = Key::from_bytes(vec![99; 32]).unwrap();
    let token = token("elsewhere", &stranger, Some("device"));
    let late = Timestamp::from_second(EXPIRES_S + 10_000).unwrap();
    let denied = authorize(&policies, &token, "hub.test", RegistryWrite, late).unwrap_err();
    assert_eq!(denied, Denied::Signature { policy: "device".to_owned() });
}
