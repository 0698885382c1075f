//! What drivers say about the other end of the cable, by the netlink form of ethtool.

use std::collections::HashMap;

use serde::Serialize;

use crate::{
    attribute::{Attribute, attributes},
    error::Failure,
    generic::{Family, Generic, HEADER},
};

// include/uapi/linux/ethtool_netlink.h
const ETHTOOL_MSG_LINKMODES_GET: u8 = 4;
const ETHTOOL_MSG_LINKSTATE_GET: u8 = 6;
/// `ETHTOOL_A_LINKMODES_HEADER`, `ETHTOOL_A_LINKSTATE_HEADER`
const HEADER_NEST: u16 = 1;
const ETHTOOL_A_HEADER_DEV_INDEX: u16 = 1;
const ETHTOOL_A_HEADER_DEV_NAME: u16 = 2;
const ETHTOOL_A_LINKSTATE_LINK: u16 = 2;
const ETHTOOL_A_LINKMODES_AUTONEG: u16 = 2;
const ETHTOOL_A_LINKMODES_SPEED: u16 = 5;
const ETHTOOL_A_LINKMODES_DUPLEX: u16 = 6;
const SPEED_UNKNOWN: u32 = u32::MAX;

/// What the driver of a link says. `None` is what it does not know.
#[derive(Debug, Default, Clone, PartialEq, Serialize)]
pub(crate) struct LinkState {
    pub(crate) index: u32,
    pub(crate) name: String,
    /// Somebody is there at the other end.
    pub(crate) link: Option<bool>,
    /// Megabits per second.
    pub(crate) speed: Option<u32>,
    /// `half` or `full`.
    pub(crate) duplex: Option<&'static str>,
    /// Speed and duplex were agreed upon with the other end.
    pub(crate) autoneg: Option<bool>,
    /// Name of the driver.
    pub(crate) driver: Option<String>,
    /// Address of the device on its bus, as the driver tells it: `0000:00:03.0`.
    pub(crate) bus: Option<String>,
}

/// Every link of the socket's namespace whose driver says anything.
pub(crate) fn dump(generic: &mut Generic) -> Result<Vec<LinkState>, Failure> {
    let states = ask(generic, ETHTOOL_MSG_LINKSTATE_GET, parse_state)?;
    let mut links: HashMap<u32, LinkState> =
        states.into_iter().map(|link| (link.index, link)).collect();
    for modes in ask(generic, ETHTOOL_MSG_LINKMODES_GET, parse_modes)? {
        let link = links.get(&modes.index).and_then(|found| found.link);
        links.insert(modes.index, LinkState { link, ..modes });
    }
    let mut links: Vec<_> = links.into_values().collect();
    links.sort_by_key(|link| link.index);
    for link in &mut links {
        // The netlink form of ethtool has no message for it.
        let Ok((driver, bus)) = generic.socket.driver_of(&link.name) else {
            continue;
        };
        (link.driver, link.bus) = (told(driver), told(bus));
    }
    Ok(links)
}

fn told(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn ask(
    generic: &mut Generic,
    command: u8,
    parse: impl Fn(&[u8]) -> Option<LinkState>,
) -> Result<Vec<LinkState>, Failure> {
    let family = generic.number_of(Family::Ethtool)?;
    // `struct genlmsghdr`: command, version, two bytes of nothing. A dump of all links needs no more.
    generic.socket.dump(family, &[command, 1, 0, 0], |message| {
        (message.kind == family)
            .then(|| parse(message.body))
            .flatten()
    })
}

/// One answer to `ETHTOOL_MSG_LINKSTATE_GET`; `None` when it does not say of which link.
pub(crate) fn parse_state(body: &[u8]) -> Option<LinkState> {
    let mut state = of_link(body)?;
    for found in attributes(body, HEADER) {
        if found.kind == ETHTOOL_A_LINKSTATE_LINK {
            state.link = flag(found);
        }
    }
    Some(state)
}

/// One answer to `ETHTOOL_MSG_LINKMODES_GET`; `None` when it does not say of which link.
pub(crate) fn parse_modes(body: &[u8]) -> Option<LinkState> {
    let mut state = of_link(body)?;
    for found in attributes(body, HEADER) {
        match found.kind {
            ETHTOOL_A_LINKMODES_AUTONEG => state.autoneg = flag(found),
            ETHTOOL_A_LINKMODES_SPEED => {
                state.speed = found.u32().filter(|speed| *speed != SPEED_UNKNOWN);
            }
            ETHTOOL_A_LINKMODES_DUPLEX => {
                state.duplex = match found.u8() {
                    Some(0) => Some("half"),
                    Some(1) => Some("full"),
                    _ => None,
                };
            }
            _ => {}
        }
    }
    Some(state)
}

fn of_link(body: &[u8]) -> Option<LinkState> {
    let mut state = LinkState::default();
    let header = attributes(body, HEADER).find(|found| found.kind == HEADER_NEST)?;
    for found in header.nested() {
        match found.kind {
            ETHTOOL_A_HEADER_DEV_INDEX => state.index = found.u32()?,
            ETHTOOL_A_HEADER_DEV_NAME => state.name = found.text(),
            _ => {}
        }
    }
    (state.index != 0).then_some(state)
}

fn flag(found: Attribute<'_>) -> Option<bool> {
    found.u8().map(|value| value != 0)
}

#[cfg(test)]
mod tests {
    use super::{LinkState, parse_modes, parse_state};

    fn attribute(kind: u8, value: &[u8]) -> Vec<u8> {
        let length = u8::try_from(4 + value.len()).unwrap();
        let mut bytes = vec![length, 0, kind, 0];
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn answer(attributes: &[Vec<u8>]) -> Vec<u8> {
        let header = [attribute(1, &7_u32.to_ne_bytes()), attribute(2, b"e0\0")].concat();
        [vec![4, 1, 0, 0], attribute(1, &header), attributes.concat()].concat()
    }

    #[test]
    fn what_a_driver_does_not_know_is_none() {
        let known = answer(&[
            attribute(2, &[1]),
            attribute(5, &10_000_u32.to_ne_bytes()),
            attribute(6, &[1]),
        ]);
        let expected = LinkState {
            index: 7,
            name: "e0".to_owned(),
            link: None,
            speed: Some(10_000),
            duplex: Some("full"),
            autoneg: Some(true),
            driver: None,
            bus: None,
        };
        assert_eq!(parse_modes(&known), Some(expected));
        let unknown = answer(&[attribute(5, &[0xff; 4]), attribute(6, &[0xff])]);
        let modes = parse_modes(&unknown).unwrap();
        assert_eq!(
            (modes.speed, modes.duplex, modes.autoneg),
            (None, None, None)
        );
        assert_eq!(
            parse_state(&answer(&[attribute(2, &[0])])).unwrap().link,
            Some(false)
        );
        assert_eq!(parse_state(&answer(&[])).unwrap().link, None);
        assert_eq!(parse_state(&[6, 1, 0, 0]), None);
    }

    #[test]
    fn survives_every_truncation_and_every_wrong_length() {
        let answer = answer(&[
            attribute(2, &[1]),
            attribute(5, &[0; 4]),
            attribute(6, &[1]),
        ]);
        crate::fuzz::mangle(&answer, |bytes| {
            let _ = (parse_state(bytes), parse_modes(bytes));
        });
    }
}
