//! MQTT 3.1.1: topics and user names in, topics out (hub-device.md §1.3, §2).

mod decode;
mod encode;
mod hello;
mod packet_ids;
mod username;

use bytes::Bytes;
use jiff::Timestamp;

pub use decode::decode;
pub use encode::encode;
pub use hello::hello;
pub use packet_ids::PacketIds;
pub use username::{Username, parse_username};

/// Node takes a body without a truthy `errorCode` for success (T-10).
fn error_body(code: u32, message: &str, tracking_id: &str, at: Timestamp) -> Bytes {
    let error = serde_json::json!({
        "errorCode": code,
        "trackingId": tracking_id,
        "message": message,
        "timestampUtc": format!("{at:.7}"),
    });
    Bytes::from(error.to_string())
}
