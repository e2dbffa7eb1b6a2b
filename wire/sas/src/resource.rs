//! Which resources a token opens.

use percent_encoding::percent_decode_str;

/// Whether `granted` (a token's `resource`, decoded once) is `requested` or a parent of it, by whole segments.
///
/// A scheme, a port and the slashes around are not compared, nor is letter case (hub-device.md §3.1). `requested` is ours and
/// written plainly: `{host}/devices/{id}`.
pub fn resource_covers(granted: &str, requested: &str) -> bool {
    let granted = segments(granted);
    let requested = segments(requested);
    let granted = without_api_version(&granted);
    // An empty `sr` would be a prefix of everything.
    !granted.is_empty()
        && granted.len() <= requested.len()
        && granted.iter().zip(&requested).all(|(granted, requested)| same(granted, requested))
}

fn segments(resource: &str) -> Vec<&str> {
    let resource = resource.split_once("://").map_or(resource, |(_scheme, rest)| rest).trim_matches('/');
    if resource.is_empty() {
        return Vec::new();
    }
    let mut segments: Vec<_> = resource.split('/').collect();
    if let Some(host) = segments.first_mut() {
        *host = without_port(host);
    }
    segments
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Old tools wrote `…/devices/{id}/api-version=…`. Tolerated only behind a complete identity: an id may look like that itself, and a
/// token for such a device must not turn into one for all devices.
fn without_api_version<'a, 'b>(granted: &'a [&'b str]) -> &'a [&'b str] {
    match granted {
        [identity @ .., last]
            if last.trim_start_matches('?').starts_with("api-version=") && is_identity(identity) =>
        {
            identity
        }
        _ => granted,
    }
}

fn is_identity(segments: &[&str]) -> bool {
    match segments {
        [_host, devices, _device] => devices.eq_ignore_ascii_case("devices"),
        [_host, devices, _device, modules, _module] => {
            devices.eq_ignore_ascii_case("devices") && modules.eq_ignore_ascii_case("modules")
        }
        _ => false,
    }
}

/// C# and IoT Edge encode the ids, then the whole: after one decoding an id may still be encoded, or may be an id with a
/// percent sign in it. Both readings are allowed.
fn same(granted: &str, requested: &str) -> bool {
    granted.eq_ignore_ascii_case(requested)
        || percent_decode_str(granted)
            .decode_utf8()
            .is_ok_and(|decoded| decoded.eq_ignore_ascii_case(requested))
}
