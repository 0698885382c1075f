//! What Netloom does with the Linux kernel's network: netlink sockets, namespaces, links, addresses and routes.
//!
//! Plain Rust without Node types; `netloom-native` wraps it. Policy (what `EEXIST` means, what may be deleted)
//! is decided by the caller.

mod across;
mod address;
mod attribute;
mod batch;
mod block_on;
mod bridge_port;
mod bridge_vlan;
pub mod clock;
mod cni_result;
pub mod counters;
mod digest;
mod dump;
mod error;
mod ethtool;
mod event;
mod fdb;
mod forwarding;
#[cfg(test)]
mod fuzz;
mod generic;
mod inet6;
mod ioctl;
pub mod limits;
pub mod link;
mod link_add;
mod link_change;
mod link_helper;
mod link_kind;
pub mod mac;
mod message;
mod monitor;
mod monitor_groups;
mod nduseropt;
mod neighbor;
pub mod netns;
pub mod netns_id;
mod nexthop;
mod nft;
mod nft_chain;
mod nft_content;
mod nft_expr;
mod nft_load;
mod nft_transaction;
pub mod ns;
mod own;
pub mod peer;
mod prefix;
#[cfg(test)]
mod property;
mod reach;
#[cfg(test)]
mod recorded;
mod request;
mod route;
mod route_change;
mod rule;
mod rule_change;
mod session;
mod socket;
mod sockets;
pub mod solicit;
pub mod sysctl;
mod tun;
pub mod veth;
mod wireguard;
mod wireguard_set;

pub use across::batch_across;
pub use block_on::block_on;
pub use error::{Error, Result};
pub use monitor::{Delivery, Monitor};
pub use reach::Reach;
pub use sockets::Sockets;
