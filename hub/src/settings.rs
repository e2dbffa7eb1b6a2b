//! What an operator decides about one hub.

use muster_events::Retention;
use muster_identity::{AccessPolicy, HostName, HubName};
use muster_x509::Certificate;

use crate::{limits::Limits, renewal::Renewer};

#[derive(Debug)]
pub struct Settings {
    /// Tells apart the hubs that share one database.
    pub name: HubName,
    /// The name that device tokens and service clients use.
    pub host: HostName,
    /// Other names it answers to: custom DNS, gateway names (hub-device.md §1.1).
    pub aliases: Vec<HostName>,
    pub policies: Vec<AccessPolicy>,
    /// Authorities whose devices may connect when their identity says `certificateAuthority`. At most 25 (§1.2).
    pub ca_certificates: Vec<Certificate>,
    pub limits: Limits,
    pub unknown_filters: UnknownFilters,
    pub retention: Retention,
    /// Whoever gives connected devices another certificate; without, nobody does.
    pub renewer: Option<Renewer>,
}

/// What happens to a SUBSCRIBE for something a hub does not have (§1.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownFilters {
    /// As the original does.
    #[default]
    Disconnect,
    /// Granted and never served: for clients that also subscribe to topics of other brokers.
    Grant,
}

impl Settings {
    /// Least there is to say; the rest are defaults that can be changed before `Hub::open`.
    pub fn new(name: HubName, host: HostName, policies: Vec<AccessPolicy>, retention: Retention) -> Self {
        Self {
            name,
            host,
            aliases: Vec::new(),
            policies,
            ca_certificates: Vec::new(),
            limits: Limits::default(),
            unknown_filters: UnknownFilters::default(),
            retention,
            renewer: None,
        }
    }

    /// Whether a client that asked for this name asked for this hub.
    pub fn answers_to(&self, host: &str) -> bool {
        self.names().any(|name| name.as_str().eq_ignore_ascii_case(host))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &HostName> {
        std::iter::once(&self.host).chain(&self.aliases)
    }
}
