//! Rights and the policies that grant them.

use super::entropy;
use crate::{AccessPolicy, HostName, POLICIES_MAX, Right, Right::*, Rights};

#[test]
fn rights_are_written_as_azure_writes_them() {
    let text = "RegistryRead, RegistryWrite, ServiceConnect, DeviceConnect";
    assert_eq!(AccessPolicy::iot_hub_owner(&entropy()).rights.to_string(), text);
    assert_eq!(serde_json::to_string(&Rights::of(&[ServiceConnect])).unwrap(), r#""ServiceConnect""#);
}

#[test]
fn rights_are_read_in_any_order_and_letter_case() {
    assert_eq!(
        Rights::parse("serviceconnect,REGISTRYREAD ,"),
        Ok(Rights::of(&[RegistryRead, ServiceConnect]))
    );
    assert_eq!(Rights::parse(""), Ok(Rights::default()));
    assert_eq!(
        Rights::parse("RegistryRead, Fly").unwrap_err().to_string(),
        "`Fly` is not a right, the rights are RegistryRead, RegistryWrite, ServiceConnect, DeviceConnect, ServiceConfig, \
         EnrollmentRead, EnrollmentWrite, RegistrationStatusRead, RegistrationStatusWrite, CaRead, CaRequest, CaConfigure, CaRevoke"
    );
}

#[test]
fn every_right_is_read_as_it_is_written() {
    for right in Right::ALL {
        let rights = Rights::of(&[right]);
        assert_eq!(Rights::parse(&rights.to_string()), Ok(rights));
        assert_eq!(rights.iter().collect::<Vec<_>>(), [right]);
    }
}

#[test]
fn who_may_write_may_read_and_nothing_else_follows() {
    for granted in Right::ALL {
        for wanted in Right::ALL {
            let follows = granted == wanted
                || matches!(
                    (granted, wanted),
                    (RegistryWrite, RegistryRead)
                        | (EnrollmentWrite, EnrollmentRead)
                        | (RegistrationStatusWrite, RegistrationStatusRead)
                        | (CaConfigure, CaRead)
                );
            assert_eq!(Rights::of(&[granted]).allow(wanted), follows, "{granted} {wanted}");
        }
    }
}

#[test]
fn the_owners_may_do_all_that_their_service_offers() {
    let hub = AccessPolicy::iot_hub_owner(&entropy()).rights;
    let dps = AccessPolicy::provisioning_service_owner(&entropy()).rights;
    let ca = AccessPolicy::ca_owner(&entropy()).rights;
    for right in Right::ALL {
        let owners = [hub, dps, ca].into_iter().filter(|owner| owner.allow(right)).count();
        assert!(owners == 1 || right == DeviceConnect, "{right}");
    }
    assert!(hub.allow(DeviceConnect) && dps.allow(DeviceConnect) && !ca.allow(DeviceConnect));
}

#[test]
fn a_new_hub_has_five_policies_each_with_two_keys_of_its_own() {
    let policies = AccessPolicy::hub_defaults(&entropy());
    let names: Vec<_> = policies.iter().map(|policy| policy.name.as_str()).collect();
    assert_eq!(names, ["iothubowner", "service", "device", "registryRead", "registryReadWrite"]);
    assert!(names.len() <= POLICIES_MAX);

    let mut keys: Vec<_> = policies
        .iter()
        .flat_map(|policy| [Some(&policy.primary), policy.secondary.as_ref()])
        .map(|key| key.unwrap().to_base64().to_string())
        .collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 10);
}

#[test]
fn a_policy_gives_out_the_connection_string_of_its_primary_key() {
    let host = HostName::parse("hub.test").unwrap();
    assert_eq!(
        *AccessPolicy::service(&entropy()).connection_string(&host).to_text(),
        "HostName=hub.test;SharedAccessKeyName=service;SharedAccessKey=AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
    );
}
