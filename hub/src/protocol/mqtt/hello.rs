//! A CONNECT as a `Hello`.

use muster_identity::DeviceId;
use muster_mqtt::Connect;
use muster_sas::Token;
use muster_x509::Peer;

use super::{
    Username,
    decode::{telemetry_bag, with_flags},
};
use crate::session::{Hello, Refused, Will, shown};

/// `username` is the parsed user name of this very CONNECT; whoever parsed it has found the hub by its host.
pub fn hello(connect: Connect, username: Username, peer: Peer) -> Result<Hello, Refused> {
    let device = DeviceId::parse(&username.device).map_err(|_| Refused::Username(shown(&username.device)))?;
    let expected = match &username.module {
        Some(module) => format!("{device}/{module}"),
        None => device.to_string(),
    };
    if connect.client_id != expected {
        return Err(Refused::ClientId { client_id: shown(&connect.client_id), expected: shown(&expected) });
    }
    let token = connect.password.filter(|password| !password.is_empty()).map(|password| token(&password));
    let token = match token.transpose() {
        // a password beside a certificate counts only if the registry asks for one (I-14)
        Err(_) if !peer.chain.is_empty() => None,
        token => token?,
    };
    let will = match connect.will {
        None => None,
        Some(will) => {
            let bag = telemetry_bag(device.as_str(), &will.topic)
                .ok_or_else(|| Refused::Will(shown(&will.topic)))?;
            let properties = with_flags(will.topic.into_bytes().slice(bag), will.retain, false);
            Some(Will { properties, body: will.payload })
        }
    };
    Ok(Hello {
        device,
        module: username.module,
        token,
        peer,
        vouched: None,
        certificates: Box::default(),
        clean_session: connect.clean_session,
        keep_alive_s: connect.keep_alive_s,
        product: username.product,
        model_id: username.model_id,
        will,
    })
}

fn token(password: &[u8]) -> Result<Token, Refused> {
    let text = std::str::from_utf8(password).map_err(|_| Refused::PasswordNotText)?;
    Token::parse(text).map_err(Refused::Token)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use muster_mqtt::{Publish, QoS};

    use super::*;
    use crate::{protocol::mqtt::parse_username, tests::peer};

    /// As azure-iot-device 2.14.0 sent it.
    fn connect() -> Connect {
        let password = "SharedAccessSignature sr=hub.muster.test%2Fdevices%2Facc-tele-6eefd370&sig=wWSFdknmOYOeBlP0owW4k%2FZCytMsKf5IxvQt5wuA8v4%3D&se=1795211845";
        Connect {
            client_id: "acc-tele-6eefd370".to_owned(),
            username: None,
            password: Some(Bytes::from_static(password.as_bytes())),
            clean_session: false,
            keep_alive_s: 60,
            will: None,
        }
    }

    fn read(connect: Connect, username: &str, chain: Vec<Vec<u8>>) -> Result<Hello, Refused> {
        hello(connect, parse_username(username)?, peer(chain))
    }

    const USERNAME: &str = "hub.muster.test/acc-tele-6eefd370/?api-version=2019-10-01&DeviceClientType=azure-iot-device-iothub-py%2F2.14.0";

    #[test]
    fn a_connect_of_the_python_sdk_is_read() {
        let hello = read(connect(), USERNAME, Vec::new()).unwrap();
        assert_eq!(hello.device.as_str(), "acc-tele-6eefd370");
        assert_eq!(hello.product.as_deref(), Some("azure-iot-device-iothub-py/2.14.0"));
        let token = hello.token.unwrap();
        assert_eq!(
            (token.resource.as_str(), token.expires_s),
            ("hub.muster.test/devices/acc-tele-6eefd370", 1_795_211_845)
        );
    }

    #[test]
    fn client_id_and_user_name_must_agree_to_the_letter() {
        let with_id = |client_id: &str| Connect { client_id: client_id.to_owned(), ..connect() };
        let other = read(with_id("Acc-tele-6eefd370"), USERNAME, Vec::new());
        assert!(matches!(other, Err(Refused::ClientId { .. })), "{other:?}");
        let module = "hub.muster.test/acc-tele-6eefd370/m1/?api-version=2019-10-01";
        assert!(matches!(read(connect(), module, Vec::new()), Err(Refused::ClientId { .. })));
        let hello = read(with_id("acc-tele-6eefd370/m1"), module, Vec::new()).unwrap();
        assert_eq!(hello.module.as_deref(), Some("m1"));
    }

    #[test]
    fn a_bad_password_is_refused_unless_a_certificate_may_speak_for_the_device() {
        let bad = || Connect { password: Some(Bytes::from_static(b"hunter2")), ..connect() };
        assert!(matches!(read(bad(), USERNAME, Vec::new()), Err(Refused::Token(_))));
        assert!(read(bad(), USERNAME, vec![vec![0x30]]).unwrap().token.is_none());
        let none = Connect { password: Some(Bytes::new()), ..connect() };
        assert!(read(none, USERNAME, Vec::new()).unwrap().token.is_none(), "C# sends an empty one");
    }

    #[test]
    fn a_will_is_telemetry_of_the_device_itself() {
        let with_will = |topic: &str| {
            let (payload, qos) = (Bytes::from_static(b"bye"), QoS::AtLeastOnce);
            let will =
                Publish { topic: topic.into(), payload, qos, retain: true, dup: false, packet_id: None };
            read(Connect { will: Some(will), ..connect() }, USERNAME, Vec::new())
        };
        let hello = with_will("devices/acc-tele-6eefd370/messages/events/a=1").unwrap();
        let expected = Will {
            properties: Bytes::from_static(b"a=1&mqtt-retain=true"),
            body: Bytes::from_static(b"bye"),
        };
        assert_eq!(hello.will, Some(expected));
        assert!(matches!(with_will("devices/other/messages/events/"), Err(Refused::Will(_))));
    }
}
