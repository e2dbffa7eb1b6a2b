//! All profiles with all their versions. Pure.

use std::{collections::BTreeMap, sync::Arc};

use super::Profile;

/// By name; a version is never changed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shelf(BTreeMap<String, Versions>);

/// Oldest first, from version 1 on without a gap.
#[derive(Debug, Clone, Default)]
struct Versions(Vec<Version>);

#[derive(Debug, Clone)]
enum Version {
    Profile(Arc<Profile>),
    /// From here on it is no more.
    Retired,
    /// Written by a later release, or by hand.
    Unreadable,
}

impl Shelf {
    /// `device` is the latest version, `device@3` that one; none of a profile that is no more.
    pub(crate) fn find(&self, name: &str) -> Option<Arc<Profile>> {
        let (name, version) = match name.split_once('@') {
            Some((name, version)) => (name, Some(version.parse::<usize>().ok()?)),
            None => (name, None),
        };
        let versions = &self.0.get(name)?.0;
        let (Some(Version::Profile(_) | Version::Unreadable), at) =
            (versions.last(), version.unwrap_or(versions.len()))
        else {
            return None;
        };
        match versions.get(at.checked_sub(1)?)? {
            Version::Profile(profile) => Some(Arc::clone(profile)),
            Version::Retired | Version::Unreadable => None,
        }
    }

    /// The latest versions of those that are.
    pub(crate) fn latest(&self) -> Vec<Arc<Profile>> {
        self.0.keys().filter_map(|name| self.find(name)).collect()
    }

    pub(crate) fn names(&self) -> usize {
        self.0.len()
    }

    /// The number that the next version of that name gets.
    pub(crate) fn next_version(&self, name: &str) -> u32 {
        let versions = self.0.get(name).map_or(0, |versions| versions.0.len());
        u32::try_from(versions).unwrap_or(u32::MAX).saturating_add(1)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn push(&mut self, profile: Profile) {
        let name = profile.id.name.clone();
        self.put(&name, Version::Profile(Arc::new(profile)));
    }

    pub(crate) fn retire(&mut self, name: &str) {
        self.put(name, Version::Retired);
    }

    pub(crate) fn push_unreadable(&mut self, name: &str) {
        self.put(name, Version::Unreadable);
    }

    fn put(&mut self, name: &str, version: Version) {
        self.0.entry(name.to_owned()).or_default().0.push(version);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf() -> Shelf {
        let mut shelf = Shelf::default();
        for profile in Profile::built_in().unwrap() {
            shelf.push(profile);
        }
        shelf
    }

    fn device(version: u32) -> Profile {
        let source = include_str!("../../profiles/device.toml");
        Profile::parse(source, version).unwrap()
    }

    #[test]
    fn a_name_is_its_latest_version_and_a_version_stays_what_it_was() {
        let mut shelf = shelf();
        shelf.push(device(shelf.next_version("device")));
        assert_eq!(shelf.find("device").unwrap().id.to_string(), "device@2");
        assert_eq!(shelf.find("device@1").unwrap().id.to_string(), "device@1");
        for none in ["device@0", "device@3", "device@", "device@x", "none", "none@1"] {
            assert!(shelf.find(none).is_none(), "{none}");
        }
    }

    #[test]
    fn a_profile_that_is_no_more_is_found_by_no_version_until_there_is_another() {
        let mut shelf = shelf();
        shelf.retire("device");
        assert!(shelf.find("device").is_none() && shelf.find("device@1").is_none());
        assert!(shelf.latest().iter().all(|profile| profile.id.name != "device"));
        shelf.push(device(shelf.next_version("device")));
        assert_eq!(shelf.find("device").unwrap().id.to_string(), "device@3");
        assert!(shelf.find("device@2").is_none());
    }
}
