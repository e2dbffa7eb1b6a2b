//! A CONNECT as a `Hello`.

use muster_identity::DeviceId;
use muster_mqtt::Connect;
use muster_sas::Token;
use muster_x509::Peer;

use super::{
    Username,
    decode::{telemetry_bag, with_flags},
};
use crate::session::{Hello, Refused, Will};

/// `username` is the parsed user name of this very CONNECT; whoever parsed it has found the hub by its host.
pub fn hello(connect: Connect, username: Username, peer: Peer) -> Result<Hello, Refused> {
    let device = DeviceId::parse(&username.device).map_err(|_| Refused::Username(username.device.clone()))?;
    let expected = match &username.module {
        Some(module) => format!("{device}/{module}"),
        None => device.to_string(),
    };
    if connect.client_id != expected {
        return Err(Refused::ClientId { client_id: connect.client_id, expected });
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
                .ok_or_else(|| Refused::Will(will.topic.to_string()))?;
            let properties = with_flags(will.topic.into_bytes().slice(bag), will.retain, false);
            Some(Will { properties, body: will.payload })
        }
    };
    Ok(Hello {
        device,
        module: username.module,
        token,
        peer,
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
