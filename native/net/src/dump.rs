//! Reading whole tables of a namespace by one call.

use nix::errno::Errno;
use serde::Serialize;

use crate::{
    address::{self, Address},
    bridge_vlan::{self, Vlan},
    error::{At, Error, Failure, Result},
    fdb,
    forwarding::{self, Forwarding},
    link::{self, Link},
    neighbor::{self, Neighbor},
    nft::Ruleset,
    route::{self, Route},
    rule::{self, Rule},
    socket::Socket,
};

const OP: &str = "netlink.dump";

/// The tables that were asked for.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Tables {
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<Vec<Link>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    addresses: Option<Vec<Address>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    routes: Option<Vec<Route>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<Vec<Rule>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    neighbors: Option<Vec<Neighbor>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fdb: Option<Vec<fdb::Entry>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vlans: Option<Vec<Vlan>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forwarding: Option<Vec<Forwarding>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nft: Option<Ruleset>,
}

/// What another socket is asked for.
const NFT: &str = "nft";

/// Reads the tables named in the JSON array `what`, that of nftables by `ruleset`. `place` is for errors.
pub(crate) fn tables(
    socket: &mut Socket,
    ruleset: impl Fn() -> Result<Ruleset>,
    place: &str,
    what: &str,
) -> Result<Tables> {
    let wanted: Vec<String> =
        serde_json::from_str(what).map_err(|error| Error::invalid(OP, what, error.to_string()))?;
    let mut tables = Tables::default();
    for name in wanted {
        if name == NFT {
            tables.nft = Some(ruleset()?);
            continue;
        }
        read(socket, &mut tables, &name)
            .unwrap_or_else(|| {
                let names =
                    "links, addresses, routes, rules, neighbors, fdb, vlans, forwarding, nft";
                Err(Failure {
                    errno: Errno::EINVAL,
                    text: Some(format!("not one of {names}")),
                })
            })
            .at(OP, format!("{name} of {place}"))?;
    }
    Ok(tables)
}

/// `None` when no table has that name.
fn read(socket: &mut Socket, tables: &mut Tables, name: &str) -> Option<Result<(), Failure>> {
    fn keep<T>(place: &mut Option<Vec<T>>, read: Result<Vec<T>, Failure>) -> Result<(), Failure> {
        read.map(|objects| *place = Some(objects))
    }
    Some(match name {
        "links" => keep(&mut tables.links, link::dump(socket)),
        "addresses" => keep(&mut tables.addresses, address::dump(socket)),
        "routes" => keep(&mut tables.routes, route::dump(socket)),
        "rules" => keep(&mut tables.rules, rule::dump(socket)),
        "neighbors" => keep(&mut tables.neighbors, neighbor::dump(socket)),
        "fdb" => keep(&mut tables.fdb, fdb::dump(socket)),
        "vlans" => keep(&mut tables.vlans, bridge_vlan::dump(socket)),
        "forwarding" => keep(&mut tables.forwarding, forwarding::dump(socket)),
        _ => return None,
    })
}
