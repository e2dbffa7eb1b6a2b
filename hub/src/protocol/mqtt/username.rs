//! The user name of a CONNECT: which hub, which device, which client (hub-device.md §1.3).

use percent_encoding::percent_decode_str;

use crate::session::{Refused, shown};

/// Keys by which a query is told from a module id when there is no `?`.
const QUERY_KEYS: [&str; 4] = ["api-version=", "DeviceClientType=", "model-id=", "auth-chain="];
/// Two ids of 128 and a host of 253 characters, product and model id encoded: 1.5 KB; clients send 200 bytes.
const USERNAME_BYTES_MAX: usize = 4096;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Username {
    pub host: String,
    /// As sent; `DeviceId::parse` judges it.
    pub device: String,
    pub module: Option<String>,
    /// Opaque: none is required, none refused.
    pub api_version: Option<String>,
    pub product: Option<String>,
    pub model_id: Option<String>,
}

/// Reads every spelling in the field: with and without `?`, with and without a slash before it, without any query.
pub fn parse_username(text: &str) -> Result<Username, Refused> {
    let bad = || Refused::Username(shown(text));
    if text.len() > USERNAME_BYTES_MAX {
        return Err(bad());
    }
    let (host, rest) = text.split_once('/').ok_or_else(bad)?;
    let (device, rest) = id_and_rest(rest);
    if host.is_empty() || device.is_empty() {
        return Err(bad());
    }
    let (module, query) = match query_of(rest) {
        Some(query) => (None, query),
        None => {
            let (module, rest) = id_and_rest(rest);
            (Some(module.to_owned()), query_of(rest).unwrap_or_default())
        }
    };
    let mut username =
        Username { host: host.to_owned(), device: device.to_owned(), module, ..Username::default() };
    read_query(query, &mut username);
    Ok(username)
}

/// An id ends at a slash, or at a query that follows it at once: `?` alone may be part of an id.
fn id_and_rest(text: &str) -> (&str, &str) {
    let (id, rest) = text.split_once('/').unwrap_or((text, ""));
    let query = id.match_indices('?').find(|(at, _)| starts_query(&id[at + 1..]));
    match query {
        Some((at, _)) => (&id[..at], &text[at..]),
        None => (id, rest),
    }
}

/// `None` when what comes next is a module id.
fn query_of(rest: &str) -> Option<&str> {
    match rest.strip_prefix('?') {
        Some(query) => Some(query),
        None if rest.is_empty() || starts_query(rest) => Some(rest),
        None => None,
    }
}

fn starts_query(text: &str) -> bool {
    QUERY_KEYS.iter().any(|key| text.starts_with(key))
}

fn read_query(query: &str, username: &mut Username) {
    // one client separates with a slash: `api-version=2017-06-30/DeviceClientType=…`
    let (first, second) = match query.find("/DeviceClientType=") {
        Some(at) => (&query[..at], &query[at + 1..]),
        None => (query, ""),
    };
    for (key, value) in first.split('&').chain(second.split('&')).filter_map(|pair| pair.split_once('=')) {
        let slot = match key {
            "api-version" => &mut username.api_version,
            "DeviceClientType" => &mut username.product,
            "model-id" => &mut username.model_id,
            _ => continue,
        };
        if slot.is_none() {
            *slot = Some(percent_decode_str(value).decode_utf8_lossy().into_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(device: &str, module: Option<&str>, api_version: Option<&str>) -> Username {
        Username {
            host: "hub.test".to_owned(),
            device: device.to_owned(),
            module: module.map(str::to_owned),
            api_version: api_version.map(str::to_owned),
            ..Username::default()
        }
    }

    #[test]
    fn every_spelling_in_the_field_is_read() {
        let cases = [
            ("hub.test/d", named("d", None, None)),
            ("hub.test/d/", named("d", None, None)),
            ("hub.test/d/?", named("d", None, None)),
            ("hub.test/d/?api-version=2021-04-12", named("d", None, Some("2021-04-12"))),
            ("hub.test/d/api-version=2016-11-14", named("d", None, Some("2016-11-14"))),
            ("hub.test/d?api-version=2018-06-30", named("d", None, Some("2018-06-30"))),
            ("hub.test/d/m/?api-version=2020-09-30", named("d", Some("m"), Some("2020-09-30"))),
            ("hub.test/d/m", named("d", Some("m"), None)),
            ("hub.test/d/$edgeHub/api-version=1", named("d", Some("$edgeHub"), Some("1"))),
            ("hub.test/d/m?api-version=1", named("d", Some("m"), Some("1"))),
            ("hub.test/d/?api-version=1&api-version=2", named("d", None, Some("1"))),
            ("hub.test/is=it?/?api-version=1", named("is=it?", None, Some("1"))),
            ("hub.test/a+b#c%20/?api-version=1", named("a+b#c%20", None, Some("1"))),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_username(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn the_client_tells_its_product_and_model() {
        let read = parse_username(
            "hub.test/d/?model-id=dtmi%3Acom%3Ax%3B1&DeviceClientType=py%2F2.14%283.11%3BLinux%29&api-version=2020-09-30",
        )
        .unwrap();
        assert_eq!(read.model_id.as_deref(), Some("dtmi:com:x;1"));
        assert_eq!(read.product.as_deref(), Some("py/2.14(3.11;Linux)"));
    }

    #[test]
    fn a_slash_between_version_and_product_is_understood() {
        let read = parse_username(
            "hub.test/d/m/api-version=2017-06-30/DeviceClientType=Microsoft.Azure.Devices.Client/1.5.1-preview-003",
        )
        .unwrap();
        assert_eq!(read.module.as_deref(), Some("m"));
        assert_eq!(read.api_version.as_deref(), Some("2017-06-30"));
        assert_eq!(read.product.as_deref(), Some("Microsoft.Azure.Devices.Client/1.5.1-preview-003"));
    }

    #[test]
    fn what_names_no_device_is_refused() {
        for text in ["", "hub.test", "hub.test/", "/d", "hub.test//?api-version=1"] {
            assert_eq!(parse_username(text), Err(Refused::Username(text.to_owned())), "{text}");
        }
    }
}
