//! The listeners: what happens to a connection before a service hears of it, and the loops that carry its words.

mod accept;
mod admission;
mod bind;
mod body;
mod ca_front;
mod counters;
mod front;
mod http;
mod mqtt;
mod mqtt_dps;
mod mqtt_hub;
mod names;
mod patience;
mod spelling;
mod stop;
mod tls;
mod vouching;

use std::sync::Arc;

pub use bind::BindError;
pub use counters::Connections;
pub use tls::TlsError;

pub(crate) use admission::Admission;
pub(crate) use bind::Bound;
pub(crate) use ca_front::CaFront;
pub(crate) use counters::Counters;
pub(crate) use front::{BODY_BYTES_TOTAL_MAX, DpsFront, Front, HubFront, now};
pub(crate) use names::{Addressee, Named, Names};
pub(crate) use spelling::Spelling;
pub(crate) use stop::Stop;
pub(crate) use tls::{Alpn, Certificates, Tls};
pub(crate) use vouching::condemned;

/// Serves all that is bound, each listener in a task of its own, until `front.stop`.
pub(crate) fn serve(bound: Bound, front: &Arc<Front>) {
    for listener in bound.mqtts {
        front.tasks.spawn(accept::accept(listener, front.clone(), mqtt::serve));
    }
    for listener in bound.https {
        front.tasks.spawn(accept::accept(listener, front.clone(), http::serve));
    }
    for listener in bound.http {
        front.tasks.spawn(accept::accept(listener, front.clone(), http::serve_plain));
    }
}
