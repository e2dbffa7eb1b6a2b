//! Who is meant: DPS or one of the hubs, by the name the client used or the address it dialled.

use std::collections::HashMap;
use std::net::IpAddr;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Addressee {
    Dps,
    /// Position in the list of hubs in this process.
    Hub(usize),
}

/// The names of one addressee, its main one first.
pub(crate) struct Named {
    pub(crate) addressee: Addressee,
    pub(crate) hosts: Vec<String>,
}

pub(crate) struct Names {
    by_host: HashMap<String, Addressee>,
    by_address: HashMap<IpAddr, Addressee>,
}

/// What an HTTP request tells about whom it wants, most telling first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hints<'a> {
    pub(crate) host: Option<&'a str>,
    pub(crate) server_name: Option<&'a str>,
    pub(crate) local: IpAddr,
}

impl Names {
    pub(crate) fn new(all: &[Named]) -> Self {
        let mut names = Self { by_host: HashMap::new(), by_address: HashMap::new() };
        for named in all {
            for host in &named.hosts {
                names.by_host.insert(host.to_ascii_lowercase(), named.addressee);
                if let Ok(address) = host.parse() {
                    names.by_address.insert(address, named.addressee);
                }
            }
        }
        names
    }

    /// A `Host` header, or the first part of an MQTT user name; a port is ignored.
    pub(crate) fn by_host(&self, host: &str) -> Option<Addressee> {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        self.by_host.get(&name.trim_end_matches('.').to_ascii_lowercase()).copied()
    }

    pub(crate) fn by_hints(&self, hints: Hints<'_>) -> Option<Addressee> {
        let by_host = |name| self.by_host(name);
        hints
            .host
            .and_then(by_host)
            .or_else(|| hints.server_name.and_then(by_host))
            .or_else(|| self.by_address.get(&hints.local).copied())
    }

    /// From an MQTT user name: `{host}/{device}/…` is for a hub, `{scope}/registrations/{id}/…` for DPS. A hub's name goes first,
    /// since a device may be called `registrations`.
    pub(crate) fn by_username(&self, username: &str) -> Option<Addressee> {
        let mut parts = username.splitn(3, '/');
        let first = parts.next()?;
        match self.by_host(first) {
            Some(hub @ Addressee::Hub(_)) => Some(hub),
            Some(Addressee::Dps) | None => {
                let registrations =
                    parts.next()?.eq_ignore_ascii_case("registrations") && parts.next().is_some();
                registrations.then_some(Addressee::Dps)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let named = |addressee, hosts: &[&str]| Named {
            addressee,
            hosts: hosts.iter().map(|it| (*it).to_owned()).collect(),
        };
        Names::new(&[
            named(Addressee::Dps, &["localhost", "127.0.0.1"]),
            named(Addressee::Hub(0), &["127.0.0.2"]),
            named(Addressee::Hub(1), &["hub-2.example.test", "alias.example.test"]),
        ])
    }

    #[test]
    fn an_mqtt_user_name_tells_dps_from_the_hubs() {
        let cases = [
            ("0ne00000012/registrations/dev/api-version=2019-03-31", Some(Addressee::Dps)),
            ("wrong-scope/registrations/dev", Some(Addressee::Dps)),
            ("127.0.0.2/dev/?api-version=2021-04-12", Some(Addressee::Hub(0))),
            ("Alias.example.test/dev", Some(Addressee::Hub(1))),
            ("hub-2.example.test/registrations/mod/?api-version=1", Some(Addressee::Hub(1))),
            ("elsewhere.example.test/dev/?api-version=1", None),
            ("dev", None),
            ("", None),
        ];
        for (username, expected) in cases {
            assert_eq!(names().by_username(username), expected, "{username}");
        }
    }

    #[test]
    fn an_http_request_goes_by_host_then_sni_then_address() {
        let local: IpAddr = "127.0.0.2".parse().unwrap();
        let hints = |host, server_name| names().by_hints(Hints { host, server_name, local });
        assert_eq!(hints(Some("localhost:8443"), Some("hub-2.example.test")), Some(Addressee::Dps));
        assert_eq!(hints(Some("nobody"), Some("hub-2.example.test")), Some(Addressee::Hub(1)));
        assert_eq!(hints(None, None), Some(Addressee::Hub(0)));
        let elsewhere = Hints { host: Some("nobody"), server_name: None, local: "10.0.0.1".parse().unwrap() };
        assert_eq!(names().by_hints(elsewhere), None);
    }
}
