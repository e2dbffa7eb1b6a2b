//! The configuration file as written, and its way to a checked `Config`.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;
use zeroize::Zeroizing;

use muster_identity::{HostName, HubName};
use muster_sas::ConnectionString;

use super::raw_ca::RawCa;
use super::*;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    listen: Option<Spanned<RawListen>>,
    ports: Option<Spanned<RawPorts>>,
    dps: Option<RawDps>,
    ca: Option<RawCa>,
    hubs: Option<Spanned<Vec<RawHub>>>,
    database: Option<Spanned<String>>,
    limits: Option<RawLimits>,
    retention: Option<RawRetention>,
    retry_after_s: Option<Spanned<u32>>,
    log: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected an IP address as text, or a list of them")]
enum RawListen {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPorts {
    mqtts: Option<u16>,
    https: Option<u16>,
    amqps: Option<u16>,
    http: Option<u16>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDps {
    host: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHub {
    name: Spanned<String>,
    host: Spanned<String>,
    aliases: Option<Vec<Spanned<String>>>,
    weight: Option<Spanned<u32>>,
    connection_string: Option<Spanned<Zeroizing<String>>>,
    ca_file: Option<Spanned<PathBuf>>,
    https_port: Option<Spanned<u16>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawLimits {
    connections_max: Option<Spanned<u64>>,
    connects_per_s: Option<Spanned<u64>>,
    connects_burst: Option<Spanned<u64>>,
    handshake_timeout_s: Option<Spanned<u64>>,
    first_packet_timeout_s: Option<Spanned<u64>>,
    request_head_timeout_s: Option<Spanned<u64>>,
    request_body_timeout_s: Option<Spanned<u64>>,
    write_timeout_s: Option<Spanned<u64>>,
    request_body_bytes_max: Option<Spanned<u64>>,
    drain_s: Option<Spanned<u64>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawRetention {
    age_h: Option<Spanned<u64>>,
    bytes_max: Option<Spanned<u64>>,
}

pub(super) fn parse(text: &str) -> Result<Config, ConfigError> {
    let source = Source(text);
    let raw: Raw = toml::from_str(text).map_err(|error| ConfigError::Syntax {
        line: error.span().map_or(1, |span| source.line(span.start)),
        message: error.message().trim().replace("unknown field", "unknown key"),
    })?;
    let dps = source.dps(raw.dps)?;
    Ok(Config {
        listen: source.listen(raw.listen)?,
        ports: source.ports(raw.ports)?,
        ca: source.ca(raw.ca.unwrap_or_default())?,
        hubs: source.hubs(raw.hubs, &dps.host)?,
        dps,
        database: source.database(raw.database)?,
        limits: source.limits(raw.limits.unwrap_or_default())?,
        retention: source.retention(raw.retention.unwrap_or_default())?,
        retry_after_s: source.retry_after(raw.retry_after_s)?,
        log: source.log(raw.log)?,
    })
}

/// The text, to tell lines from.
pub(super) struct Source<'a>(&'a str);

impl Source<'_> {
    fn line(&self, offset: usize) -> usize {
        self.0.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
    }

    pub(super) fn refuse<T>(&self, at: &Spanned<T>, key: &str, problem: impl ToString) -> ConfigError {
        let line = self.line(at.span().start);
        ConfigError::Value { line, key: key.to_owned(), problem: problem.to_string() }
    }

    fn listen(&self, raw: Option<Spanned<RawListen>>) -> Result<Vec<IpAddr>, ConfigError> {
        let Some(raw) = raw else { return Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]) };
        let texts = match raw.get_ref() {
            RawListen::One(text) => std::slice::from_ref(text),
            RawListen::Many(texts) => texts.as_slice(),
        };
        if texts.is_empty() {
            return Err(self.refuse(&raw, "listen", "name at least one address, such as \"127.0.0.1\""));
        }
        let mut addresses = Vec::new();
        for text in texts {
            let address = text.parse().map_err(|_| {
                let problem =
                    format!("`{text}` is not an IP address; write one such as \"0.0.0.0\", without port");
                self.refuse(&raw, "listen", problem)
            })?;
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        Ok(addresses)
    }

    fn ports(&self, raw: Option<Spanned<RawPorts>>) -> Result<Ports, ConfigError> {
        let defaults = Ports { mqtts: 8883, https: 443, amqps: 5671, http: HTTP_PORT };
        let Some(raw) = raw else { return Ok(defaults) };
        let chosen = raw.get_ref();
        let ports = Ports {
            mqtts: chosen.mqtts.unwrap_or(defaults.mqtts),
            https: chosen.https.unwrap_or(defaults.https),
            amqps: chosen.amqps.unwrap_or(defaults.amqps),
            http: chosen.http.unwrap_or(defaults.http),
        };
        let Ports { mqtts, https, amqps, http } = ports;
        let all = [("mqtts", mqtts), ("https", https), ("amqps", amqps), ("http", http)];
        for (position, (name, port)) in all.iter().enumerate() {
            if let Some((other, _)) = all[..position].iter().find(|(_, it)| it == port && *port != 0) {
                let problem =
                    format!("{port} is named twice, for {other} and {name}; each protocol needs its own");
                return Err(self.refuse(&raw, "ports", problem));
            }
        }
        Ok(ports)
    }

    fn host(&self, raw: &Spanned<String>, key: &str) -> Result<HostName, ConfigError> {
        HostName::parse(raw.get_ref()).map_err(|error| self.refuse(raw, key, error))
    }

    fn dps(&self, raw: Option<RawDps>) -> Result<DpsConfig, ConfigError> {
        let host = raw.map_or_else(|| Spanned::new(0..0, "localhost".to_owned()), |dps| dps.host);
        Ok(DpsConfig { host: self.host(&host, "dps.host")? })
    }

    fn hubs(&self, raw: Option<Spanned<Vec<RawHub>>>, dps: &HostName) -> Result<Vec<HubConfig>, ConfigError> {
        let raw = raw.unwrap_or_else(|| Spanned::new(0..0, default_hubs()));
        if raw.get_ref().is_empty() {
            return Err(self.refuse(&raw, "hubs", "a device needs at least one hub to be assigned to"));
        }
        if raw.get_ref().len() > HUBS_MAX {
            return Err(self.refuse(&raw, "hubs", format!("at most {HUBS_MAX} hubs can be linked")));
        }
        let mut names = Vec::new();
        let mut hosts = vec![dps.clone()];
        let mut hubs = Vec::new();
        for hub in raw.into_inner() {
            let (name_at, host_at) = (hub.name.clone(), hub.host.clone());
            let hub = self.hub(hub)?;
            if names.contains(&hub.name) {
                return Err(self.refuse(&name_at, "hubs.name", format!("`{}` is named twice", hub.name)));
            }
            names.push(hub.name.clone());
            for host in std::iter::once(&hub.host).chain(&hub.aliases) {
                if hosts.contains(host) {
                    let problem =
                        format!("`{host}` is already taken; clients tell hubs and DPS apart by this name");
                    return Err(self.refuse(&host_at, "hubs.host", problem));
                }
                hosts.push(host.clone());
            }
            hubs.push(hub);
        }
        Ok(hubs)
    }

    fn hub(&self, raw: RawHub) -> Result<HubConfig, ConfigError> {
        let name =
            HubName::parse(raw.name.get_ref()).map_err(|error| self.refuse(&raw.name, "hubs.name", error))?;
        let host = self.host(&raw.host, "hubs.host")?;
        let aliases = raw.aliases.iter().flatten().map(|alias| self.host(alias, "hubs.aliases"));
        let aliases = aliases.collect::<Result<_, _>>()?;
        let weight = match &raw.weight {
            None => 1,
            Some(weight) if (1..=WEIGHT_MAX).contains(weight.get_ref()) => *weight.get_ref(),
            Some(weight) => {
                let problem = format!("{} is outside 1 to {WEIGHT_MAX}", weight.get_ref());
                return Err(self.refuse(weight, "hubs.weight", problem));
            }
        };
        let problem = "only a hub elsewhere has one; add its `connection_string` or remove this key";
        let place = match (raw.connection_string, raw.ca_file, raw.https_port) {
            (None, None, None) => Place::Here,
            (None, Some(file), _) => return Err(self.refuse(&file, "hubs.ca_file", problem)),
            (None, None, Some(port)) => return Err(self.refuse(&port, "hubs.https_port", problem)),
            (Some(text), ca_file, https_port) => {
                let connection = ConnectionString::parse(text.get_ref())
                    .map_err(|error| self.refuse(&text, "hubs.connection_string", error))?;
                if !connection.host_name.eq_ignore_ascii_case(host.as_str()) {
                    let problem =
                        format!("its HostName is `{}`, but `host` is `{host}`", connection.host_name);
                    return Err(self.refuse(&text, "hubs.connection_string", problem));
                }
                Place::Elsewhere {
                    connection: Arc::new(connection),
                    ca_file: ca_file.map(Spanned::into_inner),
                    https_port: https_port.map_or(443, Spanned::into_inner),
                }
            }
        };
        Ok(HubConfig { name, host, aliases, weight, place })
    }

    fn database(&self, raw: Option<Spanned<String>>) -> Result<Database, ConfigError> {
        match raw {
            None => Ok(Database::Sqlite),
            Some(text) if text.get_ref() == "sqlite" => Ok(Database::Sqlite),
            Some(text)
                if ["postgres://", "postgresql://"].iter().any(|it| text.get_ref().starts_with(it)) =>
            {
                Ok(Database::Postgres(DatabaseUrl(Zeroizing::new(text.into_inner()))))
            }
            Some(text) => {
                Err(self.refuse(&text, "database", "write \"sqlite\" or a URL that starts with postgres://"))
            }
        }
    }

    fn retry_after(&self, raw: Option<Spanned<u32>>) -> Result<u32, ConfigError> {
        // Java reads 2 to 5 only, and Python waits 2 whatever it is told (dps.md §1.4, §2.2).
        let Some(raw) = raw else { return Ok(2) };
        match *raw.get_ref() {
            seconds @ 1..=RETRY_AFTER_MAX_S => Ok(seconds),
            other => {
                let problem = format!("{other} is outside 1 to {RETRY_AFTER_MAX_S}; devices ignore the rest");
                Err(self.refuse(&raw, "retry_after_s", problem))
            }
        }
    }

    fn log(&self, raw: Option<Spanned<String>>) -> Result<String, ConfigError> {
        let Some(raw) = raw else { return Ok("info".to_owned()) };
        match tracing_subscriber::EnvFilter::try_new(raw.get_ref()) {
            Ok(_) => Ok(raw.into_inner()),
            Err(error) => Err(self.refuse(
                &raw,
                "log",
                format!("{error}; write for example \"info\" or \"muster=debug,info\""),
            )),
        }
    }

    fn limits(&self, raw: RawLimits) -> Result<Limits, ConfigError> {
        let defaults = Limits::default();
        let count = |value, key, default| self.positive(value, &format!("limits.{key}"), default);
        let seconds =
            |value, key, default: Duration| count(value, key, default.as_secs()).map(Duration::from_secs);
        let size = |value, key, default: usize| {
            count(value, key, default as u64).map(|it| usize::try_from(it).unwrap_or(usize::MAX))
        };
        let rate = |value, key, default: u32| {
            count(value, key, u64::from(default)).map(|it| u32::try_from(it).unwrap_or(u32::MAX))
        };
        Ok(Limits {
            connections_max: size(raw.connections_max, "connections_max", defaults.connections_max)?,
            connects_per_s: rate(raw.connects_per_s, "connects_per_s", defaults.connects_per_s)?,
            connects_burst: rate(raw.connects_burst, "connects_burst", defaults.connects_burst)?,
            handshake_timeout: seconds(
                raw.handshake_timeout_s,
                "handshake_timeout_s",
                defaults.handshake_timeout,
            )?,
            first_packet_timeout: seconds(
                raw.first_packet_timeout_s,
                "first_packet_timeout_s",
                defaults.first_packet_timeout,
            )?,
            request_head_timeout: seconds(
                raw.request_head_timeout_s,
                "request_head_timeout_s",
                defaults.request_head_timeout,
            )?,
            request_body_timeout: seconds(
                raw.request_body_timeout_s,
                "request_body_timeout_s",
                defaults.request_body_timeout,
            )?,
            write_timeout: seconds(raw.write_timeout_s, "write_timeout_s", defaults.write_timeout)?,
            request_body_bytes_max: size(
                raw.request_body_bytes_max,
                "request_body_bytes_max",
                defaults.request_body_bytes_max,
            )?,
            drain: seconds(raw.drain_s, "drain_s", defaults.drain)?,
        })
    }

    fn retention(&self, raw: RawRetention) -> Result<Retention, ConfigError> {
        let defaults = Retention::default();
        let hours = self.positive(raw.age_h, "retention.age_h", defaults.age.as_secs() / 3600)?;
        Ok(Retention {
            age: Duration::from_secs(hours.saturating_mul(3600)),
            bytes: self.positive(raw.bytes_max, "retention.bytes_max", defaults.bytes)?,
        })
    }

    fn positive(&self, raw: Option<Spanned<u64>>, key: &str, default: u64) -> Result<u64, ConfigError> {
        match raw {
            None => Ok(default),
            Some(value) if *value.get_ref() > 0 => Ok(value.into_inner()),
            Some(value) => {
                Err(self.refuse(&value, key, "must be at least 1; leave the key out for the default"))
            }
        }
    }
}

/// Loopback addresses need no DNS and no hosts file, and each hub has one to itself (certificates name them).
fn default_hubs() -> Vec<RawHub> {
    let hub = |name: &str, host: &str| RawHub {
        name: Spanned::new(0..0, name.to_owned()),
        host: Spanned::new(0..0, host.to_owned()),
        aliases: None,
        weight: None,
        connection_string: None,
        ca_file: None,
        https_port: None,
    };
    vec![hub("hub-1", "127.0.0.2"), hub("hub-2", "127.0.0.3")]
}
