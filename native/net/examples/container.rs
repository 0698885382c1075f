//! The flow of seed 004 in four steps: namespaces, a veth pair, the namespace set, operations inside. Prints what a CNI plugin would.
//!
//! `cargo run -p netloom-net --example container`, which makes a kernel network of its own for it.

use std::{
    io::Write,
    net::{TcpListener, TcpStream},
    process::Command,
};

use anyhow::{Context, ensure};
use netloom_net::{
    block_on, link,
    mac::MacAddr,
    ns::{Netns, exec_netns},
    veth::{CniIp, CniRoute, setup_veth},
};

fn main() -> anyhow::Result<()> {
    block_on(flow())
}

async fn flow() -> anyhow::Result<()> {
    // 1. Namespaces for the container and the host.
    let host_ns = Netns::get()?;
    let container_ns = Netns::new_named("container")?;

    // 2. A veth pair between them; the host's end gets a random name.
    let mac = MacAddr::new([0x00, 0x15, 0x5d, 0x1a, 0x1f, 0x1c]);
    let veth = setup_veth("eth0", None, 1400, &mac, &host_ns, &container_ns).await?;
    ip(&["address", "add", "10.9.8.1/24", "dev", &veth.peer.name])?;

    // 3. The container's namespace is set for what follows, on a thread of its own.
    let server = exec_netns(&host_ns, &container_ns, async {
        // 4. Operations inside.
        let eth0 = link::link_by_name("eth0")?;
        ensure!(eth0.up && eth0.mac == Some(mac), "eth0 is {eth0:?}");
        ip(&["address", "add", "10.9.8.2/24", "dev", "eth0"])?;
        ip(&["route", "add", "default", "via", "10.9.8.1"])?;
        Ok(TcpListener::bind("10.9.8.2:0")?)
    })
    .await?;
    // A socket stays where it was opened: this one is the container's, and the host reaches it.
    TcpStream::connect(server.local_addr()?).context("the host reaches the container")?;

    let address = CniIp {
        address: "10.9.8.2/24".to_owned(),
        gateway: Some("10.9.8.1".to_owned()),
        interface: Some(1),
    };
    let route = CniRoute {
        dst: "0.0.0.0/0".to_owned(),
        gw: Some("10.9.8.1".to_owned()),
    };
    let result = veth.to_cni_result(vec![address], vec![route]);
    writeln!(
        std::io::stdout(),
        "{}",
        serde_json::to_string_pretty(&result)?
    )?;
    Netns::delete_named("container")
}

/// Addresses and routes are not part of the seed's library, so the example takes iproute2 for them.
fn ip(arguments: &[&str]) -> anyhow::Result<()> {
    let status = Command::new("ip").args(arguments).status()?;
    ensure!(status.success(), "ip {} failed", arguments.join(" "));
    Ok(())
}
