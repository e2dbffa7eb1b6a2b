//! Which operation a request asks for. Words of a path are compared without case, slashes in excess do not count (hub-service.md §2.1).

use http::Method;
use muster_identity::{DeviceId, IdError, Right};
use percent_encoding::percent_decode_str;

use crate::twin;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operation {
    ListDevices,
    ReadDevice(DeviceId),
    WriteDevice(DeviceId),
    DeleteDevice(DeviceId),
    ListModules(DeviceId),
    /// Ours, for the operator: why the device was last disconnected or refused.
    LastDisconnect(DeviceId),
    ReadTwin(DeviceId),
    EditTwin(DeviceId, twin::Method),
    DeviceStatistics,
    ServiceStatistics,
    /// Ours: the event log, for `muster events tail`.
    ReadEvents,
    /// Ours: what each partition holds.
    ReadPartitions,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RouteError {
    NotFound,
    Method,
    DeviceId(IdError),
    /// Azure has it, this hub not yet.
    NotSupported(&'static str),
}

impl Operation {
    /// Twins need ServiceConnect, whatever else a policy may do (§1.3).
    pub(crate) fn needs(&self) -> Right {
        match self {
            Self::ListDevices
            | Self::ReadDevice(_)
            | Self::ListModules(_)
            | Self::LastDisconnect(_)
            | Self::DeviceStatistics
            | Self::ServiceStatistics => Right::RegistryRead,
            Self::WriteDevice(_) | Self::DeleteDevice(_) => Right::RegistryWrite,
            Self::ReadTwin(_) | Self::EditTwin(..) | Self::ReadEvents | Self::ReadPartitions => {
                Right::ServiceConnect
            }
        }
    }
}

/// `instead` is `X-HTTP-Method-Override`: Java has no PATCH and sends POST with it.
pub(crate) fn route(method: &Method, instead: Option<&str>, path: &str) -> Result<Operation, RouteError> {
    let method = match instead {
        Some(instead) if *method == Method::POST => instead.to_ascii_uppercase(),
        Some(_) | None => method.as_str().to_owned(),
    };
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let words: Vec<String> = segments.iter().map(|segment| segment.to_ascii_lowercase()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match (words.as_slice(), method.as_str()) {
        (["devices"], "GET") => Ok(Operation::ListDevices),
        (["devices"], "POST") => Err(RouteError::NotSupported("bulk registry operations")),
        (["devices", "query"], "POST") => Err(RouteError::NotSupported("queries")),
        (["devices", _], "GET") => Ok(Operation::ReadDevice(id(segments[1])?)),
        (["devices", _], "PUT") => Ok(Operation::WriteDevice(id(segments[1])?)),
        (["devices", _], "DELETE") => Ok(Operation::DeleteDevice(id(segments[1])?)),
        (["devices", _, "modules"], "GET") => Ok(Operation::ListModules(id(segments[1])?)),
        (["devices", _, "modules", ..] | ["twins", _, "modules", ..], _) => {
            Err(RouteError::NotSupported("module identities"))
        }
        (["devices", _, "lastdisconnect"], "GET") => Ok(Operation::LastDisconnect(id(segments[1])?)),
        (["twins", _], "GET") => Ok(Operation::ReadTwin(id(segments[1])?)),
        (["twins", _], "PATCH") => Ok(Operation::EditTwin(id(segments[1])?, twin::Method::Merge)),
        (["twins", _], "PUT") => Ok(Operation::EditTwin(id(segments[1])?, twin::Method::Replace)),
        (["twins", _, "methods"], _) => Err(RouteError::NotSupported("direct methods")),
        (["statistics", "devices"], "GET") => Ok(Operation::DeviceStatistics),
        (["statistics", "service"], "GET") => Ok(Operation::ServiceStatistics),
        (["events"], "GET") => Ok(Operation::ReadEvents),
        (["events", "partitions"], "GET") => Ok(Operation::ReadPartitions),
        (["configurations", ..], _) => Err(RouteError::NotSupported("configurations")),
        (["jobs", ..], _) => Err(RouteError::NotSupported("jobs")),
        (["digitaltwins", ..], _) => Err(RouteError::NotSupported("digital twins")),
        (
            ["devices"]
            | ["devices", _]
            | ["devices", _, "lastdisconnect"]
            | ["twins", _]
            | ["statistics", "devices" | "service"]
            | ["events"]
            | ["events", "partitions"],
            _,
        ) => Err(RouteError::Method),
        (_, _) => Err(RouteError::NotFound),
    }
}

/// Ids are encoded once. What is not UTF-8 after that is not an id either.
fn id(segment: &str) -> Result<DeviceId, RouteError> {
    DeviceId::parse(&percent_decode_str(segment).decode_utf8_lossy()).map_err(RouteError::DeviceId)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(text: &str) -> DeviceId {
        DeviceId::parse(text).unwrap()
    }

    #[test]
    fn paths_as_the_sdks_send_them() {
        use Operation::*;
        let cases = [
            ("GET", "/devices", ListDevices),
            ("GET", "/devices/", ListDevices),
            ("GET", "//Devices//d", ReadDevice(device("d"))),
            ("GET", "/devices/query", ReadDevice(device("query"))),
            ("PUT", "/devices/D-1", WriteDevice(device("D-1"))),
            ("DELETE", "/devices/a%2Bb%23%3F/", DeleteDevice(device("a+b#?"))),
            ("GET", "/devices/d/modules", ListModules(device("d"))),
            ("GET", "/devices/d/lastDisconnect", LastDisconnect(device("d"))),
            ("GET", "/twins/d", ReadTwin(device("d"))),
            ("PATCH", "/TWINS/d", EditTwin(device("d"), twin::Method::Merge)),
            ("PUT", "/twins/d", EditTwin(device("d"), twin::Method::Replace)),
            ("GET", "/statistics/devices", DeviceStatistics),
            ("GET", "/statistics/service", ServiceStatistics),
            ("GET", "/events", ReadEvents),
            ("GET", "/events/partitions", ReadPartitions),
        ];
        for (method, path, operation) in cases {
            let method = method.parse().unwrap();
            assert_eq!(route(&method, None, path), Ok(operation), "{method} {path}");
        }
    }

    #[test]
    fn java_patches_by_post() {
        let patch = Ok(Operation::EditTwin(device("d"), twin::Method::Merge));
        assert_eq!(route(&Method::POST, Some("PATCH"), "/twins/d"), patch);
        assert_eq!(route(&Method::POST, None, "/twins/d"), Err(RouteError::Method));
        assert_eq!(
            route(&Method::GET, Some("DELETE"), "/devices/d"),
            Ok(Operation::ReadDevice(device("d"))),
            "only a POST may be meant otherwise"
        );
    }

    #[test]
    fn what_is_not_here_is_told_apart() {
        assert_eq!(route(&Method::GET, None, "/nowhere"), Err(RouteError::NotFound));
        assert_eq!(route(&Method::DELETE, None, "/twins/d"), Err(RouteError::Method));
        assert_eq!(route(&Method::POST, None, "/devices/query"), Err(RouteError::NotSupported("queries")));
        assert!(matches!(route(&Method::GET, None, "/devices/a%20b"), Err(RouteError::DeviceId(_))));
        assert!(matches!(route(&Method::GET, None, "/devices/%2F"), Err(RouteError::DeviceId(_))));
    }
}
