//! What must be right in a CONNECT and the codec does not look at (3.1).

use rmqtt_codec::v3;

use crate::{
    header::Kind,
    packet::{Connect, Publish, QoS},
    topic::{self, OwnLevels},
    violation::{Refusal, Violation},
};

const NAME: &[u8] = b"MQTT";
const LEVEL: u8 = 4;
/// Length prefix and name, level, flags, keep-alive.
const FIXED_BYTES: usize = 2 + NAME.len() + 1 + 1 + 2;

/// Protocol name, level and flags, before the codec sees them: later versions have other fields after these.
pub(crate) fn check_start(body: &[u8]) -> Result<(), Violation> {
    let short = Violation::Length(Kind::Connect.name());
    let (length, rest) = body.split_first_chunk::<2>().ok_or_else(|| short.clone())?;
    let (name, rest) =
        rest.split_at_checked(u16::from_be_bytes(*length).into()).ok_or_else(|| short.clone())?;
    if name != NAME {
        return Err(Refusal::ProtocolName.into());
    }
    match rest {
        [level, ..] if *level != LEVEL => Err(Refusal::ProtocolLevel(*level).into()),
        [_, flags, ..] => check_flags(*flags),
        _ => Err(short),
    }
}

/// Connect flags (3.1.2.3 to 3.1.2.9), from bit 7: user name, password, will retain, will QoS (2), will, clean session, reserved.
fn check_flags(flags: u8) -> Result<(), Violation> {
    let will = flags & 0b0000_0100 != 0;
    let will_qos = (flags >> 3) & 0b11;
    if flags & 1 != 0 {
        Err(Violation::ReservedBits(Kind::Connect.name()))
    } else if !will && flags & 0b0011_1000 != 0 {
        Err(Violation::ConnectFlags("will retain or quality of service without a will"))
    } else if will_qos == 3 {
        Err(Violation::QoS3)
    } else if flags & 0b1100_0000 == 0b0100_0000 {
        Err(Violation::ConnectFlags("password without a user name"))
    } else {
        Ok(())
    }
}

pub(crate) fn from_codec(connect: v3::Connect, remaining: usize) -> Result<Connect, Violation> {
    let packet = Kind::Connect.name();
    let will = connect.last_will.as_ref();
    let fields_bytes = FIXED_BYTES
        + 2
        + connect.client_id.len()
        + will.map_or(0, |will| 2 + will.topic.len() + 2 + will.message.len())
        + connect.username.as_ref().map_or(0, |text| 2 + text.len())
        + connect.password.as_ref().map_or(0, |bytes| 2 + bytes.len());
    if fields_bytes != remaining {
        return Err(Violation::Length(packet));
    }
    topic::check_null(packet, &connect.client_id)?;
    if let Some(username) = &connect.username {
        topic::check_null(packet, username)?;
    }
    let own = OwnLevels::of(&connect.client_id);
    let will = connect.last_will.map(|will| will_from_codec(will, &own)).transpose()?;
    Ok(Connect {
        client_id: connect.client_id.to_string(),
        username: connect.username.map(|text| text.to_string()),
        password: connect.password,
        clean_session: connect.clean_session,
        keep_alive_s: connect.keep_alive,
        will,
    })
}

/// Copied out of the read buffer, which a will, kept as long as the connection, would otherwise keep too.
fn will_from_codec(will: v3::LastWill, own: &OwnLevels) -> Result<Publish, Violation> {
    topic::check_name(Kind::Connect.name(), &will.topic, own)?;
    Ok(Publish {
        topic: String::from(&*will.topic).into(),
        payload: will.message.to_vec().into(),
        qos: match will.qos {
            v3::QoS::AtMostOnce => QoS::AtMostOnce,
            v3::QoS::AtLeastOnce | v3::QoS::ExactlyOnce => QoS::AtLeastOnce,
        },
        retain: will.retain,
        dup: false,
        packet_id: None,
    })
}
