//! The clients of either server: devices that a hub knows, or mosquitto's anonymous ones, otherwise alike.

use std::sync::Arc;

use muster_simulator::{Device, DeviceKey, Endpoint, Hello, HubOptions, Key, Session, Trust};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::client::TlsStream;

use crate::mosquitto::Mosquitto;
use crate::muster::Muster;
use crate::publisher::Template;

/// Connections to the REST API while devices are made, so that they share commits.
const MAKERS: usize = 32;
/// Connections opened at the same time.
const OPENERS: usize = 64;
/// Nothing is pinged while it is measured.
const KEEP_ALIVE_S: u16 = 1170;
/// Any key will do: a benchmark has no secrets.
const KEY: [u8; 32] = *b"a key that only a benchmark uses";

#[derive(Clone)]
pub(crate) struct Fleet {
    pub(crate) endpoint: Endpoint,
    pub(crate) trust: Trust,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    HubDevices,
    Anonymous,
}

impl Fleet {
    /// The first `count` devices of Muster's hub, made now where they are not there yet.
    pub(crate) async fn of_muster(muster: &Muster, count: usize) -> Result<Fleet, String> {
        let mut makers = JoinSet::new();
        for maker in 0..MAKERS {
            let hub = muster.hub_service()?;
            makers.spawn(async move {
                for n in (maker..count).step_by(MAKERS) {
                    let key = Key::from_bytes(KEY.to_vec()).map_err(|error| error.to_string())?.to_base64();
                    let device = json!({
                        "deviceId": id(n),
                        "authentication": {
                            "type": "sas",
                            "symmetricKey": { "primaryKey": *key, "secondaryKey": *key },
                        },
                    });
                    match hub.put_device(&device, None).await {
                        Ok(_) => {}
                        Err(refused) if refused.status() == Some(409) => {}
                        Err(other) => return Err(format!("cannot make device {}: {other}", id(n))),
                    }
                }
                Ok(())
            });
        }
        while let Some(maker) = makers.join_next().await {
            maker.map_err(|error| error.to_string())??;
        }
        let endpoint = muster.endpoints.hub(&muster.hub_host());
        Ok(Fleet { endpoint, trust: muster.trust.clone(), kind: Kind::HubDevices })
    }

    pub(crate) fn of_mosquitto(mosquitto: &Mosquitto) -> Fleet {
        Fleet { endpoint: mosquitto.endpoint.clone(), trust: mosquitto.trust.clone(), kind: Kind::Anonymous }
    }

    fn hello(&self, n: usize) -> Result<Hello, String> {
        let key = Key::from_bytes(KEY.to_vec()).map_err(|error| error.to_string())?;
        let device = Device::new(id(n), DeviceKey::Symmetric { key });
        let options = HubOptions { keep_alive_s: KEEP_ALIVE_S, ..HubOptions::default() };
        let mut hello = device.hello(&self.endpoint, &options);
        if let Kind::Anonymous = self.kind {
            (hello.username, hello.password) = (None, None);
        }
        Ok(hello)
    }

    pub(crate) fn template(n: usize, payload_bytes: usize) -> Template {
        Template::new(&format!("devices/{}/messages/events/", id(n)), payload_bytes)
    }

    /// TLS, CONNECT, CONNACK.
    pub(crate) async fn open(&self, n: usize) -> Result<Session, String> {
        let opened = Session::open(&self.trust, &self.endpoint, self.hello(n)?).await;
        opened.map_err(|error| format!("device {}: {error}", id(n)))
    }

    /// These many at once, all of them open in the end.
    pub(crate) async fn open_all(
        &self,
        which: std::ops::Range<usize>,
    ) -> Result<Vec<(usize, TlsStream<TcpStream>)>, String> {
        let gate = Arc::new(Semaphore::new(OPENERS));
        let mut opening = JoinSet::new();
        for n in which {
            let (fleet, gate) = (self.clone(), gate.clone());
            opening.spawn(async move {
                let _pass = gate.acquire().await.map_err(|error| error.to_string())?;
                Ok::<_, String>((n, fleet.open(n).await?.into_io()))
            });
        }
        let mut open = Vec::new();
        while let Some(one) = opening.join_next().await {
            open.push(one.map_err(|error| error.to_string())??);
        }
        Ok(open)
    }
}

fn id(n: usize) -> String {
    format!("bench-{n:05}")
}
