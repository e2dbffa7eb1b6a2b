//! Where a device goes, given where it was: stay, move with its data, move without (dps.md §9.3).

use muster_enrollment_policies::NoHub;
use muster_identity::{Authentication, DeviceId, HostName, RegistrationId};

use super::record::{Arrival, Place, Plan, Record, Substatus};
use crate::{
    allocation::{Linked, allocate},
    enrollment::{Enrollment, OnReturn},
    trace::Steps,
};

/// A verified device, as the plan needs it.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) id: &'a RegistrationId,
    pub(crate) device_id: DeviceId,
    pub(crate) authentication: Authentication,
    pub(crate) enrollment: &'a Enrollment,
}

pub(crate) fn plan(
    wanted: Wanted<'_>,
    previous: Option<&Record>,
    linked: &[Linked],
    steps: &mut Steps,
) -> Result<Plan, NoHub> {
    let Wanted { id, device_id, authentication, enrollment } = wanted;
    let is_linked = |place: &&Place| linked.iter().any(|hub| hub.host == place.hub);
    let former = previous.and_then(|record| record.home.as_ref());
    let home = former.filter(is_linked);
    let in_flight = previous.and_then(Record::in_flight);
    let rule = enrollment.reprovision.rule();

    let current = home.or(in_flight.map(|plan| &plan.to)).filter(is_linked);
    let hub = match (rule, current) {
        (OnReturn::Stay, Some(current)) => {
            steps.noted(
                "reprovision",
                format_args!("the device stays on {}, as its enrollment says", current.hub),
            );
            current.hub.clone()
        }
        (OnReturn::Stay | OnReturn::MoveWithData | OnReturn::MoveAndReset, _) => {
            allocate(id, &enrollment.allocation, linked, steps)?
        }
    };
    let to = Place { hub, device: same_device(device_id, current) };
    let (arrival, substatus) = arrive(&to, former, home, in_flight, rule);
    note(steps, &to.hub, former, substatus);

    let moved_from = home.filter(|home| home.device == to.device);
    let strays = previous.into_iter().flat_map(|record| &record.strays);
    let in_flight = in_flight.into_iter().flat_map(|plan| plan.leaves.iter().chain([&plan.to]));
    let mut leaves: Vec<Place> = Vec::new();
    for place in moved_from.into_iter().chain(strays).chain(in_flight).filter(is_linked) {
        if *place != to && !leaves.contains(place) {
            leaves.push(place.clone());
        }
    }
    Ok(Plan {
        to,
        arrival,
        twin: enrollment.initial_twin.clone().unwrap_or_default(),
        authentication,
        capabilities: enrollment.capabilities,
        certificate: None,
        leaves,
        substatus,
    })
}

fn arrive(
    to: &Place,
    former: Option<&Place>,
    home: Option<&Place>,
    in_flight: Option<&Plan>,
    rule: OnReturn,
) -> (Arrival, Substatus) {
    let sources = || {
        let on_the_way = in_flight.map(|plan| &plan.to).filter(|place| place.device == to.device);
        home.into_iter().chain(on_the_way).filter(|place| *place != to).cloned().collect()
    };
    match (former, home) {
        (None, _) => (Arrival::Fresh, Substatus::InitialAssignment),
        // Its hub is not linked any more: nobody can fetch its data.
        (Some(_), None) => (Arrival::Fresh, Substatus::DeviceDataReset),
        // Another `deviceId` is another device; the old one stays in place (dps.md §9.3).
        (Some(_), Some(home)) if home.device != to.device => (Arrival::Fresh, Substatus::InitialAssignment),
        (Some(_), Some(home)) if home == to => {
            (Arrival::Keep(sources()), Substatus::ReprovisionedToInitialAssignment)
        }
        (Some(_), Some(_)) => match rule {
            OnReturn::Stay | OnReturn::MoveWithData => {
                (Arrival::Bring(sources()), Substatus::DeviceDataMigrated)
            }
            OnReturn::MoveAndReset => (Arrival::Fresh, Substatus::DeviceDataReset),
        },
    }
}

/// A registration id has no case, a device id has: whoever comes back with other letters is still the same device.
fn same_device(wanted: DeviceId, current: Option<&Place>) -> DeviceId {
    match current {
        Some(current) if current.device.as_str().eq_ignore_ascii_case(wanted.as_str()) => {
            current.device.clone()
        }
        _ => wanted,
    }
}

fn note(steps: &mut Steps, hub: &HostName, former: Option<&Place>, substatus: Substatus) {
    match former {
        None => steps.noted("reprovision", "the device was never assigned before"),
        Some(former) => steps.noted(
            "reprovision",
            format_args!("the device was on {} and goes to {hub}: {}", former.hub, substatus.as_str()),
        ),
    }
}
