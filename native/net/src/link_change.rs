//! Changing and deleting links.

use libc::{RTM_DELLINK, RTM_NEWLINK, RTM_SETLINK};
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkMessage};
use nix::errno::Errno;

use crate::{
    error::{At, Error, Failure, Result},
    link::{self, Link},
    link_add::parse_mac,
    link_kind,
    request::{LinkSet, Master, OptionChange},
    socket::{Socket, bytes},
};

const SET: &str = "link.set";
const DEL: &str = "link.del";
const RENAME: &str = "link.rename";

impl LinkSet {
    /// A change of the link `name` that changes nothing yet.
    pub(crate) fn unchanged(name: &str) -> Self {
        let name = name.to_owned();
        Self {
            name,
            up: None,
            mtu: None,
            mac: None,
            master: Master::Unchanged,
            group: None,
            alias: None,
            options: None,
        }
    }
}

/// Sets what is given and leaves the rest.
pub(crate) fn set(socket: &mut Socket, wanted: &LinkSet) -> Result<()> {
    let name = &wanted.name;
    let mut message = by_name(name);
    if let Some(up) = wanted.up {
        message.header.change_mask = LinkFlags::Up;
        message.header.flags = if up {
            LinkFlags::Up
        } else {
            LinkFlags::empty()
        };
    }
    if let Some(mac) = &wanted.mac {
        message
            .attributes
            .push(LinkAttribute::Address(parse_mac(SET, name, mac)?));
    }
    let master = match &wanted.master {
        Master::Unchanged => None,
        Master::Release => Some(0),
        Master::Join(master) => {
            let found = link::get(socket, master);
            Some(found.at(SET, format!("{name} (master {master})"))?.index)
        }
    };
    let attributes = &mut message.attributes;
    attributes.extend(master.map(LinkAttribute::Controller));
    attributes.extend(wanted.mtu.map(LinkAttribute::Mtu));
    attributes.extend(wanted.group.map(LinkAttribute::Group));
    attributes.extend(wanted.alias.clone().map(LinkAttribute::IfAlias));
    socket
        .request(RTM_SETLINK, 0, &bytes(&message))
        .at(SET, name)?;
    wanted
        .options
        .as_ref()
        .map_or(Ok(()), |change| set_options(socket, name, change))
}

/// Gives a link another name. It is meant by its number, since a name in the request is the new one; it may be on
/// (Linux 6.2, `dev_change_name`).
pub(crate) fn rename(socket: &mut Socket, name: &str, to: &str) -> Result<()> {
    let found = link::get(socket, name).at(RENAME, name)?;
    let mut message = LinkMessage::default();
    message.header.index = found.index;
    message.attributes = vec![LinkAttribute::IfName(to.to_owned())];
    socket
        .request(RTM_SETLINK, 0, &bytes(&message))
        .at(RENAME, format!("{name} -> {to}"))
}

/// Only `RTM_NEWLINK` changes what a kind has; `RTM_SETLINK` accepts and ignores it.
fn set_options(socket: &mut Socket, name: &str, change: &OptionChange) -> Result<()> {
    let kind = change.r#type;
    let options = link_kind::read(SET, name, kind, Some(&change.set))?;
    let mut message = by_name(name);
    let info = link_kind::describe(SET, name, kind, options.as_ref(), None, |of| {
        let found = link::get(socket, of).at(SET, format!("{name} (primary {of})"))?;
        Ok(found.index)
    })?;
    message.attributes.push(info);
    socket
        .request(RTM_NEWLINK, 0, &bytes(&message))
        .at(SET, name)
}

/// Switches `lo` of a new namespace on and gives it the owner's group, in one request.
pub(crate) fn own_loopback(socket: &mut Socket, group: u32) -> Result<(), Failure> {
    let mut message = LinkMessage::default();
    message.header.index = 1;
    message.header.flags = LinkFlags::Up;
    message.header.change_mask = LinkFlags::Up;
    message.attributes.push(LinkAttribute::Group(group));
    socket.request(RTM_SETLINK, 0, &bytes(&message))
}

/// Deletes links and returns what could not be deleted, one error a name. Several go by one message, because each
/// separate delete waits for RCU (100 links: 39 ms against 1.6 s). The group that this needs is made for the
/// one call: with the owner's group the kernel would delete everything that is ours.
pub(crate) fn delete(socket: &mut Socket, names: &[String]) -> Vec<Error> {
    let [_, _, ..] = names else {
        return names
            .iter()
            .filter_map(|name| delete_one(socket, name).err())
            .collect();
    };
    let group = match fresh_group() {
        Ok(group) => group,
        Err(failure) => return vec![failure.at(DEL, names.join(", "))],
    };
    let mut errors = Vec::new();
    let mut grouped = Vec::new();
    for name in names {
        match move_to_group(socket, name, group) {
            Ok(link) => grouped.push(link),
            Err(failure) => errors.push(failure.at(DEL, name)),
        }
    }
    if grouped.is_empty() {
        return errors;
    }
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::Group(group));
    if socket.request(RTM_DELLINK, 0, &bytes(&message)).is_err() {
        // One member that cannot be deleted fails the whole group before anything happens. One by one tells which.
        for link in grouped {
            if let Err(error) = delete_one(socket, &link.name) {
                let _ = regroup(socket, &link.name, link.group);
                errors.push(error);
            }
        }
    }
    errors
}

/// Moves a link that can be deleted into `group` and returns what it was before.
fn move_to_group(socket: &mut Socket, name: &str, group: u32) -> Result<Link, Failure> {
    let link = link::get(socket, name)?;
    if link.kind.is_none() {
        let text = Some("not a virtual link, it cannot be deleted".to_owned());
        return Err(Failure {
            errno: Errno::EOPNOTSUPP,
            text,
        });
    }
    regroup(socket, name, group)?;
    Ok(link)
}

fn regroup(socket: &mut Socket, name: &str, group: u32) -> Result<(), Failure> {
    let mut message = by_name(name);
    message.attributes.push(LinkAttribute::Group(group));
    socket.request(RTM_SETLINK, 0, &bytes(&message))
}

fn delete_one(socket: &mut Socket, name: &str) -> Result<()> {
    socket
        .request(RTM_DELLINK, 0, &bytes(&by_name(name)))
        .at(DEL, name)
}

fn by_name(name: &str) -> LinkMessage {
    let mut message = LinkMessage::default();
    message
        .attributes
        .push(LinkAttribute::IfName(name.to_owned()));
    message
}

/// The upper half of the groups that links are deleted by; the lower one is random. Whoever finds a link in such a group after a
/// crash knows that it was about to be deleted.
const DOOMED: u32 = 0xde1e_0000;

/// A group that nobody uses.
fn fresh_group() -> Result<u32, Failure> {
    let mut octets = [0; 2];
    std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut octets)?;
    Ok(DOOMED | u32::from(u16::from_ne_bytes(octets)))
}
